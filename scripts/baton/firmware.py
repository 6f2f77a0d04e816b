#!/usr/bin/python3
"""Makes a copy of an OVMF image that does not wait for a TPM.

usage: firmware.py IN OUT        (IN: Debian's OVMF.fd, the 2 MiB image)

OVMF looks for a TPM twice, 750 ms each, before it does anything else: QEMU answers reads of the
absent device with 0 and not 0xff, so OVMF thinks that it is there but slow. The wait is a loop of
PAUSE instructions, which costs 1.5 s of a boot and, under `-icount shift=0`, more than half a
minute.

The firmware volume is one LZMA stream. This unpacks it, sets the timeouts to 0 and packs it again
in place; nothing else changes. An image that does not look as expected is copied as it is.
"""
import lzma
import sys
import uuid

LZMA_SECTION = uuid.UUID("ee4e5898-3914-4259-9d6e-dc7bd79403cf").bytes_le
TIMEOUT = b"\xb9" + (750000).to_bytes(4, "little")  # mov $750000, %ecx or %r9d
NO_TIMEOUT = b"\xb9" + bytes(4)


def without_tpm_wait(original):
    """The image without the waits; ValueError when it is not as expected."""
    image = bytearray(original)
    # A GUID-defined section: 3 bytes of size, type, GUID, 2 bytes of data offset
    # (UEFI Platform Initialization 1.7, volume 3, 3.2.5.7).
    guid = image.index(LZMA_SECTION)
    start = guid - 4
    end = start + int.from_bytes(image[start:start + 3], "little")
    start += int.from_bytes(image[guid + 16:guid + 18], "little")

    volume = lzma.decompress(image[start:end], format=lzma.FORMAT_ALONE)
    if TIMEOUT not in volume:
        raise ValueError("no timeout found")
    volume = volume.replace(TIMEOUT, NO_TIMEOUT)

    best = {"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 24}
    packed = bytearray(lzma.compress(volume, format=lzma.FORMAT_ALONE, filters=[best]))
    packed[5:13] = len(volume).to_bytes(8, "little")  # EDK2 wants the size, not "unknown"
    if len(packed) > end - start:
        raise ValueError("the packed volume has grown")
    image[start:end] = packed.ljust(end - start, b"\0")
    return bytes(image)


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        image = file.read()
    try:
        image = without_tpm_wait(image)
    except (ValueError, lzma.LZMAError) as error:
        print(f"firmware.py: {source} is used as it is: {error}", file=sys.stderr)
    with open(target, "wb") as file:
        file.write(image)


if __name__ == "__main__":
    main()

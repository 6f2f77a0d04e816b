#!/usr/bin/python3
"""disks.py [CASE...]: boots with disks of each kind: what is read is what the host's file has; what was
written and flushed is in it when QEMU is killed; partitions, sizes and locks are as told; nothing is left
over. The case `idle`: all of them at once, and nobody does anything: nothing interrupts."""
import hashlib
import os
import random
import struct
import sys
import tempfile
import zlib

import harness

MIB = 1 << 20
SIZE = 16 * MIB  # an SD card's is a power of two
PIECE = 300 * 1024 + 512  # what is written, not whole pages
PLACE = 5 * MIB + 512

LARGE = "logical_block_size=4096,physical_block_size=4096"
# What QEMU is asked for, what the disk is called, its blocks.
KINDS = {
    "virtio": (["virtio-blk-pci,drive=d,serial=baton-1"], "vdb", 512),
    "virtio, transitional": (["virtio-blk-pci-transitional,drive=d"], "vdb", 512),
    "virtio, blocks of 4 KiB": ([f"virtio-blk-pci,drive=d,{LARGE}"], "vdb", 4096),
    "virtio without MSI": (["virtio-blk-pci,drive=d,vectors=0"], "vdb", 512),
    "NVMe": (["nvme,drive=d,serial=baton-2"], "nvme0n1", 512),
    "NVMe, blocks of 4 KiB": (["nvme,serial=baton-3", f"nvme-ns,drive=d,{LARGE}"],
                              "nvme0n1", 4096),
    "SATA": (["ahci,id=extra", "ide-hd,bus=extra.0,drive=d,serial=baton-4"], "sda", 512),
    "SD": (["sdhci-pci", "sd-card,drive=d"], "mmcblk0", 512),
    "USB": (["qemu-xhci,id=bus", "usb-storage,bus=bus.0,drive=d,serial=baton-5"], "sda", 512),
    "USB behind a hub": (["qemu-xhci,id=bus", "usb-hub,bus=bus.0,port=1",
                          "usb-storage,bus=bus.0,port=1.1,drive=d"], "sda", 512),
}
# Those that are not part of the machine are not locked.
FREE = ("USB", "USB behind a hub")

SCRIPT = r"""
disk=$1
until [ -b /dev/$2 ]; do sleep 0.1; done
frames() { grep -e kernel -e page_cache -e device /proc/baton/frames; }
cat /sys/block/$disk/size /sys/block/$disk/queue/logical_block_size /sys/block/$disk/ro
md5sum < /dev/$disk
md5sum < /dev/$2
[ $5 = locked ] && echo x | dd of=/dev/$disk 2>&1 | grep -o 'not permitted' || echo free
blockdev --setrw /dev/$disk
dd if=/dev/$disk of=/dev/null bs=64k 2> /dev/null
frames > /before; frames > /after # both are there when they count
frames > /before
dd if=/dev/$disk of=/dev/null bs=64k 2> /dev/null
dd if=/pattern of=/dev/$disk bs=512 seek=$3 conv=fsync,notrunc 2> /dev/null || echo write failed
frames > /after
cmp /before /after && echo kept
dd if=/dev/$disk bs=512 skip=$3 count=$4 2> /dev/null | cmp - /pattern && echo same
echo synced
sleep 1000
"""


def table(size, block):
    """A disk of random bytes with a GPT of two parts; (bytes, the second part's bytes)."""
    random.seed(block)
    disk = bytearray(random.randbytes(size))
    blocks = size // block
    first, last = MIB // block, 4 * MIB // block - 1
    entries = bytearray(128 * 128)
    for index, (begin, end) in enumerate(((first, last), (last + 1, 2 * last))):
        struct.pack_into("<16s16sQQQ", entries, 128 * index, b"kind of the part", bytes([index + 1] * 16),
                         begin, end, 0)
    span = len(entries) // block

    def header(own, other, at):
        result = bytearray(92)
        struct.pack_into("<8sIIIIQQQQ16sQIII", result, 0, b"EFI PART", 0x10000, 92, 0, 0, own, other,
                         2 + span, blocks - 2 - span, b"the disk's guid.", at, 128, 128,
                         zlib.crc32(entries))
        struct.pack_into("<I", result, 16, zlib.crc32(result))
        return result.ljust(block, b"\0")

    disk[:block] = bytes(block)
    struct.pack_into("<4xB3xII", disk, 446, 0xee, 1, blocks - 1)
    disk[510:512] = b"\x55\xaa"
    disk[block:(2 + span) * block] = header(1, blocks - 1, 2) + entries
    disk[(blocks - 1 - span) * block:] = entries + header(blocks - 1, 1, blocks - 1 - span)
    return disk, disk[(last + 1) * block:(2 * last + 1) * block]


def md5(data):
    return hashlib.md5(data).hexdigest() + "  -"


def one_kind(tap, name, machine):
    devices, disk, block = KINDS[name]
    free = name in FREE
    name = f"{name} on {machine}"
    contents, part = table(SIZE, block)
    pattern = random.randbytes(PIECE)
    second = disk + ("p2" if disk[-1].isdigit() else "2")
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, "disk.img")
        root = os.path.join(folder, "root")
        os.mkdir(root)
        for path, data in ((image, contents), (os.path.join(root, "pattern"), pattern),
                           (os.path.join(root, "script"), SCRIPT.encode())):
            with open(path, "wb") as file:
                file.write(data)
        qemu = " ".join([f"-drive if=none,id=d,format=raw,file={image}",
                         *(f"-device {device}" for device in devices)])
        options = harness.Options(machine=machine, root=[root], qemu=[qemu], debug_kernel=True,
                                  timeout=harness.TIMEOUT)
        arguments = ["busybox", "sh", "/script", disk, second, str(PLACE // 512), str(PIECE // 512),
                     "free" if free else "locked"]
        with harness.Machine(options, arguments, stdio="merged") as guest:
            done = guest.wait(lambda: b"synced" in guest.output.data or guest.cause, harness.TIMEOUT)
            lines = guest.output.data.decode(errors="replace").splitlines()
            notes = [*lines, *guest.log.tail(30)]
            tap.check(done and not guest.cause, f"{name}: it gets through", *notes)
        with open(image, "rb") as file:
            after = file.read()
    tap.equal(lines[:3], [str(SIZE // 512), str(block), "0" if free else "1"],
              f"{name}: size, blocks, lock")
    tap.equal(lines[3:5], [md5(contents), md5(part)], f"{name}: what is read")
    tap.equal(lines[5:6], ["free" if free else "not permitted"], f"{name}: whether it is locked")
    tap.check(lines[6:8] == ["kept", "same"], f"{name}: memory comes back, what was written is seen",
              *notes)
    contents[PLACE:PLACE + PIECE] = pattern
    tap.check(after == contents, f"{name}: what was flushed is there when QEMU was killed")


# All that is driven, in one machine.
ALL = [*(f"-drive if=none,id={name},driver=null-co,size=64M"
         for name in ("virtio", "nvme", "sata", "sd", "usb")),
       "-device virtio-blk-pci,drive=virtio", "-device nvme,drive=nvme,serial=1",
       "-device ahci,id=extra", "-device ide-hd,bus=extra.0,drive=sata",
       "-device sdhci-pci", "-device sd-card,drive=sd", "-device qemu-xhci,id=bus",
       "-device usb-hub,bus=bus.0,port=1", "-device usb-storage,bus=bus.0,port=1.1,drive=usb",
       "-device usb-kbd,bus=bus.0,port=2"]
# Interrupts of devices, and of the timers of all processors, while somebody sleeps; before that the last
# timer of a request has to have ended (kernel/device/disk.h: DISK_PATIENCE).
IDLE = r"""
until [ -b /dev/sdb ]; do sleep 0.1; done
ls /dev/vdb /dev/nvme0n1 /dev/sda /dev/mmcblk0 > /dev/null || echo a disk is missing
interrupts() {
    awk -v kind="$1" '$1 ~ kind { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i } END { print sum + 0 }' $2
}
sleep 12
cat /proc/interrupts > /before
sleep 5
cat /proc/interrupts > /after
for kind in '^[0-9]+:' LOC: ; do echo $(($(interrupts $kind /after) - $(interrupts $kind /before))); done
"""
TIMERS_MOST = 8  # two programs that begin and end, and a sleep


def idle(tap):
    machine = harness.run(["busybox", "sh", "-c", IDLE], qemu=ALL, smp=2)
    said = machine.output.data.decode(errors="replace").split()
    good = machine.status == 0 and len(said) == 2 and said[0] == "0" and int(said[1]) <= TIMERS_MOST
    tap.check(good, "nothing interrupts a machine in which nothing happens", said, harness.describe(machine))


def test(tap):
    kinds = [f"{name} on {machine}" for name in KINDS for machine in ("q35", "pc")]
    for case in sys.argv[1:] or [*kinds, "idle"]:
        if case == "idle":
            idle(tap)
            continue
        name, machine = case.rsplit(" on ", 1)
        one_kind(tap, name, machine)


if __name__ == "__main__":
    sys.exit(harness.main(test))

"""Cases of the ill-behaved firmware: memory maps, screens, files and options that are odd."""
import struct

from firmware_case import boots, halts, refuses
from firmware_cases_loader import (AGAIN, BOOT_DATA, CONVENTIONAL, ENTRY, FINAL, INITRD, KERNEL, LINUX, PROBE,
                                   RAM_DISK, RESERVED, SNAPSHOT, entry)

from baton import compression, cpio

LAST = 99  # of the loader's calls of GetMemoryMap: it gives up long before


def map_cases():
    final = "final memory map cannot be used"
    yield boots("map: descriptors of 4096 bytes", ["map-stride 4096"])
    yield refuses("map: descriptors of 44 bytes", ["map-stride 44"], "44")
    yield refuses("map: another stride in the snapshot", [f"map-step {SNAPSHOT} 56"], "memory map")
    for stride in (0, 8, 56, 1 << 63):
        yield refuses(f"map: a stride of {stride} in the end", [f"map-step {FINAL} {stride:#x} {LAST}"],
                      final)
    yield halts("map: a stride of 0 when the exit has failed", ["exit-stale 1", f"map-step {AGAIN} 0 {LAST}"],
                "memory map")
    yield refuses("map: a probe of 2^63 bytes", [f"map-size {PROBE} 0x8000000000000000"], "memory")
    yield boots("map: a probe of almost 2^64 bytes", [f"map-size {PROBE} 0xfffffffffffffff0"])
    yield boots("map: a probe of 0 bytes", [f"map-size {PROBE} 0"])
    yield refuses("map: a snapshot of 0 bytes", [f"map-size {SNAPSHOT} 0"], "map of memory")
    yield refuses("map: a snapshot of 2^40 bytes", [f"map-size {SNAPSHOT} 0x10000000000"], "memory map")
    for size in (0, 48, 0x10000, 1 << 40):
        yield refuses(f"map: {size} bytes in the end", [f"map-size {FINAL} {size:#x} {LAST}"], final)
    yield boots("map: 35,000 descriptors that cannot be merged", [f"map-split 35000 {BOOT_DATA}"],
                memory="512M")


def type_cases():
    """One kind of memory is called another."""
    tables = ("ls /sys/firmware/acpi/tables", "APIC"), ("exec_basic", "EXEC_OK")
    for text, kind in (("reserved", 0), ("unusable", 8), ("a device", 11), ("persistent", 14), ("free", 7),
                       ("boot services'", 4), ("runtime code", 5), ("ACPI's tables", 9), ("ACPI's NVS", 10)):
        yield refuses(f"map: the loader's memory is {text}", [f"map-type 2 {kind}"],
                      "final memory map cannot be used")
    yield halts("map: no memory is free", ["map-type 7 0"], "too little memory")
    yield boots("map: runtime memory is free", ["map-type 5 7", "map-type 6 7"])
    yield boots("map: runtime code is data", ["map-type 5 6"])
    yield boots("map: nothing has the runtime attribute", ["map-clear 0x8000000000000000"])
    yield boots("map: ACPI's tables are free memory", ["map-type 9 7", "map-type 10 7"])
    yield boots("map: ACPI's tables are reserved", ["map-type 9 0", "map-type 10 0"], typed=tables)
    yield boots("map: ACPI's tables are a device", ["map-type 9 11"])
    yield boots("map: boot services' memory is free", ["map-type 3 7", "map-type 4 7"])
    yield boots("map: the local APIC is free memory", [f"map-add {CONVENTIONAL} 0xfee00000 1 8"],
                "is no memory")
    yield boots("map: all chip sets' registers are free memory",
                [f"map-add {CONVENTIONAL} 0xfec00000 0x1400 8"],
                "is no memory")
    yield boots("map: the first MiB is reserved, 2 processors", [f"map-add {RESERVED} 0 256 8"], smp=2)
    yield boots("map: page 0 is free memory", [f"map-add {CONVENTIONAL} 0 1 8"])
    yield boots("map: attributes nobody knows", [f"map-add {CONVENTIONAL} 0x7000000 16 0x7fffffffffffffff"])


def screen_cases():
    def sized(width, height, stride, *more):
        return [f"screen width {width}", f"screen height {height}", f"screen stride {stride}", *more]

    small = sized(64, 8, 64)
    refused = "no framebuffer"
    yield boots("screen: no mode", ["screen-null mode"])
    yield boots("screen: a mode that tells nothing", ["screen-null information"])
    yield boots("screen: lines longer than they are wide", sized(1273, 800, 1280), "screen: 1273x800")
    yield boots("screen: lines of a prime length", sized(1000, 700, 1021), "screen: 1000x700")
    yield boots("screen: above 4 GiB, where nothing is", ["screen base 0x8000000000"])
    yield boots("screen: beyond the processor's addresses", ["screen base 0x8000000000000"], refused)
    yield boots("screen: at an odd address", ["screen base 0x80000001"], refused)
    for text, base in (("the local APIC", 0xfee00000), ("the I/O APIC", 0xfec00000), ("the HPET", 0xfed00000),
                       ("the flash", 0xffc00000)):
        yield boots(f"screen: in place of {text}", [f"screen base {base:#x}", *small], refused)
    yield boots("screen: of no size", ["screen size 0"], refused)
    yield boots("screen: of any size", ["screen size 0xffffffffffffffff"])
    yield boots("screen: a million pixels wide, one high", sized(1000000, 1, 1000000, "screen size 4000000"))
    yield boots("screen: one pixel wide", sized(1, 1024, 1280))
    yield boots("screen: of almost 2^64 pixels",
                sized(0xffffffff, 0xffffffff, 0xffffffff, "screen size 0xffffffffffffffff"))
    yield boots("screen: of one letter", sized(8, 16, 1280))
    yield boots("screen: of format -1", ["screen format 0xffffffff"])


def file_cases():
    yield refuses("files: a read that wants more room", ["read-fails 9 5"], "buffer too small")
    for size in (0, 100, 1 << 63):
        yield refuses(f"files: information that never fits into {size}", [f"info-small {size:#x}"],
                      "baton.conf")
    yield refuses("files: an initrd of 3 GiB", [f"info-size {INITRD} 0xc0000000"], "initrd.cpio", "memory")
    yield refuses("files: an initrd of 4 GiB", [f"info-size {INITRD} 0x100000000"], "initrd.cpio")
    yield refuses("files: an initrd of 0 bytes", [f"info-size {INITRD} 0"], "initrd.cpio", "empty")
    # No more is read of it than an entry may have.
    yield boots("files: an entry of 3 GiB", [f"info-size {ENTRY} 0xc0000000"])
    yield refuses("files: a kernel of 3 GiB", [f"info-size {KERNEL} 0xc0000000"], "kernel.elf")
    yield refuses("files: a volume without a medium", ["volume-fails 12"], "volume")


def entry_cases():
    text = LINUX + RAM_DISK
    lines = ("#" * 1023 + "\n") * 63
    yield boots("entry: 9,000 lines", entry("#\n" * 9000 + text))
    yield refuses("entry: 40,000 lines", entry("#\n" * 40000 + text), "baton.conf")
    yield boots("entry: 64 KiB", entry(lines + text + "#" * (1023 - len(text)) + "\n"))
    yield refuses("entry: 64 KiB and a byte", entry(lines + text + "#" * (1024 - len(text)) + "\n"), "64 KiB")
    yield refuses("entry: UTF-16 without a mark", entry(text.encode("utf-16-le")), "baton.conf")
    yield refuses("entry: UTF-16, the other way round", entry(b"\xfe\xff" + text.encode("utf-16-be")),
                  "baton.conf")
    yield refuses("entry: two marks", entry(b"\xef\xbb\xbf\xef\xbb\xbf" + text.encode()), "baton.conf")
    yield boots("entry: a title in German", entry("title Bäton ß\n" + text))
    yield boots("entry: a comment in Chinese", entry("# 你好\n" + text))
    yield refuses("entry: a kernel with options behind it",
                  entry("linux /baton/kernel.elf quiet\n" + RAM_DISK),
                  "kernel.elf quiet")
    yield refuses("entry: a kernel without a name", entry("linux\n" + RAM_DISK), "there is no line")
    yield refuses("entry: a path of 300 letters", entry("linux /" + "x" * 300 + "\n" + RAM_DISK), "line 1")
    yield refuses("entry: double slashes", entry("linux //baton//kernel.elf\n" + RAM_DISK), "line 1")
    yield boots("entry: a path without its first slash", entry("linux baton/kernel.elf\n" + RAM_DISK))
    yield boots("entry: other keys in capitals", entry("LINUX /x\n" + text))
    yield boots("entry: two lines of options", entry(text + "options quiet\noptions nokaslr\n"),
                "kernel at 0xffffffff80000000|EXEC_OK")
    yield refuses("entry: 5,000 letters of options", entry(text + ("options " + "x" * 2500 + "\n") * 2),
                  "line")
    yield refuses("entry: a program that is not there", entry("efi /x\n" + RAM_DISK), "/x", "not found")


def options_cases():
    def wide(text):
        return "load-options " + text.encode("utf-16-le").hex()

    yield boots("options: one byte", ["load-options 6e"], "ignored")
    yield boots("options: NULs", ["load-options " + "00" * 40])
    yield boots("options: a size and no place", ["load-options-size 100", "load-options-at 0"])
    yield boots("options: 4 GiB of them", [wide("n" * 20 + "\0"), "load-options-size 0xffffffff"])
    yield boots("options: half a load option",
                ["load-options " + (struct.pack("<IH", 1, 0xffff) + "x\0".encode("utf-16-le")).hex()])
    yield boots("options: Greek", [wide("αβ\0")], "ignored")
    yield boots("options: blanks", [wide("   \t \0")])
    yield boots("options: 900 words", [wide("a " * 900 + "\0")])


def archive_cases():
    def initrd(data):
        return [f"file {INITRD} {data.hex()}"]

    small = cpio.Archive()
    small.file("a", bytes(range(256)) * 4, 0o600)
    plain = small.bytes()
    for name in compression.COMMANDS:
        packed = compression.compress(name, plain)
        for cut in (1, 2, 4, 6, 10, 18, len(packed) // 2, len(packed) - 1):
            yield refuses(f"archive: {name}, its first {cut} bytes", initrd(packed[:cut]), "initrd.cpio")
    packed = compression.compress("gzip", plain)
    yield refuses("archive: gzip that lies of its length", initrd(packed[:-4] + b"\xff" * 4), "initrd.cpio")
    yield refuses("archive: gzip with every flag", initrd(packed[:3] + b"\xff" + packed[4:]), "initrd.cpio")
    for text, data in (("zstd, a frame of 4 GiB to be skipped", b"\x50\x2a\x4d\x18\xff\xff\xff\xff"),
                       ("zstd, a window of 2^41 bytes", b"\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00"),
                       ("xz, no more than its header", b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46"),
                       ("lz4, a block of 4 GiB", b"\x02\x21\x4c\x18\xff\xff\xff\xff"),
                       ("lzma", b"\x5d\0\0\x80\0" + b"\xff" * 8),
                       ("one letter", b"0")):
        yield refuses(f"archive: {text}", initrd(data), "initrd.cpio")
    yield halts("archive: zeros, which are padding", initrd(bytes(512)), "there is no init")


def cases():
    tables = (map_cases, type_cases, screen_cases, file_cases, entry_cases, options_cases, archive_cases)
    return [case for table in tables for case in table()]

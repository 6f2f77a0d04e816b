"""Cases of the ill-behaved firmware that the loader, or the kernel's first steps, have to answer."""
import re
import struct

from firmware_case import boots, halts, refuses
from harness import project

from baton import compression, cpio

ENTRY = r"loader\entries\baton.conf"
KERNEL = r"baton\kernel.elf"
INITRD = r"baton\initrd.cpio"

# Statuses without their error bit (UEFI 2.10, appendix D).
INVALID_PARAMETER, UNSUPPORTED, DEVICE_ERROR, OUT_OF_RESOURCES = 2, 3, 7, 9
# Memory types and attributes (UEFI 2.10, 7.2).
RESERVED, BOOT_DATA, CONVENTIONAL, UNUSABLE, DEVICE, PERSISTENT, UNACCEPTED = 0, 4, 7, 8, 11, 14, 15
WRITE_BACK = 8

# The loader's calls of GetMemoryMap: two for the record, then these.
PROBE, SNAPSHOT, FINAL, AGAIN = 3, 4, 5, 6

LINUX = "linux /baton/kernel.elf\n"
RAM_DISK = "initrd /baton/initrd.cpio\n"


def entry(text):
    """Orders for an entry file of that text."""
    return [f"file {ENTRY} {(text if isinstance(text, bytes) else text.encode()).hex()}"]


def exit_cases():
    what_to_do = "power button"
    return [
        boots("nothing wrong", []),
        *(boots(f"stale map keys: {count}", [f"exit-stale {count}"]) for count in (1, 3, 15)),
        halts("stale map keys: always", ["exit-stale 1000000"], "ExitBootServices", "memory map", "16",
              what_to_do),
        halts("the exit fails with another status", [f"exit-status {DEVICE_ERROR}"],
              "ExitBootServices", "device error", what_to_do),
        halts("a map that cannot be taken again", ["exit-stale 1", f"map-fails {AGAIN} {DEVICE_ERROR}"],
              "memory map", "device error", what_to_do),
        boots("interrupts stay on after the exit", ["exit-interrupts"]),
    ]


def rule_cases():
    """Rules 7, 19 and 22 of loader/README.md: boot services' memory, bus mastering, the watchdog."""
    # Disks have drivers, which let them.
    mastering = "cd /sys/bus/pci/devices; for f in *; do grep -q ^0x01 $f/class || " \
        "echo m$(($(hexdump -s4 -n1 -e '1/1 \"%d\"' $f/config)&4)); done|sort|uniq -c; cd /"
    runs = ("exec_basic", "EXEC_OK")
    return [
        boots("boot services' memory is overwritten at the exit", ["exit-poison 0xcc"]),
        boots("no device without a driver writes to memory", [],
              typed=((mastering, r"^\s*[1-9]\d* m0\s+baton"), runs)),
        boots("a watchdog of two seconds, and an exit of four", ["watchdog 2", "exit-slow 4000"]),
    ]


def map_cases():
    together = [f"map-add {CONVENTIONAL} 0x100000 0 8", f"map-add {RESERVED} 0x3000000 16 8",
                f"map-add {CONVENTIONAL} 0x7000800 4 8", "map-add 0x70000001 0x4000000 4 8",
                f"map-add {RESERVED} 0xfffffffffffff000 16 8",
                f"map-add {CONVENTIONAL} 0xffffffff00000000 0xfffffffffff 8",
                "map-add 99 0x5000000 1 8", "map-zero 3", "map-twice", "map-reverse"]
    return [
        boots("a map that grows by 30 each time", [f"map-grow {SNAPSHOT} 30 30"]),
        boots("a map that grows by 5,000 between probe and snapshot", [f"map-grow {SNAPSHOT} 5000"]),
        boots("a map that grows by 5,000 between snapshot and exit", [f"map-grow {FINAL} 5000"]),
        boots("a map that grows by 100 with each try of the exit",
              [f"map-grow {SNAPSHOT} 100 100", "exit-stale 3"]),
        boots("a map that shrinks by 5,000 between snapshot and exit",
              ["map-split 5000", f"map-shrink {FINAL}"]),
        boots("a map that shrinks by 5,000 after the probe", ["map-split 5000", f"map-shrink {SNAPSHOT}"]),
        boots("a map that shrinks when the exit has failed",
              ["map-split 5000", f"map-shrink {AGAIN}", "exit-stale 2"]),
        boots("a map that grows when the exit has failed", [f"map-grow {AGAIN} 400", "exit-stale 1"]),
        halts("a map that grows by 40,000 when the exit has failed",
              [f"map-grow {AGAIN} 40000", "exit-stale 1"], "memory map", "buffer too small|too small",
              "power button"),
        boots("10,000 descriptors", ["map-split 10000"]),
        boots("10,000 descriptors that cannot be merged", [f"map-split 10000 {BOOT_DATA}"]),
        *(boots(f"descriptors of {size} bytes", [f"map-stride {size}"])
          for size in (40, 48, 56, 64, 72, 128, 1024)),
        refuses("descriptors of 32 bytes", ["map-stride 32"], "memory map", "32"),
        refuses("descriptors of 0 bytes", ["map-stride 0"], "memory map"),
        refuses("descriptors of 41 bytes", ["map-stride 41"], "memory map", "41"),
        boots("half a descriptor at the map's end", ["map-tail 20"]),
        boots("a map of version 2", ["map-version 2"], "version"),
        boots("free memory that begins at 0x800", ["map-unaligned 0x800"], r"[1-9]\d* unaligned"),
        boots("descriptors that overlap", [f"map-add {RESERVED} 0x3000000 16 8"],
              r"[1-9]\d* overlapping"),
        boots("every descriptor twice", ["map-twice"], r"[1-9]\d* overlapping"),
        boots("unsorted descriptors", ["map-reverse"], r"[1-9]\d* unsorted"),
        boots("empty descriptors", ["map-zero 5"], "5 empty"),
        boots("descriptors of an unknown type", ["map-add 99 0x5000000 16 8"], "1 of unknown type"),
        boots("a type of the firmware maker's", ["map-add 0x70000001 0x5000000 16 8"],
              "1 of unknown type"),
        boots("a descriptor that overflows",
              [f"map-add {CONVENTIONAL} 0xfffffffffffff000 2 8"], "1 overflowing"),
        boots("memory beyond the processor's addresses",
              [f"map-add {CONVENTIONAL} 0x10000000000000 16 8"], "1 beyond"),
        boots("all of these together", together, "empty", "unaligned", "overlapping", "unsorted"),
        boots("memory without the write-back attribute", [f"map-clear {WRITE_BACK}"], "write-back"),
        boots("memory without any attribute", ["map-clear 0xffff"], "write-back"),
        boots("memory that must not be touched",
              [f"map-add {UNACCEPTED} 0x200000000 0x10000 8", f"map-add {PERSISTENT} 0x300000000 64 8",
               f"map-add {UNUSABLE} 0x400000000 64 8", f"map-add {RESERVED} 0x500000000 64 8"]),
        boots("free memory where there is none", [f"map-add {CONVENTIONAL} 0x5000000000 16 8"],
              "0x5000000000 to 0x500000ffff is no memory"),
        boots("a GiB of free memory where there is none", [f"map-add {CONVENTIONAL} 0x40000000 0x40000 8"],
              "0x40000000 to 0x7fffffff is no memory"),
        boots("a hundred thousand GiB reserved", [f"map-add {RESERVED} 0x100000000 0x19000000000 8"]),
        *(boots(f"no map for the record, call {call}", [f"map-fails {call} {DEVICE_ERROR}"])
          for call in range(1, PROBE)),
        refuses("no probe of the map", [f"map-fails {PROBE} {DEVICE_ERROR}"], "memory map"),
        refuses("no snapshot of the map", [f"map-fails {SNAPSHOT} {DEVICE_ERROR}"], "memory map",
                "device error"),
        refuses("no final map", [f"map-fails {FINAL} {DEVICE_ERROR}"], "memory map", "device error"),
        refuses("a map that always grows", ["map-grow 1 1000 2000"], "memory map"),
    ]


def combined_cases():
    """Several faults at once."""
    worn = ["exit-stale 15", "exit-interrupts", f"map-grow {SNAPSHOT} 20 20", "map-reverse", "read-short 999"]
    return [
        boots("two faults: stale keys and 10,000 descriptors", ["exit-stale 15", "map-split 10000"]),
        boots("two faults: no ACPI tables and no screen", ["acpi-none", "screen format 3"],
              "devices interrupt by the 8259"),
        boots("two faults: unaligned and unsorted, in descriptors of 72 bytes",
              ["map-unaligned 0x800", "map-reverse", "map-stride 72"], r"[1-9]\d* unaligned"),
        boots("two faults: a framebuffer in memory, and the map twice",
              ["screen base 0x1000000", "map-twice"], "framebuffer.*memory"),
        boots("five faults at once", worn),
        boots("five faults at once, 8 processors", worn, "cpu: 8 online",
              typed=(("nproc", r"8\s"), ("exec_basic", "EXEC_OK")), smp=8),
        refuses("two faults: short reads and an allocation that fails",
                ["read-short 999", "allocation-fails 7"], "memory|resources"),
    ]


# What the console is then: no screen that nobody sees is named.
SERIAL_ONLY = r"console: ttyS0\s*\n"


def screen_cases():
    return [
        boots("a framebuffer at 16 MiB, in memory", ["screen base 0x1000000"], "framebuffer.*memory",
              SERIAL_ONLY),
        boots("a framebuffer at 0", ["screen base 0"], SERIAL_ONLY),
        boots("a framebuffer at the end of everything", ["screen base 0xfffffffffffff000"],
              "framebuffer", SERIAL_ONLY),
        boots("a framebuffer beyond its card's memory", ["screen height 8000", "screen size 40960000"],
              "framebuffer"),
        boots("a framebuffer that says it is too small", ["screen size 4096"], "framebuffer",
              SERIAL_ONLY),
        boots("pixels of 16 bits", ["screen format 2", "screen red 0xf800", "screen green 0x7e0",
                                    "screen blue 0x1f", "screen reserved 0"], "framebuffer",
              SERIAL_ONLY),
        boots("pixels without red", ["screen format 2", "screen red 0", "screen green 0xff00",
                                     "screen blue 0xff"], "framebuffer", SERIAL_ONLY),
        boots("colours that overlap", ["screen format 2", "screen red 0xff00", "screen green 0xff00",
                                       "screen blue 0xff"], "framebuffer", SERIAL_ONLY),
        boots("colours of ten bits", ["screen format 2", "screen red 0x3ff00000",
                                      "screen green 0xffc00", "screen blue 0x3ff"], "screen: 1280x800",
              "console: ttyS0 and the screen"),
        boots("pixels of an unknown format", ["screen format 77"], SERIAL_ONLY),
        boots("a screen without a framebuffer", ["screen format 3"], SERIAL_ONLY),
        boots("lines shorter than the screen", ["screen stride 640"], SERIAL_ONLY),
        boots("a screen of no pixels", ["screen width 0"], SERIAL_ONLY),
        boots("a screen of one pixel", ["screen width 1", "screen height 1"], "framebuffer",
              SERIAL_ONLY),
        boots("a screen wider than its memory", ["screen width 0x40000000",
                                                 "screen stride 0x40000000"], "framebuffer",
              SERIAL_ONLY),
    ]


def acpi_cases():
    """The kernel starts, whatever the tables are; with fewer of them it knows less."""
    def without_madt(name, orders, **machine):
        """The 8259s take the place of the I/O APIC; what is typed is answered all the same."""
        return boots(name, orders, "no usable MADT", "devices interrupt by the 8259", **machine)

    wrong = (("of no length", "4 00000000"), ("of 4 GiB", "4 ffffffff"),
             ("of 40 bytes", "4 28000000 seal"))
    return [
        without_madt("no ACPI tables", ["acpi-none"]),
        without_madt("ACPI: a root pointer with a wrong checksum", ["acpi RSDP 8 ff"]),
        without_madt("ACPI: a root pointer with another signature", ["acpi RSDP 0 58 seal"]),
        boots("ACPI: a root pointer of revision 0", ["acpi RSDP 15 00 seal"]),
        boots("ACPI: a root pointer of revision 77", ["acpi RSDP 15 4d seal"]),
        without_madt("ACPI: a root pointer that leads nowhere",
                     ["acpi RSDP 16 00f0ffff", "acpi RSDP 24 00f0ffffffff0000 seal"]),
        without_madt("ACPI: a list without tables", ["acpi XSDT 4 24000000 seal"]),
        boots("ACPI: a list of no length", ["acpi XSDT 4 00000000"], "the XSDT is not used"),
        boots("ACPI: a list of 4 GiB", ["acpi XSDT 4 ffffffff"], "the XSDT is not used"),
        boots("ACPI: a list with a wrong checksum", ["acpi XSDT 9 ff"], "the XSDT is not used"),
        boots("ACPI: a list whose first table lies nowhere", ["acpi XSDT 36 0000ffffffff0000 seal"]),
        boots("ACPI: a list whose first table lies at 0", ["acpi XSDT 36 0000000000000000 seal"]),
        *(boots(f"ACPI: {table} with a wrong checksum", [f"acpi {table} 9 ff"],
                f"{table} has a wrong checksum: used all the same")
          for table in ("FACP", "HPET", "APIC")),
        boots("ACPI: an MADT without an I/O APIC", ["acpi APIC 4 34000000 seal"],
              "no I/O APIC: devices interrupt by the 8259"),
        boots("ACPI: neither MADT nor 8259", ["acpi APIC 0 58 seal"], "devices are asked",
              qemu=("-machine pic=off",)),
        *(boots(f"ACPI: {table} {what}", [f"acpi {table} {spoiled}"])
          for table in ("FACP", "HPET") for what, spoiled in wrong),
        *(without_madt(f"ACPI: MADT {what}", [f"acpi APIC {spoiled}"]) for what, spoiled in wrong),
        without_madt("ACPI: an MADT whose first entry has no length", ["acpi APIC 45 00 seal"]),
        without_madt("ACPI: an MADT whose first entry is too long", ["acpi APIC 45 ff seal"]),
    ]


def file_cases():
    size = len(project.read(project.ESP + "/baton/kernel.elf"))
    return [
        boots("short reads", ["read-short 4093"]),
        boots("reads of 1,000 bytes", ["read-short 1000"]),
        refuses("a read that fails", [f"read-fails 9 {DEVICE_ERROR}"], "cannot read", "device error"),
        boots("the first read fails, a folder's", [f"read-fails 1 {DEVICE_ERROR}"]),
        refuses("a read that gives nothing", ["read-zero 9"], "ends after"),
        refuses("reads that say they gave more", ["read-more 100"], "ends after|more"),
        refuses("a kernel that says it is longer", [f"info-size {KERNEL} {size + 1}"], "kernel.elf"),
        refuses("a kernel that says it is shorter", [f"info-size {KERNEL} {size - 100000}"],
                "kernel.elf"),
        refuses("a kernel that says it is empty", [f"info-size {KERNEL} 0"], "kernel.elf"),
        refuses("a kernel of 8 EiB", [f"info-size {KERNEL} 0x7fffffffffffffff"], "kernel.elf"),
        refuses("a kernel of almost 2^64 bytes", [f"info-size {KERNEL} 0xffffffffffffffff"],
                "kernel.elf"),
        refuses("an initrd of 2^64 bytes", [f"info-size {INITRD} 0xfffffffffffffffe"], "initrd.cpio"),
        refuses("a kernel that is a folder", [f"info-directory {KERNEL}"], "kernel.elf", "directory"),
        refuses("files that say nothing of themselves", [f"info-fails {DEVICE_ERROR}"], "baton.conf"),
        refuses("a kernel that cannot be opened", [f"open-fails {KERNEL} {DEVICE_ERROR}"],
                "kernel.elf", "device error"),
        refuses("a volume that cannot be opened", [f"volume-fails {DEVICE_ERROR}"], "volume"),
        refuses("a loader that came from nowhere", ["no-device"], "volume"),
    ]


def entry_cases():
    good = "title Baton\n" + LINUX + RAM_DISK + "options quiet\n"
    return [
        boots("an entry with a byte order mark", entry(b"\xef\xbb\xbf" + (LINUX + RAM_DISK).encode())),
        boots("an entry with CR LF", entry((LINUX + RAM_DISK).replace("\n", "\r\n"))),
        refuses("an entry with CR alone", entry((LINUX + RAM_DISK).replace("\n", "\r")),
                "baton.conf", "line 1"),
        boots("an entry with tabs", entry((LINUX + RAM_DISK).replace(" ", "\t\t"))),
        boots("an entry with blanks before and behind",
              entry(re.sub("(.*)\n", "  \t\\1 \t \n", LINUX + RAM_DISK))),
        boots("an entry without a last newline", entry((LINUX + RAM_DISK).rstrip())),
        boots("an entry with mark, CR LF, tabs and no last newline",
              entry(b"\xef\xbb\xbf" + good.replace("\n", "\r\n").replace(" ", "\t").rstrip().encode())),
        refuses("an entry of UTF-16", entry(b"\xff\xfe" + (LINUX + RAM_DISK).encode("utf-16-le")),
                "baton.conf", "line 1"),
        boots("an entry with comments and keys that nobody knows",
              entry("# nothing\n\nfoo bar\nlinux-extra /x\n" + LINUX + RAM_DISK)),
        refuses("an entry without an initrd", entry(LINUX), "baton.conf", "initrd"),
        refuses("an entry with a missing initrd", entry(LINUX + "initrd /baton/none.cpio\n"),
                "none.cpio", "not found"),
        refuses("an entry with one missing initrd of two",
                entry(LINUX + RAM_DISK + "initrd /baton/none.cpio\n"), "none.cpio", "not found"),
        refuses("an entry with an initrd that is a folder", entry(LINUX + "initrd /baton\n"), "baton"),
        refuses("an entry without a kernel", entry(RAM_DISK), "baton.conf", "linux"),
        refuses("an empty entry", [f"file {ENTRY} "], "baton.conf"),
        boots("an entry with LF and CR LF",
              entry(LINUX.replace("\n", "\r\n") + RAM_DISK + "# end\r\n\n\r\n")),
        boots("an entry with a comment of 4,000 bytes", entry("#" * 4000 + "\n" + LINUX + RAM_DISK)),
        boots("an entry with an initrd twice", entry(LINUX + RAM_DISK + RAM_DISK)),
        refuses("an entry with seventeen initrds", entry(LINUX + RAM_DISK * 17), "baton.conf", "initrd"),
        boots("an entry with two kernels: the last counts", entry("linux /none\n" + LINUX + RAM_DISK)),
        boots("an entry with values in quotes, options of UTF-8, a comment of 9,000 bytes",
              entry("#" * 9000 + "\ntitle \"A\"\n" + LINUX + "options 'label=Größe'\n" + RAM_DISK)),
        refuses("an entry with options that are too long",
                entry(LINUX + "options " + "x" * 5000 + "\n" + RAM_DISK), "baton.conf", "line 2"),
        refuses("an entry that is too long", entry("# comment\n" * 7000), "baton.conf", "64 KiB"),
        refuses("an entry that is only a mark", entry(b"\xef\xbb\xbf"), "baton.conf", "linux"),
        refuses("an entry with a NUL within", entry((LINUX + "options a\0b\n" + RAM_DISK).encode()),
                "baton.conf", "line 2"),
        refuses("an entry with text that is no ASCII", entry((LINUX + "initrd /bät.cpio\n").encode()),
                "baton.conf", "line 2"),
        refuses("an entry of NULs", entry(bytes(512)), "baton.conf"),
        refuses("an entry with a path up and out", entry("linux /../x\n" + RAM_DISK), "baton.conf"),
        refuses("an entry with backslashes",
                entry(LINUX.replace("/", "\\") + RAM_DISK.replace("/", "\\")), "baton.conf", "slash"),
    ]


def archive_cases():
    """Compressed initrds with something wrong: refused while there is a menu to go back to."""
    small = cpio.Archive()
    small.file("a", bytes(range(256)) * 4, 0o600)
    plain = small.bytes()
    bomb = compression.compress("zstd", bytes(400 << 20))

    def initrd(data):
        return [f"file {INITRD} {data.hex()}"]

    result = []
    for name in compression.COMMANDS:
        packed = compression.compress(name, plain)
        at = 12 if name == "lz4" else len(packed) // 2  # lz4's older format has no checksum
        spoiled = packed[:at] + bytes([packed[at] ^ 0xff]) + packed[at + 1:]
        result += [
            refuses(f"an initrd of {name}, truncated", initrd(packed[:-20]), "initrd.cpio", name,
                    "truncated|corrupt"),
            refuses(f"an initrd of {name}, spoiled", initrd(spoiled), "initrd.cpio", "corrupt"),
            refuses(f"an initrd of {name} with rubbish behind it", initrd(packed + b"\0\0\0\0rubbish"),
                    "initrd.cpio", "corrupt: neither"),
            refuses(f"an initrd of {name} that holds no archive",
                    initrd(compression.compress(name, b"no archive")), "initrd.cpio, unpacked", "neither"),
        ]
    return result + [
        refuses("an initrd that unpacks to half an archive",
                initrd(compression.compress("gzip", plain[:600])), "initrd.cpio, unpacked", "corrupt"),
        refuses("an initrd in an initrd",
                initrd(compression.compress("xz", compression.compress("gzip", plain))),
                "initrd.cpio, unpacked", "another compressed"),
        refuses("an initrd that unpacks to more than there is", initrd(bomb),
                "initrd.cpio", "not enough memory"),
        refuses("an initrd of bzip2", initrd(b"BZh91AY&SY"), "bzip2", "gzip, xz, zstd and lz4"),
        refuses("an archive at an odd place", initrd(plain + b"\0" + plain), "multiple of 4"),
    ]


def options_cases():
    def given(text, end=b"\0\0"):
        return ["load-options " + (text.encode("utf-16-le") + end).hex()]

    def other(options, linux=LINUX):
        """Another entry."""
        text = linux + RAM_DISK + "options " + options + "\n"
        return [r"file loader\entries\other.conf " + text.encode().hex()]

    return [
        boots("options from the shell", given("BOOTX64.EFI nokaslr"), "kernel at 0xffffffff80000000"),
        boots("options without an end", given("nokaslr", b""), "ignored"),
        boots("options of an odd length", ["load-options 6e006f"], "ignored"),
        boots("options of rubbish", ["load-options " + bytes(range(1, 101)).hex()], "ignored"),
        boots("options of ones", ["load-options " + "ff" * 300], "ignored"),
        boots("options that are too long", given("x" * 1500)),
        boots("options that name an entry", given("BOOTX64.EFI other maxcpus=1") + other("nokaslr"),
              "other.conf", "kernel at 0xffffffff80000000"),
        boots("options that name an entry's file", given("OTHER.CONF") + other("nokaslr"), "OTHER.CONF",
              "kernel at 0xffffffff80000000"),
        boots("options that name an entry elsewhere",
              given("\\baton\\x.conf nokaslr") + [r"file baton\x.conf " + (LINUX + RAM_DISK).encode().hex()],
              r"baton.x\.conf", "kernel at 0xffffffff80000000"),
        refuses("options that name an entry that is not there", given("BOOTX64.EFI none.conf nokaslr"),
                r"entries\\none\.conf", "not found"),
        boots("options of which none is an entry", given("BOOTX64.EFI nokaslr other"), "entries.baton.conf",
              "kernel at 0xffffffff80000000"),
        refuses("options that name an entry with something wrong", given("other") + other("x", "linux /no\n"),
                "no", "not found"),
    ]


def tpm_cases():
    """Measured boot: whatever the TPM does, the boot goes on."""
    data = b"Spec ID Event03\0" + struct.pack("<IBBBBIHHB", 0, 0, 2, 0, 2, 1, 11, 32, 0)
    first = struct.pack("<II20sI", 0, 3, b"", len(data)) + data
    size = "echo =$(wc -c < /sys/kernel/security/tpm0/binary_bios_measurements)"
    return [
        boots("a TPM that takes no measurement", [f"tpm-fails {DEVICE_ERROR}"],
              "does not take a measurement for PCR 5"),
        boots("a TPM whose log is rubbish", ["tpm-log 0 " + "55" * 64], "event log cannot be read"),
        boots("a TPM whose last event is nowhere", ["tpm-log 0x7fffffff0000 " + first.hex()],
              "event log cannot be read"),
        boots("a TPM whose log has no room", ["tpm-log 0 " + first.hex()], "events are missing",
              typed=((size, f"={len(first)}"),)),
    ]


def allocation_cases():
    return [refuses(f"allocation {number} fails", [f"allocation-fails {number}"], "memory|resources")
            for number in range(1, 18) if number not in (5, 6, 12)] + [
        refuses("every allocation fails", ["allocation-fails 1 1000000"], "memory|resources"),
        boots("allocation 1000 fails", ["allocation-fails 1000"])]


def cases():
    tables = (exit_cases, rule_cases, map_cases, combined_cases, screen_cases, acpi_cases, file_cases,
              entry_cases, archive_cases, options_cases, tpm_cases, allocation_cases)
    return [case for table in tables for case in table()]

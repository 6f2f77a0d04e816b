"""Cases of the ill-behaved firmware: pointers that lead nowhere, memory that is somebody else's, protocols,
consoles, folders and devices that lie."""
import struct

from firmware_case import boots, halts, powers_off, refuses
from firmware_cases_kernel import RUNS, TIME, WORKS, entry_with, pm1, pm_timer
from firmware_cases_loader import ENTRY, INITRD, KERNEL, LINUX, RAM_DISK
from firmware_cases_tables import ATTRIBUTES, IN_USE, SMBIOS3, guid, number

AUDIT = entry_with("audit")  # has the loader record all that the firmware has
NOWHERE = 0x7fff0000000
NO_ADDRESS = 1 << 63

LOADED_IMAGE = guid("5b1b31a1-9562-11d2-8e3f-00a0c969723b")
BLOCK_IO = guid("964e5b21-6459-11d2-8e39-00a0c969723b")
GRAPHICS = guid("9042a9de-23dc-4a38-96fb-7aded080516a")
RANDOM = guid("3152bca5-eade-433d-862e-c01cdc291f44")
DEBUG_IMAGES = guid("49152e77-1ada-4764-b7a2-7afefed95e8b")
RESOURCES = guid("b122a263-3661-4f68-9929-78f8b0d62180")
PROPERTIES = guid("eb66918a-7eef-402a-842e-931d21c38ae9")
FINAL_EVENTS = guid("1e2ed096-30e2-4254-bd89-863bbef82325")


def image(base, size, path):
    """EFI_LOADED_IMAGE_PROTOCOL (UEFI 2.11, 9.1)."""
    return struct.pack("<QQQQQQQQQQIIQ", 0x1000, 0, 0, 0, path, 0, 0, 0, base, size, 1, 2, 0).hex()


def protocol_cases():
    """What is recorded of protocols, for who asks for an audit; none of it stops the boot."""
    def case(text, *orders):
        return boots(f"wild: {text}", [AUDIT, *orders])

    yield case("an image that lies nowhere", f"protocol {LOADED_IMAGE} {image(NOWHERE, 0x10000, 0)}")
    yield case("an image of all memory", f"protocol {LOADED_IMAGE} {image(0, 1 << 63, 0)}")
    yield case("an image whose path leads nowhere",
               f"protocol {LOADED_IMAGE} {image(0x100000, 4096, NOWHERE)}")
    yield case("an image whose description lies nowhere", f"protocol-at {LOADED_IMAGE} {NOWHERE:#x}")
    yield case("an image whose path has no end",
               f"protocol {LOADED_IMAGE} {image(0x100000, 4096, 0xffc00000)}")
    yield case("an image whose path ends at no address",
               f"protocol {LOADED_IMAGE} {image(0x100000, 4096, (1 << 63) - 4)}")
    yield case("a block device whose medium lies nowhere",
               f"protocol {BLOCK_IO} {number(0x10000)}{number(NOWHERE)}")
    yield case("a block device at no address", f"protocol-at {BLOCK_IO} {NO_ADDRESS:#x}")
    yield case("a screen whose mode lies nowhere", "screen format 3",
               f"protocol {GRAPHICS} {number(0) * 3}{number(NOWHERE)}")
    yield case("a screen that lies nowhere", "screen format 3", f"protocol-at {GRAPHICS} {NOWHERE:#x}")
    yield case("random numbers from nowhere", f"protocol-at {RANDOM} {NOWHERE:#x}")
    yield case("a variable of 2^40 bytes", "variable-size BootOrder 0x10000000000")
    yield case("an event log that lies nowhere", f"tpm-log-at {NOWHERE:#x} {NOWHERE + 64:#x}")
    yield case("an event log that ends before it begins", "tpm-log-at 0x200000 0x100000")
    yield case("an event log in page zero", "tpm-log-at 0 64")
    yield case("2^64 final events", "tpm-log-at 0x200000 0x200000",
               f"table-add {FINAL_EVENTS} {number(1)}{number(-1)}")


def table_cases():
    def case(text, *orders, **more):
        return boots(f"wild: {text}", [AUDIT, *orders], **more)

    yield case("the firmware's name lies nowhere", f"system-table 24 {number(NOWHERE)}")
    yield case("the firmware's name lies at no address", f"system-table 24 {number(NO_ADDRESS)}")
    yield case("the list of tables lies nowhere", f"system-table 112 {number(NOWHERE)}")
    yield case("2^40 tables", f"system-table 104 {number(1 << 40)}")
    yield case("2^60 tables", f"system-table 104 {number(1 << 60)}")
    yield case("images for a debugger lie nowhere", f"table-at {DEBUG_IMAGES} {NOWHERE:#x}")
    yield case("2^32 images for a debugger",
               f"table-add {DEBUG_IMAGES} {number(0, 4)}{number(-1, 4)}{number(0x100000)}")
    yield case("2^32 resources", f"table-add {RESOURCES} {number(-1, 4)}{number(-1, 4)}{number(1)}")
    yield case("properties of 65,535 bytes", f"table-add {PROPERTIES} {number(1, 2)}{number(-1, 2)}00000000")
    yield case("no service works, by the properties", f"table-add {PROPERTIES} 0100080000000000",
               typed=((TIME, "time"), RUNS))
    for text, head in (("version 77", "4d00000001000000" "3000000000000000"),
                       ("descriptors of 8 bytes", "0100000001000000" "0800000000000000"),
                       ("descriptors of no bytes", "01000000ffffffff" "0000000000000000"),
                       ("2^32 descriptors of 2^32 bytes", "01000000ffffffff" "ffffffff00000000"),
                       ("more descriptors than it has", "0100000040000000" "3000000000000000")):
        yield case(f"memory attributes of {text}", f"table {ATTRIBUTES} 0 {head}",
                   typed=((TIME, WORKS[TIME]), RUNS))
    far = struct.pack("<IIQQQQ", 5, 0, 0x7000000000, 0, 16, 0x8000000000004000).hex() + number(0)
    yield case("memory attributes of memory that is not there",
               f"table {ATTRIBUTES} 0 0100000001000000" "3000000000000000" + far,
               typed=((TIME, WORKS[TIME]), RUNS))
    yield case("no structures of SMBIOS", f"table-add {SMBIOS3} {anchor(NOWHERE, 4096)}", typed=(DMI, RUNS))
    yield case("4 GiB of SMBIOS", f"table-add {SMBIOS3} {anchor(0x100000, 0xffffffff)}", typed=(DMI, RUNS))
    yield case("SMBIOS in the local APIC", f"table-add {SMBIOS3} {anchor(0xfee00000, 4096)}",
               typed=(DMI, RUNS))


DMI = ("cat /sys/firmware/dmi/tables/DMI 2>/dev/null | wc -c; echo loo''ked", "looked")


def anchor(structures, size):
    """SMBIOS 3.7, 5.2.2, with a right checksum."""
    head = bytearray(struct.pack("<5sBBBBBBBIQ", b"_SM3_", 0, 24, 3, 7, 0, 1, 0, size, structures))
    head[5] = -sum(head) & 255
    return head.hex()


def memory_cases():
    """AllocatePages answers with success, and with what is nobody's to give."""
    for text, call in (("the first", 1), ("the third", 3), ("the sixth", 6)):
        yield refuses(f"wild: {text} allocation lies nowhere", [f"allocation-at {call} {NOWHERE:#x}"],
                      "is not there")
    yield refuses("wild: an allocation at no address", [f"allocation-at 2 {NO_ADDRESS:#x}"], "is not there")
    yield refuses("wild: an allocation at an odd address", ["allocation-at 2 0x4000800"], "is no page")
    yield refuses("wild: an allocation of page zero, each time", ["allocation-at 1 0 100000"],
                  "memory|resources")
    # Where the one before was given back by then, nobody can tell: it boots if the firmware has not used it
    # since, else its bytes are the firmware's, and no entry.
    for call, word in ((2, "is in use"), (3, "is in use"), (4, "is in use"), (6, "baton loader")):
        yield refuses(f"wild: allocation {call} is the one before it", [f"allocation-again {call}"], word)
    yield boots("wild: allocation 5 is the one before it", ["allocation-again 5"])
    for text, size, end in (("64", 64, "no more"), ("32", 32, "no more"), ("24", 24, "no more")):
        yield boots(f"wild: a stack of {text} KiB", [f"stack {size * 1024}"],
                    f"stack: [0-9]+ KiB used, {end}")


def file_cases():
    other = r"file loader\entries\other.conf " + (LINUX + RAM_DISK).encode().hex()
    name = ("other.conf\0").encode("utf-16-le").hex()
    yield refuses("wild: a volume that is opened and not there", ["volume-null"], "volume")
    for text, path in (("an entry", ENTRY), ("a kernel", KERNEL), ("an initrd", INITRD)):
        yield refuses(f"wild: {text} that is opened and not there", [f"open-null {path}"],
                      path.split("\\")[-1], "device error")
    for length in (0, 8, 79, 0x100000000000):
        yield refuses(f"wild: files' information of {length} bytes", [f"info-length {length:#x}"],
                      "baton.conf")
    yield boots("wild: a folder without end", [f"folder {name} 0", other])
    yield boots("wild: a folder of 500 files that are none",
                ["folder 6e006f002e0063006f006e0066000000 500"])
    yield boots("wild: a file's name without an end", [f"folder {'4100' * 400} 3"])
    yield boots("wild: a file's name that leads out",
                ["folder " + "..\\..\\x.conf\0".encode("utf-16-le").hex() + " 3"])
    yield boots("wild: a file's name of nothing", ["folder 0000 3"])


def console_cases():
    menu = [r"file loader\loader.conf " + b"timeout 2\n".hex(),
            r"file loader\entries\other.conf " + (LINUX + RAM_DISK).encode().hex(),
            "folder " + "other.conf\0".encode("utf-16-le").hex() + " 2"]
    for text, size in (("of no columns", "0 0"), ("of one letter", "1 1"),
                       ("of 2^63 columns", f"{1 << 63} 25"),
                       ("of 2^64 lines", f"80 {(1 << 64) - 1}")):
        yield boots(f"wild: a console {text}", [f"console-size {size}", *menu])
    # It asks for the menu; there a letter chooses nothing, and the menu is there to be seen.
    yield halts("wild: a keyboard that types without end", ["keys 0x78"], "Baton 0.1")
    yield refuses("wild: a keyboard that says Enter without end", ["keys 13", rf"open-fails {KERNEL} 14"],
                  "kernel.elf", "not found")
    for text, time in (("31 February", "ee070201" "1f0c000000000000" "000000000000ff07"),
                       ("all ones", "ff" * 16), ("zeros", "00" * 16),
                       ("the year 9999", "0f270c1f173b3b0000000000a005ff00")):
        yield boots(f"wild: GetTime gives {text} before the exit", [f"time {time}"],
                    typed=(("date +%Y", r"\d{4}"), RUNS))
    for text, *orders in (("of no bytes", "variable SecureBoot"), ("of 2", "variable SecureBoot 02"),
                          ("of two bytes", "variable SecureBoot 01", "variable-size SecureBoot 2")):
        yield boots(f"wild: SecureBoot {text}", orders)
    for text, value in (("rubbish", "ffd8" * 20), ("no end", "4100" * 100), ("half a letter", "41"),
                        ("what is not there", "6e006f006e0065000000"), ("a way out", "2e002e002f0078000000")):
        yield boots(f"wild: LoaderEntryDefault is {text}", [f"variable LoaderEntryDefault {value}", *menu])
    yield boots("wild: LoaderConfigTimeout of 2^64 seconds",
                ["variable LoaderConfigTimeout " + str(1 << 64).encode("utf-16-le").hex() + "0000"])


def runtime_cases():
    """Runtime services whose memory the map calls something else; where it does not even have the attribute
    they are lent it."""
    plain = "map-clear 0x8000000000000000"
    for text, kind in (("ACPI's NVS", 10), ("ACPI's tables", 9), ("reserved", 0), ("boot services' code", 3),
                       ("boot services' data", 4)):
        yield boots(f"wild: runtime code is {text}", [f"map-type 5 {kind}"],
                    typed=((TIME, WORKS[TIME]), RUNS))
        yield boots(f"wild: runtime data is {text}, and nothing says it is", [f"map-type 6 {kind}", plain],
                    "lent to it", typed=((TIME, WORKS[TIME]), RUNS))
    for text, kind in (("unusable", 8), ("persistent", 14), ("unaccepted", 15), ("a port", 12)):
        yield boots(f"wild: runtime code is {text}", [f"map-type 5 {kind}"], typed=((TIME, "time"), RUNS))


def power_cases():
    """Registers of ACPI's that are somebody else's, and interrupts that are."""
    for interrupt in (0, 1, 2, 4, 8, 255, 65535):
        yield boots(f"wild: ACPI's interrupt is {interrupt}", [f"acpi FACP 46 {number(interrupt, 2)} seal"])
    for text, port in (("the serial port", 0x3f8), ("the keyboard", 0x60), ("the 8259", 0x20),
                       ("the 8254", 0x40), ("the clock", 0x70), ("the reset control", 0xcf8)):
        yield boots(f"wild: ACPI's events are {text}'s", [pm1("event", 1, port)])
        yield boots(f"wild: ACPI's timer is {text}'s", [pm_timer(1, port)])
        yield boots(f"wild: ACPI's command goes to {text}",
                    [f"acpi FACP 48 {number(port + 1, 4)} seal", pm1("control", 1, 0xa04)])
        yield powers_off(f"wild: ACPI's control is {text}'s", [pm1("control", 1, port)])
    for text, name in (("itself", "XSDT"), ("the DSDT", "DSDT")):
        yield boots(f"wild: ACPI's list names {text}", [f"acpi-append XSDT {number(0)}", f"acpi-name {name}"])


def device_cases():
    """What the firmware leaves in disks' configuration space; class 1 is a disk's."""
    look = ("ls /dev | wc -l; cat /proc/partitions; echo loo''ked", "looked")
    for text, *orders in (
            ("registers at 0", "1 0x20 0xc", "1 0x24 0"),
            ("registers in memory in use", f"1 0x20 {IN_USE & -16384 | 0xc:#x}", "1 0x24 0"),
            ("registers in the local APIC", "1 0x20 0xfee0000c", "1 0x24 0"),
            ("registers beyond the processor's addresses", "1 0x20 0xc", "1 0x24 0x7fffffff"),
            ("registers nowhere near a bridge", "1 0x20 0xc", "1 0x24 0x70"),
            ("nothing decoded", "1 4 0"),
            ("an interrupt of 255", "1 0x3c 0x1ff")):
        yield boots(f"wild: a disk with {text}", [f"exit-pci {order}" for order in orders],
                    typed=(look, RUNS))
    for text, *orders in (("without a place", "6 0x18 0"), ("of bus 0 to bus 255", "6 0x18 0x00ff0000"),
                          ("that close all windows", "6 0x20 0x0000fff0")):
        yield boots(f"wild: bridges {text}", [f"exit-pci {order}" for order in orders],
                    typed=(look, RUNS))


def remapping_cases():
    """Registers of Intel's unit (VT-d specification 4.1, 10.4), where q35 has it: its root table, then what
    is on. The table is a page that names nothing."""
    root = ["exit-write 0xfed90020 0x9f000", "exit-write 0xfed90024 0", "exit-write 0xfed90018 0x40000000"]
    machine = {"media": "sata", "qemu": ("-device intel-iommu",)}
    look = ("cat /proc/partitions", "sda1")
    yield boots("wild: DMA remapping that is off", [], typed=(look, RUNS), **machine)
    yield boots("wild: DMA remapping left on", [*root, "exit-write 0xfed90018 0x80000000"],
                "remapping on at 0xfed90000: turned off", typed=(look, RUNS), **machine)
    table = ["exit-write 0xfed900b8 0x9f000", "exit-write 0xfed900bc 0", "exit-write 0xfed90018 0x1000000"]
    yield boots("wild: interrupt remapping left on", [*table, "exit-write 0xfed90018 0x2000000"],
                typed=(look, RUNS), **machine)


def cases():
    tables = (protocol_cases, table_cases, memory_cases, file_cases, console_cases, runtime_cases,
              power_cases, device_cases, remapping_cases)
    return [case for table in tables for case in table()]

"""Cases of the ill-behaved firmware: answers that change from one call to the next, services that spoil what
the kernel goes on with, tables that name the chip set's registers or say the same of two things."""
import struct

from firmware_case import boots, powers_off
from firmware_cases_kernel import RUNS, TIME, VARIABLES
from firmware_cases_services import ALIVE, FILES, STORAGE
from firmware_cases_tables import IN_USE, number
from firmware_cases_wild import AUDIT, NOWHERE

LOCAL_APIC, IO_APIC, HPET, FLASH, SCREEN = 0xfee00000, 0xfec00000, 0xfed00000, 0xffc00000, 0x80000000
DISKS = ("cat /proc/partitions | wc -l; ls /dev | wc -l; echo loo''ked", "looked")
SLEEPS = ("sleep 1; echo awa''ke", "awake")


def audit_cases():
    """The record calls each service, too, and believes none."""
    for value in (0, 1, 0xffffffff, (1 << 64) - 1):
        for service, name in (("get-variable", "GetVariable"), ("next-variable", "GetNextVariableName")):
            yield boots(f"later: an audit, and {name} says it gave {value:#x} bytes",
                        [f"runtime {service} size {value:#x}", AUDIT])
    for text, how in (("wants 2^64 bytes", "get-variable small 0xffffffffffffffff"),
                      ("always wants a byte more", "get-variable grows"),
                      ("writes 5,000 bytes too many", "get-variable beyond 5000")):
        yield boots(f"later: an audit, and GetVariable {text}", [f"runtime {how}", AUDIT])
    for text, how in (("names one for ever", "again"), ("names one of each vendor", "vendors"),
                      ("names one without an end", "unended"), ("has no end", "endless")):
        yield boots(f"later: GetNextVariableName {text}", [f"runtime next-variable {how}"],
                    typed=((VARIABLES, "variables"), RUNS))
        yield boots(f"later: an audit, and GetNextVariableName {text}",
                    [f"runtime next-variable {how}", AUDIT])


def answer_cases():
    yield boots("later: GetVariable always wants a byte more", ["runtime get-variable grows"],
                typed=((VARIABLES, "variables"), FILES, RUNS))
    yield boots("later: QueryVariableInfo says 2^64", ["runtime query-variable numbers 0xffffffffffffffff"],
                typed=((STORAGE, "storage"), ("df; df -i; echo li''sted", "listed"), RUNS))
    for text, time in (("month 13", "ea070d01" "00000000" "00000000" "ff070000"),
                       ("31 February", "ea07021f" "00000000" "00000000" "ff070000"),
                       ("the year 1900", "6c070101" "00000000" "00000000" "ff070000"),
                       ("a second of 2^32 ns", "ea070101" "00000000" "ffffffff" "ff070000"),
                       ("the time zone 0x7ffe", "ea070101" "00000000" "00000000" "fe7fff00")):
        yield boots(f"later: GetTime gives {text}", [f"runtime get-time bytes {time}", AUDIT],
                    typed=((TIME, "time"), ("date +%Y", r"20\d\d"), RUNS))
    for byte in (0, 0x5a, 0xff):
        yield boots(f"later: GetTime fills the runtime table with {byte:#x}",
                    [f"runtime get-time table {byte}"],
                    typed=((TIME, "time"), (VARIABLES, "variables"), (TIME, "time"), RUNS))
        yield powers_off(f"later: an audit, and GetTime fills the runtime table with {byte:#x}",
                         [f"runtime get-time table {byte}", AUDIT])


def spoiling_cases():
    """What the kernel's own interrupts and clock are made of."""
    for text, address in (("the local APIC's switch", LOCAL_APIC + 0xf0),
                          ("the divider of its timer", LOCAL_APIC + 0x3e0),
                          ("the timer's initial count", LOCAL_APIC + 0x380),
                          ("the timer's vector", LOCAL_APIC + 0x320),
                          ("an interrupt command", LOCAL_APIC + 0x300), ("the HPET's switch", HPET + 0x10),
                          ("the HPET's counter", HPET + 0xf0), ("the I/O APIC's index", IO_APIC)):
        yield boots(f"later: GetTime writes to {text}", [f"runtime get-time word {address:#x}"],
                    typed=((TIME, "time"), SLEEPS, ALIVE))
    for text, port, value in (("masks all of the 8259", 0x21, 0xff), ("stops the 8254", 0x43, 0x30),
                              ("turns NMIs off", 0x70, 0x8f),
                              ("closes PCI's window", 0xcf8, 0)):
        yield boots(f"later: GetTime {text}", [f"runtime get-time port {port | value << 16:#x}"],
                    typed=((TIME, "time"), SLEEPS, ALIVE))


def table_as(name, body):
    """The HPET's table, with another name and more behind it: offset 56 of it is what is given."""
    return [f"acpi-append HPET {body}", f"acpi HPET 0 {name.encode().hex()} seal"]


def dmar(*structures):
    """DMAR (VT-d specification 4.1, 8.1): structures begin at 48, in the HPET's rest: one of 8 bytes."""
    return [f"acpi-append HPET {''.join(structures)}", "acpi HPET 48 05000800" "00000000 seal",
            f"acpi HPET 0 {b'DMAR'.hex()} seal"]


def unit(registers, length=16):
    return struct.pack("<HHBBHQ", 0, length, 1, 0, 0, registers & (1 << 64) - 1).hex()


def table_cases():
    for text, place in (("in memory in use", IN_USE), ("in memory in use, at an odd address", IN_USE + 0x123),
                        ("in page zero", 8), ("in the local APIC", LOCAL_APIC), ("in the I/O APIC", IO_APIC),
                        ("in the HPET", HPET), ("where nothing is", NOWHERE), ("at no address", -4096),
                        ("on the screen", SCREEN)):
        yield boots(f"later: a unit for remapping {text}", dmar(unit(place)))
    yield boots("later: units for remapping in each page of memory",
                dmar(*(unit(0x1000000 + 4096 * i) for i in range(4000))))
    yield boots("later: a structure of DMAR without a length", dmar("0000000000000000"))
    for text, place in (("memory in use", IN_USE), ("the local APIC", LOCAL_APIC), ("the HPET", HPET),
                        ("no memory", NOWHERE), ("page zero", 16)):
        yield boots(f"later: BERT's region is {text}",
                    ["acpi HPET 36 " + struct.pack("<IQ", 0x10000, place).hex(),
                     f"acpi HPET 0 {b'BERT'.hex()} seal"],
                    typed=(("cat /sys/firmware/acpi/tables/data/* | wc -c; echo re''ad", "read"), RUNS))
    yield boots("later: an SSDT of nothing but scopes", table_as("SSDT", "10" * 60000))
    for text, place in (("the local APIC", LOCAL_APIC), ("the I/O APIC", IO_APIC), ("the HPET", HPET),
                        ("the flash", FLASH), ("the screen", SCREEN), ("page zero", 16)):
        yield boots(f"later: the XSDT names {text}", [f"acpi-append XSDT {number(place)}", AUDIT],
                    typed=(("cat /sys/firmware/acpi/tables/* 2>&1 | wc -c; echo re''ad", "read"), RUNS))
    yield powers_off("later: an XSDT of no entries, and an RSDT of all", ["acpi XSDT 4 24000000 seal", AUDIT])
    yield powers_off("later: an XSDT with another name, and an RSDT", ["acpi XSDT 0 58585858 seal", AUDIT])
    yield boots("later: a root pointer of revision 0", ["acpi RSDP 15 00 seal", AUDIT])
    for text, place in (("in the local APIC", LOCAL_APIC), ("where nothing is", NOWHERE),
                        ("at an odd address", 0x7c00011)):
        yield boots(f"later: a FACS {text}", [f"acpi FACP 36 {number(place, 4)}",
                                              f"acpi FACP 132 {number(place)} seal", AUDIT])


def pci_cases():
    def more(*entries):
        return ["acpi-append MCFG " + "".join(
            struct.pack("<QHBBI", base, segment, first, last, 0).hex()
            for base, segment, first, last in entries)]

    for media in ("virtio", "sata"):
        yield boots(f"later: segment 1 is segment 0, {media}", more((0xb0000000, 1, 0, 255)),
                    typed=(DISKS, RUNS), media=media)
    yield boots("later: 60 segments, all the same", more(*((0xb0000000, i, 0, 255) for i in range(1, 61))),
                typed=(DISKS, RUNS))
    yield boots("later: buses that overlap", more((0xb0100000, 0, 0, 200), (0xb0000000, 0, 1, 255)),
                typed=(DISKS, RUNS))
    for text, place in (("the local APIC", LOCAL_APIC), ("the I/O APIC", IO_APIC), ("the HPET", HPET),
                        ("the flash", FLASH), ("the screen", SCREEN)):
        yield boots(f"later: segment 1 is {text}", more((place, 1, 0, 0)), typed=(DISKS, SLEEPS, RUNS))
    # The host bridge's PCIEXBAR without its enabling bit.
    yield boots("later: the window of configuration space is closed", ["exit-pci 6 0x60 0xb0000000"],
                typed=(DISKS, RUNS))


def cases():
    tables = (audit_cases, answer_cases, spoiling_cases, table_cases, pci_cases)
    return [case for table in tables for case in table()]

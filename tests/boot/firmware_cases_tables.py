"""Cases of the ill-behaved firmware: ACPI's tables, the list of configuration tables, the firmware's own."""
import struct
import uuid

from firmware_case import boots, powers_off
from firmware_cases_kernel import RUNS, pm1, pm_timer, processor

NAMES = ("ls -a /sys/firmware/acpi/tables; cat /sys/firmware/acpi/tables/* 2>&1 | wc -c", r"APIC")
IN_USE, NOWHERE, PROCESSORS_END = 0x1600000, 0x7000000000, 1 << 55


def number(value, size=8):
    """In hexadecimal digits, as it lies in memory."""
    return (value & (1 << 8 * size) - 1).to_bytes(size, "little").hex()


def guid(text):
    return uuid.UUID(text).bytes_le.hex()


ACPI = guid("8868e871-e4f1-11d3-bc22-0080c73c8881")
SMBIOS3 = guid("f2fd1544-9794-4a2c-992e-e5bbcf20e394")
SMBIOS = guid("eb9d2d31-2d88-11d3-9a16-0090273fc14d")
ATTRIBUTES = guid("dcfa911d-26eb-469f-a220-38b7dc461220")


def root_cases():
    for text, order in (
            ("of 20 bytes", "20 14000000 seal"), ("of no length", "20 00000000 seal"),
            ("of 4 GiB", "20 ffffffff seal"), ("with a wrong long checksum", "32 ff"),
            ("without an XSDT", f"24 {number(0)} seal"), ("without an RSDT", "16 00000000 seal"),
            ("whose XSDT wraps round", f"24 {number(-8)} seal")):
        yield boots(f"tables: a root pointer {text}", [f"acpi RSDP {order}"])
    for text, entries in (
            ("half an entry more", "00000000"), ("1,000 null entries more", "00" * 8000),
            ("2,000 entries of rubbish", "".join(number(0x100 * i + 1) for i in range(2000))),
            ("ten entries of ones", "ff" * 80)):
        yield boots(f"tables: an XSDT of {text}", [f"acpi-append XSDT {entries}"])
    for text, name in (("slashes", "2f2e2e2f"), ("two dots", "2e2e0000"), ("nothing", "00000000"),
                       ("control characters", "1b5b324a")):
        yield boots(f"tables: a table whose name is {text}", [f"acpi HPET 0 {name} seal"],
                    typed=(NAMES, RUNS))
    yield boots("tables: in reserved memory", ["map-type 9 0", "map-type 10 0"], typed=(NAMES, RUNS))


def fadt_cases():
    """Revisions and lengths that do not belong together; registers of which half are there."""
    by_acpi = "power off: by ACPI"
    for revision, length in ((0, 276), (1, 116), (1, 244), (2, 129), (3, 132), (3, 244), (4, 244), (5, 268),
                             (6, 116), (6, 276), (7, 244)):
        yield powers_off(f"tables: an FADT of revision {revision} and {length} bytes",
                         [f"acpi FACP 8 {revision:02x}", f"acpi FACP 4 {number(length, 4)} seal"], by_acpi)
    yield powers_off("tables: an FADT of 60 bytes", [f"acpi FACP 4 {number(60, 4)} seal"])
    yield powers_off("tables: a control block of no length", ["acpi FACP 89 00 seal"])
    yield powers_off("tables: an FADT without 64-bit registers",
                     ["acpi FACP 140 " + "00" * (244 - 140) + " seal"], by_acpi)
    yield powers_off("tables: an FADT without 32-bit registers",
                     ["acpi FACP 40 00000000", "acpi FACP 56 " + "00" * 24 + " seal"])
    yield powers_off("tables: a mode of ACPI that never comes", ["acpi FACP 48 00070000 seal"])
    yield powers_off("tables: a control register in PCI", [pm1("control", 2, 0x604)])
    yield powers_off("tables: a DSDT whose first package is too long", ["acpi DSDT 36 1080ffff seal"])


def io_apic(address, first, identifier=5):
    return struct.pack("<BBBBII", 1, 12, identifier, 0, address, first).hex()


def override(source, interrupt, flags=0):
    return struct.pack("<BBBBIH", 2, 10, 0, source & 255, interrupt, flags).hex()


def local_apic(address):
    return struct.pack("<BBHQ", 5, 12, 0, address & (1 << 64) - 1).hex()


def madt_cases():
    disabled = "".join(struct.pack("<BBHIII", 9, 16, 0, i, 0, i).hex() for i in range(500))
    for text, entries in (
            ("500 processors out of reach", "".join(processor(0x100 + i) for i in range(500))),
            ("500 disabled processors", disabled), ("an entry of no length behind all", "0900"),
            ("half an entry", "0910"), ("one byte more", "09"),
            ("unknown types", "7f04aabb8004aabbff04aabb7f02"),
            ("a processor of two bytes", "0002"), ("an I/O APIC of four bytes", "0104aabb"),
            ("the local APIC at 0", local_apic(0)),
            ("the local APIC at an odd address", local_apic(0xfee00123)),
            ("the local APIC above 4 GiB", local_apic(1 << 36)),
            ("the local APIC in memory in use", local_apic(IN_USE)),
            ("a second I/O APIC in memory in use", io_apic(IN_USE, 100)),
            ("a second I/O APIC at 0", io_apic(0, 100)),
            ("a second I/O APIC where nothing is", io_apic(0xfec10000, 24)),
            ("a second I/O APIC for the same interrupts", io_apic(0xfec00000, 0, 0)),
            ("the serial port's interrupt nowhere", override(4, 0xffffff)),
            ("300 overrides", "".join(override(i, i) for i in range(300)))):
        yield boots(f"tables: an MADT with {text}", [f"acpi-append APIC {entries}"])
    # Nobody can know which device is meant then: the machine runs, its keyboard does not.
    yield boots("tables: an MADT with all interrupts on one",
                ["acpi-append APIC " + "".join(override(i, 9, 13) for i in range(16))], typed=())
    # The offsets are those of QEMU's MADT with one processor.
    for text, order in (
            ("the I/O APIC at 0", "56 00000000"),
            ("the I/O APIC in memory in use", f"56 {number(IN_USE, 4)}"),
            ("the I/O APIC in the local one's place", "56 0000e0fe"),
            ("the I/O APIC among messages", "56 0010eefe"),
            ("the I/O APIC where nothing is", "56 0000f0fe"),
            ("an I/O APIC that begins at 1000", "60 e8030000"), ("the local APIC nowhere", "36 00000000"),
            ("no boot processor", "48 00000000")):
        yield boots(f"tables: an MADT with {text}", [f"acpi APIC {order} seal"])


def hpet(period):
    """Its first registers, in memory: a counter that does not count."""
    return "acpi-point HPET 44 " + struct.pack("<II", 0x8086a201, period).hex()


def device_cases():
    still = "HPET stands still"
    for text, order in (("at 0", f"44 {number(0)}"), ("in memory in use", f"44 {number(IN_USE)}"),
                        ("beyond the processor's addresses", f"44 {number(PROCESSORS_END)}"),
                        ("among the ports", "40 01"), ("at an odd address", f"44 {number(0xfed00004)}")):
        yield boots(f"tables: an HPET {text}", [f"acpi HPET {order} seal"])
    yield boots("tables: an HPET that stands still", [hpet(10000000)], still)
    yield boots("tables: an HPET with a period of 0", [hpet(0)])
    yield boots("tables: an HPET with a period of 2^32", [hpet(0xffffffff)])
    yield boots("tables: neither HPET nor PM timer that runs", [hpet(10000000), pm_timer(1, 0xb00)], still,
                "PM timer stands still", "by the 8254")
    yield boots("tables: no clock that runs", [hpet(10000000), pm_timer(1, 0xb00)], still,
                qemu=("-machine pit=off",))
    for text, order in (("in memory in use", f"44 {number(IN_USE)}"), ("at 0", f"44 {number(0)}"),
                        ("where nothing is", f"44 {number(NOWHERE)}"),
                        ("beyond the processor's addresses", f"44 {number(-1 << 28)}"),
                        ("from bus 255 to bus 0", "54 ff00"), ("of no entry", "4 2c000000")):
        yield boots(f"tables: an MCFG {text}", [f"acpi MCFG {order} seal"])
    yield boots("tables: an MCFG of 500 entries",
                ["acpi-append MCFG " + (number(0xb0000000) + "000000ff00000000") * 500])


def list_cases():
    for text, place in (("at 1", 1), ("where nothing is", 0x7fff0000000), ("at no address", 1 << 63),
                        ("at the end", -16), ("in the local APIC", 0xfee00000),
                        ("at an odd place", 0x1600003)):
        place = f"{place & (1 << 64) - 1:#x}"
        yield boots(f"tables: ACPI {text}", [f"table-at {ACPI} {place}"])
        yield boots(f"tables: SMBIOS {text}", [f"table-at {SMBIOS3} {place}", f"table-at {SMBIOS} {place}"])
        yield boots(f"tables: memory attributes {text}", [f"table-at {ATTRIBUTES} {place}"])


def system_cases():
    """Offsets: UEFI 2.10, 4.3 and 4.5."""
    for text, *orders in (
            ("no console", f"64 {number(0)}"), ("no keyboard", f"48 {number(0)}"),
            ("no console's handle", f"56 {number(0)}"),
            ("a console's handle of rubbish", f"56 {number(0x1234)}"),
            ("no name", f"24 {number(0)}"), ("no error console", f"80 {number(0)}"),
            ("no runtime services", f"88 {number(0)}"), ("no list of tables", f"112 {number(0)}"),
            ("a list of no tables", f"104 {number(0)}"), ("another signature", "0 58"),
            ("no size", "12 00000000"), ("a wrong checksum", "16 00000000"), ("revision 0", "8 00000000"),
            ("a size of 16 MiB", "12 00000001"), ("2^40 tables", f"104 {number(1 << 40)}"),
            ("2^63 tables and no list", f"104 {number(1 << 63)}", f"112 {number(0)}")):
        yield boots(f"tables: a system table with {text}", [f"system-table {order}" for order in orders])
    for text, order in (
            ("another signature", "0 58"), ("no size", "12 00000000"), ("no GetTime", f"24 {number(0)}"),
            ("no GetVariable", f"72 {number(0)}"), ("no GetNextVariableName", f"80 {number(0)}"),
            ("no SetVariable", f"88 {number(0)}"), ("no ResetSystem", f"104 {number(0)}")):
        yield boots(f"tables: a runtime table with {text}", [f"runtime-table {order}"])


def cases():
    tables = (root_cases, fadt_cases, madt_cases, device_cases, list_cases, system_cases)
    return [case for table in tables for case in table()]

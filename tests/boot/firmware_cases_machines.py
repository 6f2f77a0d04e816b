"""Cases of the ill-behaved firmware: services that answer what no specification knows, tables at odd places,
memory maps of large machines, interrupts that nobody ended."""
import struct

from firmware_case import boots, halts, powers_off, refuses
from firmware_cases_kernel import RUNS, TIME, WORKS, entry_with, processor
from firmware_cases_loader import (AGAIN, CONVENTIONAL, FINAL, KERNEL, LINUX, RAM_DISK, RESERVED, SNAPSHOT,
                                   entry)
from firmware_cases_tables import guid, io_apic, number
from firmware_cases_wild import AUDIT, GRAPHICS, NOWHERE, RANDOM
from harness import project

# Statuses that no specification has, one of them an OEM's (UEFI 2.11, appendix D).
UNKNOWN, OEM = 0x8000000000000077, 0xc000000000001234
RUNTIME = 0x8000000000000000
WRITE_BACK, UNCACHED = 8, 1
RUNTIME_CODE, RUNTIME_DATA, DEVICE = 5, 6, 11
PCI_IO = guid("4cf5b200-68b8-4ca5-9eec-b23e3f50029a")
TCG2 = guid("607f766c-7455-42be-930b-e4d76db2720f")
PROTECTION = guid("f4560cf6-40ec-4b4a-a192-bf1d57d0b189")

MENU = [r"file loader\loader.conf " + b"timeout 2\n".hex(),
        r"file loader\entries\other.conf " + (LINUX + RAM_DISK).encode().hex(),
        "folder " + "other.conf\0".encode("utf-16-le").hex() + " 2"]
NO_KERNEL = rf"open-fails {KERNEL} 14"
# Offsets in the boot services (UEFI 2.11, 4.4).
BOOT = {"SetTimer": 88, "WaitForEvent": 96, "CreateEvent": 80, "HandleProtocol": 152, "Stall": 248,
        "SetWatchdogTimer": 256, "ProtocolsPerHandle": 304, "LocateHandleBuffer": 312, "LocateProtocol": 320,
        "FreePool": 72, "FreePages": 48, "GetMemoryMap": 56, "AllocatePages": 40, "AllocatePool": 64,
        "ExitBootServices": 232}


def answer_cases():
    """Boot services that answer what they should not."""
    for status in (UNKNOWN, OEM):
        for service in ("free-pages", "free-pool", "create-event", "set-timer", "close-event",
                        "locate-protocol", "locate-handle-buffer", "protocols-per-handle", "stall",
                        "watchdog", "get-variable", "set-variable"):
            yield boots(f"machines: {service} answers {status:#x}",
                        [f"before {service} answers {status:#x}", AUDIT, *MENU])
    yield refuses("machines: handle-protocol answers what nobody knows",
                  [f"before handle-protocol answers {UNKNOWN:#x}"], "where BOOTX64.EFI came from")
    yield boots("machines: wait-for-event answers what nobody knows",
                [f"before wait-for-event answers {UNKNOWN:#x}", *MENU])
    yield refuses("machines: a message, and no event to wait for",
                  [f"before wait-for-event answers {UNKNOWN:#x}", NO_KERNEL], "kernel.elf")
    yield refuses("machines: a protocol without an address", ["before handle-protocol gives 0"],
                  "where BOOTX64.EFI came from")
    yield refuses("machines: protocols that lie nowhere", [f"before handle-protocol gives {NOWHERE:#x}"],
                  "where BOOTX64.EFI came from")
    for text, how in (("without an address", "gives 0"), ("that lie nowhere", f"gives {NOWHERE:#x}"),
                      ("of rubbish", "gives 0x1000")):
        yield boots(f"machines: protocols to be found {text}", [f"before locate-protocol {how}", AUDIT])
        yield boots(f"machines: handles {text}", [f"before locate-handle-buffer {how}", AUDIT, *MENU])
        yield boots(f"machines: names of protocols {text}", [f"before protocols-per-handle {how}", AUDIT])
    for count in (0, 1 << 32, (1 << 64) - 1):
        yield boots(f"machines: {count} handles",
                    [f"before locate-handle-buffer count {count}", AUDIT, *MENU])
        yield boots(f"machines: {count} protocols of a handle",
                    [f"before protocols-per-handle count {count}", AUDIT])
    for status in (12, 13, 0x77):
        yield refuses(f"machines: a read that fails with {status:#x}", [f"read-fails 9 {status}"],
                      "cannot read")
        yield refuses(f"machines: a volume that fails with {status:#x}", [f"volume-fails {status}"], "volume")
    yield halts("machines: an exit with a status that nobody knows", ["exit-status 0x77"], "ExitBootServices",
                "0x8000000000000077|unknown", "power button")


def absent_cases():
    """Services and members of protocols that are not there."""
    for name in ("SetTimer", "WaitForEvent", "CreateEvent", "Stall", "SetWatchdogTimer", "ProtocolsPerHandle",
                 "LocateHandleBuffer", "LocateProtocol", "FreePool", "FreePages"):
        yield boots(f"machines: no {name}", [f"boot-table {BOOT[name]} {number(0)}", AUDIT, *MENU])
    for name, words in (("HandleProtocol", "where BOOTX64.EFI came from"),
                        ("AllocatePages", "not enough memory"), ("AllocatePool", "not enough memory"),
                        ("GetMemoryMap", "memory map")):
        yield refuses(f"machines: no {name}", [f"boot-table {BOOT[name]} {number(0)}"], words)
    yield halts("machines: no ExitBootServices", [f"boot-table {BOOT['ExitBootServices']} {number(0)}"],
                "ExitBootServices failed", "unsupported", "power button")
    yield boots("machines: a PCI device without services", [f"protocol {PCI_IO} {number(0)}", AUDIT])
    yield boots("machines: random numbers without a service", [f"protocol {RANDOM} {number(0)}"])
    yield boots("machines: a TPM without services", [f"protocol {TCG2} {number(0)}", AUDIT])
    yield boots("machines: a screen without services", [f"protocol {GRAPHICS} {number(0) * 4}", AUDIT])
    yield boots("machines: memory protection without services", [f"protocol {PROTECTION} {number(0)}", AUDIT],
                compress="gzip")


DIRECTION, NESTED_AND_CHECKS, INTERRUPTS = 0x400, 0x47000, 0x200
PROGRAM = "title t\nlinux /EFI/BATON/DRIVER.EFI\ninitrd /baton/initrd.cpio\n"


def flags_cases():
    """UEFI 2.11, 2.3.4: a service returns with the direction flag clear and interrupts as they were; the
    loader is entered so."""
    for text, flags in (("the direction flag set", f"{DIRECTION} 0"), ("interrupts off", f"0 {INTERRUPTS}"),
                        ("NT, AC and IOPL set", f"{NESTED_AND_CHECKS} 0"),
                        ("interrupts on", f"{INTERRUPTS} 0")):
        for how in ("returns", "entered"):
            begins = "every service returns with" if how == "returns" else "the loader is entered with"
            yield boots(f"machines: {begins} {text}", [f"{how} {flags}", AUDIT, *MENU])
        yield boots(f"machines: an archive, and every service returns with {text}", [f"returns {flags}"],
                    compress="zstd")
        yield refuses(f"machines: a message, and every service returns with {text}",
                      [f"returns {flags}", NO_KERNEL], "kernel.elf")
    initrd = project.read(project.ESP + "/baton/initrd.cpio")
    yield refuses("machines: the loader's initrd is asked for with the direction flag set",
                  ["asks-initrd", *entry(PROGRAM)],
                  f"initrd: {-len(initrd) // 4 * -4} bytes, sum {sum(initrd)}",
                  "DRIVER.EFI: this program has failed: device error")


def console_cases():
    """UEFI 2.11, 12.4.1 and 12.3.1. EDK2's own console needs its SetAttribute."""
    menu = [*MENU]
    for text, place in (("that lies nowhere", NOWHERE), ("of rubbish", 0x1234), ("at no address", 1 << 63)):
        yield boots(f"machines: a console {text}", [f"system-table 64 {number(place)}", *menu])
        yield boots(f"machines: a keyboard {text}", [f"system-table 48 {number(place)}", *menu])
        yield refuses(f"machines: a message, and a keyboard {text}",
                      [f"system-table 48 {number(place)}", NO_KERNEL], "kernel.elf")
    for text, offset in (("text", 8), ("sizes", 24), ("clearing", 48), ("a cursor to move", 56),
                         ("a cursor", 64), ("a mode", 72)):
        yield boots(f"machines: a console without {text}", [f"console {offset} {number(0)}", *menu])
    yield boots("machines: a keyboard without keys", [f"keyboard 8 {number(0)}", *menu])
    yield boots("machines: a keyboard without an event", [f"keyboard 16 {number(0)}", *menu])
    yield refuses("machines: a message, and no console", [f"system-table 64 {number(0)}", NO_KERNEL],
                  "kernel.elf")
    yield refuses("machines: a message, and a console that lies nowhere",
                  [f"system-table 64 {number(NOWHERE)}", NO_KERNEL], "kernel.elf")


def image_cases():
    """What the loader is told of itself (UEFI 2.11, 9.1.1)."""
    for text, order in (
            ("no path", f"32 {number(0)}"), ("a path that lies nowhere", f"32 {number(NOWHERE)}"),
            ("a path at no address", f"32 {number(1 << 63)}"), ("no place", f"64 {number(0)}"),
            ("no size", f"72 {number(0)}"), ("revision 0", "0 00000000")):
        yield boots(f"machines: the loader's image has {text}", [f"loaded-image {order}", *MENU])
    yield refuses("machines: the loader's device is rubbish", [f"loaded-image 24 {number(0x1234)}"], "volume")


def place_cases():
    """ACPI's tables where no compiler would put them."""
    names = ("ls /sys/firmware/acpi/tables", "APIC")
    for table in ("RSDP", "XSDT", "RSDT", "FACP", "APIC", "HPET", "MCFG"):
        for offset in (1, 2044, 4093):
            yield powers_off(f"machines: {table} at {offset} of a page", [f"acpi-move {table} {offset}"],
                             "power off: by ACPI")
    yield boots("machines: all tables at odd addresses",
                [f"acpi-move {table} {offset}" for table, offset in (
                    ("RSDP", 4091), ("XSDT", 4095), ("RSDT", 3), ("FACP", 4089), ("APIC", 4077))],
                typed=(names, RUNS))
    yield boots("machines: a root pointer of revision 1", ["acpi RSDP 15 01 seal"], typed=(names, RUNS))
    for length in (300, 500, 4000):
        yield powers_off(f"machines: an FADT of {length} bytes",
                         ["acpi-append FACP " + "00" * (length - 276)], "power off: by ACPI")
    for table in ("APIC", "FACP", "HPET", "MCFG"):
        yield boots(f"machines: {table} is listed twice",
                    [f"acpi-append XSDT {number(0)}", f"acpi-name {table}"], typed=(names, RUNS))


def processor_cases():
    def nproc(count):
        return ("nproc", rf"{count}\s"), RUNS

    later = "".join(struct.pack("<BBHIII", 9, 16, 0, i, 2, i).hex() for i in range(4, 68))
    yield boots("machines: 64 processors that may come later", [f"acpi-append APIC {later}"],
                typed=nproc(1))
    yield boots("machines: 64 processors that may come later, beside one that is there",
                [f"acpi-append APIC {later}"], "cpu: 2 online", typed=nproc(2), smp=2)
    # The offset is that of QEMU's second processor.
    yield boots("machines: a processor that is there and may come later", ["acpi APIC 56 03000000 seal"],
                typed=nproc(2), smp=2)
    yield boots("machines: none but the boot processor is enabled", ["acpi APIC 56 02000000 seal"],
                typed=nproc(1), smp=2)
    nmis = "".join(struct.pack("<BBHI", 3, 8, 0, i).hex() for i in range(24))
    yield boots("machines: each interrupt is an NMI", [f"acpi-append APIC {nmis}"])
    both = "".join(struct.pack("<BBBHB", 4, 6, 255, 0, i).hex() for i in (0, 1, 2, 255))
    yield boots("machines: both inputs of all local APICs are NMIs", [f"acpi-append APIC {both}"],
                typed=nproc(2), smp=2)
    many = "".join(io_apic(0xfec00000, 24 + 24 * i, i) for i in range(40))
    yield boots("machines: 40 I/O APICs, all the same", [f"acpi-append APIC {many}"])
    yield boots("machines: an I/O APIC at an odd address", [f"acpi-append APIC {io_apic(0xfec00001, 100)}"])
    everyone = "".join(processor(i, i % 2 * 9) for i in (1, 2, 3)) * 3
    yield boots("machines: four processors, each named four times", [f"acpi-append APIC {everyone}"],
                "twice", "cpu: 4 online", typed=nproc(4), smp=4)


def map_cases():
    large = {"memory": "6G", "smp": 4}
    yield boots("machines: no memory is free below 4 GiB", [f"map-low {CONVENTIONAL} {RESERVED}"],
                typed=(("nproc", r"[14]\s"), RUNS), **large)
    for media in ("sata", "usb"):
        yield boots(f"machines: no memory is free below 4 GiB, {media}",
                    [f"map-low {kind} {RESERVED}" for kind in (CONVENTIONAL, 3, 4)],
                    typed=(("ls /dev", "console"), RUNS), media=media, **large)
    for text, base, pages in (("of 64 GiB", 0x800000000, 0x1000000), ("of a TiB", 0x800000000, 0x10000000),
                              ("of all there is above memory", 0x100000000, 1 << 50)):
        for kind, name in ((DEVICE, "a device"), (RESERVED, "reserved memory")):
            yield boots(f"machines: {name} {text} for runtime services",
                        [f"map-add {kind} {base:#x} {pages:#x} {RUNTIME | UNCACHED:#x}"],
                        typed=((TIME, WORKS[TIME]), RUNS))
    yield boots("machines: a device of a TiB for runtime services, at new addresses",
                [f"map-add {DEVICE} 0x800000000 0x10000000 {RUNTIME | UNCACHED:#x}",
                 entry_with("audit virtualmap")],
                "SetVirtualAddressMap")
    yield boots("machines: the screen is for runtime services",
                [f"map-add {DEVICE} 0x80000000 0x1000 {RUNTIME | UNCACHED:#x}"])
    yield boots("machines: the flash is for runtime services, twice",
                [f"map-add {DEVICE} 0xffc00000 0x400 {RUNTIME | UNCACHED:#x}"] * 2,
                typed=((TIME, WORKS[TIME]), RUNS))
    for text, kind, bytes_later in (("data", RUNTIME_DATA, 0), ("data, a page later", RUNTIME_DATA, 4096),
                                    ("data, half a page later", RUNTIME_DATA, 2048),
                                    ("free memory", CONVENTIONAL, 0), ("a device", DEVICE, 4096),
                                    ("boot services", 4, 4096)):
        yield boots(f"machines: runtime code is also {text}",
                    [f"map-shadow {RUNTIME_CODE} {kind} {bytes_later}"], "overlapping",
                    typed=((TIME, "time"), RUNS))
    yield halts("machines: all free memory is for runtime services", [f"map-set {RUNTIME:#x} {CONVENTIONAL}"],
                "too little memory")
    for text, attributes in (("specific-purpose", 0x40000), ("persistent", 0x8000)):
        yield halts(f"machines: all free memory is {text}", [f"map-set {attributes:#x} {CONVENTIONAL}"],
                    "too little memory")
    yield boots("machines: free memory that is protected, reliable and encrypted",
                [f"map-set {0x27000 | 0x10000 | 0x80000:#x} {CONVENTIONAL}"])
    yield refuses("machines: all memory is runtime code",
                  [f"map-add {RUNTIME_CODE} 0 0x10000 {RUNTIME | 15:#x}"], "final memory map cannot be used")
    yield boots("machines: the first MiB is for runtime services, 2 processors",
                [f"map-add {RUNTIME_DATA} 0 256 {RUNTIME | WRITE_BACK:#x}"], smp=2)
    yield boots("machines: a map that once needs more room than it has", [f"map-fails {SNAPSHOT} 5"])
    yield boots("machines: a final map that once needs more room", [f"map-fails {FINAL} 5"])
    yield halts("machines: a second map that needs more room", ["exit-stale 1", f"map-fails {AGAIN} 5"],
                "memory map")


def left_cases():
    yield boots("machines: an interrupt in service", ["exit-in-service 0xf1"])
    yield boots("machines: three interrupts in service, one in the other",
                ["exit-in-service 0x41", "exit-in-service 0x81", "exit-in-service 0xf1"])
    yield boots("machines: every interrupt pending", [f"exit-pending {i}" for i in range(0x10, 0x100, 5)])
    yield boots("machines: interrupts pending and in service, 2 processors",
                ["exit-in-service 0x51", "exit-in-service 0xe1", "exit-pending 0x31", "exit-pending 0xee"],
                typed=(("nproc", r"2\s"), RUNS), smp=2)
    yield boots("machines: extended state on", ["exit-control 4 0x40000"])
    yield boots("machines: no pages that are not to be executed", ["exit-msr 0xc0000080 0x500"])


def virtual_cases():
    """SetVirtualAddressMap, which a boot asks for by the option virtualmap."""
    asked = entry_with("audit virtualmap")
    said = "SetVirtualAddressMap"
    for text, how in (("jumps to where nothing is", "jump"), ("is refused", "fails 2"),
                      ("does nothing, and says it did", "returns"),
                      ("answers what nobody knows", "answers 0x77"),
                      ("runs in boot-services memory", "boot-code"),
                      ("leaves single steps on", "flags 0x100"), ("sets the direction flag", "flags 0x400"),
                      ("does not return", "spins")):
        yield boots(f"machines: SetVirtualAddressMap {text}", [f"runtime set-virtual {how}", asked], said,
                    typed=((TIME, "time"), RUNS))


def cases():
    tables = (answer_cases, absent_cases, flags_cases, console_cases, image_cases, place_cases,
              processor_cases, map_cases, left_cases, virtual_cases)
    return [case for table in tables for case in table()]

"""Cases of the ill-behaved firmware that the kernel has to answer: processors, runtime services."""
import struct

from firmware_case import boots, powers_off, refuses, starts_anew

TIME = "head -1 /proc/baton/firmware"
VARIABLES = "grep variables /proc/baton/firmware"
WORKS = {TIME: r"time 0 20\d\d-", VARIABLES: r"variables 0 [1-9]"}
FAILS = {TIME: r"time -5\s", VARIABLES: r"variables (-5|0 \d+ 0)\s"}
RUNS = ("exec_basic", "EXEC_OK")
LENT = r"lent to it"


def entry_with(options):
    """The order by which the loader finds another boot entry."""
    text = f"title t\nlinux /baton/kernel.elf\ninitrd /baton/initrd.cpio\noptions console=ttyS0 {options}\n"
    return rf"file loader\entries\baton.conf {text.encode().hex()}"


def service_cases():
    """GetTime and GetVariable: the call fails or works, the log says what happened, all goes on."""
    for service, name, line in (("get-time", "GetTime", TIME), ("get-variable", "GetVariable", VARIABLES)):
        def case(text, how, answers, *words, service=service, name=name, line=line):
            return boots(f"{name} {text}", [f"runtime {service} {how}"],
                         *(word.replace("NAME", name) for word in words),
                         typed=((line, answers[line]), (line, answers[line]), RUNS))

        yield case("jumps to where nothing is", "jump", FAILS,
                   r"NAME failed: page fault.*0x7fff0000000 \(not in the memory map\)")
        yield case("jumps to no address at all", "jump 0x8000000000000000", FAILS,
                   r"NAME failed: general protection")
        yield case("reads page zero", "touch 16", FAILS, r"NAME failed: page fault.*of 0x10 \(page zero\)")
        yield case("writes to memory in use", "write 0x1600000", FAILS,
                   r"NAME failed: page fault.*of 0x1600000 \(\w+\)")
        yield case("runs in boot-services memory", "boot-code", WORKS,
                   rf"NAME executes .*boot services.*{LENT}")
        yield case("works on a stack in boot-services memory", "stack", WORKS,
                   rf"NAME writes to .*boot services.*{LENT}")
        yield case("touches ECAM", "ecam", WORKS, rf"NAME reads .*PCI configuration space.*{LENT}")
        yield case("uses vector registers", "sse", WORKS)
        yield case("returns with interrupts on", "interrupts", WORKS)
        yield case("returns with the direction flag set", "direction", WORKS)
        yield case("fails", "fails 3", {TIME: "time -95", VARIABLES: r"variables 0 \d+ 0"})
        yield case("jumps wild once", "jump 0x7fff0000000 1", WORKS if service != "get-time" else
                   {TIME: r"time (-5|0 20)"}, r"NAME failed: page fault")


def odd_answer_cases():
    """Services that answer, with nonsense; and several that go wrong at once."""
    nonsense = ((TIME, r"time -5\s"), RUNS)
    variable = "printf '\\007\\0\\0\\0x' > /sys/firmware/efi/efivars/" \
        "Baton-d2b17b96-7e7c-4a10-9a2c-5c0a5ed0ba70 && echo wri''tten || echo fai''led"
    refused = ((variable, "failed"), RUNS)
    files = ("cat /sys/firmware/efi/efivars/* | wc -c; ls /sys/firmware/efi/efivars | wc -l; echo lis''ted",
             "listed")
    for text, how in (("of ones", "rubbish 255"), ("of zeros", "rubbish 0"), ("of 0x7f", "rubbish 127"),
                      ("that is not there", "returns")):
        yield boots(f"GetTime gives a time {text}", [f"runtime get-time {how}"],
                    "GetTime gives a time that cannot be", typed=nonsense)
        yield boots(f"GetVariable gives a value {text}", [f"runtime get-variable {how}"],
                    typed=((VARIABLES, "variables"), files, RUNS))
        yield boots(f"GetNextVariableName gives a name {text}", [f"runtime next-variable {how}"],
                    typed=((VARIABLES, r"variables (-\d+|0) \d+"), files, RUNS))
        yield boots(f"QueryVariableInfo gives sizes {text}", [f"runtime query-variable {how}"],
                    typed=(("grep storage /proc/baton/firmware", "storage"), RUNS))
    yield boots("GetNextVariableName jumps to where nothing is", ["runtime next-variable jump"],
                "GetNextVariableName failed: page fault", typed=((VARIABLES, r"variables -5"), RUNS))
    yield boots("QueryVariableInfo writes to memory in use", ["runtime query-variable write 0x1600000"],
                "QueryVariableInfo failed: page fault",
                typed=(("grep storage /proc/baton/firmware", "storage -5"), RUNS))
    yield boots("SetVariable works", [], typed=((variable, "written"), RUNS))
    for text, status in (("is not allowed", 8), ("has no room", 9), ("breaks in the device", 7),
                         ("is refused", 26), ("is not there any more", 3)):
        yield boots(f"SetVariable {text}", [f"runtime set-variable fails {status}"], typed=refused)
    yield boots("SetVariable jumps to where nothing is", ["runtime set-variable jump"],
                "SetVariable failed: page fault", typed=refused)
    yield boots("SetVariable runs in boot-services memory", ["runtime set-variable boot-code"],
                "SetVariable executes .*boot services", typed=((variable, "written"), RUNS))
    yield boots("three services at once, 4 processors",
                ["runtime get-time jump", "runtime get-variable stack", "runtime next-variable direction"],
                "GetTime failed", typed=((TIME, FAILS[TIME]), (VARIABLES, WORKS[VARIABLES]), RUNS), smp=4)
    yield powers_off("nothing of the firmware's services works",
                     [f"runtime {service} jump" for service in (
                         "get-time", "set-time", "get-variable", "next-variable", "set-variable",
                         "query-variable", "reset")], "power off: by ACPI")


def reset_cases():
    """ResetSystem, where it is tried first; the next way follows."""
    for text, how, *words in (
            ("jumps to where nothing is", "jump", r"ResetSystem failed: page fault.*0x7fff0000000",
             "restart: by port 0xcf9"),
            ("reads memory in use", "touch 0x1600000", "ResetSystem failed: page fault.*0x1600000",
             "restart: by port 0xcf9"),
            ("does not return", "spins", "ResetSystem took too long", "restart: by port 0xcf9"),
            ("does not return, interrupts off", "deaf", "ResetSystem took too long",
             "restart: by port 0xcf9"),
            ("returns with success", "returns", r"ResetSystem returned", "restart: by port 0xcf9"),
            ("fails", "fails 7", "ResetSystem returned", "restart: by port 0xcf9"),
            ("touches ECAM", "ecam", rf"ResetSystem reads .*PCI configuration space.*{LENT}"),
            ("runs in boot-services memory", "boot-code", rf"ResetSystem executes .*boot services.*{LENT}"),
            ("works on a stack in boot-services memory", "stack", rf"ResetSystem writes .*{LENT}"),
            ("sets the direction flag", "direction", "restart: by ResetSystem"),
            ("uses vector registers", "sse", "restart: by ResetSystem")):
        yield starts_anew(f"ResetSystem {text}", [f"runtime reset {how}", entry_with("reboot=efi")], *words)


def pm1(name, space, address):
    """The FADT's X_PM1a_EVT_BLK or X_PM1a_CNT_BLK (ACPI 6.5, table 5.9)."""
    offset, bits = {"event": (148, 32), "control": (172, 16)}[name]
    return f"acpi FACP {offset} {struct.pack('<BBBBQ', space, bits, 0, 2, address).hex()} seal"


def power_cases():
    """What ACPI says of the power is wrong: the machine goes off all the same."""
    by_acpi, by_firmware = "power off: by ACPI", "power off: by ResetSystem"
    no_ports = ["acpi FACP 56 00000000 seal", "acpi FACP 64 04000000 seal", "acpi FACP 76 08000000 seal",
                pm1("event", 1, 0), pm1("control", 1, 0), pm_timer(1, 0)]
    return [
        powers_off("power off: nothing wrong", [], by_acpi),
        powers_off("power off: a DSDT with a wrong checksum", ["acpi DSDT 9 ff"],
                   "DSDT has a wrong checksum: used", by_acpi),
        powers_off("power off: a DSDT of no length", ["acpi DSDT 4 00000000"],
                   "DSDT cannot be read: a table has an impossible length", by_firmware),
        powers_off("power off: a DSDT of 4 GiB", ["acpi DSDT 4 ffffffff"], "DSDT cannot be read",
                   by_firmware),
        powers_off("power off: a DSDT that lies nowhere",
                   ["acpi FACP 40 00f0ffff", "acpi FACP 140 00f0ffffffff0000 seal"],
                   "DSDT cannot be read", by_firmware),
        powers_off("power off: a DSDT without _S5_", ["acpi DSDT 4 40000000 seal"],
                   "no table tells how to power off", by_firmware),
        powers_off("power off: registers that lead nowhere",
                   [pm1("event", 1, 0xa00), pm1("control", 1, 0xa04)], by_acpi, by_firmware),
        powers_off("power off: registers among the DMA controller's", no_ports, by_firmware),
        powers_off("power off: registers in an unknown space", [pm1("control", 0x7f, 0x604)],
                   by_firmware),
        powers_off("power off: no FADT", ["acpi FACP 0 58 seal"], "no usable FADT", by_firmware),
        powers_off("power off: hardware that says it is reduced, without registers",
                   ["acpi FACP 112 a5841000 seal"], by_firmware),
        starts_anew("restart: a reset register that leads nowhere",
                    [f"acpi FACP 116 {struct.pack('<BBBBQ', 1, 8, 0, 1, 0xa00).hex()} seal"],
                    "restart: by ACPI's reset register", "restart: by the keyboard controller"),
        starts_anew("restart: a reset register in memory that is in use",
                    [f"acpi FACP 116 {struct.pack('<BBBBQ', 0, 8, 0, 1, 0x1600000).hex()} seal"]),
        starts_anew("restart: no FADT", ["acpi FACP 0 58 seal"]),
    ]


def processor(apic_id, kind=9):
    """An entry of the MADT for one more processor, enabled (ACPI 6.5, 5.2.12.2 and .12)."""
    return (struct.pack("<BBHIII", 9, 16, 0, apic_id, 1, apic_id) if kind == 9 else
            struct.pack("<BBBBI", 0, 8, apic_id, apic_id, 1)).hex()


def paging_cases():
    """A firmware that has turned 5-level paging on. On one processor: OVMF's other ones get lost in
    tables of four levels when it stops them at the exit."""
    five = {"cpu": "max,la57=on"}
    tables = "paging of 5 levels"
    return [
        boots("five levels of page tables", ["five-levels"], tables, **five),
        boots("five levels, and memory above 4 GiB", ["five-levels"], tables, memory="6G", **five),
        boots("five levels, stale map keys and interrupts on",
              ["five-levels", "exit-stale 3", "exit-interrupts"], tables, **five),
        boots("five levels, services in boot-services memory",
              ["five-levels", "runtime get-time boot-code"], tables, "GetTime executes",
              typed=((TIME, WORKS[TIME]), RUNS), **five),
        starts_anew("five levels, restart by ResetSystem", ["five-levels", entry_with("reboot=efi")], tables,
                    "restart: by ResetSystem", **five),
        powers_off("five levels, power off", ["five-levels"], tables, **five),
        refuses("five levels, and no kernel", ["five-levels", r"open-fails baton\kernel.elf 14"], tables,
                "kernel.elf", **five),
    ]


def processor_cases():
    """Two processors, and what the MADT says beside them."""
    for text, entry, *words in (
            ("an identifier of 256", processor(256), "APIC 256 .*ignored"),
            ("an identifier of 0x101", processor(0x101), "APIC 257 .*ignored"),
            ("all ones but one", processor(0xfffffffe), "APIC 4294967294 .*ignored"),
            ("an identifier twice, of two types", processor(1), "APIC 1 twice"),
            ("an identifier twice, of one type", processor(1, 0), "APIC 1 twice"),
            ("the boot processor twice", processor(0)),
            ("a processor that is not there", processor(77), "APIC 77 does not answer")):
        yield boots(f"MADT: {text}", [f"acpi-append APIC {entry}"], *words, "cpu: 2 online",
                    typed=(("nproc", r"2\s"), RUNS), smp=2)
    many = "".join(processor(apic_id) for apic_id in range(2, 42))
    yield boots("MADT: more processors than are used",
                [f"acpi-append APIC {many}", entry_with("maxcpus=2")],
                "40 more processors stay off: 2 are used at most", "cpu: 2 online",
                typed=(("nproc", r"2\s"), RUNS), smp=2)
    yield boots("MADT: 40 processors that are not there", [f"acpi-append APIC {many}"],
                "APIC 41 does not answer", "cpu: 2 online", typed=(("nproc", r"2\s"), RUNS), smp=2)
    yield boots("MADT: 40 processors that no interrupt reaches",
                ["acpi-append APIC " + "".join(processor(apic_id) for apic_id in range(0x100, 0x128))],
                "APIC 256 .*ignored, 40 in all", "cpu: 8 online", typed=(("nproc", r"8\s"), RUNS), smp=8)


def pm_timer(space, address):
    """The FADT's X_PM_TMR_BLK (ACPI 6.5, table 5.9)."""
    return f"acpi FACP 208 {struct.pack('<BBBBQ', space, 32, 0, 3, address).hex()} seal"


def clock_cases():
    """A clock that stands still, and one that is mad: named, and not believed."""
    nowhere = pm_timer(1, 0xb00)
    hpet_counter = pm_timer(0, 0xfed000f0)
    still = "the ACPI PM timer stands still"
    no_hpet = ("-machine hpet=off",)
    yield boots("clocks: the PM timer stands still", [nowhere], still, "by the HPET, to which another agrees")
    yield boots("clocks: it does, and there is no HPET", [nowhere], still, "by the 8254", qemu=no_hpet)
    yield boots("clocks: the PM timer is mad", [hpet_counter],
                "by the ACPI PM timer it would be .*not believed", "by the HPET, to which another agrees")
    yield boots("clocks: none but the 8254", ["acpi-none"], "by the 8254", typed=())


def cases():
    tables = (service_cases, odd_answer_cases, reset_cases, power_cases, paging_cases, processor_cases,
              clock_cases)
    return [case for table in tables for case in table()]

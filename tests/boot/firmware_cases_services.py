"""Cases of the ill-behaved firmware: runtime services that leave the processor changed, answer oddly, write
where they should not, or take their time."""
import struct

from firmware_case import boots
from firmware_cases_kernel import FAILS, RUNS, TIME, VARIABLES, WORKS, entry_with
from firmware_cases_unseen import function_offset
from harness import project

FILES = ("cat /sys/firmware/efi/efivars/* | wc -c; ls /sys/firmware/efi/efivars | wc -l; echo lis''ted",
         "listed")
# The kernel goes on, with new programs and their memory.
ALIVE = ("for i in 1 2 3 4 5; do ls -l /proc/self /bin >/dev/null; done; echo still''here", "stillhere")
STORAGE = "grep storage /proc/baton/firmware"


def kernel_address(name):
    """Of a function, with nokaslr: its place in the file, as the only segment with code has it."""
    elf = project.read(project.ESP + "/baton/kernel.elf")
    at, = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    offset = function_offset(elf, name)
    for i in range(count):
        kind, _, start, address, _, length = struct.unpack_from("<IIQQQQ", elf, at + i * size)
        if kind == 1 and start <= offset < start + length:
            return 0xffffffff80000000 + address + offset - start
    raise project.Failure(f"{name} is in no segment")


def processor_cases():
    def case(text, how, *words, answers=WORKS, more=(), **machine):
        return boots(f"services: GetTime {text}", [f"runtime get-time {how}", *more], *words,
                     typed=((TIME, answers[TIME]), (TIME, answers[TIME]), RUNS, ALIVE), **machine)

    yield case("returns with NT, AC, DF and IOPL set", "flags 0x47400")
    yield case("returns with single steps", "flags 0x100")
    yield case("clears WP", "control0 0x10000", "GetTime changed CR0: put back")
    for text, bits in (("sets TS", 8), ("sets EM and MP", 6)):
        yield case(text, f"control0 {bits}", "GetTime changed CR0: put back", "GetTime failed", answers=FAILS)
    yield case("turns caches off", "control0 0x40000000", "changed CR0")
    yield case("clears OSFXSR", "control4 0x200", "changed CR4", "GetTime failed", answers=FAILS)
    for text, bits in (("changes OSXSAVE", 0x40000), ("changes SMEP, SMAP and UMIP", 0x300800),
                       ("changes PGE, TSD, DE and PCE", 0x18c), ("sets VME and PVI", 3)):
        yield case(text, f"control4 {bits:#x}", "GetTime changed CR4: put back")
    yield case("sets CR3's cache bits", "cache-bits")
    for text, register, name in (
            ("FS's base", 0xc0000100, "the base of FS"), ("GS's base", 0xc0000101, "the base of GS"),
            ("the program's base of GS", 0xc0000102, None), ("LSTAR", 0xc0000082, "LSTAR"),
            ("STAR", 0xc0000081, "STAR"), ("FMASK", 0xc0000084, "FMASK"), ("SCE", 0xc0000080, "EFER"),
            ("page attributes", 0x277, "the page attribute table"), ("SYSENTER's stack", 0x174, None),
            ("TSC_AUX", 0xc0000103, None), ("the MTRRs' default", 0x2ff, None)):
        yield case(f"clears {text}", f"msr {register:#x}", *([f"changed {name}"] if name else []))
    yield case("leaves no descriptors", "gdt", "changed the GDT")
    yield case("leaves no interrupt table", "idt")
    yield case("leaves no segments", "segments")
    yield case("leaves a breakpoint", f"breakpoint {kernel_address('clock_now'):#x}", "changed DR7",
               more=[entry_with("nokaslr")])
    yield case("leaves a full FPU, and its exceptions on", "floating")
    for vector in (0, 1, 3, 4, 6, 13, 14, 32, 64, 128, 255):
        yield case(f"executes INT {vector}", f"int {vector}", answers={TIME: "time"})


def answer_cases():
    for status in (1, 0x7fffffffffffffff, 1 << 63, (1 << 64) - 1, 0xa000000000000001, 0x8000000000000005):
        for service, name, line in (("get-time", "GetTime", TIME), ("get-variable", "GetVariable", VARIABLES),
                                    ("next-variable", "GetNextVariableName", VARIABLES)):
            yield boots(f"services: {name} answers {status:#x}", [f"runtime {service} answers {status:#x}"],
                        typed=((line, line.split()[1] if line == VARIABLES else "time"), RUNS))
    for value in (0, 1, 0xffffffff, 1 << 40, (1 << 64) - 1):
        for service, name in (("get-variable", "GetVariable"), ("next-variable", "GetNextVariableName")):
            yield boots(f"services: {name} says it gave {value:#x} bytes",
                        [f"runtime {service} size {value:#x}"],
                        typed=((VARIABLES, "variables"), FILES, RUNS))
            yield boots(f"services: {name} wants {value:#x} bytes", [f"runtime {service} small {value:#x}"],
                        typed=((VARIABLES, "variables"), FILES, RUNS))


def beyond_cases():
    """What it is given lies before an unmapped page."""
    for service, name, line in (("get-time", "GetTime", TIME), ("get-variable", "GetVariable", VARIABLES),
                                ("next-variable", "GetNextVariableName", VARIABLES),
                                ("query-variable", "QueryVariableInfo", STORAGE)):
        for count in (1, 100, 5000):
            # The others give less than there is room for.
            words = [f"{name} failed: page fault"] if service == "get-time" else []
            yield boots(f"services: {name} writes {count} bytes too many",
                        [f"runtime {service} beyond {count}"],
                        *words, typed=((line, "variables|time|storage"), FILES, RUNS, ALIVE))


def name_cases():
    """Names of variables are names of files."""
    look = ("ls -la /sys/firmware/efi/efivars | cat -v; echo lis''ted", "listed")
    for text, name in (("of two dots", ".."), ("of one dot", "."), ("with a slash", "a/b"),
                       ("that leads out", "../../etc/passwd"), ("with a line's end", "a\nb"),
                       ("that clears the screen", "\x1b[2J"), ("of nothing", ""), ("in Greek", "αβγ"),
                       ("of a smiley", "\U0001f600"), ("of 500 letters", "x" * 500),
                       ("of 250 Greek letters", "α" * 250)):
        yield boots(f"services: a variable with a name {text}",
                    ["runtime next-variable name " + (name + "\0").encode("utf-16-le").hex()],
                    typed=((VARIABLES, "variables"), look, RUNS))
    yield boots("services: a variable with half a letter as its name",
                ["runtime next-variable name 3dd80000"],
                typed=((VARIABLES, "variables"), look, RUNS))
    yield boots("services: a variable's name without an end", ["runtime next-variable name " + "4100" * 512],
                typed=((VARIABLES, "variables"), look, RUNS))
    yield boots("services: variables without end", ["runtime next-variable endless"],
                typed=((VARIABLES, "variables"), FILES, RUNS))


def time_cases():
    worked = r"time 0 20\d\d-"
    yield boots("services: GetTime takes three seconds", ["runtime get-time sleeps 3000 2"],
                typed=((TIME, worked), RUNS))
    yield boots("services: GetTime takes three seconds, interrupts off",
                ["runtime get-time sleeps-deaf 3000 2"],
                typed=((TIME, worked), RUNS))
    yield boots("services: GetTime stops the processor", ["runtime get-time halts 0 1"],
                "GetTime took too long",
                typed=((TIME, "time"), RUNS))
    yield boots("services: GetTime stops the processor, and no NMI ticks", ["runtime get-time halts 0 1"],
                "GetTime took too long", typed=((TIME, "time"), RUNS), smp=2, qemu=("-machine pit=off",))


def cases():
    tables = (processor_cases, answer_cases, beyond_cases, name_cases, time_cases)
    return [case for table in tables for case in table()]

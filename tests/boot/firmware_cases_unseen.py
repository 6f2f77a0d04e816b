"""Cases of the ill-behaved firmware on a machine without a serial port: every failure between
ExitBootServices and the first program is read off the screen."""
import struct

from firmware_case import halts
from firmware_cases_loader import AGAIN, DEVICE_ERROR, LINUX, RAM_DISK, entry
from harness import project

from baton import cpio

RESTART = "Ctrl-Alt-Del or the power button restarts"
INVALID_OPCODE = b"\x0f\x0b"  # UD2
RETURN_ITSELF = b"\x48\x8d\x05\xf9\xff\xff\xff\xc3"  # lea -7(%rip), %rax; ret: no NULL
# Steps of the kernel's way to the first program, in their order (kernel/start/main.c). The first
# runs before anything is known, some before there are page tables, a console, threads.
STEPS = ("cpu_features_find", "memory_map_parse", "memory_initialize", "cpu_features_enable",
         "symbol_initialize", "framebuffer_initialize", "interrupt_controller_initialize",
         "clock_initialize", "fpu_initialize", "panic_initialize", "thread_initialize",
         "file_system_initialize", "vdso_initialize", "proc_initialize", "terminals_initialize",
         "file_system_load_cpio", "acpi_power_initialize", "runtime_services_initialize",
         "battery_clock_initialize", "other_cpus_start", "process_start_init")
# Steps that fail, with what they return, and what is said. No machine is known on which they do: the
# loader refuses what leads to most of them.
ENOMEM, ENODEV, EINVAL = 12, 19, 22
FAILURES = (
    ("memory_map_parse", 0, "the firmware's memory map is unusable"),
    ("memory_initialize", 0, "too little memory"),
    ("heap_allocate", 0, "too little memory for the memory map"),
    ("interrupt_controller_initialize", -ENODEV, "the processor has no usable local APIC"),
    ("kernel_stack_allocate", 0, "too little memory"),
    ("file_system_initialize", -ENOMEM, "too little memory for a root file system"),
    ("vdso_initialize", -ENOMEM, "too little memory for the vDSO"),
    ("file_system_load_cpio", -ENOMEM, "too little memory for the initrd's files"),
    ("file_system_load_cpio", -EINVAL, "the initrd is corrupt"),
    ("process_start_init", -ENOMEM, "there is no init in the initrd"),
)
# With so many KiB of memory some step finds too little, each time another one.
MEMORY = (0, 4, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768,
          1024, 1536, 2048)


def function_offset(elf, name):
    """Where in the kernel's file a function begins: by its section and symbol headers (ELF-64)."""
    table, = struct.unpack_from("<Q", elf, 40)
    size, count = struct.unpack_from("<HH", elf, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, table + i * size) for i in range(count)]
    symbols = next(section for section in sections if section[1] == 2)
    names = sections[symbols[6]][4]
    for at in range(symbols[4], symbols[4] + symbols[5], 24):
        name_at, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", elf, at)
        if elf.startswith(name.encode() + b"\0", names + name_at) and section:
            return sections[section][4] + value - sections[section][3]
    raise project.Failure(f"the kernel has no function {name}")


def spoiled_kernel(name, code):
    kernel = bytearray(project.read(project.ESP + "/baton/kernel.elf"))
    at = function_offset(kernel, name)
    kernel[at:at + len(code)] = code
    return bytes(kernel)


def returns(value):
    """The code of a function that does nothing else: movabs $value, %rax; ret."""
    return b"\x48\xb8" + struct.pack("<q", value) + b"\xc3"


def kernel_named(name):
    return entry(f"linux /baton/{name}\n{RAM_DISK}")


def options(text):
    return ["load-options " + (text + "\0").encode("utf-16-le").hex()]


def exit_cases(machine):
    return [
        halts("unseen: stale map keys, always", ["exit-stale 1000000"], "memory map does not stop",
              "tries of the exit: 16", "power button", **machine),
        halts("unseen: the exit fails", [f"exit-status {DEVICE_ERROR}"], "device error",
              "tries of the exit: 1", "power button", **machine),
        halts("unseen: no second map", ["exit-stale 1", f"map-fails {AGAIN} {DEVICE_ERROR}"],
              "cannot be taken again", "power button", **machine),
    ]


def memory_cases(machine):
    return [
        halts("unseen: too little memory for the kernel's tables", options("mem=64K"),
              "cannot start: too little memory", RESTART, restart="keys", **machine),
        halts("unseen: too little memory for the first files", options("mem=1M"),
              "cannot start: too little memory", RESTART, restart="keys", **machine),
        halts("unseen: too little memory, quietly", options("mem=64K quiet"),
              "cannot start: too little memory", RESTART, **machine),
        *(halts(f"unseen: {size} KiB of memory", options(f"mem={size}K"),
                rf"(cannot start: too little memory|panic: ).*{RESTART}", **machine)
          for size in MEMORY),
    ]


def init_cases(machine):
    no_init = entry(LINUX + "initrd /baton/empty.cpio\n")
    return [
        halts("unseen: no init", no_init, "cannot start: there is no init", RESTART, restart="button",
              **machine),
        halts("unseen: no such init", options("init=/none"), "/none", "cannot be started", RESTART,
              restart="keys", **machine),
        halts("unseen: an init that is no program", options("init=/etc/passwd"), "/etc/passwd",
              "cannot be started", RESTART, **machine),
        halts("unseen: an init that is a folder", options("init=/bin"), "/bin", "cannot be started",
              RESTART, **machine),
        halts("unseen: an init that ends", options("init=/bin/true"), "panic: ", RESTART,
              restart="button", **machine),
        halts("unseen: an init that ends, quietly", options("init=/bin/true quiet"), "panic: ", RESTART,
              **machine),
    ]


def kernel_cases(machine):
    """A fault in each step, as a bug of the kernel's or a broken memory would make it."""
    return [
        halts("unseen: a handoff of another version", kernel_named("version.elf"),
              "cannot start: the loader's handoff is unusable", RESTART, restart="keys", **machine),
        *(halts(f"unseen: {step} returns {value}", kernel_named(f"{step}{value}.elf"),
                f"cannot start: {words}", RESTART, **machine) for step, value, words in FAILURES),
        *(halts(f"unseen: a fault in {step}", kernel_named(f"{step}.elf"), "panic: invalid opcode",
                RESTART, **machine) for step in STEPS),
    ]


def cases():
    empty = cpio.Archive()
    empty.directory("nothing")
    files = {"baton/empty.cpio": empty.bytes(),
             "baton/version.elf": spoiled_kernel("handoff_check", RETURN_ITSELF),
             **{f"baton/{step}{value}.elf": spoiled_kernel(step, returns(value))
                for step, value, _ in FAILURES},
             **{f"baton/{step}.elf": spoiled_kernel(step, INVALID_OPCODE) for step in STEPS}}
    machine = {"serial": False, "files": files}
    return [case for table in (exit_cases, memory_cases, init_cases, kernel_cases)
            for case in table(machine)]

"""scripts/debug: boots a machine that waits, and attaches gdb.

gdb knows the symbols of the kernel, at the address that it has without randomisation, of the
loader and of the program given by --program. Two breakpoints to begin with:

    hbreak efi_main             the loader's first function
    hbreak kernel_main          the kernel's

What the command prints appears in between; the kernel log goes to the file named at the start.
"""
import mmap
import os
import shlex
import signal
import struct
import subprocess
import sys
import tempfile

from . import boot, machine, project, qemu

KERNEL_BASE = 0xffffffff80000000  # with the kernel option nokaslr: esp/README.md
LOADER = os.path.join(project.BUILD, "loader", "BOOTX64.EFI")


def pe_section(image, wanted):
    """(preferred image base, virtual address, first bytes) of a PE image's section: Microsoft's PE
    format, "COFF File Header", "Optional Header", "Section Table"."""
    header, = struct.unpack_from("<I", image, 0x3c)
    count, = struct.unpack_from("<H", image, header + 6)
    optional_size, = struct.unpack_from("<H", image, header + 20)
    base, = struct.unpack_from("<Q", image, header + 24 + 24)
    for at in range(count):
        name, _, address, _, offset = struct.unpack_from(
            "<8sIIII", image, header + 24 + optional_size + 40 * at)
        if name.rstrip(b"\0") == wanted:
            return base, address, image[offset:offset + 256]
    raise project.Failure(f"no section {wanted.decode()} in {LOADER}")


def loader_offset(options):
    """How far from its preferred address the firmware puts the loader. It is the same in every
    boot of the same machine, so one is booted for it and its memory searched."""
    with open(LOADER, "rb") as file:
        base, address, code = pe_section(file.read(), b".text")
    with machine.Machine(options, ["true"]) as probe, tempfile.TemporaryDirectory() as folder:
        if not probe.wait(lambda: any("loader: " in line for line in probe.log.lines), 60):
            raise project.Failure("the loader does not start")
        probe.query("stop")
        path = os.path.join(folder, "memory")
        size = sum(device["data"]["size"] for device in probe.query("query-memory-devices"))
        size = size or probe.query("query-memory-size-summary")["base-memory"]
        probe.query("pmemsave", val=0, size=min(size, 2 << 30), filename=path)
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
            found = memory.find(code)
            # The firmware has also read the file, but to an address without alignment.
            while found >= 0 and (found - address) % 4096:
                found = memory.find(code, found + 1)
    if found < 0:
        raise project.Failure("the loader was not found in memory")
    return found - address - base


def main():
    parser = boot.parser_make("scripts/debug", __doc__.partition(": ")[2], None)
    parser.add_argument("--program", metavar="FILE", help="the debugged program, on this host")
    parser.add_argument("--gdb", metavar="ARGS", default="", help="further arguments for gdb")
    arguments, command = boot.parse(parser, sys.argv[1:])
    program, extra = arguments.pop("program"), shlex.split(arguments.pop("gdb"))
    arguments["append"] = f"nokaslr {arguments['append']}"
    arguments["log"] = arguments["log"] or os.path.join(project.BUILD, "debug-log.txt")
    options = qemu.Options(**arguments)
    try:
        return debug(options, command or ["sh", "-c", "echo hello"], program, extra)
    except (project.Failure, OSError) as error:
        print(f"baton: {project.explain(error)}", file=sys.stderr)
        return machine.LOST


def debug(options, command, program, extra):
    offset = loader_offset(options)
    kernel = project.KERNEL_DEBUG if options.debug_kernel else project.KERNEL
    print(f"baton: the kernel log goes to {options.log}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        options.gdb = os.path.join(folder, "gdb")
        symbols = [f"add-symbol-file {kernel} -o {KERNEL_BASE:#x}",
                   f"add-symbol-file {LOADER} -o {offset:#x}"]
        if program:
            symbols.append(f"add-symbol-file {program}")
        settings = ["set confirm off", "set pagination off", f"directory {project.SOURCE}", *symbols,
                    f"target remote {options.gdb}"]
        gdb = ["gdb", "-q", *(part for setting in settings for part in ("-ex", setting)), *extra]
        with machine.Machine(options, command, output=1, error=2) as debugged:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for gdb
            process = subprocess.Popen(gdb, preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.SIG_DFL))
            debugged.wait(lambda: process.poll() is not None)
            return process.wait()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Runs the same commands on Baton and on Debian's Linux, with the same root file system, and
compares what they print and return, byte for byte.

usage: compare.py COMMANDS [--only TEXT] [--self | --show] [--smp N] [--tpm] [NAME=FILE...]

--self compares Linux with itself: what differs then is not fit for comparing. --smp and --tpm: in a machine
with so many processors, with a TPM. Each FILE, a program or a library, lies in the machines as /peer/NAME.
"""
import argparse
import contextlib
import difflib
import itertools
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))
import harness  # noqa: E402
from tpm import emulated_tpm  # noqa: E402
from baton import peer  # noqa: E402

# Debian's OVMF as it is: what the build makes of it for speed looks for no TPM.
WITH_TPM = "/usr/share/OVMF/OVMF_CODE_4M.fd,/usr/share/OVMF/OVMF_VARS_4M.fd"

# Marks part the output and the errors of one command from the next one's.
MARK = "@@peer@@"
PATIENCE = 1800  # seconds, on a busy host: thousands of calls a file, large packages, all modules of a kernel
# So many lines behind the first that differs are compared line by line.
DIFFERING = 200


class Commands:
    """A file of commands; commands.txt tells the format. Lines that start with % say with what they
    are run: Debian packages to be laid over the root, another shell, /proc, which is not mounted
    otherwise, for what lies there differs; that Linux is started from the disk, as Baton is, so that
    the firmware has done the same, and has drivers that Debian built as modules; further devices;
    the drivers of a PC's hardware that Linux loads for them, and empty files for disks to lie in."""

    def __init__(self, path, only=""):
        self.list = []
        self.packages = []
        self.shell = "sh"
        self.proc = False
        self.disk = False
        self.smp = 1
        self.machine = "q35"
        self.qemu = []
        self.for_pc = False
        self.drives = []
        self.tpm = False
        with open(path, encoding="ascii") as file:
            for line in file.read().splitlines():
                if line.startswith("%packages "):
                    self.packages = line.split()[1:]
                elif line.startswith("%shell "):
                    self.shell = line.split()[1]
                elif line == "%proc":
                    self.proc = True
                elif line == "%disk":
                    self.disk = True
                elif line.startswith("%smp "):
                    self.smp = int(line.split()[1])
                elif line.startswith("%machine "):
                    self.machine = line.split()[1]
                elif line == "%pc":
                    self.for_pc = True
                elif line.startswith("%drive "):
                    self.drives.append(line.split()[1:])
                elif line.startswith("%qemu "):
                    self.qemu.append(line.partition(" ")[2])
                elif line.startswith(" ") and self.list:
                    self.list[-1] += "\n" + line[1:]
                elif line and not line.startswith("#"):
                    self.list.append(line)
        self.list = [command for command in self.list if only in command]

    def linux(self):
        """The kernel's path; None: the usual one."""
        return peer.pc_kernel()[0] if self.for_pc else None


# Runs in the guest: each argument is one command, in a shell of its own as if it had been typed.
SCRIPT = f"""
for module in /modules/*.ko; do
    [ ! -e $module ] || insmod $module
done
grep -q efivarfs /proc/mounts 2>/dev/null ||
    mount -t efivarfs efivarfs /sys/firmware/efi/efivars 2>/dev/null
shell=$1
shift
for command; do
    $shell -c "$command" </dev/null
    status=$?
    printf '\\n{MARK}%d\\n' $status
    printf '\\n{MARK}%d\\n' $status >&2
done
"""
END = re.compile(rb"\n" + MARK.encode() + rb"(\d+)\n")


def pieces(data):
    """(text, status) of each command that ended."""
    parts = END.split(bytes(data))
    return list(zip(parts[::2], parts[1::2]))


def drives_make(commands, folder):
    """An empty file for each drive, and what QEMU is to be told of it."""
    arguments = []
    for name, size in commands.drives:
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.truncate(int(size.removesuffix("M")) << 20)
        arguments.append(f"-drive if=none,id={name},format=raw,file={path}")
    return arguments


def run_once(kernel, commands, rest, root):
    """Boots one machine for the `rest` of the commands; returns (output, errors, status) for each
    that it came to, and what there is to say about the machine."""
    with contextlib.ExitStack() as stack:
        chip = stack.enter_context(emulated_tpm("tpm-crb")) if commands.tpm else []
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        options = harness.Options(kernel=kernel, timeout=PATIENCE, proc=commands.proc, root=root,
                                  linux_from_disk=commands.disk, smp=commands.smp,
                                  machine=commands.machine,
                                  qemu=[*drives_make(commands, folder), *commands.qemu, *chip],
                                  linux=commands.linux())
        if commands.tpm:
            options.firmware = WITH_TPM
        with harness.Machine(options, ["sh", "-c", SCRIPT, "sh", commands.shell, *rest]) as machine:
            machine.run()
    outputs, errors = pieces(machine.output.data), pieces(machine.error.data)
    results = [(output, error, int(status))
               for (output, status), (error, _) in zip(outputs, errors)]
    return results, harness.describe(machine)


def run(kernel, commands, programs):
    """A result for each command: (output, errors, status), or a text that says why there is none.
    A command that takes the machine down costs only its own result."""
    root = [programs]
    if commands.packages:
        root.append(peer.packages(commands.packages))
    if commands.for_pc and kernel == "linux":
        root.append(peer.pc_kernel()[1])
    elif commands.disk and kernel == "linux":
        root.append(peer.modules())
    results = []
    while len(results) < len(commands.list):
        more, description = run_once(kernel, commands, commands.list[len(results):], root)
        results += more
        if len(results) < len(commands.list):
            results.append(description)
        if not more and len(results) == 1:
            break  # it does not come up at all
    return results + ["not run"] * (len(commands.list) - len(results))


def first_difference(one, other):
    """The first lines that differ, where there are several."""
    if not isinstance(one, bytes) or one.count(b"\n") + other.count(b"\n") < 3:
        return ""
    pairs = itertools.zip_longest(one.splitlines(), other.splitlines())
    number, (got, expected) = next(((number, pair) for number, pair in enumerate(pairs, 1)
                                    if pair[0] != pair[1]), (0, ("", "")))
    return f"; line {number}: {got!r}, on Linux {expected!r}"


def differences(what, got, expected):
    """The lines that differ, a few of them."""
    if got == expected:
        return []
    if isinstance(got, int):
        return [f"{what}: {got}, on Linux {expected}"]
    texts = [text.decode("utf-8", "replace").splitlines() for text in (expected, got)]
    same = len(os.path.commonprefix(texts))
    # Of thousands of lines a full comparison would take an hour.
    lines = difflib.unified_diff(*(text[same:same + DIFFERING] for text in texts), "Linux", "Baton",
                                 f"({what}, from line {same + 1})", "", lineterm="", n=0)
    return [harness.shorten(line) for line in list(lines)[:12]]


def report(tap, command, got, expected):
    name = command.replace("\n", "; ")
    if isinstance(got, str) or isinstance(expected, str):
        tap.check(False, name, got, expected)
    else:
        notes = [line for what, one, other in zip(("output", "errors", "status"), got, expected)
                 for line in differences(what, one, other)]
        tap.check(got == expected, name, *notes)


def lay_out(root, programs):
    os.mkdir(os.path.join(root, "peer"))
    for program in programs:
        name, path = program.split("=", 1)
        target = os.path.join(root, "peer", name)
        shutil.copyfile(path, target)
        os.chmod(target, 0o755)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("commands")
    parser.add_argument("--self", action="store_true")
    parser.add_argument("--only", metavar="TEXT", default="", help="only commands that hold TEXT")
    parser.add_argument("--show", action="store_true", help="print what Linux says, and no more")
    parser.add_argument("--smp", type=int, metavar="N", help="with so many processors")
    parser.add_argument("--tpm", action="store_true", help="with a TPM")
    parser.add_argument("programs", nargs="*", metavar="NAME=FILE")
    arguments = parser.parse_args()
    commands = Commands(arguments.commands, arguments.only)
    commands.smp = arguments.smp or commands.smp
    commands.tpm = arguments.tpm

    def show(programs):
        for command, result in zip(commands.list, run("linux", commands, programs)):
            print(command, *result if isinstance(result, tuple) else [result], sep="\n    ")

    def test(tap, programs):
        expected = run("linux", commands, programs)
        got = run("linux" if arguments.self else "baton", commands, programs)
        for command, one, other in zip(commands.list, got, expected):
            report(tap, command, one, other)

    with tempfile.TemporaryDirectory() as programs:
        lay_out(programs, arguments.programs)
        if arguments.show:
            show(programs)
        else:
            harness.main(lambda tap: test(tap, programs))


if __name__ == "__main__":
    main()

"""scripts/boot: boots Baton in a virtual machine, and runs one command in it.

Returns the command's own status (128+N if signal N ended it), or
  124  it was not done in time (--timeout)
  125  the kernel panicked
  126  the machine reset, halted or ended unasked, or never came up
and in these cases says on stderr why.
"""
import argparse
import contextlib
import os
import re
import signal
import sys

from . import machine, media, profile, project, qemu, terminal

MEMORY_MINIMUM = 128 << 20
PROCESSORS_MAXIMUM = 255  # an xAPIC has no more numbers, and QEMU's emulation no x2APIC
PASSED_OVER_MAXIMUM = 10


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong; the status is that of a machine that never came up."""

    def error(self, message):
        print(f"baton: {message} ({self.prog} --help)", file=sys.stderr)
        sys.exit(machine.LOST)


def memory_size(text):
    """QEMU takes more forms; what it takes for a small number would be a machine of that many MiB."""
    match = re.fullmatch(r"([0-9]+)([MG]?)", text)
    size = int(match[1]) << (30 if match[2] == "G" else 20) if match else 0
    if size < MEMORY_MINIMUM:
        raise argparse.ArgumentTypeError(f"{text}: has to be 128M or more, as 512M or 2G")
    return text


def processor_count(text):
    if not text.isdecimal() or not 1 <= int(text) <= PROCESSORS_MAXIMUM:
        raise argparse.ArgumentTypeError(f"{text}: has to be 1 to {PROCESSORS_MAXIMUM}")
    return int(text)


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text}: has to be a number of seconds above 0")
    return value


def parser_make(program, description, epilog):
    """A parser for the options that say how a machine is made."""
    parser = Parser(
        prog=program, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=epilog,
        usage=f"{program} [options] [-- COMMAND [ARG...]]", description=description)
    add_machine_options(parser)
    add = parser.add_argument
    add("--firmware", metavar="CODE[,VARS]", help="firmware image, and its variables if they lie "
        "in one of their own (Debian's OVMF.fd, without its wait for a TPM); Secure Boot has to be off: "
        "nothing is signed")
    add("--display", action="store_true", help="open a window with the machine's screen")
    add("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def add_machine_options(parser):
    """Adds the options that say how a machine is made, whoever boots it."""
    options = qemu.Options()
    qemu.add_content_options(parser)
    add = parser.add_argument
    add("--smp", metavar="N", type=processor_count, default=options.smp, help="processors (1)")
    add("--memory", metavar="SIZE", type=memory_size, default=options.memory,
        help="memory (1G)")
    add("--cpu", metavar="MODEL", default=options.cpu, help="QEMU's processor model (max)")
    add("--machine", choices=qemu.MACHINES, default=options.machine, help="(q35)")
    add("--media", choices=media.MEDIA, default=options.media, help="what to boot from (virtio)")
    add("--icount", action="store_true", help="count instructions: one is one nanosecond")
    add("--timeout", metavar="SECONDS", type=seconds, help="give up after that time")
    add("--log", metavar="FILE", help="write the kernel log there")
    add("--qemu", metavar="ARGS", action="append", default=[], help="further arguments for QEMU")
    add("--no-build", action="store_true", help="boot what is built already")


def parse(parser, argv):
    """Returns the options as a dictionary, and the command: what stands behind the first --,
    whatever it looks like, or behind the options."""
    own, command = argv, []
    if "--" in argv:
        at = argv.index("--")
        own, command = argv[:at], argv[at + 1:]
    arguments = vars(parser.parse_args(own))
    del arguments["no_build"]  # the shell's
    first = arguments.pop("command")
    if first and command:
        parser.error(f"options come before --: {' '.join(first)}")
    return arguments, first or command


def open_standard_files():
    """Standard descriptors that came closed must not be taken by other files."""
    for file in (0, 1, 2):
        try:
            os.fstat(file)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def same_file(one, other):
    a, b = os.fstat(one), os.fstat(other)
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def handle_signals(action):
    """Calls action(number) for signals that ask to end, unless whoever started us ignores them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: action(number))


class PassedOver:
    """Tells, as soon as the kernel does, what of the folders laid over the root it could not lay."""

    def __init__(self, running, line_end):
        self._log, self._line_end, self._told = running.log, line_end, 0

    def tell(self):
        new = self._log.passed_over[self._told:PASSED_OVER_MAXIMUM]
        for text in new:
            print(f"baton: not laid over the root: {text}", end=self._line_end, file=sys.stderr)
        self._told += len(new)
        return False

    def summary(self):
        left = len(self._log.passed_over) - self._told
        if left:
            print(f"baton: nor were {left} others: see --log", file=sys.stderr)


def boot(options, command):
    """Runs the command (or a shell); returns the status and what there is to say about it."""
    environment = dict(machine.ENVIRONMENT)
    stdio, size, hold = "pipes", None, contextlib.nullcontext()
    if os.isatty(0) and os.isatty(1):
        stdio, size, hold = "terminal", terminal.size(), terminal.raw()
        environment["TERM"] = os.environ.get("TERM", "linux")
        if not command:
            print("baton: starting a shell; Ctrl-] ends the machine", file=sys.stderr)
    elif same_file(1, 2):
        stdio = "merged"
    with machine.Machine(options, command or ["sh", "-l"], environment=environment, stdio=stdio,
                         size=size, greeting=bool(size and not command),
                         input=0, output=1, error=2) as running:
        passed_over = PassedOver(running, "\r\n" if size else "\n")
        handle_signals(running.signal)
        if size:
            signal.signal(signal.SIGWINCH, lambda *_: running.resize(*terminal.size()))
        with hold:
            running.wait(passed_over.tell)
        passed_over.summary()
        if size and not command and running.ended_itself:
            return 0, running  # whoever has the shell wanted it
        return running.status, running


def main():
    open_standard_files()
    handle_signals(lambda number: sys.exit(128 + number))
    parser = parser_make("scripts/boot", "Boots Baton in a virtual machine: a shell in this "
                         "terminal, or one command.", __doc__.partition("\n\n")[2] +
                         "\nCtrl-] ends a machine that has this terminal.")
    parser.add_argument("--kernel", choices=("baton", "linux"), default="baton",
                        help="linux: Debian's kernel with the same root file system, to compare")
    parser.add_argument("--profile", action="store_true",
                        help="tell on standard error in which functions of the kernel, and how far in "
                        "programs, the command's instructions were run; implies --icount")
    arguments, command = parse(parser, sys.argv[1:])
    profiled = arguments.pop("profile")
    options = qemu.Options(**arguments)
    try:
        status, ended = profile.boot(options, command, boot) if profiled else boot(options, command)
    except (project.Failure, OSError) as error:
        print(f"baton: {project.explain(error)}", file=sys.stderr)
        return machine.LOST
    if status == 0 and ended.ended_itself:
        print(f"baton: the machine {ended.ended_itself}", file=sys.stderr)
    elif ended.cause:
        tail = ended.log.tail()
        if tail and status in (machine.TIMEOUT, machine.PANIC, machine.LOST):
            print("baton: the kernel log ends with", *tail, sep="\n    ", file=sys.stderr)
        print(f"baton: {ended.cause}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())

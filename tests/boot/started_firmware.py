"""A machine whose firmware has started already: for tests that are about what comes after it.

Of the 1.8 seconds of CPU that a boot costs, 1.2 are OVMF until it first reads the disk, and these are the
same each time. So one machine is started to there, once: its disk fails the first read of the firmware,
at which QEMU stops it (`rerror=stop`), and what it is then is kept in the build folder: its memory, a
file of which each machine has a private copy page by page as it writes (`x-ignore-shared` leaves it out
of the rest), and the rest, some 2 MB, as QEMU hands it from one process to another (its manual,
"Migration"). A test's machine begins with these and with its own disk, of which the firmware knows only
the size, and reads it anew. Clock, time stamp counter and what RDRAND gives go on as in any machine.

What is kept belongs to one command line but for the disk's name, one QEMU and one firmware: key(). A
machine that is not known to be one of those (it names a file of its own, boots from something else, waits
for a debugger), or that cannot be kept, is started as always; so are all with BATON_PLAIN=1 in the
environment.
"""
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time

from baton import machine, project

FOLDER = os.path.join(project.BUILD, "started-firmware")
DISK = re.compile(r"(if=none,id=disk,format=raw,cache=unsafe),file=([^,]+)")
DEVICE = "virtio-blk-pci,drive=disk,bootindex=0"
# The first read is QEMU's own, which guesses the disk's geometry; the second one is the firmware's.
STOPPING = ("rerror=stop,file.driver=blkdebug,file.image.driver=file,file.image.filename={},"
            "file.set-state.0.event=read_aio,file.set-state.0.state=1,file.set-state.0.new_state=2,"
            "file.inject-error.0.event=read_aio,file.inject-error.0.state=2,file.inject-error.0.once=on")
PATIENCE = 120  # seconds without a word from QEMU, on a busy host
CAPABILITIES = [{"capability": "x-ignore-shared", "state": True}, {"capability": "events", "state": True}]


@functools.cache
def _qemu():
    """What changes when QEMU does."""
    path = shutil.which("qemu-system-x86_64")
    status = os.stat(path)
    return path, status.st_size, status.st_mtime_ns


def _disk(arguments):
    """The path of the one disk of a machine that can be kept, or None."""
    disks = [match for match in map(DISK.fullmatch, arguments) if match]
    files = [word for word in arguments if "/" in word]
    known = len(disks) == 1 and DEVICE in arguments and files == [project.FIRMWARE, disks[0][0]]
    return disks[0][2] if known and not {"-S", "-gdb", "-snapshot"} & set(arguments) else None


def key(arguments):
    """A name for all machines that are the same until they read the disk; None for one that is not kept."""
    disk = _disk(arguments)
    if not disk:
        return None
    same = [DISK.sub(r"\1", word) for word in arguments]
    told = repr((same, os.path.getsize(disk), machine.PORTS, _qemu())).encode()
    return hashlib.sha256(told + project.read(project.FIRMWARE) + project.read(__file__)).hexdigest()[:32]


def _with_memory(arguments, path, share):
    """The machine's memory is a file: the file itself, or a private copy of it."""
    at = arguments.index("-machine") + 1
    size = arguments[arguments.index("-m") + 1]
    return [*arguments[:at], arguments[at] + ",memory-backend=memory", *arguments[at + 1:], "-object",
            f"memory-backend-file,id=memory,size={size},mem-path={path},share={share}"]


def _unheard(arguments):
    """Serial ports that nobody listens to."""
    result = list(arguments)
    for name, index in machine.PORTS:
        result += ["-chardev", f"null,id={name}", "-device", f"isa-serial,index={index},chardev={name}"]
    return result


def _stopping(arguments, memory):
    """The machine whose firmware stops at its first read."""
    result = [DISK.sub(lambda disk: f"{disk[1]},{STOPPING.format(disk[2])}", word) for word in arguments]
    return _with_memory(_unheard(result), memory, "on")


def _starting(arguments, memory):
    """One that begins where the other stopped."""
    return [*_with_memory(arguments, memory, "off"), "-incoming", "defer"]


@contextlib.contextmanager
def _running(arguments):
    """Gives a way to ask QEMU; it ends with the block."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(
            [*arguments, "-chardev", f"socket,id=qmp,fd={theirs.fileno()}",
             "-mon", "chardev=qmp,mode=control"],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, preexec_fn=machine._die_with_parent)
        theirs.close()
        ours.settimeout(PATIENCE)
        lines = ours.makefile()

        def ask(answer, query, files=(), **arguments):
            """Waits for a line with this in it; tells whether it came before a complaint or QEMU's end."""
            message = {"execute": query, "arguments": arguments}
            try:
                socket.send_fds(ours, [json.dumps(message).encode()], files)
                return answer in next(filter(re.compile(f'"error"|"failed"|{answer}').search, lines), "")
            except OSError:  # QEMU has ended, or says nothing
                return False

        try:
            yield ask
        finally:
            process.kill()
            process.wait()


def _keep(arguments, memory, rest):
    """Starts the machine, and keeps what it is when its firmware first reads; tells whether it could."""
    with open(rest + ".part", "wb") as file, _running(_stopping(arguments, memory)) as ask:
        written = (ask("return", "qmp_capabilities") and
                   ask('"STOP"', "migrate-set-capabilities", capabilities=CAPABILITIES) and
                   ask("return", "getfd", [file.fileno()], fdname="rest") and
                   ask('"completed"', "migrate", uri="fd:rest"))
    return written and _begins(arguments, memory, file.name) and not os.rename(file.name, rest)


def _begins(arguments, memory, rest):
    """Does QEMU take it back? Of some devices it does not (nec-usb-xhci without MSI)."""
    with _running(_starting(_unheard(arguments), memory)) as ask:
        return (ask("return", "qmp_capabilities") and
                ask("return", "migrate-set-capabilities", capabilities=CAPABILITIES) and
                ask('"completed"', "migrate-incoming", uri=_reading(rest)))


def _reading(rest):
    return f"exec:cat {shlex.quote(rest)}"


def _kept(arguments):
    """Where memory and rest of this machine are, with its firmware started; made now if they were not. None
    when they cannot be."""
    name = None if os.environ.get("BATON_PLAIN") else key(arguments)
    if not name:
        return None
    folder = os.path.join(FOLDER, name)
    memory, rest, failed = (os.path.join(folder, part) for part in ("memory", "rest", "failed"))
    os.makedirs(folder, exist_ok=True)
    with project.locked(os.path.join(folder, "lock"), fcntl.LOCK_EX):
        if not os.path.exists(rest) and not os.path.exists(failed) and not _keep(arguments, memory, rest):
            open(failed, "w", encoding="ascii").close()
    return (memory, rest) if os.path.exists(rest) else None


class Machine(machine.Machine):
    """One run of one machine whose firmware has started already, where that can be."""

    def _start(self, arguments):
        kept = _kept(arguments)
        if not kept:
            return super()._start(arguments)
        memory, rest = kept
        super()._start(_starting(arguments, memory))
        self.query("migrate-set-capabilities", capabilities=CAPABILITIES)
        self.query("migrate-incoming", uri=_reading(rest))
        while self.query("query-status")["status"] == "inmigrate":
            time.sleep(0.01)
        self.query("cont")  # it stopped at a read, which is tried again now

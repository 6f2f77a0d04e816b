"""A virtual machine that runs one command and says how it went.

`Machine` starts QEMU and relays: the command's bytes on COM3, frames (control.py) on COM4, the
kernel log on COM1, QEMU's own events on QMP. All four are socket pairs that QEMU inherits, so no
name lies about, no byte is lost, and each ends when QEMU does.
"""
import ctypes
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time

from . import control, project, qemu
from .kernel_log import KernelLog

# The statuses that scripts/boot adds to the command's own.
TIMEOUT = 124
PANIC = 125
LOST = 126

ENVIRONMENT = {"PATH": "/bin:/sbin:/usr/bin:/usr/sbin", "HOME": "/root"}

REPORT_SECONDS = 5.0  # for the rest of a panic's report
FAILURE_SECONDS = 0.5  # for the rest of what could not start
SIGNAL_SECONDS = 3.0  # for a command to heed a signal
POWER_OFF_SECONDS = 30.0
SILENCE_SECONDS = 5.0  # then the processors are looked at

# What to do about what QEMU says.
HINTS = {
    "unable to find CPU model": "; `qemu-system-x86_64 -cpu help` lists the models for --cpu",
    "cannot set up guest memory": "; ask for less with --memory",
    "gtk initialization failed": "; --display needs a graphical session",
}

# Serial ports, by number. COM2 stays out: OVMF writes there and nobody would read it.
PORTS = (("log", 0), ("data", 2), ("control", 3))

BACKLOG = 1 << 20  # bytes of output kept for a slow reader before the guest has to wait
PIPE_CHUNK = 4096  # a pipe that polls as writable takes this many without blocking: pipe(7)
LEAVE_KEY = b"\x1d"  # Ctrl-]: ends a machine whose terminal this is


class Sink:
    """Where output goes: a file descriptor or, without one, `data`."""

    def __init__(self, file=None):
        self.file = file
        self.data = bytearray()
        self.count = 0  # bytes that ever came
        self.broken = False

    def write(self, data):
        self.count += len(data)
        if not self.broken:
            self.data += data

    def pending(self):
        return self.file is not None and len(self.data) > 0

    def full(self):
        return self.file is not None and len(self.data) >= BACKLOG

    def give_up(self):
        """Forgets what could not be written yet."""
        if self.file is not None:
            self.data.clear()

    def flush_some(self, _events):
        """To be called when the descriptor is writable."""
        try:
            written = os.write(self.file, self.data[:PIPE_CHUNK])
        except BlockingIOError:
            return
        except OSError:  # nobody reads any more
            self.broken = True
            written = len(self.data)
        del self.data[:written]


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: prctl(2)


class Machine:
    """One run of one machine, to be used in a `with` statement.

    `arguments` is the command (None: whatever init does without one), `stdio` how it is connected:
    "pipes", "merged" or "terminal". Once it has ended, `status` is what scripts/boot returns and
    `cause` says in words why that is not the command's own.
    """

    def __init__(self, options, arguments=None, *, environment=None, stdio="pipes", size=None,
                 greeting=False, input=None, output=None, error=None):
        """`input`, `output` and `error` are file descriptors; without them there is no input, and
        output is collected in self.output.data and self.error.data. `greeting`: a person gets a
        shell, and a line about the machine before it."""
        self.options = options
        self.log = KernelLog(options.log)
        self.output = Sink(output)
        self.error = Sink(error)
        self.status = None
        self.cause = None
        self.ready = False  # the command is being started
        self.exited = False  # it has ended by itself, or by a signal
        self._input = input
        # Somebody is looking: a machine that failed stays as it is.
        self._watched = bool(options.display or options.gdb or options.watched)
        self._terminal = stdio == "terminal"
        self._signals = 0
        # Standard input: bytes sent, of these acknowledged, the most that may be under way.
        self._sent = self._acknowledged = self._window = 0
        self._unsent = b""
        self._input_ended = False
        self._killed = False
        self._end_at = None  # (when patience ends, status, cause)
        self._shutdown_reason = None
        self.watchdog = False  # the chipset's has reset the machine
        self.ended_itself = None  # "powered off", "reset", "halted": a program did it
        self._decoder = control.Decoder()
        self._qmp_part = b""
        self._qmp_replies = {}
        self._qmp_number = 0
        self._halt_query = None
        self._folder = tempfile.TemporaryDirectory(prefix="baton-")
        self.folder = self._folder.name  # what QEMU was given lies here, the variables too
        try:
            self._start(qemu.arguments(options, self._folder.name, arguments,
                                       environment or ENVIRONMENT, stdio, size, greeting))
        except BaseException:
            self._folder.cleanup()
            raise

    def _start(self, arguments):
        self._sockets = {}
        theirs = []
        for name in ("log", "data", "control", "qmp"):
            self._sockets[name], end = socket.socketpair()
            self._sockets[name].setblocking(False)
            theirs.append(end)
            arguments += ["-chardev", f"socket,id={name},fd={end.fileno()}"]
        for name, index in PORTS:
            arguments += ["-device", f"isa-serial,index={index},chardev={name}"]
        arguments += ["-mon", "chardev=qmp,mode=control"]
        self._messages = open(os.path.join(self._folder.name, "qemu.txt"), "w+b")
        # A session of its own: Ctrl-C is for scripts/boot to handle.
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=self._messages, stderr=self._messages,
            pass_fds=[end.fileno() for end in theirs], start_new_session=True,
            preexec_fn=_die_with_parent)
        for end in theirs:
            end.close()
        self._started = self._heard = time.monotonic()
        self._query("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ends QEMU if it still runs, and removes what was made for it."""
        self._process.kill()
        self._process.wait()
        self._messages.close()
        self.log.close()
        for end in self._sockets.values():
            end.close()
        self._folder.cleanup()

    # ---- running ----

    def run(self):
        """Relays until the machine has ended; returns the status."""
        self.wait(lambda: False)
        return self.status

    def wait(self, condition, seconds=None):
        """Relays until `condition()` holds, the machine has ended or the time is up; tells whether
        it holds."""
        until = None if seconds is None else time.monotonic() + seconds
        while not condition():
            if not self._sockets and not self.output.pending() and not self.error.pending():
                self._conclude()
                return condition()
            if until is not None and time.monotonic() >= until:
                return False
            self._look_at_clock()
            self._relay()
        return True

    def query(self, command, **arguments):
        """Runs a QMP command and returns its answer."""
        number = self._query(command, **arguments)
        self.wait(lambda: number in self._qmp_replies, 60)
        reply = self._qmp_replies.pop(number, {"error": "no answer"})
        if "error" in reply:
            raise project.Failure(f"QMP {command}: {reply['error']}")
        return reply["return"]

    def type(self, text):
        """Sends bytes to the guest's console, COM1."""
        self._send("log", text)

    def signal(self, number):
        """Passes a signal on to the command; a second one, or one it does not heed, ends the
        machine. May be called from a signal handler."""
        self._signals += 1
        if self.ready and not self.exited and self._signals == 1:
            self._send("control", control.signal(number))
            self._expect_end(SIGNAL_SECONDS, 128 + number, None)
        else:
            self._end(128 + number, None)

    def resize(self, rows, columns):
        """Tells the guest the size of the host's terminal. May be called from a signal handler."""
        if self.ready:
            self._send("control", control.window_size(rows, columns))

    # ---- relaying ----

    def _relay(self):
        """Waits for something to do, not long, and does it."""
        poll = select.poll()
        actions = {}

        def watch(file, events, action, *arguments):
            if file not in actions:  # standard output and error may be one
                actions[file] = (action, arguments)
                poll.register(file, events)

        for name, end in self._sockets.items():
            held = name == "data" and self.output.full() or name == "control" and self.error.full()
            events = 0 if held else select.POLLIN
            if name == "data" and self._unsent and self.ready:
                events |= select.POLLOUT
            watch(end.fileno(), events, self._serve, name)
        for sink in (self.output, self.error):
            if sink.pending():
                watch(sink.file, select.POLLOUT, sink.flush_some)
        if self._input_room() > 0:
            watch(self._input, select.POLLIN, self._read_input)
        for file, events in poll.poll(100 if self._end_at or self._halt_query else 1000):
            action, arguments = actions[file]
            action(*arguments, events)
        if self.output.broken:
            self._end(128 + signal.SIGPIPE, None)

    def _serve(self, name, events):
        if events & select.POLLOUT:
            self._send_input(b"")
        if events & ~select.POLLOUT:
            self._receive(name)

    def _receive(self, name):
        try:
            data = self._sockets[name].recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            self._sockets.pop(name).close()
            return
        if name != "qmp":
            self._heard = time.monotonic()
        {"log": self._receive_log, "data": self.output.write, "control": self._receive_control,
         "qmp": self._receive_qmp}[name](data)

    def _receive_log(self, data):
        self.log.feed(data)
        if self._watched:
            return
        if self.log.panic_complete:
            self._end(PANIC, self.log.panic)
        elif self.log.panic:
            self._expect_end(REPORT_SECONDS, PANIC, self.log.panic)
        elif self.log.failure:
            self._expect_end(FAILURE_SECONDS, LOST, self.log.failure)
        elif self.log.halted and not self.exited:
            self.ended_itself = "halted"
            self._end(LOST, "the machine halted unasked")

    def _receive_control(self, data):
        for kind, payload in self._decoder.feed(data):
            if kind == control.READY:
                self.ready = True
                self._window, = struct.unpack("<I", payload)
            elif kind == control.ACKNOWLEDGED:
                self._acknowledged, = struct.unpack("<Q", payload)
            elif kind == control.ERROR_BYTES:
                self.error.write(payload)
            elif kind == control.EXIT and not self.exited:
                self._command_ended(*struct.unpack("<IIQ", payload))

    def _command_ended(self, number, status, count):
        self.exited = True
        self.status = 128 + number if number else status
        self._expected = None if count == control.UNCOUNTED else count
        if not self._watched:
            self._expect_end(POWER_OFF_SECONDS, None, "the machine did not power off")

    def _receive_qmp(self, data):
        *lines, self._qmp_part = (self._qmp_part + data).split(b"\n")
        for line in filter(None, map(bytes.strip, lines)):
            message = json.loads(line)
            if message.get("event") == "SHUTDOWN":
                self._shutdown_reason = message["data"]["reason"]
            elif message.get("event") == "WATCHDOG":
                self.watchdog = True
            elif "id" in message:
                self._qmp_replies[message["id"]] = message

    def _input_room(self):
        """How many bytes of standard input may be read now."""
        if self._input_ended or "data" not in self._sockets:
            return 0
        if self._terminal:
            return PIPE_CHUNK  # at any time, for a person may want to leave
        if not self.ready or self.exited or self._unsent:
            return 0
        if self._input is None:
            self._end_input()
            return 0
        return self._window - (self._sent - self._acknowledged)

    def _read_input(self, _events):
        try:
            data = os.read(self._input, self._input_room())
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end_input()
        elif self._terminal and LEAVE_KEY in data:
            self._end(LOST, "ended by Ctrl-]")
        else:
            self._sent += len(data)
            self._send_input(data)

    def _send_input(self, data):
        self._unsent += data
        if not self.ready:
            return
        try:
            count = self._sockets["data"].send(self._unsent)
        except BlockingIOError:
            count = 0
        except OSError:  # QEMU has ended; its socket will say so
            count = len(self._unsent)
        self._unsent = self._unsent[count:]

    def _end_input(self):
        self._input_ended = True
        self._send("control", control.input_end(self._sent))

    def _send(self, name, data):
        """For the little that goes out beside standard input: the socket has room for it."""
        try:
            self._sockets[name].sendall(data)
        except (OSError, KeyError):
            pass  # QEMU has ended

    def _query(self, command, **arguments):
        self._qmp_number += 1
        message = {"execute": command, "arguments": arguments, "id": self._qmp_number}
        self._send("qmp", json.dumps(message).encode() + b"\n")
        return self._qmp_number

    # ---- ending ----

    def _look_at_clock(self):
        now = time.monotonic()
        if self._end_at and now >= self._end_at[0]:
            self._end(*self._end_at[1:])
        elif self.options.timeout and now - self._started >= self.options.timeout:
            self._end(TIMEOUT, f"not done after {self.options.timeout:g} seconds")
        elif now - self._heard >= SILENCE_SECONDS and not (self._watched or self.exited):
            self._look_for_halt(now)

    def _look_for_halt(self, now):
        """A machine whose processors all wait with interrupts off will wait for ever."""
        if self._halt_query is None:
            self._halt_query = self._query("human-monitor-command",
                                           **{"command-line": "info registers -a"})
        elif self._halt_query in self._qmp_replies:
            text = str(self._qmp_replies.pop(self._halt_query).get("return"))
            self._halt_query = None
            self._heard = now
            flags = [int(value, 16) for value in re.findall(r"[ER]FL=([0-9a-f]+)", text)]
            halted = re.findall(r"HLT=(\d)", text)
            if flags and "0" not in halted and not any(flag & 0x200 for flag in flags):
                self._end(LOST, "the machine halted: every processor waits with interrupts off")

    def _expect_end(self, seconds, status, cause):
        """Gives the machine some more time to end by itself."""
        if self.options.icount:
            seconds *= 10
        if self._end_at is None or status == PANIC and self._end_at[1] != PANIC:
            self._end_at = (time.monotonic() + seconds, status, cause)

    def _end(self, status, cause):
        """Ends the machine now. Without a status the command's own stands."""
        if not self._killed:
            self._killed = True
            self.status = self.status if status is None else status
            self.cause = cause
            self._process.kill()
        self._end_at = None
        if status == TIMEOUT or self._signals:
            self.output.give_up()  # perhaps whoever should read it does not
            self.error.give_up()

    def _conclude(self):
        """QEMU has ended and everything it sent is read."""
        self._process.wait()
        if self.log.panic:
            self.status, self.cause = PANIC, self.log.panic
        elif self.status is None or self._shutdown_reason == "guest-reset":
            self.status, self.cause = LOST, self._why_lost()
        elif self.exited and not self._killed and self._expected not in (None, self.output.count):
            self.status = LOST
            self.cause = f"{self.output.count} bytes of output came, {self._expected} were sent"

    def _why_lost(self):
        if self.log.failure:
            return self.log.failure
        if self._shutdown_reason == "host-ui":
            return "the machine's window was closed"
        reasons = {"guest-reset": "reset", "guest-shutdown": "powered off"}
        self.ended_itself = reasons.get(self._shutdown_reason)
        if self.ended_itself:
            by = " by its watchdog" if self.watchdog else ""
            return f"the machine {self.ended_itself} unasked{by}"
        return self._qemu_message()

    def _qemu_message(self):
        """Why QEMU itself ended, in one line, and what to do about it where that is known."""
        self._messages.seek(0)
        text = self._messages.read().decode("utf-8", "replace")
        lines = [line.removeprefix("qemu-system-x86_64: ") for line in text.splitlines()]
        code = self._process.returncode
        if code is not None and code < 0:
            return f"QEMU itself was ended by signal {-code}"
        message = next(filter(None, lines), f"status {code}, no message")
        hint = next((hint for words, hint in HINTS.items() if words in message), "")
        return f"QEMU cannot make this machine: {message}{hint}"

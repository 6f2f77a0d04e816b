#!/usr/bin/python3
"""A machine with the ill-behaved firmware (firmware/): it starts once, up to where the firmware waits
for orders, and is put back there for each case, which takes a second."""
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

import harness
from harness import project
from screen_text import screen_text

from baton import qemu
from baton.machine import _die_with_parent

ILL_BEHAVED = os.path.join(project.BUILD, "tests", "boot", "firmware", "ill-behaved-{}.efi")
LOADER = "EFI/BOOT/BOOTX64.EFI"
# Where the ill-behaved firmware looks for its second half and for the loader.
DRIVER = "EFI/BATON/DRIVER.EFI"
MOVED_LOADER = "EFI/BATON/LOADER.EFI"
PROMPT = ":/# "
START_SECONDS = 120  # on a busy host


class SnapshotMachine:
    """To be used in a `with` statement. `serial`: whether there is a COM1, for log and console."""

    def __init__(self, serial=True, files=None, **options):
        options.setdefault("memory", "256M")
        self.memory = options["memory"]
        self._folder = tempfile.TemporaryDirectory(prefix="baton-firmware-")
        files = dict(files or {})
        files.setdefault(LOADER, ILL_BEHAVED.format("application"))
        files.setdefault(DRIVER, ILL_BEHAVED.format("driver"))
        files.setdefault(MOVED_LOADER, os.path.join(project.ESP, LOADER))
        made = qemu.Options(files=files, screen=True, **options)
        made.qemu = [*made.qemu, "-snapshot", "-action reboot=shutdown,shutdown=pause"]
        self._sockets, self._text, self._replies, self._number = {}, {}, {}, 0
        self._case = 0
        self.serial = serial
        self.shutdown = None  # why the machine has stopped, if it has
        self._ports = (("log", 0),) * serial + (("orders", 2),)
        self._start([word for word in qemu.arguments(made, self._folder.name)
                     if word != "-no-reboot"])

    def _start(self, arguments):
        theirs = []
        for name, index in (*self._ports, ("qmp", None)):
            self._sockets[name], end = socket.socketpair()
            self._text[name] = ""
            theirs.append(end)
            arguments += ["-chardev", f"socket,id={name},fd={end.fileno()}"]
            if index is not None:
                arguments += ["-device", f"isa-serial,index={index},chardev={name}"]
        arguments += ["-mon", "chardev=qmp,mode=control"]
        self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, start_new_session=True,
                                         pass_fds=[end.fileno() for end in theirs],
                                         preexec_fn=_die_with_parent)
        for end in theirs:
            end.close()

    def __enter__(self):
        try:
            self.query("qmp_capabilities")
            if not self.wait(lambda: "ready" in self.orders_text, START_SECONDS):
                raise project.Failure("the ill-behaved firmware does not start: " + self.log[-500:])
            self.query("stop")
            self.monitor("savevm ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for end in self._sockets.values():
            end.close()
        self._folder.cleanup()

    # ---- what comes from it ----

    @property
    def log(self):
        """What came on COM1 since the case began."""
        return self._text.get("log", "")

    @property
    def orders_text(self):
        """What the ill-behaved firmware itself said on COM3."""
        return self._text["orders"]

    def _relay(self, seconds):
        ready, _, _ = select.select(list(self._sockets.values()), [], [], seconds)
        for name, end in self._sockets.items():
            if end in ready:
                data = end.recv(65536)
                if not data:
                    raise project.Failure("QEMU has ended")
                self._text[name] += data.decode("utf-8", "replace")
        *lines, self._text["qmp"] = self._text["qmp"].split("\n")
        for line in filter(str.strip, lines):
            message = json.loads(line)
            if message.get("event") == "SHUTDOWN":
                self.shutdown = message["data"]["reason"]
            elif "id" in message:
                self._replies[message["id"]] = message
        return bool(ready)

    def wait(self, condition, seconds):
        """Whether the condition came to be, or the machine's end did not come first."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            if self.shutdown and not self._relay(0.2):
                return condition()
            self._relay(min(left, 0.5))
        return True

    def query(self, command, **arguments):
        self._number += 1
        number = self._number
        message = {"execute": command, "arguments": arguments, "id": number}
        self._sockets["qmp"].sendall(json.dumps(message).encode() + b"\n")
        shutdown, self.shutdown = self.shutdown, None
        self.wait(lambda: number in self._replies, 60)
        self.shutdown = self.shutdown or shutdown
        reply = self._replies.pop(number, {"error": "no answer"})
        if "error" in reply:
            raise project.Failure(f"QEMU: {command}: {reply['error']}")
        return reply["return"]

    def monitor(self, line):
        answer = self.query("human-monitor-command", **{"command-line": line})
        if "Error" in answer:
            raise project.Failure(f"QEMU: {line}: {answer}")
        return answer

    def screen(self):
        """The lines on the screen, each as wide as that, in the glyphs of Baton's font."""
        path = os.path.join(self._folder.name, "screen.ppm")
        self.query("screendump", filename=path)
        if os.environ.get("BATON_SCREEN"):  # a place to keep the picture, for a person to look at
            subprocess.run(["cp", path, os.environ["BATON_SCREEN"]], check=True)
        return screen_text(path)

    def halted(self):
        """Whether every processor waits with interrupts off."""
        text = self.monitor("info registers -a")
        flags = [int(value, 16) for value in re.findall(r"[ER]FL=([0-9a-f]+)", text)]
        return "0" not in re.findall(r"HLT=(\d)", text) and not any(flag & 0x200 for flag in flags)

    # ---- what goes to it ----

    def begin(self, orders):
        """The firmware gets its orders, a line each. What a case before has not read comes to it first, and
        may be all of that case's: then they are heeded, and it is put back once more."""
        self._case += 1
        heeded = f"go {self._case}\n"
        for _ in range(2):
            self._put_back()
            text = "".join(f"{order}\n" for order in (
                f"\nbegin {self._case}", *orders, f"go {self._case}"))
            self._sockets["orders"].sendall(text.encode())
            self.wait(lambda: re.search("go [0-9]+\n", self.orders_text), START_SECONDS)
            if heeded in self.orders_text:
                return
        raise project.Failure("the ill-behaved firmware does not heed its orders: " + self.orders_text)

    def _put_back(self):
        """Back to where the firmware waits."""
        if self.shutdown:
            self.query("set-action", reboot="reset")
            self.query("system_reset")
            self.query("set-action", reboot="shutdown")
        else:
            self.query("stop")
        self.monitor("loadvm ready")
        while self._relay(0):
            pass
        self.shutdown = None
        for name in ("log", "orders"):
            self._text[name] = ""
        self.query("cont")

    def type(self, text):
        self._sockets["log"].sendall(text.encode())

    def key(self, *names):
        self.query("send-key", keys=[{"type": "qcode", "data": name} for name in names])


def main():  # for a person: orders as arguments, the log as output
    import sys
    with SnapshotMachine() as machine:
        machine.begin(sys.argv[1:])
        machine.wait(lambda: PROMPT in machine.log or "returned" in machine.orders_text, 30)
        print(machine.log, machine.orders_text, sep="\n----\n")
        print("\n".join(filter(str.strip, machine.screen())))


if __name__ == "__main__":
    harness.sys.exit(main())

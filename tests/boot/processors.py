#!/usr/bin/python3
"""Processors that come late: in time they are used, too late they stop for good and harm nobody.

They are held back by a kernel option, or by QEMU's debugger interface at a place of the kernel's.

usage: processors.py [CASE...]
"""
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

import harness

PROMPT = ":/# "
WAIT = 120  # seconds for one step on a busy host
BASE = 0xffffffff80000000  # of the kernel, with nokaslr
# Milliseconds that each is held back, and how many processors of two there are then.
HELD_BACK = {300: 2, 4000: 2, 7000: 1}
# Long enough for the latest of those that are given up after five seconds and would come then.
LATER = "sleep 4; nproc; exec_basic"
GIVEN_UP = re.compile(r"cpu: the processor with APIC (\d+) (.*): given up")


class Debugger:
    """As little of gdb's remote protocol as is needed (gdb's manual, appendix E)."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(WAIT)
        self.got = b""

    def send(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 255))

    def receive(self):
        """The next packet's text."""
        while not (found := re.search(rb"\$([^#]*)#..", self.got)):
            data = self.socket.recv(4096)
            if not data:
                raise harness.project.Failure("the debugger interface has gone")
            self.got += data
        self.got = self.got[found.end():]
        self.socket.sendall(b"+")
        return found[1].decode()

    def ask(self, text):
        self.send(text)
        return self.receive()

    def run_to(self, address):
        """Lets all processors run until one of them comes to this address: which, from 1 on."""
        self.ask(f"Z1,{address:x},1")
        stopped = self.ask("vCont;c")
        self.ask(f"z1,{address:x},1")
        return int(re.search(r"thread:(?:p\w+\.)?(\w+)", stopped)[1], 16)

    def run_only(self, *threads):
        self.send("vCont" + "".join(f";c:{thread:x}" for thread in threads))

    def run_all(self):
        self.socket.sendall(b"\x03")
        self.receive()
        self.send("vCont;c")


def address_of(symbol):
    """Where a function of the kernel is."""
    symbols = subprocess.run(["llvm-nm-14", harness.project.KERNEL_DEBUG], check=True,
                             capture_output=True, text=True).stdout
    return BASE + int(re.search(rf"^(\w+) . {symbol}$", symbols, re.MULTILINE)[1], 16)


class Late:
    def __init__(self, tap):
        self.tap = tap

    def online(self, machine):
        """Which processors take part, as the machine says."""
        machine.type(b"cat /sys/devices/system/cpu/online | sed s/^/online=/\n")
        machine.wait(lambda: any(line.startswith("online=") for line in machine.log.lines), WAIT)
        return [line for line in machine.log.lines if line.startswith("online=")][-1:]

    def held(self, where, condition, said, name):
        """The second processor, or the third if that comes there first, stands still from `where` on
        until the condition holds."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "gdb")
            options = harness.Options(gdb=path, smp=3, append="nokaslr", debug_kernel=True,
                                      timeout=harness.TIMEOUT)
            with harness.Machine(options) as machine:
                machine.wait(lambda: os.path.exists(path), WAIT)
                debugger = Debugger(path)
                held = max(debugger.run_to(address_of(where)), 2)
                other = 5 - held
                debugger.run_only(1, other)
                begun = time.monotonic()
                met = machine.wait(lambda: condition(machine, time.monotonic() - begun), WAIT)
                self.tap.check(met, f"{name}: it is held back", *machine.log.tail())
                debugger.run_all()
                machine.wait(lambda: PROMPT in machine.log.text(), WAIT)
                online = "0-1" if other == 2 else "0,2"
                self.tap.equal(self.online(machine), [f"online={online}"], f"{name}: who takes part")
                self.tap.equal(GIVEN_UP.findall(machine.log.text()), [(str(held - 1), said)],
                               f"{name}: what the log says")
                machine.type(b"poweroff\n")
                machine.wait(lambda: machine.ended_itself, WAIT)
                self.tap.check(machine.ended_itself == "powered off", f"{name}: the machine powers off",
                               harness.describe(machine), *machine.log.tail())

    def by_option(self):
        for milliseconds, expected in HELD_BACK.items():
            machine = harness.run(["sh", "-c", LATER], smp=2, debug_kernel=True,
                                  append=f"holdcpus={milliseconds}")
            right = (bytes(machine.output.data), machine.status) == (b"%d\nEXEC_OK\n" % expected, 0)
            name = f"held back for {milliseconds} ms"
            self.tap.check(right, f"{name}: {expected} of 2 processors, and all goes on",
                           harness.describe(machine), harness.shorten(machine.output.data))
            given_up = [line for line in machine.log.lines if "given up" in line]
            self.tap.check(len(given_up) == 2 - expected, f"{name}: the log says so",
                           *machine.log.tail())

    def given_up(self):
        """It comes when the first one has long gone on."""
        self.held("other_cpus_start",
                  lambda machine, passed: passed >= 20 and PROMPT in machine.log.text(),
                  "does not answer", "until it is given up")

    def given_up_half_way(self):
        """It has taken its ticket, and then gets no further."""
        self.held("processor_main",
                  lambda machine, passed: passed >= 20 and PROMPT in machine.log.text(),
                  "began and did not get through", "half way until it is given up")


def main():
    def test(tap):
        for case in sys.argv[1:] or ["by_option", "given_up", "given_up_half_way"]:
            getattr(Late(tap), case)()

    harness.main(test)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""How a person ends the machine: poweroff, reboot and halt, with and without -f, the power button,
Ctrl-Alt-Del, and `exit` on the console; and what the console says before and after.

usage: power.py [--kernel linux] [--long | CASE...]
"""
import argparse
import sys

import harness

PROMPT = ":/# "
GREETING = "`poweroff` switches it off"
# Heeds SIGTERM with a word on the log, and then stays: init has to kill it.
STUBBORN = "(trap 'echo heeded >/dev/console' TERM; while :; do sleep 1; done) &\n"
# What each ends as (Machine.ended_itself).
COMMANDS = {"poweroff": "powered off", "reboot": "reset", "halt": "halted"}
# The ways that reboot= chooses, as the log calls them.
RESTARTS = {"acpi": "ACPI's reset register", "kbd": "the keyboard controller", "efi": "ResetSystem",
            "pci": "port 0xcf9", "triple": "a triple fault"}
NO_TABLES = ["-machine acpi=off"]
WAIT = 250  # seconds for one step on a busy host; less than harness.TIMEOUT


class Power:
    def __init__(self, tap, kernel):
        self.tap = tap
        self.kernel = kernel

    def machine(self, **options):
        """One with a shell on the console, as from the stick."""
        return harness.Machine(harness.Options(kernel=self.kernel, timeout=harness.TIMEOUT, **options))

    def shell(self, machine):
        """Waits for the shell on the console."""
        return self.tap.check(machine.wait(lambda: PROMPT in machine.log.text(), WAIT),
                              "the console has a shell", *machine.log.tail())

    def ended(self, machine, how, name):
        machine.run()
        return self.tap.check(machine.ended_itself == how, f"{name}: the machine {how}",
                              harness.describe(machine), *machine.log.tail())

    # ---- on the console ----

    def orderly(self):
        for command, how in COMMANDS.items():
            with self.machine() as machine:
                self.shell(machine)
                machine.type(STUBBORN.encode())
                machine.type(f"{command}\n".encode())
                self.ended(machine, how, command)
                self.tap.check("heeded" in machine.log.lines, f"{command}: processes get SIGTERM first",
                               *machine.log.tail())

    def at_once(self):
        for command, how in COMMANDS.items():
            with self.machine() as machine:
                self.shell(machine)
                machine.type(f"{command} -f\n".encode())
                self.ended(machine, how, f"{command} -f")

    def halt_quietly(self):
        """The log says nothing of it, but a halted machine is one whose processors all stand still."""
        machine = harness.run(["halt", "-f"], append="quiet", smp=2, kernel=self.kernel)
        self.tap.check("halted" in (machine.cause or ""), "quiet: that it halted is noticed too",
                       harness.describe(machine))

    def greeting(self):
        with self.machine(smp=2, memory="256M") as machine:
            self.shell(machine)
            lines = [line for line in machine.log.lines if GREETING in line]
            self.tap.check(len(lines) == 1 and "2 processors" in lines[0] and "MiB" in lines[0],
                           "one line says what it is and how to power off", *machine.log.tail())
            name = "Linux 6." if self.kernel == "linux" else "Baton "
            self.tap.check(lines and lines[0].startswith(name), f"it begins with {name}", *lines)
            before = machine.log.text().count(PROMPT)
            machine.type(b"exit\n")
            again = machine.wait(lambda: machine.log.text().count(PROMPT) > before + 1 or
                                 "here is another" in machine.log.text() and
                                 machine.log.text().endswith(PROMPT), WAIT)
            self.tap.check(again and "here is another" in machine.log.text(),
                           "exit: another shell, and a line that says so", *machine.log.tail())
            machine.type(b"ls -d1 /sys/devices /proc/1; grep -c sysfs /proc/mounts\n")
            seen = machine.wait(lambda: {"/sys/devices", "/proc/1", "1"} <= set(machine.log.lines), WAIT)
            self.tap.check(seen, "/sys and /proc are mounted", *machine.log.tail())

    # ---- what the kernel hears ----

    def button(self):
        with self.machine() as machine:
            self.shell(machine)
            machine.query("system_powerdown")
            self.ended(machine, "powered off", "the power button")
        with self.machine(machine="pc", smp=2) as machine:
            self.shell(machine)
            machine.query("system_powerdown")
            self.ended(machine, "powered off", "the power button of machine pc")

    def three_keys(self):
        with self.machine(screen=True) as machine:
            self.shell(machine)
            machine.query("send-key", keys=[{"type": "qcode", "data": key}
                                            for key in ("ctrl", "alt", "delete")])
            self.ended(machine, "reset", "Ctrl-Alt-Del")
            self.tap.check(any("restarting" in line for line in machine.log.lines),
                           "Ctrl-Alt-Del: in order, by init", *machine.log.tail())

    # ---- the kernel's ways ----

    def way(self, command, way, name, deed=None, ends=None, **options):
        """Ends a machine by a command and looks for the way in which it ended; returns the log's lines."""
        script = f"echo {deed} > /proc/baton/firmware; {command} -f" if deed else f"{command} -f"
        machine = harness.run(["sh", "-c", script], kernel=self.kernel, debug_kernel=True, **options)
        ends = ends or COMMANDS[command]
        self.tap.check(machine.ended_itself == ends, f"{name}: the machine {ends}",
                       harness.describe(machine))
        tried = [line for line in machine.log.lines if ": by " in line]
        self.tap.check(tried and f": by {way}" in tried[-1], f"{name}: by {way}", *machine.log.tail())
        return machine.log.lines

    def restarts(self, machine, ways):
        """Every way to restart works on its own, as reboot= chooses it."""
        for option in ways:
            self.way("reboot", RESTARTS[option], f"reboot={option} on {machine}", machine=machine, smp=2,
                     append=f"reboot={option}")

    def ways_of_pc(self):
        self.restarts("pc", [way for way in RESTARTS if way != "acpi"])

    def ways(self):
        self.restarts("q35", RESTARTS)
        self.way("reboot", RESTARTS["kbd"], "machine pc, which has no reset register", machine="pc",
                 append="reboot=acpi")
        self.way("poweroff", "ResetSystem", "without ACPI's tables", qemu=NO_TABLES, smp=2)
        self.way("reboot", RESTARTS["kbd"], "without ACPI's tables", qemu=NO_TABLES)

    def faulting_firmware(self):
        """A ResetSystem that faults or does not come back: the next way is taken, and the log says why."""
        wild = "reset 0x123456789000"
        lines = self.way("reboot", RESTARTS["pci"], "ResetSystem faults", wild, smp=2,
                         append="reboot=efi")
        self.tap.check(any("ResetSystem failed: page fault" in line and "0x123456789000" in line
                           for line in lines), "it is said what faulted, and where", *lines[-10:])
        lines = self.way("reboot", RESTARTS["pci"], "ResetSystem does not return", "reset loop",
                         append="reboot=efi")
        self.tap.check(any("ResetSystem took too long" in line for line in lines),
                       "it is said that it took too long", *lines[-10:])
        self.way("poweroff", "ACPI", "ResetSystem faults and ACPI works", wild)
        lines = self.way("poweroff", "ResetSystem", "nothing works", wild, "halted", qemu=NO_TABLES,
                         smp=2)
        self.tap.check(any("nothing works" in line for line in lines), "nothing works: the log says so",
                       *lines[-10:])

    # ---- under a command ----

    def under_a_command(self):
        for command, how in COMMANDS.items():
            script = f"trap 'echo heeded; exit' TERM; {command}; while :; do sleep 1; done"
            machine = harness.run(["sh", "-c", script], kernel=self.kernel)
            self.tap.check(machine.status == 126 and machine.ended_itself == how,
                           f"{command} in a command: status 126, the machine {how} unasked",
                           harness.describe(machine))
        machine = harness.run(["sh", "-c", "(sleep 1; poweroff) & yes"], kernel=self.kernel)
        self.tap.check(machine.status == 126 and machine.ended_itself == "powered off",
                       "also while it writes without end", harness.describe(machine))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="baton")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    cases = ["orderly", "halt_quietly", "greeting", "three_keys", "under_a_command"]
    if arguments.kernel == "baton":
        cases += ["button", "ways", "faulting_firmware"]  # Linux leaves the button to a daemon
    else:
        cases.append("at_once")
    if arguments.long:
        cases = ["at_once", "ways_of_pc"]

    def test(tap):
        for case in arguments.cases or cases:
            getattr(Power(tap, arguments.kernel), case)()

    harness.main(test)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Boots on an ill-behaved firmware (firmware/): each case has to end in a running kernel, with a line
that names the fault, or in a clear message: none in a hang, a reset, a silent stop.

usage: firmware.py [--list] [--table TABLE]... [--every N] [CASE...]       (part of a case's name)

With --every N: one case in N, so that a day sees some of every kind.
"""
import argparse
import re
import sys
import time

import firmware_cases_input
import firmware_cases_kernel
import firmware_cases_later
import firmware_cases_left
import firmware_cases_loader
import firmware_cases_machines
import firmware_cases_services
import firmware_cases_tables
import firmware_cases_unseen
import firmware_cases_wild
import harness
from snapshot_machine import PROMPT, SnapshotMachine

WAIT = 60  # seconds for one step on a busy host
TABLES = {"loader": firmware_cases_loader, "kernel": firmware_cases_kernel, "unseen": firmware_cases_unseen,
          "input": firmware_cases_input, "left": firmware_cases_left, "services": firmware_cases_services,
          "tables": firmware_cases_tables, "wild": firmware_cases_wild, "machines": firmware_cases_machines,
          "later": firmware_cases_later}
# Nothing of this is an answer to anything, whatever a case expects.
NEVER = re.compile(r"!!!! X64 Exception|ASSERT |panic: (?!cannot start|end)")


def plain(text):
    return re.sub(r"\x1b\[[0-9;?=]*[A-Za-z]|[\r\0]", "", text)


class Run:
    """One case on a machine."""

    def __init__(self, tap, machine, case):
        self.tap, self.machine, self.case = tap, machine, case

    def text(self):
        return plain(self.machine.log)

    def has(self, pattern):
        return re.search(pattern, self.text() + self.machine.orders_text) is not None

    def check(self, good, what):
        return self.tap.check(good, f"{self.case.name}: {what}", f"orders: {self.case.orders}",
                              f"the machine stopped: {self.machine.shutdown}",
                              f"the ill-behaved firmware: {self.machine.orders_text}",
                              *self.text().splitlines()[-25:])

    def boots(self):
        """There is a shell; what is typed is answered; the log has the words."""
        good = self.machine.wait(lambda: PROMPT in self.machine.log or self.ended(), WAIT) and \
            PROMPT in self.machine.log
        for line, answer in self.case.typed if good else ():
            prompts = self.text().count(PROMPT)

            def answered():
                since = PROMPT.join(self.text().split(PROMPT)[prompts:])
                return re.search(answer, since.replace(line, "", 1))

            self.machine.type(line + "\n")
            good = good and self.machine.wait(lambda: answered() or self.ended(), WAIT) and answered()
        missing = [word for word in self.case.words if not self.has(word)]
        self.check(good and not missing and not NEVER.search(self.text()),
                   f"boots{'; missing in the log: ' * bool(missing)}{', '.join(missing)}")

    def ends(self):
        """What is typed last ends the machine; the log has the words."""
        good = self.machine.wait(lambda: PROMPT in self.machine.log or self.ended(), WAIT)
        for line, _ in self.case.typed if good else ():
            self.machine.type(line + "\n")
        good = good and self.machine.wait(lambda: self.machine.shutdown, WAIT) and \
            self.machine.shutdown == self.case.stops
        missing = [word for word in self.case.words if not self.has(word)]
        self.check(good and not missing and not NEVER.search(self.text()),
                   f"{self.case.stops}{'; missing in the log: ' * bool(missing)}{', '.join(missing)}")

    def ended(self):
        return self.machine.shutdown or "returned" in self.machine.orders_text or NEVER.search(self.text())

    def refuses(self):
        """The loader says why, and the firmware goes on."""
        pressed_at = 0.0

        def returned():
            nonlocal pressed_at  # a key that was pressed too early does not count
            if "Press a key" in self.machine.log and time.monotonic() - pressed_at > 0.5:
                pressed_at = time.monotonic()
                self.machine.key("spc")
            return "returned" in self.machine.orders_text or PROMPT in self.machine.log

        good = self.machine.wait(returned, WAIT) and "returned" in self.machine.orders_text
        missing = [word for word in self.case.words if not self.has(word)]
        self.check(good and not missing and self.has("baton loader: ") and not NEVER.search(self.text()),
                   f"is refused{'; missing in the message: ' * bool(missing)}{', '.join(missing)}")

    def halts(self):
        """Too late to go back: a message on the screen, and on the serial port if there is one; then
        the machine stays as it is, or restarts when a person wants it."""
        def missing(text):
            return [word for word in self.case.words if not re.search(word, text)]

        def on_screen():
            return not missing("".join(self.machine.screen()))

        if self.machine.serial:
            good = self.machine.wait(lambda: not missing(self.text()) or self.ended(), WAIT)
            self.check(good and not self.ended() and not NEVER.search(self.text()),
                       "says why on the serial port")
        good = self.machine.wait(lambda: self.ended() or on_screen(), WAIT) and not self.ended()
        screen = self.machine.screen()
        self.tap.check(good, f"{self.case.name}: says why on the screen",
                       f"missing: {missing(''.join(screen))}", f"the machine: {self.machine.shutdown}",
                       *filter(str.strip, screen))
        if self.case.restart and good:
            self.restarts()

    def restarts(self):
        if self.case.restart == "keys":
            self.machine.key("ctrl", "alt", "delete")
        else:
            self.machine.query("system_powerdown")
        self.machine.wait(lambda: self.machine.shutdown, 10)
        self.tap.equal(self.machine.shutdown, "guest-reset",
                       f"{self.case.name}: restarts by the {self.case.restart}")


def machines(cases):
    """The cases, by the machine they need."""
    kinds = {}
    for case in cases:
        kinds.setdefault(repr(sorted(case.machine.items())), []).append(case)
    return kinds.values()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", choices=TABLES, action="append", dest="tables")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("parts", nargs="*", metavar="CASE")
    arguments = parser.parse_args()
    cases = [case for table in arguments.tables or TABLES for case in TABLES[table].cases()
             if not arguments.parts or any(part in case.name for part in arguments.parts)]
    cases = cases[::arguments.every]
    if arguments.list:
        print("\n".join(case.name for case in cases))
        return 0

    def test(tap):
        for members in machines(cases):
            with SnapshotMachine(**members[0].machine) as running:  # a boot of the firmware
                for case in members:
                    running.begin(case.orders)
                    getattr(Run(tap, running, case), case.end)()
        tap.note(f"{len(cases)} cases")

    return harness.main(test)


if __name__ == "__main__":
    sys.exit(main())

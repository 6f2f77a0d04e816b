#!/usr/bin/python3
"""On rows of the matrix: poweroff, reboot and halt, with and without -f, the power button and
Ctrl-Alt-Del each end a machine as they should.

usage: power_matrix.py ROW...       (matrix.py)
"""
import sys

import harness
import power
from matrix import files_are_there, options_for_machine, options_of, power_off_of

BUTTON, KEYS = "the power button", "Ctrl-Alt-Del"
WAYS = {**power.COMMANDS, **{f"{command} -f": how for command, how in power.COMMANDS.items()},
        BUTTON: "powered off", KEYS: "reset"}
# What a machine lacks, and what that takes away: without ACPI nobody hears the button.
LACKS = {"i8042=off": KEYS, "acpi=off": BUTTON}


def do(machine, way):
    if way == BUTTON:
        machine.query("system_powerdown")
    elif way == KEYS:
        machine.query("send-key", keys=[{"type": "qcode", "data": key} for key in ("ctrl", "alt", "delete")])
    else:
        machine.type(f"{way}\n".encode())


def run_row(tap, row):
    ends = power.Power(tap, "baton")
    lacking = {way for option, way in LACKS.items() if option in str(options_of(row))}
    for way, how in WAYS.items():
        if way in lacking:
            tap.skip(f"{row}: {way}", "the machine has none")
            continue
        with options_for_machine(row) as options, ends.machine(**options) as machine:
            if machine.wait(lambda: power.PROMPT in machine.log.text(), power.WAIT):
                do(machine, way)
            ends.ended(machine, power_off_of(row) if how == "powered off" else how, f"{row}: {way}")


def main():
    def test(tap):
        for row in sys.argv[1:]:
            if files_are_there(tap, row):
                run_row(tap, row)

    return harness.main(test)


if __name__ == "__main__":
    sys.exit(main())

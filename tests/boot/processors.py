#!/usr/bin/python3
"""Processors that come late: in time they are used, too late they stop for good and harm nobody.

usage: processors.py
"""
import sys

import harness

# Milliseconds that each is held back, and how many processors of two there are then.
HELD_BACK = {300: 2, 1000: 2, 4000: 2, 7000: 1, 20000: 1}
# Long enough for the latest of those that are given up after five seconds and would come then.
LATER = "sleep 4; nproc; exec_basic"


def late(tap):
    for milliseconds, expected in HELD_BACK.items():
        machine = harness.run(["sh", "-c", LATER], smp=2, debug_kernel=True,
                              append=f"holdcpus={milliseconds}")
        tap.check((bytes(machine.output.data), machine.status) == (b"%d\nEXEC_OK\n" % expected, 0),
                  f"held back for {milliseconds} ms: {expected} of 2 processors, and all goes on",
                  harness.describe(machine), harness.shorten(machine.output.data))
        given_up = [line for line in machine.log.lines if "given up" in line]
        tap.check(len(given_up) == 2 - expected, f"held back for {milliseconds} ms: the log says so",
                  *machine.log.tail())


if __name__ == "__main__":
    sys.exit(harness.main(late))

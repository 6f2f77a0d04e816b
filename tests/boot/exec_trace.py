#!/usr/bin/python3
"""The trace in docs/exec.md: what trace=switch logs of one exec after the other, with letters for
roots. As a test it checks that the text shows what the kernel does; `--write` puts it there."""
import os
import re
import sys

import harness
from baton import project

TEXT = os.path.join(project.SOURCE, "docs", "exec.md")
BEGIN, END = "<!-- trace: tests/boot/exec_trace.py --write -->\n```\n", "```\n"
COMMAND = "/bin/exec_basic"

SWITCH = re.compile(r"switch: cpu \d+, thread (\d+) \((.*?)\) root (0x[0-9a-f]+) -> "
                    r"thread (\d+) \((.*?)\) root (0x[0-9a-f]+)$")
CHANGE = re.compile(r"switch: thread (\d+) \((.*?)\) root (0x[0-9a-f]+) -> (0x[0-9a-f]+)$")


class Roots:
    """A letter for each address space, though a later one may get the frame of one that is gone."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.letters = {}
        self.given = 0

    def begin(self, root):
        if root != self.kernel:
            self.letters[root] = chr(ord("A") + self.given)
            self.given += 1
        return self.name(root)

    def name(self, root):
        if root == self.kernel:
            return "K"
        return self.letters[root] if root in self.letters else self.begin(root)


def runs_of(thread, lines):
    """What concerns a thread, as (kind, fields), without the times it was only switched out and
    in."""
    kept = []
    for line in lines:
        switch, change = SWITCH.search(line), CHANGE.search(line)
        if change and change[1] == thread:
            kept.append(("change", change.groups()))
        elif switch and switch[4] == thread:
            if kept and kept[-1][0] == "out":
                kept.pop()
            else:
                kept.append(("in", switch.groups()))
        elif switch and switch[1] == thread:
            kept.append(("out", switch.groups()))
    return kept


def trace_of(lines):
    """The trace as the text shows it; "" if there is no exec in the log."""
    changes = [match for match in map(CHANGE.search, lines) if match]
    execs = [match[1] for match in changes if match[2] == os.path.basename(COMMAND)]
    first = next(filter(None, map(SWITCH.search, lines)), None)
    if not execs or not first:
        return ""
    roots = Roots(first[3])  # the kernel thread that starts init has the kernel's root
    shown = []
    for kind, fields in runs_of(execs[0], lines):
        if kind == "change":
            thread, name, old, new = fields
            shown.append(f"thread {thread} ({name}) root {roots.name(old)} -> {roots.begin(new)}")
        else:
            thread, name, old, other, other_name, new = fields
            shown.append(f"thread {thread} ({name}) root {roots.name(old)} -> "
                         f"thread {other} ({other_name}) root {roots.name(new)}")
    return "".join(f"switch: {line}\n" for line in shown)


def text_parts():
    """The text up to the trace, the trace, and the rest."""
    with open(TEXT, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
    trace, _, after = rest.partition(END)
    return before, trace, after


def boot():
    return harness.run([COMMAND], append="trace=switch nokaslr norandmaps", icount=True)


def write():
    before, _, after = text_parts()
    trace = trace_of(boot().log.lines)
    if not trace:
        sys.exit("the log tells of no exec")
    with open(TEXT, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + trace + END + after)


def test(tap):
    machine = boot()
    trace = trace_of(machine.log.lines)
    tap.check(trace.count("\n") >= 4, "trace=switch tells of the exec", harness.describe(machine))
    tap.check(trace == text_parts()[1], "docs/exec.md shows what the kernel does",
              "tests/boot/exec_trace.py --write makes the trace again; the kernel's:", trace)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        harness.main(test)

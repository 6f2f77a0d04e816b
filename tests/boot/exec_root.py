#!/usr/bin/python3
"""exec_updates_page_table_root: the guard rail of the design's first invariant.

usage: exec_root.py PROGRAM [KERNEL]

PROGRAM (programs/exec/test_exec_root.c) is the machine's PID 1: a kernel that boots but loses the new
root on its way back from an exec fails here, and here first. KERNEL is such a kernel, for
`scripts/test mutation`: there the machine has to boot, and the check of the root to fail.
"""
import os
import re
import shutil
import sys
import tempfile

import harness

PLANNED = 14
GUARD = "right after exec: CR3 is the thread's field"


def run(program, **options):
    """Returns the ended machine and the checks that it made, as (passed, name)."""
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "bin"))
        target = os.path.join(root, "bin", "test_exec_root")
        shutil.copyfile(program, target)
        os.chmod(target, 0o755)
        machine = harness.run([], root=[root], append="init=/bin/test_exec_root", timeout=60,
                              **options)
    results = re.findall(r"^(ok|not ok) \d+ - (.*?)\r?$",
                         machine.output.data.decode("utf-8", "replace"), re.MULTILINE)
    return machine, [(word == "ok", name) for word, name in results]


def guard(tap, program):
    machine, results = run(program)
    for passed, name in results:
        tap.check(passed, name)
    tap.check(len(results) == PLANNED,
              f"exec_updates_page_table_root: all {PLANNED} checks were made",
              f"{len(results)} were made", harness.describe(machine))


def mutation(tap, program, kernel):
    machine, results = run(program, files={"baton/kernel.elf": harness.built(kernel)})
    tap.check(results[:1] and results[0][0], "without the store the machine boots and forks",
              harness.describe(machine))
    tap.check((False, GUARD) in results, f"without the store it is noticed: {GUARD}", results,
              harness.describe(machine))


def main():
    program, *kernel = sys.argv[1:]
    if kernel:
        harness.main(lambda tap: mutation(tap, program, kernel[0]))
    harness.main(lambda tap: guard(tap, program))


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""exec_updates_page_table_root: the guard rail of the design's first invariant.

usage: exec_root.py PROGRAM

PROGRAM (programs/test_exec_root.c) is the machine's PID 1: a kernel that boots but loses the new
root on its way back from an exec fails here, and here first.
"""
import os
import re
import shutil
import sys
import tempfile

import harness

PLANNED = 14


def main():
    def test(tap):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "bin"))
            target = os.path.join(root, "bin", "test_exec_root")
            shutil.copyfile(sys.argv[1], target)
            os.chmod(target, 0o755)
            machine = harness.run([], root=[root], append="init=/bin/test_exec_root", timeout=60)
        results = []
        for line in machine.output.data.decode("utf-8", "replace").splitlines():
            result = re.match(r"^(ok|not ok) \d+ - (.*)$", line)
            if result:
                results.append(result)
                tap.check(result[1] == "ok", result[2])
            elif line.strip():
                tap.note(line)
        tap.check(len(results) == PLANNED, f"exec_updates_page_table_root: all {PLANNED} checks "
                  "were made", f"{len(results)} were made", harness.describe(machine))

    harness.main(test)


if __name__ == "__main__":
    sys.exit(main())

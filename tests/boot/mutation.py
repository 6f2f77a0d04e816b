#!/usr/bin/python3
"""Shows that a test notices when a step of the kernel is left out.

usage: mutation.py KERNEL PROGRAM CHECK

Boots KERNEL, a kernel with a step left out, and runs PROGRAM (a test program, NAME=FILE) in it. The
machine has to boot and run programs as ever; the program has to fail, with its check CHECK among
those that do.
"""
import os
import re
import shutil
import sys
import tempfile

import harness


def test(tap, kernel, program, check):
    name, path = program.split("=", 1)
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "tests"))
        shutil.copy(path, os.path.join(root, "tests", name))
        machine = harness.run(["sh", "-c", "exec_basic; /tests/" + name], root=[root],
                              files={"baton/kernel.elf": kernel})
    output = machine.output.data.decode("utf-8", "replace")
    tap.note(output)
    tap.check(output.startswith("EXEC_OK\n"), "the machine boots and runs programs",
              harness.describe(machine))
    failed = re.findall(r"^not ok \d+ - (.*)$", output, re.MULTILINE)
    tap.check(check in failed, f"{name} fails: {check}", f"failed: {failed}",
              harness.describe(machine))
    tap.check(machine.status != 0, "and says so")


if __name__ == "__main__":
    sys.exit(harness.main(lambda tap: test(tap, *sys.argv[1:])))

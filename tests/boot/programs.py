#!/usr/bin/python3
"""Runs test programs in one machine, many in one boot, and reports each of their checks.

usage: programs.py [--kernel linux] [--smp N] ... [+]NAME=FILE...

Each FILE is laid in the guest as /tests/NAME and, unless there is a + before it, run there in turn;
it prints TAP (userspace/tap.h) or nothing at all, and its status counts as a check too. When a
program takes the machine down, it has failed, and the ones behind it get a machine of their own.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

import harness
from baton import peer

# Runs in the guest. The marks are on lines of their own, whatever a program prints before them.
SCRIPT = r'''
for name; do
    printf '\n@@ begin %s\n' "$name"
    "/tests/$name" </dev/null
    printf '\n@@ end %s %d\n' "$name" $?
done
'''
# With --fuse2fs: where programs make their files is served.
SERVED = r'''
blockdev --setrw /dev/vdb
{ fuse2fs -f -o rw,allow_other,default_permissions /dev/vdb /tmp; echo "fuse2fs ended: $?" >&2; } &
until grep -q ' /tmp fuse' /proc/mounts; do sleep 0.1; done
chmod 1777 /tmp
''' + SCRIPT + r'''
cd /
umount /tmp
'''
MARK = re.compile(r"^@@ (begin|end) (\S+)(?: (\d+))?$")
RESULT = re.compile(r"^(ok|not ok)\b\s*\d*\s*(?:-\s*)?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)")


# With --fuse2fs: checks that fail on Linux with the same program in the same way.
KNOWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuse2fs.txt")


def known_failures():
    with open(KNOWN, encoding="utf-8") as file:
        return {line.strip() for line in file if line.strip() and not line.startswith("//")}


def report(tap, name, lines, status, known=()):
    """One program's checks. What is `known` may fail."""
    planned = None
    count = skipped = 0
    for line in lines:
        result = RESULT.match(line)
        plan = PLAN.match(line)
        if result:
            count += 1
            passed = result[1] == "ok"
            text, _, skip = result[2].partition("# SKIP")
            if not passed and f"{name}: {text.strip()}" in known:
                tap.skip(f"{name}: {text.strip()}", "fuse2fs has it otherwise, on Linux too")
            elif skip:
                skipped += 1
                tap.skip(f"{name}: {text.strip()}", skip.strip())
            else:
                tap.check(passed, f"{name}: {text}")
        elif plan:
            planned = int(plan[1])
        elif line.strip():
            tap.note(line)
    if (count or planned is not None) and (planned != count or not count):
        tap.check(False, f"{name}: {count} checks, {planned or 'none'} were planned")
    # A program whose checks failed says so by its status too: that is no further failure.
    if status != 0 and planned is not None and count == planned and status == 1:
        return
    if status == 0 and count and count == skipped:
        tap.skip(f"{name}: status", "all of it was skipped")
    else:
        tap.check(status == 0, f"{name}: status", f"status {status}")


def disk_make(folder):
    """A new ext4 file system, and what a machine has to have for it."""
    disk = os.path.join(folder, "ext4")
    with open(disk, "wb") as file:
        file.truncate(512 << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", disk], check=True)
    return {"servers": ("/usr/bin/fuse2fs",),
            "qemu": [f"-drive if=none,id=ext4,format=raw,file={disk} -device virtio-blk-pci,drive=ext4"]}


def run_once(tap, names, root, variables, options):
    """Boots one machine for these programs; returns those it did not come to."""
    roots = [root, peer.modules()] if options["kernel"] == "linux" else [root]
    script, known = (SERVED, known_failures()) if "servers" in options else (SCRIPT, ())
    machine = harness.run(["env", *variables, "sh", "-c", script, "sh", *names], root=roots, **options)
    lines, running, ended = [], None, 0
    for line in machine.output.data.decode("utf-8", "replace").splitlines():
        mark = MARK.match(line)
        if not mark:
            lines.append(line)
        elif mark[1] == "begin":
            running, lines = mark[2], []
        else:
            report(tap, running, lines, int(mark[3]), known)
            running = None
            ended += 1
    if machine.error.data:
        tap.note(machine.error.data.decode("utf-8", "replace"))
    if machine.cause is None and ended == len(names):
        return []
    if running is None and ended == 0:
        tap.check(False, "the machine runs the programs", harness.describe(machine))
        return []
    if running is None:
        tap.check(False, "the machine lives on between programs", harness.describe(machine))
        return names[ended:]
    for line in lines:
        tap.note(line)
    tap.check(False, f"{running}: ends", harness.describe(machine))
    return names[ended + 1:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="baton")
    parser.add_argument("--debug-kernel", action="store_true")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--memory", default="1G")
    parser.add_argument("--icount", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="a variable of the programs' environment; the host's own counts more")
    parser.add_argument("--append", default="")
    parser.add_argument("--fuse2fs", action="store_true", help="/tmp is ext4, served by Debian's fuse2fs")
    parser.add_argument("--timeout", type=float, default=harness.TIMEOUT)
    parser.add_argument("programs", nargs="+", metavar="[+]NAME=FILE")
    options = vars(parser.parse_args())
    served = options.pop("fuse2fs")
    variables = dict(setting.split("=", 1) for setting in options.pop("set"))
    variables = [f"{name}={os.environ.get(name, value)}" for name, value in variables.items()]
    programs = {}
    for program in options.pop("programs"):
        name, separator, path = program.partition("=")
        if not name or not separator:
            parser.error(f"{program}: not NAME=FILE")
        if not os.path.isfile(path):
            parser.error(f"{path}: no such file")
        programs[name] = path

    def test(tap):
        with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(root, "tests"))
            for name, path in programs.items():
                target = os.path.join(root, "tests", name.lstrip("+"))
                shutil.copyfile(path, target)
                os.chmod(target, 0o755)
            remaining = [name for name in programs if not name.startswith("+")]
            while remaining:
                options.update(disk_make(folder) if served else {})
                remaining = run_once(tap, remaining, root, variables, options)

    harness.main(test)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""What scripts/boot and scripts/image build first, in a new build folder: what is booted and nothing
else. Nothing is compiled: ninja is asked what it would do."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import project  # noqa: E402

SCRIPTS = os.path.join(project.SOURCE, "scripts")
STEP = re.compile(r"^\[\d+/\d+\] (?:Generating )?'?([^' ]+)")
MEANT = ["kernel/kernel.elf", "userspace/initrd.cpio", "loader/BOOTX64.EFI", "scripts/ovmf.fd"]
# Of the whole build. A test program, a fuzz target, a kernel with checks or a fault, a host's program.
NOT_MEANT = ["tests/", "fuzz", "unit", "mutation", "kernel-debug", "judge"]


def first_build(folder, script, *arguments):
    """The files that the script has made, in a new build folder, by a ninja that only tells."""
    tools, build = os.path.join(folder, "tools"), tempfile.mkdtemp(dir=folder)
    os.makedirs(tools, exist_ok=True)
    path = os.path.join(tools, "ninja")
    with open(path, "w", encoding="ascii") as file:
        file.write('#!/bin/sh\nexec /usr/bin/ninja -n "$@"\n')
    os.chmod(path, 0o755)
    subprocess.run([os.path.join(SCRIPTS, script), *arguments], stdin=subprocess.DEVNULL, check=False,
                   capture_output=True, timeout=120,
                   env={**os.environ, "BATON_BUILD": build, "PATH": f"{tools}:{os.environ['PATH']}"})
    with open(os.path.join(build, "build.txt"), encoding="utf-8") as file:
        return build, [match[1] for match in map(STEP.match, file) if match]


def test(tap):
    with tempfile.TemporaryDirectory() as folder:
        for script, *arguments in (["boot"], ["boot", "--debug-kernel"],
                                   ["image", os.path.join(folder, "x.img")]):
            name = " ".join([script, *arguments]).replace(folder, "")
            build, steps = first_build(folder, script, *arguments)
            missing = [made for made in MEANT if made not in steps]
            tap.check(not missing, f"{name}: builds what is booted: {len(steps)} steps", *missing, *steps[:5])
            asked = "kernel-debug" if "--debug-kernel" in arguments else None
            wrong = [made for made in steps for word in NOT_MEANT if word != asked and word in made]
            tap.check(not wrong, f"{name}: and no test, fuzz target, debug or faulty kernel", *wrong)
        everything = subprocess.run(["ninja", "-C", build, "-t", "targets", "all"], text=True, check=False,
                                    capture_output=True).stdout
        gone = [word for word in NOT_MEANT if word not in everything]
        tap.check(not gone, "the build has all of these somewhere", *gone)


if __name__ == "__main__":
    harness.main(test)

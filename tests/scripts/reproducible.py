#!/usr/bin/python3
"""The same sources give the same image, byte for byte, wherever they lie and whenever it is made: the
project is copied to a folder with another name, a space in it, built there, and the images compared."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import project  # noqa: E402

DATE = "1700000000"
TIMEOUT = 1500  # seconds for a build on a busy host


def image(tap, source, path, *options, **environment):
    made = subprocess.run([os.path.join(source, "scripts", "image"), path, *options], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=TIMEOUT,
                          env={**os.environ, "SOURCE_DATE_EPOCH": DATE, **environment})
    return tap.check(made.returncode == 0, f"scripts/image in {os.path.basename(source)}",
                     made.stdout, made.stderr)


def first_difference(one, other):
    with open(one, "rb") as a, open(other, "rb") as b:
        pairs = enumerate(zip(a.read(), b.read()))
    return next((f"they differ first at byte {at}" for at, (x, y) in pairs if x != y), None)


def what_is_made(folder, names):
    """What is not source: build folders lie at the top."""
    made = {".git", "__pycache__"} & set(names)
    return made | {name for name in names if folder == project.SOURCE and name.startswith("build")}


def test(tap):
    with tempfile.TemporaryDirectory(prefix="baton elsewhere ") as folder:
        here, there = os.path.join(folder, "here.img"), os.path.join(folder, "there.img")
        copy = os.path.join(folder, "another baton")
        shutil.copytree(project.SOURCE, copy, symlinks=True,
                        ignore=what_is_made)
        if not image(tap, project.SOURCE, here, "--no-build", BATON_BUILD=project.BUILD):
            return
        if not image(tap, copy, there, BATON_BUILD=os.path.join(folder, "its build"), TZ="Asia/Tokyo"):
            return
        difference = first_difference(here, there)
        tap.check(difference is None and os.path.getsize(here) == os.path.getsize(there),
                  "the images are the same, byte for byte", difference)
        with open(there, "rb") as file:
            content = file.read()
        tap.check(folder.encode() not in content, "nothing in them names the folder")


if __name__ == "__main__":
    harness.main(test)

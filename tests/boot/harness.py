"""What the tests that boot a machine share: TAP for meson, and one way to run a command."""
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "scripts"))

from baton import project  # noqa: E402
from baton.machine import Machine as PlainMachine  # noqa: E402
from baton.qemu import Options  # noqa: E402
from started_firmware import Machine  # noqa: E402

TIMEOUT = 300.0  # seconds for one boot, unless a test says otherwise


class Tap:
    """Reports checks in the Test Anything Protocol, each as soon as it is known."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def note(self, text):
        """A remark; it counts for nothing."""
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def check(self, passed, name, *notes):
        """One check; the notes are printed if it fails."""
        self.count += 1
        self.failed += not passed
        name = re.sub(r"[\r\n#]", " ", name)
        print(f"{'ok' if passed else 'not ok'} {self.count} - {name}", flush=True)
        if not passed:
            for note in notes:
                self.note(note)
        return bool(passed)

    def equal(self, got, expected, name):
        return self.check(got == expected, name, f"got      {shorten(got)}",
                          f"expected {shorten(expected)}")

    def skip(self, name, reason):
        self.count += 1
        reason = reason.replace("\n", " ")
        print(f"ok {self.count} - {name} # SKIP {reason}", flush=True)

    def done(self):
        """Ends the report; returns the exit status. Without a check nothing was tested."""
        if not self.count:
            self.check(False, "something is checked")
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


def shorten(value):
    text = repr(bytes(value) if isinstance(value, bytearray) else value)
    return text if len(text) < 400 else f"{text[:300]} ... {text[-80:]}"


def input_file(data):
    """A descriptor from which `data` can be read."""
    file = os.memfd_create("input")
    os.write(file, data)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def built(path):
    """A file of the build folder that only some tests need, after it was built."""
    name = os.path.relpath(path, project.BUILD)
    ninja = subprocess.run(["ninja", "-C", project.BUILD, name], capture_output=True, text=True)
    if ninja.returncode:
        raise project.Failure(f"{name} is not built: {ninja.stdout[-2000:]}")
    return path


def run(arguments, data=b"", stdio="pipes", plain=False, **options):
    """Runs one command in a machine of its own; returns the ended Machine. `plain`: where the
    firmware's own start matters."""
    kind = PlainMachine if plain else Machine
    options.setdefault("timeout", TIMEOUT)
    file = input_file(data)
    try:
        with kind(Options(**options), arguments, stdio=stdio, input=file) as machine:
            machine.run()
        return machine
    finally:
        os.close(file)


def describe(machine):
    """What to say of a machine that did not do as expected."""
    lines = [f"status {machine.status}, cause: {machine.cause}"]
    if machine.error.data:
        lines.append(f"stderr: {shorten(machine.error.data)}")
    if machine.cause:
        lines += ["the kernel log ends with:", *machine.log.tail(20)]
    return "\n".join(lines)


def main(test):
    """Calls test(tap) and ends the program with its result."""
    tap = Tap()
    started = time.monotonic()
    try:
        test(tap)
    except project.Failure as failure:
        tap.check(False, str(failure))
    tap.note(f"{time.monotonic() - started:.1f} seconds")
    sys.exit(tap.done())

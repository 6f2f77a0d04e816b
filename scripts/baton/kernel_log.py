"""The kernel log on COM1: its lines without the firmware's escape sequences, and what they mean."""
import re

_ESCAPES = re.compile(rb"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|[\r\0]")
_TIME = r"^(\[[ 0-9.]+\] )?"
_PANIC = re.compile(_TIME + r"(panic: (?!end)|Kernel panic - not syncing: )")
_PANIC_END = re.compile(_TIME + r"(panic: end|---\[ end Kernel panic)")
_HALTED = re.compile(_TIME + r"(reboot: S|s)ystem halted$")
_PASSED_OVER = re.compile(_TIME + r"initrd: (.* passed over: .*)")
_FAILURE = re.compile(r"^baton loader: |" + _TIME + r"baton: cannot start: ")
_NOTHING_TO_START = re.compile(r"^BdsDxe: No bootable option|UEFI Interactive Shell")


class KernelLog:
    """Collects the log; `path` names a file that gets its bytes as they come."""

    def __init__(self, path=None):
        self.raw = bytearray()
        self.lines = []
        self.panic = None  # the line that says why
        self.panic_complete = False
        self.failure = None  # what the loader said, or the kernel when it could not start
        self.halted = False  # in order: a program asked for it
        self.passed_over = []  # of what was to be unpacked: name and reason
        self._part = b""
        self._file = open(path, "wb", buffering=0) if path else None

    def feed(self, data):
        self.raw += data
        if self._file:
            self._file.write(data)
        *lines, self._part = (self._part + data).split(b"\n")
        for line in lines:
            self._line(_ESCAPES.sub(b"", line).decode("utf-8", "replace"))

    def _line(self, line):
        self.lines.append(line)
        if _PANIC_END.search(line):
            self.panic_complete = self.panic is not None
        elif _PANIC.search(line):
            self.panic = self.panic or line.strip()
        elif _FAILURE.search(line):
            self.failure = self.failure or line.strip()
        elif _HALTED.search(line):
            self.halted = True
        elif match := _PASSED_OVER.search(line):
            self.passed_over.append(match[2])
        elif _NOTHING_TO_START.search(line):
            self.failure = self.failure or "the firmware found nothing to start"

    def text(self):
        return "\n".join([*self.lines, _ESCAPES.sub(b"", self._part).decode("utf-8", "replace")])

    def tail(self, count=25):
        return [line for line in self.text().split("\n") if line.strip()][-count:]

    def close(self):
        if self._file:
            self._file.close()

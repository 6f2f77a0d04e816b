"""The host's end of the control channel on COM4: frames to and from the guest's init.

userspace/control.h is the other end and userspace/README.md tells the whole protocol.
"""
import struct

SYNC = b"\xba\x70"
HEADER = struct.Struct("<2scI")
PAYLOAD_MAX = 4096

# From init.
READY = b"R"
ACKNOWLEDGED = b"A"
ERROR_BYTES = b"E"
EXIT = b"X"

# To init.
INPUT_END = b"I"
WINDOW_SIZE = b"W"
SIGNAL = b"S"

UNCOUNTED = 2**64 - 1

_FIXED_SIZES = {READY: 4, ACKNOWLEDGED: 8, EXIT: 16}


def frame(kind, payload):
    """A frame's bytes."""
    return HEADER.pack(SYNC, kind, len(payload)) + payload


def input_end(count):
    return frame(INPUT_END, struct.pack("<Q", count))


def window_size(rows, columns):
    return frame(WINDOW_SIZE, struct.pack("<HH", rows, columns))


def signal(number):
    return frame(SIGNAL, struct.pack("<I", number))


class Decoder:
    """Cuts what comes from the guest into frames and skips whatever is none."""

    def __init__(self):
        self._bytes = b""
        self.skipped = 0

    def feed(self, data):
        """Yields (type, payload) for each frame that `data` completes."""
        self._bytes += data
        while True:
            start = self._bytes.find(SYNC)
            if start < 0:  # nothing but perhaps the first half of the sync bytes
                start = len(self._bytes) - self._bytes.endswith(SYNC[:1])
            self._skip(start)
            if len(self._bytes) < HEADER.size:
                return
            _, kind, size = HEADER.unpack_from(self._bytes)
            if not self._plausible(kind, size):
                self._skip(1)
                continue
            if len(self._bytes) < HEADER.size + size:
                return
            payload = self._bytes[HEADER.size:HEADER.size + size]
            self._bytes = self._bytes[HEADER.size + size:]
            yield kind, payload

    @staticmethod
    def _plausible(kind, size):
        if kind == ERROR_BYTES:
            return size <= PAYLOAD_MAX
        return _FIXED_SIZES.get(kind) == size

    def _skip(self, count):
        self.skipped += count
        self._bytes = self._bytes[count:]


def command_file(arguments, environment, stdio, size=None, proc=True, greeting=False):
    """The bytes of /command: `name=value` records, each with a NUL behind it.

    `stdio` is "pipes", "merged" or "terminal"; `size` the terminal's (rows, columns).
    """
    records = [f"stdio={stdio}"]
    if size:
        records.append(f"size={size[0]}x{size[1]}")
    if not proc:
        records.append("proc=no")
    if greeting:
        records.append("greeting=yes")
    records += [f"environment={name}={value}" for name, value in environment.items()]
    records += [f"argument={argument}" for argument in arguments]
    return b"".join(record.encode("utf-8", "surrogateescape") + b"\0" for record in records)

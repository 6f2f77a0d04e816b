"""Boots a firmware and takes the record of its handoff out of the guest."""
import os
import struct
import sys
import tempfile
import time
import zlib

from .. import machine, project

# What comes with the record is one command's output, byte for byte, whatever firmware it is.
COMMAND = ["cat", "/sys/firmware/handoff/record"]
TIMEOUT = 55.0  # seconds; --timeout says otherwise

MAGIC = b"BATONREC"
VERSION_AT, FLAGS_AT, SIZE_AT, CRC_AT, SIZE_MAXIMUM = 8, 12, 16, 24, 1 << 20  # include/handoff_record.h
SEALED, OBSERVATION, SAW_RESET = 1, 0x801, 1


class NotRecorded(Exception):
    """The machine gave no record; `status` is what scripts/boot would return."""

    def __init__(self, status, cause):
        super().__init__(cause)
        self.status = status


def find(memory):
    """The largest record in a guest's memory, b"": none. The loader's static part has its begin too."""
    found = b""
    at = memory.find(MAGIC)
    while at >= 0:
        size = int.from_bytes(memory[at + SIZE_AT:at + SIZE_AT + 8], "little")
        if memory[at + VERSION_AT:at + VERSION_AT + 2] == b"\1\0" and len(found) < size <= SIZE_MAXIMUM:
            found = bytes(memory[at:at + size])
        at = memory.find(MAGIC, at + len(MAGIC))
    return found


def observed(record, what, seconds):
    """A record with what the host saw of its machine at the end, sealed again."""
    entry = struct.pack("<HHIQ", OBSERVATION, 1, 16, 0) + struct.pack("<IIQ", what, 0, int(seconds * 1e9))
    content = bytearray(record + entry)
    flags, = struct.unpack_from("<I", content, FLAGS_AT)
    struct.pack_into("<IQI", content, FLAGS_AT, flags | SEALED, len(content), 0)
    struct.pack_into("<I", content, CRC_AT, zlib.crc32(content))
    return bytes(content)


def _left_behind(path):
    """The record in the memory of a machine that has ended; a file of the host's."""
    try:
        return find(project.read(path))
    except OSError:
        return b""


def _boot(options, folder):
    """(record, status, cause) of one boot with these options of a machine. Where the machine does not get
    as far as to tell its record, it is what lies in its memory, for which there is room in `folder`."""
    memory = os.path.join(folder, "guest-memory")
    options.append = f"audit virtualmap {options.append}".strip()
    options.timeout = options.timeout or TIMEOUT
    options.screen = True  # a firmware without one has less to hand over
    options.machine += ",memory-backend=guest"
    options.qemu = [*options.qemu, "-object memory-backend-file,id=guest,share=on,"
                    f"size={options.memory},mem-path={memory}"]
    started = time.monotonic()
    with machine.Machine(options, COMMAND, input=0) as running:
        status = running.run()
        if status == 0:
            return bytes(running.output.data), 0, None
        message = running.error.data.decode("utf-8", "replace").strip()
        cause = running.cause or message or f"the command that reads it ended with {status}"
        cause = "\n    ".join([cause, *running.log.tail()])
    content = _left_behind(memory)
    if content and running.watchdog:
        content = observed(content, SAW_RESET, time.monotonic() - started)
    return content, status if status in (machine.TIMEOUT, machine.PANIC) else machine.LOST, cause


def record_to(path, options, partial=False):
    """Keeps the record of one boot. `partial`: also that of a machine that did not get through. Returns 0, or
    then the status of scripts/boot, and says why."""
    with tempfile.TemporaryDirectory(prefix="baton-handoff-") as folder:
        content, status, cause = _boot(options, folder)
    if status and not (partial and content):
        raise NotRecorded(status, f"no record: {cause}")
    if status:
        print(f"baton: the record is as far as the machine came: {cause}", file=sys.stderr)
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise project.Failure(f"{path}: {error.strerror}") from error
    return status

#!/usr/bin/python3
"""Initrds that are compressed: each format, and several archives one behind the other, plain and
compressed, as Linux takes them; on Linux too, with --kernel linux."""
import argparse
import gzip
import lzma
import sys
import tempfile

import harness
from harness import project

from baton import compression, cpio

INITRD = project.INITRD


def archive(**files):
    """A small archive of files below /tests."""
    result = cpio.Archive()
    result.directory("tests")
    for name, text in files.items():
        result.file(f"tests/{name}", text.encode(), 0o644)
    return result.bytes()


def lz4_frames(data):
    return compression.run(["lz4", "-q", "-c"], data)


def aligned(data):
    return data + bytes(-len(data) % 4)


def mixtures(kernel):
    """(name, initrd, what /tests then says)."""
    root = project.read(INITRD)
    packed = {name: compression.compress(name, archive(**{name: f"{name} was here\n"}))
              for name in compression.COMMANDS}
    words = "".join(f"{name} was here\n" for name in sorted(packed))
    # Nothing lies between but where lz4's older format, which has no end, needs a zero.
    tight = aligned(packed["gzip"] + packed["xz"] + packed["zstd"] + packed["lz4"] + bytes(4)) + root
    loose = root + bytes(512 - len(root) % 512 + 512)
    for name in reversed(packed):
        loose += packed[name] + bytes(1021)
    between = b"".join(aligned(aligned(packed[name] + bytes(4)) + archive(**{f"{name}_": "plain\n"}))
                       for name in packed)
    result = [
        ("four formats, then a plain archive", tight, words),
        ("a plain archive, then four formats with zeros between them", loose, words),
        ("a plain archive behind each of them", between + compression.compress("gzip", root),
         "".join(f"{name} was here\nplain\n" for name in sorted(packed))),
    ]
    later = archive(gzip="the later one\n")
    result.append(("the later one wins", aligned(compression.compress("zstd", root) + packed["gzip"])
                   + later + compression.compress("xz", archive(xz="last\n")), "the later one\nlast\n"))
    if kernel == "baton":  # which takes what these tools write without options, too
        small = lzma.compress(archive(a="xz\n")) + lz4_frames(archive(b="lz4\n"))
        result.append(("xz with CRC64 and lz4 with frames", small + gzip.compress(root), "xz\nlz4\n"))
    return result


def test_mixtures(tap, kernel):
    for name, data, words in mixtures(kernel):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            machine = harness.run(["sh", "-c", "cat /tests/*"], kernel=kernel, initrd=file.name)
        tap.check(bytes(machine.output.data) == words.encode(), name, harness.describe(machine),
                  harness.shorten(machine.output.data))


def test_formats(tap, kernel):
    """As `scripts/boot --compress` makes them, with a command in an archive of its own."""
    for name in compression.COMMANDS:
        machine = harness.run(["/bin/exec_basic"], kernel=kernel, compress=name)
        told = kernel != "baton" or f"({name})" in machine.log.text()
        tap.check(bytes(machine.output.data) == b"EXEC_OK\n" and told, f"the root file system by {name}",
                  harness.describe(machine))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="baton")
    arguments = parser.parse_args()

    def test(tap):
        test_formats(tap, arguments.kernel)
        test_mixtures(tap, arguments.kernel)

    harness.main(test)


if __name__ == "__main__":
    sys.exit(main())

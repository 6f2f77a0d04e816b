#!/usr/bin/python3
"""The QR code that a machine's screen shows of its findings, as a camera would read it: zbarimg gets the text
out of it, for the clean record, for each that fails and for all faults at once. Skipped where Debian's
zbar-tools is not installed."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
import clean  # noqa: E402
from failures import FAILURES  # noqa: E402

SCALE = 4  # pixels a module
LIGHT = {" ": (0, 0), "▄": (0, 1), "▀": (1, 0), "█": (1, 1)}
AT_ONCE = 7, 22, 30, 42, 47, 52, 63


def picture(lines):
    """The lines of blocks, light on dark, as a picture (PGM)."""
    rows = [[LIGHT[one][half] for one in line] for line in lines for half in (0, 1)]
    pixels = b"".join(b"".join(bytes([255 * module]) * SCALE for module in row) * SCALE for row in rows)
    return b"P5 %d %d 255\n" % (len(rows[0]) * SCALE, len(rows) * SCALE) + pixels


def read(judge, folder, record):
    """(the text below the code, what zbarimg reads, the lines)"""
    path, image = os.path.join(folder, "code.rec"), os.path.join(folder, "code.pgm")
    with open(path, "wb") as file:
        file.write(record.bytes())
    *lines, text = subprocess.run([judge, "code", path], capture_output=True, text=True, check=True,
                                  encoding="utf-8").stdout.splitlines()
    with open(image, "wb") as file:
        file.write(picture(lines))
    seen = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", image],
                          capture_output=True, text=True, check=False, encoding="utf-8").stdout
    return text, seen.rstrip("\n"), lines


def with_faults(*checks):
    record = clean.clean()
    for check, _, edit in FAILURES:
        if check in checks:
            edit(record)
    return record


def test(tap):
    judge = os.path.abspath(sys.argv[1])
    if not shutil.which("zbarimg"):
        tap.skip("the code of a screen", "zbar-tools is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        text, seen, lines = read(judge, folder, clean.clean())
        tap.equal((text, seen), (seen, text), "nothing fails, and that can be read")
        tap.check(max(map(len, lines)) <= 60, "it fits beside the log's time on 80 columns", len(lines[0]))
        for check in sorted({check for check, _, _ in FAILURES} - {20}):  # 20 needs an older record
            text, seen, _ = read(judge, folder, with_faults(check))
            tap.check(text == seen and f"{check:02d}" in text, f"check {check} can be read", text, seen)
        text, seen, _ = read(judge, folder, with_faults(*range(1, 75)))
        tap.check(text == seen and text.endswith(" +"), "more than there is room for", text, seen)
        text, seen, _ = read(judge, folder, with_faults(*AT_ONCE))
        words = [word[0] for word in seen.partition(": ")[2].split()]
        tap.equal(words, sorted(words, key="CHML".index), "the worst first")


if __name__ == "__main__":
    harness.main(test)

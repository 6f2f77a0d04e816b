#!/usr/bin/python3
"""Boots the image of scripts/image from a USB stick and reads the machine's screen.

The picture that QEMU gives is cut into character cells, each compared with the glyphs of the font
that the kernel was built with (kernel/terminal/font.py); the kernel log's lines have to be there.
"""
import os
import re
import subprocess
import sys
import tempfile

import harness
from harness import project

sys.path.insert(0, os.path.join(project.SOURCE, "kernel", "terminal"))
import font  # noqa: E402

FONTS = ["/usr/share/fonts/X11/misc/ter-u16n_unicode.pcf.gz",
         "/usr/share/fonts/X11/misc/ter-u32n_unicode.pcf.gz"]
LINES_WANTED = 5


def read_picture(path):
    """(width, height, pixels) of a binary portable pixmap, see ppm(5)."""
    with open(path, "rb") as file:
        data = file.read()
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    return int(header[1]), int(header[2]), data[header.end():]


def read_cell(picture, column, row, glyphs, width, height):
    """The character in a cell; U+FFFD when no glyph is like it. Whatever is not of the colour of
    the cell's corner counts as ink, or, under a cursor, the other way round."""
    picture_width, _, pixels = picture
    rows = []
    corner = None
    for y in range(row * height, (row + 1) * height):
        at = 3 * (y * picture_width + column * width)
        line = pixels[at:at + 3 * width]
        corner = corner or line[:3]
        ink = 0
        for x in range(0, 3 * width, 3):
            ink = ink << 1 | (line[x:x + 3] != corner)
        rows.append(ink)
    inverse = tuple(ink ^ ((1 << width) - 1) for ink in rows)
    return glyphs.get(tuple(rows)) or glyphs.get(inverse) or "\ufffd"


def read_text(picture, path):
    """The lines of the screen, as one font has them, and how many cells could not be read."""
    loaded = font.read_font(path)
    glyphs = {tuple(rows): chr(code) for code, rows in sorted(loaded.glyphs.items(), reverse=True)}
    lines = []
    for row in range(picture[1] // loaded.height):
        cells = [read_cell(picture, column, row, glyphs, loaded.width, loaded.height)
                 for column in range(picture[0] // loaded.width)]
        lines.append("".join(cells).rstrip())
    return lines, sum(line.count("\ufffd") for line in lines)


def test(tap):
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, "stick.img")
        made = subprocess.run([os.path.join(project.SOURCE, "scripts", "image"), image,
                               "--no-build"], capture_output=True, text=True, check=False)
        if not tap.check(made.returncode == 0, "scripts/image writes an image", made.stderr):
            return
        picture = os.path.join(folder, "screen.ppm")
        options = harness.Options(image=image, media="usb", screen=True, watched=True,
                                  timeout=harness.TIMEOUT)
        with harness.Machine(options) as machine:
            tap.check(machine.wait(lambda: "Enter 'help'" in machine.log.text(), 60),
                      "it boots to a shell on the console", *machine.log.tail())
            machine.wait(lambda: False, 2)
            machine.query("screendump", filename=picture)
        dump = read_picture(picture)
        keep = os.environ.get("BATON_SCREEN")
        if keep:
            os.replace(picture, keep)
    lines, unread = min((read_text(dump, path) for path in FONTS), key=lambda result: result[1])
    tap.note(f"{dump[0]} x {dump[1]} pixels, {unread} cells that hold no glyph")
    for line in lines:
        if line:
            tap.note(f"| {line}")
    wanted = [line.rstrip() for line in machine.log.lines if re.match(r"\[ *\d+\.\d+\] ", line)]
    width = len(max(lines, key=len, default=""))
    shown = [line for line in wanted if any(line[:width - 1] in text for text in lines)]
    tap.check(len(shown) >= min(LINES_WANTED, len(wanted)) > 0,
              f"the kernel log is on the screen: {len(shown)} of {len(wanted)} lines")
    tap.check(any("Enter 'help'" in line for line in lines), "so is the shell")
    tap.check(unread == 0, "every cell holds a glyph")


if __name__ == "__main__":
    sys.exit(harness.main(test))

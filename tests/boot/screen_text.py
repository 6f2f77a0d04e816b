"""Reads what stands on the guest's screen: finds the kernel's own glyphs in a screendump."""
import functools
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "kernel", "terminal"))

import font  # noqa: E402

FONTS = "/usr/share/fonts/X11/misc/ter-u{}n_unicode.pcf.gz"
UNKNOWN = "\ufffd"


class Picture:
    """A PPM file with 8 bits a colour (`screendump` of QEMU's monitor)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        magic, width, height, largest, self.pixels = _header(data)
        if magic != b"P6" or int(largest) != 255:
            raise ValueError(f"{path}: not a PPM of 8 bits")
        self.width, self.height = int(width), int(height)

    def row(self, x, y, count):
        """`count` pixels from (x, y) on."""
        start = 3 * (y * self.width + x)
        return self.pixels[start:start + 3 * count]


def _header(data):
    """Four words, and one byte of white space before the pixels: they may begin with any byte."""
    words, at = [], 0
    while len(words) < 4:
        end = at
        while end < len(data) and not data[end:end + 1].isspace():
            end += 1
        words.append(data[at:end])
        at = end + 1
    return *words, data[at:]


def _patterns(glyphs, width):
    """Glyph to character. The first of several that look the same wins: A before Α."""
    result = {}
    for code in sorted(glyphs, reverse=True):
        result[tuple(glyphs[code])] = chr(code)
    result[(0,) * len(glyphs[0x20])] = " "
    result[((1 << width) - 1,) * len(glyphs[0x20])] = " "  # one colour: cannot be told from blank
    return result


def _character(rows, patterns):
    """The character that rows of pixels show: two colours at most, of which either may be the
    background."""
    colours = {}
    shape = []
    for pixels in rows:
        bits = 0
        for at in range(0, len(pixels), 3):
            colour = colours.setdefault(pixels[at:at + 3], len(colours))
            bits = bits << 1 | colour
        shape.append(bits)
    if len(colours) > 2:
        return UNKNOWN
    everything = (1 << len(rows[0]) // 3) - 1
    # The pixel in the corner is nearly always background; a block or a cursor has it the other way.
    return patterns.get(tuple(shape)) or \
        patterns.get(tuple(row ^ everything for row in shape), UNKNOWN)


@functools.lru_cache
def _font(size):
    """Height, width and what each glyph means, in one size; and what cells that were seen mean."""
    glyphs = font.read_font(FONTS.format(size))
    known = {code: glyphs.glyphs[code] for code in font.console_glyphs(glyphs)}
    return glyphs.height, glyphs.width, _patterns(known, glyphs.width), {}


def _read(picture, size):
    height, width, patterns, seen = _font(size)
    lines = []
    for y in range(0, picture.height - height + 1, height):
        rows = [picture.row(0, y + line, picture.width) for line in range(height)]
        text = ""
        for x in range(0, 3 * (picture.width - width + 1), 3 * width):
            cell = tuple(row[x:x + 3 * width] for row in rows)
            if cell not in seen:
                seen[cell] = _character(cell, patterns)
            text += seen[cell]
        lines.append(text)
    return lines


def screen_text(ppm_path):
    """The lines on the screen, each as wide as the screen, in whichever font fits."""
    picture = Picture(ppm_path)
    readings = [_read(picture, size) for size in (16, 24, 32)]
    return min(readings, key=lambda lines: "".join(lines).count(UNKNOWN) / len("".join(lines)))


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print("\n".join(line.rstrip() for line in screen_text(path)))

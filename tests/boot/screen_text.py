"""Reads what stands on the guest's screen: finds the kernel's own glyphs in a screendump."""
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


def _cell(picture, x, y, width, height, patterns):
    """The character in one cell: two colours at most, of which either may be the background."""
    colours = {}
    rows = []
    for line in range(height):
        pixels = picture.row(x, y + line, width)
        bits = 0
        for at in range(0, len(pixels), 3):
            colour = colours.setdefault(pixels[at:at + 3], len(colours))
            bits = bits << 1 | colour
        if len(colours) > 2:
            return UNKNOWN
        rows.append(bits)
    everything = (1 << width) - 1
    # The pixel in the corner is nearly always background; a block or a cursor has it the other way.
    return patterns.get(tuple(rows)) or \
        patterns.get(tuple(row ^ everything for row in rows), UNKNOWN)


def _read(picture, size):
    glyphs = font.read_font(FONTS.format(size))
    known = {code: glyphs.glyphs[code] for code in font.console_glyphs(glyphs)}
    patterns = _patterns(known, glyphs.width)
    lines = []
    for y in range(0, picture.height - glyphs.height + 1, glyphs.height):
        lines.append("".join(_cell(picture, x, y, glyphs.width, glyphs.height, patterns)
                             for x in range(0, picture.width - glyphs.width + 1, glyphs.width)))
    return lines


def screen_text(ppm_path):
    """The lines on the screen, each as wide as the screen, in whichever font fits."""
    picture = Picture(ppm_path)
    readings = [_read(picture, size) for size in (16, 24, 32)]
    return min(readings, key=lambda lines: "".join(lines).count(UNKNOWN) / len("".join(lines)))


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print("\n".join(line.rstrip() for line in screen_text(path)))

#!/usr/bin/env python3
"""font.py OUTPUT.c PCF.gz...: turns bitmap fonts of the X Window System into C arrays.

Debian's xfonts-terminus has Terminus as PCF files. They are read at build time, so that no
font lies in this repository; tests read the screen with the same glyphs. The format is
described in libXfont's sources (include/X11/fonts/pcf.h) and in fontforge's documentation
("The X11 PCF bitmap font file format").
"""

import gzip
import struct
import sys

METRICS = 1 << 2
BITMAPS = 1 << 3
ENCODINGS = 1 << 5
BDF_ACCELERATORS = 1 << 8

FORMAT_COMPRESSED_METRICS = 0x100
FORMAT_BIG_ENDIAN = 1 << 2
FORMAT_MOST_SIGNIFICANT_BIT_FIRST = 1 << 3

# What the console shows: ASCII, Latin, Greek, Cyrillic, some punctuation, arrows, box drawing,
# blocks, and the replacement character for all the rest.
RANGES = [(0x20, 0x7e), (0xa0, 0x17f), (0x37e, 0x3ff), (0x400, 0x4ff), (0x2010, 0x2027),
          (0x2030, 0x203a), (0x20ac, 0x20ac), (0x2190, 0x2193), (0x2500, 0x25a0), (0x25b2, 0x25ca),
          (0xfffd, 0xfffd)]


class Font:
    """Glyphs of one size: rows from top to bottom, the leftmost pixel in the highest bit."""

    def __init__(self, width, height, glyphs):
        self.width = width
        self.height = height
        self.glyphs = glyphs


def read_font(path):
    """Reads a PCF file (compressed or not) whose glyphs all have the same advance."""
    opener = gzip.open if path.endswith('.gz') else open
    with opener(path, 'rb') as file:
        data = file.read()
    magic, count = struct.unpack_from('<4sI', data)
    if magic != b'\1fcp':
        raise ValueError(f'{path}: not a PCF font')
    tables = {}
    for index in range(count):
        kind, form, _size, offset = struct.unpack_from('<4I', data, 8 + 16 * index)
        # Each table repeats its format word; byte order is that of the word's own bits.
        order = '>' if form & FORMAT_BIG_ENDIAN else '<'
        tables[kind] = (form, order, offset + 4)

    _form, order, offset = tables[BDF_ACCELERATORS]
    ascent, descent = struct.unpack_from(order + 'ii', data, offset + 8)
    metrics = read_metrics(data, *tables[METRICS])
    bitmaps = read_bitmaps(data, *tables[BITMAPS], metrics)
    width, height = max(metric[2] for metric in metrics), ascent + descent

    glyphs = {}
    for code, index in read_encodings(data, *tables[ENCODINGS]):
        left, _right, _advance, glyph_ascent, _glyph_descent = metrics[index]
        rows = [0] * height
        for y, row in enumerate(bitmaps[index]):
            line = ascent - glyph_ascent + y
            if 0 <= line < height:
                shift = width - row[1] - left
                rows[line] = row[0] << shift if shift >= 0 else row[0] >> -shift
        glyphs[code] = [row & ((1 << width) - 1) for row in rows]
    return Font(width, height, glyphs)


def read_metrics(data, form, order, offset):
    """(left bearing, right bearing, advance, ascent, descent) of each glyph."""
    if form & FORMAT_COMPRESSED_METRICS:
        count, = struct.unpack_from(order + 'H', data, offset)
        values = struct.unpack_from(f'{5 * count}B', data, offset + 2)
        return [tuple(value - 0x80 for value in values[i:i + 5])
                for i in range(0, 5 * count, 5)]
    count, = struct.unpack_from(order + 'I', data, offset)
    return [struct.unpack_from(order + '5h', data, offset + 4 + 12 * i) for i in range(count)]


def read_bitmaps(data, form, order, offset, metrics):
    """The rows of each glyph, as (bits, width)."""
    if not form & FORMAT_MOST_SIGNIFICANT_BIT_FIRST:
        raise ValueError('bitmaps with the least significant bit first are not supported')
    count, = struct.unpack_from(order + 'I', data, offset)
    starts = struct.unpack_from(f'{order}{count}I', data, offset + 4)
    # A scan unit's byte order differs from the bit order in no font in use; not handled.
    bits = offset + 4 + 4 * count + 16
    padding = 1 << (form & 3)
    glyphs = []
    for start, (left, right, _advance, ascent, descent) in zip(starts, metrics):
        width = right - left
        pitch = ((width + 7) // 8 + padding - 1) // padding * padding
        rows = []
        for y in range(ascent + descent):
            row = int.from_bytes(data[bits + start + y * pitch:][:pitch], 'big')
            rows.append((row >> (8 * pitch - width), width))
        glyphs.append(rows)
    return glyphs


def read_encodings(data, _form, order, offset):
    """Pairs of code point and glyph number."""
    first_low, last_low, first_high, last_high, _default = struct.unpack_from(
        order + '5h', data, offset)
    offset += 10
    for high in range(first_high, last_high + 1):
        for low in range(first_low, last_low + 1):
            index, = struct.unpack_from(order + 'H', data, offset)
            offset += 2
            if index != 0xffff:
                yield high << 8 | low, index


def console_glyphs(font):
    """The glyphs that the kernel has, in the order of its glyph numbers."""
    codes = [code for first, last in RANGES for code in range(first, last + 1)
             if code in font.glyphs]
    if 0xfffd not in codes:
        raise ValueError('the font has no replacement character')
    return codes


def write_source(output, fonts):
    """Writes fonts as C: the declarations are in kernel/library/font.h."""
    codes = console_glyphs(fonts[0])
    output.write('/* Generated by font.py. */\n#include "library/font.h"\n\n')
    output.write(f'const uint16_t font_code_count = {len(codes)};\n')
    output.write('const uint16_t font_codes[] = {\n')
    for i in range(0, len(codes), 8):
        output.write('    ' + ' '.join(f'0x{code:04x},' for code in codes[i:i + 8]) + '\n')
    output.write('};\n')
    for number, font in enumerate(fonts):
        pitch = (font.width + 7) // 8
        output.write(f'\nstatic const uint8_t rows{number}[] = {{\n')
        for code in codes:
            rows = font.glyphs.get(code, font.glyphs[0xfffd])
            left = [row << (8 * pitch - font.width) for row in rows]
            flat = b''.join(row.to_bytes(pitch, 'big') for row in left)
            output.write('    ' + ','.join(str(byte) for byte in flat) + f', /* {code:04x} */\n')
        output.write('};\n')
    output.write(f'\nconst uint8_t font_count = {len(fonts)};\n')
    output.write('const struct font fonts[] = {\n')
    for number, font in enumerate(fonts):
        output.write(f'    {{.width = {font.width}, .height = {font.height}, '
                     f'.pitch = {(font.width + 7) // 8}, .rows = rows{number}}},\n')
    output.write('};\n')


def main():
    output_path, *font_paths = sys.argv[1:]
    fonts = [read_font(path) for path in font_paths]
    with open(output_path, 'w', encoding='ascii') as output:
        write_source(output, fonts)


if __name__ == '__main__':
    main()

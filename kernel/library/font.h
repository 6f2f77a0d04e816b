/*
 * font.h: the glyphs that the build took from a Debian package
 * (kernel/terminal/font.py writes their definitions).
 */
#ifndef BATON_LIBRARY_FONT_H
#define BATON_LIBRARY_FONT_H

#include <stddef.h>
#include <stdint.h>

struct font {
    uint8_t width;       /* pixels */
    uint8_t height;      /* pixels */
    uint8_t pitch;       /* bytes of a row; the leftmost pixel is the highest bit of the first */
    const uint8_t *rows; /* glyph after glyph, each of height rows */
};

extern const struct font fonts[]; /* from small to large, all with the same glyphs */
extern const uint8_t font_count;

/* Unicode code point of each glyph, ascending; the last one is U+FFFD. */
extern const uint16_t font_codes[];
extern const uint16_t font_code_count;

#endif

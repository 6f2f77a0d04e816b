/*
 * pixel.h: drawing into a linear framebuffer of 32-bit pixels in any layout.
 *
 * Pure: no lock, no allocation, any context. Nothing is ever read from the
 * buffer that is drawn into: reading video memory is slow.
 */
#ifndef BATON_LIBRARY_PIXEL_H
#define BATON_LIBRARY_PIXEL_H

#include <stddef.h>
#include <stdint.h>

#include "library/font.h"

struct handoff_framebuffer;
struct memory_range;

/* Where a colour's bits lie in a pixel. */
struct pixel_field {
    uint8_t shift;
    uint8_t bits; /* 1 to 30 */
};

struct pixel_format {
    struct pixel_field red, green, blue;
};

/*
 * Checks what the firmware said about its framebuffer: NULL when it can be
 * drawn into, else why not. Its size has to hold stride * height pixels,
 * because some firmware's does not (FIRMWARE.md rule 17).
 */
const char *framebuffer_check(const struct handoff_framebuffer *framebuffer);

/*
 * The layout of its pixels. 0, or -EINVAL: none, unknown, or masks that are
 * empty, scattered or overlap.
 */
int pixel_format_find(const struct handoff_framebuffer *framebuffer, struct pixel_format *format);

/* The pixel of a colour 0xrrggbb. */
uint32_t pixel_pack(const struct pixel_format *format, uint32_t colour);

/*
 * Why a framebuffer that framebuffer_check() accepts shall be left alone all the same, or NULL: it
 * lies in memory of the map, which would be overwritten. `ranges` as memory_map_parse() made them.
 */
const char *framebuffer_overlaps(const struct handoff_framebuffer *framebuffer,
                                 const struct memory_range *ranges, size_t count);

/* The font of which enough fits on a screen of that many pixels: letters stay readable. */
const struct font *font_for_width(uint32_t width);

/* The number of the glyph that shows a code point; U+FFFD's when the font has none for it. */
uint16_t glyph_find(uint32_t code);

/*
 * Draws one glyph with its top left pixel at `to`; the lines of the buffer are
 * `stride` pixels apart.
 */
void glyph_draw(volatile uint32_t *to, size_t stride, const struct font *font, uint16_t glyph,
                uint32_t foreground, uint32_t background);

#endif

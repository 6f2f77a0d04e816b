/* pixel.c: pixels and glyphs (UEFI 2.10, 12.9.2: EFI_PIXEL_BITMASK, EFI_GRAPHICS_PIXEL_FORMAT). */
#include "library/pixel.h"

#include "library/memory_map.h"

#include <handoff.h>
#include <linux/errno.h>
#include <stdbool.h>

#define PIXEL_SIZE 4 /* bytes */

/* Where every PC has I/O APIC, HPET, local APIC and its firmware's flash (Intel ICH9 data
   sheet, 9.3): what is drawn there are commands. */
#define CHIP_SET_BASE UINT64_C(0xfec00000)
#define CHIP_SET_END  UINT64_C(0x100000000)

const char *framebuffer_check(const struct handoff_framebuffer *framebuffer)
{
    uint64_t pixels;

    if (framebuffer->format == HANDOFF_PIXEL_NONE)
        return "there is none";
    if (framebuffer->base == 0 || framebuffer->base % PIXEL_SIZE)
        return "it has no usable address";
    if (framebuffer->width == 0 || framebuffer->height == 0)
        return "it has no pixels";
    if (framebuffer->stride < framebuffer->width)
        return "its lines are shorter than its width";
    pixels = (uint64_t)framebuffer->stride * framebuffer->height;
    if (pixels > framebuffer->size / PIXEL_SIZE)
        return "its size does not hold its lines";
    if (framebuffer->base + framebuffer->size < framebuffer->base)
        return "it wraps round the address space";
    if (framebuffer->base < CHIP_SET_END && framebuffer->base + framebuffer->size > CHIP_SET_BASE)
        return "it lies where the chip set has its registers";
    return NULL;
}

/* A colour's field from its mask: one run of bits. */
static bool field_find(uint32_t mask, struct pixel_field *field)
{
    if (mask == 0)
        return false;
    field->shift = __builtin_ctz(mask);
    mask >>= field->shift;
    if (mask & (mask + 1))
        return false;
    field->bits = __builtin_popcount(mask);
    return field->bits <= 30;
}

int pixel_format_find(const struct handoff_framebuffer *framebuffer, struct pixel_format *format)
{
    switch (framebuffer->format) {
    case HANDOFF_PIXEL_RGB:
        *format = (struct pixel_format){{0, 8}, {8, 8}, {16, 8}};
        return 0;
    case HANDOFF_PIXEL_BGR:
        *format = (struct pixel_format){{16, 8}, {8, 8}, {0, 8}};
        return 0;
    case HANDOFF_PIXEL_MASK: {
        uint32_t red = framebuffer->red_mask;
        uint32_t green = framebuffer->green_mask;
        uint32_t blue = framebuffer->blue_mask;

        if (red & green || red & blue || green & blue)
            return -EINVAL;
        if (!field_find(red, &format->red) || !field_find(green, &format->green) ||
            !field_find(blue, &format->blue))
            return -EINVAL;
        return 0;
    }
    default:
        return -EINVAL;
    }
}

/* Scales 0-255 to the field's own range, so that white stays white. */
static uint32_t field_pack(struct pixel_field field, uint32_t value)
{
    uint64_t largest = (UINT64_C(1) << field.bits) - 1;

    return (uint32_t)((value & 0xff) * largest / 0xff) << field.shift;
}

uint32_t pixel_pack(const struct pixel_format *format, uint32_t colour)
{
    return field_pack(format->red, colour >> 16) | field_pack(format->green, colour >> 8) |
           field_pack(format->blue, colour);
}

const char *framebuffer_overlaps(const struct handoff_framebuffer *framebuffer,
                                 const struct memory_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct memory_range *range = &ranges[i];

        if (range->kind == MEMORY_DEVICE || range->kind == MEMORY_RESERVED ||
            range->base >= framebuffer->base + framebuffer->size ||
            framebuffer->base >= range->base + range->size)
            continue;
        return "it lies in memory";
    }
    return NULL;
}

/* Widths from which on the next larger font leaves 160 columns and more. */
const struct font *font_for_width(uint32_t width)
{
    unsigned chosen = 0;

    while (chosen + 1 < font_count && width >= 160U * fonts[chosen + 1].width)
        chosen++;
    return &fonts[chosen];
}

uint16_t glyph_find(uint32_t code)
{
    uint16_t first = 0, last = font_code_count - 1;

    while (first < last) {
        uint16_t middle = first + (last - first) / 2;

        if (font_codes[middle] < code)
            first = middle + 1;
        else
            last = middle;
    }
    return font_codes[first] == code ? first : font_code_count - 1;
}

void glyph_draw(volatile uint32_t *to, size_t stride, const struct font *font, uint16_t glyph,
                uint32_t foreground, uint32_t background)
{
    const uint8_t *row = font->rows + (size_t)glyph * font->height * font->pitch;

    for (unsigned y = 0; y < font->height; y++) {
        for (unsigned x = 0; x < font->width; x++) {
            bool set = row[x / 8] & (0x80 >> x % 8);

            to[x] = set ? foreground : background;
        }
        row += font->pitch;
        to += stride;
    }
}

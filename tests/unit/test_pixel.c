/* Framebuffers: geometry, pixel formats, glyphs. */
#include "library/memory_map.h"
#include "library/pixel.h"
#include "test.h"

#include <errno.h>
#include <handoff.h>
#include <stdlib.h>
#include <string.h>

static const struct handoff_framebuffer good = {
    .base = 0x80000000,
    .size = 1024 * 768 * 4,
    .width = 1000,
    .height = 768,
    .stride = 1024,
    .format = HANDOFF_PIXEL_BGR,
};

static void test_geometry(void)
{
    struct handoff_framebuffer framebuffer = good;

    test_case("a good framebuffer");
    expect(framebuffer_check(&framebuffer) == NULL);

    test_case("a size that does not hold its lines");
    framebuffer.size--;
    expect(framebuffer_check(&framebuffer) != NULL);

    test_case("a size that overflows when multiplied in 32 bits");
    framebuffer = good;
    framebuffer.stride = 0x10000;
    framebuffer.height = 0x10000;
    expect(framebuffer_check(&framebuffer) != NULL);

    test_case("lines shorter than the width");
    framebuffer = good;
    framebuffer.stride = 999;
    expect(framebuffer_check(&framebuffer) != NULL);

    test_case("no pixels");
    framebuffer = good;
    framebuffer.width = 0;
    expect(framebuffer_check(&framebuffer) != NULL);
    framebuffer = good;
    framebuffer.height = 0;
    expect(framebuffer_check(&framebuffer) != NULL);

    test_case("no place, odd place, wrapping");
    framebuffer = good;
    framebuffer.base = 0;
    expect(framebuffer_check(&framebuffer) != NULL);
    framebuffer.base = 0x80000001;
    expect(framebuffer_check(&framebuffer) != NULL);
    framebuffer.base = UINT64_MAX - 3;
    expect(framebuffer_check(&framebuffer) != NULL);

    test_case("where a PC's chip set has its registers");
    framebuffer = good;
    framebuffer.base = 0xfee00000;
    expect(framebuffer_check(&framebuffer) != NULL);
    framebuffer.base = 0xfec00000 - framebuffer.size + 4;
    expect(framebuffer_check(&framebuffer) != NULL);
    framebuffer.base = 0xfec00000 - framebuffer.size;
    expect(framebuffer_check(&framebuffer) == NULL);
    framebuffer.base = 0x100000000;
    expect(framebuffer_check(&framebuffer) == NULL);

    test_case("no framebuffer");
    framebuffer = good;
    framebuffer.format = HANDOFF_PIXEL_NONE;
    expect(framebuffer_check(&framebuffer) != NULL);
}

static uint32_t pack(uint32_t format, uint32_t red, uint32_t green, uint32_t blue, uint32_t colour)
{
    struct handoff_framebuffer framebuffer = good;
    struct pixel_format found;

    framebuffer.format = format;
    framebuffer.red_mask = red;
    framebuffer.green_mask = green;
    framebuffer.blue_mask = blue;
    if (pixel_format_find(&framebuffer, &found))
        return 0xbad;
    return pixel_pack(&found, colour);
}

static void test_formats(void)
{
    test_case("RGB and BGR");
    expect_equal(pack(HANDOFF_PIXEL_RGB, 0, 0, 0, 0x123456), 0x563412);
    expect_equal(pack(HANDOFF_PIXEL_BGR, 0, 0, 0, 0x123456), 0x123456);

    test_case("masks of 5, 6 and 5 bits");
    expect_equal(pack(HANDOFF_PIXEL_MASK, 0xf800, 0x07e0, 0x001f, 0xffffff), 0xffff);
    expect_equal(pack(HANDOFF_PIXEL_MASK, 0xf800, 0x07e0, 0x001f, 0x000000), 0);
    expect_equal(pack(HANDOFF_PIXEL_MASK, 0xf800, 0x07e0, 0x001f, 0xff0000), 0xf800);

    test_case("masks of 10 bits: white is white");
    expect_equal(pack(HANDOFF_PIXEL_MASK, 0x3ff00000, 0x000ffc00, 0x000003ff, 0xffffff),
                 0x3fffffff);

    test_case("masks of one bit");
    expect_equal(pack(HANDOFF_PIXEL_MASK, 4, 2, 1, 0xffff00), 6);

    test_case("masks that are no masks");
    expect_equal(pack(HANDOFF_PIXEL_MASK, 0, 2, 1, 0xffffff), 0xbad);
    expect_equal(pack(HANDOFF_PIXEL_MASK, 3, 2, 4, 0xffffff), 0xbad);
    expect_equal(pack(HANDOFF_PIXEL_MASK, 5, 2, 8, 0xffffff), 0xbad);
    expect_equal(pack(HANDOFF_PIXEL_MASK, 0xff0000, 0x00ff00, 0xf0000000, 0xffffff) == 0xbad, 0);
    expect_equal(pack(77, 0, 0, 0, 0xffffff), 0xbad);
    expect_equal(pack(HANDOFF_PIXEL_NONE, 0, 0, 0, 0xffffff), 0xbad);
}

/* A glyph as text, '#' for the foreground. */
static void test_glyph(const struct font *font, uint32_t code)
{
    size_t stride = font->width + 3;
    size_t pixels = stride * (font->height - 1) + font->width;
    uint32_t *buffer = malloc(pixels * sizeof(*buffer));
    unsigned set = 0, other = 0;

    test_case("glyph %x in %ux%u", code, font->width, font->height);
    for (size_t i = 0; i < pixels; i++)
        buffer[i] = 0x55;
    glyph_draw(buffer, stride, font, glyph_find(code), 1, 2);
    for (size_t i = 0; i < pixels; i++) {
        bool inside = i % stride < font->width;

        other += inside ? buffer[i] != 1 && buffer[i] != 2 : buffer[i] != 0x55;
        set += buffer[i] == 1;
    }
    expect_equal(other, 0);
    expect(code == ' ' ? set == 0 : set > 0);
    free(buffer);
}

static void test_glyphs(void)
{
    test_case("glyphs are found");
    expect_equal(font_codes[glyph_find('A')], 'A');
    expect_equal(font_codes[glyph_find(' ')], ' ');
    expect_equal(font_codes[glyph_find(0xe4)], 0xe4);
    expect_equal(font_codes[glyph_find(0x2500)], 0x2500);
    expect_equal(glyph_find(0), font_code_count - 1);
    expect_equal(glyph_find(0x1f600), font_code_count - 1);
    expect_equal(font_codes[font_code_count - 1], 0xfffd);

    for (unsigned i = 0; i < font_count; i++) {
        test_glyph(&fonts[i], ' ');
        test_glyph(&fonts[i], '#');
        test_glyph(&fonts[i], 0x2588);
    }
}

static void test_fonts(void)
{
    static const struct {
        uint32_t width;
        unsigned letter;
    } cases[] = {{640, 8}, {1919, 8}, {1920, 12}, {2559, 12}, {2560, 16}, {7680, 16}};

    test_case("letters that can be read");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_equal(font_for_width(cases[i].width)->width, cases[i].letter);
    test_case("Greek, Cyrillic, Latin beyond Latin-1");
    expect_equal(font_codes[glyph_find(0x3a9)], 0x3a9);
    expect_equal(font_codes[glyph_find(0x416)], 0x416);
    expect_equal(font_codes[glyph_find(0x159)], 0x159);
}

static void test_overlaps(void)
{
    struct memory_range ranges[] = {
        {.base = 0x1000, .size = 0x1000, .kind = MEMORY_USABLE},
        {.base = good.base - 0x1000, .size = 0x1000, .kind = MEMORY_BOOT_SERVICES},
        {.base = good.base, .size = good.size, .kind = MEMORY_DEVICE},
        {.base = good.base + good.size, .size = 0x1000, .kind = MEMORY_RUNTIME_DATA},
    };

    test_case("a framebuffer between memory");
    expect(framebuffer_overlaps(&good, ranges, 4) == NULL);
    test_case("one in memory, at its end and at its begin");
    ranges[3].base -= 0x1000;
    expect(framebuffer_overlaps(&good, ranges, 4) != NULL);
    ranges[1].size += 0x1000;
    expect(framebuffer_overlaps(&good, ranges, 3) != NULL);
}

int main(void)
{
    test_fonts();
    test_overlaps();
    test_geometry();
    test_formats();
    test_glyphs();
    return test_end();
}

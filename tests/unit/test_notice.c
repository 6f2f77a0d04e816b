/* test_notice.c: lines on a framebuffer in ordinary memory. */
#include "library/notice.h"

#include <handoff.h>

#include "library/font.h"
#include "test.h"

enum { WIDTH = 64, HEIGHT = 40, STRIDE = 70 };

static uint32_t pixels[STRIDE * HEIGHT];

static const struct handoff_framebuffer screen = {
    .base = 0x1000,
    .size = sizeof(pixels),
    .width = WIDTH,
    .height = HEIGHT,
    .stride = STRIDE,
    .format = HANDOFF_PIXEL_BGR,
};

/* White pixels of the character at this place. */
static unsigned ink(unsigned column, unsigned row)
{
    unsigned count = 0;

    for (unsigned y = 0; y < 16; y++)
        for (unsigned x = 0; x < 8; x++)
            count += pixels[(row * 16 + y) * STRIDE + column * 8 + x] == 0xffffff;
    return count;
}

int main(void)
{
    struct notice notice;

    test_case("eight columns, two rows");
    expect_equal(notice_begin(&notice, &screen, pixels), 1);
    expect_equal(notice.columns, 8);
    expect_equal(notice.rows, 2);

    test_case("text, and a line that is cleared to its end");
    notice_write(&notice, "ab\n", 3);
    expect_equal(ink(0, 0) > 5, 1);
    expect_equal(ink(2, 0), 0);
    expect_equal(pixels[WIDTH - 1], 0x0000aa);
    expect_equal(pixels[WIDTH], 0);
    expect_equal(pixels[16 * STRIDE], 0);

    test_case("a line that is too long, and the way back to the top");
    notice_write(&notice, "123456789", 9);
    expect_equal(ink(7, 1) > 5, 1);
    expect_equal(ink(0, 0) > 5, 1);
    expect_equal(ink(1, 0), 0);

    test_case("an empty line");
    notice_write(&notice, "\n\n", 2);
    expect_equal(ink(0, 1), 0);

    test_case("no screen, and one too small for a letter");
    struct handoff_framebuffer none = screen;
    none.format = HANDOFF_PIXEL_NONE;
    expect_equal(notice_begin(&notice, &none, pixels), 0);
    notice_write(&notice, "x", 1);
    none = screen;
    none.height = 15;
    expect_equal(notice_begin(&notice, &none, pixels), 0);
    return test_end();
}

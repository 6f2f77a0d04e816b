/* notice.c: see notice.h. */
#include "library/notice.h"

#include "library/font.h"
#include "library/pixel.h"
#include <handoff.h>

bool notice_begin(struct notice *notice, const struct handoff_framebuffer *framebuffer,
                  volatile uint32_t *pixels)
{
    const struct font *font = font_for_width(framebuffer->width);
    struct pixel_format format;

    *notice = (struct notice){0};
    if (framebuffer_check(framebuffer) || pixel_format_find(framebuffer, &format) ||
        framebuffer->width < font->width || framebuffer->height < font->height)
        return false;
    *notice = (struct notice){
        .pixels = pixels,
        .stride = framebuffer->stride,
        .font = font,
        .foreground = pixel_pack(&format, 0xffffff),
        .background = pixel_pack(&format, 0x0000aa),
        .columns = (uint16_t)(framebuffer->width / font->width),
        .rows = (uint16_t)(framebuffer->height / font->height),
    };
    return true;
}

static void draw(const struct notice *notice, unsigned column, unsigned row, char letter)
{
    volatile uint32_t *to = notice->pixels + (size_t)row * notice->font->height * notice->stride +
                            (size_t)column * notice->font->width;

    glyph_draw(to, notice->stride, notice->font, glyph_find((unsigned char)letter),
               notice->foreground, notice->background);
}

static void line_clear(const struct notice *notice)
{
    for (unsigned column = 0; column < notice->columns; column++)
        draw(notice, column, notice->row, ' ');
}

static void line_end(struct notice *notice)
{
    notice->column = 0;
    notice->row = (uint16_t)((notice->row + 1) % notice->rows);
}

void notice_write(struct notice *notice, const char *text, size_t size)
{
    if (!notice->pixels)
        return;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            if (notice->column == 0)
                line_clear(notice);
            line_end(notice);
            continue;
        }
        if (notice->column == notice->columns)
            line_end(notice);
        if (notice->column == 0)
            line_clear(notice);
        draw(notice, notice->column++, notice->row, text[i]);
    }
}

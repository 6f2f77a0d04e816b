/* early_screen.c: see early_screen.h. */
#include "terminal/early_screen.h"

#include <handoff.h>

#include "cpu/log.h"
#include "library/notice.h"
#include "memory/heap.h"

static struct notice notice;

static void early_screen_write(struct log_sink *sink, const char *text, size_t size)
{
    (void)sink;
    notice_write(&notice, text, size);
}

void early_screen_begin(const struct handoff_framebuffer *framebuffer)
{
    static struct log_sink sink = {.write = early_screen_write};

    if (notice_begin(&notice, framebuffer, (volatile uint32_t *)framebuffer->base))
        log_sink_add(&sink);
}

bool early_screen_move(const struct handoff_framebuffer *framebuffer)
{
    if (!notice.pixels)
        return true;
    volatile uint32_t *pixels =
        device_map(framebuffer->base, (size_t)framebuffer->stride * framebuffer->height * 4,
                   DEVICE_WRITE_COMBINING);

    if (pixels)
        notice.pixels = pixels;
    return pixels;
}

void early_screen_end(void)
{
    notice.pixels = NULL;
}

/* screen_terminal.c: see screen_terminal.h. What is shown, and how, is framebuffer.c's. */
#include "terminal/screen_terminal.h"

#include <linux/major.h>

#include "library/screen/screen.h"
#include "terminal/framebuffer.h"
#include "terminal/terminal.h"

#define MINOR_SCREEN 0 /* tty0; Linux, Documentation/admin-guide/devices.txt */

static struct terminal own; /* for the screen when no serial port shares it */
struct terminal *screen_terminal = &own;

void screen_terminal_write(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    uint8_t reply[SCREEN_REPLY_SIZE];
    size_t reply_size = framebuffer_write((const char *)bytes, size, (char *)reply);

    if (reply_size) {
        terminal_input_locked(terminal, reply, reply_size);
        terminal_wake_readers(terminal);
    }
}

static void start(struct terminal *terminal)
{
    uint8_t bytes[64];
    size_t size;

    while ((size = terminal_output_take(terminal, bytes, sizeof(bytes))))
        screen_terminal_write(terminal, bytes, size);
}

static const struct terminal_device screen_device = {
    .start = start,
};

void screen_terminal_initialize(void)
{
    terminal_initialize(&own, "tty0", TTY_MAJOR, MINOR_SCREEN, &screen_device);
}

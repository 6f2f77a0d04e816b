/*
 * framebuffer.h: the console on the screen that the firmware left to us.
 */
#ifndef BATON_TERMINAL_FRAMEBUFFER_H
#define BATON_TERMINAL_FRAMEBUFFER_H

#include "library/types.h"

struct handoff_framebuffer;

/*
 * Checks the framebuffer, maps it, clears it and adds it as a sink of the log,
 * whose lines until now appear. Needs the heap and device_map(). A framebuffer
 * that cannot be used is reported and left alone. Errors: -ENODEV, -ENOMEM.
 */
int framebuffer_initialize(const struct handoff_framebuffer *framebuffer);

/* Is there a screen, and how many characters does it hold? */
bool framebuffer_size(uint16_t *columns, uint16_t *rows);

/*
 * Starts the thread that paints what terminals write, so that a program's
 * output holds interrupts off no longer than it takes to paint one row. The
 * log's lines are painted at once, by whoever logs. 0 or -ENOMEM.
 */
int framebuffer_start_painter(void);

/*
 * Writes bytes as a terminal would show them (library/screen/screen.h). Any context.
 * `reply` gets what the screen answers (SCREEN_REPLY_SIZE bytes); returns how
 * many bytes that is.
 */
size_t framebuffer_write(const char *bytes, size_t size, char *reply);

/* Do the cursor keys send application sequences (DECCKM)? */
bool framebuffer_application_cursor(void);

#endif

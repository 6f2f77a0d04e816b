/*
 * notice.h: lines of text on the framebuffer, without memory, a lock or anything else: what is said
 * when a console is not there yet, or will never be.
 */
#ifndef BATON_LIBRARY_NOTICE_H
#define BATON_LIBRARY_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handoff_framebuffer;
struct font;

struct notice {
    volatile uint32_t *pixels; /* NULL: there is no screen */
    size_t stride;             /* pixels */
    const struct font *font;
    uint32_t foreground, background;
    uint16_t columns, rows; /* characters */
    uint16_t column, row;   /* where the next one goes */
};

/*
 * Prepares a notice on the framebuffer, which is seen at `pixels`; draws nothing. False: no text
 * can be drawn there, and notice_write() does nothing.
 */
bool notice_begin(struct notice *notice, const struct handoff_framebuffer *framebuffer,
                  volatile uint32_t *pixels);

/*
 * Writes ASCII text; a newline ends a line, as does the screen's edge. Behind the last line it goes
 * on with the first. Each line is cleared as it is begun, the rest of the screen stays.
 */
void notice_write(struct notice *notice, const char *text, size_t size);

#endif

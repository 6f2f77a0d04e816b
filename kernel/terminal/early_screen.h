/*
 * early_screen.h: the log on the screen before there is a console, and before there is memory: on
 * the loader's page tables, which show the framebuffer where it is (include/handoff.h).
 */
#ifndef BATON_TERMINAL_EARLY_SCREEN_H
#define BATON_TERMINAL_EARLY_SCREEN_H

struct handoff_framebuffer;

/* From here on the log's lines stand on the framebuffer, if that can be drawn on. */
void early_screen_begin(const struct handoff_framebuffer *framebuffer);

/* No more of it: the loader's tables go. */
void early_screen_end(void);

#endif

/*
 * early_screen.h: the log on the screen before there is a console, and without any memory: on the
 * loader's page tables, which show the framebuffer where it is (include/handoff.h), then on our
 * own.
 */
#ifndef BATON_TERMINAL_EARLY_SCREEN_H
#define BATON_TERMINAL_EARLY_SCREEN_H

#include <stdbool.h>

struct handoff_framebuffer;

/* From here on the log's lines stand on the framebuffer, if that can be drawn on. On the loader's
   tables. */
void early_screen_begin(const struct handoff_framebuffer *framebuffer);

/* The tables have changed: the same framebuffer, where our own show it. Needs device_map(). False:
   too little memory for that, and everything is as before. */
bool early_screen_move(const struct handoff_framebuffer *framebuffer);

/* No more of it: there is a console, or the framebuffer is not to be drawn on. */
void early_screen_end(void);

#endif

/* screen_terminal.h: the terminal that a person at the machine sees and types on: /dev/tty0. */
#ifndef BATON_TERMINAL_SCREEN_TERMINAL_H
#define BATON_TERMINAL_SCREEN_TERMINAL_H

#include "library/types.h"

struct terminal;

/* The one on the screen, which gets what is typed: one of its own, or a serial port's that shares
   screen and keyboard (console.c). Constant after boot. */
extern struct terminal *screen_terminal;

/* Makes the one of its own. At boot. */
void screen_terminal_initialize(void);

/* Shows a terminal's output on the screen. The terminal's lock is held, interrupts are off. */
void screen_terminal_write(struct terminal *terminal, const uint8_t *bytes, size_t size);

#endif

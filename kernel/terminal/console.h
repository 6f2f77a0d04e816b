/*
 * console.h: which terminals exist, and which one is /dev/console.
 */
#ifndef BATON_TERMINAL_CONSOLE_H
#define BATON_TERMINAL_CONSOLE_H

#include "library/types.h"

struct terminal;

/*
 * Makes the terminals and registers their device nodes. `options`: the
 * kernel's, for console=. As on Linux, console=ttySn chooses a serial port and
 * console=tty0 the screen, and both may be given; /dev/console writes to both and
 * reads from both. Without the option it is the screen with the keyboard, and
 * COM1. Needs threads, interrupts and file_system_initialize().
 */
int terminals_initialize(const char *options);

#endif

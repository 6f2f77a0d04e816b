/* console.h: words for a person, on the firmware's console, while there is one. */
#ifndef BATON_LOADER_CONSOLE_H
#define BATON_LOADER_CONSOLE_H

#include <stdarg.h>
#include <stdbool.h>

/* Prints like printf (ASCII, one line or a part of one, at most 511 bytes). */
__attribute__((format(printf, 1, 2))) void console_print(const char *format, ...);
void console_print_arguments(const char *format, va_list arguments);

/* Is there a screen, with a person before it? A serial console has no graphics output. */
bool console_has_screen(void);

/*
 * Waits for a key that leads to `where`, so that a message can be read before what comes next wipes
 * it; gives up after half a minute, so that a machine with nobody before it goes on.
 */
void console_wait_for_key(const char *where);

#endif

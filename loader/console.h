/* console.h: words for a person, on the firmware's console, while there is one. */
#ifndef BATON_LOADER_CONSOLE_H
#define BATON_LOADER_CONSOLE_H

#include <stdarg.h>

/* Prints like printf (ASCII, one line or a part of one, at most 511 bytes). */
__attribute__((format(printf, 1, 2))) void console_print(const char *format, ...);
void console_print_arguments(const char *format, va_list arguments);

/*
 * Where a person sits before a screen, waits for a key so that the message can be read before the
 * firmware's menu wipes it; gives up after half a minute, so that a machine with a screen and
 * nobody before it goes on. On a serial line the message stays, and nothing waits.
 */
void console_wait_for_key(void);

#endif

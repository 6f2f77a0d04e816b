/* console.h: words for a person, on the firmware's console, while there is one. */
#ifndef BATON_LOADER_CONSOLE_H
#define BATON_LOADER_CONSOLE_H

#include <stdarg.h>
#include <stdbool.h>

/* Prints like printf (ASCII, one line or a part of one, at most 511 bytes). */
__attribute__((format(printf, 1, 2))) void console_print(const char *format, ...);
void console_print_arguments(const char *format, va_list arguments);

/*
 * What was printed since console_story_begin(), or the end of it where that was much: the screen is
 * cleared, and drawn on, while a person still wants to read it.
 */
void console_story_begin(void);
const char *console_story(void);

/* Is there a screen, with a person before it? A serial console has no graphics output. */
bool console_has_screen(void);

#endif

/*
 * format.h: printf formatting into a buffer, by Debian's stb_sprintf.
 *
 * Conversions: %d %i %u %x %X %o %c %s %p with flags, width, precision and
 * the lengths hh h l ll j z t; no floating point. %l is the target's long: 64
 * bits in the kernel, 32 in the loader; shared code uses PRIx64 or %ll. %p
 * prints 16 digits without "0x". No lock, no allocation, any context; about
 * 1.3 KiB of stack.
 */
#ifndef BATON_LIBRARY_FORMAT_H
#define BATON_LIBRARY_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most size bytes with the NUL (always written when size > 0) and
 * returns the length that the whole text has, which may be more.
 */
int format_string(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int format_string_list(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif

/*
 * The only instance of stb_sprintf, its names static. It reads and writes words
 * at any address and reads up to three bytes behind a string, never across a
 * word, so the sanitizers of the host tests are told to pass over it.
 */
#include "library/format.h"

#include <limits.h>

#define STB_SPRINTF_IMPLEMENTATION
#define STB_SPRINTF_STATIC
#define STB_SPRINTF_NOFLOAT
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang attribute push(__attribute__((no_sanitize("address", "undefined"))),                 \
                             apply_to = function)
#include <stb/stb_sprintf.h>
#pragma clang attribute pop
#pragma clang diagnostic pop

int format_string_list(char *buffer, size_t size, const char *format, va_list arguments)
{
    /* stb takes the size as int, and a buffer of size 0 only as NULL. */
    if (size == 0)
        return stbsp_vsnprintf(NULL, 0, format, arguments);
    return stbsp_vsnprintf(buffer, size < INT_MAX ? (int)size : INT_MAX, format, arguments);
}

int format_string(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = format_string_list(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

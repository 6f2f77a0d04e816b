/*
 * text.h: between our text and the firmware's: UTF-8, and UTF-16 of which a firmware may say
 * anything.
 */
#ifndef BATON_LOADER_TEXT_H
#define BATON_LOADER_TEXT_H

#include <library/utf8.h>

#include "firmware.h"

/* Writes UTF-8 as UTF-16, with its NUL. Returns of how many CHAR16 it is, at most one more than the
   text has bytes; 0: they are more than `room`. */
static inline size_t text_widen(const char *text, CHAR16 *wide, size_t room)
{
    size_t length = 0;

    while (length < room) {
        uint32_t code = *text ? utf8_take(&text) : 0;

        if (code >= 0x10000) { /* a surrogate pair (Unicode 15, 3.9) */
            wide[length++] = (CHAR16)(0xd7c0 + (code >> 10));
            if (length == room)
                return 0;
            code = 0xdc00 + (code & 0x3ff);
        }
        wide[length++] = (CHAR16)code;
        if (!code)
            return length;
    }
    return 0;
}

/* The same of a path: UEFI parts it by backslashes (UEFI 2.10, 13.5). */
static inline bool text_widen_path(const char *path, CHAR16 *wide, size_t room)
{
    size_t length = text_widen(path, wide, room);

    for (size_t i = 0; i < length; i++) {
        if (wide[i] == '/')
            wide[i] = '\\';
    }
    return length > 0;
}

/* For a person: '?' for what is not ASCII; cut at `room` bytes; "" for NULL. */
static inline void text_narrow(const CHAR16 *wide, char *text, size_t room)
{
    size_t length = 0;

    for (; wide && wide[length] && length + 1 < room; length++)
        text[length] = wide[length] < 0x7f ? (char)wide[length] : '?';
    text[length] = '\0';
}

#endif

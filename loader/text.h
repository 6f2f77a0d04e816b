/*
 * text.h: between our text and the firmware's: ASCII, and UTF-16 of which a firmware may say
 * anything.
 */
#ifndef BATON_LOADER_TEXT_H
#define BATON_LOADER_TEXT_H

#include "firmware.h"

/* Writes ASCII as UTF-16, with its NUL. False: it does not fit in `room` characters. */
static inline bool text_widen(const char *text, CHAR16 *wide, size_t room)
{
    for (size_t i = 0; i < room; i++) {
        wide[i] = (CHAR16)(unsigned char)text[i];
        if (!text[i])
            return true;
    }
    return false;
}

/* The same of a path: UEFI parts it by backslashes (UEFI 2.10, 13.5). */
static inline bool text_widen_path(const char *path, CHAR16 *wide, size_t room)
{
    bool fits = text_widen(path, wide, room);

    for (size_t i = 0; fits && wide[i]; i++) {
        if (wide[i] == '/')
            wide[i] = '\\';
    }
    return fits;
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

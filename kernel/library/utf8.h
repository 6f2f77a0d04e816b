/* utf8.h: characters as bytes (RFC 3629). */
#ifndef BATON_LIBRARY_UTF8_H
#define BATON_LIBRARY_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_MAXIMUM 4 /* bytes of a character */

/* Writes a character, below 0x110000, and returns of how many bytes it is. */
static inline size_t utf8_encode(uint32_t character, uint8_t bytes[UTF8_MAXIMUM])
{
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

    for (size_t i = length; i-- > 1; character >>= 6)
        bytes[i] = (uint8_t)(0x80 | (character & 0x3f));
    bytes[0] = (uint8_t)(first[length] | character);
    return length;
}

#endif

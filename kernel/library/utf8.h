/* utf8.h: characters as bytes (RFC 3629). */
#ifndef BATON_LIBRARY_UTF8_H
#define BATON_LIBRARY_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_MAXIMUM 4      /* bytes of a character */
#define UTF8_NONE    0xfffd /* stands for what is no character (Unicode 15, 3.9) */

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

static inline int utf8_continues(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

/* The next character of a string that has not ended, moved over. */
static inline uint32_t utf8_take(const char **text)
{
    uint8_t byte = (uint8_t) * (*text)++;
    int more = byte < 0x80             ? 0
               : (byte & 0xe0) == 0xc0 ? 1
               : (byte & 0xf0) == 0xe0 ? 2
               : (byte & 0xf8) == 0xf0 ? 3
                                       : 0;
    uint32_t code = more ? byte & (0x3fU >> more) : byte < 0x80 ? byte : UTF8_NONE;

    for (; more > 0; more--) {
        if (!utf8_continues(**text))
            return UTF8_NONE;
        code = code << 6 | ((uint8_t) * (*text)++ & 0x3fU);
    }
    return code < 0x110000 ? code : UTF8_NONE;
}

#endif

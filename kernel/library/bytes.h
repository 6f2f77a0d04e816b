/*
 * bytes.h: little-endian numbers at any address, as firmware tables and file
 * formats hold them. The caller has checked that the bytes are there.
 */
#ifndef BATON_LIBRARY_BYTES_H
#define BATON_LIBRARY_BYTES_H

#include <stdint.h>

static inline uint16_t load16(const void *bytes)
{
    uint16_t value;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return value;
}

static inline uint32_t load32(const void *bytes)
{
    uint32_t value;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return value;
}

static inline uint64_t load64(const void *bytes)
{
    uint64_t value;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return value;
}

#endif

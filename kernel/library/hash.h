/*
 * hash.h: hashes for tables in memory. Not for secrets; mix in a random seed
 * where a program could choose the keys.
 */
#ifndef BATON_LIBRARY_HASH_H
#define BATON_LIBRARY_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014): every input bit moves every output bit. */
static inline uint64_t hash_number(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    value ^= value >> 27;
    value *= UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* FNV-1a byte by byte (Fowler, Noll, Vo), for who looks at each byte anyway: begin, add them, and
   finish by hash_number(). */
static inline uint64_t hash_begin(uint64_t seed)
{
    return UINT64_C(0xcbf29ce484222325) ^ seed;
}
static inline uint64_t hash_add(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

/* The same over `size` bytes. */
static inline uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
    const uint8_t *byte = bytes;
    uint64_t hash = hash_begin(seed);

    for (size_t i = 0; i < size; i++)
        hash = hash_add(hash, byte[i]);
    return hash_number(hash);
}

#endif

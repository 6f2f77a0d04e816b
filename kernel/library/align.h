/*
 * align.h: rounding to powers of two. Pure; any context. Every alignment must
 * be a power of two; align_up of a value in the last alignment below 2^64
 * wraps, so check untrusted values with align_up_overflows first.
 */
#ifndef BATON_LIBRARY_ALIGN_H
#define BATON_LIBRARY_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

static inline bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

static inline bool align_up_overflows(uint64_t value, uint64_t alignment)
{
    return value > UINT64_MAX - (alignment - 1);
}

static inline bool is_aligned(uint64_t value, uint64_t alignment)
{
    return (value & (alignment - 1)) == 0;
}

#endif

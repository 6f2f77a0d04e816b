/*
 * bitmap.h: bits in an array of words. Not atomic: the caller holds the lock
 * of what the bitmap belongs to. Indexes are not checked.
 */
#ifndef BATON_LIBRARY_BITMAP_H
#define BATON_LIBRARY_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const uint64_t *words, size_t bit)
{
    return words[bit / 64] >> (bit % 64) & 1;
}

static inline void bitmap_set(uint64_t *words, size_t bit)
{
    words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static inline void bitmap_clear(uint64_t *words, size_t bit)
{
    words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

/* The first bit from `from` on, below bits, that is set; bits when none is. */
static inline size_t bitmap_next_set(const uint64_t *words, size_t bits, size_t from)
{
    while (from < bits) {
        uint64_t rest = words[from / 64] >> (from % 64);
        if (rest != 0) {
            from += (size_t)__builtin_ctzll(rest);
            return from < bits ? from : bits;
        }
        from = (from / 64 + 1) * 64;
    }
    return bits;
}

/* The same for a bit that is clear. */
static inline size_t bitmap_next_clear(const uint64_t *words, size_t bits, size_t from)
{
    while (from < bits) {
        uint64_t rest = ~words[from / 64] >> (from % 64);
        if (rest != 0) {
            from += (size_t)__builtin_ctzll(rest);
            return from < bits ? from : bits;
        }
        from = (from / 64 + 1) * 64;
    }
    return bits;
}

#endif

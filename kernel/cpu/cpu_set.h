/*
 * cpu_set.h: a set of processors, a bit each by number.
 *
 * Each call but those on a set of the caller's own is atomic for one processor,
 * not for the whole set: who needs more says so where it reads it. No lock; any
 * context.
 */
#ifndef BATON_CPU_CPU_SET_H
#define BATON_CPU_CPU_SET_H

#include "library/types.h"

#define CPU_MAXIMUM 256

struct cpu_set {
    uint64_t words[CPU_MAXIMUM / 64];
};

/* Words that can hold a processor of this machine: most have one. Constant once others run. */
extern unsigned cpu_set_words;
extern const struct cpu_set cpu_set_all;

static inline struct cpu_set cpu_set_of(unsigned number)
{
    struct cpu_set set = {0};

    set.words[number / 64] = 1UL << number % 64;
    return set;
}

static inline uint64_t cpu_set_word(const struct cpu_set *set, unsigned word)
{
    return __atomic_load_n(&set->words[word], __ATOMIC_RELAXED);
}

static inline bool cpu_set_has(const struct cpu_set *set, unsigned number)
{
    return cpu_set_word(set, number / 64) >> number % 64 & 1;
}

/* Word by word: a reader may see some of the old and some of the new. */
static inline void cpu_set_copy(struct cpu_set *to, const struct cpu_set *from)
{
    for (unsigned word = 0; word < CPU_MAXIMUM / 64; word++)
        __atomic_store_n(&to->words[word], cpu_set_word(from, word), __ATOMIC_RELAXED);
}

/* Whoever is in both. */
static inline struct cpu_set cpu_set_and(const struct cpu_set *one, const struct cpu_set *other)
{
    struct cpu_set both = {0};

    for (unsigned word = 0; word < cpu_set_words; word++)
        both.words[word] = cpu_set_word(one, word) & cpu_set_word(other, word);
    return both;
}

/* The first who is in both; CPU_MAXIMUM: nobody. */
static inline unsigned cpu_set_first_of_both(const struct cpu_set *one, const struct cpu_set *other)
{
    unsigned word = 0;

    do {
        uint64_t both = cpu_set_word(one, word) & cpu_set_word(other, word);
        if (both)
            return word * 64 + (unsigned)__builtin_ctzl(both);
    } while (++word < cpu_set_words);
    return CPU_MAXIMUM;
}

static inline bool cpu_set_is_empty(const struct cpu_set *set)
{
    uint64_t any = 0;

    for (unsigned word = 0; word < cpu_set_words; word++)
        any |= cpu_set_word(set, word);
    return !any;
}

/* Is this processor its only member? */
static inline bool cpu_set_is_only(const struct cpu_set *set, unsigned number)
{
    if (cpu_set_word(set, number / 64) != 1UL << number % 64)
        return false;
    if (cpu_set_words == 1)
        return true; /* said apart, for each page that exec takes out asks */
    for (unsigned word = 0; word < cpu_set_words; word++)
        if (word != number / 64 && cpu_set_word(set, word))
            return false;
    return true;
}

/* Its first member from this number on; CPU_MAXIMUM: none. */
static inline unsigned cpu_set_next(const struct cpu_set *set, unsigned from)
{
    for (unsigned word = from / 64; word < cpu_set_words; word++) {
        uint64_t left = cpu_set_word(set, word);
        if (word == from / 64)
            left &= UINT64_MAX << from % 64;
        if (left)
            return word * 64 + (unsigned)__builtin_ctzl(left);
    }
    return CPU_MAXIMUM;
}

#define CPU_SET_FOREACH(number, set)                                                               \
    for (unsigned number = cpu_set_next((set), 0); /* NOLINT(bugprone-macro-parentheses) */        \
         (number) < CPU_MAXIMUM; (number) = cpu_set_next((set), (number) + 1))

#endif

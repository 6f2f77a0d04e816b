/*
 * quota.h: how much of something there may be at most, counted exactly by whoever takes it and
 * gives it back. Any context.
 */
#ifndef BATON_MEMORY_QUOTA_H
#define BATON_MEMORY_QUOTA_H

#include "library/types.h"

struct quota {
    uint64_t limit; /* 0: none; atomic */
    uint64_t used;  /* atomic */
};

/* False: that would be more than the limit, and nothing is taken. */
static inline bool quota_take(struct quota *quota, uint64_t amount)
{
    uint64_t limit = __atomic_load_n(&quota->limit, __ATOMIC_RELAXED);
    uint64_t used = __atomic_load_n(&quota->used, __ATOMIC_RELAXED);

    do {
        if (limit && amount > (used < limit ? limit - used : 0))
            return false;
    } while (!__atomic_compare_exchange_n(&quota->used, &used, used + amount, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

static inline void quota_give(struct quota *quota, uint64_t amount)
{
    __atomic_fetch_sub(&quota->used, amount, __ATOMIC_RELAXED);
}

static inline uint64_t quota_left(const struct quota *quota)
{
    uint64_t limit = __atomic_load_n(&quota->limit, __ATOMIC_RELAXED);
    uint64_t used = __atomic_load_n(&quota->used, __ATOMIC_RELAXED);
    return used < limit ? limit - used : 0;
}

#endif

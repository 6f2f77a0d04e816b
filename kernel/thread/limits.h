/*
 * limits.h: the soft limits that bind the calling thread (getrlimit(2)), for every room that
 * enforces one. They are its process's and nobody else's: an address space or a table of
 * descriptors keeps no copy, so what was set holds from the next question on. A decision that needs
 * a limit more than once keeps the answer.
 */
#ifndef BATON_THREAD_LIMITS_H
#define BATON_THREAD_LIMITS_H

#include <linux/resource.h>

#include "thread/thread.h"

/* RLIM64_INFINITY: none, as in every kernel thread. Any context but interrupts. */
static inline uint64_t thread_limit(unsigned resource)
{
    return __atomic_load_n(&thread_current()->limits[resource].rlim_cur, __ATOMIC_RELAXED);
}

#endif

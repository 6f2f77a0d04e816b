/* limits.h: stands in for the kernel's on the host, where nothing is limited. */
#ifndef BATON_THREAD_LIMITS_H
#define BATON_THREAD_LIMITS_H

#include <linux/resource.h>

#include "library/types.h"

static inline uint64_t thread_limit(unsigned resource)
{
    (void)resource;
    return RLIM64_INFINITY;
}

#endif

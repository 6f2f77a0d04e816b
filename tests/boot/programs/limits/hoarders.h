/* hoarders.h: programs that take all they can get, in one process or in many. */
#ifndef BATON_TESTS_HOARDERS_H
#define BATON_TESTS_HOARDERS_H

#include <sys/resource.h>

#include "children.h"

static inline void raise_descriptor_limit(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static inline bool call_to_take(const void *take)
{
    (*(void (*const *)(void))take)();
    return true;
}

/*
 * Each child holds as many of what `take` gives as it can; until there are so many, or no more
 * come. `until_ended`: also until one is ended by the rule of memory, for then all memory was taken
 * once.
 */
static inline void in_children(void (*take)(void), int most, bool until_ended)
{
    while (most-- > 0)
        if (child_that_holds(call_to_take, &take) < 0 && (errno || until_ended))
            return;
}

/* What a thread does that only has to be there. */
static inline void *wait_forever(void *unused)
{
    pause();
    return unused;
}

#endif

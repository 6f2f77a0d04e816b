/* hoarders.h: programs that take all they can get, in one process or in many. */
#ifndef BATON_TESTS_HOARDERS_H
#define BATON_TESTS_HOARDERS_H

#include <sys/mman.h>
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

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)

/* Private memory, each page of it touched. */
static inline void take_memory(void)
{
    for (;;) {
        char *memory = mmap(NULL, 64 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return;
        for (size_t at = 0; at < 64 * PAGE; at += PAGE)
            memory[at] = 1;
    }
}

/* A page table for each page that is looked at. */
static inline void take_page_tables(void)
{
    const size_t step = 2UL << 20, size = 1UL << 40;
    char *memory = mmap(NULL, size, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    for (size_t at = 0; memory != MAP_FAILED && at < size; at += step)
        (void)*(volatile char *)(memory + at);
}

/* What a thread does that only has to be there. */
static inline void *wait_forever(void *unused)
{
    pause();
    return unused;
}

#endif

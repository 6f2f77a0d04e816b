/*
 * clock_page.h: how time comes from the time stamp counter. The kernel's clock
 * and the vDSO of programs read the same page by the same functions: so what
 * they say never differs, and never runs backwards from one to the other.
 *
 * The page needs no sequence counter: when programs run, all but wall_offset is
 * constant, and that is one atomic word.
 */
#ifndef BATON_CPU_CLOCK_PAGE_H
#define BATON_CPU_CLOCK_PAGE_H

#include <stdint.h>

struct clock_page {
    uint64_t tsc_base;    /* ticks at boot's zero */
    uint64_t multiplier;  /* ns per tick << 32; 0: not yet */
    uint64_t wall_offset; /* ns from boot's zero to 1970; atomic */
};

/* Ticks, not before what the program did before: RDTSC alone may be executed early, and then two
   CPUs could see time run backwards (Intel SDM volume 2, RDTSC). */
static inline uint64_t tsc_read_ordered(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t clock_page_duration(const struct clock_page *page, uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * page->multiplier >> 32);
}

/* Nanoseconds since boot. */
static inline uint64_t clock_page_now(const struct clock_page *page)
{
    return clock_page_duration(page, tsc_read_ordered() - page->tsc_base);
}

/* Nanoseconds since 1970-01-01 UTC. */
static inline uint64_t clock_page_wall(const struct clock_page *page)
{
    return clock_page_now(page) + __atomic_load_n(&page->wall_offset, __ATOMIC_RELAXED);
}

#endif

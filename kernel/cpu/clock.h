/*
 * clock.h: time since boot, the wall clock, and the one-shot timer of each CPU.
 */
#ifndef BATON_CPU_CLOCK_H
#define BATON_CPU_CLOCK_H

#include "library/types.h"

#define NANOSECONDS_PER_SECOND 1000000000ULL
#define CLOCK_NEVER            UINT64_MAX

/* Nanoseconds since boot: monotonic, on every CPU. Any context. */
uint64_t clock_now(void);
/* Nanoseconds since 1970-01-01 UTC. Any context. */
uint64_t clock_wall(void);
/* Sets the wall clock. */
void clock_wall_set(uint64_t nanoseconds);

#endif

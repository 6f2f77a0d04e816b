/*
 * machine.h: physical memory for the memory room's sources on the host, and
 * what they need of the rooms below.
 */
#ifndef BATON_TESTS_UNIT_MEMORY_MACHINE_H
#define BATON_TESTS_UNIT_MEMORY_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_MEMORY (64UL << 20)

/* Makes the memory and starts the allocator. */
void machine_start(void);

/* Tables of the kernel heap's area that were made and not released. */
unsigned machine_heap_tables(void);

/* The next allocations fail: number `first` from now on, once; 0: none. */
extern uint64_t machine_fail_at;
/* How many allocations failed so far. */
extern uint64_t machine_failures;
/* Allocations since the last machine_count_from_here(). */
extern uint64_t machine_allocations;
static inline void machine_count_from_here(uint64_t fail_at)
{
    machine_allocations = 0;
    machine_fail_at = fail_at;
}

#endif

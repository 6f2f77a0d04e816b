/*
 * start_cpu.h: what start_cpu.S reads. It is copied to a page below 1 MiB,
 * where every processor that is woken begins, several at once or long after.
 */
#ifndef BATON_CPU_START_CPU_H
#define BATON_CPU_START_CPU_H

#include "cpu/cpu.h"

/* The states of a ticket; each change is one compare-and-swap. */
enum start_ticket_state {
    TICKET_OFFERED, /* the processor may take it */
    TICKET_TAKEN,   /* by start_cpu.S: it runs on the ticket's stack from here on */
    TICKET_ONLINE,  /* it takes part */
    TICKET_GIVEN_UP /* by who waited: the processor stops for good wherever it finds this */
};

/* One processor's permission to start. Stack and cpu are never anybody else's. */
struct start_ticket {
    uint32_t apic_id; /* the processor finds its ticket by this */
    uint32_t state;   /* enum start_ticket_state; atomic */
    uint64_t stack;   /* upper end of its kernel stack */
    struct cpu *cpu;
};

/* At start_cpu_data, the end of the copied code. */
struct start_cpu_data {
    uint64_t root; /* below 4 GiB: shows the page at its own address, and the kernel half */
    void (*entry)(struct start_ticket *ticket);
    struct start_ticket *tickets;
    uint64_t ticket_count;
    uint64_t delay; /* ticks that each is held back before it takes its ticket; for tests */
};

/* From start_cpu_code to start_cpu_code_end: what is copied. */
extern const char start_cpu_code[], start_cpu_data[], start_cpu_code_end[];

_Static_assert(TICKET_OFFERED == 0 && TICKET_TAKEN == 1, "start_cpu.S knows them");
_Static_assert(__builtin_offsetof(struct start_ticket, apic_id) == 0, "start_cpu.S knows it");
_Static_assert(__builtin_offsetof(struct start_ticket, state) == 4, "start_cpu.S knows it");
_Static_assert(__builtin_offsetof(struct start_ticket, stack) == 8, "start_cpu.S knows it");
_Static_assert(sizeof(struct start_ticket) == 24, "start_cpu.S knows it");
_Static_assert(sizeof(struct start_cpu_data) == 40, "start_cpu.S knows it");

#endif

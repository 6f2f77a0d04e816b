/*
 * clock.h: time since boot, the wall clock, and the one-shot timer of each CPU.
 */
#ifndef BATON_CPU_CLOCK_H
#define BATON_CPU_CLOCK_H

#include "library/types.h"

#define NANOSECONDS_PER_SECOND 1000000000UL
#define CLOCK_NEVER            UINT64_MAX

/* Nanoseconds since boot: monotonic, on every CPU. Any context. */
uint64_t clock_now(void);
/* How many nanoseconds so many ticks of the time stamp counter are. Any context. */
uint64_t clock_duration(uint64_t ticks);
/* Nanoseconds since 1970-01-01 UTC. Any context. */
uint64_t clock_wall(void);
/*
 * For waits on a device, also before there is a clock: when the patience for so many nanoseconds
 * ends, in ticks of the time stamp counter. Until the clock is set these are taken for quick ones,
 * so that it is longer rather than shorter. Any context.
 */
uint64_t clock_patience(uint64_t nanoseconds);
bool clock_patience_over(uint64_t patience);
/* Sets the wall clock. */
void clock_wall_set(uint64_t nanoseconds);

/* ---- for start/ and the timer queue of thread/ ---- */

struct acpi_root;

/* Finds out how fast the counters run (calibration.h). Interrupts off, once at boot; before it
   clock_now() is 0. `map` maps device registers. */
void clock_initialize(const struct acpi_root *acpi, void *(*map)(paddr_t base, size_t size));
/* Ticks of the time stamp counter in a second. */
uint64_t clock_tsc_frequency(void);
/* From now on the clock is kept in `shown`, which programs may read (clock_page.h). Once, at boot,
   before other CPUs start; the page stays for good. */
struct clock_page;
void clock_move(struct clock_page *shown);

/* Calls `expired` on this CPU's timer interrupts, interrupts off. Set once, at boot. */
void clock_set_expired(void (*expired)(void));
/* Arms this CPU's timer for a time (ns since boot). One that is armed for an earlier time, though
   perhaps nobody waits for that any more, stays so: an interrupt now and then, after which this is
   called again, costs less than a device register at each switch. It may come early, never much too
   late. Interrupts off. */
void clock_arm(uint64_t deadline);

#endif

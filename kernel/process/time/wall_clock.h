/* wall_clock.h: who waits for a time of the wall clock, and has to look again when it is set. */
#ifndef BATON_PROCESS_TIME_WALL_CLOCK_H
#define BATON_PROCESS_TIME_WALL_CLOCK_H

#include <bsd/sys/queue.h>

#include "thread/timer.h"
#include "thread/wait_queue.h"

/* Sets the clock, and lets everyone look. Nanoseconds since 1970. Any context. */
void wall_clock_set(uint64_t nanoseconds);

/*
 * How often it was set. Whoever turns a time of the wall clock into one of clock_now() asks before
 * and after: when the two differ, the time is to be found out anew.
 */
uint64_t wall_clock_settings(void);

/* Woken when it was set. */
extern struct wait_queue wall_clock_sleepers;

/* A timer that is to fire at once when the clock was set, to look at it. */
struct wall_clock_watch {
    TAILQ_ENTRY(wall_clock_watch) link; /* wall_clock.c's lock, as the others */
    struct timer *timer;                /* NULL: is on no list */
    uint64_t told;                      /* of which setting it knows */
};
/* Begins to watch, if it does not yet. Any context; under the lock that guards the timer. */
void wall_clock_watch(struct wall_clock_watch *watch, struct timer *timer);
/* Ends it. From here on only who owns the timer arms it. */
void wall_clock_forget(struct wall_clock_watch *watch);

#endif

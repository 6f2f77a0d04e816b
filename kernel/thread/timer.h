/*
 * timer.h: a function called at a time. Any number of timers, kept in the
 * order of their deadlines on the CPU that armed them.
 */
#ifndef BATON_THREAD_TIMER_H
#define BATON_THREAD_TIMER_H

#include <bsd/sys/tree.h>

#include "cpu/spinlock.h"
#include "library/types.h"

struct timer {
    RB_ENTRY(timer) link;                 /* timer queue's lock */
    uint64_t deadline;                    /* ns since boot; timer queue's lock */
    uint32_t cpu;                         /* whose queue; timer queue's lock */
    bool armed;                           /* timer queue's lock */
    void (*expired)(struct timer *timer); /* called with interrupts off, no lock; may re-arm */
};

void timer_initialize(struct timer *timer, void (*expired)(struct timer *timer));
/* Arms it, also when it was armed already. Any context. */
void timer_arm(struct timer *timer, uint64_t deadline);
/*
 * Disarms it and waits until its function is not running on another CPU, so
 * that its memory may be freed. Not from its own function. True: it was armed.
 */
bool timer_cancel(struct timer *timer);

#endif

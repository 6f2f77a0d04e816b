/*
 * run_queue.h: the threads that could run on a CPU. For scheduler.c and the
 * debug views only.
 */
#ifndef BATON_THREAD_RUN_QUEUE_H
#define BATON_THREAD_RUN_QUEUE_H

#include "thread/thread.h"

TAILQ_HEAD(thread_queue, thread);

struct run_queue {
    /*
     * Taken with interrupts off, also by other CPUs' wakers; held across context_switch(),
     * so that nobody can take a thread that is still on its stack. Never two at
     * once.     */
    struct spinlock lock;
    struct thread_queue threads; /* runnable, not running; by priority, then in turn; lock */
    uint32_t length;             /* of `threads`; lock; atomic to read */
    struct thread *running;      /* lock */
    uint8_t running_priority;    /* of `running`; lock; atomic to read */
    bool yielding;               /* `running` gives its turn away; lock */
    uint64_t switches;           /* from one thread to another; lock */
    uint64_t user_time;          /* ns in user mode of all that ran here and left; lock */
    uint64_t real_time_since; /* when the period began in which real-time threads are limited … */
    uint64_t real_time_used;  /* … and the ns they have run in it; lock */
    bool previous_must_move;  /* its affinity excludes this CPU now; lock */
    struct thread *previous;  /* who was left by the switch under way; lock */
};

#endif

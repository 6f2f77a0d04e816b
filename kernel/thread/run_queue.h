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
    struct thread_queue threads;  /* runnable, not running; by priority, then in turn; lock */
    struct thread_queue favoured; /* before those of no priority: of users who have had little
                                     (share.h); lock */
    uint32_t length;              /* of both; lock; atomic to read */
    struct thread *running;       /* lock */
    uint64_t ordinary_ran;        /* when something else than favoured threads ran last; lock */
    uint8_t running_priority;     /* of `running`; lock; atomic to read */
    bool yielding;                /* `running` gives its turn away; lock */
    uint64_t switches;            /* from one thread to another; lock */
    uint64_t user_ticks;          /* in user mode of all that ran here and left; lock */
    uint64_t real_time_since; /* when the period began in which real-time threads are limited … */
    uint64_t real_time_used;  /* … and the ns they have run in it; lock */
    bool previous_must_move;  /* its affinity excludes this CPU now; lock */
    struct thread *previous;  /* who was left by the switch under way; lock */
};

/* Is the thread to go before others: of a user who has had little, and neither real-time nor meant
   to matter less? Any context. */
bool run_queue_favours(const struct thread *thread);

/* All with the queue's lock held; times are ns since boot. */

/* Behind those of its kind; of a thread with priority, or one that is not favoured: before its
   equals, if `first`. */
void run_queue_add(struct run_queue *queue, struct thread *thread, bool first);
void run_queue_remove(struct run_queue *queue, struct thread *thread);
/* Who is to run next; NULL: nobody waits. */
struct thread *run_queue_first(struct run_queue *queue, uint64_t now);
/* How long the thread may run now, ns. */
uint64_t run_queue_slice(const struct thread *thread, struct run_queue *queue, uint64_t now);
/* What is left of the turn of the thread that runs here, if it gives it up now, ns; 0: nothing. */
uint64_t run_queue_turn_left(const struct run_queue *queue, const struct thread *thread,
                             uint64_t now);
/* Does it stay before its equals? A thread whose turn was taken away before it was over does; a
   SCHED_FIFO thread's only ends when it says so (sched(7)). */
bool run_queue_keeps_turn(const struct run_queue *queue, const struct thread *thread, uint64_t now);

#endif

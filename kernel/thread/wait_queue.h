/*
 * wait_queue.h: the one way to sleep for an event.
 *
 *     error = wait_event(&pipe->readers, pipe->used > 0, THREAD_INTERRUPTIBLE, CLOCK_NEVER);
 *
 * with the condition checked without a lock held, or by hand:
 *
 *     struct wait_entry entry;
 *     wait_begin(&queue, &entry, THREAD_INTERRUPTIBLE);
 *     while (!condition) {                     (checked after wait_begin: no lost wake-up)
 *         unlock; error = thread_sleep(deadline); lock;
 *         if (error) break;
 *         wait_again(&entry);
 *     }
 *     wait_end(&entry);
 *
 * The waker changes the state first and then calls wait_queue_wake*().
 */
#ifndef BATON_THREAD_WAIT_QUEUE_H
#define BATON_THREAD_WAIT_QUEUE_H

#include "cpu/clock.h"
#include "thread/thread.h"

struct wait_queue;

struct wait_entry {
    struct wait_queue *queue;     /* where it stands; constant while it waits */
    TAILQ_ENTRY(wait_entry) link; /* queue's lock */
    /*
     * Called by the waker under the queue's lock, interrupts off. The default wakes `thread`.
     * poll gives its own. `events`: what happened. True: this counts as one woken.
     */
    bool (*notify)(struct wait_entry *entry, unsigned events);
    struct thread *thread;
    enum thread_state state;
    bool exclusive; /* wait_queue_wake() wakes one of these and no more; constant */
    bool taken;     /* off the queue: wait_queue_take_one(); queue's lock to write */
};

struct wait_queue {
    struct spinlock lock;                      /* taken with interrupts off */
    TAILQ_HEAD(wait_list, wait_entry) entries; /* lock */
};

static inline void wait_queue_initialize(struct wait_queue *queue)
{
    spinlock_initialize(&queue->lock, LOCK_WAIT_QUEUE);
    TAILQ_INIT(&queue->entries);
}

/* Puts the calling thread on the queue and announces its sleep. */
void wait_begin(struct wait_queue *queue, struct wait_entry *entry, enum thread_state state);
/* Announces another sleep after one that ended. */
void wait_again(struct wait_entry *entry);
/* Takes the thread off the queue; it is runnable. */
void wait_end(struct wait_entry *entry);

/* For poll: an entry with a notify of its own; nobody sleeps through it. */
void wait_queue_add(struct wait_queue *queue, struct wait_entry *entry);
void wait_queue_remove(struct wait_entry *entry);

/*
 * Wake all, of the exclusive ones the first that can be; all without exception, when nothing more
 * will come; the oldest that can be. Any context; with interrupts on they and other threads are let
 * in between pieces of a long queue, which has to last until the call returns: no spinlock is held.
 * Return how many were woken.
 */
int wait_queue_wake(struct wait_queue *queue);
/* The same, and says what happened (poll's bits; the others: anything), so that who watches for
   something else need not look. */
int wait_queue_wake_for(struct wait_queue *queue, unsigned events);
int wait_queue_wake_all(struct wait_queue *queue);
int wait_queue_wake_one(struct wait_queue *queue);
/* As wait_queue_wake_one() for a queue of threads; who was woken stands in it again only when it
   waits again. So the next call finds another at once, however many were woken and have not run. */
int wait_queue_take_one(struct wait_queue *queue);

/* Sleeps until the condition holds: 0; or -EINTR, -ETIMEDOUT. No spinlock held. */
#define wait_event(queue, condition, sleep_state, deadline)                                        \
    ({                                                                                             \
        int wait_error_ = 0;                                                                       \
        if (!(condition)) {                                                                        \
            struct wait_entry wait_entry_;                                                         \
            wait_begin((queue), &wait_entry_, (sleep_state));                                      \
            while (!(condition)) {                                                                 \
                wait_error_ = thread_sleep(deadline);                                              \
                wait_again(&wait_entry_);                                                          \
                if (wait_error_) {                                                                 \
                    if (condition)                                                                 \
                        wait_error_ = 0;                                                           \
                    break;                                                                         \
                }                                                                                  \
            }                                                                                      \
            wait_end(&wait_entry_);                                                                \
        }                                                                                          \
        wait_error_;                                                                               \
    })

#endif

/*
 * mutex.h: the sleeping lock. Its holder may sleep, touch user memory and
 * allocate. Taken and released by the same thread; not in interrupts.
 */
#ifndef BATON_THREAD_MUTEX_H
#define BATON_THREAD_MUTEX_H

#include "thread/wait_queue.h"

struct mutex {
    struct thread *owner; /* atomic; NULL: free */
    bool hand_over;       /* atomic; a waiter was outrun: the next release gives it to the oldest */
    struct wait_queue waiters;
};

void mutex_initialize(struct mutex *mutex);
void mutex_acquire(struct mutex *mutex);
/* -EINTR when a fatal signal came first. */
int mutex_acquire_killable(struct mutex *mutex);
bool mutex_try_acquire(struct mutex *mutex);
void mutex_release(struct mutex *mutex);
bool mutex_held(const struct mutex *mutex); /* by the calling thread */

#endif

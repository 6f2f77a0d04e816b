/*
 * mutex.h: the sleeping lock. Its holder may sleep, touch user memory and
 * allocate. Taken and released by the same thread; not in interrupts.
 */
#ifndef BATON_THREAD_MUTEX_H
#define BATON_THREAD_MUTEX_H

#include "cpu/panic.h"
#include "thread/mutex_order.h"
#include "thread/wait_queue.h"

struct mutex {
    struct thread *owner; /* atomic; NULL: free */
    bool hand_over;       /* atomic; a waiter was outrun: the next release gives it to the oldest */
    struct wait_queue waiters;
#ifdef DEBUG_CHECKS
    enum mutex_rank rank; /* constant */
#endif
};

static inline void mutex_initialize(struct mutex *mutex, enum mutex_rank rank)
{
#ifdef DEBUG_CHECKS
    mutex->rank = rank;
#else
    (void)rank;
#endif
    mutex->owner = NULL;
    mutex->hand_over = false;
    wait_queue_initialize(&mutex->waiters);
}

void mutex_acquire_waiting(struct mutex *mutex);
int mutex_acquire_waiting_killable(struct mutex *mutex);
void mutex_wake(struct mutex *mutex);
void mutex_release_to_waiter(struct mutex *mutex);

#ifdef DEBUG_CHECKS
/* The calling thread is about to take it, has taken it, is about to release it. */
void mutex_check_acquire(const struct mutex *mutex);
void mutex_check_acquired(const struct mutex *mutex);
void mutex_check_release(const struct mutex *mutex);
/* …uses what it guards. */
void mutex_check_held(const struct mutex *mutex);
/* Something is to be waited for that may never come: not with a lock that others want. */
void mutex_check_may_wait(void);
/* A program's memory is to be touched, which may lie with a server that never answers. */
void mutex_check_may_copy(void);
/* The calling thread holds none: before user mode, and at its end. */
void mutex_check_none_held(void);
#else
static inline void mutex_check_acquire(const struct mutex *mutex)
{
    (void)mutex;
}
static inline void mutex_check_acquired(const struct mutex *mutex)
{
    (void)mutex;
}
static inline void mutex_check_release(const struct mutex *mutex)
{
    (void)mutex;
}
static inline void mutex_check_held(const struct mutex *mutex)
{
    (void)mutex;
}
static inline void mutex_check_may_wait(void)
{
}
static inline void mutex_check_may_copy(void)
{
}
static inline void mutex_check_none_held(void)
{
}
#endif

/* By the calling thread? */
static inline bool mutex_held(const struct mutex *mutex)
{
    return __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == thread_current();
}

/* For the functions below and mutex.c: the owner alone; no check knows of it. */
static inline bool mutex_take_free(struct mutex *mutex)
{
    struct thread *nobody = NULL;
    return __atomic_compare_exchange_n(&mutex->owner, &nobody, thread_current(), false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Takes it if it is free, whatever else is held: nobody waits. */
static inline bool mutex_try_acquire(struct mutex *mutex)
{
    if (!mutex_take_free(mutex))
        return false;
    mutex_check_acquired(mutex);
    return true;
}

/* Inline is what happens when nobody else wants it: some dozens of times in a system call. */
static inline void mutex_acquire(struct mutex *mutex)
{
    mutex_check_acquire(mutex);
    if (!mutex_take_free(mutex))
        mutex_acquire_waiting(mutex);
    mutex_check_acquired(mutex);
}

/* The same where the holder may wait for a program: 0, or -EINTR, when a fatal signal came first.
 */
static inline int mutex_acquire_killable(struct mutex *mutex)
{
    mutex_check_acquire(mutex);
    if (!mutex_take_free(mutex)) {
        int error = mutex_acquire_waiting_killable(mutex);
        if (error)
            return error;
    }
    mutex_check_acquired(mutex);
    return 0;
}

static inline void mutex_release(struct mutex *mutex)
{
    mutex_check_release(mutex);
    if (__atomic_load_n(&mutex->hand_over, __ATOMIC_RELAXED)) {
        mutex_release_to_waiter(mutex);
        return;
    }
    __atomic_store_n(&mutex->owner, NULL, __ATOMIC_SEQ_CST);
    /* Who announced its sleep before it looked at `owner` is seen here (both are SEQ_CST). */
    if (!TAILQ_EMPTY(&mutex->waiters.entries))
        mutex_wake(mutex);
}

/*
 * Lets go of the mutex and sleeps until the queue is woken: what the mutex guards may have changed
 * since the caller looked, and no change of that is missed. Who goes on takes the mutex again and
 * looks once more. 0, or -EINTR.
 */
int mutex_release_and_wait(struct mutex *mutex, struct wait_queue *queue, enum thread_state state);

#endif

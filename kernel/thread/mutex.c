#include "thread/mutex.h"

#include "cpu/panic.h"

void mutex_initialize(struct mutex *mutex)
{
    mutex->owner = NULL;
    wait_queue_initialize(&mutex->waiters);
}

bool mutex_try_acquire(struct mutex *mutex)
{
    struct thread *nobody = NULL;

    return __atomic_compare_exchange_n(&mutex->owner, &nobody, thread_current(), false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static int acquire(struct mutex *mutex, enum thread_state state)
{
    debug_assert(!mutex_held(mutex));
    debug_assert(cpu_current()->spinlocks_held == 0);
    if (mutex_try_acquire(mutex))
        return 0;
    return wait_event(&mutex->waiters, mutex_try_acquire(mutex), state, CLOCK_NEVER);
}

void mutex_acquire(struct mutex *mutex)
{
    acquire(mutex, THREAD_UNINTERRUPTIBLE);
}

int mutex_acquire_killable(struct mutex *mutex)
{
    return acquire(mutex, THREAD_KILLABLE);
}

void mutex_release(struct mutex *mutex)
{
    debug_assert(mutex_held(mutex));
    __atomic_store_n(&mutex->owner, NULL, __ATOMIC_SEQ_CST);
    /* Who announced its sleep before it looked at `owner` is seen here (both are SEQ_CST). */
    if (!TAILQ_EMPTY(&mutex->waiters.entries))
        wait_queue_wake_one(&mutex->waiters);
}

bool mutex_held(const struct mutex *mutex)
{
    return __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == thread_current();
}

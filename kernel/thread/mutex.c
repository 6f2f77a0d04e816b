#include "thread/mutex.h"

/*
 * Who runs takes a free mutex before one who has to be woken for it: that is
 * fast, but a thread that takes it again and again would have it for ever. So
 * a waiter that was woken for nothing asks to be given it.
 */
static bool take(struct mutex *mutex, unsigned *tries)
{
    if (mutex_held(mutex) || mutex_take_free(mutex))
        return true;
    if (++*tries > 2) /* before queueing, queued, woken */
        __atomic_store_n(&mutex->hand_over, true, __ATOMIC_RELAXED);
    return false;
}

/*
 * While the owner runs on another CPU it will be done sooner than a sleep and a
 * wake-up take, and a queue of sleepers would be handed on from wake-up to
 * wake-up. The owner may have ended meanwhile: its memory is only looked at, as a
 * pointer that is compared.
 */
#define SPIN_LIMIT 2000

static bool spin(struct mutex *mutex)
{
    for (int i = 0; i < SPIN_LIMIT; i++) {
        struct thread *owner = __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED);
        if (!owner) {
            if (mutex_take_free(mutex))
                return true;
            continue;
        }
        if (!thread_is_running(owner))
            return false;
        cpu_relax();
    }
    return false;
}

void mutex_acquire_waiting(struct mutex *mutex)
{
    unsigned tries = 0;

    if (!spin(mutex))
        wait_event(&mutex->waiters, take(mutex, &tries), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
}

int mutex_acquire_waiting_killable(struct mutex *mutex)
{
    unsigned tries = 0;

    if (spin(mutex))
        return 0;
    int error = wait_event(&mutex->waiters, take(mutex, &tries), THREAD_KILLABLE, CLOCK_NEVER);
    if (!error || mutex_held(mutex)) /* it was handed over just before this thread left */
        return 0;
    /* The wake-up that this thread had may have been meant for who takes it. */
    if (!__atomic_load_n(&mutex->owner, __ATOMIC_SEQ_CST))
        mutex_wake(mutex);
    return error;
}

/* Gives it to the oldest waiter. False: there is none. */
static bool hand_over(struct mutex *mutex)
{
    bool enabled = spinlock_acquire_save(&mutex->waiters.lock);
    struct wait_entry *oldest = TAILQ_FIRST(&mutex->waiters.entries);
    if (oldest) {
        __atomic_store_n(&mutex->hand_over, false, __ATOMIC_RELAXED);
        __atomic_store_n(&mutex->owner, oldest->thread, __ATOMIC_RELEASE);
        thread_wake(oldest->thread);
    }
    spinlock_release_restore(&mutex->waiters.lock, enabled);
    return oldest != NULL;
}

void mutex_release_to_waiter(struct mutex *mutex)
{
    if (hand_over(mutex))
        return;
    __atomic_store_n(&mutex->owner, NULL, __ATOMIC_SEQ_CST);
    mutex_wake(mutex);
}

void mutex_wake(struct mutex *mutex)
{
    wait_queue_wake_one(&mutex->waiters);
}

int mutex_release_and_wait(struct mutex *mutex, struct wait_queue *queue, enum thread_state state)
{
    struct wait_entry entry;

    wait_begin(queue, &entry, state);
    mutex_release(mutex);
    int error = thread_sleep(CLOCK_NEVER);
    wait_end(&entry);
    return error;
}

#ifdef DEBUG_CHECKS

static bool may_nest(enum mutex_rank rank)
{
    return rank == MUTEX_EPOLL || rank == MUTEX_INODE || rank == MUTEX_ADDRESS_SPACE;
}

void mutex_check_acquire(const struct mutex *mutex)
{
    const struct thread *thread = thread_current();

    debug_assert(!mutex_held(mutex));
    debug_assert(cpu_current()->spinlocks_held == 0);
    for (enum mutex_rank held = mutex->rank + may_nest(mutex->rank); held < MUTEX_RANK_COUNT;
         held++)
        if (thread->mutexes_held[held])
            panic("a mutex of rank %d is taken under one of rank %d (mutex_order.h)", mutex->rank,
                  held);
}

void mutex_check_acquired(const struct mutex *mutex)
{
    thread_current()->mutexes_held[mutex->rank]++;
}

void mutex_check_release(const struct mutex *mutex)
{
    debug_assert(mutex_held(mutex));
    thread_current()->mutexes_held[mutex->rank]--;
}

void mutex_check_held(const struct mutex *mutex)
{
    if (!mutex_held(mutex))
        panic("what mutex %p guards is used by who does not hold it", (const void *)mutex);
}

void mutex_check_may_wait(void)
{
    static const enum mutex_rank others[] = {MUTEX_EPOLL_NESTING,
                                             MUTEX_EPOLL_WATCH,
                                             MUTEX_EPOLL,
                                             MUTEX_SOCKET_NAMES,
                                             MUTEX_SOCKET_CONNECTIONS,
                                             MUTEX_KERNEL_LOG,
                                             MUTEX_PIPE,
                                             MUTEX_SOCKET,
                                             MUTEX_SOCKET_RIGHTS,
                                             MUTEX_TERMINAL_OPEN,
                                             MUTEX_RECORD_LOCKS,
                                             MUTEX_LOOPS,
                                             MUTEX_DISKS,
                                             MUTEX_BLOCK_DEVICE,
                                             MUTEX_USB_TREE,
                                             MUTEX_USB_CONTROL,
                                             MUTEX_VARIABLES,
                                             MUTEX_FIRMWARE,
                                             MUTEX_RECORD};

    for (size_t i = 0; i < array_length(others); i++)
        if (thread_current()->mutexes_held[others[i]])
            panic("a program or a disk may be waited for with a mutex of rank %d (hasty_copy.h)",
                  others[i]);
}

void mutex_check_may_copy(void)
{
    const struct thread *self = thread_current();

    if (self->hasty.now)
        return;
    /* Those are waited for killably: a file system's own server may be asked under them. */
    if (self->mutexes_held[MUTEX_INODE] || self->mutexes_held[MUTEX_RENAME])
        panic("a program's memory is touched with a mutex of names or contents (hasty_copy.h)");
    mutex_check_may_wait();
}

void mutex_check_none_held(void)
{
    for (enum mutex_rank rank = 0; rank < MUTEX_RANK_COUNT; rank++)
        if (thread_current()->mutexes_held[rank])
            panic("a mutex of rank %d is held on the way to user mode or at the end of a thread",
                  rank);
}

#endif

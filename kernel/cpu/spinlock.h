/*
 * spinlock.h: the spinlock. It lives in the lowest room because the log, the
 * frames and the run queues need it; the sleeping mutex is in thread/.
 *
 * It is a plain test-and-set lock, not a fair one with tickets: with tickets the
 * next in line may be a virtual processor that the host is not running, and
 * everybody waits for it (measured: 4 CPUs on 2 host cores came to a crawl; Linux
 * does the same for the same reason, virt_spin_lock() in its x86 qspinlock.h).
 *
 * A spinlock guards a few instructions. Who holds one does not sleep, does not
 * touch user memory and does not wait for another CPU. Kernel code is never
 * preempted, so interrupts matter only where an interrupt handler takes the
 * same lock: such a lock is taken by its _save form everywhere.
 *
 * Debug builds check that nobody takes a lock twice or sleeps with one held
 * (cpu->spinlocks_held), nor two in the wrong order (lock_order.h), and, where a field is read or
 * written through GUARDED_BY(), that its lock is held.
 */
#ifndef BATON_CPU_SPINLOCK_H
#define BATON_CPU_SPINLOCK_H

#include "cpu/lock_order.h"
#include "cpu/registers.h"

struct spinlock {
    uint32_t held; /* 0 or 1; atomic */
#ifdef DEBUG_CHECKS
    void *holder;        /* the struct cpu that holds it, NULL if none */
    enum lock_rank rank; /* constant */
#endif
};

#define SPINLOCK_INITIALIZER                                                                       \
    {                                                                                              \
        0                                                                                          \
    }

#ifdef DEBUG_CHECKS
#define SPINLOCK_RANKED(lock_rank)                                                                 \
    {                                                                                              \
        .rank = (lock_rank)                                                                        \
    }
void spinlock_check_acquire(struct spinlock *lock);
void spinlock_check_acquired(struct spinlock *lock);
void spinlock_check_release(struct spinlock *lock);
void spinlock_check_held(const struct spinlock *lock, const char *field);
#else
#define SPINLOCK_RANKED(lock_rank) SPINLOCK_INITIALIZER
static inline void spinlock_check_acquire(struct spinlock *lock)
{
    (void)lock;
}
static inline void spinlock_check_acquired(struct spinlock *lock)
{
    (void)lock;
}
static inline void spinlock_check_release(struct spinlock *lock)
{
    (void)lock;
}
static inline void spinlock_check_held(const struct spinlock *lock, const char *field)
{
    (void)lock;
    (void)field;
}
#endif

/*
 * A field that this spinlock guards, to be read or written: it costs nothing, and a debug kernel
 * panics when this CPU does not hold the lock. Accessors next to a structure are written with it,
 * so that nobody reads by mistake under no lock what a decision rests on.
 */
#define GUARDED_BY(lock, field) (*(spinlock_check_held(lock, #field), &(field)))

/* A free lock with a place in the order of locks. */
static inline void spinlock_initialize(struct spinlock *lock, enum lock_rank rank)
{
    (void)rank;
    *lock = (struct spinlock)SPINLOCK_RANKED(rank);
}

static inline void spinlock_acquire(struct spinlock *lock)
{
    spinlock_check_acquire(lock);
    while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED))
            cpu_relax();
    spinlock_check_acquired(lock);
}

static inline void spinlock_release(struct spinlock *lock)
{
    spinlock_check_release(lock);
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

/* The same with interrupts off meanwhile; returns what _restore wants. */
static inline bool spinlock_acquire_save(struct spinlock *lock)
{
    bool enabled = interrupts_save();
    spinlock_acquire(lock);
    return enabled;
}

static inline void spinlock_release_restore(struct spinlock *lock, bool enabled)
{
    spinlock_release(lock);
    interrupts_restore(enabled);
}

#endif

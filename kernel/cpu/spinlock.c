#include "cpu/spinlock.h"

#ifdef DEBUG_CHECKS

#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/panic.h"

static bool may_nest(enum lock_rank rank)
{
    return rank == LOCK_PROCESS || rank == LOCK_WAIT_QUEUE;
}

static void check_order(enum lock_rank rank)
{
    const struct cpu *cpu = cpu_current();

    if (!rank || log_in_panic())
        return;
    for (enum lock_rank held = may_nest(rank) ? rank + 1 : rank; held < LOCK_RANK_COUNT; held++)
        if (cpu->ranks_held[held])
            panic("a spinlock of rank %d is taken under one of rank %d (lock_order.h)", rank, held);
}

void spinlock_check_acquire(struct spinlock *lock)
{
    if (__atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == cpu_current() && !log_in_panic())
        panic("spinlock %p is taken a second time", (void *)lock);
    check_order(lock->rank);
}

void spinlock_check_acquired(struct spinlock *lock)
{
    struct cpu *cpu = cpu_current();

    __atomic_store_n(&lock->holder, cpu, __ATOMIC_RELAXED);
    __atomic_fetch_add(&cpu->spinlocks_held, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&cpu->ranks_held[lock->rank], 1, __ATOMIC_RELAXED);
}

void spinlock_check_release(struct spinlock *lock)
{
    struct cpu *cpu = cpu_current();

    if (lock->holder != cpu && !log_in_panic())
        panic("spinlock %p is released by who does not hold it", (void *)lock);
    __atomic_store_n(&lock->holder, NULL, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&cpu->spinlocks_held, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&cpu->ranks_held[lock->rank], 1, __ATOMIC_RELAXED);
}

void spinlock_check_held(const struct spinlock *lock, const char *field)
{
    if (__atomic_load_n(&lock->holder, __ATOMIC_RELAXED) != cpu_current() && !log_in_panic())
        panic("%s is used by who does not hold its lock", field);
}

#endif

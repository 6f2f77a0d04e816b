#include "cpu/spinlock.h"

#ifdef DEBUG_CHECKS

#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/panic.h"

void spinlock_check_acquire(struct spinlock *lock)
{
    if (__atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == cpu_current() && !log_in_panic())
        panic("spinlock %p is taken a second time", (void *)lock);
}

void spinlock_check_acquired(struct spinlock *lock)
{
    struct cpu *cpu = cpu_current();

    __atomic_store_n(&lock->holder, cpu, __ATOMIC_RELAXED);
    __atomic_fetch_add(&cpu->spinlocks_held, 1, __ATOMIC_RELAXED);
}

void spinlock_check_release(struct spinlock *lock)
{
    struct cpu *cpu = cpu_current();

    if (lock->holder != cpu && !log_in_panic())
        panic("spinlock %p is released by who does not hold it", (void *)lock);
    __atomic_store_n(&lock->holder, NULL, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&cpu->spinlocks_held, 1, __ATOMIC_RELAXED);
}

#endif

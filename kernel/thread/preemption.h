/* preemption.h: where the kernel lets others run in the middle of long work. */
#ifndef BATON_THREAD_PREEMPTION_H
#define BATON_THREAD_PREEMPTION_H

#include "cpu/panic.h"
#include "thread/thread.h"

/*
 * A preemption point: lets others run when the slice is over. Where a thread may sleep; mutexes may
 * be held, also those of an address space in the middle of a walk over its tables. Every loop whose
 * length a user chooses has one, some ten thousand instructions apart:
 * tests/boot/programs/limits/latency.c. Inline, for it stands in the loops of fork and exec: four
 * instructions.
 */
static inline void thread_preemption_point(void)
{
    debug_assert(!cpu_current()->spinlocks_held);
    const struct thread *thread = thread_current();

    /* Who has announced a sleep has yet to look whether it is to be: it goes on. */
    if (__atomic_load_n(&thread->work, __ATOMIC_RELAXED) & THREAD_WORK_RESCHEDULE &&
        __atomic_load_n(&thread->state, __ATOMIC_RELAXED) == THREAD_RUNNABLE)
        thread_give_way();
}

#endif

/*
 * hasty_copy.h: copies under locks that others want. They must not wait for memory that lies
 * elsewhere, on a disk or with a FUSE server, which may never answer:
 *
 *     hasty_copy_begin();
 *     …locks are taken, bytes copied, locks released…
 *     if (hasty_copy_end() && !hasty_copy_wait())
 *         …once more, or on from there
 *
 * Or memory is copied before and after the lock is held. Debug kernels panic where a program's
 * memory is touched with such a lock and without this (mutex_check_may_copy()).
 *
 * In between copies to and from user memory end at such a place as at a bad address. In the context
 * of a user thread; not to be nested.
 */
#ifndef BATON_MEMORY_HASTY_COPY_H
#define BATON_MEMORY_HASTY_COPY_H

#include "memory/address_space.h"
#include "thread/thread.h"

/* May any of the program's memory lie elsewhere? If not there is no need for all this. */
static inline bool hasty_copy_needed(void)
{
    struct address_space *space = thread_current()->address_space;

    return space && __atomic_load_n(&space->has_elsewhere, __ATOMIC_RELAXED);
}

static inline void hasty_copy_begin(void)
{
    thread_current()->hasty.missed = 0;
    thread_current()->hasty.now = true;
}

/* Has a copy ended so? */
static inline bool hasty_copy_end(void)
{
    struct thread *self = thread_current();

    self->hasty.now = false;
    return self->hasty.missed;
}

/* The same in between. */
static inline bool hasty_copy_missed(void)
{
    return thread_current()->hasty.now && thread_current()->hasty.missed;
}

/* Waits for what was missed, as a touch would. 0; -EFAULT: it cannot be had, or a fatal signal
   came. No locks. */
int hasty_copy_wait(void);

#endif

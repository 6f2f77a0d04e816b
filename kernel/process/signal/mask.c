/* mask.c: which signals a thread blocks, for good or for one call. */
#include <asm/errno.h>

#include "memory/user_copy.h"
#include "process/process.h"
#include "process/signal/delivery.h"
#include "process/signal/signal.h"

void signal_update_work(struct user_thread *thread)
{
    struct process_signals *signals = &thread->thread.process->signals;
    signal_set deliverable =
        (thread->signals.pending.set | signals->pending.set) & ~thread->signals.blocked;

    if (deliverable || signals->notify_parent || signals->stop_signal)
        __atomic_fetch_or(&thread->thread.work, THREAD_WORK_SIGNAL, __ATOMIC_ACQ_REL);
    else
        __atomic_fetch_and(&thread->thread.work, ~(uint32_t)THREAD_WORK_SIGNAL, __ATOMIC_ACQ_REL);
}

void signal_mask_set(signal_set mask)
{
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;
    struct user_thread *other;

    mask &= ~SIGNALS_UNBLOCKABLE;
    bool enabled = spinlock_acquire_save(&process->lock);
    signal_set newly_blocked = mask & ~thread->signals.blocked & process->signals.pending.set;
    thread->signals.blocked = mask;
    /* Another thread may have to take what this one was chosen for. */
    if (newly_blocked) {
        TAILQ_FOREACH(other, &process->threads, process_link)
        {
            if (other != thread && !other->exiting && (newly_blocked & ~other->signals.blocked))
                thread_post_work(&other->thread, THREAD_WORK_SIGNAL);
        }
    }
    signal_update_work(thread);
    spinlock_release_restore(&process->lock, enabled);
}

int signal_set_user(signal_set *set, vaddr_t from, size_t size)
{
    if (size != sizeof(*set))
        return -EINVAL;
    if (user_get(set, from))
        return -EFAULT;
    *set &= ~SIGNALS_UNBLOCKABLE;
    return 0;
}

void signal_mask_set_for_call(signal_set mask)
{
    struct user_thread *thread = user_thread_current();

    thread->signals.saved = thread->signals.blocked;
    thread->signals.restore_saved = true;
    __atomic_fetch_or(&thread->thread.work, THREAD_WORK_ANSWER, __ATOMIC_RELAXED);
    signal_mask_set(mask);
}

int signal_mask_replace(vaddr_t set, size_t size)
{
    signal_set mask;

    if (!set)
        return 0;
    int error = signal_set_user(&mask, set, size);
    if (error)
        return error;
    signal_mask_set_for_call(mask);
    return 0;
}

void signal_mask_restore(bool interrupted)
{
    struct thread_signals *signals = &user_thread_current()->signals;

    if (interrupted || !signals->restore_saved)
        return;
    signals->restore_saved = false;
    signal_mask_set(signals->saved);
}

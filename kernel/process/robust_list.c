/*
 * robust_list.c: what becomes of the locks a thread held when it ended
 * (set_robust_list(2)): the C library keeps a list of them in user memory. The
 * list is the program's and may be anything: each step is checked, and the walk
 * ends after ROBUST_LIST_LIMIT.
 */
#include <asm/errno.h>
#include <linux/futex.h>

#include "memory/address_space.h"
#include "memory/user_copy.h"
#include "process/futex.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "process/trace_access.h"
#include "thread/preemption.h"

/* Marks one lock as dead if the thread holds it, and wakes a waiter. False: cannot be reached. */
static bool lock_abandon(struct user_thread *thread, vaddr_t word, bool priority, bool pending)
{
    uint32_t value;

    if (word % sizeof(value) || user_get(&value, word))
        return false;
    /*
     * It was about to unlock: the word is free, but whom it was to wake sleeps on
     * (Linux, handle_futex_death). A waiter too many is harmless.
     */
    if (pending && !priority && !(value & FUTEX_TID_MASK)) {
        futex_wake(word, 1, false);
        return true;
    }
    while ((value & FUTEX_TID_MASK) == thread->thread.id) {
        uint32_t seen = value;
        if (user_compare_exchange(word, &seen, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
            return false;
        if (seen != value) {
            value = seen;
            continue;
        }
        if (!priority && (value & FUTEX_WAITERS))
            futex_wake(word, 1, false);
        break;
    }
    return true;
}

/* Bit 0 of an entry's address says that it is a priority-inheriting lock. */
static bool entry_read(vaddr_t from, vaddr_t *entry, bool *priority)
{
    if (user_get(entry, from))
        return false;
    *priority = *entry & 1;
    *entry &= ~(vaddr_t)1;
    return true;
}

static void list_walk(struct user_thread *thread)
{
    vaddr_t head = thread->robust_list, entry, pending, next;
    bool priority, pending_priority, next_priority;
    int64_t offset;

    if (!entry_read(head + offsetof(struct robust_list_head, list), &entry, &priority) ||
        user_get(&offset, head + offsetof(struct robust_list_head, futex_offset)) ||
        !entry_read(head + offsetof(struct robust_list_head, list_op_pending), &pending,
                    &pending_priority))
        return;
    for (int count = 0; entry != head && count < ROBUST_LIST_LIMIT; count++) {
        /* The next one first: the lock's memory may be gone once it is marked. */
        bool more = entry_read(entry, &next, &next_priority);
        if (entry != pending && !lock_abandon(thread, entry + offset, priority, false))
            return;
        if (!more)
            break;
        entry = next;
        priority = next_priority;
        thread_preemption_point();
    }
    if (pending)
        lock_abandon(thread, pending + offset, pending_priority, true);
}

void futex_thread_exit(struct user_thread *thread, bool clear_tid)
{
    const uint32_t zero = 0;

    if (thread->robust_list)
        list_walk(thread);
    thread->robust_list = 0;
    /* If nobody else has this memory, nobody can wait there: no page need be copied for it. */
    uint32_t sharers = __atomic_load_n(&thread->thread.address_space->users, __ATOMIC_RELAXED);
    if (clear_tid && thread->clear_child_tid && sharers > 1) {
        if (user_put(thread->clear_child_tid, &zero) == 0)
            futex_wake(thread->clear_child_tid, 1, false);
    }
    thread->clear_child_tid = 0;
}

ssize_t sys_set_robust_list(vaddr_t head, size_t size)
{
    if (size != sizeof(struct robust_list_head))
        return -EINVAL;
    __atomic_store_n(&user_thread_current()->robust_list, head, __ATOMIC_RELAXED);
    return 0;
}

ssize_t sys_get_robust_list(int id, vaddr_t head, vaddr_t size)
{
    const size_t head_size = sizeof(struct robust_list_head);
    struct user_thread *thread = id ? user_thread_find(id) : user_thread_current();

    if (!thread)
        return -ESRCH;
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    bool allowed = trace_allowed(thread, TRACE_AS_USER);
    vaddr_t list = __atomic_load_n(&thread->robust_list, __ATOMIC_RELAXED);
    spinlock_release_restore(&process->lock, enabled);
    if (id)
        user_thread_release(thread);
    if (!allowed)
        return -EPERM;
    return user_put(size, &head_size) || user_put(head, &list) ? -EFAULT : 0;
}

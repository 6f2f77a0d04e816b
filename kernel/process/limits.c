#include "process/limits.h"

#include <asm/errno.h>
#include <linux/capability.h>

#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/identity.h"
#include "process/process.h"
#include "process/system_calls.h"

/* Linux lets kernel stacks of all threads take at most an eighth of memory, one user half that. */
#define THREADS_MINIMUM 20

static void set(struct rlimit64 limits[RLIM_NLIMITS], int resource, uint64_t soft, uint64_t hard)
{
    limits[resource] = (struct rlimit64){.rlim_cur = soft, .rlim_max = hard};
}

void limits_initialize(struct rlimit64 limits[RLIM_NLIMITS])
{
    struct frame_counts counts;

    frame_count(&counts);
    uint64_t threads = counts.total / (8 * KERNEL_STACK_SIZE / PAGE_SIZE) / 2;
    if (threads < THREADS_MINIMUM)
        threads = THREADS_MINIMUM;
    if (threads > IDENTITY_LIMIT / 2) /* of the numbers there are a user may take half, too */
        threads = IDENTITY_LIMIT / 2;
    for (int resource = 0; resource < RLIM_NLIMITS; resource++)
        set(limits, resource, RLIM64_INFINITY, RLIM64_INFINITY);
    set(limits, RLIMIT_STACK, 8 << 20, RLIM64_INFINITY);
    set(limits, RLIMIT_CORE, 0, RLIM64_INFINITY);
    set(limits, RLIMIT_NPROC, threads, threads);
    set(limits, RLIMIT_NOFILE, 1024, 4096);
    set(limits, RLIMIT_MEMLOCK, 8 << 20, 8 << 20);
    set(limits, RLIMIT_SIGPENDING, threads, threads);
    set(limits, RLIMIT_MSGQUEUE, 819200, 819200);
    set(limits, RLIMIT_NICE, 0, 0);
    set(limits, RLIMIT_RTPRIO, 0, 0);
}

/* prlimit(2): all six IDs must match, or CAP_SYS_RESOURCE. `thread`: of the process. Lock held. */
static bool may_change(const struct process *process, const struct user_thread *thread)
{
    const struct credentials *own = credentials_current();
    const struct credentials *other = user_thread_credentials(thread);

    if (process == process_current() || credentials_capable(own, CAP_SYS_RESOURCE))
        return true;
    return other && own->real_user == other->real_user && own->real_user == other->effective_user &&
           own->real_user == other->saved_user && own->real_group == other->real_group &&
           own->real_group == other->effective_group && own->real_group == other->saved_group;
}

/* Lock held; the process itself and rooms below read the soft limit without (thread_limit()). */
static int limit_replace(struct process *process, unsigned resource, const struct rlimit64 *fresh)
{
    struct rlimit64 *limit = &process_limits(process)[resource];

    if (fresh->rlim_max > limit->rlim_max &&
        !credentials_capable(credentials_current(), CAP_SYS_RESOURCE))
        return -EPERM;
    limit->rlim_max = fresh->rlim_max;
    __atomic_store_n(&limit->rlim_cur, fresh->rlim_cur, __ATOMIC_RELAXED);
    if (resource == RLIMIT_CPU && !process->zombie) {
        process->timers.limit_signal = 0;
        process_timers_watch_cpu(process);
    }
    return 0;
}

/* Asks, reads and replaces in one: whose process it is may change by an exec. */
static int limit_exchange(struct process *process, const struct user_thread *thread,
                          unsigned resource, const struct rlimit64 *fresh, struct rlimit64 *old)
{
    int error = 0;

    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    if (fresh && fresh->rlim_cur > fresh->rlim_max)
        return -EINVAL;
    if (fresh && resource == RLIMIT_NOFILE && fresh->rlim_max > DESCRIPTORS_MAXIMUM)
        return -EPERM; /* Linux: beyond fs.nr_open not even for the superuser */
    bool enabled = spinlock_acquire_save(&process->lock);
    if (!may_change(process, thread))
        error = -EPERM;
    else
        *old = process_limits(process)[resource];
    if (!error && fresh)
        error = limit_replace(process, resource, fresh);
    spinlock_release_restore(&process->lock, enabled);
    return error;
}

ssize_t sys_prlimit64(int id, unsigned resource, vaddr_t limit, vaddr_t old)
{
    struct rlimit64 fresh, before;

    if (limit && user_get(&fresh, limit))
        return -EFAULT;
    struct user_thread *thread = id < 0 ? NULL : user_thread_find_or_self(id);
    if (!thread)
        return -ESRCH;
    int error =
        limit_exchange(thread->thread.process, thread, resource, limit ? &fresh : NULL, &before);
    user_thread_release(thread);
    if (error)
        return error;
    return old ? user_put(old, &before) : 0;
}

/* The old structure of longs is the same as struct rlimit64 here. */
ssize_t sys_getrlimit(unsigned resource, vaddr_t limit)
{
    struct rlimit64 before;
    int error = limit_exchange(process_current(), user_thread_current(), resource, NULL, &before);

    return error ? error : user_put(limit, &before);
}

ssize_t sys_setrlimit(unsigned resource, vaddr_t limit)
{
    struct rlimit64 fresh, before;

    if (user_get(&fresh, limit))
        return -EFAULT;
    return limit_exchange(process_current(), user_thread_current(), resource, &fresh, &before);
}

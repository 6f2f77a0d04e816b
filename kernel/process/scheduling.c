/*
 * scheduling.c: sched(7) and nice(2). Threads share the CPUs by time slices,
 * with nice values, when none of real-time priority wants to run.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/time_types.h>

#include "file/credentials.h"
#include "library/string.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "process/time_values.h"

static bool capable(unsigned capability)
{
    return credentials_capable(credentials_current(), capability);
}

/* 0: the calling thread. With a reference in any case; NULL: there is none. */
static struct user_thread *thread_get(int id)
{
    if (id)
        return user_thread_find(id);
    user_thread_reference(user_thread_current());
    return user_thread_current();
}

/* Is the caller the other thread's user, or may it anyway (sched_setscheduler(2))? */
static bool may_change(struct user_thread *thread)
{
    const struct credentials *own = credentials_current();
    const struct credentials *other = user_thread_credentials_get(thread);
    bool allowed =
        capable(CAP_SYS_NICE) || (other && (own->effective_user == other->real_user ||
                                            own->effective_user == other->effective_user));

    credentials_release(other);
    return allowed;
}

ssize_t sys_sched_yield(void)
{
    thread_yield();
    return 0;
}

/* ---- CPUs ---- */

/* If it runs where it no longer may, it moves at the next switch. */
static void affinity_set(struct thread *thread, uint64_t mask)
{
    __atomic_store_n(&thread->affinity, mask, __ATOMIC_RELEASE);
    if (!(mask >> thread->cpu->number & 1))
        thread_post_work(thread, THREAD_WORK_RESCHEDULE);
}

ssize_t sys_sched_setaffinity(int id, unsigned size, vaddr_t from)
{
    uint64_t mask = 0;

    if (user_copy_in(&mask, from, size < sizeof(mask) ? size : sizeof(mask)))
        return -EFAULT;
    struct user_thread *thread = id < 0 ? NULL : thread_get(id);
    if (!thread)
        return -ESRCH;
    int error = may_change(thread) ? 0 : -EPERM;
    mask &= cpu_online_mask();
    if (!error && !mask)
        error = -EINVAL;
    if (!error)
        affinity_set(&thread->thread, mask);
    user_thread_release(thread);
    return error;
}

ssize_t sys_sched_getaffinity(int id, unsigned size, vaddr_t to)
{
    if (size < sizeof(uint64_t) || size % sizeof(uint64_t))
        return -EINVAL;
    struct user_thread *thread = id < 0 ? NULL : thread_get(id);
    if (!thread)
        return -ESRCH;
    uint64_t mask = __atomic_load_n(&thread->thread.affinity, __ATOMIC_RELAXED) & cpu_online_mask();
    user_thread_release(thread);
    return user_put(to, &mask) ? -EFAULT : (ssize_t)sizeof(mask);
}

ssize_t sys_getcpu(vaddr_t cpu, vaddr_t node)
{
    const uint32_t zero = 0;
    uint32_t number = thread_current()->cpu->number;

    if ((cpu && user_put(cpu, &number)) || (node && user_put(node, &zero)))
        return -EFAULT;
    return 0;
}

/* ---- policies ---- */

static bool is_real_time(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool priority_valid(int policy, int priority)
{
    return is_real_time(policy) ? priority >= 1 && priority <= 99 : priority == 0;
}

ssize_t sys_sched_get_priority_max(int policy)
{
    switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR:
        return 99;
    case SCHED_NORMAL:
    case SCHED_BATCH:
    case SCHED_IDLE:
    case SCHED_DEADLINE:
        return 0;
    default:
        return -EINVAL;
    }
}

ssize_t sys_sched_get_priority_min(int policy)
{
    ssize_t maximum = sys_sched_get_priority_max(policy);

    return maximum == 99 ? 1 : maximum;
}

static bool policy_known(int policy)
{
    return is_real_time(policy) || policy == SCHED_NORMAL || policy == SCHED_BATCH ||
           policy == SCHED_IDLE;
}

/* sched(7), "Privileges and resource limits". */
static bool policy_allowed(struct user_thread *thread, int policy, int priority)
{
    if (capable(CAP_SYS_NICE))
        return true;
    uint64_t limit = thread->thread.process->limits[RLIMIT_RTPRIO].rlim_cur;
    if (is_real_time(policy) && (limit == 0 || (uint64_t)priority > limit))
        return policy == thread->policy && priority <= thread->priority;
    return may_change(thread);
}

static ssize_t policy_set(int id, int policy, int priority)
{
    if (id < 0)
        return -EINVAL;
    struct user_thread *thread = thread_get(id);
    if (!thread)
        return -ESRCH;
    int error = 0;
    if (policy == -1)
        policy = thread->policy | (thread->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
    bool reset = policy & SCHED_RESET_ON_FORK;
    policy &= ~SCHED_RESET_ON_FORK;
    if (!policy_known(policy) || !priority_valid(policy, priority))
        error = -EINVAL;
    else if (!policy_allowed(thread, policy, priority))
        error = -EPERM;
    if (!error) {
        thread->policy = policy;
        thread->priority = priority;
        thread->reset_on_fork = reset;
        thread_set_priority(&thread->thread, is_real_time(policy) ? priority : 0,
                            policy == SCHED_RR);
    }
    user_thread_release(thread);
    return error;
}

ssize_t sys_sched_setscheduler(int id, int policy, vaddr_t parameters)
{
    int priority;

    if (policy < 0 || !parameters)
        return -EINVAL;
    if (user_get(&priority, parameters))
        return -EFAULT;
    return policy_set(id, policy, priority);
}

ssize_t sys_sched_setparam(int id, vaddr_t parameters)
{
    int priority;

    if (!parameters)
        return -EINVAL;
    if (user_get(&priority, parameters))
        return -EFAULT;
    return policy_set(id, -1, priority);
}

ssize_t sys_sched_getscheduler(int id)
{
    if (id < 0)
        return -EINVAL;
    struct user_thread *thread = thread_get(id);
    if (!thread)
        return -ESRCH;
    ssize_t policy = thread->policy | (thread->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
    user_thread_release(thread);
    return policy;
}

ssize_t sys_sched_getparam(int id, vaddr_t parameters)
{
    if (id < 0 || !parameters)
        return -EINVAL;
    struct user_thread *thread = thread_get(id);
    if (!thread)
        return -ESRCH;
    int priority = thread->priority;
    user_thread_release(thread);
    return user_put(parameters, &priority);
}

ssize_t sys_sched_rr_get_interval(int id, vaddr_t interval)
{
    if (id < 0)
        return -EINVAL;
    struct user_thread *thread = thread_get(id);
    if (!thread)
        return -ESRCH;
    uint64_t slice = thread->policy == SCHED_FIFO ? 0 : SLICE_ROUND_ROBIN_NS;
    user_thread_release(thread);
    return time_put_timespec(interval, slice);
}

static int nice_set(struct user_thread *thread, int nice);

ssize_t sys_sched_setattr(int id, vaddr_t from, unsigned flags)
{
    struct sched_attr attributes = {0};
    uint32_t size;

    if (!from || id < 0 || flags)
        return -EINVAL;
    if (user_get(&size, from))
        return -EFAULT;
    if (!size)
        size = SCHED_ATTR_SIZE_VER0;
    if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
        return -E2BIG;
    if (user_copy_in(&attributes, from, size < sizeof(attributes) ? size : sizeof(attributes)))
        return -EFAULT;
    ssize_t error = policy_set(
        id,
        attributes.sched_policy |
            (attributes.sched_flags & SCHED_FLAG_RESET_ON_FORK ? SCHED_RESET_ON_FORK : 0),
        attributes.sched_priority);
    if (!error && !is_real_time(attributes.sched_policy)) {
        struct user_thread *thread = thread_get(id);
        if (!thread)
            return -ESRCH;
        error = nice_set(thread, attributes.sched_nice);
        user_thread_release(thread);
    }
    return error;
}

ssize_t sys_sched_getattr(int id, vaddr_t to, unsigned size, unsigned flags)
{
    if (!to || id < 0 || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || flags)
        return -EINVAL;
    struct user_thread *thread = thread_get(id);
    if (!thread)
        return -ESRCH;
    struct sched_attr attributes = {
        .sched_policy = thread->policy,
        .sched_flags = thread->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
        .sched_nice = is_real_time(thread->policy) ? 0 : thread->thread.nice,
        .sched_priority = thread->priority,
    };
    user_thread_release(thread);
    attributes.size = size < sizeof(attributes) ? size : sizeof(attributes);
    return user_copy_out(to, &attributes, attributes.size);
}

/* ---- nice ---- */

/* A lower value than now wants CAP_SYS_NICE or RLIMIT_NICE (20 minus the value). */
static int nice_set(struct user_thread *thread, int nice)
{
    nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
    if (!may_change(thread))
        return -EPERM;
    uint64_t limit = thread->thread.process->limits[RLIMIT_NICE].rlim_cur;
    if (nice < thread->thread.nice && (uint64_t)(20 - nice) > limit && !capable(CAP_SYS_NICE))
        return -EACCES;
    __atomic_store_n(&thread->thread.nice, nice, __ATOMIC_RELAXED);
    return 0;
}

/* Does this process belong to whom getpriority(2) asks about? */
static bool process_matches(struct process *process, int which, uint32_t who)
{
    bool matches = false;

    if (which == PRIO_PGRP) {
        bool enabled = spinlock_acquire_save(&process_table_lock);
        matches = process->group && process->group->id == who;
        spinlock_release_restore(&process_table_lock, enabled);
        return matches;
    }
    struct user_thread *thread = process_thread_get(process);
    const struct credentials *credentials = thread ? user_thread_credentials_get(thread) : NULL;
    matches = credentials && credentials->real_user == who;
    credentials_release(credentials);
    if (thread)
        user_thread_release(thread);
    return matches;
}

static uint32_t who_default(int which)
{
    if (which == PRIO_USER)
        return credentials_current()->real_user;
    struct process_group *group = process_group_current();
    uint32_t id = group->id;
    process_group_release(group);
    return id;
}

/* Calls `visit` for each thread that is meant; -ESRCH: there is none. */
static int threads_visit(int which, int who,
                         int (*visit)(struct user_thread *thread, void *context), void *context)
{
    int result = -ESRCH;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    if (which == PRIO_PROCESS) {
        struct user_thread *thread = who < 0 ? NULL : thread_get(who);
        if (!thread)
            return -ESRCH;
        result = visit(thread, context);
        user_thread_release(thread);
        return result;
    }
    uint32_t wanted = who ? (uint32_t)who : who_default(which), id = 1;
    struct process *process;
    while ((process = process_next(&id))) {
        uint32_t thread_id = 0;
        struct user_thread *thread;
        bool matches = process_matches(process, which, wanted);
        while (matches && (thread = process_next_thread(process, &thread_id))) {
            int error = visit(thread, context);
            if (result == -ESRCH || error)
                result = error;
            user_thread_release(thread);
            thread_id++;
        }
        process_release(process);
        id++;
    }
    return result;
}

static int visit_get(struct user_thread *thread, void *context)
{
    int *lowest = context;

    if (thread->thread.nice < *lowest)
        *lowest = thread->thread.nice;
    return 0;
}

static int visit_set(struct user_thread *thread, void *context)
{
    return nice_set(thread, *(int *)context);
}

/* As 20 minus the nice value, so that errors can be told apart (getpriority(2)). */
ssize_t sys_getpriority(int which, int who)
{
    int lowest = 20;
    int error = threads_visit(which, who, visit_get, &lowest);

    return error ? error : 20 - lowest;
}

ssize_t sys_setpriority(int which, int who, int priority)
{
    return threads_visit(which, who, visit_set, &priority);
}

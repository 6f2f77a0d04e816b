/*
 * scheduling.c: sched(7) and nice(2). Threads share the CPUs by time slices,
 * with nice values, when none of real-time priority wants to run.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/time_types.h>

#include "file/credentials.h"
#include "library/string.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/scheduling.h"
#include "process/system_calls.h"
#include "process/time/time_values.h"
#include "thread/preemption.h"

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

/* Is the caller the other thread's user (sched_setscheduler(2))? Its process's lock held. */
static bool is_own(const struct user_thread *thread)
{
    const struct credentials *own = credentials_current();
    const struct credentials *other = user_thread_credentials(thread);

    return other && (own->effective_user == other->real_user ||
                     own->effective_user == other->effective_user);
}

/* …or may it anyway? The same lock held. */
static bool may_change(const struct user_thread *thread)
{
    return is_own(thread) || capable(CAP_SYS_NICE);
}

ssize_t sys_sched_yield(void)
{
    thread_yield();
    return 0;
}

/* ---- CPUs ---- */

/* If it runs where it no longer may, it moves at the next switch. */
static void affinity_set(struct thread *thread, const struct cpu_set *allowed)
{
    cpu_set_copy(&thread->affinity, allowed);
    if (!cpu_set_has(allowed, thread->cpu->number))
        thread_post_work(thread, THREAD_WORK_RESCHEDULE);
}

ssize_t sys_sched_setaffinity(int id, unsigned size, vaddr_t from)
{
    struct cpu_set wanted = {0};

    if (user_copy_in(&wanted, from, size < sizeof(wanted) ? size : sizeof(wanted)))
        return -EFAULT;
    struct user_thread *thread = id < 0 ? NULL : thread_get(id);
    if (!thread)
        return -ESRCH;
    struct process *process = thread->thread.process;
    struct cpu_set allowed = cpu_set_and(&wanted, &cpu_online);
    bool enabled = spinlock_acquire_save(&process->lock);
    int error = !may_change(thread) ? -EPERM : cpu_set_is_empty(&allowed) ? -EINVAL : 0;
    if (!error)
        affinity_set(&thread->thread, &allowed);
    spinlock_release_restore(&process->lock, enabled);
    user_thread_release(thread);
    return error;
}

ssize_t sys_sched_getaffinity(int id, unsigned size, vaddr_t to)
{
    size_t needed = cpu_set_words * sizeof(uint64_t);

    if (size < needed || size % sizeof(uint64_t))
        return -EINVAL;
    struct user_thread *thread = id < 0 ? NULL : thread_get(id);
    if (!thread)
        return -ESRCH;
    struct cpu_set allowed = cpu_set_and(&thread->thread.affinity, &cpu_online);
    user_thread_release(thread);
    return user_copy_out(to, &allowed, needed) ? -EFAULT : (ssize_t)needed;
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

#define POLICY_KEEP (-1)

/* What sched_setattr(2) and the calls before it ask for. */
struct scheduling {
    int policy, priority, nice;
    uint64_t flags; /* SCHED_FLAG_* */
    uint64_t runtime, deadline, period;
    bool keep_nice; /* the nice value stays, whatever `nice` says */
};

/* What stays as it is. The process's lock held. */
static void scheduling_complete(struct scheduling *wanted, const struct user_thread *thread)
{
    if (wanted->flags & SCHED_FLAG_KEEP_PARAMS && is_real_time(thread->policy))
        wanted->priority = thread->priority;
    if (wanted->keep_nice ||
        (wanted->flags & SCHED_FLAG_KEEP_PARAMS && !is_real_time(thread->policy)))
        wanted->nice = thread->thread.nice;
    if (wanted->policy == POLICY_KEEP) {
        wanted->policy = thread->policy;
        if (thread->reset_on_fork)
            wanted->flags |= SCHED_FLAG_RESET_ON_FORK;
        else
            wanted->flags &= ~(uint64_t)SCHED_FLAG_RESET_ON_FORK;
    }
}

/* sched(7), "Deadline scheduling": runtime <= deadline <= period, within Linux's bounds. */
static bool deadline_valid(const struct scheduling *wanted)
{
    uint64_t period = wanted->period ? wanted->period : wanted->deadline;

    return wanted->runtime >= 1024 && wanted->runtime <= wanted->deadline &&
           wanted->deadline <= period && period >= 100000 && period <= 4194304000;
}

static bool scheduling_valid(const struct scheduling *wanted)
{
    switch (wanted->policy) {
    case SCHED_NORMAL:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return wanted->priority == 0;
    case SCHED_FIFO:
    case SCHED_RR:
        return wanted->priority >= 1 && wanted->priority <= 99;
    case SCHED_DEADLINE:
        return wanted->priority == 0 && deadline_valid(wanted);
    default:
        return false;
    }
}

/* May it be as nice as that without a privilege? RLIMIT_NICE is 20 minus the value. */
static bool nice_within_limit(const struct user_thread *thread, int nice)
{
    return (uint64_t)(20 - nice) <= process_limits(thread->thread.process)[RLIMIT_NICE].rlim_cur;
}

/* sched(7), "Privileges and resource limits": what anyone may ask for, of a thread of its own. The
   process's lock held. */
static bool scheduling_unprivileged(const struct scheduling *wanted,
                                    const struct user_thread *thread)
{
    uint64_t limit = process_limits(thread->thread.process)[RLIMIT_RTPRIO].rlim_cur;
    int policy = wanted->policy;

    if (policy == SCHED_DEADLINE)
        return false;
    if (is_real_time(policy) && policy != thread->policy && !limit)
        return false;
    if (is_real_time(policy) && wanted->priority > thread->priority &&
        (uint64_t)wanted->priority > limit)
        return false;
    if ((policy == SCHED_NORMAL || policy == SCHED_BATCH) && wanted->nice < thread->thread.nice &&
        !nice_within_limit(thread, wanted->nice))
        return false;
    if (thread->policy == SCHED_IDLE && policy != SCHED_IDLE &&
        !nice_within_limit(thread, thread->thread.nice))
        return false;
    if (thread->reset_on_fork && !(wanted->flags & SCHED_FLAG_RESET_ON_FORK))
        return false;
    return is_own(thread);
}

/* The process's lock held. */
static int scheduling_check(const struct scheduling *wanted, const struct user_thread *thread)
{
    if (wanted->flags & ~(uint64_t)SCHED_FLAG_ALL || !scheduling_valid(wanted))
        return -EINVAL;
    if (!scheduling_unprivileged(wanted, thread) && !capable(CAP_SYS_NICE))
        return -EPERM;
    if (wanted->flags & SCHED_FLAG_UTIL_CLAMP)
        return -EOPNOTSUPP; /* as Linux without CONFIG_UCLAMP_TASK */
    /* No CPU has time to promise: what admission control says when all is taken. */
    return wanted->policy == SCHED_DEADLINE ? -EBUSY : 0;
}

/* The process's lock held. */
static void scheduling_commit(const struct scheduling *wanted, struct user_thread *thread)
{
    thread->reset_on_fork = wanted->flags & SCHED_FLAG_RESET_ON_FORK;
    if (wanted->flags & SCHED_FLAG_KEEP_PARAMS)
        return; /* on Linux the policy is one of these */
    thread->policy = wanted->policy;
    thread->priority = wanted->priority;
    if (!is_real_time(wanted->policy))
        __atomic_store_n(&thread->thread.nice, wanted->nice, __ATOMIC_RELAXED);
    thread_set_priority(&thread->thread, (uint8_t)wanted->priority, wanted->policy == SCHED_RR);
}

/* What may be decided and what is done are of one moment: nobody else changes it between. */
static int scheduling_set(int id, struct scheduling *wanted)
{
    struct user_thread *thread = thread_get(id);
    if (!thread)
        return -ESRCH;
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    scheduling_complete(wanted, thread);
    int error = scheduling_check(wanted, thread);
    if (!error)
        scheduling_commit(wanted, thread);
    spinlock_release_restore(&process->lock, enabled);
    user_thread_release(thread);
    return error;
}

void scheduling_inherit(struct user_thread *child, const struct user_thread *maker)
{
    bool reset = maker->reset_on_fork, real_time = is_real_time(maker->policy);

    child->io_priority = __atomic_load_n(&maker->io_priority, __ATOMIC_RELAXED);
    child->thread.nice = reset && (real_time || maker->thread.nice < 0) ? 0 : maker->thread.nice;
    if (reset && real_time)
        return; /* SCHED_OTHER, which is 0 */
    child->policy = maker->policy;
    child->priority = maker->priority;
    child->thread.priority = maker->thread.priority;
    child->thread.round_robin = maker->thread.round_robin;
}

/* sched_setscheduler(2) and sched_setparam(2), which leave the nice value alone. */
static ssize_t policy_set(int id, int policy, vaddr_t parameters)
{
    struct scheduling wanted = {.policy = policy, .keep_nice = true};

    if (id < 0 || !parameters)
        return -EINVAL;
    if (user_get(&wanted.priority, parameters))
        return -EFAULT;
    if (policy != POLICY_KEEP && policy & SCHED_RESET_ON_FORK) {
        wanted.policy &= ~SCHED_RESET_ON_FORK;
        wanted.flags = SCHED_FLAG_RESET_ON_FORK;
    }
    return scheduling_set(id, &wanted);
}

ssize_t sys_sched_setscheduler(int id, int policy, vaddr_t parameters)
{
    return policy < 0 ? -EINVAL : policy_set(id, policy, parameters);
}

ssize_t sys_sched_setparam(int id, vaddr_t parameters)
{
    return policy_set(id, POLICY_KEEP, parameters);
}

/* What it has at one moment: policy and priority belong together. */
static int scheduling_get(int id, struct scheduling *present)
{
    struct user_thread *thread = thread_get(id);
    if (!thread)
        return -ESRCH;
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    *present = (struct scheduling){
        .policy = thread->policy,
        .priority = thread->priority,
        .nice = thread->thread.nice,
        .flags = thread->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
    };
    spinlock_release_restore(&process->lock, enabled);
    user_thread_release(thread);
    return 0;
}

ssize_t sys_sched_getscheduler(int id)
{
    struct scheduling present;

    int error = id < 0 ? -EINVAL : scheduling_get(id, &present);
    if (error)
        return error;
    return present.policy | (present.flags ? SCHED_RESET_ON_FORK : 0);
}

ssize_t sys_sched_getparam(int id, vaddr_t parameters)
{
    struct scheduling present;

    int error = id < 0 || !parameters ? -EINVAL : scheduling_get(id, &present);
    return error ? error : user_put(parameters, &present.priority);
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

static int nice_clamp(int nice)
{
    return nice < -20 ? -20 : nice > 19 ? 19 : nice;
}

/* 0, -EFAULT, or -E2BIG, of which the program learns how large the structure is here. */
static int attributes_copy(struct sched_attr *attributes, vaddr_t from)
{
    const uint32_t own = sizeof(*attributes);
    uint32_t size;

    if (user_get(&size, from))
        return -EFAULT;
    if (!size)
        size = SCHED_ATTR_SIZE_VER0;
    int error = user_copy_struct(attributes, own, SCHED_ATTR_SIZE_VER0, from, size);
    if (error == -EINVAL)
        error = -E2BIG;
    if (error == -E2BIG)
        user_put(from + __builtin_offsetof(struct sched_attr, size), &own);
    if (!error && attributes->sched_flags & SCHED_FLAG_UTIL_CLAMP && size < SCHED_ATTR_SIZE_VER1)
        error = -EINVAL;
    return error;
}

ssize_t sys_sched_setattr(int id, vaddr_t from, unsigned flags)
{
    struct sched_attr attributes;

    if (!from || id < 0 || flags)
        return -EINVAL;
    int error = attributes_copy(&attributes, from);
    if (error)
        return error;
    if (attributes.sched_policy > INT32_MAX || attributes.sched_priority > INT32_MAX)
        return -EINVAL;
    struct scheduling wanted = {
        .policy = attributes.sched_flags & SCHED_FLAG_KEEP_POLICY ? POLICY_KEEP
                                                                  : (int)attributes.sched_policy,
        .priority = (int)attributes.sched_priority,
        .nice = nice_clamp(attributes.sched_nice),
        .flags = attributes.sched_flags,
        .runtime = attributes.sched_runtime,
        .deadline = attributes.sched_deadline,
        .period = attributes.sched_period,
    };
    return scheduling_set(id, &wanted);
}

ssize_t sys_sched_getattr(int id, vaddr_t to, unsigned size, unsigned flags)
{
    if (!to || id < 0 || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || flags)
        return -EINVAL;
    struct scheduling present;
    int error = scheduling_get(id, &present);
    if (error)
        return error;
    struct sched_attr attributes = {
        .sched_policy = (uint32_t)present.policy,
        .sched_flags = present.flags,
        .sched_nice = is_real_time(present.policy) ? 0 : present.nice,
        .sched_priority = (uint32_t)present.priority,
    };
    attributes.size = size < sizeof(attributes) ? size : sizeof(attributes);
    return user_copy_out(to, &attributes, attributes.size);
}

/* ---- nice ---- */

/* A lower value than now wants CAP_SYS_NICE or RLIMIT_NICE. */
static int nice_set(struct user_thread *thread, int nice)
{
    struct process *process = thread->thread.process;
    int error = 0;

    nice = nice_clamp(nice);
    bool enabled = spinlock_acquire_save(&process->lock);
    if (!may_change(thread))
        error = -EPERM;
    else if (nice < thread->thread.nice && !nice_within_limit(thread, nice) &&
             !capable(CAP_SYS_NICE))
        error = -EACCES;
    else
        __atomic_store_n(&thread->thread.nice, nice, __ATOMIC_RELAXED);
    spinlock_release_restore(&process->lock, enabled);
    return error;
}

/* Does this process belong to whom getpriority(2) asks about? */
static bool process_matches(struct process *process, int which, uint32_t who)
{
    bool matches = false;

    if (which == PRIO_PGRP) {
        bool enabled = spinlock_acquire_save(&process_table_lock);
        matches = process_group_of(process) && process_group_of(process)->id == who;
        spinlock_release_restore(&process_table_lock, enabled);
        return matches;
    }
    struct user_thread *thread = user_thread_find(process->id);
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

/* Calls `visit` for the threads of a process, the first one also when it has ended. -ESRCH: there
   is none; else what was wrong with one of them. */
static int process_visit(struct process *process,
                         int (*visit)(struct user_thread *thread, void *context), void *context)
{
    struct user_thread *thread = user_thread_find(process->id);
    struct list_place place = {0};
    int result = thread ? visit(thread, context) : -ESRCH;

    if (thread)
        user_thread_release(thread);
    while ((thread = process_next_thread(process, &place))) {
        int error = place.id == process->id ? 0 : visit(thread, context);
        if (result == -ESRCH || error)
            result = error;
        user_thread_release(thread);
        thread_preemption_point();
    }
    return result;
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
        if (process_matches(process, which, wanted)) {
            int error = process_visit(process, visit, context);
            if (result == -ESRCH || error)
                result = error;
        }
        process_release(process);
        id++;
        thread_preemption_point();
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

/* ---- ioprio_get(2), ioprio_set(2): kept only to be told, as disks are served in turn ---- */

static int io_priority_check(int priority)
{
    unsigned data = (unsigned)priority & IOPRIO_PRIO_MASK;

    switch (IOPRIO_PRIO_CLASS((unsigned)priority)) {
    case IOPRIO_CLASS_RT:
        return capable(CAP_SYS_ADMIN) || capable(CAP_SYS_NICE) ? 0 : -EPERM;
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE:
        return 0;
    case IOPRIO_CLASS_NONE:
        return data ? -EINVAL : 0;
    default:
        return -EINVAL;
    }
}

static int visit_set_io(struct user_thread *thread, void *context)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    bool may = may_change(thread);

    if (may)
        __atomic_store_n(&thread->io_priority, (uint16_t) * (int *)context, __ATOMIC_RELAXED);
    spinlock_release_restore(&process->lock, enabled);
    return may ? 0 : -EPERM;
}

/* Who has none has that of how it is scheduled. */
static int io_priority_of(const struct user_thread *thread)
{
    int priority = __atomic_load_n(&thread->io_priority, __ATOMIC_RELAXED);
    int policy = __atomic_load_n(&thread->policy, __ATOMIC_RELAXED);
    int level = (__atomic_load_n(&thread->thread.nice, __ATOMIC_RELAXED) + 20) / 5;

    if (IOPRIO_PRIO_CLASS(priority) != IOPRIO_CLASS_NONE)
        return priority;
    return IOPRIO_PRIO_VALUE(is_real_time(policy)   ? IOPRIO_CLASS_RT
                             : policy == SCHED_IDLE ? IOPRIO_CLASS_IDLE
                                                    : IOPRIO_CLASS_BE,
                             level);
}

/* The best one of all is told. */
static int visit_get_io(struct user_thread *thread, void *context)
{
    int priority = io_priority_of(thread), *best = context;

    if (*best < 0 || priority < *best)
        *best = priority;
    return 0;
}

/* IOPRIO_WHO_* as PRIO_*: the same from 1 on. */
static int io_which(int which)
{
    return (int)((unsigned)which - IOPRIO_WHO_PROCESS);
}

ssize_t sys_ioprio_set(int which, int who, int priority)
{
    int error = io_priority_check(priority);

    return error ? error : threads_visit(io_which(which), who, visit_set_io, &priority);
}

ssize_t sys_ioprio_get(int which, int who)
{
    int best = -1;
    int error = threads_visit(io_which(which), who, visit_get_io, &best);

    return error ? error : best;
}

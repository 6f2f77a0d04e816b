/* time.c: what time it is on each clock, sleeping, and what has been used. */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/time.h>
#include <linux/times.h>

#include "file/credentials.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "process/time/clocks.h"
#include "process/time/usage.h"
#include "process/time/wall_clock.h"
#include "thread/preemption.h"
#include "thread/restart.h"

/* What times(2) and si_utime count in: 100 a second on x86-64. */
#define CLOCK_TICK (NANOSECONDS_PER_SECOND / 100)

/* ---- forms ---- */

int time_from_timespec(uint64_t *nanoseconds, const struct __kernel_timespec *value)
{
    if (value->tv_sec < 0 || (uint64_t)value->tv_nsec >= NANOSECONDS_PER_SECOND)
        return -EINVAL;
    if ((uint64_t)value->tv_sec >= TIME_MAXIMUM / NANOSECONDS_PER_SECOND)
        *nanoseconds = TIME_MAXIMUM;
    else
        *nanoseconds = value->tv_sec * NANOSECONDS_PER_SECOND + value->tv_nsec;
    return 0;
}

int time_interval_user(uint64_t *nanoseconds, vaddr_t from)
{
    struct __kernel_timespec value;

    if (user_get(&value, from))
        return -EFAULT;
    return time_from_timespec(nanoseconds, &value);
}

int time_interval_timeval(uint64_t *nanoseconds, const struct __kernel_old_timeval *value)
{
    struct __kernel_timespec precise = {value->tv_sec, value->tv_usec * 1000};

    if (value->tv_usec < 0 || value->tv_usec >= 1000000)
        return -EINVAL;
    return time_from_timespec(nanoseconds, &precise);
}

int time_put_timespec(vaddr_t to, uint64_t nanoseconds)
{
    struct __kernel_timespec value = time_to_timespec(nanoseconds);

    return user_put(to, &value);
}

int time_put_timeval(vaddr_t to, uint64_t nanoseconds)
{
    struct __kernel_old_timeval value = time_to_timeval(nanoseconds);

    return user_put(to, &value);
}

/* ---- used time ---- */

/* Elsewhere it may be switched out just now: then what follows is a little off, once. */
static bool is_on_cpu(const struct thread *thread)
{
    const struct cpu *cpu = __atomic_load_n(&thread->cpu, __ATOMIC_RELAXED);

    return cpu && __atomic_load_n(&cpu->current, __ATOMIC_RELAXED) == thread;
}

uint64_t thread_runtime(const struct thread *thread)
{
    uint64_t runtime = __atomic_load_n(&thread->runtime, __ATOMIC_RELAXED);

    if (is_on_cpu(thread)) {
        uint64_t since = __atomic_load_n(&thread->switched_in, __ATOMIC_RELAXED);
        uint64_t now = clock_now();
        runtime += now > since ? now - since : 0;
    }
    return runtime;
}

static void usage_add_thread(struct resource_usage *usage, const struct user_thread *thread)
{
    uint64_t runtime = thread_runtime(&thread->thread);
    uint64_t user_ticks = __atomic_load_n(&thread->thread.user_ticks, __ATOMIC_RELAXED);
    uint64_t since = __atomic_load_n(&thread->thread.user_since, __ATOMIC_RELAXED);
    uint64_t now = tsc_read();

    if (since && since < now && is_on_cpu(&thread->thread))
        user_ticks += now - since;
    uint64_t user_time = clock_duration(user_ticks);
    user_time = user_time < runtime ? user_time : runtime;
    usage->user_time += user_time;
    usage->system_time += runtime - user_time;
    usage->minor_faults += thread->minor_faults;
    usage->major_faults += thread->major_faults;
    usage->voluntary_switches += thread->thread.voluntary_switches;
    usage->involuntary_switches += thread->thread.involuntary_switches;
}

void usage_of_thread(struct resource_usage *usage, const struct user_thread *thread)
{
    memset(usage, 0, sizeof(*usage));
    usage_add_thread(usage, thread);
    if (thread->thread.address_space && thread == user_thread_current())
        usage->maximum_resident = address_space_most_resident(thread->thread.address_space);
}

/* Adds those of so many threads from this one on; returns the next one. Lock held. */
static struct user_thread *usage_add_threads(struct resource_usage *usage,
                                             struct user_thread *thread, unsigned count)
{
    for (; thread && count; count--, thread = TAILQ_NEXT(thread, process_link)) {
        usage_add_thread(usage, thread);
        const struct address_space *space = thread->thread.address_space;
        uint64_t most = space ? address_space_most_resident(space) : 0;
        if (usage->maximum_resident < most)
            usage->maximum_resident = most;
    }
    return thread;
}

void usage_of_process_locked(struct resource_usage *usage, struct process *process)
{
    *usage = process->usage;
    usage_add_threads(usage, TAILQ_FIRST(&process->threads), UINT32_MAX);
}

#define THREADS_AT_ONCE 64
#define TRIES           4 /* then all at once */

/* Lock held. What a thread that ends has used moves to the process's own. */
static uint64_t threads_ended(const struct process *process)
{
    return process->threads_made - process->thread_count;
}

/* In pieces. False: a thread has ended meanwhile, and would be missing or count twice. */
static bool usage_try(struct resource_usage *usage, struct process *process)
{
    bool enabled = spinlock_acquire_save(&process->lock);
    uint64_t ended = threads_ended(process);
    struct user_thread *next = TAILQ_FIRST(&process->threads);

    *usage = process->usage;
    while ((next = usage_add_threads(usage, next, THREADS_AT_ONCE))) {
        struct user_thread *held = next;
        user_thread_reference(held);
        spinlock_release_restore(&process->lock, enabled);
        thread_preemption_point();
        enabled = spinlock_acquire_save(&process->lock);
        user_thread_release(held);
        if (threads_ended(process) != ended)
            break;
    }
    spinlock_release_restore(&process->lock, enabled);
    return !next;
}

void usage_of_process(struct resource_usage *usage, struct process *process)
{
    for (int tries = 0; tries < TRIES; tries++)
        if (usage_try(usage, process))
            return;
    bool enabled = spinlock_acquire_save(&process->lock);
    usage_of_process_locked(usage, process);
    spinlock_release_restore(&process->lock, enabled);
}

void usage_to_rusage(struct rusage *result, const struct resource_usage *usage)
{
    struct __kernel_old_timeval user = time_to_timeval(usage->user_time);
    struct __kernel_old_timeval system = time_to_timeval(usage->system_time);

    memset(result, 0, sizeof(*result));
    memcpy(&result->ru_utime, &user, sizeof(user));
    memcpy(&result->ru_stime, &system, sizeof(system));
    result->ru_maxrss = usage->maximum_resident * (PAGE_SIZE / 1024);
    result->ru_minflt = usage->minor_faults;
    result->ru_majflt = usage->major_faults;
    result->ru_nvcsw = usage->voluntary_switches;
    result->ru_nivcsw = usage->involuntary_switches;
}

#define RUSAGE_THREAD_ONLY 1 /* RUSAGE_THREAD */

ssize_t sys_getrusage(int who, vaddr_t to)
{
    struct process *process = process_current();
    struct resource_usage usage;
    struct rusage result;

    switch (who) {
    case RUSAGE_SELF:
        usage_of_process(&usage, process);
        break;
    case RUSAGE_CHILDREN: {
        bool enabled = spinlock_acquire_save(&process->lock);
        usage = process->children_usage;
        spinlock_release_restore(&process->lock, enabled);
        break;
    }
    case RUSAGE_THREAD_ONLY:
        usage_of_thread(&usage, user_thread_current());
        break;
    default:
        return -EINVAL;
    }
    usage_to_rusage(&result, &usage);
    return user_put(to, &result);
}

ssize_t sys_times(vaddr_t to)
{
    struct process *process = process_current();
    struct resource_usage own;
    struct tms result;

    bool enabled = spinlock_acquire_save(&process->lock);
    usage_of_process_locked(&own, process);
    result.tms_cutime = process->children_usage.user_time / CLOCK_TICK;
    result.tms_cstime = process->children_usage.system_time / CLOCK_TICK;
    spinlock_release_restore(&process->lock, enabled);
    result.tms_utime = own.user_time / CLOCK_TICK;
    result.tms_stime = own.system_time / CLOCK_TICK;
    if (to && user_put(to, &result))
        return -EFAULT;
    return clock_now() / CLOCK_TICK;
}

/* ---- the clocks ---- */

/*
 * The clock of another process or thread: Linux's encoding, which
 * clock_getcpuclockid(3) and pthread_getcpuclockid(3) build: the complement of
 * the number in the upper bits, then a bit for "thread", then what is counted.
 */
#define CPU_CLOCK_KIND_MASK   3 /* 0 user and system, 1 user, 2 both by the scheduler */
#define CPU_CLOCK_THREAD      4
#define CPU_CLOCK_KIND_COUNTS 3

static int cpu_clock_now(int clock, uint64_t *now)
{
    uint32_t id = ~(clock >> 3);
    struct resource_usage usage;

    if ((clock & CPU_CLOCK_KIND_MASK) == CPU_CLOCK_KIND_COUNTS)
        return -EINVAL;
    if (clock & CPU_CLOCK_THREAD) {
        struct user_thread *thread = id ? user_thread_find(id) : NULL;
        if (id && !thread)
            return -EINVAL;
        if (thread && thread->thread.process != process_current()) {
            user_thread_release(thread);
            return -EINVAL;
        }
        usage_of_thread(&usage, thread ? thread : user_thread_current());
        if (thread)
            user_thread_release(thread);
    } else {
        struct process *process = id ? process_find(id) : NULL;
        if (id && !process)
            return -EINVAL;
        usage_of_process(&usage, process ? process : process_current());
        if (process)
            process_release(process);
    }
    *now = usage.user_time + ((clock & CPU_CLOCK_KIND_MASK) == 1 ? 0 : usage.system_time);
    return 0;
}

int clock_read(int clock, uint64_t *now)
{
    struct resource_usage usage;

    if (clock < 0)
        return cpu_clock_now(clock, now);
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI: /* no leap seconds are known */
        *now = clock_wall();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *now = clock_now();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        usage_of_process(&usage, process_current());
        break;
    case CLOCK_THREAD_CPUTIME_ID:
        usage_of_thread(&usage, user_thread_current());
        break;
    default:
        return -EINVAL;
    }
    *now = usage.user_time + usage.system_time;
    return 0;
}

ssize_t sys_clock_gettime(int clock, vaddr_t to)
{
    uint64_t now;
    int error = clock_read(clock, &now);

    return error ? error : time_put_timespec(to, now);
}

ssize_t sys_clock_getres(int clock, vaddr_t to)
{
    uint64_t now, resolution = 1;
    int error = clock_read(clock, &now);

    if (error)
        return error;
    if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
        resolution = 4000000; /* what Linux says at 250 ticks a second; ours are finer */
    return to ? time_put_timespec(to, resolution) : 0;
}

/* The CPU clock of the calling thread itself, by 0 or by its number. */
static bool cpu_clock_is_own_thread(int clock)
{
    uint32_t id = ~(clock >> 3);

    return clock < 0 && clock & CPU_CLOCK_THREAD && (!id || id == thread_current()->id);
}

/* The clock can be set to any time after the boot that leaves 30 years of uptime before it ends. */
#define SETTABLE_MAXIMUM (TIME_MAXIMUM - 30 * 365 * 86400UL * NANOSECONDS_PER_SECOND)

/* Before wall_set(): whether it is a time is asked before who may set it, and whether that was
   before the boot after it, as on Linux. */
static int wall_may_set(uint64_t nanoseconds)
{
    if (nanoseconds >= SETTABLE_MAXIMUM)
        return -EINVAL;
    return credentials_capable(credentials_current(), CAP_SYS_TIME) ? 0 : -EPERM;
}

static int wall_set(uint64_t nanoseconds)
{
    if (nanoseconds < clock_now())
        return -EINVAL;
    wall_clock_set(nanoseconds);
    return 0;
}

ssize_t sys_clock_settime(int clock, vaddr_t from)
{
    uint64_t value, now;

    if (clock != CLOCK_REALTIME) {
        if (clock_read(clock, &now))
            return -EINVAL;
        return clock < 0 ? -EPERM : -EINVAL; /* Linux knows them apart like that */
    }
    int error = time_interval_user(&value, from);
    if (!error)
        error = wall_may_set(value);
    return error ? error : wall_set(value);
}

ssize_t sys_time(vaddr_t to)
{
    int64_t now = clock_wall() / NANOSECONDS_PER_SECOND;

    if (to && user_put(to, &now))
        return -EFAULT;
    return now;
}

ssize_t sys_gettimeofday(vaddr_t to, vaddr_t zone)
{
    const struct timezone utc = {0, 0};

    if (to && time_put_timeval(to, clock_wall()))
        return -EFAULT;
    return zone ? user_put(zone, &utc) : 0;
}

ssize_t sys_settimeofday(vaddr_t from, vaddr_t zone)
{
    struct __kernel_old_timeval value = {0, 0};
    struct timezone ignored;
    uint64_t nanoseconds;

    if (from && user_get(&value, from))
        return -EFAULT;
    int error = time_interval_timeval(&nanoseconds, &value);
    if (error)
        return error;
    if (zone && user_get(&ignored, zone))
        return -EFAULT;
    error = wall_may_set(nanoseconds);
    return error || !from ? error : wall_set(nanoseconds);
}

/* ---- sleeping ---- */

/* Sleeps until the clock says `until`; CPU-time clocks are looked at every so often. */
static int sleep_until(int clock, uint64_t until)
{
    for (;;) {
        uint64_t now, deadline, settings = wall_clock_settings();
        int error = clock_read(clock, &now);
        if (error)
            return error;
        if (now >= until)
            return 0;
        /* Used time passes unevenly: look again. */
        deadline = time_deadline(until - now);
        if (clock_is_cpu(clock) && deadline - clock_now() > NANOSECONDS_PER_SECOND)
            deadline = time_deadline(NANOSECONDS_PER_SECOND);
        error = wait_event(&wall_clock_sleepers,
                           clock_is_wall(clock) && wall_clock_settings() != settings,
                           THREAD_INTERRUPTIBLE, deadline);
        if (error == -EINTR)
            return error;
    }
}

bool clock_is_wall(int clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM;
}

bool clock_is_cpu(int clock)
{
    return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

int clock_of_interval(int clock)
{
    return clock_is_wall(clock) ? CLOCK_MONOTONIC : clock;
}

static bool clock_is_alarm(int clock)
{
    return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

int clock_may_wake(int clock)
{
    return clock_is_alarm(clock) && !credentials_capable(credentials_current(), CAP_WAKE_ALARM)
               ? -EPERM
               : 0;
}

static int64_t sleep_again(struct restart_block *block);

/* The relative form, whose remaining time goes to the program when a handler ran. */
static ssize_t sleep_relative(int clock, uint64_t until, vaddr_t remaining)
{
    struct restart_block *block = &thread_current()->restart;
    int error = sleep_until(clock, until);
    uint64_t now;

    if (error != -EINTR)
        return error;
    if (remaining) {
        clock_read(clock, &now);
        if (now >= until)
            return 0;
        if (time_put_timespec(remaining, until - now))
            return -EFAULT;
    }
    block->again = sleep_again;
    block->values[0] = clock;
    block->values[1] = until;
    block->values[2] = remaining;
    return -RESTART_WITH_BLOCK;
}

static int64_t sleep_again(struct restart_block *block)
{
    return sleep_relative(block->values[0], block->values[1], block->values[2]);
}

ssize_t sys_clock_nanosleep(int clock, int flags, vaddr_t request, vaddr_t remaining)
{
    uint64_t value, now;

    int error = clock_read(clock, &now);
    if (error)
        return error;
    if (clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_MONOTONIC_RAW ||
        clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_REALTIME_COARSE)
        return -EOPNOTSUPP;
    error = time_interval_user(&value, request);
    if (!error && clock_is_alarm(clock) && flags & ~TIMER_ABSTIME)
        error = -EINVAL;
    if (!error)
        error = clock_may_wake(clock);
    if (!error && cpu_clock_is_own_thread(clock))
        error = -EINVAL; /* whoever waits for itself uses no time */
    if (error)
        return error;
    if (flags & TIMER_ABSTIME) {
        error = sleep_until(clock, value);
        return error == -EINTR ? -RESTART_NO_HANDLER : error;
    }
    clock = clock_of_interval(clock);
    clock_read(clock, &now);
    return sleep_relative(clock, value >= TIME_MAXIMUM - now ? TIME_MAXIMUM : now + value,
                          remaining);
}

ssize_t sys_nanosleep(vaddr_t request, vaddr_t remaining)
{
    return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, request, remaining);
}

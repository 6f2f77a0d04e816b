/* interval_timer.c: setitimer(2), alarm(2), and RLIMIT_CPU. */
#include <asm/errno.h>
#include <linux/time.h>

#include "memory/user_copy.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "process/time/posix_timer.h"
#include "process/time/time_values.h"
#include "process/time/usage.h"

/* Used time is looked at no more often than this. */
#define CPU_LOOK_MINIMUM 1000000 /* ns */
/* …and, where there are many threads, after so many times as long as it took. */
#define CPU_LOOK_FACTOR 32

/* ---- ITIMER_REAL ---- */

/* ITIMER_REAL comes no more often than this, or nobody had time for anything else. */
#define SHORTEST_INTERVAL 100000

static void real_expired(struct timer *timer)
{
    struct process *process = container_of(timer, struct process, timers.real);
    siginfo_t information = signal_information_kernel(SIGALRM);

    bool enabled = spinlock_acquire_save(&process->lock);
    if (process->timers.real_interval) {
        /* From when it was due, not from when it was noticed; but never into the past. */
        uint64_t now = clock_now(), next = timer->deadline + process->timers.real_interval;
        uint64_t soonest = now + SHORTEST_INTERVAL;
        timer_arm(timer, next > soonest ? next : soonest);
    }
    signal_send_process_locked(process, &information);
    spinlock_release_restore(&process->lock, enabled);
}

/* ---- timers on CPU time ---- */

static bool cpu_timer_due(struct cpu_timer *timer, uint64_t used)
{
    if (!timer->expires || used < timer->expires)
        return false;
    timer->expires = timer->interval ? timer->expires + timer->interval : 0;
    if (timer->expires && timer->expires <= used)
        timer->expires = used + timer->interval;
    return true;
}

static void send_kernel(struct process *process, int signal)
{
    siginfo_t information = signal_information_kernel(signal);

    signal_send_process_locked(process, &information);
}

/* SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one (getrlimit(2)). */
static void limit_check(struct process *process, uint64_t used)
{
    const struct rlimit64 *limit = &process_limits(process)[RLIMIT_CPU];

    if (limit->rlim_max != RLIM64_INFINITY && used / NANOSECONDS_PER_SECOND >= limit->rlim_max) {
        send_kernel(process, SIGKILL);
        process->timers.limit_signal = 0;
        return;
    }
    if (process->timers.limit_signal && used >= process->timers.limit_signal) {
        send_kernel(process, SIGXCPU);
        process->timers.limit_signal += NANOSECONDS_PER_SECOND;
    }
}

static void earliest(uint64_t *least, uint64_t expires, uint64_t used)
{
    uint64_t left = expires > used ? expires - used : 0;

    if (expires && left < *least)
        *least = left;
}

/* Several threads use time faster than the clock goes; a sleeping process uses none. */
void process_timers_watch_cpu(struct process *process)
{
    struct process_timers *timers = &process->timers;
    const struct rlimit64 *limit = &process_limits(process)[RLIMIT_CPU];
    struct resource_usage usage;
    uint64_t left = CLOCK_NEVER, begun = clock_now();

    usage_of_process_locked(&usage, process);
    uint64_t least = (clock_now() - begun) * CPU_LOOK_FACTOR;
    uint64_t used = usage.user_time + usage.system_time;
    if (limit->rlim_cur == RLIM64_INFINITY)
        timers->limit_signal = 0;
    else if (!timers->limit_signal)
        timers->limit_signal = (limit->rlim_cur ? limit->rlim_cur : 1) * NANOSECONDS_PER_SECOND;
    earliest(&left, timers->virtual.expires, usage.user_time);
    earliest(&left, timers->profile.expires, used);
    earliest(&left, timers->limit_signal, used);
    if (left == CLOCK_NEVER)
        return;
    uint32_t at_once = __atomic_load_n(&cpu_count, __ATOMIC_RELAXED);
    if (process->thread_count < at_once)
        at_once = process->thread_count;
    left /= at_once ? at_once : 1;
    if (least < CPU_LOOK_MINIMUM)
        least = CPU_LOOK_MINIMUM;
    timer_arm(&timers->cpu, time_deadline(left > least ? left : least));
}

static void cpu_expired(struct timer *timer)
{
    struct process *process = container_of(timer, struct process, timers.cpu);
    struct resource_usage usage;

    bool enabled = spinlock_acquire_save(&process->lock);
    usage_of_process_locked(&usage, process);
    uint64_t used = usage.user_time + usage.system_time;
    if (cpu_timer_due(&process->timers.virtual, usage.user_time))
        send_kernel(process, SIGVTALRM);
    if (cpu_timer_due(&process->timers.profile, used))
        send_kernel(process, SIGPROF);
    limit_check(process, used);
    if (!process->exiting)
        process_timers_watch_cpu(process);
    spinlock_release_restore(&process->lock, enabled);
}

/* ---- lifetimes ---- */

void process_timers_initialize(struct process_timers *timers)
{
    timer_initialize(&timers->real, real_expired);
    timer_initialize(&timers->cpu, cpu_expired);
    RB_INIT(&timers->posix_timers);
}

void process_timers_end(struct process *process)
{
    bool enabled = spinlock_acquire_save(&process->lock);
    process->timers.real_interval = 0;
    spinlock_release_restore(&process->lock, enabled);
    timer_cancel(&process->timers.real);
    timer_cancel(&process->timers.cpu);
    posix_timers_delete_all(process);
}

/* ---- the calls ---- */

/* What is left and what comes after; something that is set is never 0. Lock held. */
static void timer_read(struct process *process, int which, uint64_t *left, uint64_t *interval)
{
    struct process_timers *timers = &process->timers;
    struct resource_usage usage;
    uint64_t now, expires;

    if (which == ITIMER_REAL) {
        now = clock_now();
        expires = timers->real.armed ? timers->real.deadline : 0;
        if (expires > TIME_MAXIMUM)
            expires = TIME_MAXIMUM; /* what never comes is told as what comes last */
        *interval = timers->real_interval;
    } else {
        struct cpu_timer *timer = which == ITIMER_VIRTUAL ? &timers->virtual : &timers->profile;
        usage_of_process_locked(&usage, process);
        now = usage.user_time + (which == ITIMER_PROF ? usage.system_time : 0);
        expires = timer->expires;
        *interval = timer->interval;
    }
    *left = !expires ? 0 : expires > now ? expires - now : 1000;
}

/* Lock held. */
static void timer_write(struct process *process, int which, uint64_t left, uint64_t interval)
{
    struct process_timers *timers = &process->timers;
    struct resource_usage usage;

    if (which == ITIMER_REAL) {
        timers->real_interval = interval;
        if (left)
            timer_arm(&timers->real, time_deadline(left));
        return;
    }
    struct cpu_timer *timer = which == ITIMER_VIRTUAL ? &timers->virtual : &timers->profile;
    usage_of_process_locked(&usage, process);
    uint64_t now = usage.user_time + (which == ITIMER_PROF ? usage.system_time : 0);
    timer->expires = left ? now + left : 0;
    timer->interval = interval;
    process_timers_watch_cpu(process);
}

static void timer_exchange(int which, uint64_t left, uint64_t interval, uint64_t *old_left,
                           uint64_t *old_interval)
{
    struct process *process = process_current();
    bool enabled = spinlock_acquire_save(&process->lock);

    timer_read(process, which, old_left, old_interval);
    if (which == ITIMER_REAL)
        process->timers.real_interval = 0; /* one that fires now does not set itself again */
    spinlock_release_restore(&process->lock, enabled);

    if (which == ITIMER_REAL)
        timer_cancel(&process->timers.real);
    enabled = spinlock_acquire_save(&process->lock);
    timer_write(process, which, left, interval);
    spinlock_release_restore(&process->lock, enabled);
}

static int put_value(vaddr_t to, uint64_t left, uint64_t interval)
{
    struct __kernel_old_timeval pair[2] = {time_to_timeval(interval), time_to_timeval(left)};

    return user_copy_out(to, pair, sizeof(pair));
}

static bool is_interval_timer(int which)
{
    return which == ITIMER_REAL || which == ITIMER_VIRTUAL || which == ITIMER_PROF;
}

ssize_t sys_getitimer(int which, vaddr_t value)
{
    struct process *process = process_current();
    uint64_t left, interval;

    if (!is_interval_timer(which))
        return -EINVAL;
    bool enabled = spinlock_acquire_save(&process->lock);
    timer_read(process, which, &left, &interval);
    spinlock_release_restore(&process->lock, enabled);
    return put_value(value, left, interval);
}

ssize_t sys_setitimer(int which, vaddr_t value, vaddr_t old)
{
    struct __kernel_old_timeval pair[2] = {0}; /* interval, value */
    uint64_t left, interval, old_left, old_interval;

    if (value && user_copy_in(pair, value, sizeof(pair)))
        return -EFAULT;
    if (!is_interval_timer(which))
        return -EINVAL;
    if (time_interval_timeval(&interval, &pair[0]) || time_interval_timeval(&left, &pair[1]))
        return -EINVAL;
    timer_exchange(which, left, interval, &old_left, &old_interval);
    return old ? put_value(old, old_left, old_interval) : 0;
}

/* The seconds that were left, rounded, but not down to 0 (alarm(2)). */
ssize_t sys_alarm(unsigned seconds)
{
    uint64_t left, interval;

    timer_exchange(ITIMER_REAL, seconds * NANOSECONDS_PER_SECOND, 0, &left, &interval);
    if (!left)
        return 0;
    uint64_t rounded = (left + NANOSECONDS_PER_SECOND / 2) / NANOSECONDS_PER_SECOND;
    return rounded ? rounded : 1;
}

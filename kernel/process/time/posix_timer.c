/*
 * posix_timer.c: timer_create(2) and its family. A timer sends its signal with
 * an entry of its own, so that it cannot fail for want of memory; while that
 * one waits, expirations are only counted (timer_getoverrun(2)): the next
 * period is set when the signal is taken. A timer has its number from the
 * beginning, but can be found by it only when nothing of it is left to write:
 * a sibling may guess the number.
 */
#include "process/time/posix_timer.h"

#include <asm/errno.h>
#include <linux/time.h>

#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "process/thread_account.h"
#include "process/time/clocks.h"
#include "process/time/usage.h"
#include "process/time/wall_clock.h"
#include "thread/injection.h"
#include "thread/preemption.h"

#define TIMERS_MAXIMUM 65536 /* a process */

/* A clock that stands while nobody runs is looked at this often. */
#define LOOK_INTERVAL_CPU 1000000
/* …and this often at last, while it goes on standing. */
#define LOOK_INTERVAL_IDLE 32000000
/* A process's CPU time is that of all its threads: it is added up again after so many times as long
   as that took. */
#define CPU_SEEN_FACTOR 32
/* A signal that is ignored is sent no more often than this, however short the interval is: nobody's
   handling of it holds the timer back. Linux's tick. */
#define IGNORED_INTERVAL 4000000

struct posix_timer {
    RB_ENTRY(posix_timer) link; /* process's lock */
    struct process *process;    /* constant; it outlives its timers */
    int id;                     /* constant */
    bool published;             /* can be found by its number; process's lock */
    int clock;                  /* constant */
    int expiry_clock;           /* the one `expires` is on; process's lock */
    int notify;                 /* SIGEV_*; constant */
    struct user_thread *thread; /* SIGEV_THREAD_ID: a reference; or whose CPU time; constant */
    struct queued_signal entry; /* process's lock */
    sigval_t value;             /* constant */
    int signal;                 /* constant */
    uint64_t expires;           /* 0: not set; process's lock */
    uint64_t interval;          /* process's lock */
    uint64_t look, seen;        /* when a clock of CPU time is looked at again, and what it said;
                                   process's lock */
    uint64_t overrun;           /* since the last signal was sent; process's lock */
    int overrun_last;           /* of the last signal taken; process's lock */
    struct timer timer;
    struct wall_clock_watch watch; /* of `timer` */
};

static int timer_compare(const struct posix_timer *left, const struct posix_timer *right)
{
    return left->id < right->id ? -1 : left->id > right->id;
}

/* The generated functions are not all used; <bsd/sys/cdefs.h> leaves the word to the C library. */
#undef __unused
#define __unused __attribute__((unused))
RB_GENERATE_STATIC(posix_timers, posix_timer, link, timer_compare)

/* Lock held. */
static void timer_remove(struct posix_timer *timer)
{
    RB_REMOVE(posix_timers, &timer->process->timers.posix_timers, timer);
}

/* ---- the clock ---- */

/* The CPU time of a process, not quite the latest. Lock held. */
static uint64_t process_cpu_time(struct process *process)
{
    struct process_timers *timers = &process->timers;
    uint64_t begun = clock_now();
    struct resource_usage usage;

    if (begun >= timers->cpu_seen_until) {
        usage_of_process_locked(&usage, process);
        uint64_t now = clock_now();
        timers->cpu_seen = usage.user_time + usage.system_time;
        timers->cpu_seen_until = now + (now - begun) * CPU_SEEN_FACTOR;
    }
    return timers->cpu_seen;
}

/* What the timer's clock says, also in an interrupt, where nobody is "the calling thread". Lock
   held. */
static uint64_t timer_clock(struct posix_timer *timer)
{
    uint64_t now = 0;

    if (!clock_is_cpu(timer->clock)) {
        clock_read(timer->expiry_clock, &now);
        return now;
    }
    if (timer->thread)
        return thread_runtime(&timer->thread->thread);
    return process_cpu_time(timer->process);
}

/* How long a clock of CPU time is left alone. Lock held. */
static uint64_t look_interval(struct posix_timer *timer)
{
    uint64_t now = timer_clock(timer);

    if (now != timer->seen || !timer->look)
        timer->look = LOOK_INTERVAL_CPU;
    else if (timer->look < LOOK_INTERVAL_IDLE)
        timer->look *= 2;
    timer->seen = now;
    /* Each processor adds no more than what passes. */
    uint64_t left = timer->expires > now ? timer->expires - now : 0;
    uint64_t least = timer->thread ? left : left / __atomic_load_n(&cpu_count, __ATOMIC_RELAXED);
    return least > timer->look ? least : timer->look;
}

/* Not before `least` ns from now. Lock held. */
static void timer_set_after(struct posix_timer *timer, uint64_t least)
{
    uint64_t settings;

    if (timer->notify == SIGEV_NONE)
        return; /* only ever read */
    if (clock_is_wall(timer->expiry_clock))
        wall_clock_watch(&timer->watch, &timer->timer);
    do {
        settings = wall_clock_settings();
        uint64_t now = timer_clock(timer);
        uint64_t left = timer->expires > now ? timer->expires - now : 0;
        timer_arm(&timer->timer, time_deadline(left > least ? left : least));
    } while (settings != wall_clock_settings());
}

/* Lock held. */
static void timer_set(struct posix_timer *timer)
{
    timer_set_after(timer, clock_is_cpu(timer->clock) ? look_interval(timer) : 0);
}

/* Moves the expiry into the future; returns how many periods were passed over. Lock held. */
static uint64_t timer_forward(struct posix_timer *timer)
{
    uint64_t now = timer_clock(timer);

    if (!timer->interval || timer->expires > now)
        return 0;
    uint64_t periods = (now - timer->expires) / timer->interval + 1;
    timer->expires += periods * timer->interval;
    return periods;
}

/* ---- expiry ---- */

/* NULL: the process. */
static struct user_thread *timer_receiver(const struct posix_timer *timer)
{
    return timer->notify == SIGEV_THREAD_ID ? timer->thread : NULL;
}

static void timer_send(struct posix_timer *timer)
{
    siginfo_t *information = &timer->entry.information;
    if (!timer->entry.queued) {
        *information = (siginfo_t){.si_signo = timer->signal, .si_code = SI_TIMER};
        information->si_tid = timer->id;
        information->_sifields._timer._sigval = timer->value;
        timer->overrun = 0;
    }
    bool sent = signal_send_entry_locked(timer->process, timer_receiver(timer), &timer->entry);
    if (sent)
        return; /* the next period is set when it is taken */
    if (timer->interval) {
        timer->overrun += timer_forward(timer);
        timer_set_after(timer, IGNORED_INTERVAL);
    } else {
        timer->expires = 0;
    }
}

static void timer_expired(struct timer *base)
{
    struct posix_timer *timer = container_of(base, struct posix_timer, timer);
    bool enabled = spinlock_acquire_save(&timer->process->lock);

    if (timer->expires) {
        if (timer_clock(timer) < timer->expires)
            timer_set(timer);
        else
            timer_send(timer);
    }
    spinlock_release_restore(&timer->process->lock, enabled);
}

void posix_timer_delivered(struct posix_timer *timer, siginfo_t *information)
{
    uint64_t passed = timer->expires ? timer_forward(timer) : 0;

    timer->overrun += passed ? passed - 1 : 0;
    timer->overrun_last = timer->overrun < INT32_MAX ? (int)timer->overrun : INT32_MAX;
    information->si_overrun = timer->overrun_last;
    if (!timer->interval)
        timer->expires = 0;
    else if (timer->expires)
        timer_set(timer);
}

/* ---- lifetimes ---- */

/* It is out of the list, so nobody finds it any more. */
static void timer_free(struct posix_timer *timer)
{
    struct process *process = timer->process;
    bool enabled = spinlock_acquire_save(&process->lock);

    timer->expires = 0;
    spinlock_release_restore(&process->lock, enabled);
    wall_clock_forget(&timer->watch);
    timer_cancel(&timer->timer);

    enabled = spinlock_acquire_save(&process->lock);
    if (timer->entry.queued)
        signal_withdraw_entry(process, timer_receiver(timer), &timer->entry);
    spinlock_release_restore(&process->lock, enabled);
    if (timer->thread)
        user_thread_release(timer->thread);
    user_account_remove_timer(timer->entry.account);
    heap_free(timer);
}

void posix_timers_delete_all(struct process *process)
{
    for (;;) {
        bool enabled = spinlock_acquire_save(&process->lock);
        struct posix_timer *timer = RB_ROOT(&process->timers.posix_timers);
        if (timer)
            timer_remove(timer);
        spinlock_release_restore(&process->lock, enabled);
        if (!timer)
            return;
        timer_free(timer);
        thread_preemption_point();
    }
}

/* Whose number this is, also one that is not yet to be found. Lock held. */
static struct posix_timer *timer_numbered(struct process *process, int id)
{
    struct posix_timer key;

    key.id = id;
    return RB_FIND(posix_timers, &GUARDED_BY(&process->lock, process->timers.posix_timers), &key);
}

/* Lock held. */
static struct posix_timer *timer_find(struct process *process, int id)
{
    struct posix_timer *timer = timer_numbered(process, id);

    return timer && timer->published ? timer : NULL;
}

/* Gives it a number that no other timer has. -EAGAIN: there are too many. */
static int timer_number(struct process *process, struct posix_timer *timer)
{
    bool enabled = spinlock_acquire_save(&process->lock);
    int error = -EAGAIN;

    for (int tries = 0; tries < TIMERS_MAXIMUM; tries++) {
        int id = process->timers.next_id;
        process->timers.next_id = id == INT32_MAX ? 0 : id + 1;
        if (!timer_numbered(process, id)) {
            timer->id = id;
            RB_INSERT(posix_timers, &process->timers.posix_timers, timer);
            error = 0;
            break;
        }
    }
    spinlock_release_restore(&process->lock, enabled);
    return error;
}

/* From here on it belongs to whoever finds it. */
static void timer_publish(struct posix_timer *timer)
{
    struct process *process = timer->process;
    bool enabled = spinlock_acquire_save(&process->lock);

    timer->published = true;
    spinlock_release_restore(&process->lock, enabled);
}

/* One that nobody ever found. */
static void timer_discard(struct posix_timer *timer)
{
    struct process *process = timer->process;
    bool enabled = spinlock_acquire_save(&process->lock);

    timer_remove(timer);
    spinlock_release_restore(&process->lock, enabled);
    timer_free(timer);
}

/* Whom it tells, and how (sigevent(7)). */
static int event_read(struct posix_timer *timer, vaddr_t from)
{
    sigevent_t event;

    timer->notify = SIGEV_SIGNAL;
    timer->signal = SIGALRM;
    if (!from)
        return 0; /* the value is then the timer's number */
    if (user_get(&event, from))
        return -EFAULT;
    timer->notify = event.sigev_notify;
    timer->signal = event.sigev_signo;
    timer->value = event.sigev_value;
    switch (timer->notify) {
    case SIGEV_NONE:
        return 0;
    case SIGEV_THREAD_ID:
        timer->thread = user_thread_find(event.sigev_notify_thread_id);
        if (!timer->thread || timer->thread->thread.process != process_current())
            return -EINVAL;
        break;
    case SIGEV_SIGNAL:
    case SIGEV_THREAD: /* the C library's; to the kernel a signal */
        break;
    default:
        return -EINVAL;
    }
    return timer->signal < 1 || timer->signal > SIGNAL_COUNT ? -EINVAL : 0;
}

static int timer_prepare(struct posix_timer *timer, int clock, vaddr_t event)
{
    timer->process = process_current();
    timer->clock = timer->expiry_clock = clock;
    timer->entry.timer = timer;
    timer_initialize(&timer->timer, timer_expired);
    int error = user_account_add_timer(&timer->entry.account);
    if (error)
        return error;
    error = event_read(timer, event);
    if (!error && clock == CLOCK_THREAD_CPUTIME_ID && !timer->thread) {
        timer->thread = user_thread_current();
        user_thread_reference(timer->thread);
    }
    if (!error)
        error = timer_number(timer->process, timer);
    if (!error)
        return 0;
    if (timer->thread)
        user_thread_release(timer->thread);
    user_account_remove_timer(timer->entry.account);
    return error;
}

ssize_t sys_timer_create(int clock, vaddr_t event, vaddr_t id)
{
    uint64_t now;

    if (clock_read(clock, &now) || clock == CLOCK_MONOTONIC_RAW ||
        clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_REALTIME_COARSE)
        return clock_read(clock, &now) ? -EINVAL : -EOPNOTSUPP;
    struct posix_timer *timer = heap_allocate_zeroed(sizeof(*timer));
    if (!timer)
        return -EAGAIN;
    int error = timer_prepare(timer, clock, event);
    if (error) {
        heap_free(timer);
        return error;
    }
    if (!event)
        timer->value.sival_int = timer->id;
#ifdef MUTATION_TIMER_EARLY /* the fuzzer of system calls has to notice: scripts/test mutation */
    timer_publish(timer);
    injection_delay(); /* as a page may take that is not there */
#endif
    error = user_put(id, &timer->id) ? -EFAULT : clock_may_wake(clock);
    if (error) {
        timer_discard(timer);
        return error;
    }
#ifndef MUTATION_TIMER_EARLY
    timer_publish(timer);
#endif
    return 0;
}

ssize_t sys_timer_delete(int id)
{
    struct process *process = process_current();
    bool enabled = spinlock_acquire_save(&process->lock);
    struct posix_timer *timer = timer_find(process, id);

    if (timer)
        timer_remove(timer);
    spinlock_release_restore(&process->lock, enabled);
    if (!timer)
        return -EINVAL;
    timer_free(timer);
    return 0;
}

/* ---- setting and reading ---- */

/* What is left; something that is set is never 0. Lock held. */
static void timer_read(struct posix_timer *timer, struct __kernel_itimerspec *value)
{
    uint64_t left = 0;

    if (timer->expires) {
        if (timer->notify == SIGEV_NONE || timer->entry.queued)
            timer->overrun += timer_forward(timer);
        uint64_t now = timer_clock(timer);
        if (timer->expires > now)
            left = timer->expires - now;
        else
            left = timer->notify == SIGEV_NONE ? 0 : 1;
    }
    value->it_value = time_to_timespec(left);
    value->it_interval = time_to_timespec(timer->interval);
}

ssize_t sys_timer_gettime(int id, vaddr_t to)
{
    struct process *process = process_current();
    struct __kernel_itimerspec value;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct posix_timer *timer = timer_find(process, id);
    if (timer)
        timer_read(timer, &value);
    spinlock_release_restore(&process->lock, enabled);
    if (!timer)
        return -EINVAL;
    return user_put(to, &value);
}

ssize_t sys_timer_getoverrun(int id)
{
    struct process *process = process_current();
    bool enabled = spinlock_acquire_save(&process->lock);
    struct posix_timer *timer = timer_find(process, id);
    ssize_t overrun = timer ? timer->overrun_last : -EINVAL;

    spinlock_release_restore(&process->lock, enabled);
    return overrun;
}

/* Lock held. */
static void timer_write(struct posix_timer *timer, int flags, uint64_t value, uint64_t interval)
{
    if (timer->entry.queued)
        signal_withdraw_entry(timer->process, timer_receiver(timer), &timer->entry);
    timer->interval = interval;
    timer->overrun = 0;
    timer->overrun_last = 0;
    timer->expires = 0;
    if (!value)
        return;
    timer->expires = value;
    timer->expiry_clock = flags & TIMER_ABSTIME ? timer->clock : clock_of_interval(timer->clock);
    if (!(flags & TIMER_ABSTIME)) {
        uint64_t now = timer_clock(timer);
        timer->expires = value >= TIME_MAXIMUM - now ? TIME_MAXIMUM : now + value;
    }
    timer_set(timer);
}

ssize_t sys_timer_settime(int id, int flags, vaddr_t from, vaddr_t to)
{
    struct process *process = process_current();
    struct __kernel_itimerspec fresh, old;
    uint64_t value, interval;

    if (!from)
        return -EINVAL;
    if (user_get(&fresh, from))
        return -EFAULT;
    if (time_from_timespec(&value, &fresh.it_value) ||
        time_from_timespec(&interval, &fresh.it_interval))
        return -EINVAL;
    bool enabled = spinlock_acquire_save(&process->lock);
    struct posix_timer *timer = timer_find(process, id);
    if (timer) {
        timer_read(timer, &old);
        timer_write(timer, flags, value, interval);
    }
    spinlock_release_restore(&process->lock, enabled);
    if (!timer)
        return -EINVAL;
    return to ? user_put(to, &old) : 0;
}

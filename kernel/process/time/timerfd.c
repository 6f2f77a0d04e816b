/* timerfd.c: timerfd_create(2): a timer that is read. */
#include <asm/errno.h>
#include <linux/timerfd.h>

#include "file/descriptor_table.h"
#include "library/format.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "process/time/clocks.h"
#include "process/time/wall_clock.h"
#include "thread/restart.h"

#define TIMER_FLAGS (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)

struct timer_file {
    int clock; /* constant */
    struct timer timer;
    struct wall_clock_watch watch; /* of `timer` */
    struct spinlock lock;          /* taken with interrupts off */
    int expiry_clock;              /* the one `expires` is on; lock */
    bool cancel_on_set;   /* a read fails once the clock has been set: timerfd_create(2); lock */
    uint64_t settings;    /* of the wall clock, when that was asked for; lock */
    uint64_t expires;     /* 0: not set, or over; lock */
    uint64_t interval;    /* lock */
    uint64_t expirations; /* not yet read; lock */
    struct wait_queue readers; /* woken by an interrupt */
    struct watch_limit limit;  /* of who watches them */
};

static uint64_t clock_value(const struct timer_file *file)
{
    uint64_t now = 0;

    clock_read(file->expiry_clock, &now);
    return now;
}

/* Lock held. */
static void timer_set(struct timer_file *file)
{
    uint64_t settings;

    if (clock_is_wall(file->expiry_clock))
        wall_clock_watch(&file->watch, &file->timer);
    do {
        settings = wall_clock_settings();
        uint64_t now = clock_value(file);
        uint64_t left = file->expires > now ? file->expires - now : 0;
        timer_arm(&file->timer, time_deadline(left));
    } while (settings != wall_clock_settings());
}

/* Has the clock been set under a program that wants to know? Lock held. */
static bool cancelled(const struct timer_file *file)
{
    return file->cancel_on_set && file->settings != wall_clock_settings();
}

/* Counts what expired up to now. Lock held. */
static void count_expirations(struct timer_file *file)
{
    uint64_t now = clock_value(file);

    if (!file->expires || now < file->expires)
        return;
    if (file->interval) {
        uint64_t periods = (now - file->expires) / file->interval + 1;
        file->expirations += periods;
        file->expires += periods * file->interval;
    } else {
        file->expirations++;
        file->expires = 0;
    }
}

static void timer_expired(struct timer *timer)
{
    struct timer_file *file = container_of(timer, struct timer_file, timer);
    bool enabled = spinlock_acquire_save(&file->lock);

    count_expirations(file);
    /* A timer that nobody reads need not fire again: what it missed is counted when it is read. */
    bool ready = file->expirations != 0;
    if (!ready && file->expires)
        timer_set(file);
    ready |= cancelled(file);
    spinlock_release_restore(&file->lock, enabled);
    if (ready)
        wait_queue_wake(&file->readers);
}

/* ---- as a file ---- */

/* How many there were; 0: none yet; -ECANCELED. */
static ssize_t take_expirations(struct timer_file *file)
{
    bool enabled = spinlock_acquire_save(&file->lock);

    if (cancelled(file)) {
        file->settings = wall_clock_settings();
        file->expirations = 0;
        spinlock_release_restore(&file->lock, enabled);
        return -ECANCELED;
    }
    if (file->expirations)
        count_expirations(file);
    ssize_t count = (ssize_t)file->expirations;
    file->expirations = 0;
    if (count && file->expires)
        timer_set(file);
    spinlock_release_restore(&file->lock, enabled);
    return count;
}

/* …or -RESTART_CALL; -ENOMEM: too many wait, whom an interrupt has to wake. */
static ssize_t wait_for_expirations(struct timer_file *timer)
{
    ssize_t count = 0;

    if (!watch_limit_join(&timer->limit))
        return -ENOMEM;
    int error = wait_event(&timer->readers, (count = take_expirations(timer)) != 0,
                           THREAD_INTERRUPTIBLE, CLOCK_NEVER);
    watch_limit_leave(&timer->limit);
    return error ? -RESTART_CALL : count;
}

static ssize_t timer_file_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct timer_file *timer = file->private;
    ssize_t count;

    (void)offset;
    if (to->left < sizeof(count))
        return -EINVAL;
    count = take_expirations(timer);
    if (!count && file_nonblocking(file))
        return -EAGAIN;
    if (!count)
        count = wait_for_expirations(timer);
    if (count < 0)
        return count;
    return transfer_out(to, &count, sizeof(count)) == sizeof(count) ? (ssize_t)sizeof(count)
                                                                    : -EFAULT;
}

static unsigned timer_file_poll(struct file *file, struct poll_table *table)
{
    struct timer_file *timer = file->private;

    poll_wait_limited(table, &timer->readers, &timer->limit);
    bool enabled = spinlock_acquire_save(&timer->lock);
    bool ready = timer->expirations || cancelled(timer);
    spinlock_release_restore(&timer->lock, enabled);
    return ready ? POLLIN : 0;
}

static void timer_file_release(struct file *file)
{
    struct timer_file *timer = file->private;
    bool enabled = spinlock_acquire_save(&timer->lock);

    timer->expires = 0;
    spinlock_release_restore(&timer->lock, enabled);
    wall_clock_forget(&timer->watch);
    timer_cancel(&timer->timer);
    heap_free(timer);
}

static void timer_file_describe(struct file *file, char *buffer, size_t size)
{
    struct timer_file *timer = file->private;
    bool enabled = spinlock_acquire_save(&timer->lock);
    uint64_t expirations = timer->expirations, interval = timer->interval;
    uint64_t now = clock_value(timer);
    uint64_t left = timer->expires > now ? timer->expires - now : 0;
    spinlock_release_restore(&timer->lock, enabled);

    format_string(buffer, size,
                  "clockid: %d\nticks: %lu\nsettime flags: 00\nit_value: (%lu, %lu)\n"
                  "it_interval: (%lu, %lu)\n",
                  timer->clock, expirations, left / NANOSECONDS_PER_SECOND,
                  left % NANOSECONDS_PER_SECOND, interval / NANOSECONDS_PER_SECOND,
                  interval % NANOSECONDS_PER_SECOND);
}

static const struct file_operations timer_file_operations = {
    .read = timer_file_read,
    .plain_read = true,
    .seek = file_seek_null,
    .poll = timer_file_poll,
    .few_ways = true,
    .release = timer_file_release,
    .describe = timer_file_describe,
};

ssize_t sys_timerfd_create(int clock, int flags)
{
    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM)
        return -EINVAL;
    int error = clock_may_wake(clock);
    if (error)
        return error;
    struct timer_file *timer = heap_allocate_zeroed(sizeof(*timer));
    if (!timer)
        return -ENOMEM;
    timer->clock = timer->expiry_clock = clock;
    timer_initialize(&timer->timer, timer_expired);
    wait_queue_initialize(&timer->readers);
    timer->limit.most = WATCHERS_FEW;
    struct file *file = file_create_anonymous("[timerfd]", &timer_file_operations, timer,
                                              O_RDWR | (flags & TFD_NONBLOCK));
    if (!file) {
        heap_free(timer);
        return -ENOMEM;
    }
    return descriptor_add(file, flags & TFD_CLOEXEC);
}

/* The timer behind a descriptor, with a reference to its file; NULL with *error. */
static struct timer_file *timer_get(int descriptor, struct file **file, ssize_t *error)
{
    *file = descriptor_get(descriptor);
    *error = -EBADF;
    if (!*file)
        return NULL;
    if (file_is(*file, &timer_file_operations))
        return (*file)->private;
    file_release(*file);
    *error = -EINVAL;
    return NULL;
}

/* Lock held. */
static struct __kernel_itimerspec timer_read(struct timer_file *timer)
{
    count_expirations(timer);
    uint64_t now = clock_value(timer);
    uint64_t left = !timer->expires ? 0 : timer->expires > now ? timer->expires - now : 1;

    return (struct __kernel_itimerspec){
        .it_interval = time_to_timespec(timer->interval),
        .it_value = time_to_timespec(left),
    };
}

ssize_t sys_timerfd_gettime(int descriptor, vaddr_t to)
{
    struct file *file;
    ssize_t error;
    struct timer_file *timer = timer_get(descriptor, &file, &error);

    if (!timer)
        return error;
    bool enabled = spinlock_acquire_save(&timer->lock);
    struct __kernel_itimerspec value = timer_read(timer);
    spinlock_release_restore(&timer->lock, enabled);
    file_release(file);
    return user_put(to, &value);
}

/* TFD_TIMER_CANCEL_ON_SET. True: the clock has been set since the program asked for the same
   before, and was not told yet. Lock held. */
static bool watch_settings(struct timer_file *timer, int flags)
{
    bool wanted = flags & TFD_TIMER_CANCEL_ON_SET && clock_is_wall(timer->expiry_clock);
    bool missed = wanted && cancelled(timer);

    if (wanted)
        wall_clock_watch(&timer->watch, &timer->timer);
    timer->cancel_on_set = wanted;
    timer->settings = wall_clock_settings();
    return missed;
}

ssize_t sys_timerfd_settime(int descriptor, int flags, vaddr_t from, vaddr_t to)
{
    struct __kernel_itimerspec fresh, old;
    uint64_t value, interval;
    struct file *file;
    ssize_t error;

    if (user_get(&fresh, from))
        return -EFAULT;
    if (flags & ~TIMER_FLAGS || time_from_timespec(&value, &fresh.it_value) ||
        time_from_timespec(&interval, &fresh.it_interval))
        return -EINVAL;
    struct timer_file *timer = timer_get(descriptor, &file, &error);
    if (!timer)
        return error;
    error = clock_may_wake(timer->clock);
    if (error) {
        file_release(file);
        return error;
    }
    bool enabled = spinlock_acquire_save(&timer->lock);
    old = timer_read(timer);
    timer->expirations = 0;
    timer->interval = interval;
    timer->expires = value;
    timer->expiry_clock =
        flags & TFD_TIMER_ABSTIME ? timer->clock : clock_of_interval(timer->clock);
    error = watch_settings(timer, flags) ? -ECANCELED : 0;
    if (value && !(flags & TFD_TIMER_ABSTIME)) {
        uint64_t now = clock_value(timer);
        timer->expires = value >= TIME_MAXIMUM - now ? TIME_MAXIMUM : now + value;
    }
    if (value)
        timer_set(timer);
    spinlock_release_restore(&timer->lock, enabled);
    file_release(file);
    if (error)
        return error;
    return to ? user_put(to, &old) : 0;
}

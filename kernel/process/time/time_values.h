/* time_values.h: the forms in which programs give times, to and from nanoseconds. */
#ifndef BATON_PROCESS_TIME_TIME_VALUES_H
#define BATON_PROCESS_TIME_TIME_VALUES_H

#include <linux/time_types.h>

#include "cpu/clock.h"

/* Linux's KTIME_MAX: what is later saturates. */
#define TIME_MAXIMUM ((uint64_t)INT64_MAX)

/* A struct timespec: its value in ns, -EINVAL (negative, or 10^9 ns and more), -EFAULT. */
int time_interval_user(uint64_t *nanoseconds, vaddr_t from);
int time_put_timespec(vaddr_t to, uint64_t nanoseconds);
int time_put_timeval(vaddr_t to, uint64_t nanoseconds);
/* A struct timeval, the same way: microseconds below 10^6. */
int time_interval_timeval(uint64_t *nanoseconds, const struct __kernel_old_timeval *value);

static inline struct __kernel_timespec time_to_timespec(uint64_t nanoseconds)
{
    return (struct __kernel_timespec){
        .tv_sec = nanoseconds / NANOSECONDS_PER_SECOND,
        .tv_nsec = nanoseconds % NANOSECONDS_PER_SECOND,
    };
}

static inline struct __kernel_old_timeval time_to_timeval(uint64_t nanoseconds)
{
    return (struct __kernel_old_timeval){
        .tv_sec = nanoseconds / NANOSECONDS_PER_SECOND,
        .tv_usec = nanoseconds % NANOSECONDS_PER_SECOND / 1000,
    };
}

/* -EINVAL, or the value in ns, saturated. */
int time_from_timespec(uint64_t *nanoseconds, const struct __kernel_timespec *value);

/* From now on: ns since boot, CLOCK_NEVER when it would overflow. */
static inline uint64_t time_deadline(uint64_t interval)
{
    uint64_t now = clock_now();

    return interval >= TIME_MAXIMUM - now ? CLOCK_NEVER : now + interval;
}

#endif

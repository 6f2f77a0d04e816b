/* wait.h: waiting for a device, with an end. */
#ifndef BATON_DEVICE_WAIT_H
#define BATON_DEVICE_WAIT_H

#include "cpu/clock.h"
#include "thread/thread.h"

/* By a thread; may sleep. */
static inline void device_sleep(uint64_t nanoseconds)
{
    thread_prepare_sleep(THREAD_UNINTERRUPTIBLE);
    thread_sleep(clock_now() + nanoseconds);
}

/* Looks once in a millisecond until the condition holds: true, or until so long (ns) is over:
   false. By a thread that may sleep. */
#define device_wait(condition, patience)                                                           \
    ({                                                                                             \
        uint64_t wait_deadline_ = clock_now() + (patience);                                        \
        bool wait_held_;                                                                           \
        while (!(wait_held_ = (condition)) && clock_now() < wait_deadline_)                        \
            device_sleep(NANOSECONDS_PER_SECOND / 1000);                                           \
        wait_held_ || (condition);                                                                 \
    })

#endif

/* mutex.h: stands in for the kernel's on the host, where there are no threads to wait. */
#ifndef BATON_THREAD_MUTEX_H
#define BATON_THREAD_MUTEX_H

#include "thread/mutex_order.h"

struct mutex {
    const void *owner;
};

void mutex_initialize(struct mutex *mutex, enum mutex_rank rank);
void mutex_acquire(struct mutex *mutex);
void mutex_release(struct mutex *mutex);
static inline void mutex_check_may_wait(void)
{
}

#endif

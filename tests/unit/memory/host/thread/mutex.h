/* mutex.h: stands in for the kernel's on the host, where there are no threads to wait. */
#ifndef BATON_THREAD_MUTEX_H
#define BATON_THREAD_MUTEX_H

struct mutex {
    const void *owner;
};

void mutex_initialize(struct mutex *mutex);
void mutex_acquire(struct mutex *mutex);
void mutex_release(struct mutex *mutex);

#endif

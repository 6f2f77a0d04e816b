/*
 * worker.h: threads of the kernel that do one thing for a room or a device, each on a kernel stack
 * of its own, with the kernel's page tables.
 */
#ifndef BATON_MEMORY_WORKER_H
#define BATON_MEMORY_WORKER_H

#include "thread/thread.h"

struct worker {
    struct thread thread;
    bool runs; /* it is not off its stack yet; atomic */
};

/*
 * Starts it: run(argument), which ends by thread_exit(), or never. The caller zeroed *worker and
 * owns its memory, which stays until worker_await_end() has returned. 0 or -ENOMEM.
 */
int worker_start(struct worker *worker, const char *name, void (*run)(void *), void *argument);
/* Returns when it is off its stack, which is free then; at once if it was never started. May sleep;
   no lock that it needs to end. */
void worker_await_end(const struct worker *worker);

#endif

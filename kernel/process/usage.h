/* usage.h: what threads and processes have used: getrusage(2), wait4(2), times(2), /proc. */
#ifndef BATON_PROCESS_USAGE_H
#define BATON_PROCESS_USAGE_H

#include "process/process.h"

/* ns on a CPU, with the present stretch. Any context. */
uint64_t thread_runtime(const struct thread *thread);
void usage_of_thread(struct resource_usage *usage, const struct user_thread *thread);
/* Threads that live and threads that ended, without children. The second: lock held. */
void usage_of_process(struct resource_usage *usage, struct process *process);
void usage_of_process_locked(struct resource_usage *usage, struct process *process);
/* As programs get it. */
void usage_to_rusage(struct rusage *result, const struct resource_usage *usage);

#endif

/* usage.h: what threads and processes have used: getrusage(2), wait4(2), times(2), /proc. */
#ifndef BATON_PROCESS_TIME_USAGE_H
#define BATON_PROCESS_TIME_USAGE_H

#include "cpu/registers.h"
#include "process/process.h"

/* The calling thread came out of user mode by a trap and is about to be switched away, or goes (on)
   there: its time there is counted. System calls do it themselves, in trap_entry.S; an interrupt or
   a fault that changes nothing does not leave user mode. */
static inline void usage_leave_user(struct thread *thread)
{
    if (thread->user_since)
        thread->user_ticks += tsc_read() - thread->user_since;
    thread->user_since = 0;
}
static inline void usage_enter_user(struct thread *thread)
{
    if (!thread->user_since)
        thread->user_since = tsc_read();
}

/* ns on a CPU, with the present stretch. Any context. */
uint64_t thread_runtime(const struct thread *thread);
void usage_of_thread(struct resource_usage *usage, const struct user_thread *thread);
/* Threads that live and threads that ended, without children. The second: lock held. */
void usage_of_process(struct resource_usage *usage, struct process *process);
void usage_of_process_locked(struct resource_usage *usage, struct process *process);
/* As programs get it. */
void usage_to_rusage(struct rusage *result, const struct resource_usage *usage);

#endif

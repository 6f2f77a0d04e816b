/* scheduling.h: what a thread's making asks of scheduling.c. */
#ifndef BATON_PROCESS_SCHEDULING_H
#define BATON_PROCESS_SCHEDULING_H

#include "process/user_thread.h"

/* Gives a new thread, which nobody sees yet, the policy and the nice value that it has from its
   maker, the calling thread: sched(7), "Resetting scheduling policy for child processes". */
void scheduling_inherit(struct user_thread *child, const struct user_thread *maker);

#endif

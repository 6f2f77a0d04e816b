/*
 * posix_timer.h: timer_create(2): timers that belong to a process and send it,
 * or one of its threads, a signal.
 */
#ifndef BATON_PROCESS_TIME_POSIX_TIMER_H
#define BATON_PROCESS_TIME_POSIX_TIMER_H

#include "process/signal/signal.h"

struct posix_timer;

/* exec and exit: every timer of the calling process is gone. One thread is left. May sleep. */
void posix_timers_delete_all(struct process *process);
/* The timer's signal was taken: fills in the overrun, and the next period is counted from here.
   Process's lock held. */
void posix_timer_delivered(struct posix_timer *timer, siginfo_t *information);

#endif

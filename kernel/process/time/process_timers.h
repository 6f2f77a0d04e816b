/*
 * process_timers.h: the timers that belong to a process: setitimer(2), alarm(2),
 * the limit on CPU time, and timer_create(2)'s.
 */
#ifndef BATON_PROCESS_TIME_PROCESS_TIMERS_H
#define BATON_PROCESS_TIME_PROCESS_TIMERS_H

#include <bsd/sys/tree.h>

#include "thread/timer.h"

struct posix_timer;
struct process;

/* ITIMER_VIRTUAL and ITIMER_PROF: on the CPU time of the process. */
struct cpu_timer {
    uint64_t expires;  /* the process's time in ns at which it is due; 0: not set */
    uint64_t interval; /* ns; 0: once */
};

/* Embedded in struct process as `timers`. "lock": the process's. */
struct process_timers {
    struct timer real;                               /* ITIMER_REAL: armed while it is set */
    uint64_t real_interval;                          /* ns; lock */
    struct cpu_timer virtual, profile;               /* lock */
    uint64_t limit_signal;                           /* CPU time in ns of the next SIGXCPU; lock */
    struct timer cpu;                                /* looks when the next of these can be due */
    RB_HEAD(posix_timers, posix_timer) posix_timers; /* by number; lock */
    int next_id;             /* lock; the last one given to a POSIX timer, plus 1 */
    uint64_t cpu_seen;       /* the CPU time that POSIX timers go by, … */
    uint64_t cpu_seen_until; /* …until then; lock */
};

/* A new process, full of zeros, has none, whatever its parent has (setitimer(2), timer_create(2)).
 */
void process_timers_initialize(struct process_timers *timers);
/* The process ends: none of them fires from here on. Its last thread; may spin, no lock held. */
void process_timers_end(struct process *process);
/* RLIMIT_CPU or a timer on CPU time was set: look when it is due. Lock held. */
void process_timers_watch_cpu(struct process *process);

#endif

/*
 * limits.h: getrlimit(2). A process's limits have one owner, process->limits, and everyone who
 * enforces one asks there: the calling thread's own through thread_limit() (thread/limits.h),
 * another process's under its lock. NPROC: user_account.c; NOFILE and FSIZE: the file room; STACK,
 * AS, DATA, MEMLOCK: the memory room; SIGPENDING: signal.c; CPU: interval_timer.c; NICE:
 * scheduling.c; CORE is as 0, since no core is written.
 */
#ifndef BATON_PROCESS_LIMITS_H
#define BATON_PROCESS_LIMITS_H

#include <linux/resource.h>

/* What the first process begins with: Linux's values for this much memory. */
void limits_initialize(struct rlimit64 limits[RLIM_NLIMITS]);

#endif

/*
 * limits.h: getrlimit(2). Where each is enforced: NPROC user_account.c; NOFILE and FSIZE the
 * file room, through its hooks; STACK, AS, DATA, MEMLOCK the memory room, through
 * process_limit(); SIGPENDING signal.c; CPU interval_timer.c; NICE scheduling.c; CORE is as 0,
 * since no core is written.
 */
#ifndef BATON_PROCESS_LIMITS_H
#define BATON_PROCESS_LIMITS_H

#include <linux/resource.h>

/* What the first process begins with: Linux's values for this much memory. */
void limits_initialize(struct rlimit64 limits[RLIM_NLIMITS]);

#endif

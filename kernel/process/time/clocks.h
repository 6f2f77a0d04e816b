/* clocks.h: the clocks of clock_gettime(2). */
#ifndef BATON_PROCESS_TIME_CLOCKS_H
#define BATON_PROCESS_TIME_CLOCKS_H

#include "process/time/time_values.h"

/* What the clock says for the calling thread, in ns. -EINVAL: there is no such clock. */
int clock_read(int clock, uint64_t *now);
/* Does it say the wall's time, which may be set (wall_clock.h)? */
bool clock_is_wall(int clock);
/* Does it say used time, which passes unevenly? */
bool clock_is_cpu(int clock);
/* May the caller set a timer on it? Those that wake a machine that sleeps take CAP_WAKE_ALARM
   (timer_create(2)): else -EPERM. */
int clock_may_wake(int clock);
/* On which clock a time relative to now is kept: it does not follow when the wall's is set (POSIX,
   clock_settime). */
int clock_of_interval(int clock);

#endif

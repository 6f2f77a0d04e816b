/* clocks.h: the clocks of clock_gettime(2). */
#ifndef BATON_PROCESS_CLOCKS_H
#define BATON_PROCESS_CLOCKS_H

#include "process/time_values.h"

/* What the clock says for the calling thread, in ns. -EINVAL: there is no such clock. */
int clock_read(int clock, uint64_t *now);
/* Does it run evenly, so that a deadline on it is one of clock_now()? */
bool clock_is_steady(int clock);

#endif

/* clock.h: the wall time from the firmware. */
#ifndef BATON_LOADER_CLOCK_H
#define BATON_LOADER_CLOCK_H

#include <handoff.h>

/* Without a usable clock time->valid is 0: the kernel starts at 1970. */
void clock_read(struct handoff_time *time);

#endif

/* load.h: how many threads wanted a processor lately: the load averages of proc(5), loadavg. */
#ifndef BATON_THREAD_LOAD_H
#define BATON_THREAD_LOAD_H

#include "library/types.h"

#define LOAD_SHIFT 11 /* bits behind the point, as in Linux */

/* Takes a sample, if it is time for one: `now` in ns since boot. Interrupts off. */
void load_sample(uint64_t now);
extern uint64_t load_next_sample; /* before it there is nothing to do; atomic */

/* Over 1, 5 and 15 minutes. */
void load_averages(uint64_t averages[3]);

#endif

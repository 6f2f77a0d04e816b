/* out_of_memory.h: who has to go when memory ends. */
#ifndef BATON_PROCESS_OUT_OF_MEMORY_H
#define BATON_PROCESS_OUT_OF_MEMORY_H

#include "library/types.h"

struct process;

/*
 * There was no frame for a page that the calling thread touched. Ends a process by the rule
 * (SIGKILL), or waits for the one that is ending already; then the touch can be repeated. False:
 * there is none to end but PID 1, or the caller itself must end. May sleep.
 */
bool out_of_memory(void);

/*
 * The same for a call that answers ENOMEM: true: it can be made once more. Nobody is ended unless
 * that gives back a good part of memory. `attempts`: how often it was made before.
 */
bool out_of_memory_call_again(unsigned attempts);

/*
 * What the rule compares: pages that the process's end gives back, or all that its user holds, and
 * its share of all memory by oom_score_adj. INT64_MIN: it is never chosen. Takes the process's
 * lock; may give others a turn.
 */
int64_t out_of_memory_score(struct process *process);

#endif

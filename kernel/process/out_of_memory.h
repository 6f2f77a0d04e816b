/* out_of_memory.h: who has to go when memory ends. */
#ifndef BATON_PROCESS_OUT_OF_MEMORY_H
#define BATON_PROCESS_OUT_OF_MEMORY_H

#include "library/types.h"

/*
 * There was no frame for a page that the calling thread touched. Ends the
 * process with the most resident pages (SIGKILL), or waits for the one that is
 * ending already; then the touch can be repeated. False: there is none to end
 * but PID 1. May sleep.
 */
bool out_of_memory(void);

#endif

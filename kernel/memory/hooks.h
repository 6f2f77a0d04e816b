/*
 * hooks.h: what this room asks of the rooms above. The table is constant, and all of it is there
 * from the first instruction on: kernel/start/hooks.c.
 */
#ifndef BATON_MEMORY_HOOKS_H
#define BATON_MEMORY_HOOKS_H

#include "library/types.h"

extern const struct memory_hooks {
    /* There was no frame for the calling thread: gathers what is kept in reserve, ends a program,
       or waits for one that ends. True: try again. As memory_last_resort(). */
    bool (*out_of_memory)(void);
    /* Is the calling thread free of RLIMIT_MEMLOCK (CAP_IPC_LOCK)? Space's mutex held. */
    bool (*lock_unlimited)(void);
} memory_hooks;

#endif

/* start.h: what start.S notes at the loader's first instruction. */
#ifndef BATON_LOADER_START_H
#define BATON_LOADER_START_H

#include <handoff.h>

/* The first instruction; never called. */
extern const char loader_start[];

/* Filled before any compiled code runs; the offsets are asserted in main.c. */
extern struct handoff_entry_state start_state;

#endif

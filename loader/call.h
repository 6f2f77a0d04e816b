/* call.h: how the loader comes back from firmware (call.S). */
#ifndef BATON_LOADER_CALL_H
#define BATON_LOADER_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "start.h"

/* RFLAGS; the offsets are asserted in main.c. */
struct call_flags {
    uint64_t kept; /* what every call ends with; in the beginning start.S says what */
    uint64_t left; /* what the last call itself left */
};
extern struct call_flags call_flags;

/* From the next call on: interrupts are as they were when the loader began, or off. */
static inline void calls_allow_interrupts(bool allowed)
{
    const uint64_t interrupts = 0x200;

    call_flags.kept &= ~interrupts;
    if (allowed)
        call_flags.kept |= start_state.rflags & interrupts;
}

#endif

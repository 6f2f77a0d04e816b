/*
 * processor_state.h: what code that is not ours may change in the processor and no stack brings
 * back: control registers, descriptor tables, segments, model-specific registers, breakpoints.
 */
#ifndef BATON_CPU_PROCESSOR_STATE_H
#define BATON_CPU_PROCESSOR_STATE_H

#include "library/types.h"

struct cpu;

#define PROCESSOR_STATE_REGISTERS 19

struct processor_state {
    uint64_t value[PROCESSOR_STATE_REGISTERS];
};

/* Of this CPU, interrupts off before and after. */
void processor_state_take(struct processor_state *state);

/*
 * Puts back what is not as it was then, and the base of GS in any case: it is `cpu`'s. Returns what
 * had changed, a bit each. Interrupts off; no stack of the other code's is in use.
 */
uint32_t processor_state_restore(const struct processor_state *state, struct cpu *cpu);

/* What those bits mean, for the log: "CR4, LSTAR". Returns `text`. */
const char *processor_state_names(uint32_t changed, char *text, size_t size);

#endif

/*
 * clock_choice.h: which of several clocks is believed. Each has said how fast one and the same
 * counter runs. Pure.
 */
#ifndef BATON_LIBRARY_CLOCK_CHOICE_H
#define BATON_LIBRARY_CLOCK_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a clock says; `frequency` in Hz, 0: it stands still, or says nothing. */
struct clock_witness {
    const char *name;
    uint64_t frequency;
};

/* Do they say the same, but for what a measurement of some milliseconds may be wrong? Not if one
   says nothing. */
bool clock_witnesses_agree(uint64_t left, uint64_t right);

/*
 * The number of the first witness with whom another one agrees; where there is none, the first that
 * says anything at all; -1: none does. `count` is at most 32.
 */
int clock_choose(const struct clock_witness *witnesses, size_t count);

/* What CPUID says of the time stamp counter in Hz (Intel SDM volume 2, leaves 15H and 16H; for a
   virtual machine the hypervisor's leaf 40000010H): 0: nothing, or what no processor does. */
struct clock_leaves {
    uint32_t denominator, numerator, crystal; /* 15H: EAX, EBX, ECX */
    uint32_t base_megahertz;                  /* 16H: EAX */
    uint32_t hypervisor_kilohertz;            /* 40000010H: EAX */
};
uint64_t clock_stated_frequency(const struct clock_leaves *leaves);

#endif

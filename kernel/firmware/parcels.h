/*
 * parcels.h: what a service of the firmware is given to read and to fill. Each lies at the end of
 * memory of its own, with an unmapped page behind it: a service that writes more than there is room
 * for faults there, and has not written into the kernel's other memory.
 *
 * One call at a time: the caller sees to that.
 */
#ifndef BATON_FIRMWARE_PARCELS_H
#define BATON_FIRMWARE_PARCELS_H

#include "cpu/contained_call.h"
#include "library/types.h"

/* A number, or the address of `size` bytes of ours. */
struct argument {
    uint64_t value;
    size_t size; /* 0: a number */
};

/* What the service sees. */
struct arguments {
    uint64_t value[CONTAINED_ARGUMENTS];
};

/* At boot. 0 or -ENOMEM. */
int parcels_initialize(void);

/* Packs what is given. 0, or -ENOMEM with nothing packed. */
int parcels_pack(const struct argument given[CONTAINED_ARGUMENTS], struct arguments *packed);

/* Brings back what the parcels hold now, and ends them. Interrupts on, no spinlock held. */
void parcels_unpack(const struct argument given[CONTAINED_ARGUMENTS],
                    const struct arguments *packed);

#endif

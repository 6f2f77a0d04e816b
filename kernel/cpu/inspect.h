/* inspect.h: what one processor says of itself: CPUID and model-specific registers. */
#ifndef BATON_CPU_INSPECT_H
#define BATON_CPU_INSPECT_H

#include <instructions.h>

#include "library/types.h"

/*
 * Both run on processor `number`, and wait until it has answered. Interrupts on, no spinlock held.
 * -ENXIO: that processor is not online.
 */
int cpu_inspect_cpuid(unsigned number, uint32_t leaf, uint32_t subleaf,
                      struct cpuid_result *result);
/* -EIO: the processor has no such register, or does not let it be read (#GP). */
int cpu_inspect_msr(unsigned number, uint32_t msr, uint64_t *value);

#endif

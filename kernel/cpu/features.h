/* features.h: finding and turning on what the processor can do. */
#ifndef BATON_CPU_FEATURES_H
#define BATON_CPU_FEATURES_H

#include "library/types.h"

/* Fills cpu_features (cpu.h); once, on the boot CPU. NX is demanded by kernel/start/. */
void cpu_features_find(void);
/* Sets this CPU's CR0 and CR4: WP, SMEP, SMAP, UMIP, global pages, SSE, XSAVE. The kernel's own
   tables are loaded. */
void cpu_features_enable(void);

/* A bit of CPUID (Intel SDM volume 2): in register `output`, 'b', 'c' or 'd', of a leaf; false
   where the leaf is not there. */
bool cpu_has_flag(uint32_t leaf, char output, unsigned bit);

/* Who made this processor and which one it is; NUL-terminated. */
struct cpu_identity {
    char vendor[13], model_name[49];
    uint32_t family, model, stepping;
};
void cpu_identify(struct cpu_identity *identity);

/* Cache number `index`, as the calling processor describes it. False: no more. */
struct cache_description;
bool cpu_cache_at(unsigned index, struct cache_description *cache);
/* Bits of addresses that programs' pointers could have, by CPUID. */
unsigned cpu_virtual_bits(void);

/*
 * Do the MTRRs say that all of this memory is write-back (library/memory_type.h)? For the boot CPU,
 * once its features are known.
 */
bool cpu_memory_is_write_back(paddr_t base, uint64_t size);

#endif

/* processor.h: instructions that only the loader needs (Intel SDM, volume 2). */
#ifndef BATON_LOADER_PROCESSOR_H
#define BATON_LOADER_PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>

#include <instructions.h>

/* One RDRAND; false when the generator had nothing (SDM volume 1, 7.3.17). */
static inline bool random_read(uint64_t *value)
{
    bool ready;

    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ready));
    return ready;
}

/* MAXPHYADDR (SDM volume 3A, 4.1.4). */
static inline unsigned physical_address_bits(void)
{
    return cpuid(0x80000000, 0).eax >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
}

/* CR4.LA57 (SDM volume 3A, 4.1.1). */
static inline bool five_level_paging(void)
{
    uint64_t control;

    __asm__ volatile("mov %%cr4, %0" : "=r"(control));
    return control & UINT64_C(1) << 12;
}

#endif

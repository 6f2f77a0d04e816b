/* registers.h: stands in for the kernel's on the host, where nobody may use these instructions. */
#ifndef BATON_CPU_REGISTERS_H
#define BATON_CPU_REGISTERS_H

#include "library/types.h"

#define RFLAGS_IF (1UL << 9)

static inline bool interrupts_save(void)
{
    return true;
}

static inline void interrupts_restore(bool enabled)
{
    (void)enabled;
}

/* No address space is ever in use. */
static inline uint64_t cr3_read(void)
{
    return 0;
}

static inline void page_invalidate(vaddr_t page)
{
    (void)page;
}

static inline void cpu_relax(void)
{
}

#endif

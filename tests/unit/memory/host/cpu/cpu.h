/* cpu.h: stands in for the kernel's on the host: there is one CPU. */
#ifndef BATON_CPU_CPU_H
#define BATON_CPU_CPU_H

#include "library/types.h"

#define CPU_MAXIMUM 2

struct cpu {
    uint32_t number;
};

static inline struct cpu *cpu_current(void)
{
    static struct cpu cpu;
    return &cpu;
}

#endif

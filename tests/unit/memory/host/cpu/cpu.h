/* cpu.h: stands in for the kernel's on the host: there is one CPU. */
#ifndef BATON_CPU_CPU_H
#define BATON_CPU_CPU_H

#include "cpu/cpu_set.h"

struct cpu {
    uint32_t number;
};

struct cpu_features {
    uint8_t physical_bits;
};

extern struct cpu_set cpu_online;
extern struct cpu_features cpu_features;

static inline struct cpu *cpu_current(void)
{
    static struct cpu cpu;
    return &cpu;
}

#endif

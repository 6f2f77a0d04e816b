#include "cpu/cpu.h"

struct cpu *cpus[CPU_MAXIMUM];
uint32_t cpu_count;

#include "cpu/cpu.h"

struct cpu *cpus[CPU_MAXIMUM];
unsigned cpu_set_words = 1;
const struct cpu_set cpu_set_all = {.words = {[0 ... CPU_MAXIMUM / 64 - 1] = UINT64_MAX}};
struct cpu_set cpu_online;
uint32_t cpu_count;

/* processor.h: the few instructions of x86-64 that C has no words for (Intel SDM, volume 2). */
#ifndef BATON_LOADER_PROCESSOR_H
#define BATON_LOADER_PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>

#include <handoff.h>

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf)
{
    struct cpuid result;

    __asm__ volatile("cpuid"
                     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                     : "a"(leaf), "c"(0));
    return result;
}

static inline uint64_t time_stamp_counter(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* One RDRAND; false when the generator had nothing (SDM volume 1, 7.3.17). */
static inline bool random_read(uint64_t *value)
{
    bool ready;

    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ready));
    return ready;
}

/* CR4.LA57 (SDM volume 3A, 4.1.1). */
static inline bool five_level_paging(void)
{
    uint64_t control;

    __asm__ volatile("mov %%cr4, %0" : "=r"(control));
    return control & UINT64_C(1) << 12;
}

static inline void port_write8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t port_read8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void port_write32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t port_read32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void interrupts_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void processor_halt(void)
{
    __asm__ volatile("hlt");
}

#endif

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

/* What the firmware calls may be called with any direction flag; call.S sees to our own calls. */
static inline void direction_clear(void)
{
    __asm__ volatile("cld" : : : "memory", "cc");
}

/* ---- what the firmware has left; the loader changes none of it ---- */

static inline uint64_t cs_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cs, %0" : "=r"(value));
    return value;
}

static inline uint64_t ds_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%ds, %0" : "=r"(value));
    return value;
}

static inline uint64_t es_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%es, %0" : "=r"(value));
    return value;
}

static inline uint64_t fs_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%fs, %0" : "=r"(value));
    return value;
}

static inline uint64_t gs_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%gs, %0" : "=r"(value));
    return value;
}

static inline uint64_t ss_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%ss, %0" : "=r"(value));
    return value;
}

static inline uint64_t task_register_read(void)
{
    uint64_t value;

    __asm__ volatile("str %0" : "=r"(value));
    return value;
}

static inline uint64_t local_table_read(void)
{
    uint64_t value;

    __asm__ volatile("sldt %0" : "=r"(value));
    return value;
}

static inline uint64_t cr8_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr8, %0" : "=r"(value));
    return value;
}

/* A limit of 16 bits and a base of 64; no structure: this target pads packed ones too. */
#define DESCRIPTOR_TABLE_SIZE 10

static inline void gdt_read(uint8_t table[DESCRIPTOR_TABLE_SIZE])
{
    __asm__ volatile("sgdt %0" : "=m"(*(uint8_t(*)[DESCRIPTOR_TABLE_SIZE])table));
}

static inline void idt_read(uint8_t table[DESCRIPTOR_TABLE_SIZE])
{
    __asm__ volatile("sidt %0" : "=m"(*(uint8_t(*)[DESCRIPTOR_TABLE_SIZE])table));
}

/* CR4.OSXSAVE has to be set. */
static inline uint64_t xcr0_read(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* CR0.EM and TS have to be clear. */
static inline uint16_t x87_control_read(void)
{
    uint16_t value;

    __asm__ volatile("fnstcw %0" : "=m"(value));
    return value;
}

/* And CR4.OSFXSR set. */
static inline uint32_t mxcsr_read(void)
{
    uint32_t value;

    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

/* MAXPHYADDR (SDM volume 3A, 4.1.4). */
static inline unsigned physical_address_bits(void)
{
    return cpuid(0x80000000, 0).eax >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
}

/* CR4.LA57 (SDM volume 3A, 4.1.1). */
static inline bool five_level_paging(void)
{
    return cr4_read() & UINT64_C(1) << 12;
}

/* The registers of x87 and SSE (SDM volume 1, 10.5.1). */
struct vector_registers {
    uint8_t bytes[512];
} __attribute__((aligned(16)));

static inline void vector_registers_save(struct vector_registers *registers)
{
    __asm__ volatile("fxsave64 %0" : "=m"(*registers));
}

static inline void vector_registers_load(const struct vector_registers *registers)
{
    __asm__ volatile("fxrstor64 %0" ::"m"(*registers));
}

#endif

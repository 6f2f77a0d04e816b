/* registers.h: the instructions that C has no words for, one function each: the kernel's own. */
#ifndef BATON_CPU_REGISTERS_H
#define BATON_CPU_REGISTERS_H

#include <instructions.h>

#include "library/types.h"

/* Control register bits (Intel SDM volume 3, 2.5). */
#define CR0_MP         (1UL << 1)
#define CR0_EM         (1UL << 2)
#define CR0_TS         (1UL << 3)
#define CR0_NE         (1UL << 5)
#define CR0_WP         (1UL << 16)
#define CR4_PAE        (1UL << 5)
#define CR4_MCE        (1UL << 6)
#define CR4_PGE        (1UL << 7)
#define CR4_OSFXSR     (1UL << 9)
#define CR4_OSXMMEXCPT (1UL << 10)
#define CR4_UMIP       (1UL << 11)
#define CR4_FSGSBASE   (1UL << 16)
#define CR4_OSXSAVE    (1UL << 18)
#define CR4_SMEP       (1UL << 20)
#define CR4_SMAP       (1UL << 21)

/* RFLAGS bits (Intel SDM volume 1, 3.4.3). */
#define RFLAGS_CF    (1UL << 0)
#define RFLAGS_FIXED (1UL << 1)
#define RFLAGS_TF    (1UL << 8)
#define RFLAGS_IF    (1UL << 9)
#define RFLAGS_DF    (1UL << 10)
#define RFLAGS_IOPL  (3UL << 12)
#define RFLAGS_NT    (1UL << 14)
#define RFLAGS_RF    (1UL << 16)
#define RFLAGS_AC    (1UL << 18)
#define RFLAGS_ID    (1UL << 21)

/* Model-specific registers (Intel SDM volume 4). */
#define MSR_APIC_BASE      0x1bU
#define MSR_MTRR_CAP       0xfeU
#define MSR_MTRR_PHYSBASE0 0x200U /* PHYSMASK0 behind it, then the next pair */
#define MSR_MTRR_DEF_TYPE  0x2ffU
#define MSR_PAT            0x277U
#define MSR_EFER           0xc0000080U
#define MSR_STAR           0xc0000081U
#define MSR_LSTAR          0xc0000082U
#define MSR_CSTAR          0xc0000083U
#define MSR_FMASK          0xc0000084U
#define MSR_FS_BASE        0xc0000100U
#define MSR_GS_BASE        0xc0000101U
#define MSR_KERNEL_GS_BASE 0xc0000102U
#define MSR_TSC_AUX        0xc0000103U
#define EFER_SCE           (1UL << 0)
#define EFER_NXE           (1UL << 11)

/*
 * Makes PWT and PCD in page tables mean what PAGE_* (memory/page_table.h) say: the value of reset,
 * but entry 1 (PWT alone) is write-combining (Intel SDM volume 3, 11.12.4). From entry 0 up: WB,
 * WC, UC-, UC, twice. On each CPU, before the kernel's tables are loaded.
 */
static inline void page_attributes_load(void)
{
    msr_write(MSR_PAT, 0x0007010600070106UL);
}

/* Only three places may call this: docs/architecture.md, invariant 1. */
static inline void cr3_write(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" ::"r"(value) : "memory");
}

/* No gate at all and a trap: a triple fault, which resets the machine (Intel SDM volume 3, 6.15).
 */
static inline void triple_fault(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) nothing = {0, 0};
    __asm__ volatile("lidt %0\n\t"
                     "int3" ::"m"(nothing));
}

static inline void page_invalidate(vaddr_t page)
{
    __asm__ volatile("invlpg (%0)" ::"r"(page) : "memory");
}

/* What was stored before is seen by others before anything after is loaded. A locked instruction
   does that, and sooner than MFENCE (Intel SDM volume 3, 9.2.2; Linux's smp_mb() is one too). */
static inline void memory_barrier(void)
{
    __asm__ volatile("lock; orl $0, (%%rsp)" ::: "memory", "cc");
}

/* Everything before is seen by others before what comes after begins. */
static inline void memory_and_load_fence(void)
{
    __asm__ volatile("mfence; lfence" ::: "memory");
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

/* ---- interrupts on this CPU ---- */

static inline void interrupts_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

/* Waits for an interrupt. Interrupts are off before and after; none can come between turning them
   on and the halt (Intel SDM volume 2, STI). */
static inline void interrupts_await(void)
{
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

static inline bool interrupts_enabled(void)
{
    return rflags_read() & RFLAGS_IF;
}

/* Disables interrupts; returns what interrupts_restore() wants. */
static inline bool interrupts_save(void)
{
    bool enabled = interrupts_enabled();
    interrupts_disable();
    return enabled;
}

static inline void interrupts_restore(bool enabled)
{
    if (enabled)
        interrupts_enable();
}

#endif

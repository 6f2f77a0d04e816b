/*
 * cpu.h: what each processor has for itself. GS points at it in the kernel.
 */
#ifndef BATON_CPU_CPU_H
#define BATON_CPU_CPU_H

#include "cpu/lock_order.h"
#include "library/types.h"

#define CPU_MAXIMUM 64

struct thread;
struct run_queue;

/* The task state segment (Intel SDM volume 3, 8.7). */
struct task_state {
    uint32_t reserved0;
    uint64_t rsp[3]; /* rsp[0]: the kernel stack that traps from user mode use */
    uint64_t reserved1;
    uint64_t ist[7]; /* stacks for double fault, NMI, machine check */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map_base;
} __attribute__((packed));

/*
 * Fields without a remark are written at start-up only. "own": only this CPU
 * touches it, with interrupts off or where a migration cannot hurt.
 */
struct cpu {
    struct cpu *self;           /* offset 0: GS:0 */
    struct thread *current;     /* offset 8: own; the thread that runs here */
    vaddr_t kernel_stack_top;   /* offset 16: own; where a system call's stack starts */
    vaddr_t user_stack_scratch; /* offset 24: own; RSP of user mode during the entry stub */
    uint32_t number;            /* 0, 1, … in the order of their start */
    uint32_t apic_id;
    bool online;         /* atomic */
    struct thread *idle; /* runs when nothing else can */
    struct run_queue *run_queue;
    uint32_t spinlocks_held;             /* own; debug builds */
    uint8_t ranks_held[LOCK_RANK_COUNT]; /* own; debug builds: how many of each rank */
    uint32_t interrupt_depth;            /* own */
    uint64_t *root_left;     /* own; across a context switch: the mask of the root left */
    uint64_t timer_deadline; /* own; ns since boot the timer is armed for, or UINT64_MAX */
    uint64_t descriptors[8]; /* the GDT */
    struct task_state task_state;
    uint32_t interrupts[256]; /* own; atomic to read: how often each vector came, from 32 on */
};

_Static_assert(__builtin_offsetof(struct cpu, current) == 8, "trap_entry.S knows it");
_Static_assert(__builtin_offsetof(struct cpu, kernel_stack_top) == 16, "syscall entry knows it");
_Static_assert(__builtin_offsetof(struct cpu, user_stack_scratch) == 24, "syscall entry knows it");

extern struct cpu *cpus[CPU_MAXIMUM]; /* by number; NULL: not there */
extern uint32_t cpu_count;            /* CPUs that are online */

/* The CPUs that are online, a bit each. */
static inline uint64_t cpu_online_mask(void)
{
    uint64_t mask = 0;

    for (unsigned number = 0; number < CPU_MAXIMUM; number++) {
        if (cpus[number] && __atomic_load_n(&cpus[number]->online, __ATOMIC_RELAXED))
            mask |= 1UL << number;
    }
    return mask;
}

/* This CPU. The answer stays true only while the thread cannot be moved. */
static inline struct cpu *cpu_current(void)
{
    struct cpu *cpu;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

/* What the processor can do (CPUID), found once at boot. */
struct cpu_features {
    bool nx, smep, smap, umip, gigabyte_pages, global_pages, xsave, rdrand, rdtscp;
    bool invariant_tsc, x2apic;
    uint32_t basic; /* EDX of leaf 1, which programs get as AT_HWCAP */
    uint8_t physical_bits;
};
extern struct cpu_features cpu_features;

#endif

/*
 * cpu.h: what each processor has for itself. GS points at it in the kernel.
 */
#ifndef BATON_CPU_CPU_H
#define BATON_CPU_CPU_H

#include "cpu/cpu_set.h"
#include "cpu/lock_order.h"
#include "cpu/user_segments.h"
#include "library/types.h"

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
    uint32_t number;            /* nobody else ever has the same */
    uint32_t apic_id;
    uint32_t set_word; /* where its bit is in a set: cpu_enter_number() */
    uint64_t set_bit;
    struct thread *idle; /* runs when nothing else can */
    struct run_queue *run_queue;
    uint32_t spinlocks_held;             /* own; debug builds */
    uint8_t ranks_held[LOCK_RANK_COUNT]; /* own; debug builds: how many of each rank */
    uint32_t interrupt_depth;            /* own */
    struct cpu_set *root_left;     /* own; across a context switch: who may hold the root left */
    void (*called)(void *context); /* call.c: own; what it has others do, while it waits for them */
    void *called_context;          /* the same */
    struct cpu_set called_by;      /* call.c: who has something for this CPU to do; atomic */
    struct cpu_set call_pending;   /* call.c: who has not done yet what it wants; atomic */
    struct user_segments user_segments; /* own; what its registers hold for user mode */
    uint64_t timer_deadline; /* own; ns since boot the timer is armed for, or UINT64_MAX */
    uint64_t descriptors[8]; /* the GDT */
    struct task_state task_state;
    uint32_t interrupts[256]; /* own; atomic to read: how often each vector came, from 32 on */
};

_Static_assert(__builtin_offsetof(struct cpu, current) == 8, "trap_entry.S knows it");
_Static_assert(__builtin_offsetof(struct cpu, kernel_stack_top) == 16, "syscall entry knows it");
_Static_assert(__builtin_offsetof(struct cpu, user_stack_scratch) == 24, "syscall entry knows it");

extern struct cpu *cpus[CPU_MAXIMUM]; /* by number; those that are online are never NULL again */
extern struct cpu_set cpu_online;     /* who takes part; nobody leaves it; atomic */
extern uint32_t cpu_count;            /* how many these are; atomic */

/* At start-up, before anything else is asked of it. */
static inline void cpu_enter_number(struct cpu *cpu, uint32_t number)
{
    cpu->number = number;
    cpu->set_word = number / 64;
    cpu->set_bit = 1UL << number % 64;
}

/* As cpu_set_has() by its number; each switch of threads asks. */
static inline bool cpu_is_in(const struct cpu *cpu, const struct cpu_set *set)
{
    return cpu_set_word(set, cpu->set_word) & cpu->set_bit;
}

/* Both are full barriers: what the caller does behind them happens after. */
static inline void cpu_join(const struct cpu *cpu, struct cpu_set *set)
{
    __atomic_fetch_or(&set->words[cpu->set_word], cpu->set_bit, __ATOMIC_SEQ_CST);
}

static inline void cpu_leave(const struct cpu *cpu, struct cpu_set *set)
{
    __atomic_fetch_and(&set->words[cpu->set_word], ~cpu->set_bit, __ATOMIC_SEQ_CST);
}

/* The CPU that is online and has the next number, round and round. */
static inline struct cpu *cpu_next_online(const struct cpu *cpu)
{
    unsigned number = cpu_set_next(&cpu_online, cpu->number + 1);

    return cpus[number < CPU_MAXIMUM ? number : cpu_set_next(&cpu_online, 0)];
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

/*
 * trap.h: how control comes into the kernel and leaves it.
 */
#ifndef BATON_CPU_TRAP_H
#define BATON_CPU_TRAP_H

#include "library/types.h"

/* Pushed by trap_entry.S. The general registers lie as in Linux's struct sigcontext, so that a
   signal's frame takes and gives them in one piece. */
struct trap_frame {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx;
    uint64_t vector; /* 0-255, or TRAP_SYSCALL */
    uint64_t code;   /* a trap's error code; a system call's original number (restart) */
    uint64_t rip, cs, rflags, rsp, ss;
};

#define TRAP_SYSCALL 256
/* Written into a system call's frame whose registers were replaced (sigreturn, a handler's
   start): it is no call to restart, and leaves by IRETQ, not by SYSRET. */
#define TRAP_NONE 257

enum {
    TRAP_DIVIDE = 0,
    TRAP_DEBUG = 1,
    TRAP_NMI = 2,
    TRAP_BREAKPOINT = 3,
    TRAP_OVERFLOW = 4,
    TRAP_BOUND = 5,
    TRAP_INVALID_OPCODE = 6,
    TRAP_NO_DEVICE = 7,
    TRAP_DOUBLE_FAULT = 8,
    TRAP_INVALID_TSS = 10,
    TRAP_NO_SEGMENT = 11,
    TRAP_STACK = 12,
    TRAP_PROTECTION = 13,
    TRAP_PAGE_FAULT = 14,
    TRAP_X87 = 16,
    TRAP_ALIGNMENT = 17,
    TRAP_MACHINE_CHECK = 18,
    TRAP_SIMD = 19,
};

/* Error code bits of a page fault (Intel SDM volume 3, 4.7). */
#define PAGE_FAULT_PRESENT (1U << 0)
#define PAGE_FAULT_WRITE   (1U << 1)
#define PAGE_FAULT_USER    (1U << 2) /* not to be trusted: see trap_from_user() */
#define PAGE_FAULT_FETCH   (1U << 4)

/* Selectors. The order is what SYSCALL and SYSRET want (Intel SDM volume 3, 5.8.8). */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA   0x1b
#define SELECTOR_USER_CODE   0x23
#define SELECTOR_TASK_STATE  0x28
#define SELECTOR_CPU_NUMBER  0x3b /* its limit is the CPU's number, for the vDSO's getcpu */

/* QEMU 7.2 clears the U bit of faults in far returns: the CS in the frame decides. */
static inline bool trap_from_user(const struct trap_frame *frame)
{
    return frame->cs & 3;
}

/* Builds the interrupt descriptor table; once, before the first trap_initialize_cpu(). */
void trap_initialize(void);

/*
 * Loads the CPU's GDT, TSS, IDT, system-call entry and GS, so that cpu_current() is `cpu`.
 * Its `ist` stacks are set (the low ends of TRAP_STACK_COUNT stacks of TRAP_STACK_SIZE bytes).
 * Interrupts off.
 */
#define TRAP_STACK_SIZE  8192
#define TRAP_STACK_COUNT 4
struct cpu;
void trap_initialize_cpu(struct cpu *cpu, char (*stacks)[TRAP_STACK_SIZE]);
/* Where a trap or a call from user mode of the CPU's next thread starts to push. Interrupts off. */
void trap_set_kernel_stack(struct cpu *cpu, vaddr_t top);

/*
 * For contained_call.c, interrupts off: while the CPU runs code that is not ours, whatever comes
 * finds a stack that is (the debug trap's), however that code has set its own. The second says of a
 * frame whether it lies there, or on that of the double fault.
 */
void trap_enter_contained(void);
/* Its descriptors, selectors and interrupt table again; GS has no base then. */
void trap_load_segments(struct cpu *cpu);
bool trap_on_contained_stack(const struct trap_frame *frame, const struct cpu *cpu);
void trap_leave_contained(void);

/* ---- interrupts of devices and timers ---- */

#define VECTOR_DEVICE_FIRST 0x30
#define VECTOR_DEVICE_LAST  0xdf
#define VECTOR_TIMER        0xe0
#define VECTOR_RESCHEDULE   0xe1
#define VECTOR_CALL         0xe2
#define VECTOR_LOG          0xe3
#define VECTOR_STOP         0xe4
#define VECTOR_SPURIOUS     0xff

typedef void interrupt_handler(void *context, struct trap_frame *frame);

/*
 * Calls `handler` at every interrupt of `vector`, with interrupts off, on the
 * stack of whatever ran; the end of interrupt is signalled by the caller.
 */
void interrupt_set_handler(uint8_t vector, interrupt_handler *handler, void *context);

/* Until it is NULL again, whoever comes on a vector that nobody handles is given to `watch`, which
   signals the end itself. At boot, interrupts off. */
void interrupt_watch_stray(void (*watch)(struct trap_frame *frame));

/* For the log: what a vector below 32 is called. */
const char *trap_name(uint64_t vector);

/* trap_entry.S: leaves to user mode by the frame (IRETQ). Interrupts off. */
_Noreturn void trap_return_to_user(struct trap_frame *frame);

#endif

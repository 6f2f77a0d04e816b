/*
 * contained_call.h: a call into code that is not ours (the firmware's), which may do anything: it
 * is given a stack, registers and a time, and whatever it runs into ends the call and not the
 * kernel. How the parties meet is drawn in kernel/firmware/README.md.
 */
#ifndef BATON_CPU_CONTAINED_CALL_H
#define BATON_CPU_CONTAINED_CALL_H

#include "cpu/trap.h"

enum contained_end {
    CONTAINED_RETURNED,
    CONTAINED_TRAPPED, /* a trap that `resolve` did not mend */
    CONTAINED_LATE,    /* its time was over */
};

#define CONTAINED_ARGUMENTS 5

/* How it left the processor; means something when it returned. */
struct contained_after {
    uint64_t rflags;
    uint64_t registers[8];      /* RBX, RBP, RSI, RDI, R12 to R15 */
    uint64_t vector_halves[20]; /* XMM6 to XMM15 */
};

struct contained_call {
    vaddr_t function; /* in Microsoft's calling convention (UEFI 2.10, 2.3.4.2) */
    uint64_t arguments[CONTAINED_ARGUMENTS];
    vaddr_t stack_top; /* of a stack of its own, 16-byte aligned */
    /* ns since boot; it ends at the first timer interrupt after that, or, if it has turned
       interrupts off, at the first NMI (interrupt_nmi_ticks()) */
    uint64_t deadline;
    /*
     * A page fault of the call. True: mended, it goes on. Interrupts off, on a stack of 8 KiB; no
     * lock of the kernel's is held, for it is not kernel code that was interrupted.
     */
    bool (*resolve)(struct contained_call *call, const struct trap_frame *frame, vaddr_t address);

    uint64_t result;        /* CONTAINED_RETURNED: what it returned */
    struct trap_frame trap; /* else: where it was */
    vaddr_t address;        /* of a page fault */
    struct contained_after after;
    uint32_t changed;  /* of the processor, and put back: processor_state_names() */
    size_t stack_size; /* bytes below stack_top; given like what stands first */

    /* contained_call.c's own. */
    enum contained_end end;
    uint32_t interrupt_depth;
};

/*
 * Makes the call on the thread's present root. Interrupts are on meanwhile, so that it may take as
 * long as it likes; the thread stays on its CPU. One call at a time in the machine: the caller sees
 * to that. Afterwards everything is as before: stack, flags, FPU, control registers, interrupt
 * table. Any context without spinlocks, but not within another such call.
 */
enum contained_end contained_call(struct contained_call *call);

/*
 * By another CPU, now and then while a call is made where interrupt_nmi_ticks() gives none: one
 * whose time is over gets an NMI from here, should nothing else reach it. The call's structure
 * stays until this has returned. Interrupts off.
 */
void contained_call_watch(void);

/* Which registers it changed that it should have preserved: bit n is register n in the order of
   ModRM, bit 16 + n XMM n. */
uint32_t contained_call_changed(const struct contained_after *after);

/* A call is being made, by whichever CPU. Any context. */
bool contained_call_runs(void);

/* ---- for trap.c, panic.c and clock.c ---- */

/* A trap of the kernel's. True: it came from a contained call, and `frame` is where to go on. */
bool contained_call_trap(struct trap_frame *frame, vaddr_t address);
/* An NMI. True: one that was meant for a call on this CPU, which it ends if its time is over. */
bool contained_call_nmi(struct trap_frame *frame);
/* At each timer interrupt: ends the call that was interrupted if its time is over. */
void contained_call_tick(struct trap_frame *frame);

#endif

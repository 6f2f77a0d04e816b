/*
 * hooks.h: what this room asks of the rooms above. The table is constant, and all of it is there
 * from the first instruction on: kernel/start/hooks.c.
 */
#ifndef BATON_CPU_HOOKS_H
#define BATON_CPU_HOOKS_H

#include "cpu/trap.h"

extern const struct cpu_hooks {
    /* A system call; sets frame->rax. Interrupts on; may sleep. The first field: trap_entry.S. */
    void (*system_call)(struct trap_frame *frame);
    /*
     * A page fault at `address`. True: resolved, go on. May sleep if the fault
     * came from user mode or from a user_copy with interrupts on; interrupts are
     * on when the interrupted code had them on.
     */
    bool (*page_fault)(struct trap_frame *frame, vaddr_t address);
    /* A trap that user mode caused and nobody resolved: a signal. Interrupts on; may sleep. */
    void (*user_trap)(struct trap_frame *frame, vaddr_t address);
    /*
     * The last thing before user mode, called with interrupts off; may turn
     * them on and sleep meanwhile, returns with them off.
     */
    void (*user_return)(struct trap_frame *frame);
    /* A record came that log_await() asked for. In an interrupt of its own, no lock held. */
    void (*log_wake)(void);
    /*
     * Was the power button pressed since the last call? After a panic, interrupts off; false where
     * it is not known yet how to ask.
     */
    bool (*power_button_pressed)(void);
} cpu_hooks;

#endif

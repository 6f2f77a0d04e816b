/*
 * signal_state.h: what a process and each of its threads remember about
 * signals. The structures only; what is done with them is in signal.h.
 */
#ifndef BATON_PROCESS_SIGNAL_STATE_H
#define BATON_PROCESS_SIGNAL_STATE_H

#include <bsd/sys/queue.h>

#include "cpu/spinlock.h"
#include "library/types.h"

struct queued_signal; /* signal.c: a siginfo and its link */

#define SIGNAL_COUNT 64

/* Bit n-1 stands for signal n, as in the kernel's sigset_t. */
typedef uint64_t signal_set;

static inline signal_set signal_bit(int signal)
{
    return 1UL << (signal - 1);
}

/* Signals that were sent and not yet taken. Guarded by the process's lock. */
struct signal_queue {
    signal_set set;                             /* which signals are in it */
    TAILQ_HEAD(, queued_signal) queued_signals; /* oldest first; a standard signal at most once */
};

/* The layout of rt_sigaction(2)'s structure on x86-64. */
struct signal_action {
    vaddr_t handler; /* or SIG_DFL, SIG_IGN */
    uint64_t flags;  /* SA_* */
    vaddr_t restorer;
    signal_set mask;
};

/* What each signal does. Shared between processes by CLONE_SIGHAND. */
struct signal_actions {
    uint32_t references; /* atomic */
    /* Taken after a process's lock, interrupts off. */
    struct spinlock lock;
    struct signal_action actions[SIGNAL_COUNT]; /* by signal - 1; lock */
};

/* sigaltstack(2); its own thread only. */
struct alternate_stack {
    vaddr_t base;
    size_t size;
    uint32_t flags; /* SS_DISABLE, SS_AUTODISARM */
};

#endif

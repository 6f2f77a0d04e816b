/*
 * signal.h: signals, from the sender to the thread that handles one.
 *
 *   generate   signal_send_*(): decides whether it is ignored, queues it, chooses a thread,
 *              and when its default action ends the process, begins that end at once;
 *   deliver    signal_user_return(): the last thing before user mode takes one off the queues
 *              and stops, ends, or builds a frame (frame.h).
 *
 * What belongs to a process and to a thread is kept in the two structures below, which
 * struct process and struct user_thread embed as `signals`. "lock" is process->lock: a
 * spinlock, taken with interrupts off, because timers and devices send signals.
 */
#ifndef BATON_PROCESS_SIGNAL_SIGNAL_H
#define BATON_PROCESS_SIGNAL_SIGNAL_H

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "cpu/trap.h"
#include "library/types.h"
#include "thread/wait_queue.h"

struct process;
struct user_account;
struct user_thread;

/* Signals are 1 to SIGNAL_COUNT; a set has bit n-1 for signal n, as Linux's sigset_t. */
#define SIGNAL_COUNT 64
typedef uint64_t signal_set;

static inline signal_set signal_bit(int signal)
{
    return (signal_set)1 << (signal - 1);
}

/* These two can be neither caught, blocked nor ignored. */
#define SIGNALS_UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

/* One signal that waits, with what its handler will be told. */
struct queued_signal {
    TAILQ_ENTRY(queued_signal) link; /* lock of the process it was sent to */
    siginfo_t information;           /* lock */
    struct user_account *account;    /* who is charged for it; a timer's entry: all its life */
    struct posix_timer *timer;       /* whose entry it is (and which frees it); NULL; constant */
    bool queued;                     /* lock */
};

/* The set says what is pending; an entry may be missing when there was no memory for it. */
struct signal_queue {
    signal_set set;
    TAILQ_HEAD(queued_signal_list, queued_signal) entries; /* oldest first */
    struct queued_signal first; /* for one of them: nearly always there is no other */
};

/* What to do for each signal. Shared by CLONE_SIGHAND; inner lock: taken after process->lock. */
struct signal_actions {
    uint32_t references; /* atomic */
    struct spinlock lock;
    signal_set changed;                   /* whose action may not be the default: the others' are
                                             not in the table; lock */
    struct signal_watchers *watchers;     /* watchers.h; NULL: none yet; atomic, set once */
    struct sigaction table[SIGNAL_COUNT]; /* by signal - 1; lock */
};

/* The action of a signal, to be changed or not. Lock held. */
static inline struct sigaction *signal_action(struct signal_actions *actions, int signal)
{
    struct sigaction *action = &actions->table[signal - 1];

    if (!(actions->changed & signal_bit(signal))) {
        actions->changed |= signal_bit(signal);
        *action = (struct sigaction){0};
    }
    return action;
}

struct process_signals {
    struct signal_queue pending;    /* lock; for any thread of the process */
    struct signal_actions *actions; /* a reference; the pointer: lock */
    bool unkillable;                /* PID 1: gets only signals that it handles; constant */

    /* Job control, all under the lock. */
    int stop_signal;      /* not 0: its threads are to stop, or have stopped */
    bool stopped;         /* all have */
    int stop_report;      /* for wait(WUNTRACED): the signal, until it was collected */
    bool continue_report; /* for wait(WCONTINUED), until it was collected */
    int notify_parent;    /* CLD_STOPPED or CLD_CONTINUED that a thread has yet to send */
};

struct thread_signals {
    signal_set blocked;          /* changed by its own thread under the lock */
    signal_set saved;            /* own; what the next frame, or the return, restores … */
    bool restore_saved;          /* … when this is set (sigsuspend, ppoll, pselect) */
    signal_set awaited;          /* lock; blocked, but sigtimedwait(2) wants them */
    struct signal_queue pending; /* lock; for this thread only */
    bool stopped;                /* lock; stands still for job control */
    bool stop_dequeued;          /* lock; took a stop signal, and no SIGCONT came since */
    vaddr_t stack_base;          /* own; sigaltstack(2) */
    size_t stack_size;           /* own */
    uint32_t stack_flags;        /* own; SS_DISABLE, SS_AUTODISARM */
    uint64_t fault_address;      /* own; of the last fault, for the handler's frame */
    uint64_t fault_code;         /* own */
    uint64_t fault_vector;       /* own */
};

/* ---- lifetimes: called by fork, exec and exit ---- */

/* A table with every action SIG_DFL; NULL: no memory. */
struct signal_actions *signal_actions_create(void);
/* A copy for fork, or for an exec whose table is shared; NULL: no memory. */
struct signal_actions *signal_actions_copy(struct signal_actions *actions);
static inline void signal_actions_reference(struct signal_actions *actions)
{
    __atomic_fetch_add(&actions->references, 1, __ATOMIC_RELAXED);
}
void signal_actions_release(struct signal_actions *actions);
/* clone(CLONE_CLEAR_SIGHAND): caught signals of a copied table get their default action. */
void signal_actions_reset(struct signal_actions *actions);

/* A new process, full of zeros: nothing pending. Takes over the reference to `actions`. */
void process_signals_initialize(struct process_signals *signals, struct signal_actions *actions);
/* Nobody can send to it any more: drops what is pending, and the actions. Any context. */
void process_signals_destroy(struct process_signals *signals);
/* A new thread, full of zeros: nothing pending; the mask and (`keep_stack`) the alternate stack of
   `from` (NULL: nothing blocked, no stack). */
void thread_signals_initialize(struct thread_signals *signals, const struct thread_signals *from,
                               bool keep_stack);
/* Drops what is pending. Any context, the lock held or nobody able to send. */
void thread_signals_destroy(struct thread_signals *signals);

/*
 * A thread begins to end: what was sent to the process and it would have taken goes to another
 * thread, and a stop that waited only for it is complete (then another reports it). Lock held;
 * `exiting` is set.
 */
void signal_thread_exit(struct user_thread *thread);
/* …after it: drops what was sent to the thread and, for the last one, to its process. No lock; may
   be preempted. */
void signal_exit_drop(struct user_thread *thread, bool last);
/*
 * exec's commit, one thread left: caught signals get their default action, ignored ones stay,
 * the alternate stack is gone; pending signals and the mask stay (POSIX exec). `own`: the copy
 * that replaces a shared table, or NULL. Returns the table to release, or NULL. Cannot fail.
 */
struct signal_actions *signal_exec_commit(struct user_thread *thread, struct signal_actions *own);

/* ---- sending; any context, unless a line says otherwise ---- */

/* siginfo as kill(2) makes it, from the calling thread; or for what the kernel itself sends. */
siginfo_t signal_information_user(int signal, int code);
siginfo_t signal_information_kernel(int signal);

/*
 * Sends to the process, or to one thread of it. `information` says who and why. 0, or -EAGAIN
 * when a real-time signal with a value could not be queued. The caller holds a reference (or
 * the process table's lock); the _locked forms want process->lock.
 */
int signal_send_process(struct process *process, const siginfo_t *information);
int signal_send_thread(struct user_thread *thread, const siginfo_t *information);
int signal_send_process_locked(struct process *process, const siginfo_t *information);
int signal_send_thread_locked(struct user_thread *thread, const siginfo_t *information);
/* Sends a POSIX timer's own entry, which cannot fail. False: it still waits from the last time, or
   is ignored. `thread` NULL: to the process. Lock held. */
bool signal_send_entry_locked(struct process *process, struct user_thread *thread,
                              struct queued_signal *entry);
/* Takes it back from where it waits. Lock held. */
void signal_withdraw_entry(struct process *process, struct user_thread *thread,
                           struct queued_signal *entry);
/* For the terminal: a signal of the kernel to every process of the group. -ESRCH: it has none.
   No spinlock; may be preempted. */
int signal_send_group(uint32_t group, int signal);
/*
 * A fault of the calling thread: comes also when blocked or ignored (then the default action
 * ends the process, PID 1 too). Not in interrupts.
 */
void signal_force(const siginfo_t *information);
/* The same with a fault's fields. */
void signal_force_fault(int signal, int code, vaddr_t address);
/* SIGPIPE, SIGXFSZ and the like, to the calling thread, not forced. */
void signal_send_self(int signal);

/*
 * A change of a child for its parent: SIGCHLD (or the child's exit signal) with its siginfo,
 * unless the parent said SA_NOCLDSTOP (stops) or ignores it. True: the parent wants no zombie,
 * as it ignores SIGCHLD or has SA_NOCLDWAIT. `status`: exit code or signal. Waking the
 * parent's wait(2) is the caller's business. process_table_lock held, no process's lock.
 */
bool signal_send_child(struct process *parent, struct process *child, int signal, int code,
                       int status);

/* Would the terminal's SIGTTIN or SIGTTOU reach the calling thread: neither blocked nor ignored? */
bool signal_would_reach(int signal);

/* ---- masks ---- */

/* Replaces the calling thread's mask; wakes nobody who need not. SIGKILL and SIGSTOP stay out. */
void signal_mask_set(signal_set mask);
/* The same until the call returns: then the old mask comes back, or by the handler's frame if one
   runs. */
void signal_mask_set_for_call(signal_set mask);
/*
 * For ppoll, pselect, epoll_pwait: replaces the calling thread's mask until the call returns:
 * the old one comes back by signal_mask_restore(), or by the handler's frame if one runs.
 * `set`: user address of a sigset_t (0: nothing to do); `size` must be 8. 0, -EFAULT, -EINVAL.
 */
int signal_mask_replace(vaddr_t set, size_t size);
/* `interrupted`: by a signal; then the return to user mode restores it. */
void signal_mask_restore(bool interrupted);

/* Copies a sigset_t in, without the two that cannot be blocked. 0, -EFAULT, -EINVAL (size). */
int signal_set_user(signal_set *set, vaddr_t from, size_t size);

/* ---- what cpu/hooks.h asks ---- */

void signal_user_return(struct trap_frame *frame);
void signal_user_trap(struct trap_frame *frame, vaddr_t address);

#endif

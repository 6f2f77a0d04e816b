/* delivery.c: the second half of a signal's way: from the queues to what comes of it. */
#include "process/signal/delivery.h"

#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <asm/unistd_64.h>
#include <linux/signal.h>

#include "cpu/fpu.h"
#include "library/string.h"
#include "memory/page_fault.h"
#include "process/process.h"
#include "process/process_group.h"
#include "process/restartable_sequence.h"
#include "process/signal/frame.h"
#include "process/time/posix_timer.h"
#include "process/time/usage.h"
#include "thread/restart.h"

/* ---- taking one from the queues ---- */

static int next_signal(signal_set set)
{
    if (set & SIGNALS_SYNCHRONOUS)
        set &= SIGNALS_SYNCHRONOUS;
    return set ? __builtin_ctzll(set) + 1 : 0;
}

/* Takes the oldest entry of the signal; another one of a real-time signal stays pending. */
static void queue_take(struct signal_queue *queue, int signal, siginfo_t *information)
{
    struct queued_signal *entry, *found = NULL;
    bool more = false;

    TAILQ_FOREACH(entry, &queue->entries, link)
    {
        if (entry->information.si_signo != signal)
            continue;
        if (found) {
            more = true;
            break;
        }
        found = entry;
    }
    if (!more)
        queue->set &= ~signal_bit(signal);
    if (!found) { /* there was no memory to say who sent it */
        *information = (siginfo_t){.si_signo = signal, .si_code = SI_USER};
        return;
    }
    TAILQ_REMOVE(&queue->entries, found, link);
    *information = found->information;
    if (found->timer)
        posix_timer_delivered(found->timer, information);
    queued_signal_free(queue, found);
}

int signal_take(struct user_thread *thread, signal_set wanted, siginfo_t *information)
{
    struct signal_queue *own = &thread->signals.pending;
    struct signal_queue *shared = &thread->thread.process->signals.pending;
    int signal = next_signal(own->set & wanted);

    if (signal) {
        queue_take(own, signal, information);
    } else {
        signal = next_signal(shared->set & wanted);
        if (!signal)
            return 0;
        queue_take(shared, signal, information);
    }
    if (SIGNALS_STOPPING & signal_bit(signal))
        thread->signals.stop_dequeued = true;
    return signal;
}

/* ---- stop and continue ---- */

static void report_to_parent(struct process *process, int code, int status)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);

    if (process->parent)
        signal_send_child(process->parent, process, SIGCHLD, code, status);
    struct process *waits = process_waited_for_by(process);
    spinlock_release_restore(&process_table_lock, enabled);
    process_wake_waiters(waits);
}

/* Tells the parent what someone could not tell where it happened. Lock held, and let go of. */
static void report_late(struct process *process, bool *enabled)
{
    struct process_signals *signals = &process->signals;
    int code = signals->notify_parent;
    int status = signals->stop_signal ? signals->stop_signal : SIGCONT;

    signals->notify_parent = 0;
    spinlock_release_restore(&process->lock, *enabled);
    report_to_parent(process, code, status);
    *enabled = spinlock_acquire_save(&process->lock);
}

static void clear_stop_work(struct user_thread *thread)
{
    __atomic_fetch_and(&thread->thread.work, ~(uint32_t)THREAD_WORK_STOP, __ATOMIC_ACQ_REL);
}

static bool is_killed(const struct user_thread *thread)
{
    return __atomic_load_n(&thread->thread.work, __ATOMIC_ACQUIRE) & THREAD_WORK_KILL;
}

/* Stands still until SIGCONT or the end. Lock held, and let go of meanwhile. */
static void stand_still(struct user_thread *thread, bool *enabled)
{
    struct process *process = thread->thread.process;
    struct process_signals *signals = &process->signals;

    while (signals->stop_signal && !is_killed(thread)) {
        thread->signals.stopped = true;
        if (!signals->stopped && signal_stop_is_complete(process)) {
            signals->stopped = true;
            signals->stop_report = signals->stop_signal;
            signals->notify_parent = CLD_STOPPED;
        }
        int code = signals->notify_parent, status = signals->stop_signal;
        signals->notify_parent = 0;
        thread_prepare_sleep(THREAD_STOPPED); /* from here on a wake-up is not lost */
        spinlock_release_restore(&process->lock, *enabled);
        if (code)
            report_to_parent(process, code, status);
        thread_sleep(CLOCK_NEVER);
        *enabled = spinlock_acquire_save(&process->lock);
    }
    thread->signals.stopped = false;
    clear_stop_work(thread);
}

/* From here on the process is to stop; false: a SIGCONT or the end came meanwhile. Lock held. */
static bool stop_begin(struct user_thread *thread, int signal)
{
    struct process *process = thread->thread.process;

    if (!thread->signals.stop_dequeued || process->exiting || process->executor)
        return false;
    if (!process->signals.stop_signal) {
        process->signals.stop_signal = signal;
        process->signals.stopped = false;
        process->signals.continue_report = false;
        process_tell_threads(process);
    }
    return true;
}

/*
 * The same, if somebody could continue its group: nobody could an orphaned one (POSIX, general
 * terminal interface). Which group, whether it is orphaned, and the stop are one decision: who
 * orphans the group afterwards finds a process that is to stop. Lock held, and let go of meanwhile.
 */
static bool stop_begin_unless_orphaned(struct user_thread *thread, int signal, bool *enabled)
{
    struct process *process = thread->thread.process;

    spinlock_release_restore(&process->lock, *enabled);
    *enabled = spinlock_acquire_save(&process_table_lock);
    spinlock_acquire(&process->lock);
    bool begun = !process_group_orphaned_locked(process_group_of(process), NULL) &&
                 stop_begin(thread, signal);
    spinlock_release(&process_table_lock);
    return begun;
}

/* The default action of the stop signals. Lock held, and let go of meanwhile. */
static void stop_process(struct user_thread *thread, int signal, bool *enabled)
{
    bool begun = signal == SIGSTOP ? stop_begin(thread, signal)
                                   : stop_begin_unless_orphaned(thread, signal, enabled);

    if (begun)
        stand_still(thread, enabled);
}

/* ---- delivery ---- */

struct delivery {
    int signal;
    siginfo_t information;
    struct sigaction action;
};

/* Finds what has a handler; does what has none. False: nothing is left. */
static bool find_delivery(struct user_thread *thread, struct delivery *delivery)
{
    struct process *process = thread->thread.process;
    struct signal_actions *actions;
    bool enabled = spinlock_acquire_save(&process->lock);

    for (;;) {
        if (process->signals.notify_parent) {
            report_late(process, &enabled);
            continue;
        }
        if (process->signals.stop_signal && !is_killed(thread))
            stand_still(thread, &enabled);
        if (is_killed(thread)) {
            spinlock_release_restore(&process->lock, enabled);
            user_thread_killed();
        }
        int signal = signal_take(thread, ~thread->signals.blocked, &delivery->information);
        if (!signal)
            break;

        actions = process->signals.actions;
        spinlock_acquire(&actions->lock);
        struct sigaction *action = signal_action(actions, signal);
        delivery->action = *action;
        if (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN &&
            (action->sa_flags & SA_ONESHOT))
            action->sa_handler = SIG_DFL;
        spinlock_release(&actions->lock);

        if (delivery->action.sa_handler == SIG_IGN)
            continue;
        if (delivery->action.sa_handler != SIG_DFL) {
            delivery->signal = signal;
            spinlock_release_restore(&process->lock, enabled);
            return true;
        }
        if (SIGNALS_IGNORED & signal_bit(signal))
            continue;
        if (process->signals.unkillable && !(SIGNALS_UNBLOCKABLE & signal_bit(signal)))
            continue;
        if (SIGNALS_STOPPING & signal_bit(signal)) {
            stop_process(thread, signal, &enabled);
            continue;
        }
        /* No core is written; RLIMIT_CORE is as if it were 0, so the core bit stays clear. */
        process_begin_exit(process, signal);
    }
    clear_stop_work(thread);
    signal_update_work(thread);
    spinlock_release_restore(&process->lock, enabled);
    return false;
}

/* Lets the program come to its SYSCALL once more, which is two bytes. */
static void call_again(struct trap_frame *frame, uint64_t number)
{
    frame->rax = number;
    frame->rip -= 2;
    frame->vector = TRAP_NONE;
}

/* What the interrupted call answers, now that a handler runs (signal(7)). */
static void interrupt_call(struct trap_frame *frame, const struct sigaction *action)
{
    if (frame->vector != TRAP_SYSCALL)
        return;
    switch (-(int64_t)frame->rax) {
    case RESTART_WITH_BLOCK:
    case RESTART_NO_HANDLER:
        frame->rax = -EINTR;
        break;
    case RESTART_CALL:
        if (!(action->sa_flags & SA_RESTART)) {
            frame->rax = -EINTR;
            break;
        }
        __attribute__((fallthrough));
    case RESTART_ALWAYS:
        call_again(frame, frame->code);
        break;
    }
}

/* No handler ran: the program never learns of it. */
static void restart_call(struct trap_frame *frame)
{
    if (frame->vector != TRAP_SYSCALL)
        return;
    switch (-(int64_t)frame->rax) {
    case RESTART_CALL:
    case RESTART_ALWAYS:
    case RESTART_NO_HANDLER:
        call_again(frame, frame->code);
        break;
    case RESTART_WITH_BLOCK:
        call_again(frame, __NR_restart_syscall);
        break;
    }
}

static void run_handler(struct user_thread *thread, struct trap_frame *frame,
                        struct delivery *delivery)
{
    struct thread_signals *signals = &thread->signals;
    signal_set old = signals->restore_saved ? signals->saved : signals->blocked;

    restartable_sequence_update(thread, frame);
    interrupt_call(frame, &delivery->action);
    if (signal_frame_push(frame, &delivery->action, &delivery->information, old)) {
        signals->restore_saved = false;
        signal_mask_set(old);
        signal_frame_failed(delivery->signal);
        return;
    }
    signals->restore_saved = false;
    signal_set blocked = signals->blocked | delivery->action.sa_mask;
    if (!(delivery->action.sa_flags & SA_NODEFER))
        blocked |= signal_bit(delivery->signal);
    signal_mask_set(blocked);
}

/* One signal; thread->work says whether another one is to be handled. */
static __attribute__((noinline)) void deliver(struct user_thread *thread, struct trap_frame *frame)
{
    struct delivery delivery;

    if (find_delivery(thread, &delivery))
        run_handler(thread, frame, &delivery);
    else
        restart_call(frame);
    __atomic_fetch_and(&thread->thread.work, ~(uint32_t)THREAD_WORK_ANSWER, __ATOMIC_RELAXED);
    if (thread->signals.restore_saved) {
        thread->signals.restore_saved = false;
        signal_mask_set(thread->signals.saved);
    }
}

void signal_user_return(struct trap_frame *frame)
{
    struct user_thread *thread = user_thread_current();
    uint32_t work;

    while ((work = __atomic_load_n(&thread->thread.work, __ATOMIC_ACQUIRE))) {
        if (work & THREAD_WORK_RESCHEDULE) {
            usage_leave_user(&thread->thread);
            scheduler_user_return();
            continue;
        }
        interrupts_enable();
        if (work & THREAD_WORK_KILL)
            user_thread_killed();
        if (work & THREAD_WORK_SEQUENCE)
            restartable_sequence_update(thread, frame);
        else
            deliver(thread, frame);
        interrupts_disable();
    }
    usage_enter_user(&thread->thread);
}

/* ---- faults ---- */

/* signal and si_code of a trap (Linux's choices; Intel SDM volume 3, table 6-1). */
static const struct {
    uint8_t signal, code;
} trap_signals[32] = {
    [TRAP_DIVIDE] = {SIGFPE, FPE_INTDIV},      [TRAP_DEBUG] = {SIGTRAP, TRAP_TRACE},
    [TRAP_BREAKPOINT] = {SIGTRAP, SI_KERNEL},  [TRAP_OVERFLOW] = {SIGSEGV, SI_KERNEL},
    [TRAP_BOUND] = {SIGSEGV, SI_KERNEL},       [TRAP_INVALID_OPCODE] = {SIGILL, ILL_ILLOPN},
    [TRAP_INVALID_TSS] = {SIGSEGV, SI_KERNEL}, [TRAP_NO_SEGMENT] = {SIGBUS, SI_KERNEL},
    [TRAP_STACK] = {SIGBUS, SI_KERNEL},        [TRAP_PROTECTION] = {SIGSEGV, SI_KERNEL},
    [TRAP_ALIGNMENT] = {SIGBUS, BUS_ADRALN},
};

/* The x87 status word's or MXCSR's exceptions that are not masked, as FPE_*. */
static int float_code(uint32_t exceptions)
{
    if (exceptions & 1)
        return FPE_FLTINV;
    if (exceptions & 4)
        return FPE_FLTDIV;
    if (exceptions & 8)
        return FPE_FLTOVF;
    if (exceptions & (2 | 16)) /* denormal operand, underflow */
        return FPE_FLTUND;
    if (exceptions & 32)
        return FPE_FLTRES;
    return 0;
}

/* A page fault that nobody resolved. */
static void page_fault_signal(const struct trap_frame *frame, vaddr_t address)
{
    switch (memory_fault_reason(frame)) {
    case MEMORY_FAULT_PROTECTION:
        signal_force_fault(SIGSEGV, SEGV_ACCERR, address);
        return;
    case MEMORY_FAULT_BEYOND_FILE:
    case MEMORY_FAULT_NO_SPACE:
        signal_force_fault(SIGBUS, BUS_ADRERR, address);
        return;
    case MEMORY_FAULT_NO_MEMORY: /* nobody could be ended for it, or this thread is */
        signal_force_fault(SIGBUS, BUS_ADRERR, address);
        return;
    default:
        signal_force_fault(SIGSEGV, SEGV_MAPERR, address);
    }
}

/* The unmasked exceptions of the x87 status word, or of MXCSR (Intel SDM volume 1, 8.1.3, 10.2.3).
 */
static uint32_t float_exceptions(bool simd)
{
    uint8_t image[FPU_IMAGE_MAXIMUM] __attribute__((aligned(64)));
    struct _fpstate *state = (struct _fpstate *)image;

    fpu_save(image);
    return simd ? state->mxcsr & ~(state->mxcsr >> 7) : state->swd & ~state->cwd;
}

void signal_user_trap(struct trap_frame *frame, vaddr_t address)
{
    struct thread_signals *signals = &user_thread_current()->signals;
    uint64_t vector = frame->vector;

    signals->fault_vector = vector;
    signals->fault_code = (uint32_t)frame->code; /* without memory_fault_reason() */
    switch (vector) {
    case TRAP_PAGE_FAULT:
        signals->fault_address = address;
        page_fault_signal(frame, address);
        return;
    case TRAP_X87:
    case TRAP_SIMD:
        signal_force_fault(SIGFPE, float_code(float_exceptions(vector == TRAP_SIMD)), frame->rip);
        return;
    case TRAP_BREAKPOINT: {
        siginfo_t information = signal_information_kernel(SIGTRAP);
        signal_force(&information);
        return;
    }
    default:
        break;
    }
    int signal = vector < array_length(trap_signals) ? trap_signals[vector].signal : 0;
    if (!signal) {
        signal = SIGSEGV;
        signal_force_fault(signal, SI_KERNEL, 0);
        return;
    }
    int code = trap_signals[vector].code;
    bool at_instruction = code != SI_KERNEL;
    signal_force_fault(signal, code, at_instruction ? frame->rip : 0);
}

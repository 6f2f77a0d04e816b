/* signal.c: sending: the first half of a signal's way. */
#include "process/signal/signal.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/signal.h>

#include "file/credentials.h"
#include "library/string.h"
#include "memory/heap.h"
#include "process/process.h"
#include "process/signal/delivery.h"
#include "process/signal/watchers.h"
#include "process/thread_account.h"
#include "thread/preemption.h"

/* ---- choosing ---- */

/* Blocked, and nobody waits for it by sigtimedwait(2). */
static bool is_held_back(const struct user_thread *thread, int signal)
{
    return thread->signals.blocked & ~thread->signals.awaited & signal_bit(signal);
}

/*
 * The thread that is to take a signal of the process: the first one that can,
 * or better, one that has none to handle yet. Lock held.
 */
static struct user_thread *choose_thread(struct process *process, int signal)
{
    struct user_thread *thread, *busy = NULL;

    TAILQ_FOREACH_REVERSE(thread, &process->threads, user_threads, process_link)
    {
        if (thread->exiting || is_held_back(thread, signal))
            continue;
        if (!(__atomic_load_n(&thread->thread.work, __ATOMIC_RELAXED) & THREAD_WORK_SIGNAL))
            return thread;
        busy = thread;
    }
    return busy;
}

/* Any thread that has not begun to end; NULL: all have. Lock held. */
static struct user_thread *any_thread(struct process *process)
{
    struct user_thread *thread;

    TAILQ_FOREACH(thread, &process->threads, process_link)
    {
        if (!thread->exiting)
            return thread;
    }
    return NULL;
}

/* Does nothing come of it, so that it need not be queued? Blocked ones are kept: the action may
   change meanwhile. Lock held. */
static bool is_ignored(struct process *process, const struct user_thread *receiver, int signal,
                       bool forced)
{
    __sighandler_t handler = signal_handler(process, signal);

    if (process->signals.unkillable && handler == SIG_DFL &&
        !(forced && (SIGNALS_UNBLOCKABLE & signal_bit(signal))))
        return true;
    if (receiver->signals.blocked & signal_bit(signal))
        return false;
    return handler == SIG_IGN || (handler == SIG_DFL && (SIGNALS_IGNORED & signal_bit(signal)));
}

bool signal_forget(struct process *process, signal_set set)
{
    struct user_thread *thread;
    bool all = signal_queue_remove(&process->signals.pending, set);

    TAILQ_FOREACH(thread, &process->threads, process_link)
    {
        if (!all)
            return false;
        all = signal_queue_remove(&thread->signals.pending, set);
    }
    return all;
}

/* SIGCONT lets a stopped process go on at once, whatever is done with the signal itself. */
static void continue_process(struct process *process)
{
    struct process_signals *signals = &process->signals;
    struct user_thread *thread;

    TAILQ_FOREACH(thread, &process->threads, process_link)
    thread->signals.stop_dequeued = false;
    if (!signals->stop_signal)
        return;
    /* Some thread tells the parent: the sender may hold locks that are in the way. */
    signals->notify_parent = signals->stopped ? CLD_CONTINUED : CLD_STOPPED;
    signals->continue_report = true;
    signals->stop_report = 0;
    signals->stop_signal = 0;
    signals->stopped = false;
    process_tell_threads(process);
}

/* What a signal does even when it is ignored or blocked. Lock held. */
static void apply_job_control(struct process *process, int signal)
{
    if (SIGNALS_STOPPING & signal_bit(signal)) {
        signal_forget(process, signal_bit(SIGCONT));
    } else if (signal == SIGCONT) {
        signal_forget(process, SIGNALS_STOPPING);
        continue_process(process);
    }
}

/* Lets the right thread find what was queued; begins the end if that is what comes of it. */
static void announce(struct process *process, struct user_thread *target, int signal)
{
    struct user_thread *thread = target;

    struct signal_watchers *watchers =
        __atomic_load_n(&process->signals.actions->watchers, __ATOMIC_ACQUIRE);
    if (watchers)
        signal_watchers_wake(watchers);
    if (target) {
        if (target->exiting || (is_held_back(target, signal) && signal != SIGKILL))
            return;
    } else {
        thread = signal == SIGKILL ? any_thread(process) : choose_thread(process, signal);
        if (!thread)
            return; /* who unblocks it finds it */
    }
    if (SIGNALS_FATAL & signal_bit(signal) && signal_handler(process, signal) == SIG_DFL &&
        !(thread->signals.blocked & signal_bit(signal)) && !process->signals.unkillable) {
        process_begin_exit(process, signal);
        return;
    }
    thread_post_work(&thread->thread, THREAD_WORK_SIGNAL);
}

/* ---- sending ---- */

/* RLIMIT_SIGPENDING of the receiver's user stands against a new entry (sigqueue(3): EAGAIN). */
static struct queued_signal *entry_create(struct process *process, struct user_thread *receiver,
                                          struct signal_queue *queue, bool without_limit)
{
    struct user_account *account = receiver ? receiver->thread.account : NULL;
    struct queued_signal *entry;

    if (!account)
        return NULL;
    uint32_t count = __atomic_add_fetch(&account->signals, 1, __ATOMIC_RELAXED);
    if (without_limit || count <= process_limits(process)[RLIMIT_SIGPENDING].rlim_cur) {
        entry = queue->first.queued ? heap_allocate(sizeof(*entry)) : &queue->first;
        if (entry) {
            user_account_reference(account);
            entry->account = account;
            entry->timer = NULL;
            return entry;
        }
    }
    __atomic_fetch_sub(&account->signals, 1, __ATOMIC_RELAXED);
    return NULL;
}

/* `target` NULL: the process. `entry`: the sender's own, or NULL. Lock held. */
static int send(struct process *process, struct user_thread *target, const siginfo_t *information,
                struct queued_signal *entry, bool forced)
{
    int signal = information->si_signo;
    struct user_thread *receiver = target ? target : any_thread(process);

    if (GUARDED_BY(&process->lock, process->exiting) || !receiver || receiver->exiting ||
        !process->signals.actions)
        return 0; /* it ends anyway */
    apply_job_control(process, signal);
    if (is_ignored(process, receiver, signal, forced))
        return 0;

    struct signal_queue *queue = target ? &target->signals.pending : &process->signals.pending;
    bool standard = signal < SIGRTMIN;
    if (standard && (queue->set & signal_bit(signal)))
        return 0; /* it waits already: POSIX lets the new one be lost */

    if (!entry) {
        /* What kill(2) and the kernel send is delivered even if nothing can be queued. */
        bool kernel_or_kill = information->si_code >= 0;
        if (signal != SIGKILL)
            entry = entry_create(process, receiver, queue, standard && kernel_or_kill);
        if (!entry && !standard && information->si_code != SI_USER)
            return -EAGAIN;
    }
    if (entry) {
        entry->information = *information;
        entry->queued = true;
        TAILQ_INSERT_TAIL(&queue->entries, entry, link);
    }
    queue->set |= signal_bit(signal);
    announce(process, target, signal);
    return 0;
}

int signal_send_process_locked(struct process *process, const siginfo_t *information)
{
    return send(process, NULL, information, NULL, information->si_code == SI_KERNEL);
}

int signal_send_thread_locked(struct user_thread *thread, const siginfo_t *information)
{
    return send(thread->thread.process, thread, information, NULL,
                information->si_code == SI_KERNEL);
}

int signal_send_process(struct process *process, const siginfo_t *information)
{
    bool enabled = spinlock_acquire_save(&process->lock);
    int error = signal_send_process_locked(process, information);

    spinlock_release_restore(&process->lock, enabled);
    return error;
}

int signal_send_thread(struct user_thread *thread, const siginfo_t *information)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    int error = signal_send_thread_locked(thread, information);

    spinlock_release_restore(&process->lock, enabled);
    return error;
}

bool signal_send_entry_locked(struct process *process, struct user_thread *thread,
                              struct queued_signal *entry)
{
    siginfo_t information = entry->information;

    if (entry->queued)
        return false;
    send(process, thread, &information, entry, false);
    return entry->queued;
}

void signal_withdraw_entry(struct process *process, struct user_thread *thread,
                           struct queued_signal *entry)
{
    struct signal_queue *queue = thread ? &thread->signals.pending : &process->signals.pending;
    struct queued_signal *other;
    int signal = entry->information.si_signo;

    TAILQ_REMOVE(&queue->entries, entry, link);
    entry->queued = false;
    TAILQ_FOREACH(other, &queue->entries, link)
    {
        if (other->information.si_signo == signal)
            return;
    }
    queue->set &= ~signal_bit(signal);
}

int signal_send_group(uint32_t id, int signal)
{
    siginfo_t information = signal_information_kernel(signal);
    struct process_group *group = process_group_find(id);
    struct process *process;
    int error = -ESRCH;

    if (!group)
        return -ESRCH;
    for (struct list_place place = {0}; (process = process_group_next(group, &place));) {
        signal_send_process(process, &information);
        process_release(process);
        error = 0;
    }
    process_group_release(group);
    return error;
}

siginfo_t signal_information_kernel(int signal)
{
    return (siginfo_t){.si_signo = signal, .si_code = SI_KERNEL};
}

siginfo_t signal_information_user(int signal, int code)
{
    siginfo_t information = {.si_signo = signal, .si_code = code};

    information.si_pid = process_current()->id;
    information.si_uid = credentials_current()->real_user;
    return information;
}

void signal_send_self(int signal)
{
    siginfo_t information = signal_information_user(signal, SI_USER);

    signal_send_thread(user_thread_current(), &information);
}

/* As Linux's force_sig_info: what a program did to itself cannot be put off. */
void signal_force(const siginfo_t *information)
{
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;
    signal_set bit = signal_bit(information->si_signo);

    bool enabled = spinlock_acquire_save(&process->lock);
    struct signal_actions *actions = process->signals.actions;
    spinlock_acquire(&actions->lock);
    struct sigaction *action = signal_action(actions, information->si_signo);
    if (action->sa_handler == SIG_IGN || (thread->signals.blocked & bit)) {
        action->sa_handler = SIG_DFL;
        thread->signals.blocked &= ~bit;
    }
    bool fatal = action->sa_handler == SIG_DFL;
    spinlock_release(&actions->lock);

    if (fatal)
        process->signals.unkillable = false;
    send(process, thread, information, NULL, true);
    thread_post_work(&thread->thread, THREAD_WORK_SIGNAL); /* if it waited there, blocked */
    spinlock_release_restore(&process->lock, enabled);
}

void signal_force_fault(int signal, int code, vaddr_t address)
{
    siginfo_t information = {.si_signo = signal, .si_code = code};

    information.si_addr = (void *)address;
    signal_force(&information);
}

bool signal_send_child(struct process *parent, struct process *child, int signal, int code,
                       int status)
{
    siginfo_t information = {.si_signo = signal, .si_code = code};
    bool reap = false, wanted = signal != 0;
    bool enabled = spinlock_acquire_save(&parent->lock);

    information.si_pid = child->id;
    /* A zombie has its last thread's; else it is the calling thread that stopped or went on. */
    const struct credentials *credentials = child->credentials;
    information.si_uid = (credentials ? credentials : credentials_current())->real_user;
    information.si_status = status;
    information.si_utime = child->usage.user_time / (NANOSECONDS_PER_SECOND / 100);
    information.si_stime = child->usage.system_time / (NANOSECONDS_PER_SECOND / 100);
    if (signal == SIGCHLD && parent->signals.actions) {
        struct signal_actions *actions = parent->signals.actions;
        spinlock_acquire(&actions->lock);
        struct sigaction action = *signal_action(actions, SIGCHLD);
        spinlock_release(&actions->lock);
        if (code == CLD_STOPPED || code == CLD_CONTINUED) {
            wanted = !(action.sa_flags & SA_NOCLDSTOP) && action.sa_handler != SIG_IGN;
        } else {
            /* POSIX, sigaction, SA_NOCLDWAIT: Linux still sends the signal then. */
            reap = action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT);
            wanted = action.sa_handler != SIG_IGN;
        }
    }
    if (wanted)
        signal_send_process_locked(parent, &information);
    spinlock_release_restore(&parent->lock, enabled);
    return reap;
}

bool signal_would_reach(int signal)
{
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    bool reach = !(thread->signals.blocked & signal_bit(signal)) &&
                 signal_handler(process, signal) != SIG_IGN;

    spinlock_release_restore(&process->lock, enabled);
    return reach;
}

/* ---- ends ---- */

bool signal_stop_is_complete(struct process *process)
{
    struct user_thread *thread;

    TAILQ_FOREACH(thread, &process->threads, process_link)
    {
        if (!thread->exiting && !thread->signals.stopped)
            return false;
    }
    return true;
}

void signal_thread_exit(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    struct process_signals *signals = &process->signals;
    signal_set orphaned = signals->pending.set & ~thread->signals.blocked;

    if (process->exiting)
        return;
    for (int signal = 1; orphaned && signal <= SIGNAL_COUNT; signal++) {
        struct user_thread *other;
        if ((orphaned & signal_bit(signal)) && (other = choose_thread(process, signal)))
            thread_post_work(&other->thread, THREAD_WORK_SIGNAL);
    }
    if (signals->stop_signal && !signals->stopped && any_thread(process) &&
        signal_stop_is_complete(process)) {
        signals->stopped = true;
        signals->stop_report = signals->stop_signal;
        signals->notify_parent = CLD_STOPPED;
        thread_wake(&any_thread(process)->thread); /* it tells the parent, and stops again */
    }
}

void signal_exit_drop(struct user_thread *thread, bool last)
{
    struct process *process = thread->thread.process;
    struct signal_queue *own = &thread->signals.pending, *shared = &process->signals.pending;

    while (own->set || (last && shared->set)) {
        bool enabled = spinlock_acquire_save(&process->lock);
        if (signal_queue_remove(own, ~(signal_set)0) && last)
            signal_queue_remove(shared, ~(signal_set)0);
        spinlock_release_restore(&process->lock, enabled);
        thread_preemption_point();
    }
}

struct signal_actions *signal_exec_commit(struct user_thread *thread, struct signal_actions *own)
{
    struct process *process = thread->thread.process;
    struct signal_actions *old = NULL;
    bool enabled = spinlock_acquire_save(&process->lock);

    if (own) {
        old = process->signals.actions;
        process->signals.actions = own;
    }
    spinlock_acquire(&process->signals.actions->lock);
    signal_actions_reset(process->signals.actions);
    spinlock_release(&process->signals.actions->lock);
    thread->signals.stack_base = 0;
    thread->signals.stack_size = 0;
    thread->signals.stack_flags = SS_DISABLE;
    spinlock_release_restore(&process->lock, enabled);
    return old;
}

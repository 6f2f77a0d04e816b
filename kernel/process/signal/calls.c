/* calls.c: the system calls about signals. */
#include <asm/errno.h>
#include <linux/signal.h>

#include "cpu/clock.h"
#include "file/credentials.h"
#include "library/string.h"
#include "memory/user_copy.h"
#include "process/pidfd.h"
#include "process/process.h"
#include "process/signal/delivery.h"
#include "process/signal/frame.h"
#include "process/system_calls.h"
#include "process/time/time_values.h"
#include "thread/preemption.h"
#include "thread/restart.h"

/* ---- masks ---- */

ssize_t sys_rt_sigprocmask(int how, vaddr_t set, vaddr_t old, size_t size)
{
    signal_set before = user_thread_current()->signals.blocked, change;

    if (size != sizeof(change))
        return -EINVAL;
    if (set) {
        int error = signal_set_user(&change, set, size);
        if (error)
            return error;
        switch (how) {
        case SIG_BLOCK:
            signal_mask_set(before | change);
            break;
        case SIG_UNBLOCK:
            signal_mask_set(before & ~change);
            break;
        case SIG_SETMASK:
            signal_mask_set(change);
            break;
        default:
            return -EINVAL;
        }
    }
    return old ? user_put(old, &before) : 0;
}

ssize_t sys_rt_sigpending(vaddr_t set, size_t size)
{
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;

    if (size > sizeof(signal_set))
        return -EINVAL;
    bool enabled = spinlock_acquire_save(&process->lock);
    signal_set pending =
        (thread->signals.pending.set | process->signals.pending.set) & thread->signals.blocked;
    spinlock_release_restore(&process->lock, enabled);
    return user_copy_out(set, &pending, size);
}

/* ---- waiting ---- */

ssize_t sys_rt_sigsuspend(vaddr_t set, size_t size)
{
    signal_set mask;
    int error = signal_set_user(&mask, set, size);

    if (error)
        return error;
    signal_mask_set_for_call(mask);
    return sys_pause();
}

ssize_t sys_pause(void)
{
    do {
        thread_prepare_sleep(THREAD_INTERRUPTIBLE);
    } while (thread_sleep(CLOCK_NEVER) == 0);
    return -RESTART_NO_HANDLER;
}

/* Takes one of the wanted signals at once, or announces a wait for them. Lock held. */
static int take_or_await(struct user_thread *thread, signal_set wanted, siginfo_t *information)
{
    int signal = signal_take(thread, wanted, information);

    if (!signal) {
        thread->signals.awaited = wanted;
        thread_prepare_sleep(THREAD_INTERRUPTIBLE);
    }
    return signal;
}

ssize_t sys_rt_sigtimedwait(vaddr_t set, vaddr_t information, vaddr_t timeout, size_t size)
{
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;
    uint64_t deadline = CLOCK_NEVER;
    signal_set wanted;
    siginfo_t taken;

    int error = signal_set_user(&wanted, set, size);
    if (error)
        return error;
    if (timeout) {
        uint64_t interval;
        error = time_interval_user(&interval, timeout);
        if (error)
            return error;
        deadline = time_deadline(interval);
    }

    bool enabled = spinlock_acquire_save(&process->lock);
    int signal = take_or_await(thread, wanted, &taken);
    int end = 0;
    while (!signal && !end) {
        spinlock_release_restore(&process->lock, enabled);
        end = thread_sleep(deadline);
        enabled = spinlock_acquire_save(&process->lock);
        signal = take_or_await(thread, wanted, &taken);
        if (!signal && end)
            thread_cancel_sleep();
    }
    thread->signals.awaited = 0;
    signal_update_work(thread);
    spinlock_release_restore(&process->lock, enabled);

    if (!signal)
        return end == -ETIMEDOUT ? -EAGAIN : -EINTR;
    if (information && user_put(information, &taken))
        return -EFAULT;
    return signal;
}

/* ---- actions ---- */

/* Lock held, and let go of now and then. */
static void forget(struct process *process, signal_set set, bool enabled)
{
    while (!signal_forget(process, set)) {
        spinlock_release_restore(&process->lock, enabled);
        thread_preemption_point();
        enabled = spinlock_acquire_save(&process->lock);
    }
}

ssize_t sys_rt_sigaction(int signal, vaddr_t action, vaddr_t old, size_t size)
{
    struct process *process = process_current();
    struct sigaction fresh, before;

    if (size != sizeof(signal_set))
        return -EINVAL;
    if (action && user_get(&fresh, action))
        return -EFAULT;
    if (signal < 1 || signal > SIGNAL_COUNT ||
        (action && (SIGNALS_UNBLOCKABLE & signal_bit(signal))))
        return -EINVAL;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct signal_actions *actions = process->signals.actions;
    spinlock_acquire(&actions->lock);
    struct sigaction *present = signal_action(actions, signal);
    before = *present;
    if (action) {
        /* Flags that Linux has no meaning for are cleared, so that programs can probe
         * (SA_UNSUPPORTED). */
        fresh.sa_flags &= SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |
                          SA_NODEFER | SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER;
        fresh.sa_mask &= ~SIGNALS_UNBLOCKABLE;
        *present = fresh;
    }
    spinlock_release(&actions->lock);
    /* POSIX, sigaction: ignoring a signal discards what is pending of it. */
    if (action && (fresh.sa_handler == SIG_IGN ||
                   (fresh.sa_handler == SIG_DFL && (SIGNALS_IGNORED & signal_bit(signal)))))
        forget(process, signal_bit(signal), enabled);
    spinlock_release_restore(&process->lock, enabled);
    return old ? user_put(old, &before) : 0;
}

ssize_t sys_sigaltstack(vaddr_t stack, vaddr_t old)
{
    struct thread_signals *signals = &user_thread_current()->signals;
    vaddr_t stack_pointer = thread_user_frame(thread_current())->rsp;
    stack_t fresh, before = {0};

    if (stack && user_get(&fresh, stack))
        return -EFAULT;
    before.ss_sp = (void *)signals->stack_base;
    before.ss_size = signals->stack_size;
    before.ss_flags = (signals->stack_flags & (SS_DISABLE | SS_AUTODISARM)) |
                      (signal_stack_in_use(stack_pointer) ? SS_ONSTACK : 0);
    if (!signals->stack_size)
        before.ss_flags |= SS_DISABLE;
    if (stack) {
        int error = signal_stack_set(&fresh, stack_pointer);
        if (error)
            return error;
    }
    return old ? user_put(old, &before) : 0;
}

/* ---- sending ---- */

/*
 * kill(2): the sender's real or effective user is the receiver's real or saved one, or it has
 * CAP_KILL; SIGCONT also goes to any process of the session. Receiver's lock held.
 */
static bool may_send(const struct credentials *other)
{
    const struct credentials *own = credentials_current();

    if (!other || credentials_capable(own, CAP_KILL))
        return true; /* it has ended */
    return own->effective_user == other->saved_user || own->effective_user == other->real_user ||
           own->real_user == other->saved_user || own->real_user == other->real_user;
}

/* Whom one asks for permission: `target`, or the process, also a zombie. Its lock held. */
static const struct credentials *credentials_of(const struct process *process,
                                                const struct user_thread *target)
{
    const struct user_thread *thread = target ? target : process_thread(process);

    return thread ? user_thread_credentials(thread)
                  : GUARDED_BY(&process->lock, process->credentials);
}

/* Asks and sends in one: who was in reach may have become someone else a moment later (execve(2) of
   a set-user-ID program). `target` NULL: to the process. */
static int send_if_allowed(struct process *process, struct user_thread *target,
                           const siginfo_t *information, bool allowed)
{
    int error = 0;

    bool enabled = spinlock_acquire_save(&process->lock);
    if (!allowed && !may_send(credentials_of(process, target)))
        error = -EPERM;
    else if (information->si_signo && target)
        error = signal_send_thread_locked(target, information);
    else if (information->si_signo)
        error = signal_send_process_locked(process, information);
    spinlock_release_restore(&process->lock, enabled);
    return error;
}

/* process_table_lock held. */
static bool is_of_session(const struct process *process)
{
    const struct process_group *group = process_group_of(process);
    const struct process_group *own = process_group_of(process_current());

    return group && own && group->session == own->session;
}

/* `group` 0: whichever it is in. */
static int send_checked(struct process *process, struct user_thread *target,
                        const siginfo_t *information, uint32_t group)
{
    bool continues = information->si_signo == SIGCONT;

    if (!group && !continues)
        return send_if_allowed(process, target, information, false);
    int error = -ESRCH;
    bool enabled = spinlock_acquire_save(&process_table_lock);
    const struct process_group *present = process_group_of(process);
    if (!group || (present && present->id == group))
        error = send_if_allowed(process, target, information, continues && is_of_session(process));
    spinlock_release_restore(&process_table_lock, enabled);
    return error;
}

static int kill_one(struct process *process, const siginfo_t *information)
{
    return send_checked(process, NULL, information, 0);
}

static bool is_other(const struct process *process)
{
    return process->id != 1 && process != process_current();
}

/* What came of sending to many: who is out of reach does not count if another one is in reach
   (POSIX, kill). */
static int result_of_many(int so_far, int error)
{
    return so_far == 0 || error == -ESRCH ? so_far : error;
}

/* To all but the caller's process and init. */
static int kill_all(const siginfo_t *information)
{
    struct process *process;
    int result = -ESRCH;

    for (uint32_t id = 1; (process = process_next(&id)); id++) {
        if (is_other(process))
            result = result_of_many(result, send_checked(process, NULL, information, 0));
        process_release(process);
        thread_preemption_point();
    }
    return result;
}

static int kill_group(struct process_group *group, const siginfo_t *information)
{
    struct process *process;
    int result = -ESRCH;

    for (struct list_place place = {0}; (process = process_group_next(group, &place));) {
        result = result_of_many(result, send_checked(process, NULL, information, group->id));
        process_release(process);
    }
    process_group_release(group);
    return result;
}

ssize_t sys_kill(int id, int signal)
{
    if (signal < 0 || signal > SIGNAL_COUNT)
        return -EINVAL;
    siginfo_t information = signal_information_user(signal, SI_USER);

    if (id > 0) {
        struct process *process = process_find_named(id);
        if (!process)
            return -ESRCH;
        int error = kill_one(process, &information);
        process_release(process);
        return error;
    }
    if (id == -1)
        return kill_all(&information);
    if (id == INT32_MIN)
        return -ESRCH;
    struct process_group *group = id ? process_group_find(-id) : process_group_current();
    return group ? kill_group(group, &information) : -ESRCH;
}

/* To one thread; `group` 0: of any process. */
static ssize_t send_to_thread(uint32_t group, uint32_t id, const siginfo_t *information)
{
    struct user_thread *thread = user_thread_find(id);
    int error = -ESRCH;

    if (!thread)
        return -ESRCH;
    if (!group || thread->thread.process->id == group)
        error = send_checked(thread->thread.process, thread, information, 0);
    user_thread_release(thread);
    return error;
}

ssize_t sys_tgkill(int group, int id, int signal)
{
    if (group <= 0 || id <= 0 || signal < 0 || signal > SIGNAL_COUNT)
        return -EINVAL;
    siginfo_t information = signal_information_user(signal, SI_TKILL);
    return send_to_thread(group, id, &information);
}

ssize_t sys_tkill(int id, int signal)
{
    if (id <= 0 || signal < 0 || signal > SIGNAL_COUNT)
        return -EINVAL;
    siginfo_t information = signal_information_user(signal, SI_TKILL);
    return send_to_thread(0, id, &information);
}

/* Nobody can pretend to be the kernel or kill(2) towards others (rt_sigqueueinfo(2)). */
static bool may_pretend(const siginfo_t *information, uint32_t receiver)
{
    return (information->si_code < 0 && information->si_code != SI_TKILL) ||
           receiver == thread_current()->id;
}

static int information_user(siginfo_t *information, int id, int signal, vaddr_t from)
{
    if (user_get(information, from))
        return -EFAULT;
    information->si_signo = signal;
    return may_pretend(information, (uint32_t)id) ? 0 : -EPERM;
}

ssize_t sys_rt_sigqueueinfo(int id, int signal, vaddr_t from)
{
    siginfo_t information;
    int error = information_user(&information, id, signal, from);

    if (error)
        return error;
    if (signal < 0 || signal > SIGNAL_COUNT)
        return -EINVAL;
    struct process *process = id > 0 ? process_find_named(id) : NULL;
    if (!process)
        return -ESRCH;
    error = kill_one(process, &information);
    process_release(process);
    return error;
}

ssize_t sys_rt_tgsigqueueinfo(int group, int id, int signal, vaddr_t from)
{
    siginfo_t information;

    if (group <= 0 || id <= 0)
        return -EINVAL;
    int error = information_user(&information, id, signal, from);
    if (error)
        return error;
    if (signal < 0 || signal > SIGNAL_COUNT)
        return -EINVAL;
    return send_to_thread(group, id, &information);
}

ssize_t sys_pidfd_send_signal(int descriptor, int signal, vaddr_t from, unsigned flags)
{
    siginfo_t information = signal_information_user(signal, SI_USER);

    if (flags)
        return -EINVAL;
    struct process *process = process_file_or_directory_get(descriptor);
    if (!process)
        return -EBADF;
    int error = 0;
    if (from)
        error = user_get(&information, from)             ? -EFAULT
                : information.si_signo != signal         ? -EINVAL
                : may_pretend(&information, process->id) ? 0
                                                         : -EPERM;
    if (!error && (signal < 0 || signal > SIGNAL_COUNT))
        error = -EINVAL;
    if (!error)
        error = process_is_reaped(process) ? -ESRCH : kill_one(process, &information);
    process_release(process);
    return error;
}

ssize_t sys_restart_syscall(void)
{
    struct restart_block *block = &thread_current()->restart;

    return block->again ? block->again(block) : -EINTR;
}

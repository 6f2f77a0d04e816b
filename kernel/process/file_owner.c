/* file_owner.c: who gets the signals of a file (F_SETOWN, fcntl(2)): a thread, a process, a group.
 */
#include "process/file_owner.h"

#include <asm/errno.h>
#include <asm/poll.h>
#include <linux/fcntl.h>

#include "file/credentials.h"
#include "process/process.h"
#include "process/signal/delivery.h"

int file_owner_find(struct file_owner *owner, int32_t number)
{
    if (number < 0)
        return -ESRCH;
    if (owner->type == F_OWNER_TID)
        owner->who = user_thread_find((uint32_t)number);
    else if (owner->type == F_OWNER_PID)
        owner->who = process_find((uint32_t)number);
    else
        owner->who = process_group_find((uint32_t)number);
    return owner->who ? 0 : -ESRCH;
}

void file_owner_hold(const struct file_owner *owner)
{
    if (owner->type == F_OWNER_TID)
        user_thread_reference(owner->who);
    else if (owner->type == F_OWNER_PID)
        process_reference(owner->who);
    else
        process_group_reference(owner->who);
}

void file_owner_release(const struct file_owner *owner)
{
    if (owner->type == F_OWNER_TID)
        user_thread_release(owner->who);
    else if (owner->type == F_OWNER_PID)
        process_release(owner->who);
    else
        process_group_release(owner->who);
}

static int32_t thread_number(const struct user_thread *thread)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    int32_t number = thread->identity ? (int32_t)thread->thread.id : 0;

    spinlock_release_restore(&process_table_lock, enabled);
    return number;
}

static int32_t group_number(const struct process_group *group)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    int32_t number = TAILQ_EMPTY(&group->members) ? 0 : (int32_t)group->id;

    spinlock_release_restore(&process_table_lock, enabled);
    return number;
}

int32_t file_owner_number(const struct file_owner *owner)
{
    if (owner->type == F_OWNER_TID)
        return thread_number(owner->who);
    if (owner->type == F_OWNER_PGRP)
        return group_number(owner->who);
    struct process *process = owner->who;
    return process_is_reaped(process) ? 0 : (int32_t)process->id;
}

/* ---- sending ---- */

/* Those who set the owner may send to it: as kill(2), with what they were then. */
static bool may_send(const struct file_owner *owner, const struct credentials *receiver)
{
    return owner->effective_user == 0 || owner->effective_user == receiver->saved_user ||
           owner->effective_user == receiver->real_user ||
           owner->real_user == receiver->saved_user || owner->real_user == receiver->real_user;
}

/* What poll(2) would say: si_band, sigaction(2). */
static long band_of(int reason)
{
    switch (reason) {
    case POLL_IN:
        return POLLIN | POLLRDNORM;
    case POLL_OUT:
        return POLLOUT | POLLWRNORM | POLLWRBAND;
    case POLL_HUP:
        return POLLHUP | POLLERR;
    default:
        return POLLERR;
    }
}

/* With F_SETSIG the signal says what happened, where its codes leave room for that. */
static siginfo_t information_of(int signal, int reason, int descriptor)
{
    const signal_set with_codes = SIGNALS_SYNCHRONOUS | signal_bit(SIGCHLD);
    siginfo_t information = {.si_signo = signal, .si_code = reason};

    if (with_codes & signal_bit(signal))
        information.si_code = SI_SIGIO;
    information.si_band = band_of(reason);
    information.si_fd = descriptor;
    return information;
}

static void send_to_process(const struct file_owner *owner, struct process *process,
                            struct user_thread *thread, int signal, int reason, int descriptor)
{
    bool enabled = spinlock_acquire_save(&process->lock);
    struct user_thread *any = thread ? thread : TAILQ_FIRST(&process->threads);
    const struct credentials *receiver = any ? any->thread.credentials : NULL;
    siginfo_t information =
        signal ? information_of(signal, reason, descriptor) : signal_information_kernel(SIGIO);

    if (receiver && may_send(owner, receiver)) {
        int error = thread ? signal_send_thread_locked(thread, &information)
                           : signal_send_process_locked(process, &information);
        if (error) { /* no room for one more with a value: fcntl(2), F_SETSIG */
            information = signal_information_kernel(SIGIO);
            signal_send_process_locked(process, &information);
        }
    }
    spinlock_release_restore(&process->lock, enabled);
}

static void send_to_group(const struct file_owner *owner, int signal, int reason, int descriptor)
{
    struct process *process;

    for (struct list_place place = {0}; (process = process_group_next(owner->who, &place));) {
        send_to_process(owner, process, NULL, signal, reason, descriptor);
        process_release(process);
    }
}

void file_owner_signal(const struct file_owner *owner, int signal, int reason, int descriptor)
{
    if (owner->type == F_OWNER_PGRP) {
        send_to_group(owner, signal, reason, descriptor);
    } else if (owner->type == F_OWNER_PID) {
        send_to_process(owner, owner->who, NULL, signal, reason, descriptor);
    } else {
        struct user_thread *thread = owner->who;
        send_to_process(owner, thread->thread.process, thread, signal, reason, descriptor);
    }
}

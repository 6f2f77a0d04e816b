/*
 * wait.c: how a parent learns what became of its children: wait4(2) and
 * waitid(2) (POSIX wait, waitid). One search serves both.
 */
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/wait.h>

#include "file/credentials.h"
#include "memory/user_copy.h"
#include "process/exit.h"
#include "process/pidfd.h"
#include "process/system_calls.h"
#include "process/time/usage.h"
#include "thread/restart.h"

enum child_event {
    CHILD_NONE,
    CHILD_ENDED,
    CHILD_STOPPED,
    CHILD_CONTINUED,
};

struct wait_request {
    /* What to look for. */
    int type; /* P_ALL, P_PID, P_PGID */
    uint32_t id;
    int options; /* WEXITED, WSTOPPED, …, __WALL */

    /* What was found. */
    enum child_event event;
    uint32_t child;
    uint32_t user;
    int status; /* an exit status as wait4 has it, or the signal that stopped it */
    struct resource_usage usage;
};

/* Is it one that the request names? process_table_lock held. */
static bool matches(const struct wait_request *request, const struct process *child)
{
    if (request->type == P_PID && child->id != request->id)
        return false;
    if (request->type == P_PGID && process_group_of(child)->id != request->id)
        return false;
    if ((request->options & __WNOTHREAD) && child->creator != user_thread_current())
        return false;
    /* A "clone" child tells its parent by another signal than SIGCHLD, or by none: wait(2). */
    bool clone_child = child->exit_signal != SIGCHLD;
    return (request->options & __WALL) || clone_child == !!(request->options & __WCLONE);
}

/* What there is to tell of the child; takes it, unless WNOWAIT. process_table_lock held. */
static enum child_event take_event(const struct wait_request *request, struct process *child,
                                   int *status)
{
    bool keep = request->options & WNOWAIT;

    if (child->zombie) {
        *status = child->exit_status;
        return request->options & WEXITED ? CHILD_ENDED : CHILD_NONE;
    }
    enum child_event event = CHILD_NONE;
    spinlock_acquire(&child->lock);
    if ((request->options & WSTOPPED) && child->signals.stopped && child->signals.stop_report) {
        *status = child->signals.stop_report;
        event = CHILD_STOPPED;
        if (!keep)
            child->signals.stop_report = 0;
    } else if ((request->options & WCONTINUED) && child->signals.continue_report) {
        *status = SIGCONT;
        event = CHILD_CONTINUED;
        if (!keep)
            child->signals.continue_report = false;
    }
    spinlock_release(&child->lock);
    return event;
}

static uint32_t real_user(struct process *child)
{
    spinlock_acquire(&child->lock);
    struct user_thread *thread = TAILQ_FIRST(&child->threads);
    const struct credentials *credentials =
        thread ? thread->thread.credentials : child->credentials;
    uint32_t user = credentials ? credentials->real_user : 0;
    spinlock_release(&child->lock);
    return user;
}

static struct resource_usage usage_with_children(struct process *child)
{
    spinlock_acquire(&child->lock);
    struct resource_usage usage = child->usage;
    resource_usage_add(&usage, &child->children_usage);
    spinlock_release(&child->lock);
    return usage;
}

static void add_to_children_usage(struct process *parent, const struct resource_usage *usage)
{
    spinlock_acquire(&parent->lock);
    resource_usage_add(&parent->children_usage, usage);
    spinlock_release(&parent->lock);
}

/*
 * Looks through the children. 0 with request->event and, when a zombie is to be
 * reaped, *reaped and *remains; -ECHILD: no child fits the request at all.
 */
static int search(struct wait_request *request, struct process **reaped,
                  struct process_group_remains *remains)
{
    struct process *parent = process_current(), *child;
    int result = -ECHILD;

    *reaped = NULL;
    bool enabled = spinlock_acquire_save(&process_table_lock);
    LIST_FOREACH(child, &parent->children, sibling_link)
    {
        if (!matches(request, child))
            continue;
        result = 0;
        request->event = take_event(request, child, &request->status);
        if (!request->event)
            continue;
        request->child = child->id;
        request->user = real_user(child);
        request->usage = usage_with_children(child);
        if (request->event == CHILD_ENDED && !(request->options & WNOWAIT)) {
            add_to_children_usage(parent, &request->usage);
            process_reap(child, remains);
            *reaped = child;
        }
        break;
    }
    spinlock_release_restore(&process_table_lock, enabled);
    return result;
}

/* Waits as the request says. 0, with request->event CHILD_NONE only under WNOHANG. */
static int wait_for_child(struct wait_request *request)
{
    struct process *parent = process_current(), *reaped;
    struct process_group_remains remains = {0};
    struct wait_entry entry;
    int error;

    request->event = CHILD_NONE;
    error = search(request, &reaped, &remains);
    if (!error && !request->event && !(request->options & WNOHANG)) {
        /* A child's end comes with a signal: what the child has to tell goes before that. */
        bool interrupted = false;
        wait_begin(&parent->child_events, &entry, THREAD_INTERRUPTIBLE);
        while (!(error = search(request, &reaped, &remains)) && !request->event) {
            if (interrupted) {
                error = -RESTART_CALL;
                break;
            }
            interrupted = thread_sleep(CLOCK_NEVER) != 0;
            wait_again(&entry);
        }
        wait_end(&entry);
    }
    if (reaped) {
        process_wait_off_stack(reaped, 0);
        process_group_remains_free(&remains);
        process_release(reaped);
    }
    return error;
}

static int put_usage(vaddr_t address, const struct resource_usage *usage)
{
    struct rusage result;

    if (!address)
        return 0;
    usage_to_rusage(&result, usage);
    return user_put(address, &result);
}

/* The status word of wait4(2). */
static int status_word(const struct wait_request *request)
{
    switch (request->event) {
    case CHILD_STOPPED:
        return request->status << 8 | 0x7f;
    case CHILD_CONTINUED:
        return 0xffff;
    default:
        return request->status;
    }
}

ssize_t sys_wait4(int id, vaddr_t status, int options, vaddr_t usage)
{
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return -EINVAL;
    if (id == INT32_MIN)
        return -ESRCH;

    struct wait_request request = {.type = P_ALL, .options = options | WEXITED};
    if (id > 0) {
        request.type = P_PID;
        request.id = id;
    } else if (id != -1) {
        request.type = P_PGID;
        request.id = id ? -id : sys_getpgrp();
    }

    int error = wait_for_child(&request);
    if (error)
        return error;
    if (!request.event)
        return 0;
    int word = status_word(&request);
    if ((status && user_put(status, &word)) || put_usage(usage, &request.usage))
        return -EFAULT;
    return request.child;
}

/* siginfo_t as waitid(2) fills it: all zeros when there was nothing. */
static siginfo_t information_of(const struct wait_request *request)
{
    siginfo_t information = {0};

    if (!request->event)
        return information;
    information.si_signo = SIGCHLD;
    information.si_pid = request->child;
    information.si_uid = request->user;
    if (request->event == CHILD_ENDED) {
        int value;
        information.si_code = process_child_code(request->status, &value);
        information.si_status = value;
    } else {
        information.si_code = request->event == CHILD_STOPPED ? CLD_STOPPED : CLD_CONTINUED;
        information.si_status = request->status;
    }
    return information;
}

/* Whom waitid(2) means. 0, -EINVAL, -EBADF. *nonblocking: its descriptor is. */
static int request_target(struct wait_request *request, int type, int id, bool *nonblocking)
{
    request->type = type;
    request->id = id;
    switch (type) {
    case P_ALL:
        break;
    case P_PID:
        if (id <= 0)
            return -EINVAL;
        break;
    case P_PGID:
        if (id < 0)
            return -EINVAL;
        if (id == 0)
            request->id = sys_getpgrp();
        break;
    case P_PIDFD: {
        if (id < 0)
            return -EINVAL;
        struct process *process = process_file_get(id, nonblocking);
        if (!process)
            return -EBADF;
        request->type = P_PID;
        request->id = process->id;
        process_release(process);
        break;
    }
    default:
        return -EINVAL;
    }
    return 0;
}

ssize_t sys_waitid(int type, int id, vaddr_t information, int options, vaddr_t usage)
{
    const int events = WEXITED | WSTOPPED | WCONTINUED;
    bool nonblocking = false;
    if ((options & ~(events | WNOHANG | WNOWAIT | __WNOTHREAD | __WCLONE | __WALL)) ||
        !(options & events))
        return -EINVAL;

    struct wait_request request = {.options = options};
    int error = request_target(&request, type, id, &nonblocking);
    if (error)
        return error;
    if (nonblocking)
        request.options |= WNOHANG;
    error = wait_for_child(&request);
    if (error)
        return error;
    if (!request.event && !(options & WNOHANG))
        return -EAGAIN; /* O_NONBLOCK: pidfd_open(2) */
    if (request.event && put_usage(usage, &request.usage))
        return -EFAULT;
    siginfo_t result = information_of(&request);
    if (information && user_put(information, &result))
        return -EFAULT;
    return 0;
}

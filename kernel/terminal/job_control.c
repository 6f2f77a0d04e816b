/*
 * job_control.c: see job_control.h. Rules from POSIX (tcsetpgrp, 11.1.3,
 * 11.1.4), ioctl_tty(2) where POSIX is silent.
 */
#include "terminal/job_control.h"

#include <asm/signal.h>
#include <linux/errno.h>

#include "memory/user_copy.h"
#include "process/process.h"
#include "terminal/terminal.h"
#include "thread/restart.h"

struct spinlock control_lock = SPINLOCK_RANKED(LOCK_TERMINAL_CONTROL);

/* ---- the link between a session and its terminal ---- */

static bool leads_session(const struct process_group *group)
{
    return process_current()->id == group->session->id;
}

/* Ties them together if both are free. The group becomes the foreground. */
static bool link_free(struct terminal *terminal, struct process_group *group)
{
    bool enabled = spinlock_acquire_save(&control_lock);
    bool free = !terminal->session && !group->session->terminal;

    if (free) {
        session_reference(group->session);
        process_group_reference(group);
        terminal_reference(terminal);
        terminal->session = group->session;
        terminal->foreground = group;
        group->session->terminal = terminal;
    }
    spinlock_release_restore(&control_lock, enabled);
    return free;
}

void terminal_owner_default(struct terminal *terminal, struct file *file)
{
    bool enabled = spinlock_acquire_save(&control_lock);
    int32_t group = terminal->foreground ? (int32_t)terminal->foreground->id : 0;

    spinlock_release_restore(&control_lock, enabled);
    if (group)
        async_owner_default(file, F_OWNER_PGRP, group);
    else
        async_owner_default(file, F_OWNER_PID, (int32_t)process_current()->id);
}

static void signal_leader(const struct session *session)
{
    const siginfo_t hang_up = signal_information_kernel(SIGHUP);
    const siginfo_t go_on = signal_information_kernel(SIGCONT);
    struct process *leader = process_find(session->id);

    if (!leader)
        return;
    signal_send_process(leader, &hang_up);
    signal_send_process(leader, &go_on);
    process_release(leader);
}

/* Who is told, as Linux does it: tty_io.c and tty_jobctrl.c were the only description found. */
static void tell_loss(const struct session *session, const struct process_group *foreground,
                      enum terminal_loss why)
{
    if (why == TERMINAL_HUNG_UP)
        signal_leader(session);
    if (foreground && (why == TERMINAL_LEADER_ENDED || why == TERMINAL_GIVEN_UP))
        signal_send_group(foreground->id, SIGHUP);
    if (foreground && why == TERMINAL_GIVEN_UP)
        signal_send_group(foreground->id, SIGCONT);
}

void terminal_release_session(struct terminal *terminal, enum terminal_loss why)
{
    bool enabled = spinlock_acquire_save(&control_lock);
    struct session *session = terminal->session;
    struct process_group *foreground = terminal->foreground;

    terminal->session = NULL;
    terminal->foreground = NULL;
    if (session)
        session->terminal = NULL;
    spinlock_release_restore(&control_lock, enabled);
    if (!session)
        return;
    tell_loss(session, foreground, why);
    if (foreground)
        process_group_release(foreground);
    session_release(session);
    terminal_release(terminal);
}

struct terminal *controlling_terminal(void)
{
    struct process_group *group = process_group_current();
    bool enabled = spinlock_acquire_save(&control_lock);
    struct terminal *terminal = group->session->terminal;

    if (terminal)
        terminal_reference(terminal);
    spinlock_release_restore(&control_lock, enabled);
    process_group_release(group);
    return terminal;
}

bool terminal_controls_caller(struct terminal *terminal)
{
    struct process_group *group = process_group_current();
    bool enabled = spinlock_acquire_save(&control_lock);
    bool controls = group->session->terminal == terminal;

    spinlock_release_restore(&control_lock, enabled);
    process_group_release(group);
    return controls;
}

void terminal_acquire(struct terminal *terminal)
{
    struct process_group *group = process_group_current();

    if (leads_session(group))
        link_free(terminal, group);
    process_group_release(group);
}

/* For /proc/PID/stat: fields tty_nr and tpgid of proc(5). */
void session_terminal_describe(struct session *session, uint32_t *device, int *foreground)
{
    bool enabled = spinlock_acquire_save(&control_lock);
    const struct terminal *terminal = session->terminal;

    *device = terminal ? device_number(terminal->major, terminal->minor) : 0;
    *foreground = terminal && terminal->foreground ? (int)terminal->foreground->id : -1;
    spinlock_release_restore(&control_lock, enabled);
}

/* ---- who may use it ---- */

/* Is the calling process in the background of this terminal, its own? */
static bool in_background(struct terminal *terminal, const struct process_group *group)
{
    bool enabled = spinlock_acquire_save(&control_lock);
    bool background = group->session->terminal == terminal && terminal->foreground &&
                      terminal->foreground != group;

    spinlock_release_restore(&control_lock, enabled);
    return background;
}

static ssize_t stop_background(struct process_group *group, int signal)
{
    if (!signal_would_reach(signal))
        return signal == SIGTTIN ? -EIO : 0;
    if (process_group_is_orphaned(group))
        return -EIO;
    signal_send_group(group->id, signal);
    return -RESTART_CALL;
}

ssize_t terminal_check_foreground(struct terminal *terminal, int signal)
{
    struct process_group *group = process_group_current();
    ssize_t error = in_background(terminal, group) ? stop_background(group, signal) : 0;

    process_group_release(group);
    return error;
}

void terminal_signal(struct terminal *terminal, int signal)
{
    bool enabled = spinlock_acquire_save(&control_lock);
    struct process_group *foreground = terminal->foreground;

    if (foreground)
        process_group_reference(foreground);
    spinlock_release_restore(&control_lock, enabled);
    if (!foreground)
        return;
    signal_send_group(foreground->id, signal);
    process_group_release(foreground);
}

/* ---- ioctl_tty(2) ---- */

static ssize_t set_controlling(struct terminal *terminal, struct file *file,
                               struct process_group *group, bool steal)
{
    bool capable = credentials_capable(credentials_current(), CAP_SYS_ADMIN);

    bool enabled = spinlock_acquire_save(&control_lock);
    bool already = terminal->session == group->session;
    bool taken = terminal->session;
    bool has_other = group->session->terminal;
    spinlock_release_restore(&control_lock, enabled);

    if (leads_session(group) && already)
        return 0;
    if (!leads_session(group) || has_other)
        return -EPERM;
    if (!file->readable && !capable)
        return -EPERM;
    if (taken) {
        if (!steal || !capable)
            return -EPERM;
        terminal_release_session(terminal, TERMINAL_STOLEN);
    }
    return link_free(terminal, group) ? 0 : -EPERM;
}

ssize_t terminal_set_controlling(struct terminal *terminal, struct file *file, bool steal)
{
    struct process_group *group = process_group_current();
    ssize_t result = set_controlling(terminal, file, group, steal);

    process_group_release(group);
    return result;
}

ssize_t terminal_give_up(struct terminal *terminal)
{
    struct process_group *group = process_group_current();
    bool leader = leads_session(group);

    process_group_release(group);
    if (!terminal_controls_caller(terminal))
        return -ENOTTY;
    /* The others of a session cannot give it up one by one: a session has one terminal or none. */
    if (leader)
        terminal_release_session(terminal, TERMINAL_GIVEN_UP);
    return 0;
}

ssize_t terminal_foreground_get(struct terminal *terminal, bool master, vaddr_t argument)
{
    if (!master && !terminal_controls_caller(terminal))
        return -ENOTTY;
    bool enabled = spinlock_acquire_save(&control_lock);
    int id = terminal->foreground ? (int)terminal->foreground->id : 0;

    spinlock_release_restore(&control_lock, enabled);
    return user_put(argument, &id);
}

/* Makes `wanted` the foreground, if it is a group of the caller's session. */
static ssize_t foreground_replace(struct terminal *terminal, const struct process_group *own,
                                  struct process_group *wanted)
{
    struct process_group *old = NULL;
    ssize_t result = 0;
    bool enabled = spinlock_acquire_save(&control_lock);

    if (terminal->session != own->session) {
        result = -ENOTTY;
    } else if (wanted->session != own->session) {
        result = -EPERM;
    } else {
        old = terminal->foreground;
        process_group_reference(wanted);
        terminal->foreground = wanted;
    }
    spinlock_release_restore(&control_lock, enabled);
    if (old)
        process_group_release(old);
    return result;
}

ssize_t terminal_foreground_set(struct terminal *terminal, vaddr_t argument)
{
    ssize_t result = terminal_check_foreground(terminal, SIGTTOU);
    int id;

    if (result)
        return result == -EIO ? -ENOTTY : result;
    if (!terminal_controls_caller(terminal))
        return -ENOTTY;
    if (user_get(&id, argument))
        return -EFAULT;
    if (id < 0)
        return -EINVAL;
    struct process_group *wanted = process_group_find(id);
    if (!wanted)
        return -ESRCH;
    struct process_group *own = process_group_current();
    result = foreground_replace(terminal, own, wanted);
    process_group_release(own);
    process_group_release(wanted);
    return result;
}

ssize_t terminal_session_get(struct terminal *terminal, bool master, vaddr_t argument)
{
    if (!master && !terminal_controls_caller(terminal))
        return -ENOTTY;
    bool enabled = spinlock_acquire_save(&control_lock);
    int id = terminal->session ? (int)terminal->session->id : 0;

    spinlock_release_restore(&control_lock, enabled);
    return id ? user_put(argument, &id) : -ENOTTY;
}

/*
 * exit.c: how a thread ends, and with its last thread a process. The order is
 * that of README.md, "How a thread ends".
 */
#include "process/exit.h"

#include <asm/errno.h>
#include <linux/wait.h>

#include "cpu/panic.h"
#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "file/tree/file_system_context.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"
#include "process/futex.h"
#include "process/hooks.h"
#include "process/identity.h"
#include "process/system_calls.h"
#include "process/thread_account.h"
#include "process/time/usage.h"
#include "thread/injection.h"
#include "thread/preemption.h"

/* ---- who ends, and with what status ---- */

void process_exit(int status)
{
    struct process *process = process_current();
    bool enabled = spinlock_acquire_save(&process->lock);
    if (!process->executor) /* else a sibling's exec has won: end for it, as a thread */
        process_begin_exit(process, status);
    spinlock_release_restore(&process->lock, enabled);
    user_thread_exit(status);
}

void user_thread_killed(void)
{
    user_thread_exit(process_current()->exit_status);
}

/*
 * From here on no signal is given to the thread. What the leader says counts if
 * it ends by itself. True: all other threads of the process have come this far
 * before; no one can join any more.
 */
static bool thread_begin_exit(struct user_thread *thread, int status)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    thread->exiting = true;
    if (!process->exiting) {
        if (thread->thread.id == process->id)
            process->exit_status = status;
        process->exiting = process->living == 1;
        if (process->exiting)
            process_tell_threads(process);
    }
    bool last = --process->living == 0;
    signal_thread_exit(thread);
    spinlock_release_restore(&process->lock, enabled);
    signal_exit_drop(thread, last);
    return last;
}

/* ---- what it shared ---- */

void vfork_complete(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    struct vfork_wait *wait = thread->vfork_wait;
    thread->vfork_wait = NULL;
    if (wait) {
        __atomic_store_n(&wait->done, true, __ATOMIC_RELEASE);
        thread_wake(wait->parent);
    }
    spinlock_release_restore(&process->lock, enabled);
}

static void leave_memory(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    struct address_space *space = thread->thread.address_space;

    futex_thread_exit(thread, true);

    bool enabled = spinlock_acquire_save(&process->lock);
    thread->thread.address_space = NULL;
    uint64_t most = address_space_most_resident(space);
    if (process->usage.maximum_resident < most)
        process->usage.maximum_resident = most;
    spinlock_release_restore(&process->lock, enabled);
    thread_set_root(kernel_root, NULL);

    vfork_complete(thread);
    address_space_release(space);
}

static void leave_files(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    struct descriptor_table *descriptors = thread->thread.descriptors;
    struct file_system_context *file_system = thread->thread.file_system;

    bool enabled = spinlock_acquire_save(&process->lock);
    thread->thread.descriptors = NULL;
    thread->thread.file_system = NULL;
    spinlock_release_restore(&process->lock, enabled);

    descriptor_table_release(descriptors);
    file_system_context_release(file_system);
}

/* ---- the family of a process that ends ---- */

int process_child_code(int status, int *value)
{
    int signal = status & 0x7f;
    *value = signal ? signal : status >> 8 & 0xff;
    if (!signal)
        return CLD_EXITED;
    return status & 0x80 ? CLD_DUMPED : CLD_KILLED;
}

/*
 * What the parent is told with, 0: nothing. A parent that is another program by now, which may act
 * as another user, gets no signal that the one before it chose; nor does clone(2) ask whether
 * there is such a signal. process_table_lock held.
 */
static int end_signal(const struct process *process)
{
    if (process->exit_signal && process->maker_executions != process->parent->executions)
        return SIGCHLD;
    return process->exit_signal <= SIGNAL_COUNT ? process->exit_signal : 0;
}

/* Tells the parent of a zombie; *waits is for process_wake_waiters(). True: nobody wants it.
   process_table_lock held. */
static bool announce_end(struct process *process, struct process **waits)
{
    int value, code = process_child_code(process->exit_status, &value),
               signal = end_signal(process);
    bool unwanted = signal && signal_send_child(process->parent, process, signal, code, value);
    *waits = process_waited_for_by(process);
    return unwanted;
}

void process_reap(struct process *process, struct process_group_remains *remains)
{
    struct user_thread *first = identity_forget_thread(process->identity);

    LIST_REMOVE(process, sibling_link);
    process->parent = NULL;
    process_group_leave(process, remains);
    process->identity->process = NULL;
    identity_drop(process->identity);
    process->identity = NULL;
    user_account_remove_thread(&process->account);
    user_thread_release(first);
}

/* Who takes in the children of `process`: the nearest ancestor that wants to, or init. */
static struct process *find_reaper(const struct process *process)
{
    for (struct process *ancestor = process->parent; ancestor; ancestor = ancestor->parent) {
        if (ancestor->subreaper && !ancestor->exiting)
            return ancestor;
    }
    return process_init;
}

static void send_parent_death_signals(struct process *child)
{
    struct user_thread *thread;
    spinlock_acquire(&child->lock);
    TAILQ_FOREACH(thread, &child->threads, process_link)
    {
        if (thread->parent_death_signal) {
            siginfo_t information = signal_information_kernel(thread->parent_death_signal);
            signal_send_thread_locked(thread, &information);
        }
    }
    spinlock_release(&child->lock);
}

/* POSIX _exit: a stopped group that becomes orphaned gets SIGHUP and SIGCONT. */
static void signal_orphaned_group(uint32_t group)
{
    signal_send_group(group, SIGHUP);
    signal_send_group(group, SIGCONT);
}

/* Did `group` stop being looked after when `process` left or ended, and has it stopped members? */
static bool becomes_orphaned(struct process_group *group, const struct process *process)
{
    return group->session == process_group_of(process)->session &&
           process_group_orphaned_locked(group, process) && process_group_has_stopped(group);
}

/*
 * Did its parent, from another group of the session, look after its group
 * through this process? If not, its end changes nothing for the group.
 */
static bool looked_after_group(const struct process *process)
{
    const struct process_group *parent = process->parent ? process_group_of(process->parent) : NULL;
    return parent && parent != process_group_of(process) &&
           parent->session == process_group_of(process)->session;
}

/* One child at a time goes to the reaper, so that the lock is held for a short while only. */
static void give_children_away(struct process *process)
{
    for (;;) {
        struct process_group_remains remains = {0};
        uint32_t orphaned = 0;
        struct process *waits = NULL;
        bool reaped = false;

        bool enabled = spinlock_acquire_save(&process_table_lock);
        struct process *child = LIST_FIRST(&process->children);
        if (child) {
            struct process *reaper = find_reaper(process);
            LIST_REMOVE(child, sibling_link);
            LIST_INSERT_HEAD(&reaper->children, child, sibling_link);
            child->parent = reaper;
            child->creator = NULL;
            child->exit_signal = SIGCHLD;
            send_parent_death_signals(child);
            if (child->zombie) {
                reaped = announce_end(child, &waits);
                if (reaped)
                    process_reap(child, &remains);
            } else if (process_group_of(child) != process_group_of(process) &&
                       becomes_orphaned(process_group_of(child), process)) {
                orphaned = process_group_of(child)->id;
            }
        }
        spinlock_release_restore(&process_table_lock, enabled);

        if (!child)
            return;
        process_wake_waiters(waits);
        thread_preemption_point();
        if (orphaned)
            signal_orphaned_group(orphaned);
        if (reaped) {
            process_group_remains_free(&remains);
            process_release(child);
        }
    }
}

/* What the process leaves to others. Called by the last thread that began to end. */
static void end_family(struct process *process)
{
    if (process == process_init)
        panic("init ended with status 0x%x", process->exit_status);

    uint32_t orphaned = 0;
    struct session *left = NULL;
    bool enabled = spinlock_acquire_save(&process_table_lock);
    if (process->identity->session) {
        left = process->identity->session;
        session_reference(left);
    }
    if (looked_after_group(process) && becomes_orphaned(process_group_of(process), process))
        orphaned = process_group_of(process)->id;
    spinlock_release_restore(&process_table_lock, enabled);

    if (left) {
        process_hooks.session_leader_ends(left);
        session_release(left);
    }
    if (orphaned)
        signal_orphaned_group(orphaned);
    give_children_away(process);
}

/* ---- the last step ---- */

void resource_usage_add(struct resource_usage *sum, const struct resource_usage *part)
{
    sum->user_time += part->user_time;
    sum->system_time += part->system_time;
    sum->minor_faults += part->minor_faults;
    sum->major_faults += part->major_faults;
    sum->voluntary_switches += part->voluntary_switches;
    sum->involuntary_switches += part->involuntary_switches;
    if (sum->maximum_resident < part->maximum_resident)
        sum->maximum_resident = part->maximum_resident;
}

/*
 * Leaves the process's list; the last one makes the process a zombie. What is found of it
 * afterwards is its first thread, until it is reaped or another thread becomes the first (exec): it
 * has its credentials and how it was scheduled, and nothing else.
 */
static void leave_process(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    const struct credentials *credentials = NULL;
    struct resource_usage usage;
    struct process_group_remains remains = {0};
    struct process *waits = NULL;
    bool unwanted = false;

    thread_set_share(NULL); /* whoever waits for the process may free the account */
    usage_of_thread(&usage, thread);
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct identity *identity = thread->identity;
    bool first = identity == process->identity;
    if (first) {
        user_thread_reference(thread);
    } else {
        identity_forget_thread(identity);
        identity_drop(identity);
    }

    spinlock_acquire(&process->lock);
    if (!first) {
        credentials = thread->thread.credentials;
        thread->thread.credentials = NULL;
    }
    resource_usage_add(&process->usage, &usage);
    TAILQ_REMOVE(&process->threads, thread, process_link);
    thread->listed = false;
    bool last = --process->thread_count == 0;
    if (thread->thread.id == process->id || last)
        memcpy(process->name, thread->thread.name, sizeof(process->name));
    if (last) {
        process->credentials = process->identity->thread->thread.credentials;
        credentials_reference(process->credentials);
        process->account = thread->thread.account; /* a zombie counts for RLIMIT_NPROC */
        thread->thread.account = NULL;
    }
    spinlock_release(&process->lock);

    if (last) {
        __atomic_store_n(&process->zombie, true, __ATOMIC_RELEASE);
        unwanted = announce_end(process, &waits);
        if (unwanted)
            process_reap(process, &remains);
    }
    spinlock_release_restore(&process_table_lock, enabled);

    /* Anybody may hold a process by a pidfd, and watch it: without the lock. */
    if (last)
        wait_queue_wake_all(&process->ended);
    process_wake_waiters(waits);
    credentials_release(credentials);
    process_group_remains_free(&remains);
    if (unwanted)
        process_release(process);
}

/*
 * Who waits for the process's last stacks may free it as soon as the lock is free: unless ours was
 * the last reference, it is not touched any more then.
 */
void user_thread_off_stack(struct thread *thread)
{
    struct user_thread *user = user_thread_of(thread);
    struct process *process = thread->process;

    process_reference(process);
    user_account_remove_thread(&user->thread.account);
    kernel_stack_free(thread->kernel_stack);
    user_thread_release(user);

    bool enabled = spinlock_acquire_save(&process->lock);
    uint32_t stacks = process->stacks - 1;
    __atomic_store_n(&process->stacks, stacks, __ATOMIC_RELEASE);
    if (stacks <= 1)
        wait_queue_wake(&process->off_stack);
    bool last = process_drop(process);
    spinlock_release_restore(&process->lock, enabled);
    if (last)
        process_destroy(process);
}

void process_wait_off_stack(struct process *process, uint32_t stacks)
{
    wait_event(&process->off_stack, __atomic_load_n(&process->stacks, __ATOMIC_ACQUIRE) <= stacks,
               THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
    bool enabled = spinlock_acquire_save(&process->lock); /* who woke us has let go of it */
    spinlock_release_restore(&process->lock, enabled);
}

void user_thread_exit(int status)
{
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;

    bool last = thread_begin_exit(thread, status);
    injection_reach(INJECTION_EXIT_BEGUN);
    leave_memory(thread);
    leave_files(thread);
    injection_reach(INJECTION_EXIT_LEFT);
    if (last) {
        process_timers_end(process);
        end_family(process);
    }
    leave_process(thread);
    thread_exit();
}

ssize_t sys_exit(int code)
{
    user_thread_exit((code & 0xff) << 8);
}

ssize_t sys_exit_group(int code)
{
    process_exit((code & 0xff) << 8);
}

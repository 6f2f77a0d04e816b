/*
 * exec.c: how a program hands its process over to another one.
 *
 *   exec_prepare   (prepare.c) builds everything the new program needs aside: its arguments,
 *                  its whole address space, its credentials, its descriptors. May fail: then
 *                  nothing has changed.
 *   exec_claim     makes this thread the one that survives. May lose against an exit or another
 *                  exec: then this thread must end anyway, and nothing else has changed.
 *   exec_commit    ends the other threads and puts the new in the place of the old. Cannot fail.
 *
 * README.md shows who may come between, at each of the steps that
 * injection_reach() names. The order of errors is Linux's (execve(2)).
 */
#include "exec/exec.h"

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/personality.h>

#include "cpu/fpu.h"
#include "exec/sharing.h"
#include "exec/system_calls.h"
#include "file/descriptor_table.h"
#include "file/file.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "process/exit.h"
#include "process/futex.h"
#include "process/identity.h"
#include "process/restartable_sequence.h"
#include "process/thread_account.h"
#include "process/time/posix_timer.h"
#include "thread/injection.h"
#include "thread/limits.h"

/* ---- claim ---- */

/*
 * Decides, under the process's lock, that this thread's exec is the one that
 * happens. From then on the siblings are told to end, new ones cannot appear,
 * and nothing can fail. -EINTR: an exit or another exec was first, and this
 * thread must end. -EAGAIN: something came to be shared since it was prepared.
 */
static int exec_claim(struct exec *exec)
{
    struct user_thread *self = user_thread_current();
    struct process *process = self->thread.process;
    int error = 0;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct exec_sharing sharing = exec_sharing_find(process);
    if (process->exiting || process->executor) {
        error = -EINTR;
    } else if (!exec_sharing_suits(exec, &sharing)) {
        error = -EAGAIN;
    } else {
        process->executor = self;
        if (process->thread_count > 1)
            process_tell_threads(process);
    }
    spinlock_release_restore(&process->lock, enabled);
    return error;
}

/* ---- commit: alone ---- */

/* Whichever thread it was: now it is the process's first one, with the process's number. */
static void take_over_identity(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    struct user_thread *ended = NULL;

    bool enabled = spinlock_acquire_save(&process_table_lock);
    if (thread->identity != process->identity) {
        ended = identity_forget_thread(process->identity);
        thread->identity->thread = NULL;
        identity_drop(thread->identity);
        thread->identity = process->identity;
        thread->identity->thread = thread;
        thread->thread.id = process->id;
    }
    process->exit_signal = SIGCHLD;
    process->executions++;
    process->has_executed = true;
    spinlock_release_restore(&process_table_lock, enabled);
    if (ended)
        user_thread_release(ended);
}

/* ---- commit: the switch ---- */

/*
 * The old memory learns that its thread is gone: robust futexes, and, if
 * another process still uses it, clear_child_tid (set_tid_address(2)).
 */
static void say_goodbye_to_memory(struct user_thread *thread)
{
    struct address_space *old = thread->thread.address_space;
    bool shared = __atomic_load_n(&old->users, __ATOMIC_ACQUIRE) > 1;
    futex_thread_exit(thread, shared);
}

/*
 * The new address space, credentials and name in one step: whoever looks from
 * outside takes the process's lock and sees all of them or none. The old ones
 * are left in *exec.
 */
static void switch_image(struct user_thread *thread, struct exec *exec)
{
    struct thread *self = &thread->thread;
    struct process *process = self->process;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct address_space *old_space = self->address_space;
    const struct credentials *old_credentials = self->credentials;
    self->address_space = exec->space;
    self->credentials = exec->credentials.credentials;
    memcpy(self->name, exec->name, sizeof(self->name));
    if (exec->descriptors) {
        struct descriptor_table *old_descriptors = self->descriptors;
        self->descriptors = exec->descriptors;
        exec->descriptors = old_descriptors;
    }
    process->dumpable =
        exec->is_readable && !exec->credentials.secure && !exec->credentials.changed;
    if (exec->credentials.has_bits)
        __atomic_and_fetch(&process->personality, ~PER_CLEAR_ON_SETID, __ATOMIC_RELAXED);
    thread_set_root(exec->space->root, &exec->space->cpus);
    uint64_t most = address_space_most_resident(old_space);
    if (process->usage.maximum_resident < most)
        process->usage.maximum_resident = most;
    spinlock_release_restore(&process->lock, enabled);

    exec->space = old_space;
    exec->credentials.credentials = old_credentials;
}

/* ---- commit: what does not survive (execve(2), "Effect on process attributes") ---- */

struct trap_frame exec_first_frame(const struct exec *exec)
{
    return (struct trap_frame){
        .vector = TRAP_NONE,
        .rip = exec->entry,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_IF | RFLAGS_FIXED,
        .rsp = exec->stack,
        .ss = SELECTOR_USER_DATA,
    };
}

static void reset_registers(struct user_thread *thread, const struct exec *exec)
{
    *thread_user_frame(&thread->thread) = exec_first_frame(exec);
    fpu_reset();
    thread_set_segments(&(struct user_segments){0});
}

/* What the old program had told the kernel about its memory, and its timers and handlers. */
static void reset_attributes(struct user_thread *thread, struct exec *exec)
{
    thread->set_child_tid = thread->clear_child_tid = 0;
    thread->robust_list = 0;
    restartable_sequence_set(thread, 0);
    thread->thread.restart.again = NULL;
    if (exec->credentials.secure || exec->credentials.changed)
        thread->parent_death_signal = 0;
    posix_timers_delete_all(thread->thread.process);
    exec->actions = signal_exec_commit(thread, exec->actions);
}

/* ---- commit ---- */

static void exec_commit(struct exec *exec)
{
    struct user_thread *self = user_thread_current();
    struct process *process = self->thread.process;

    process_wait_off_stack(process, 1);
    injection_reach(INJECTION_EXEC_ALONE);

    take_over_identity(self);
    injection_reach(INJECTION_EXEC_NUMBERED);
    say_goodbye_to_memory(self);
    switch_image(self, exec);
    injection_reach(INJECTION_EXEC_SWITCHED);

    vfork_complete(self);
    reset_registers(self, exec);
    reset_attributes(self, exec);
    descriptor_table_close_on_exec(self->thread.descriptors);
    exec_release(exec); /* by now it holds the old image */
    injection_reach(INJECTION_EXEC_RESET);

    bool enabled = spinlock_acquire_save(&process->lock);
    process->executor = NULL;
    spinlock_release_restore(&process->lock, enabled);
    injection_reach(INJECTION_EXEC_COMMITTED);
    self->thread.injection.failure = INJECTION_NOTHING; /* the old program asked for it */
    self->thread.injection.point = INJECTION_NONE;
}

/* ---- the whole ---- */

static int exec_run(struct exec *exec)
{
    int error = exec_prepare(exec);
    if (!error) {
        injection_reach(INJECTION_EXEC_PREPARED);
        while ((error = exec_claim(exec)) == -EAGAIN) {
            error = exec_prepare_for_sharing(exec);
            if (error)
                break;
        }
    }
    if (error) {
        exec_release(exec);
        return error;
    }
    injection_reach(INJECTION_EXEC_CLAIMED);
    exec_commit(exec);
    return 0;
}

/* The name of a file that was given by a descriptor, as Linux's proc(5) tells it. */
static int show_descriptor(char **shown, int descriptor, const char *path)
{
    size_t size = sizeof("/dev/fd/2147483647/") + strlen(path);
    *shown = heap_allocate(size);
    if (!*shown)
        return -ENOMEM;
    format_string(*shown, size, *path ? "/dev/fd/%d/%s" : "/dev/fd/%d", descriptor, path);
    return 0;
}

ssize_t sys_execveat(int directory, vaddr_t path, vaddr_t arguments, vaddr_t environment, int flags)
{
    const struct exec_source source = {.arguments = arguments, .environment = environment};
    struct process *process = process_current();
    struct user_path name;
    char *shown = NULL;

    int error = user_path_begin(&name, path);
    if (error)
        return error;
    if (!*name.string && !(flags & AT_EMPTY_PATH))
        error = -ENOENT;
    if (!error && directory != AT_FDCWD && *name.string != '/')
        error = show_descriptor(&shown, directory, name.string);
    if (!error) {
        struct exec exec = {
            .directory = directory,
            .path = name.string,
            .at_flags = flags,
            .shown = shown ? shown : name.string,
            .source = &source,
            .stack_limit = thread_limit(RLIMIT_STACK),
            .fixed_places = process->personality & ADDR_NO_RANDOMIZE,
        };
        error = exec_run(&exec);
    }
    heap_free(shown);
    user_path_end(&name);
    return error;
}

ssize_t sys_execve(vaddr_t path, vaddr_t arguments, vaddr_t environment)
{
    return sys_execveat(AT_FDCWD, path, arguments, environment, 0);
}

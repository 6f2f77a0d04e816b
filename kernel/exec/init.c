/*
 * init.c: the first process. It is prepared like any exec, and there is nothing
 * to commit: its thread is created with the new image's root.
 */
#include "exec/init.h"

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>

#include "cpu/fpu.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "exec/exec.h"
#include "file/descriptor_table.h"
#include "file/file.h"
#include "file/tree/file_system_context.h"
#include "library/error.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "process/fork.h"
#include "process/identity.h"
#include "process/limits.h"
#include "process/process_group.h"
#include "process/thread_account.h"

/* Standard input, output and error: the console, as Linux gives it to init. */
static struct descriptor_table *open_console(void)
{
    struct thread *self = thread_current();
    struct descriptor_table *table = descriptor_table_create();
    struct file *console;

    if (!table)
        return NULL;
    self->descriptors = table; /* a kernel thread has none of its own */
    int error = file_open(AT_FDCWD, "/dev/console", O_RDWR | O_NOCTTY, 0, &console);
    for (int i = 0; i < 3 && !error; i++) {
        file_reference(console);
        error = descriptor_add(console, false);
        error = error < 0 ? error : 0;
        if (i == 2)
            file_release(console);
    }
    self->descriptors = NULL;
    if (error)
        log_write(LOG_WARNING, "init has no console: %s", error_text(error));
    return table;
}

/* A session and a group of its own, and the number 1. */
static int create_process(struct user_thread *thread, const struct rlimit64 *limits)
{
    struct signal_actions *actions = signal_actions_create();
    struct process *process = actions ? process_create(actions) : NULL;
    struct session *session = session_create();
    struct process_group *group = process_group_create(session);
    if (!process || !session || !group)
        return -ENOMEM; /* the boot ends here: nothing is given back */

    struct identity *identity = thread->identity;
    process->id = session->id = group->id = identity->number;
    process->signals.unkillable = true;
    memcpy(process->limits, limits, sizeof(process->limits));
    process_reference(process);
    thread->thread.process = process;
    thread->thread.limits = process->limits;

    bool enabled = spinlock_acquire_save(&process_table_lock);
    process->identity = identity;
    identity->thread = thread;
    identity->process = process;
    identity->group = group;
    identity->session = session;
    process_group_join(group, process);
    spinlock_acquire(&process->lock);
    user_thread_join(thread, process);
    spinlock_release(&process->lock);
    process_init = process;
    spinlock_release_restore(&process_table_lock, enabled);
    return 0;
}

/* What a thread otherwise gets from the one that forked it. */
static int create_thread(struct user_thread *thread, struct exec *exec,
                         const struct rlimit64 *limits)
{
    thread->thread.address_space = exec->space;
    thread->thread.credentials = exec->credentials.credentials;
    exec->space = NULL;
    exec->credentials.credentials = NULL;
    thread->thread.descriptors = open_console();
    thread->thread.file_system = file_system_context_create();
    if (!thread->thread.descriptors || !thread->thread.file_system)
        return -ENOMEM;

    thread_signals_initialize(&thread->signals, NULL, false);
    thread->started = clock_now();
    thread->timer_slack = thread->default_timer_slack = TIMER_SLACK_DEFAULT;
    thread->machine_check_policy = PR_MCE_KILL_DEFAULT;
    thread->thread.id = thread->identity->number;
    thread->thread.affinity = cpu_set_all;
    *user_thread_place_frame(thread) = exec_first_frame(exec);
    fpu_reset();
    fpu_save_first(thread->thread.fpu);
    return create_process(thread, limits);
}

int process_start_init(const char *path, const char *const *arguments,
                       const char *const *environment)
{
    struct rlimit64 limits[RLIM_NLIMITS];
    const struct exec_source source = {
        .kernel = true,
        .kernel_arguments = arguments,
        .kernel_environment = environment,
    };
    struct exec exec = {
        .directory = AT_FDCWD,
        .path = path,
        .shown = path,
        .source = &source,
    };

    limits_initialize(limits);
    exec.stack_limit = limits[RLIMIT_STACK].rlim_cur;
    int error = exec_prepare(&exec);
    struct user_thread *thread = error ? NULL : user_thread_create(&error);
    if (!error)
        error = create_thread(thread, &exec, limits);
    if (!error) {
        user_thread_prepare(thread, exec.name);
        thread_start(&thread->thread);
    }
    exec_release(&exec);
    return error;
}

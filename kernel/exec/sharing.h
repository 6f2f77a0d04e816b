/* sharing.h: what a program may not begin with because other processes have it too. */
#ifndef BATON_EXEC_SHARING_H
#define BATON_EXEC_SHARING_H

#include "exec/exec.h"
#include "file/descriptor_table.h"
#include "file/tree/file_system_context.h"

/* What processes other than the caller's share with it. */
struct exec_sharing {
    bool descriptors, actions, file_system;
};

/*
 * Siblings share these things too, but they will be gone: counted are the
 * references that are not theirs. (A reader of /proc may hold one for a moment.
 * That makes a copy for nothing, and no more.) Process's lock held.
 */
static inline struct exec_sharing exec_sharing_find(const struct process *process)
{
    const struct thread *caller = thread_current(), *thread;
    const struct user_thread *user;
    uint32_t descriptors = 0, file_systems = 0;

    TAILQ_FOREACH(user, &process->threads, process_link)
    {
        thread = &user->thread;
        descriptors += thread->descriptors == caller->descriptors;
        file_systems += thread->file_system == caller->file_system;
    }
    return (struct exec_sharing){
        .descriptors =
            __atomic_load_n(&caller->descriptors->references, __ATOMIC_ACQUIRE) > descriptors,
        .actions = __atomic_load_n(&process->signals.actions->references, __ATOMIC_ACQUIRE) > 1,
        .file_system =
            __atomic_load_n(&caller->file_system->references, __ATOMIC_ACQUIRE) > file_systems,
    };
}

/* Is what was prepared right for this sharing? */
static inline bool exec_sharing_suits(const struct exec *exec, const struct exec_sharing *sharing)
{
    return (exec->descriptors || !sharing->descriptors) && (exec->actions || !sharing->actions) &&
           (exec->gains_nothing || !sharing->file_system || !exec->credentials.gains);
}

#endif

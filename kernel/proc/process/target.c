/* target.c: see target.h. */
#include "proc/process/target.h"

#include <asm/errno.h>
#include <linux/stat.h>

#include "memory/address_space.h"
#include "process/process.h"
#include "process/trace_access.h"

void pid_target_release(struct pid_target *target)
{
    if (target->thread)
        user_thread_release(target->thread);
    if (target->process)
        process_release(target->process);
}

int pid_target_get(struct pid_target *target, const struct pseudo_key *key)
{
    target->thread = NULL;
    target->process = process_find(key->number[PROC_KEY_PROCESS]);
    if (!target->process)
        return -ESRCH;
    uint32_t id = key->number[PROC_KEY_THREAD];
    if (!id) {
        target->thread = process_thread_get(target->process);
        if (!target->thread)
            target->thread = user_thread_find(target->process->id); /* a zombie's */
        return 0;
    }
    target->thread = user_thread_find(id);
    if (target->thread && target->thread->thread.process == target->process)
        return 0;
    pid_target_release(target);
    return -ESRCH;
}

struct address_space *pid_target_observe(const struct pid_target *target,
                                         const struct pseudo_key *key)
{
    if (!key->number[PROC_KEY_THREAD])
        return process_address_space_observe(target->process);
    return target->thread ? user_thread_address_space_observe(target->thread) : NULL;
}

struct address_space *pid_observe_memory(const struct pseudo_key *key)
{
    struct pid_target target;

    if (pid_target_get(&target, key))
        return NULL;
    struct address_space *space = pid_target_observe(&target, key);
    pid_target_release(&target);
    return space;
}

int pid_memory_show(const struct pseudo_key *key, struct text *text,
                    int (*show)(struct address_space *space, struct text *text))
{
    struct address_space *space;
    size_t begin = text->size;

    while ((space = pid_observe_memory(key))) {
        int error = show(space, text);
        bool ended = address_space_has_ended(space);
        address_space_unobserve(space);
        if (error || !ended)
            return error;
        text->size = begin;
    }
    return 0;
}

uint64_t pid_memory_number(const struct pseudo_key *key)
{
    struct address_space *space = pid_observe_memory(key);
    uint64_t number = space ? space->number : 0;

    if (space)
        address_space_unobserve(space);
    return number;
}

int pid_check_access(const struct pseudo_key *key, struct file *file)
{
    struct pid_target target;

    (void)file;
    int error = pid_target_get(&target, key);
    if (error)
        return error;
    error = target.thread ? trace_check(target.thread, TRACE_AS_FILE_USER) : 0;
    pid_target_release(&target);
    return error ? -EACCES : 0;
}

int pid_target_trace(const struct pid_target *target, const struct pseudo_key *key,
                     struct address_space **space)
{
    if (!key->number[PROC_KEY_THREAD])
        return trace_process_address_space(target->process, TRACE_AS_FILE_USER, space);
    return target->thread ? trace_address_space(target->thread, TRACE_AS_FILE_USER, space) : -ESRCH;
}

int pid_trace_memory(const struct pseudo_key *key, struct address_space **space)
{
    struct pid_target target;

    int error = pid_target_get(&target, key);
    if (error)
        return error;
    error = pid_target_trace(&target, key, space);
    pid_target_release(&target);
    return error;
}

bool pid_is_own(const struct pseudo_key *key)
{
    const struct process *process = process_current();

    return process && process->id == key->number[PROC_KEY_PROCESS];
}

/* What everybody may list says whose it is, whatever else is to be hidden. */
static bool is_open_to_all(uint32_t mode)
{
    return mode == (S_IFDIR | 0555);
}

void pid_attributes(const struct pseudo_key *key, struct pseudo_attributes *attributes)
{
    struct pid_target target;

    attributes->user = 0;
    attributes->group = 0;
    if (pid_target_get(&target, key))
        return;
    if (target.thread) {
        bool enabled = spinlock_acquire_save(&target.process->lock);
        const struct credentials *credentials = user_thread_credentials(target.thread);
        bool dumpable = target.thread->thread.address_space &&
                        __atomic_load_n(&target.process->dumpable, __ATOMIC_RELAXED) == 1;
        if (credentials && (dumpable || is_open_to_all(attributes->mode))) {
            attributes->user = credentials->effective_user;
            attributes->group = credentials->effective_group;
        }
        spinlock_release_restore(&target.process->lock, enabled);
    }
    pid_target_release(&target);
}

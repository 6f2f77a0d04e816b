/* trace_access.c: what a process may see of another one: asked and taken in one. */
#include "process/trace_access.h"

#include <asm/errno.h>
#include <linux/capability.h>

#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "file/tree/file_system_context.h"
#include "file/tree/path.h"
#include "memory/address_space.h"

/* ---- may it? ---- */

/* Whose the other one has to be, and what it may be able to at most. */
struct tracer {
    uint32_t user, group;
    uint64_t capabilities;
};

static struct tracer tracer_of(const struct credentials *own, enum trace_mode mode)
{
    if (mode == TRACE_AS_USER)
        return (struct tracer){own->real_user, own->real_group, own->permitted};
    return (struct tracer){own->file_user, own->file_group, own->effective};
}

static bool is_same_user(const struct tracer *tracer, const struct credentials *other)
{
    return tracer->user == other->real_user && tracer->user == other->effective_user &&
           tracer->user == other->saved_user && tracer->group == other->real_group &&
           tracer->group == other->effective_group && tracer->group == other->saved_group;
}

bool trace_allowed(const struct user_thread *thread, enum trace_mode mode)
{
    const struct credentials *own = credentials_current();
    const struct process *process = thread->thread.process;

    if (process == process_current() || credentials_capable(own, CAP_SYS_PTRACE))
        return true;
    const struct credentials *other = user_thread_credentials(thread);
    struct tracer tracer = tracer_of(own, mode);
    /* Who has ended has nothing any more that could be dumped. */
    return other && is_same_user(&tracer, other) && !(other->permitted & ~tracer.capabilities) &&
           (!thread->thread.address_space ||
            __atomic_load_n(&process->dumpable, __ATOMIC_RELAXED) == 1);
}

int trace_check(struct user_thread *thread, enum trace_mode mode)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    bool allowed = trace_allowed(thread, mode);

    spinlock_release_restore(&process->lock, enabled);
    return allowed ? 0 : -EPERM;
}

/* ---- memory: taken under the lock ---- */

/* Process's lock held; `thread` NULL: none has any memory left. */
static int observe_space(struct user_thread *thread, enum trace_mode mode,
                         struct address_space **space)
{
    *space = thread ? thread->thread.address_space : NULL;
    if (!*space)
        return -ESRCH;
    if (!trace_allowed(thread, mode))
        return -EPERM;
    address_space_observe(*space);
    return 0;
}

int trace_address_space(struct user_thread *thread, enum trace_mode mode,
                        struct address_space **space)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    int error = observe_space(thread, mode, space);

    spinlock_release_restore(&process->lock, enabled);
    return error;
}

int trace_process_address_space(struct process *process, enum trace_mode mode,
                                struct address_space **space)
{
    struct user_thread *thread;
    bool enabled = spinlock_acquire_save(&process->lock);

    TAILQ_FOREACH(thread, &process->threads, process_link)
    {
        if (thread->thread.address_space)
            break;
    }
    int error = observe_space(thread, mode, space);
    spinlock_release_restore(&process->lock, enabled);
    return error;
}

/* ---- files and paths: taken, then kept if it is still the image that was asked about ---- */

/*
 * Tables of descriptors and places have locks of their own, which are not taken under a process's,
 * and an image hands them on to the next. One image never comes to rights that the answer about it
 * did not weigh (its saved IDs and its permitted capabilities), so what was taken between two good
 * answers about the same one was the caller's to see.
 */
static int image_check(struct user_thread *thread, enum trace_mode mode, uint64_t *image)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    const struct address_space *space = thread->thread.address_space;
    int error = !space ? -ESRCH : trace_allowed(thread, mode) ? 0 : -EPERM;

    if (!error)
        *image = space->number;
    spinlock_release_restore(&process->lock, enabled);
    return error;
}

static bool image_is_still(struct user_thread *thread, enum trace_mode mode, uint64_t image)
{
    uint64_t now;

    return !image_check(thread, mode, &now) && now == image;
}

static int file_of(struct user_thread *thread, unsigned descriptor, struct file **file,
                   bool *closes_on_exec)
{
    struct descriptor_table *table = user_thread_descriptors_get(thread);

    *file = NULL;
    if (!table)
        return -ESRCH;
    *file = descriptor_table_look(table, descriptor, closes_on_exec);
    descriptor_table_release(table);
    return *file ? 0 : -EBADF;
}

int trace_file(struct user_thread *thread, enum trace_mode mode, unsigned descriptor,
               struct file **file, bool *closes_on_exec)
{
    uint64_t image;

    *file = NULL;
    for (;;) {
        int error = image_check(thread, mode, &image);
        if (error)
            return error;
        error = file_of(thread, descriptor, file, closes_on_exec);
        if (image_is_still(thread, mode, image))
            return error;
        file_release(*file);
        *file = NULL;
    }
}

static int next_descriptor_of(struct user_thread *thread, unsigned from)
{
    struct descriptor_table *table = user_thread_descriptors_get(thread);

    if (!table)
        return -ESRCH;
    int descriptor = descriptor_table_next(table, from);
    descriptor_table_release(table);
    return descriptor < 0 ? -EBADF : descriptor;
}

int trace_next_descriptor(struct user_thread *thread, enum trace_mode mode, unsigned from)
{
    uint64_t image;

    for (;;) {
        int error = image_check(thread, mode, &image);
        if (error)
            return error;
        int descriptor = next_descriptor_of(thread, from);
        if (image_is_still(thread, mode, image))
            return descriptor;
    }
}

int trace_path(struct user_thread *thread, enum trace_mode mode,
               void (*get)(struct file_system_context *context, struct path *path),
               struct path *path)
{
    uint64_t image;

    for (;;) {
        int error = image_check(thread, mode, &image);
        if (error)
            return error;
        struct file_system_context *context = user_thread_file_system_get(thread);
        if (!context)
            return -ESRCH;
        get(context, path);
        file_system_context_release(context);
        if (image_is_still(thread, mode, image))
            return 0;
        path_release(path);
    }
}

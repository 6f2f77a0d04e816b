/* process.c: processes and the threads of programs: found, held, let go. */
#include "process/process.h"

#include <asm/errno.h>

#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "file/tree/file_system_context.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "process/identity.h"
#include "process/system_calls.h"

struct process *process_init;

/* ---- holding and letting go ---- */

bool process_drop(struct process *process)
{
    return __atomic_sub_fetch(&process->references, 1, __ATOMIC_ACQ_REL) == 0;
}

void process_destroy(struct process *process)
{
    process_signals_destroy(&process->signals);
    credentials_release(process->credentials);
    heap_free(process);
}

void process_release(struct process *process)
{
    if (process_drop(process))
        process_destroy(process);
}

void user_thread_release(struct user_thread *thread)
{
    if (__atomic_sub_fetch(&thread->references, 1, __ATOMIC_ACQ_REL))
        return;
    thread_signals_destroy(&thread->signals);
    credentials_release(thread->thread.credentials);
    process_release(thread->thread.process);
    heap_free(thread);
}

/* ---- finding ---- */

struct process *process_find(uint32_t id)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct identity *identity = identity_find(id);
    struct process *process = identity ? identity->process : NULL;
    if (process)
        process_reference(process);
    spinlock_release_restore(&process_table_lock, enabled);
    return process;
}

struct process *process_find_named(uint32_t id)
{
    struct process *process = process_current();

    if (process && process->id == id) { /* nobody else can have its number */
        process_reference(process);
        return process;
    }
    process = NULL;
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct identity *identity = identity_find(id);
    if (identity && identity->process)
        process = identity->process;
    else if (identity && identity->thread)
        process = identity->thread->thread.process;
    if (process)
        process_reference(process);
    spinlock_release_restore(&process_table_lock, enabled);
    return process;
}

struct user_thread *user_thread_find(uint32_t id)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct identity *identity = identity_find(id);
    struct user_thread *thread = identity ? identity->thread : NULL;
    if (thread)
        user_thread_reference(thread);
    spinlock_release_restore(&process_table_lock, enabled);
    return thread;
}

struct user_thread *user_thread_find_or_self(uint32_t id)
{
    if (id)
        return user_thread_find(id);
    user_thread_reference(user_thread_current());
    return user_thread_current();
}

struct process *process_next(uint32_t *id)
{
    struct process *process = NULL;
    bool enabled = spinlock_acquire_save(&process_table_lock);
    for (uint32_t number = *id; !process;) {
        struct identity *identity = identity_next(number);
        if (!identity)
            break;
        process = identity->process;
        number = identity->number + 1;
    }
    if (process) {
        process_reference(process);
        *id = process->id;
    }
    spinlock_release_restore(&process_table_lock, enabled);
    return process;
}

void process_for_each(void (*visit)(struct process *process, void *context), void *context)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    for (struct identity *identity = identity_next(0); identity;
         identity = identity_next(identity->number + 1)) {
        if (identity->process)
            visit(identity->process, context);
    }
    spinlock_release_restore(&process_table_lock, enabled);
}

struct user_thread *process_next_thread(struct process *process, struct list_place *place)
{
    struct user_thread *last = place->id ? user_thread_find(place->id) : NULL, *next;
    bool enabled = spinlock_acquire_save(&process->lock);

    if (last && last->thread.process == process && last->listed && last->place == place->place) {
        next = TAILQ_NEXT(last, process_link);
    } else {
        next = TAILQ_FIRST(&process->threads);
        while (next && next->place <= place->place)
            next = TAILQ_NEXT(next, process_link);
    }
    if (next) {
        user_thread_reference(next);
        *place = (struct list_place){next->place, next->thread.id};
    }
    spinlock_release_restore(&process->lock, enabled);
    if (last)
        user_thread_release(last);
    return next;
}

struct user_thread *process_thread(const struct process *process)
{
    struct user_thread *thread, *found = NULL;

    TAILQ_FOREACH(thread, &GUARDED_BY(&process->lock, process->threads), process_link)
    {
        if (!found || thread->thread.id == process->id)
            found = thread;
        if (found->thread.id == process->id)
            break; /* nearly always the first */
    }
    return found;
}

struct user_thread *process_thread_get(struct process *process)
{
    bool enabled = spinlock_acquire_save(&process->lock);
    struct user_thread *found = process_thread(process);
    if (found)
        user_thread_reference(found);
    spinlock_release_restore(&process->lock, enabled);
    return found;
}

struct address_space *process_address_space_observe(struct process *process)
{
    struct address_space *found = NULL;
    struct user_thread *thread;
    bool enabled = spinlock_acquire_save(&process->lock);
    TAILQ_FOREACH(thread, &process->threads, process_link)
    {
        found = thread->thread.address_space;
        if (found)
            break;
    }
    if (found)
        address_space_observe(found);
    spinlock_release_restore(&process->lock, enabled);
    return found;
}

bool process_is_reaped(struct process *process)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    bool reaped = !process->identity;
    spinlock_release_restore(&process_table_lock, enabled);
    return reaped;
}

/* ---- who waits for it ---- */

struct process *process_waited_for_by(struct process *process)
{
    struct process *parent = GUARDED_BY(&process_table_lock, process->parent);

    /* Who waits stands in the queue before he looks for children under the lock. */
    if (!parent || TAILQ_EMPTY(&parent->child_events.entries))
        return NULL;
    process_reference(parent);
    return parent;
}

void process_wake_waiters(struct process *parent)
{
    if (!parent)
        return;
    wait_queue_wake(&parent->child_events);
    process_release(parent);
}

/* ---- what another thread points to ---- */

struct address_space *user_thread_address_space_observe(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    struct address_space *space = thread->thread.address_space;
    if (space)
        address_space_observe(space);
    spinlock_release_restore(&process->lock, enabled);
    return space;
}

struct descriptor_table *user_thread_descriptors_get(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    struct descriptor_table *descriptors = thread->thread.descriptors;
    if (descriptors)
        descriptor_table_reference(descriptors);
    spinlock_release_restore(&process->lock, enabled);
    return descriptors;
}

struct file_system_context *user_thread_file_system_get(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    struct file_system_context *file_system = thread->thread.file_system;
    if (file_system)
        file_system_context_reference(file_system);
    spinlock_release_restore(&process->lock, enabled);
    return file_system;
}

const struct credentials *user_thread_credentials_get(struct user_thread *thread)
{
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    const struct credentials *credentials = thread->thread.credentials;
    if (credentials)
        credentials_reference(credentials);
    spinlock_release_restore(&process->lock, enabled);
    return credentials;
}

/* ---- who am I ---- */

ssize_t sys_getpid(void)
{
    return process_current()->id;
}

ssize_t sys_gettid(void)
{
    return thread_current()->id;
}

ssize_t sys_getppid(void)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct process *parent = process_current()->parent;
    ssize_t id = parent ? parent->id : 0;
    spinlock_release_restore(&process_table_lock, enabled);
    return id;
}

ssize_t sys_set_tid_address(vaddr_t address)
{
    user_thread_current()->clear_child_tid = address;
    return thread_current()->id;
}

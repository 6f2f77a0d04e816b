/*
 * process_group.c: groups and sessions (POSIX, "General Terminal Interface"
 * and setpgid, setsid, getsid). Both are counted, and both leave the identity
 * table in the same step in which their count comes to nothing, so that
 * whoever finds one may take a reference.
 */
#include "process/process_group.h"

#include <asm/errno.h>

#include "memory/heap.h"
#include "process/identity.h"
#include "process/system_calls.h"
#include "thread/preemption.h"

struct session *session_create(void)
{
    struct session *session = heap_allocate_zeroed(sizeof(*session));
    if (session)
        session->references = 1;
    return session;
}

struct process_group *process_group_create(struct session *session)
{
    struct process_group *group = heap_allocate_zeroed(sizeof(*group));
    if (!group)
        return NULL;
    TAILQ_INIT(&group->members);
    group->session = session;
    return group;
}

void process_group_join(struct process_group *group, struct process *process)
{
    process_group_reference(group);
    process->group = group;
    process->group_place = ++group->joined;
    TAILQ_INSERT_TAIL(&group->members, process, group_link);
}

/* Drops a reference under the lock. True: it was the last, nobody can find the session. */
static bool session_drop(struct session *session)
{
    if (__atomic_sub_fetch(&session->references, 1, __ATOMIC_ACQ_REL))
        return false;
    struct identity *identity = identity_find(session->id);
    if (identity && identity->session == session) {
        identity->session = NULL;
        identity_drop(identity);
    }
    return true;
}

static void process_group_drop(struct process_group *group, struct process_group_remains *remains)
{
    *remains = (struct process_group_remains){0};
    if (__atomic_sub_fetch(&group->references, 1, __ATOMIC_ACQ_REL))
        return;
    remains->group = group;
    struct identity *identity = identity_find(group->id);
    if (identity && identity->group == group) {
        identity->group = NULL;
        identity_drop(identity);
    }
    if (session_drop(group->session))
        remains->session = group->session;
}

void process_group_leave(struct process *process, struct process_group_remains *remains)
{
    TAILQ_REMOVE(&process_group_of(process)->members, process, group_link);
    process_group_drop(process->group, remains);
    process->group = NULL;
}

void process_group_remains_free(struct process_group_remains *remains)
{
    heap_free(remains->group);
    heap_free(remains->session);
}

void process_group_release(struct process_group *group)
{
    struct process_group_remains remains;
    bool enabled = spinlock_acquire_save(&process_table_lock);
    process_group_drop(group, &remains);
    spinlock_release_restore(&process_table_lock, enabled);
    process_group_remains_free(&remains);
}

void session_release(struct session *session)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    bool last = session_drop(session);
    spinlock_release_restore(&process_table_lock, enabled);
    if (last)
        heap_free(session);
}

struct process_group *process_group_find(uint32_t id)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct identity *identity = identity_find(id);
    struct process_group *group = identity ? identity->group : NULL;
    if (group)
        process_group_reference(group);
    spinlock_release_restore(&process_table_lock, enabled);
    return group;
}

struct process *process_group_next(struct process_group *group, struct list_place *place)
{
    thread_preemption_point();
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct identity *identity = place->id ? identity_find(place->id) : NULL;
    struct process *last = identity ? identity->process : NULL, *next;

    if (last && process_group_of(last) == group && last->group_place == place->place) {
        next = TAILQ_NEXT(last, group_link);
    } else {
        next = TAILQ_FIRST(&group->members);
        while (next && next->group_place <= place->place)
            next = TAILQ_NEXT(next, group_link);
    }
    if (next) {
        process_reference(next);
        *place = (struct list_place){next->group_place, next->id};
    }
    spinlock_release_restore(&process_table_lock, enabled);
    return next;
}

struct process_group *process_group_current(void)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct process_group *group = process_group_of(process_current());
    process_group_reference(group);
    spinlock_release_restore(&process_table_lock, enabled);
    return group;
}

bool process_group_orphaned_locked(struct process_group *group, const struct process *ignored)
{
    struct process *member;
    TAILQ_FOREACH(member, &group->members, group_link)
    {
        if (member == ignored || member->zombie || !member->parent ||
            member->parent == process_init || !process_group_of(member->parent))
            continue;
        const struct process_group *other = process_group_of(member->parent);
        if (other != group && other->session == group->session)
            return false;
    }
    return true;
}

bool process_group_is_orphaned(struct process_group *group)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    bool orphaned = process_group_orphaned_locked(group, NULL);
    spinlock_release_restore(&process_table_lock, enabled);
    return orphaned;
}

bool process_group_has_stopped(struct process_group *group)
{
    struct process *member;
    bool stops = false;

    TAILQ_FOREACH(member, &group->members, group_link)
    {
        spinlock_acquire(&member->lock);
        stops = member->signals.stop_signal;
        spinlock_release(&member->lock);
        if (stops)
            break;
    }
    return stops;
}

/* The process that a call names by the number of any of its threads; 0: the caller's. */
static struct process *process_named(int id)
{
    if (id == 0)
        return process_current();
    struct identity *identity = id > 0 ? identity_find(id) : NULL;
    struct process *process = NULL;

    if (identity && identity->process)
        process = identity->process;
    else if (identity && identity->thread)
        process = identity->thread->thread.process;
    return process && process_group_of(process) ? process : NULL;
}

ssize_t sys_getpgrp(void)
{
    return sys_getpgid(0);
}

ssize_t sys_getpgid(int id)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct process *process = process_named(id);
    ssize_t result = process ? (ssize_t)process_group_of(process)->id : -ESRCH;
    spinlock_release_restore(&process_table_lock, enabled);
    return result;
}

ssize_t sys_getsid(int id)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct process *process = process_named(id);
    ssize_t result = process ? (ssize_t)process_group_of(process)->session->id : -ESRCH;
    spinlock_release_restore(&process_table_lock, enabled);
    return result;
}

/* May the caller move `process`? In the order of setpgid(2) on Linux. */
static int setpgid_check(const struct process *process, uint32_t id)
{
    const struct process *caller = process_current();

    if (!process)
        return -ESRCH;
    if (id && process->id != id)
        return -EINVAL; /* a thread's number: its process's is wanted */
    if (process->parent == caller) {
        if (process_group_of(process)->session != process_group_of(caller)->session)
            return -EPERM;
        if (process->has_executed)
            return -EACCES;
    } else if (process != caller) {
        return -ESRCH;
    }
    return process_group_of(process)->session->id == process->id ? -EPERM : 0;
}

/* Moves `process` to the group with this number; `created` is used when there is none yet. */
static int setpgid_move(struct process *process, uint32_t number, struct process_group **created,
                        struct process_group_remains *remains)
{
    struct identity *identity = identity_find(number);
    struct process_group *group = identity ? identity->group : NULL;

    if (number == process->id && !group) {
        group = *created;
        *created = NULL;
        group->id = number;
        group->session = process_group_of(process)->session;
        session_reference(group->session);
        identity->group = group;
    } else if (!group || group->session != process_group_of(process)->session ||
               TAILQ_EMPTY(&group->members)) {
        return -EPERM;
    }
    if (group != process_group_of(process)) {
        process_group_leave(process, remains);
        process_group_join(group, process);
    }
    return 0;
}

ssize_t sys_setpgid(int id, int group)
{
    if (group < 0)
        return -EINVAL;
    struct process_group *created = process_group_create(NULL);
    if (!created)
        return -ENOMEM;

    struct process_group_remains remains = {0};
    bool enabled = spinlock_acquire_save(&process_table_lock);
    struct process *process = process_named(id);
    int error = setpgid_check(process, id);
    if (!error)
        error = setpgid_move(process, group ? group : (int)process->id, &created, &remains);
    spinlock_release_restore(&process_table_lock, enabled);

    process_group_remains_free(&remains);
    heap_free(created);
    return error;
}

ssize_t sys_setsid(void)
{
    struct process *process = process_current();
    struct session *session = session_create();
    struct process_group *group = process_group_create(session);
    if (!session || !group) {
        heap_free(session);
        heap_free(group);
        return -ENOMEM;
    }
    session->id = group->id = process->id;

    struct process_group_remains remains = {0};
    bool enabled = spinlock_acquire_save(&process_table_lock);
    bool leads = process->identity->group || process->identity->session;
    if (!leads) {
        process->identity->group = group;
        process->identity->session = session;
        process_group_leave(process, &remains);
        process_group_join(group, process);
    }
    spinlock_release_restore(&process_table_lock, enabled);

    if (leads) {
        heap_free(session);
        heap_free(group);
        return -EPERM;
    }
    process_group_remains_free(&remains);
    return process->id;
}

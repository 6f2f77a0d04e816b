/* async.c: signals instead of waiting: O_ASYNC, F_SETOWN, F_SETSIG (fcntl(2)). */
#include "file/poll/async.h"

#include <asm/errno.h>

#include "file/hooks.h"
#include "memory/user_copy.h"

/* ---- owners ---- */

/* Replaces the owner, whose references change hands. */
static void owner_replace(struct file *file, struct file_owner *owner, bool only_if_none)
{
    struct file_owner old = *owner;
    bool enabled = spinlock_acquire_save(&file->owner_lock);

    if (!only_if_none || !file->owner.who) {
        old = file->owner;
        file->owner = *owner;
    }
    spinlock_release_restore(&file->owner_lock, enabled);
    if (old.who)
        file_hooks.owner_release(&old);
}

/* 0: nobody any more. */
static int owner_set(struct file *file, int type, int32_t number, bool only_if_none)
{
    const struct credentials *credentials = credentials_current();
    struct file_owner owner = {.type = type,
                               .real_user = credentials->real_user,
                               .effective_user = credentials->effective_user};

    int error = number ? file_hooks.owner_find(&owner, number) : 0;
    if (!error)
        owner_replace(file, &owner, only_if_none);
    return error;
}

/* The owner's number; 0: there is none, or it has ended. */
static int32_t owner_get(struct file *file, int *type)
{
    bool enabled = spinlock_acquire_save(&file->owner_lock);
    int32_t number = file->owner.who ? file_hooks.owner_number(&file->owner) : 0;

    *type = file->owner.type;
    spinlock_release_restore(&file->owner_lock, enabled);
    return number;
}

ssize_t async_owner_set(struct file *file, int32_t number)
{
    if (number == INT32_MIN)
        return -EINVAL;
    return number < 0 ? owner_set(file, F_OWNER_PGRP, -number, false)
                      : owner_set(file, F_OWNER_PID, number, false);
}

int32_t async_owner_get(struct file *file)
{
    int type;
    int32_t number = owner_get(file, &type);

    return type == F_OWNER_PGRP ? -number : number;
}

ssize_t async_owner_set_extended(struct file *file, vaddr_t from)
{
    struct f_owner_ex owner;

    if (user_get(&owner, from))
        return -EFAULT;
    if (owner.type != F_OWNER_TID && owner.type != F_OWNER_PID && owner.type != F_OWNER_PGRP)
        return -EINVAL;
    return owner_set(file, owner.type, owner.pid, false);
}

ssize_t async_owner_get_extended(struct file *file, vaddr_t to)
{
    struct f_owner_ex owner;

    owner.pid = owner_get(file, &owner.type);
    return user_put(to, &owner);
}

void async_owner_default(struct file *file, int type, int32_t number)
{
    (void)owner_set(file, type, number, true);
}

ssize_t async_owner_users(struct file *file, vaddr_t to)
{
    bool enabled = spinlock_acquire_save(&file->owner_lock);
    const uint32_t users[2] = {file->owner.real_user, file->owner.effective_user};

    spinlock_release_restore(&file->owner_lock, enabled);
    return user_copy_out(to, users, sizeof(users)) ? -EFAULT : 0;
}

/* ---- lists ---- */

void async_list_initialize(struct async_list *list)
{
    spinlock_initialize(&list->lock, LOCK_ASYNC_LIST);
    LIST_INIT(&list->files);
    list->count = 0;
}

static void leave(struct async_list *list, struct file *file)
{
    bool enabled = spinlock_acquire_save(&list->lock);

    if (file->async_listed) {
        file->async_listed = false;
        LIST_REMOVE(file, async_link);
        list->count--;
    }
    __atomic_fetch_and(&file->flags, ~(uint32_t)FASYNC, __ATOMIC_RELAXED);
    spinlock_release_restore(&list->lock, enabled);
}

static int join(struct async_list *list, struct file *file, int descriptor)
{
    bool enabled = spinlock_acquire_save(&list->lock);
    bool fits = file->async_listed || list->count < ASYNC_FILES_MAXIMUM;

    if (fits && !file->async_listed) {
        file->async_listed = true;
        file->async_descriptor = descriptor;
        LIST_INSERT_HEAD(&list->files, file, async_link);
        list->count++;
        __atomic_fetch_or(&file->flags, FASYNC, __ATOMIC_RELAXED);
    }
    spinlock_release_restore(&list->lock, enabled);
    return fits ? 0 : -ENOMEM;
}

int async_set(struct file *file, int descriptor, bool on)
{
    if (!on == !(__atomic_load_n(&file->flags, __ATOMIC_RELAXED) & FASYNC))
        return 0;
    if (!file->operations->async)
        return -ENOTTY;
    struct async_list *list = file->operations->async(file, on);
    if (on)
        return join(list, file, descriptor);
    leave(list, file);
    return 0;
}

void async_forget_file(struct file *file)
{
    if (file->async_listed)
        leave(file->operations->async(file, false), file);
    if (file->owner.who)
        file_hooks.owner_release(&file->owner);
}

/* A pipe's ends hear only what is theirs. */
static bool concerns(const struct file *file, int reason)
{
    return reason == POLL_OUT ? file->writable : reason != POLL_IN || file->readable;
}

/* One who is to hear of an event. */
struct listener {
    struct file_owner owner; /* a reference */
    int signal;
    int descriptor;
};

/* How many want to know. List's lock held. */
static unsigned listeners_take(struct async_list *list, int reason, struct listener *listeners)
{
    unsigned count = 0;
    struct file *file;

    LIST_FOREACH(file, &list->files, async_link)
    {
        if (!concerns(file, reason))
            continue;
        spinlock_acquire(&file->owner_lock);
        if (file->owner.who) {
            file_hooks.owner_hold(&file->owner);
            listeners[count++] = (struct listener){
                .owner = file->owner,
                .signal = __atomic_load_n(&file->signal, __ATOMIC_RELAXED),
                .descriptor = file->async_descriptor,
            };
        }
        spinlock_release(&file->owner_lock);
    }
    return count;
}

/* Each may be a group of thousands: they are told without a lock. */
void async_send(struct async_list *list, int reason)
{
    struct listener listeners[ASYNC_FILES_MAXIMUM];
    bool enabled = spinlock_acquire_save(&list->lock);
    unsigned count = listeners_take(list, reason, listeners);

    spinlock_release_restore(&list->lock, enabled);
    for (unsigned i = 0; i < count; i++) {
        file_hooks.owner_signal(&listeners[i].owner, listeners[i].signal, reason,
                                listeners[i].descriptor);
        file_hooks.owner_release(&listeners[i].owner);
    }
}

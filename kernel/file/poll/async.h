/*
 * async.h: files that tell of their events by a signal (O_ASYNC, fcntl(2) "Managing signals"):
 * pipes, sockets and terminals. What has events keeps a list of the open files that asked for it,
 * each with an owner, who gets the signal.
 */
#ifndef BATON_FILE_POLL_ASYNC_H
#define BATON_FILE_POLL_ASYNC_H

#include <asm/siginfo.h>

#include "file/file.h"

/* Of one pipe, socket or terminal; lives as long as each file in it is open. */
struct async_list {
    struct spinlock lock; /* taken with interrupts off; guards the links and numbers too */
    LIST_HEAD(, file) files;
    unsigned count; /* lock */
};
#define ASYNC_FILES_MAXIMUM 32

void async_list_initialize(struct async_list *list);

void async_send(struct async_list *list, int reason);
/* Something happened: POLL_IN, POLL_OUT, POLL_HUP, …. No spinlock; may be preempted. */
static inline void async_tell(struct async_list *list, int reason)
{
    if (!LIST_EMPTY(&list->files))
        async_send(list, reason);
}

/* ---- for the files of this room ---- */

/* O_ASYNC on or off: the flag and the list change together. `descriptor`: by which it was asked
   for, told as si_fd. 0; -ENOMEM: too many files of this one tell already; -ENOTTY: it has no such
   events. */
int async_set(struct file *file, int descriptor, bool on);
/* The file ends. */
void async_forget_file(struct file *file);

/* F_SETOWN and its family. -ESRCH, -EINVAL, -EFAULT. */
ssize_t async_owner_set(struct file *file, int32_t number);
int32_t async_owner_get(struct file *file);
ssize_t async_owner_set_extended(struct file *file, vaddr_t from);
ssize_t async_owner_get_extended(struct file *file, vaddr_t to);
/* F_GETOWNER_UIDS: the real and effective user of who set it. */
ssize_t async_owner_users(struct file *file, vaddr_t to);
/* Who opened a terminal by default: unless there is an owner. */
void async_owner_default(struct file *file, int type, int32_t number);

#endif

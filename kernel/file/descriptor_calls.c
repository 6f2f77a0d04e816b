/* descriptor_calls.c: the system calls about descriptors themselves. */
#include <asm/errno.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>

#include "file/descriptor_table.h"
#include "file/hooks.h"
#include "file/lock.h"
#include "file/pipe.h"
#include "file/poll/async.h"
#include "file/system_calls.h"
#include "library/bitmap.h"
#include "memory/user_copy.h"
#include "thread/limits.h"
#include "thread/preemption.h"

ssize_t sys_close(int descriptor)
{
    return descriptor_close(descriptor);
}

ssize_t sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    struct thread *thread = thread_current();

    if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
        return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE &&
        __atomic_load_n(&thread->descriptors->references, __ATOMIC_RELAXED) > 1) {
        struct descriptor_table *copy = descriptor_table_copy(thread->descriptors);
        if (!copy)
            return -ENOMEM;
        file_hooks.descriptors_replace(copy);
    }
    for (int descriptor = descriptor_table_next(thread->descriptors, first);
         descriptor >= 0 && (unsigned)descriptor <= last;
         descriptor = descriptor_table_next(thread->descriptors, (unsigned)descriptor + 1)) {
        if (flags & CLOSE_RANGE_CLOEXEC)
            descriptor_set_close_on_exec(descriptor, true);
        else
            descriptor_close(descriptor);
        thread_preemption_point();
    }
    return 0;
}

/* ---- dup(2) ---- */

static ssize_t duplicate(int descriptor, unsigned minimum, bool close_on_exec)
{
    struct file *file = descriptor_get_any(descriptor);
    if (!file)
        return -EBADF;
    if (minimum >= thread_limit(RLIMIT_NOFILE)) {
        file_release(file);
        return -EINVAL;
    }
    int copy = descriptor_reserve(minimum, close_on_exec);
    if (copy < 0)
        file_release(file);
    else
        descriptor_install(copy, file);
    return copy;
}

ssize_t sys_dup(int descriptor)
{
    struct file *file = descriptor_get_any(descriptor);
    return file ? descriptor_add(file, false) : -EBADF;
}

static ssize_t duplicate_to(int descriptor, int wanted, bool close_on_exec)
{
    if ((uint64_t)(unsigned)wanted >= thread_limit(RLIMIT_NOFILE))
        return -EBADF;
    struct file *file = descriptor_get_any(descriptor);
    if (!file)
        return -EBADF;
    int error = descriptor_replace(wanted, file, close_on_exec);
    if (error < 0)
        file_release(file);
    return error;
}

ssize_t sys_dup3(int descriptor, int wanted, int flags)
{
    if (flags & ~O_CLOEXEC || descriptor == wanted)
        return -EINVAL;
    return duplicate_to(descriptor, wanted, flags & O_CLOEXEC);
}

ssize_t sys_dup2(int descriptor, int wanted)
{
    if (descriptor != wanted)
        return duplicate_to(descriptor, wanted, false);
    struct file *file = descriptor_get_any(descriptor);
    if (!file)
        return -EBADF;
    file_release(file);
    return wanted;
}

/* ---- fcntl(2) ---- */

static ssize_t set_flags(int descriptor, struct file *file, uint32_t flags)
{
    const uint32_t changeable = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

    if (flags & O_NOATIME && !(file->flags & O_NOATIME) &&
        !inode_owned(file->inode, credentials_current()))
        return -EPERM;
    /* To pipes it means packets. */
    if (flags & O_DIRECT && !S_ISFIFO(file->inode->mode) && !inode_can_be_direct(file->inode))
        return -EINVAL;
    int error = async_set(file, descriptor, flags & FASYNC);
    if (error && error != -ENOTTY) /* who has no such events ignores it */
        return error;
    uint32_t old = __atomic_load_n(&file->flags, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&file->flags, &old,
                                        (old & ~changeable) | (flags & changeable), false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return 0;
}

static ssize_t add_seals(struct file *file, uint32_t seals)
{
    struct inode *inode = file->inode;
    ssize_t error = 0;

    if (!file->writable)
        return -EPERM;
    if (seals & ~(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EINVAL;
    if (file->operations != &regular_operations)
        return -EINVAL;
    mutex_acquire(&inode->lock);
    if (inode->seals & F_SEAL_SEAL)
        error = -EPERM;
    else
        error = page_cache_seal(&inode->cache, seals & F_SEAL_WRITE,
                                seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
    if (!error)
        inode->seals |= seals;
    mutex_release(&inode->lock);
    return error;
}

/* F_GET_RW_HINT, F_SET_RW_HINT: how long what is written will live, which memory does not ask. */
static ssize_t write_hint_control(struct file *file, unsigned command, vaddr_t argument)
{
    struct inode *inode = file->inode;
    uint64_t hint = __atomic_load_n(&inode->write_hint, __ATOMIC_RELAXED);

    if (command == F_GET_RW_HINT)
        return user_put(argument, &hint);
    if (!inode_owned(inode, credentials_current()))
        return -EPERM;
    int error = inode_change_allowed(inode, INODE_CHANGE_ATTRIBUTES);
    if (error)
        return error;
    if (user_get(&hint, argument))
        return -EFAULT;
    if (hint > RWH_WRITE_LIFE_EXTREME)
        return -EINVAL;
    __atomic_store_n(&inode->write_hint, (uint8_t)hint, __ATOMIC_RELAXED);
    return 0;
}

static ssize_t control(int descriptor, struct file *file, unsigned command, uint64_t argument)
{
    struct descriptor_table *table = thread_current()->descriptors;

    switch (command) {
    case F_DUPFD:
        return duplicate(descriptor, (unsigned)argument, false);
    case F_DUPFD_CLOEXEC:
        return duplicate(descriptor, (unsigned)argument, true);
    case F_GETFD:
        return descriptor_table_closes_on_exec(table, (unsigned)descriptor) ? FD_CLOEXEC : 0;
    case F_SETFD:
        return descriptor_set_close_on_exec(descriptor, argument & FD_CLOEXEC) ? 0 : -EBADF;
    case F_GETFL:
        return __atomic_load_n(&file->flags, __ATOMIC_RELAXED);
    }
    if (file->flags & O_PATH)
        return -EBADF;
    switch (command) {
    case F_SETFL:
        return set_flags(descriptor, file, (uint32_t)argument);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return record_lock_control(file, descriptor, command, argument);
    case F_GETOWN:
        return async_owner_get(file);
    case F_SETOWN:
        return async_owner_set(file, (int32_t)argument);
    case F_GETOWN_EX:
        return async_owner_get_extended(file, argument);
    case F_SETOWN_EX:
        return async_owner_set_extended(file, argument);
    case F_GETSIG:
        return __atomic_load_n(&file->signal, __ATOMIC_RELAXED);
    case F_SETSIG:
        if (argument > 64)
            return -EINVAL;
        __atomic_store_n(&file->signal, (int32_t)argument, __ATOMIC_RELAXED);
        return 0;
    case F_GETLEASE:
        return F_UNLCK;
    case F_SETLEASE: /* none can be taken, so there is none to be given back */
        return argument == F_UNLCK && S_ISREG(file->inode->mode) ? -EAGAIN : -EINVAL;
    case F_NOTIFY: /* as well */
        return argument & ~(uint64_t)DN_MULTISHOT ? -EINVAL : 0;
    case F_GET_RW_HINT:
    case F_SET_RW_HINT:
        return write_hint_control(file, command, argument);
    case F_GETOWNER_UIDS:
        return async_owner_users(file, argument);
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return pipe_control_size(file, command, argument);
    case F_ADD_SEALS:
        return add_seals(file, (uint32_t)argument);
    case F_GET_SEALS:
        return file->operations == &regular_operations ? (ssize_t)file->inode->seals : -EINVAL;
    default:
        return -EINVAL;
    }
}

ssize_t sys_fcntl(int descriptor, unsigned command, uint64_t argument)
{
    struct file *file = descriptor_get_any(descriptor);
    if (!file)
        return -EBADF;
    ssize_t result = control(descriptor, file, command, argument);
    file_release(file);
    return result;
}

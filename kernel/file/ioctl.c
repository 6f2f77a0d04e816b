/*
 * ioctl.c: ioctl(2): what every file answers, in the order of Linux's do_vfs_ioctl, before its own
 * kind is asked.
 */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/stat.h>
#include <linux/fiemap.h>
#include <linux/fs.h>

#include "file/descriptor_table.h"
#include "file/poll/async.h"
#include "file/system_calls.h"
#include "memory/user_copy.h"

/* ---- of the open file ---- */

static void change_flag(struct file *file, uint32_t flag, bool on)
{
    if (on)
        __atomic_fetch_or(&file->flags, flag, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&file->flags, ~flag, __ATOMIC_RELAXED);
}

static ssize_t change_nonblocking(struct file *file, vaddr_t argument)
{
    int on;

    if (user_get(&on, argument))
        return -EFAULT;
    change_flag(file, O_NONBLOCK, on);
    return 0;
}

static ssize_t change_async(int descriptor, struct file *file, vaddr_t argument)
{
    int on;

    if (user_get(&on, argument))
        return -EFAULT;
    return async_set(file, descriptor, on);
}

static ssize_t bytes_left(struct file *file, vaddr_t argument)
{
    int left = (int)((int64_t)inode_size(file->inode) - file->offset);
    return user_put(argument, &left);
}

/* ---- of the inode and its file system ---- */

static bool is_regular(const struct file *file)
{
    return S_ISREG(file->inode->mode);
}

static bool is_directory(const struct file *file)
{
    return S_ISDIR(file->inode->mode);
}

static ssize_t own_kind(struct file *file, unsigned command, vaddr_t argument)
{
    return file->operations->ioctl ? file->operations->ioctl(file, command, argument) : -ENOTTY;
}

/* FIOQSIZE: what the file takes on its device. */
static ssize_t bytes_taken(struct file *file, vaddr_t argument)
{
    struct stat status;

    if (!is_regular(file) && !is_directory(file))
        return -ENOTTY;
    inode_stat(file->inode, &status);
    int64_t taken = status.st_blocks * 512;
    return user_put(argument, &taken);
}

static ssize_t block_size(const struct file *file, vaddr_t argument)
{
    int size = (int)file_system_block_size(file->inode->file_system);
    return user_put(argument, &size);
}

/* FIBMAP: nothing here lies in blocks. */
static ssize_t block_number(struct file *file, vaddr_t argument)
{
    int block;

    if (!is_regular(file))
        return own_kind(file, FIBMAP, argument);
    if (!credentials_capable(credentials_current(), CAP_SYS_RAWIO))
        return -EPERM;
    return user_get(&block, argument) ? -EFAULT : -EINVAL;
}

/* FIFREEZE and FITHAW: no file system here can be frozen. */
static ssize_t freeze(int error)
{
    return credentials_capable(credentials_current(), CAP_SYS_ADMIN) ? error : -EPERM;
}

/* ---- sharing of blocks: what would be wrong, and that there is none ---- */

static ssize_t clone(const struct file *out, int64_t descriptor)
{
    struct file *in = descriptor_get((int)descriptor);
    ssize_t error = -EOPNOTSUPP;

    if (!in)
        return -EBADF;
    if (in->inode->file_system != out->inode->file_system)
        error = -EXDEV;
    else if (is_directory(in) || is_directory(out))
        error = -EISDIR;
    else if (!is_regular(in) || !is_regular(out))
        error = -EINVAL;
    else if (!in->readable || !out->writable || out->flags & O_APPEND)
        error = -EBADF;
    file_release(in);
    return error;
}

static ssize_t clone_range(const struct file *out, vaddr_t argument)
{
    struct file_clone_range range;

    return user_get(&range, argument) ? -EFAULT : clone(out, range.src_fd);
}

static ssize_t share_range(const struct file *in, vaddr_t argument)
{
    struct file_dedupe_range range;

    if (user_copy_in(&range, argument, sizeof(range)))
        return -EFAULT;
    if (!in->readable || range.reserved1 || range.reserved2)
        return -EINVAL;
    if (is_directory(in))
        return -EISDIR;
    return is_regular(in) ? -EOPNOTSUPP : -EINVAL;
}

/* ---- flags of inodes (ioctl_iflags(2)): in memory there are some on Linux; here none is set ----
 */

static bool has_flags(const struct file *file)
{
    return file->operations == &regular_operations || file->operations == &directory_operations;
}

static ssize_t flags_get(struct file *file, vaddr_t argument)
{
    const int none = 0;
    return has_flags(file) ? user_put(argument, &none) : own_kind(file, FS_IOC_GETFLAGS, argument);
}

static ssize_t flags_set(struct file *file, vaddr_t argument)
{
    int flags;

    if (user_get(&flags, argument))
        return -EFAULT;
    if (!has_flags(file))
        return own_kind(file, FS_IOC_SETFLAGS, argument);
    if (!inode_owned(file->inode, credentials_current()))
        return -EPERM;
    return flags ? -EOPNOTSUPP : 0;
}

static ssize_t extended_flags_get(struct file *file, vaddr_t argument)
{
    const struct fsxattr none = {0};
    return has_flags(file) ? user_put(argument, &none)
                           : own_kind(file, FS_IOC_FSGETXATTR, argument);
}

static ssize_t extended_flags_set(struct file *file, vaddr_t argument)
{
    struct fsxattr flags;

    if (user_get(&flags, argument))
        return -EFAULT;
    if (!has_flags(file))
        return own_kind(file, FS_IOC_FSSETXATTR, argument);
    if (!inode_owned(file->inode, credentials_current()))
        return -EPERM;
    return flags.fsx_xflags || flags.fsx_extsize || flags.fsx_projid || flags.fsx_cowextsize
               ? -EOPNOTSUPP
               : 0;
}

/* ---- ioctl(2) ---- */

static ssize_t control(int descriptor, struct file *file, unsigned command, vaddr_t argument)
{
    switch (command) {
    case FIOCLEX:
        descriptor_set_close_on_exec(descriptor, true);
        return 0;
    case FIONCLEX:
        descriptor_set_close_on_exec(descriptor, false);
        return 0;
    case FIONBIO:
        return change_nonblocking(file, argument);
    case FIOASYNC:
        return change_async(descriptor, file, argument);
    case FIOQSIZE:
        return bytes_taken(file, argument);
    case FIFREEZE:
        return freeze(-EOPNOTSUPP);
    case FITHAW:
        return freeze(-EINVAL);
    case FS_IOC_FIEMAP:
        return -EOPNOTSUPP;
    case FIGETBSZ:
        return block_size(file, argument);
    case FICLONE:
        return clone(file, (int)argument);
    case FICLONERANGE:
        return clone_range(file, argument);
    case FIDEDUPERANGE:
        return share_range(file, argument);
    case FS_IOC_GETFLAGS:
        return flags_get(file, argument);
    case FS_IOC_SETFLAGS:
        return flags_set(file, argument);
    case FS_IOC_FSGETXATTR:
        return extended_flags_get(file, argument);
    case FS_IOC_FSSETXATTR:
        return extended_flags_set(file, argument);
    case FIBMAP:
        return block_number(file, argument);
    case FIONREAD:
        return is_regular(file) ? bytes_left(file, argument) : own_kind(file, command, argument);
    default:
        return own_kind(file, command, argument);
    }
}

ssize_t sys_ioctl(int descriptor, unsigned command, vaddr_t argument)
{
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    ssize_t result = control(descriptor, file, command, argument);
    file_release(file);
    return result;
}

/* stat.c: what files look like: stat(2), statx(2), statfs(2), access(2), readlink(2). */
#include <asm/errno.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>

#include "file/descriptor_table.h"
#include "file/system_calls.h"
#include "file/tree/walk.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

/* AT_* flags of a call, as flags of a walk. */
static unsigned walk_flags(int flags)
{
    return (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
           (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

static ssize_t stat_path(int directory, vaddr_t name, vaddr_t result, int flags)
{
    struct stat status;
    struct path path;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    int error = path_lookup_user(directory, name, walk_flags(flags), &path);
    if (error)
        return error;
    error = inode_stat(path.dentry->inode, &status);
    path_release(&path);
    return error ? error : user_put(result, &status);
}

ssize_t sys_newfstatat(int directory, vaddr_t name, vaddr_t result, int flags)
{
    /* fstat() of C libraries: AT_EMPTY_PATH with "". */
    char first;
    if (flags == AT_EMPTY_PATH && directory >= 0 && !user_get(&first, name) && !first)
        return sys_fstat(directory, result);
    return stat_path(directory, name, result, flags);
}

ssize_t sys_stat(vaddr_t name, vaddr_t result)
{
    return stat_path(AT_FDCWD, name, result, 0);
}

ssize_t sys_lstat(vaddr_t name, vaddr_t result)
{
    return stat_path(AT_FDCWD, name, result, AT_SYMLINK_NOFOLLOW);
}

ssize_t sys_fstat(int descriptor, vaddr_t result)
{
    struct stat status;

    struct file *file = descriptor_get_any(descriptor);
    if (!file)
        return -EBADF;
    int error = inode_stat(file->inode, &status);
    file_release(file);
    return error ? error : user_put(result, &status);
}

static struct statx_timestamp statx_time(const struct file_time *field)
{
    struct file_time time = file_time_get(field);
    return (struct statx_timestamp){.tv_sec = time.seconds, .tv_nsec = time.nanoseconds};
}

ssize_t sys_statx(int directory, vaddr_t name, unsigned flags, unsigned mask, vaddr_t result)
{
    struct stat status;
    struct path path;

    if (mask & STATX__RESERVED)
        return -EINVAL;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE) ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    int error = path_lookup_user(directory, name, walk_flags((int)flags), &path);
    if (error)
        return error;
    struct inode *inode = path.dentry->inode;
    error = inode_stat(inode, &status);
    if (error) {
        path_release(&path);
        return error;
    }
    /* Of what lies elsewhere nobody knows when it was made. */
    bool made_here = !(inode->operations && inode->operations->change);
    struct statx answer = {
        .stx_mask = STATX_BASIC_STATS | STATX_MNT_ID | (made_here ? STATX_BTIME : 0),
        .stx_blksize = (uint32_t)status.st_blksize,
        .stx_attributes = path.dentry == path.mount->root ? STATX_ATTR_MOUNT_ROOT : 0,
        .stx_attributes_mask = STATX_ATTR_MOUNT_ROOT,
        .stx_nlink = (uint32_t)status.st_nlink,
        .stx_uid = status.st_uid,
        .stx_gid = status.st_gid,
        .stx_mode = (uint16_t)status.st_mode,
        .stx_ino = status.st_ino,
        .stx_size = (uint64_t)status.st_size,
        .stx_blocks = (uint64_t)status.st_blocks,
        .stx_atime = statx_time(&inode->accessed),
        .stx_btime = made_here ? statx_time(&inode->created) : (struct statx_timestamp){0},
        .stx_ctime = statx_time(&inode->changed),
        .stx_mtime = statx_time(&inode->modified),
        .stx_rdev_major = device_major(status.st_rdev),
        .stx_rdev_minor = device_minor(status.st_rdev),
        .stx_dev_major = device_major(status.st_dev),
        .stx_dev_minor = device_minor(status.st_dev),
        .stx_mnt_id = path.mount->id,
    };
    path_release(&path);
    return user_put(result, &answer);
}

/* ---- statfs(2) ---- */

/* f_flags, statfs(2); not among the UAPI headers. */
#define STATFS_READ_ONLY         1
#define STATFS_NO_SET_USER_ID    2
#define STATFS_NO_DEVICES        4
#define STATFS_NO_EXECUTE        8
#define STATFS_VALID             0x20
#define STATFS_NO_ACCESS_TIME    1024
#define STATFS_NO_DIRECTORY_TIME 2048
#define STATFS_RELATIVE_TIME     4096

static ssize_t statfs_path(const struct path *path, vaddr_t result)
{
    static const struct {
        uint32_t mount, statfs;
    } flags[] = {
        {MS_RDONLY, STATFS_READ_ONLY},       {MS_NOSUID, STATFS_NO_SET_USER_ID},
        {MS_NODEV, STATFS_NO_DEVICES},       {MS_NOEXEC, STATFS_NO_EXECUTE},
        {MS_NOATIME, STATFS_NO_ACCESS_TIME}, {MS_NODIRATIME, STATFS_NO_DIRECTORY_TIME},
        {MS_RELATIME, STATFS_RELATIVE_TIME},
    };
    struct file_system *file_system = path->mount->file_system;
    struct statfs answer = {
        .f_type = file_system->magic,
        .f_bsize = PAGE_SIZE,
        .f_frsize = PAGE_SIZE,
        .f_namelen = NAME_LENGTH_MAXIMUM,
        .f_flags = STATFS_VALID,
        .f_fsid = {.val = {(int)file_system->device, 0}},
    };
    for (size_t i = 0; i < array_length(flags); i++)
        if (mount_flag(path->mount, flags[i].mount))
            answer.f_flags |= flags[i].statfs;
    int error = file_system->operations && file_system->operations->statistics
                    ? file_system->operations->statistics(file_system, &answer)
                    : 0;
    return error ? error : user_put(result, &answer);
}

ssize_t sys_statfs(vaddr_t name, vaddr_t result)
{
    struct path path;

    int error = path_lookup_user(AT_FDCWD, name, WALK_FOLLOW, &path);
    if (error)
        return error;
    ssize_t answer = statfs_path(&path, result);
    path_release(&path);
    return answer;
}

ssize_t sys_fstatfs(int descriptor, vaddr_t result)
{
    struct file *file = descriptor_get_any(descriptor);
    if (!file)
        return -EBADF;
    ssize_t answer = statfs_path(&file->path, result);
    file_release(file);
    return answer;
}

/* ---- access(2) ---- */

/*
 * access(2) asks for the real user and group. The copy has their identity and,
 * as Linux has it, the permitted capabilities for user 0 and none for others.
 * NULL: no memory.
 */
static const struct credentials *real_credentials(void)
{
    const struct credentials *own = credentials_current();

    struct credentials *real = credentials_copy(own, own->group_count);
    if (!real)
        return NULL;
    real->file_user = own->real_user;
    real->file_group = own->real_group;
    real->effective = own->real_user == 0 ? own->permitted : 0;
    return real;
}

static int access_path(const struct path *path, int mode, const struct credentials *credentials)
{
    struct inode *inode = path->dentry->inode;

    if (mode & PERMISSION_EXECUTE && S_ISREG(inode->mode) && !path_may_execute(path))
        return -EACCES;
    int error = inode_permission(inode, (unsigned)mode | PERMISSION_ASKED, credentials);
    if (error)
        return error;
    bool special = S_ISCHR(inode->mode) || S_ISBLK(inode->mode) || S_ISFIFO(inode->mode) ||
                   S_ISSOCK(inode->mode);
    return mode & PERMISSION_WRITE && !special && mount_flag(path->mount, MS_RDONLY) ? -EROFS : 0;
}

ssize_t sys_faccessat2(int directory, vaddr_t name, int mode, int flags)
{
    const struct credentials *credentials = credentials_current();
    struct user_path text;
    struct path path;

    if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    bool real = !(flags & AT_EACCESS);
    if (real)
        credentials = real_credentials();
    if (!credentials)
        return -ENOMEM;
    int error = user_path_begin(&text, name);
    if (!error) {
        error = path_lookup_as(credentials, directory, text.string, walk_flags(flags), &path);
        user_path_end(&text);
    }
    if (!error) {
        error = access_path(&path, mode, credentials);
        path_release(&path);
    }
    if (real)
        credentials_release(credentials);
    return error;
}

ssize_t sys_faccessat(int directory, vaddr_t name, int mode)
{
    return sys_faccessat2(directory, name, mode, 0);
}

ssize_t sys_access(vaddr_t name, int mode)
{
    return sys_faccessat2(AT_FDCWD, name, mode, 0);
}

/* ---- readlink(2) ---- */

static ssize_t read_link(struct path *path, bool named, vaddr_t buffer, int size)
{
    struct inode *inode = path->dentry->inode;
    const struct inode_operations *operations = inode->operations;

    if (!operations || !operations->read_link)
        return named ? -EINVAL : -ENOENT;
    inode_touch_accessed(inode, path->mount);
    char *text = heap_allocate(PATH_SIZE_MAXIMUM);
    if (!text)
        return -ENOMEM;
    ssize_t length = operations->read_link(inode, text, PATH_SIZE_MAXIMUM);
    if (length > size)
        length = size;
    if (length > 0 && user_copy_out(buffer, text, (size_t)length))
        length = -EFAULT;
    heap_free(text);
    return length;
}

ssize_t sys_readlinkat(int directory, vaddr_t name, vaddr_t buffer, int size)
{
    struct user_path text;
    struct path path;

    if (size <= 0)
        return -EINVAL;
    int error = user_path_begin(&text, name);
    if (error)
        return error;
    /* "" names a link opened with O_PATH | O_NOFOLLOW. */
    bool named = *text.string;
    error = path_lookup(directory, text.string, named ? 0 : WALK_EMPTY, &path);
    user_path_end(&text);
    if (error)
        return error;
    ssize_t length = read_link(&path, named, buffer, size);
    path_release(&path);
    return length;
}

ssize_t sys_readlink(vaddr_t name, vaddr_t buffer, int size)
{
    return sys_readlinkat(AT_FDCWD, name, buffer, size);
}

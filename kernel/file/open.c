/*
 * open.c: from a name to an open file. The checks come in the order of Linux's
 * path_openat, may_open and do_dentry_open, so that the errno is the same when
 * several apply.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/openat2.h>

#include "file/descriptor_table.h"
#include "file/ram/anonymous.h"
#include "file/ram/ram.h"
#include "file/system_calls.h"
#include "file/tree/dentry.h"
#include "file/tree/mount.h"
#include "file/tree/names.h"
#include "file/tree/protection.h"
#include "file/tree/walk.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

#define OPEN_FLAGS                                                                                 \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC | \
     O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |          \
     __O_TMPFILE)

/* What fcntl(F_GETFL) does not show. */
#define OPEN_FLAGS_PASSING (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

/* What an open wants, understood once. */
struct opening {
    const struct credentials *credentials;
    uint32_t flags;
    uint32_t mode; /* permissions of a new file, the umask not yet applied */
    unsigned permission;
    unsigned resolve; /* RESOLVE_* */
    bool created;     /* this open made the file: no permission is asked */
};

/* 0 or -EINVAL. */
static int opening_begin(struct opening *opening, int flags, uint32_t mode)
{
    uint32_t wanted = (uint32_t)flags & OPEN_FLAGS;

    *opening = (struct opening){.credentials = credentials_current()};
    if (wanted & O_PATH)
        wanted &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if ((wanted & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL; /* it would make a regular file */
    if (wanted & (O_CREAT | __O_TMPFILE))
        opening->mode = mode & 07777;
    if (wanted & __O_TMPFILE &&
        ((wanted & O_TMPFILE) != O_TMPFILE || wanted & O_CREAT || !(wanted & (O_WRONLY | O_RDWR))))
        return -EINVAL;
    if (!(wanted & O_PATH)) {
        static const unsigned permissions[] = {PERMISSION_READ, PERMISSION_WRITE,
                                               PERMISSION_READ | PERMISSION_WRITE,
                                               PERMISSION_READ | PERMISSION_WRITE};
        opening->permission = permissions[wanted & O_ACCMODE];
        if (wanted & O_TRUNC)
            opening->permission |= PERMISSION_WRITE;
    }
    opening->flags = wanted;
    return 0;
}

/* May a file that was there before be opened so? */
static int may_open(const struct opening *opening, const struct path *path)
{
    struct inode *inode = path->dentry->inode;
    bool writes = opening->permission & PERMISSION_WRITE;

    switch (inode_type(inode)) {
    case S_IFLNK:
        return -ELOOP;
    case S_IFDIR:
        if (writes)
            return -EISDIR;
        break;
    case S_IFCHR:
    case S_IFBLK:
        if (mount_flag(path->mount, MS_NODEV))
            return -EACCES;
        break;
    case S_IFREG:
        if (writes && mount_flag(path->mount, MS_RDONLY))
            return -EROFS;
        break;
    }
    int error = inode_permission(inode, opening->permission, opening->credentials);
    if (error)
        return error;
    if (opening->flags & O_NOATIME && !inode_owned(inode, opening->credentials))
        return -EPERM;
    return 0;
}

static const struct file_operations no_operations;

/* Cuts a file to nothing, for O_TRUNC; nobody may be running it. */
static int open_truncate(struct inode *inode, struct file *file)
{
    int error = inode_write_begin(inode);
    if (error)
        return error;
    error = inode_truncate(inode, 0, file->writable ? file : NULL);
    inode_write_end(inode);
    return error;
}

static int open_place(const struct opening *opening, const struct path *path, struct file **result)
{
    struct inode *inode = path->dentry->inode;
    uint32_t flags = opening->flags;
    bool regular = S_ISREG(inode->mode);
    int error = 0;

    if (flags & O_PATH) {
        *result = file_allocate(path, flags & ~OPEN_FLAGS_PASSING, &no_operations);
        return *result ? 0 : -ENOMEM;
    }
    if (!opening->created)
        error = may_open(opening, path);
    if (error)
        return error;
    if (!inode->file_operations)
        return -ENXIO; /* a socket */
    struct file *file = file_allocate(path, flags & ~OPEN_FLAGS_PASSING, inode->file_operations);
    if (!file)
        return -ENOMEM;
    file->opened_with = flags;
    file->readable = (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR;
    file->writable = (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
    if (file->writable && regular) {
        error = inode_write_begin(inode);
        file->counts_as_writer = !error;
    }
    if (!error && file->operations->open)
        error = file->operations->open(inode, file);
    if (error) {
        if (file->counts_as_writer)
            inode_write_end(inode);
        file_free(file);
        return error;
    }
    if (flags & O_DIRECT && !inode_can_be_direct(inode))
        error = -EINVAL;
    else if (flags & O_TRUNC && !opening->created && inode_can_truncate(inode))
        error = open_truncate(inode, file);
    if (error) {
        file_release(file);
        return error;
    }
    *result = file;
    return 0;
}

/* What an open makes that may. */
static struct creation creation_of(const struct opening *opening)
{
    uint32_t umask = umask_current();

    return (struct creation){.credentials = opening->credentials,
                             .mode = S_IFREG | (opening->mode & ~umask),
                             .umask = umask,
                             .open_flags = opening->flags};
}

static int create(const struct opening *opening, struct walk *walk, struct path *path)
{
    const struct inode_operations *operations = walk->at.dentry->inode->operations;
    const struct creation creation = creation_of(opening);

    if (!operations || !operations->create)
        return -EACCES; /* no files can be made there */
    if (mount_flag(walk->at.mount, MS_RDONLY))
        return -EROFS;
    int error = name_create(&walk->at, walk->last, walk->last_length, &creation, &path->dentry);
    if (error)
        return error;
    path->mount = walk->at.mount;
    mount_reference(path->mount);
    return 0;
}

/*
 * The last component with O_CREAT: found, or made. After 0 *path has
 * references.
 */
static int find_or_create(struct opening *opening, struct walk *walk, struct path *path)
{
    int error = walk_find_last(walk, path);
    if (error != -ENOENT)
        return error;

    /* Somebody else may have made it before the lock was ours: look again under it. */
    struct inode *directory = walk->at.dentry->inode;
    error = inode_lock(directory);
    if (error)
        return error;
    error = walk_find_last(walk, path);
    if (error == -ENOENT) {
        if (!names_are_given(directory->file_system))
            error = create(opening, walk, path);
        opening->created = !error;
    }
    mutex_release(&directory->lock);
    return error;
}

/* O_TMPFILE: a file in this directory's file system that has no name. */
static int open_nameless(struct opening *opening, const struct path *directory,
                         struct file **result)
{
    struct dentry *parent = directory->dentry;

    int error = inode_permission(parent->inode, PERMISSION_WRITE | PERMISSION_EXECUTE,
                                 opening->credentials);
    if (error)
        return error;
    if (!parent->inode->file_system->in_memory)
        return -EOPNOTSUPP;
    if (mount_flag(directory->mount, MS_RDONLY))
        return -EROFS;
    const struct creation creation = creation_of(opening);
    struct inode *inode;
    error = ram_inode_create_in(parent->inode, &creation, &inode);
    if (error)
        return error;
    char name[24];
    int length = format_string(name, sizeof(name), "#%lu", inode->number);
    inode->nameless = !(opening->flags & O_EXCL);
    struct dentry *dentry = dentry_create(parent, name, (size_t)length, inode);
    inode_release(inode);
    if (!dentry)
        return -ENOMEM;
    opening->created = true;
    struct path path = {directory->mount, dentry};
    error = open_place(opening, &path, result);
    dentry_release(dentry);
    return error;
}

/* What the last component has to be. 0: open it. */
static int check_last(const struct opening *opening, const struct walk *walk,
                      const struct path *path)
{
    bool directory = S_ISDIR(path->dentry->inode->mode);

    if (opening->flags & O_CREAT && !opening->created) {
        if (opening->flags & O_EXCL)
            return -EEXIST;
        if (directory)
            return -EISDIR;
    }
    if ((opening->flags & O_DIRECTORY || walk->trailing_slash) && !directory)
        return -ENOTDIR;
    return 0;
}

static int open_walk(struct opening *opening, struct walk *walk, struct file **file)
{
    uint32_t parent_mode, parent_owner;
    struct path path;

    for (;;) {
        int error = walk_to_parent(walk);
        if (error)
            return error;
        struct inode_attributes parent = inode_attributes(walk->at.dentry->inode);
        parent_mode = parent.mode;
        parent_owner = parent.user;
        if (opening->flags & O_CREAT && walk->last_kind != WALK_LAST_NAME)
            return -EISDIR;
        if (opening->flags & O_CREAT && walk->trailing_slash)
            return -EISDIR;
        if (opening->flags & O_CREAT)
            error = find_or_create(opening, walk, &path);
        else
            error = walk_find_last(walk, &path);
        if (error)
            return error;
        bool exclusive = (opening->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
        if (S_ISLNK(path.dentry->inode->mode) && walk->last_kind == WALK_LAST_NAME && !exclusive &&
            (!(opening->flags & O_NOFOLLOW) || walk->trailing_slash)) {
            error = walk_follow_last(walk, &path);
            if (error < 0)
                return error;
            if (error == 0)
                continue;
            path = walk->at;
            path_reference(&path);
        }
        error = check_last(opening, walk, &path);
        if (!error && opening->flags & O_CREAT && !opening->created)
            error = protection_open(parent_mode, parent_owner, path.dentry->inode,
                                    opening->credentials);
        if (!error && opening->flags & __O_TMPFILE)
            error = open_nameless(opening, &path, file);
        else if (!error)
            error = open_place(opening, &path, file);
        path_release(&path);
        return error;
    }
}

static int open_name(int directory, const char *name, struct opening *opening, struct file **file)
{
    struct walk walk;

    if (opening->resolve & RESOLVE_IN_ROOT && *name == '/') {
        while (*name == '/')
            name++;
        name = *name ? name : ".";
    }
    int error = walk_begin(&walk, directory, name, 0, opening->credentials);
    if (error)
        return error;
    if (opening->resolve)
        error = walk_restrict(&walk, name, opening->resolve);
    if (!error)
        error = open_walk(opening, &walk, file);
    walk_end(&walk);
    return error;
}

int file_open(int directory, const char *name, int flags, uint32_t mode, struct file **file)
{
    struct opening opening;

    int error = opening_begin(&opening, flags, mode);
    return error ? error : open_name(directory, name, &opening, file);
}

int file_open_path(const struct path *path, int flags, struct file **file)
{
    struct opening opening;

    int error = opening_begin(&opening, flags & ~(O_CREAT | __O_TMPFILE), 0);
    return error ? error : open_place(&opening, path, file);
}

int file_open_executable(int directory, const char *name, int at_flags, struct file **result)
{
    struct path path;

    int error = path_lookup(directory, name,
                            (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
                                (at_flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
                            &path);
    if (error)
        return error;
    struct inode *inode = path.dentry->inode;
    if (S_ISLNK(inode->mode))
        error = -ELOOP;
    else if (!S_ISREG(inode->mode) || !path_may_execute(&path))
        error = -EACCES;
    else
        error = inode_permission(inode, PERMISSION_EXECUTE, credentials_current());
    if (!error && !inode->file_operations)
        error = -EACCES;
    if (!error)
        error = inode_deny_write(inode);
    if (!error) {
        struct file *file = file_allocate(&path, O_RDONLY | O_LARGEFILE, inode->file_operations);
        error = file ? 0 : -ENOMEM;
        if (file) {
            file->readable = true;
            if (inode->refreshes && file->operations->open)
                error = file->operations->open(inode, file);
        }
        if (!error) {
            file->denies_write = true;
            *result = file;
        } else {
            inode_allow_write(inode);
            if (file)
                file_free(file);
        }
    }
    path_release(&path);
    return error;
}

/* ---- system calls ---- */

static ssize_t open_user(int directory, vaddr_t name, int flags, uint32_t mode, unsigned resolve)
{
    struct user_path path;
    struct opening opening;
    struct file *file;

    int error = opening_begin(&opening, flags | O_LARGEFILE, mode);
    if (error)
        return error;
    opening.resolve = resolve;
    error = user_path_begin(&path, name);
    if (error)
        return error;
    int descriptor = descriptor_reserve(0, flags & O_CLOEXEC);
    if (descriptor >= 0) {
        error = open_name(directory, path.string, &opening, &file);
        if (error) {
            descriptor_cancel(descriptor);
            descriptor = error;
        } else {
            descriptor_install(descriptor, file);
        }
    }
    user_path_end(&path);
    return descriptor;
}

ssize_t sys_openat(int directory, vaddr_t name, int flags, unsigned mode)
{
    return open_user(directory, name, flags, mode, 0);
}

ssize_t sys_open(vaddr_t name, int flags, unsigned mode)
{
    return open_user(AT_FDCWD, name, flags, mode, 0);
}

ssize_t sys_creat(vaddr_t name, unsigned mode)
{
    return open_user(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode, 0);
}

#define RESOLVE_FLAGS                                                                              \
    (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |             \
     RESOLVE_IN_ROOT | RESOLVE_CACHED)

/* The first version's, openat2(2); the UAPI header does not name it. */
#define OPEN_HOW_SIZE_VER0 24

ssize_t sys_openat2(int directory, vaddr_t name, vaddr_t how_address, size_t size)
{
    struct open_how how;

    int error = user_copy_struct(&how, sizeof(how), OPEN_HOW_SIZE_VER0, how_address, size);
    if (error)
        return error;
    if (how.flags & ~(uint64_t)OPEN_FLAGS || how.mode & ~07777UL)
        return -EINVAL;
    if (how.mode && !(how.flags & (O_CREAT | __O_TMPFILE)))
        return -EINVAL;
    const uint64_t scopes = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
    if (how.resolve & ~(uint64_t)RESOLVE_FLAGS || (how.resolve & scopes) == scopes)
        return -EINVAL;
    /* All names are in memory: what could not be done without waiting is to make or to cut. */
    if (how.resolve & RESOLVE_CACHED && how.flags & (O_TRUNC | O_CREAT | __O_TMPFILE))
        return -EAGAIN;
    return open_user(directory, name, (int)how.flags, (uint32_t)how.mode, (unsigned)how.resolve);
}

/* ---- memfd_create(2) ---- */

#define MEMFD_NAME_MAXIMUM 249

ssize_t sys_memfd_create(vaddr_t name, unsigned flags)
{
    char text[6 + MEMFD_NAME_MAXIMUM + 1] = "memfd:";
    struct file *file;

    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
        return -EINVAL;
    ssize_t length = user_string_in(text + 6, name, MEMFD_NAME_MAXIMUM + 1);
    if (length < 0)
        return length == -ENAMETOOLONG ? -EINVAL : length;
    int descriptor = descriptor_reserve(0, flags & MFD_CLOEXEC);
    if (descriptor < 0)
        return descriptor;
    int error = memory_file_create(text, (size_t)length + 6, flags & MFD_ALLOW_SEALING, &file);
    if (error) {
        descriptor_cancel(descriptor);
        return error;
    }
    descriptor_install(descriptor, file);
    return descriptor;
}

/*
 * names.c: names are made, removed and moved: mkdir(2), mknod(2), link(2),
 * symlink(2), unlink(2), rmdir(2), rename(2). Errors come in the order in
 * which Linux finds them; what is done then is the file system's business.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>

#include "file/system_calls.h"
#include "file/tree/dentry.h"
#include "file/tree/file_system_context.h"
#include "file/tree/mount.h"
#include "file/tree/names.h"
#include "file/tree/protection.h"
#include "file/tree/walk.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

uint32_t umask_current(void)
{
    struct file_system_context *context = thread_current()->file_system;
    return context ? __atomic_load_n(&context->umask, __ATOMIC_RELAXED) : 0;
}

/* ---- making ---- */

int name_may_create(const struct credentials *credentials, const struct path *directory)
{
    if (!directory->dentry->linked || names_are_given(directory->dentry->inode->file_system))
        return -ENOENT;
    int error = inode_permission(directory->dentry->inode, PERMISSION_WRITE | PERMISSION_EXECUTE,
                                 credentials);
    if (error)
        return error;
    const struct inode_operations *operations = directory->dentry->inode->operations;
    return operations && operations->create ? 0 : -EPERM;
}

/* A node that opens a device. The character device 0:0 opens none: anybody may make it (a
   "whiteout", mknod(2) of Linux since 5.8). */
static bool is_device(const struct creation *creation)
{
    return S_ISBLK(creation->mode) || (S_ISCHR(creation->mode) && creation->device != 0);
}

int name_create(const struct path *directory, const char *name, size_t length,
                const struct creation *creation, struct dentry **created)
{
    struct dentry *parent = directory->dentry;

    int error = name_may_create(creation->credentials, directory);
    if (!error && is_device(creation) && !credentials_capable(creation->credentials, CAP_MKNOD))
        error = -EPERM;
    return error ? error
                 : parent->inode->operations->create(parent, name, length, creation, created);
}

/*
 * Walks to where a new name is to be made and takes the directory's lock: after
 * 0 the name is free and the mount writable. `directory`: the name may end in
 * slashes. Ended by creation_end.
 */
static int creation_begin(struct walk *walk, int directory_descriptor, const char *name,
                          bool directory)
{
    struct path existing;

    int error = walk_begin(walk, directory_descriptor, name, 0, credentials_current());
    if (error)
        return error;
    error = walk_to_parent(walk);
    if (!error && walk->last_kind != WALK_LAST_NAME)
        error = -EEXIST;
    if (!error)
        error = inode_lock(walk->at.dentry->inode);
    if (!error) {
        error = walk_find_last(walk, &existing);
        if (error == 0) {
            path_release(&existing);
            error = -EEXIST;
        } else if (error == -ENOENT && walk->trailing_slash && !directory) {
            error = -ENOENT;
        } else if (error == -ENOENT) {
            error = mount_flag(walk->at.mount, MS_RDONLY) ? -EROFS : 0;
        }
        if (!error)
            return 0;
        mutex_release(&walk->at.dentry->inode->lock);
    }
    walk_end(walk);
    return error;
}

static void creation_end(struct walk *walk)
{
    mutex_release(&walk->at.dentry->inode->lock);
    walk_end(walk);
}

int name_make_inode(int directory, const char *name, uint32_t mode, uint64_t device,
                    const char *link_target, struct inode **inode)
{
    struct dentry *created;
    struct walk walk;

    int error = creation_begin(&walk, directory, name, S_ISDIR(mode));
    if (error)
        return error;
    const struct creation creation = {.credentials = walk.credentials,
                                      .mode = mode,
                                      .umask = umask_current(),
                                      .device = device,
                                      .link_target = link_target};
    error = name_create(&walk.at, walk.last, walk.last_length, &creation, &created);
    creation_end(&walk);
    if (error)
        return error;
    *inode = created->inode;
    inode_reference(*inode);
    dentry_release(created);
    return 0;
}

int name_make(int directory, const char *name, uint32_t mode, uint64_t device,
              const char *link_target)
{
    struct inode *inode;

    int error = name_make_inode(directory, name, mode, device, link_target, &inode);
    if (!error)
        inode_release(inode);
    return error;
}

/* The common part of mkdir, mknod and symlink. */
static int create(int directory, vaddr_t name, uint32_t mode, uint64_t device,
                  const char *link_target)
{
    struct user_path path;

    int error = user_path_begin(&path, name);
    if (error)
        return error;
    error = name_make(directory, path.string, mode, device, link_target);
    user_path_end(&path);
    return error;
}

ssize_t sys_mkdirat(int directory, vaddr_t name, unsigned mode)
{
    return create(directory, name, S_IFDIR | (mode & 01777 & ~umask_current()), 0, NULL);
}

ssize_t sys_mkdir(vaddr_t name, unsigned mode)
{
    return sys_mkdirat(AT_FDCWD, name, mode);
}

ssize_t sys_mknodat(int directory, vaddr_t name, unsigned mode, unsigned device)
{
    switch (mode & S_IFMT) {
    case 0:
        mode |= S_IFREG;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    case S_IFCHR:
    case S_IFBLK:
        break;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    bool node = S_ISCHR(mode) || S_ISBLK(mode);
    return create(directory, name, mode & (S_IFMT | (07777 & ~umask_current())), node ? device : 0,
                  NULL);
}

ssize_t sys_mknod(vaddr_t name, unsigned mode, unsigned device)
{
    return sys_mknodat(AT_FDCWD, name, mode, device);
}

ssize_t sys_symlinkat(vaddr_t target, int directory, vaddr_t name)
{
    struct user_path text;

    int error = user_path_begin(&text, target);
    if (error)
        return error;
    error = *text.string ? create(directory, name, S_IFLNK | 0777, 0, text.string) : -ENOENT;
    user_path_end(&text);
    return error;
}

ssize_t sys_symlink(vaddr_t target, vaddr_t name)
{
    return sys_symlinkat(target, AT_FDCWD, name);
}

/* The directory's lock is held. */
static int link_create(const struct path *from, const struct walk *to)
{
    struct inode *inode = from->dentry->inode;

    if (from->mount != to->at.mount)
        return -EXDEV;
    int error = protection_link(inode, to->credentials);
    if (error)
        return error;
    error = name_may_create(to->credentials, &to->at);
    if (error)
        return error;
    const struct inode_operations *operations = to->at.dentry->inode->operations;
    if (S_ISDIR(inode->mode) || !operations->link)
        return -EPERM;
    return operations->link(inode, to->at.dentry, to->last, to->last_length);
}

int name_link(const struct path *from, int directory, const char *name)
{
    struct walk walk;

    int error = creation_begin(&walk, directory, name, false);
    if (error)
        return error;
    error = link_create(from, &walk);
    creation_end(&walk);
    return error;
}

ssize_t sys_linkat(int from_directory, vaddr_t from_name, int to_directory, vaddr_t to_name,
                   int flags)
{
    struct user_path to;
    struct path from;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH && !credentials_capable(credentials_current(), CAP_DAC_READ_SEARCH))
        return -ENOENT;
    int error = path_lookup_user(from_directory, from_name,
                                 (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
                                     (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
                                 &from);
    if (error)
        return error;
    error = user_path_begin(&to, to_name);
    if (!error) {
        error = name_link(&from, to_directory, to.string);
        user_path_end(&to);
    }
    path_release(&from);
    return error;
}

ssize_t sys_link(vaddr_t from, vaddr_t to)
{
    return sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- removing ---- */

static bool has_remove(const struct inode *directory)
{
    return directory->operations && directory->operations->remove;
}

/* May the caller take this name out of its directory? path_resolution(7), sticky bit. */
static int may_remove(const struct credentials *credentials, const struct path *directory,
                      const struct dentry *victim)
{
    struct inode *parent = directory->dentry->inode;

    int error = inode_permission(parent, PERMISSION_WRITE | PERMISSION_EXECUTE, credentials);
    if (error)
        return error;
    /* The directory's lock is held: its attributes are those that gave permission. */
    struct inode_attributes own = inode_attributes(parent);
    if (own.mode & S_ISVTX && credentials->file_user != own.user &&
        !inode_owned(victim->inode, credentials))
        return -EPERM;
    return inode_change_allowed(victim->inode, INODE_CHANGE_NAME);
}

/* What mounts hide is not what the name means: the directory's own child, with a reference. */
static struct dentry *child_get(const struct walk *walk)
{
    spinlock_acquire(&tree_lock);
    struct dentry *child = dentry_find(walk->at.dentry, walk->last, walk->last_length);
    if (child)
        dentry_reference(child);
    spinlock_release(&tree_lock);
    return child;
}

/* A child for removal or renaming; also those that are in no tree (/proc). */
static int child_find(struct walk *walk, struct dentry **child)
{
    struct path path;

    *child = walk->at.dentry->inode->refreshes ? NULL : child_get(walk);
    if (*child)
        return 0;
    int error = walk_find_last(walk, &path);
    if (error)
        return error;
    *child = path.dentry;
    /* It was asked for anew, and is covered: what covers it is not meant. */
    if (path.mount != walk->at.mount) {
        dentry_release(path.dentry);
        *child = child_get(walk);
    }
    mount_release(path.mount);
    return *child ? 0 : -EBUSY;
}

/* As far as is known here: who keeps the names elsewhere is asked by the removal. */
static bool directory_is_empty(const struct dentry *directory)
{
    if (directory->inode->refreshes)
        return true;
    spinlock_acquire(&tree_lock);
    bool empty = directory->child_count == 0;
    spinlock_release(&tree_lock);
    return empty;
}

/* The directory's lock is held, and the victim's when it is a directory. */
static int remove_checked(struct walk *walk, struct dentry *victim, bool directory)
{
    bool is_directory = S_ISDIR(victim->inode->mode);

    if (!directory && walk->trailing_slash)
        return is_directory ? -EISDIR : -ENOTDIR;
    if (mount_flag(walk->at.mount, MS_RDONLY))
        return -EROFS;
    int error = may_remove(walk->credentials, &walk->at, victim);
    if (error)
        return error;
    if (directory && !is_directory)
        return -ENOTDIR;
    if (!directory && is_directory)
        return -EISDIR;
    if (!has_remove(walk->at.dentry->inode))
        return -EPERM;
    if (victim->mounts) /* as Linux: before -ENOTEMPTY; what counts is asked with the removal */
        return -EBUSY;
    if (directory && !directory_is_empty(victim))
        return -ENOTEMPTY;
    return walk->at.dentry->inode->operations->remove(walk->at.dentry, victim);
}

/* The directory's lock is held. */
static int remove_locked(struct walk *walk, bool directory)
{
    struct dentry *victim;

    int error = child_find(walk, &victim);
    if (error)
        return error;
    /* Whoever makes names in the victim holds its lock: it stays empty until it is gone. */
    bool locked = directory && S_ISDIR(victim->inode->mode);
    if (locked)
        error = inode_lock(victim->inode);
    if (!error) {
        error = remove_checked(walk, victim, directory);
        if (locked)
            mutex_release(&victim->inode->lock);
    }
    dentry_release(victim);
    return error;
}

int name_remove(int directory_descriptor, const char *name, bool directory)
{
    struct walk walk;

    int error = walk_begin(&walk, directory_descriptor, name, 0, credentials_current());
    if (error)
        return error;
    error = walk_to_parent(&walk);
    if (!error && walk.last_kind != WALK_LAST_NAME)
        error = !directory                            ? -EISDIR
                : walk.last_kind == WALK_LAST_DOT     ? -EINVAL
                : walk.last_kind == WALK_LAST_DOT_DOT ? -ENOTEMPTY
                                                      : -EBUSY;
    struct inode *parent = walk.at.dentry->inode;
    if (!error)
        error = inode_lock(parent);
    if (!error) {
        error = remove_locked(&walk, directory);
        mutex_release(&parent->lock);
    }
    walk_end(&walk);
    return error;
}

static ssize_t name_remove_user(int directory_descriptor, vaddr_t name, bool directory)
{
    struct user_path path;

    int error = user_path_begin(&path, name);
    if (error)
        return error;
    error = name_remove(directory_descriptor, path.string, directory);
    user_path_end(&path);
    return error;
}

ssize_t sys_unlinkat(int directory, vaddr_t name, int flags)
{
    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    return name_remove_user(directory, name, flags & AT_REMOVEDIR);
}

ssize_t sys_unlink(vaddr_t name)
{
    return name_remove_user(AT_FDCWD, name, false);
}

ssize_t sys_rmdir(vaddr_t name)
{
    return name_remove_user(AT_FDCWD, name, true);
}

/* ---- renaming ---- */

/* Locks two directories, an ancestor before what is below it. The file system's `rename` is held. 0
   or -EINTR. */
static int directories_lock(struct dentry *first, struct dentry *second)
{
    if (first->inode == second->inode)
        return inode_lock(first->inode);
    if (dentry_is_within(first, second->inode)) {
        struct dentry *below = first;
        first = second;
        second = below;
    }
    int error = inode_lock(first->inode);
    if (error)
        return error;
    error = inode_lock(second->inode);
    if (error)
        mutex_release(&first->inode->lock);
    return error;
}

static void directories_unlock(struct dentry *first, struct dentry *second)
{
    mutex_release(&first->inode->lock);
    if (first->inode != second->inode)
        mutex_release(&second->inode->lock);
}

/* What a rename works on: names and dentries are referenced; the directories are locked. */
struct renaming {
    struct walk from, to;
    struct dentry *source, *target; /* target: NULL: the name is free */
    unsigned flags;
};

/* Two names of one file? Where each lookup makes its inode anew its number tells; a number that a
   server gives may be that of all its files. */
static bool is_same(const struct dentry *source, const struct dentry *target)
{
    if (!target || target->inode->file_system != source->inode->file_system)
        return false;
    return target->inode == source->inode ||
           (!source->inode->file_system->names && target->inode->number == source->inode->number);
}

/* The errors of do_renameat2 and vfs_rename in their order. */
static int rename_check(const struct renaming *renaming)
{
    const struct walk *from = &renaming->from, *to = &renaming->to;
    const struct credentials *credentials = from->credentials;
    struct dentry *source = renaming->source, *target = renaming->target;
    bool exchange = renaming->flags & RENAME_EXCHANGE;
    bool source_directory = S_ISDIR(source->inode->mode);
    bool target_directory = target && S_ISDIR(target->inode->mode);

    if (!target && names_are_given(renaming->to.at.dentry->inode->file_system))
        return -ENOENT;
    if (renaming->flags & RENAME_NOREPLACE && target)
        return -EEXIST;
    if (exchange && !target)
        return -ENOENT;
    if (exchange && !target_directory && to->trailing_slash)
        return -ENOTDIR;
    if (!source_directory && (from->trailing_slash || (!exchange && to->trailing_slash)))
        return -ENOTDIR;
    if (source_directory && dentry_is_within(to->at.dentry, source->inode))
        return -EINVAL;
    if (target_directory && dentry_is_within(from->at.dentry, target->inode))
        return exchange ? -EINVAL : -ENOTEMPTY;
    if (mount_flag(from->at.mount, MS_RDONLY))
        return -EROFS;
    if (is_same(source, target))
        return 0;

    int error = may_remove(credentials, &from->at, source);
    if (!error)
        error = target ? may_remove(credentials, &to->at, target)
                       : name_may_create(credentials, &to->at);
    if (!error && !from->at.dentry->inode->operations->rename)
        error = -EPERM;
    if (error)
        return error;
    if (target && !exchange && source_directory != target_directory)
        return source_directory ? -ENOTDIR : -EISDIR;
    /* A directory's `..` changes: that is a write to it. */
    if (from->at.dentry != to->at.dentry) {
        if (source_directory)
            error = inode_permission(source->inode, PERMISSION_WRITE, credentials);
        if (!error && exchange && target_directory)
            error = inode_permission(target->inode, PERMISSION_WRITE, credentials);
        if (error)
            return error;
    }
    if (source->mounts || (target && target->mounts)) /* asked again with the renaming */
        return -EBUSY;
    if (target_directory && !exchange && !directory_is_empty(target))
        return -ENOTEMPTY;
    return 0;
}

static int rename_commit(struct renaming *renaming)
{
    const struct walk *to = &renaming->to;
    struct dentry *source = renaming->source, *target = renaming->target;

    if (is_same(source, target))
        return 0;
    return to->at.dentry->inode->operations->rename(source, to->at.dentry, to->last,
                                                    to->last_length, target, renaming->flags);
}

/* Both directories are locked. */
static int rename_locked(struct renaming *renaming)
{
    int error = child_find(&renaming->from, &renaming->source);
    if (error)
        return error;
    error = child_find(&renaming->to, &renaming->target);
    if (error == -ENOENT) {
        renaming->target = NULL;
        error = 0;
    }
    if (!error) {
        /* Nobody makes names in a directory that is about to be replaced. */
        struct inode *replaced = NULL;
        if (renaming->target && renaming->target != renaming->source &&
            S_ISDIR(renaming->target->inode->mode) &&
            !dentry_is_within(renaming->from.at.dentry, renaming->target->inode) &&
            !dentry_is_within(renaming->to.at.dentry, renaming->target->inode))
            replaced = renaming->target->inode;
        if (replaced)
            error = inode_lock(replaced);
        if (!error) {
            error = rename_check(renaming);
            if (!error)
                error = rename_commit(renaming);
            if (replaced)
                mutex_release(&replaced->lock);
        }
        if (renaming->target)
            dentry_release(renaming->target);
    }
    dentry_release(renaming->source);
    return error;
}

/* Between places of one file system. */
static int rename_in(struct file_system *file_system, struct renaming *renaming)
{
    struct dentry *from = renaming->from.at.dentry, *to = renaming->to.at.dentry;

    int error = mutex_acquire_killable(&file_system->rename);
    if (error)
        return error;
    error = directories_lock(from, to);
    if (!error) {
        error = rename_locked(renaming);
        directories_unlock(from, to);
    }
    mutex_release(&file_system->rename);
    return error;
}

static int rename_walk(struct walk *walk, int directory, const char *name)
{
    int error = walk_begin(walk, directory, name, 0, credentials_current());
    if (error)
        return error;
    error = walk_to_parent(walk);
    if (error)
        walk_end(walk);
    return error;
}

ssize_t sys_renameat2(int from_directory, vaddr_t from_name, int to_directory, vaddr_t to_name,
                      unsigned flags)
{
    struct user_path from, to;

    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    /* Two walks are too much for a kernel stack's comfort. */
    struct renaming *renaming = heap_allocate(sizeof(*renaming));
    if (!renaming)
        return -ENOMEM;
    renaming->flags = flags;
    int error = user_path_begin(&from, from_name);
    if (error)
        goto out_free;
    error = user_path_begin(&to, to_name);
    if (error)
        goto out_from;
    error = rename_walk(&renaming->from, from_directory, from.string);
    if (error)
        goto out_to;
    error = rename_walk(&renaming->to, to_directory, to.string);
    if (error)
        goto out_from_walk;

    struct dentry *from_parent = renaming->from.at.dentry;
    if (renaming->from.at.mount != renaming->to.at.mount) {
        error = -EXDEV;
    } else if (renaming->from.last_kind != WALK_LAST_NAME) {
        error = -EBUSY;
    } else if (renaming->to.last_kind != WALK_LAST_NAME) {
        error = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    } else {
        error = rename_in(from_parent->inode->file_system, renaming);
    }
    walk_end(&renaming->to);
out_from_walk:
    walk_end(&renaming->from);
out_to:
    user_path_end(&to);
out_from:
    user_path_end(&from);
out_free:
    heap_free(renaming);
    return error;
}

ssize_t sys_renameat(int from_directory, vaddr_t from, int to_directory, vaddr_t to)
{
    return sys_renameat2(from_directory, from, to_directory, to, 0);
}

ssize_t sys_rename(vaddr_t from, vaddr_t to)
{
    return sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* mounting.c: mount(2) and umount2(2). */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>

#include "file/system_calls.h"
#include "file/tree/dentry.h"
#include "file/tree/file_system_type.h"
#include "file/tree/mount.h"
#include "file/tree/walk.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

/* Not in Linux's UAPI: the flags of umount2(2). */
#define UMOUNT_FORCE    1
#define UMOUNT_DETACH   2
#define UMOUNT_EXPIRE   4
#define UMOUNT_NOFOLLOW 8

/* What a mount keeps of mount(2)'s flags. */
#define MOUNT_FLAGS                                                                                \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)

/* ---- mount(2) ---- */

/* In the tree that all see: what was unmounted, and is held by who is in it, is not. tree_lock
   held. */
static bool is_attached(const struct mount *mount)
{
    return mount->parent || mount == root_mount;
}

static bool path_is_attached(const struct path *path)
{
    spinlock_acquire(&tree_lock);
    bool attached = is_attached(path->mount);
    spinlock_release(&tree_lock);
    return attached;
}

/* May the mount be put there? 0 or an error. tree_lock held. */
static int place_check(const struct mount *mount, const struct path *place)
{
    const struct dentry *dentry = place->dentry;

    if (!S_ISDIR(dentry->inode->mode) != !S_ISDIR(mount->root->inode->mode))
        return -ENOTDIR;
    if (!dentry->linked)
        return -ENOENT;
    if (dentry->parent != dentry && !dentry->order)
        return -EINVAL; /* of /proc: the next lookup makes another one */
    return is_attached(place->mount) ? 0 : -EINVAL;
}

/* Puts the mount on the place. Its reference stays the caller's. */
static int mount_on(struct mount *mount, const struct path *place)
{
    spinlock_acquire(&tree_lock);
    int error = place_check(mount, place);
    if (!error)
        mount_attach(mount, place);
    spinlock_release(&tree_lock);
    return error;
}

/* As on Linux, no file system is mounted over itself: whoever mounts /proc twice is told. */
static bool is_root_of(const struct path *place, const struct file_system *file_system)
{
    return place->dentry == place->mount->root && place->mount->file_system == file_system;
}

static int mount_new(const struct mount_request *request, const struct path *place, uint32_t kept)
{
    const struct file_system_type *type = file_system_type_find(request->type);
    const char *source = request->source;
    struct file_system *file_system;

    int error = type ? type->mount(request, &file_system) : -ENODEV;
    if (error)
        return error;
    if (is_root_of(place, file_system)) {
        file_system_release(file_system);
        return -EBUSY;
    }
    struct mount *mount =
        mount_create(file_system, file_system->root, source && *source ? source : "none", kept);
    if (!mount) {
        if (__atomic_load_n(&file_system->mount_count, __ATOMIC_RELAXED) == 0)
            file_system_unmounted(file_system);
        file_system_release(file_system);
        return -ENOMEM;
    }
    file_system_release(file_system); /* the mount's is left */
    error = mount_on(mount, place);
    mount_release(mount);
    return error;
}

static int mount_bind(const char *source, const struct path *place)
{
    struct path from;

    if (!source || !*source)
        return -EINVAL;
    int error = path_lookup(AT_FDCWD, source, WALK_FOLLOW, &from);
    if (error)
        return error;
    struct mount *mount = NULL;
    error = path_is_attached(&from) ? -ENOMEM : -EINVAL;
    if (error == -ENOMEM)
        mount = mount_create(from.mount->file_system, from.dentry, from.mount->source,
                             from.mount->flags);
    if (mount) {
        error = mount_on(mount, place);
        mount_release(mount);
    }
    path_release(&from);
    return error;
}

static int mount_move(const char *source, const struct path *place)
{
    struct path from, old;

    if (!source || !*source)
        return -EINVAL;
    int error = path_lookup(AT_FDCWD, source, WALK_FOLLOW, &from);
    if (error)
        return error;
    struct mount *mount = from.mount;
    spinlock_acquire(&tree_lock);
    error = place_check(mount, place);
    if (from.dentry != mount->root || !mount->parent)
        error = -EINVAL;
    for (struct mount *above = place->mount; above && !error; above = above->parent)
        if (above == mount)
            error = -ELOOP;
    if (!error) {
        mount_detach(mount, &old);
        mount_attach(mount, place);
    }
    spinlock_release(&tree_lock);
    if (!error) {
        path_release(&old);
        mount_release(mount); /* the table's former one */
    }
    path_release(&from);
    return error;
}

/* `whole`: not only this mount's flags (MS_BIND) are meant. */
static int mount_remount(const struct path *place, uint32_t flags, bool whole, const char *options)
{
    struct file_system *file_system = place->mount->file_system;

    if (place->dentry != place->mount->root || !path_is_attached(place))
        return -EINVAL;
    if (whole && file_system->operations && file_system->operations->remount) {
        int error = file_system->operations->remount(file_system, flags, options);
        if (error)
            return error;
    }
    __atomic_store_n(&place->mount->flags, flags, __ATOMIC_RELAXED);
    return 0;
}

/* A string of the caller's of at most a page, or NULL for a null pointer. */
static int user_text(vaddr_t address, char **text)
{
    *text = NULL;
    if (!address)
        return 0;
    *text = heap_allocate(PAGE_SIZE);
    if (!*text)
        return -ENOMEM;
    ssize_t length = user_string_in(*text, address, PAGE_SIZE);
    if (length >= 0)
        return 0;
    heap_free(*text);
    *text = NULL;
    return length == -ENAMETOOLONG ? -EINVAL : (int)length;
}

ssize_t sys_mount(vaddr_t source, vaddr_t target, vaddr_t type, unsigned long flags, vaddr_t data)
{
    char *source_text = NULL, *type_text = NULL, *options = NULL;
    struct path place;

    int error = user_text(type, &type_text);
    if (!error)
        error = user_text(source, &source_text);
    if (!error)
        error = user_text(data, &options);
    if (!error)
        error = path_lookup_user(AT_FDCWD, target, WALK_FOLLOW, &place);
    if (!error) {
        if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
            flags &= ~MS_MGC_MSK;
        uint32_t kept = flags & MOUNT_FLAGS;
        if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
            kept |= MS_RELATIME;
        if (!credentials_capable(credentials_current(), CAP_SYS_ADMIN))
            error = -EPERM;
        else if (flags & MS_REMOUNT)
            error = mount_remount(&place, kept, !(flags & MS_BIND), options);
        else if (flags & MS_BIND)
            error = mount_bind(source_text, &place);
        else if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
            error = 0; /* nothing is ever propagated */
        else if (flags & MS_MOVE)
            error = mount_move(source_text, &place);
        else if (!type_text)
            error = -EINVAL;
        else
            error =
                mount_new(&(struct mount_request){source_text, type_text, (uint32_t)flags, options},
                          &place, kept);
        path_release(&place);
    }
    heap_free(type_text);
    heap_free(source_text);
    heap_free(options);
    return error;
}

/* Whoever waits for the contents is told that they do not come. */
static void file_system_abort(const struct path *path)
{
    const struct file_system_operations *operations = path->mount->file_system->operations;

    if (path->dentry == path->mount->root && operations && operations->abort &&
        credentials_capable(credentials_current(), CAP_SYS_ADMIN))
        operations->abort(path->mount->file_system);
}

ssize_t sys_umount2(vaddr_t target, int flags)
{
    struct path path, place;

    if (flags & ~(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    int error =
        path_lookup_user(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW, &path);
    if (error)
        return error;
    struct mount *mount = path.mount;
    bool detached = false;
    if (flags & UMOUNT_FORCE)
        file_system_abort(&path);
    spinlock_acquire(&tree_lock);
    if (!credentials_capable(credentials_current(), CAP_SYS_ADMIN))
        error = -EPERM;
    else if (path.dentry != mount->root || !mount->parent)
        error = -EINVAL;
    else if (!(flags & UMOUNT_DETACH)) {
        /* Ours, the table's: any other is somebody's file or directory in it. */
        if (__atomic_load_n(&mount->references, __ATOMIC_RELAXED) > 2)
            error = -EBUSY;
        if (mount_child(mount))
            error = -EBUSY;
    }
    if (!error) {
        mount_detach(mount, &place);
        detached = true;
    }
    spinlock_release(&tree_lock);
    /* With MNT_DETACH, what was mounted below goes as well. */
    while (detached) {
        path_release(&place);
        mount_release(mount);
        spinlock_acquire(&tree_lock);
        mount = mount_orphan();
        detached = mount != NULL;
        if (detached)
            mount_detach(mount, &place);
        spinlock_release(&tree_lock);
    }
    path_release(&path);
    return error;
}

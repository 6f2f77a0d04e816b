/*
 * walk.c: from a name to a place: path_resolution(7).
 *
 * The walk is a loop, not a recursion: a symbolic link in the middle puts what
 * is left of the present name on a stack of at most LINKS_MAXIMUM levels and
 * goes on in the link's target.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>

#include "cpu/panic.h"
#include "file/backed/names.h"
#include "file/descriptor_table.h"
#include "file/tree/dentry.h"
#include "file/tree/file_system_context.h"
#include "file/tree/mount.h"
#include "file/tree/protection.h"
#include "file/tree/walk.h"
#include "library/hash.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

static const char *skip_slashes(const char *name)
{
    while (*name == '/')
        name++;
    return name;
}

/* `..`: not above the walk's root, out of mounts. Replaces *path. */
static void path_ascend(const struct path *root, struct path *path)
{
    struct path old = *path;

    spinlock_acquire(&tree_lock);
    while (!path_equal(path, root) && path->dentry == path->mount->root && path->mount->parent)
        *path = (struct path){path->mount->parent, path->mount->place};
    if (!path_equal(path, root) && path->dentry != path->mount->root)
        path->dentry = path->dentry->parent;
    mount_enter(path);
    path_reference(path);
    spinlock_release(&tree_lock);
    path_release(&old);
}

/* Is it at or below the root? A rename may have taken a directory out of there. */
static bool path_is_below(const struct path *root, const struct path *path)
{
    struct path at = *path;

    spinlock_acquire(&tree_lock);
    while (!path_equal(&at, root)) {
        if (at.dentry != at.mount->root)
            at.dentry = at.dentry->parent;
        else if (at.mount->parent)
            at = (struct path){at.mount->parent, at.mount->place};
        else
            break;
    }
    spinlock_release(&tree_lock);
    return path_equal(&at, root);
}

/* Does a name of the tree hold, in a file system whose names lie elsewhere? 1, or 0: it was let go
   of, or an error. What something is mounted on stays: nobody needs to be asked to get by. */
static __attribute__((noinline)) int revalidate(struct dentry *directory, struct dentry *child)
{
    const struct inode_operations *operations = directory->inode->operations;

    if (!operations->revalidate || __atomic_load_n(&child->mounts, __ATOMIC_RELAXED))
        return 1;
    int valid = operations->revalidate(child);
    if (!valid)
        cached_name_drop(child);
    return valid;
}

/* Finds a name in the directory where the walk stands. */
static int find_child(struct walk *walk, const char *name, size_t length, struct path *result)
{
    struct dentry *directory = walk->at.dentry;

    if (length > NAME_LENGTH_MAXIMUM)
        return -ENAMETOOLONG;
    spinlock_acquire(&tree_lock);
    struct dentry *child = dentry_find(directory, name, length);
    if (child) {
        *result = (struct path){walk->at.mount, child};
        if (child->mounts)
            mount_enter(result);
        path_reference(result);
    }
    spinlock_release(&tree_lock);
    if (child) {
        int valid = directory->inode->refreshes && result->dentry == child
                        ? revalidate(directory, child)
                        : 1;
        if (valid > 0)
            return 0;
        path_release(result);
        if (valid < 0)
            return valid;
    }
    const struct inode_operations *operations = directory->inode->operations;
    if (!operations || !operations->lookup)
        return -ENOENT;
    int error = operations->lookup(directory, name, length, &child);
    if (error)
        return error;
    mount_reference(walk->at.mount);
    *result = (struct path){walk->at.mount, child};
    return 0;
}

int walk_begin(struct walk *walk, int directory, const char *name, unsigned flags,
               const struct credentials *credentials)
{
    struct file_system_context *context = thread_current()->file_system;

    if (!*name && !(flags & WALK_EMPTY))
        return -ENOENT;
    walk->credentials = credentials;
    walk->rest = name;
    walk->depth = 0;
    walk->links = 0;
    walk->resolve = 0;
    walk->trailing_slash = false;
    file_system_context_root(context, &walk->root);
    if (*name == '/') {
        walk->at = walk->root;
        path_reference(&walk->at);
        return 0;
    }
    if (directory == AT_FDCWD) {
        file_system_context_working(context, &walk->at);
        return 0;
    }
    struct file *file = descriptor_get_any(directory);
    if (!file) {
        path_release(&walk->root);
        return -EBADF;
    }
    walk->at = file->path;
    path_reference(&walk->at);
    file_release(file);
    if (*name && !S_ISDIR(walk->at.dentry->inode->mode)) {
        walk_end(walk);
        return -ENOTDIR;
    }
    return 0;
}

static void walk_pop(struct walk *walk)
{
    struct walk_level *level = &walk->levels[--walk->depth];

    walk->rest = level->rest;
    if (level->inode)
        inode_release(level->inode);
    heap_free(level->text);
}

void walk_end(struct walk *walk)
{
    while (walk->depth)
        walk_pop(walk);
    path_release(&walk->at);
    path_release(&walk->root);
}

/* Is nothing but slashes left, at this level and at all below it? */
static bool walk_is_last(const struct walk *walk, const char *rest)
{
    if (*skip_slashes(rest))
        return false;
    for (unsigned i = 0; i < walk->depth; i++)
        if (*skip_slashes(walk->levels[i].rest))
            return false;
    return true;
}

/* The kind and text of the component at walk->rest. */
static void walk_take_component(struct walk *walk)
{
    const char *end = walk->rest;
    while (*end && *end != '/')
        end++;
    walk->last = walk->rest;
    walk->last_length = (size_t)(end - walk->rest);
    walk->rest = end;
    walk->last_kind = WALK_LAST_NAME;
    if (walk->last[0] == '.' && walk->last_length == 1)
        walk->last_kind = WALK_LAST_DOT;
    else if (walk->last[0] == '.' && walk->last_length == 2 && walk->last[1] == '.')
        walk->last_kind = WALK_LAST_DOT_DOT;
}

/* May this step be made (openat2(2))? */
static int may_step(const struct walk *walk, const struct path *to)
{
    bool up = walk->last_kind == WALK_LAST_DOT_DOT;

    if (walk->resolve & RESOLVE_NO_XDEV && to->mount != walk->at.mount)
        return -EXDEV;
    if (!up || !(walk->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)))
        return 0;
    thread_preemption_point(); /* it may be far up to the root, each time */
    if (walk->resolve & RESOLVE_BENEATH && path_equal(&walk->at, &walk->root))
        return -EXDEV;
    return path_is_below(&walk->root, to) ? 0 : -EAGAIN;
}

int walk_find_last(struct walk *walk, struct path *result)
{
    int error = 0;

    if (walk->last_kind == WALK_LAST_NAME) {
        error = find_child(walk, walk->last, walk->last_length, result);
    } else {
        *result = walk->at;
        path_reference(result);
        if (walk->last_kind == WALK_LAST_DOT_DOT)
            path_ascend(&walk->root, result);
    }
    if (!error && walk->resolve) {
        error = may_step(walk, result);
        if (error)
            path_release(result);
    }
    return error;
}

/* May the walk follow this link at all (openat2(2))? */
static int may_follow(const struct walk *walk, bool magic)
{
    if (!walk->resolve)
        return 0;
    if (walk->resolve & RESOLVE_NO_SYMLINKS || (magic && walk->resolve & RESOLVE_NO_MAGICLINKS))
        return -ELOOP;
    /* Nobody knows whether a magic link leads out. */
    return magic && walk->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) ? -EXDEV : 0;
}

/* May the walk go on from its root (a name that begins with a slash)? */
static int may_restart(const struct walk *walk)
{
    if (walk->resolve & RESOLVE_BENEATH)
        return -EXDEV;
    return walk->resolve & RESOLVE_NO_XDEV && walk->at.mount != walk->root.mount ? -EXDEV : 0;
}

int walk_restrict(struct walk *walk, const char *name, unsigned resolve)
{
    walk->resolve = resolve;
    /* Where the walk begins is what it may not leave. */
    if (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
        if (*name == '/' && resolve & RESOLVE_BENEATH)
            return -EXDEV;
        path_release(&walk->root);
        walk->root = walk->at;
        path_reference(&walk->root);
    }
    return 0;
}

static int walk_follow(struct walk *walk, struct path *link)
{
    struct inode *inode = link->dentry->inode;
    const struct inode_operations *operations = inode->operations;
    bool magic = operations && operations->follow;

    int error = walk->links++ >= LINKS_MAXIMUM ? -ELOOP : may_follow(walk, magic);
    if (error) {
        path_release(link);
        return error;
    }
    inode_touch_accessed(inode, link->mount);
    thread_preemption_point(); /* a link may name thousands of others */
    if (magic) {
        struct path target;
        error = operations->follow(inode, &target);
        path_release(link);
        if (!error && walk->resolve & RESOLVE_NO_XDEV && target.mount != walk->at.mount) {
            path_release(&target);
            error = -EXDEV;
        }
        if (error)
            return error;
        path_release(&walk->at);
        walk->at = target;
        walk->last_kind = WALK_LAST_DOT;
        return 1;
    }

    struct walk_level *level = &walk->levels[walk->depth];
    const char *target = inode->link_target;
    level->rest = walk->rest;
    level->text = NULL;
    level->inode = inode;
    inode_reference(inode);
    path_release(link);
    if (!target) {
        ssize_t length = -ENOMEM;
        level->text = heap_allocate(PATH_SIZE_MAXIMUM);
        if (level->text && operations && operations->read_link)
            length = operations->read_link(inode, level->text, PATH_SIZE_MAXIMUM - 1);
        else if (level->text)
            length = -EINVAL;
        if (length < 0) {
            heap_free(level->text);
            inode_release(inode);
            return (int)length;
        }
        level->text[length] = '\0';
        target = level->text;
    }
    walk->depth++;
    walk->rest = target;
    if (!*target)
        return -ENOENT;
    if (*target == '/') {
        error = may_restart(walk);
        if (error)
            return error;
        path_release(&walk->at);
        walk->at = walk->root;
        path_reference(&walk->at);
    }
    return 0;
}

int walk_follow_last(struct walk *walk, struct path *link)
{
    int error = protection_follow(walk->at.dentry->inode, link->dentry->inode, walk->credentials);
    if (!error)
        return walk_follow(walk, link);
    path_release(link);
    return error;
}

/* One component in the middle of a name. */
static int walk_step(struct walk *walk)
{
    struct path next;

    if (walk->last_kind == WALK_LAST_DOT)
        return 0;
    int error = walk_find_last(walk, &next);
    if (error)
        return error;
    if (S_ISLNK(next.dentry->inode->mode)) {
        error = walk_follow(walk, &next);
        return error < 0 ? error : 0;
    }
    path_release(&walk->at);
    walk->at = next;
    return 0;
}

/* ---- stretches: many steps under one hold of the lock, with one reference at their end ---- */

/* So many steps at most, for others wait. */
#define STRETCH_MAXIMUM 32

struct component {
    const char *name;
    size_t length;
    uint32_t hash; /* dentry_name_hash() */
};

/* A component that is neither the last at this level nor may be `.` or `..`; false: it is. Each
   byte is read once. */
static bool plain_component(const char *rest, struct component *component)
{
    const char *end = component->name = skip_slashes(rest);
    uint64_t hash = hash_begin(0);

    for (; *end && *end != '/'; end++)
        hash = hash_add(hash, (uint8_t)*end);
    component->length = (size_t)(end - component->name);
    component->hash = (uint32_t)hash_number(hash);
    return *component->name != '.' && *skip_slashes(end);
}

static bool everybody_may_search(uint32_t mode)
{
    return S_ISDIR(mode) && (mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == (S_IXUSR | S_IXGRP | S_IXOTH);
}

static bool may_search(const struct inode *inode, const struct credentials *credentials)
{
    if (inode->refreshes)
        return false;
    if (everybody_may_search(__atomic_load_n(&inode->mode, __ATOMIC_RELAXED)))
        return true;
    struct inode_attributes attributes = inode_attributes(inode);
    return S_ISDIR(attributes.mode) &&
           !inode_attributes_permission(&attributes, PERMISSION_EXECUTE, credentials);
}

/* From one directory into another that is in the tree of names. False: it is not that simple. Lock
   held. */
static bool step_in_tree(const struct walk *walk, struct path *at,
                         const struct component *component)
{
    if (component->length > NAME_LENGTH_MAXIMUM ||
        !may_search(at->dentry->inode, walk->credentials))
        return false;
    struct path next = {at->mount, dentry_find_hashed(at->dentry, component->name,
                                                      component->length, component->hash)};
    if (!next.dentry)
        return false;
    if (next.dentry->mounts)
        mount_enter(&next);
    if (!S_ISDIR(next.dentry->inode->mode))
        return false;
    *at = next;
    return true;
}

/* Goes as far as directories in the tree lead, and not to the last component. What stands in the
   way (a link, a mount's root that is to be left, a name that has to be asked for, an error) is
   left to walk_step(). */
static void walk_stretch(struct walk *walk)
{
    struct path at = walk->at;
    const char *rest = walk->rest;
    struct component next;

    if (walk->resolve || !plain_component(rest, &next))
        return;
    spinlock_acquire(&tree_lock);
    for (unsigned steps = 0; steps < STRETCH_MAXIMUM && step_in_tree(walk, &at, &next); steps++) {
        rest = next.name + next.length;
        if (!plain_component(rest, &next))
            break;
    }
    if (rest != walk->rest)
        path_reference(&at);
    spinlock_release(&tree_lock);
    if (rest == walk->rest)
        return;
    path_release(&walk->at);
    walk->at = at;
    walk->rest = rest;
}

int walk_to_parent(struct walk *walk)
{
    for (;;) {
        walk_stretch(walk);
        walk->rest = skip_slashes(walk->rest);
        if (!*walk->rest && walk->depth && !walk_is_last(walk, "")) {
            walk_pop(walk);
            continue;
        }
        struct inode *inode = walk->at.dentry->inode;
        if (!*walk->rest) {
            walk->last_kind = WALK_LAST_ROOT;
            walk->last = "/";
            walk->last_length = 0;
            return 0;
        }
        if (!S_ISDIR(inode->mode))
            return -ENOTDIR;
        int error = inode_permission(inode, PERMISSION_EXECUTE, walk->credentials);
        if (error)
            return error;
        walk_take_component(walk);
        if (walk_is_last(walk, walk->rest)) {
            if (*walk->rest)
                walk->trailing_slash = true;
            for (unsigned i = 0; i < walk->depth; i++)
                if (*walk->levels[i].rest)
                    walk->trailing_slash = true;
            return 0;
        }
        error = walk_step(walk);
        if (error)
            return error;
    }
}

int path_lookup_as(const struct credentials *credentials, int directory, const char *name,
                   unsigned flags, struct path *result)
{
    struct walk walk;

    int error = walk_begin(&walk, directory, name, flags, credentials);
    if (error)
        return error;
    for (;;) {
        error = walk_to_parent(&walk);
        if (error)
            break;
        error = walk_find_last(&walk, result);
        if (error)
            break;
        bool follow = flags & WALK_FOLLOW || walk.trailing_slash;
        if (S_ISLNK(result->dentry->inode->mode) && follow && walk.last_kind == WALK_LAST_NAME) {
            error = walk_follow_last(&walk, result);
            if (error < 0)
                break;
            if (error == 0)
                continue;
            *result = walk.at;
            path_reference(result);
            error = 0;
        }
        if ((walk.trailing_slash || flags & WALK_DIRECTORY) &&
            !S_ISDIR(result->dentry->inode->mode)) {
            path_release(result);
            error = -ENOTDIR;
        }
        break;
    }
    walk_end(&walk);
    return error;
}

int path_lookup(int directory, const char *name, unsigned flags, struct path *result)
{
    return path_lookup_as(credentials_current(), directory, name, flags, result);
}

int path_lookup_user(int directory, vaddr_t name, unsigned flags, struct path *result)
{
    struct user_path path;

    int error = user_path_begin(&path, name);
    if (error)
        return error;
    error = path_lookup(directory, path.string, flags, result);
    user_path_end(&path);
    return error;
}

int user_path_begin(struct user_path *path, vaddr_t name)
{
    path->string = path->small;
    ssize_t length = user_string_in(path->small, name, sizeof(path->small));
    if (length != -ENAMETOOLONG)
        return length < 0 ? (int)length : 0;
    path->string = heap_allocate(PATH_SIZE_MAXIMUM);
    if (!path->string)
        return -ENOMEM;
    length = user_string_in(path->string, name, PATH_SIZE_MAXIMUM);
    if (length >= 0)
        return 0;
    heap_free(path->string);
    return (int)length;
}

void user_path_end(struct user_path *path)
{
    if (path->string != path->small)
        heap_free(path->string);
}

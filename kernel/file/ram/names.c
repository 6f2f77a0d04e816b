/* names.c: names in memory: the tree of dentries is the directory, and each name is counted. */
#include <asm/errno.h>
#include <linux/fs.h>

#include "file/ram/ram.h"
#include "file/tree/dentry.h"
#include "library/string.h"
#include "memory/heap.h"
#include "thread/injection.h"

/* Puts a new name into its directory, links with it. tree_lock held. */
static void name_insert(struct dentry *dentry)
{
    dentry_insert(dentry);
    *inode_links(dentry->inode) += 1;
    if (S_ISDIR(dentry->inode->mode)) {
        *inode_links(dentry->inode) += 1;
        *inode_links(dentry->parent->inode) += 1;
    }
}

static void directory_changed(struct dentry *directory)
{
    struct inode *inode = directory->inode;

    __atomic_store_n(&inode->cache.size, directory_size(directory->child_count), __ATOMIC_RELAXED);
    inode_touch(inode, INODE_MODIFIED | INODE_CHANGED);
}

static int ram_create(struct dentry *directory, const char *name, size_t length,
                      const struct creation *creation, struct dentry **created)
{
    struct inode *inode;

    int error = ram_inode_create_in(directory->inode, creation, &inode);
    if (error)
        return error;
    struct dentry *dentry = dentry_create(directory, name, length, inode);
    inode_release(inode);
    if (!dentry)
        return -ENOMEM;
    spinlock_acquire(&tree_lock);
    name_insert(dentry);
    spinlock_release(&tree_lock);
    directory_changed(directory);
    *created = dentry;
    return 0;
}

/*
 * May the inode get one more name? A file whose last name is gone does not come back, but one that
 * never had any (O_TMPFILE) may get its first, which its inode counts for; each further one counts
 * as an inode does (tmpfs(5), nr_inodes). tree_lock held, also while the name is inserted: which
 * one is the first is decided once.
 */
static int link_count(struct inode *inode)
{
    if (*inode_links(inode) == 0) {
        bool first = inode->nameless;
        inode->nameless = false;
        return first ? 0 : -ENOENT;
    }
    return quota_take(&inode->file_system->inodes, 1) ? 0 : -ENOSPC;
}

static int link_insert(struct dentry *dentry)
{
#ifdef MUTATION_FIRST_NAME /* the fuzzer of system calls has to notice: scripts/test mutation */
    bool first = dentry->inode->nameless;
    if (first)
        injection_delay(); /* it was but some instructions */
    spinlock_acquire(&tree_lock);
    dentry->inode->nameless = false;
    int error = first ? 0 : link_count(dentry->inode);
#else
    spinlock_acquire(&tree_lock);
    int error = link_count(dentry->inode);
#endif
    if (!error)
        name_insert(dentry);
    spinlock_release(&tree_lock);
    return error;
}

static int ram_link(struct inode *inode, struct dentry *directory, const char *name, size_t length)
{
    struct dentry *dentry = dentry_create(directory, name, length, inode);
    if (!dentry)
        return -ENOMEM;
    int error = link_insert(dentry);
    if (!error) {
        directory_changed(directory);
        inode_touch(inode, INODE_CHANGED);
    }
    dentry_release(dentry);
    return error;
}

/* Takes a name out, links with it; the tree's reference becomes the caller's. -EBUSY: something is
   mounted on it. tree_lock held. */
static int name_detach(struct dentry *dentry)
{
    struct inode *inode = dentry->inode;

    if (dentry->mounts)
        return -EBUSY;
    dentry_remove(dentry);
    if (!S_ISDIR(inode->mode) && *inode_links(inode) > 1)
        quota_give(&inode->file_system->inodes, 1); /* link_count() took it */
    *inode_links(inode) -= 1;
    if (S_ISDIR(inode->mode)) {
        *inode_links(inode) -= 1;
        *inode_links(dentry->parent->inode) -= 1;
    }
    return 0;
}

static int ram_remove(struct dentry *directory, struct dentry *victim)
{
    spinlock_acquire(&tree_lock);
    int error = name_detach(victim);
    spinlock_release(&tree_lock);
    if (error)
        return error;
    directory_changed(directory);
    inode_touch(victim->inode, INODE_CHANGED);
    dentry_release(victim); /* the tree's */
    return 0;
}

/* ---- renaming ---- */

static int exchange(struct dentry *source, struct dentry *target)
{
    spinlock_acquire(&tree_lock);
    if (source->mounts || target->mounts) {
        spinlock_release(&tree_lock);
        return -EBUSY;
    }
    int shift = S_ISDIR(target->inode->mode) - S_ISDIR(source->inode->mode);
    struct dentry *from = source->parent, *to = target->parent;
    char *source_name = source->name, *target_name = target->name;
    size_t source_length = source->name_length, target_length = target->name_length;
    dentry_remove(source);
    dentry_remove(target);
    struct dentry *old_parents[] = {
        dentry_move(source, to, target_name, target_length),
        dentry_move(target, from, source_name, source_length),
    };
    *inode_links(from->inode) += (uint32_t)shift;
    *inode_links(to->inode) -= (uint32_t)shift;
    spinlock_release(&tree_lock);
    directory_changed(from);
    directory_changed(to);
    inode_touch(source->inode, INODE_CHANGED);
    inode_touch(target->inode, INODE_CHANGED);
    dentry_release(old_parents[0]);
    dentry_release(old_parents[1]);
    return 0;
}

static int ram_rename(struct dentry *source, struct dentry *to_directory, const char *to_name,
                      size_t length, struct dentry *target, unsigned flags)
{
    if (flags & RENAME_EXCHANGE)
        return exchange(source, target);
    char *name = heap_allocate(length + 1);
    if (!name)
        return -ENOMEM;
    memcpy(name, to_name, length);
    name[length] = '\0';

    struct dentry *from_directory = source->parent; /* whose lock is held: it stays */
    bool directory = S_ISDIR(source->inode->mode);
    spinlock_acquire(&tree_lock);
    int error = source->mounts ? -EBUSY : target ? name_detach(target) : 0;
    if (error) {
        spinlock_release(&tree_lock);
        heap_free(name);
        return error;
    }
    char *old_name = source->name;
    dentry_remove(source);
    struct dentry *old_parent = dentry_move(source, to_directory, name, length);
    if (directory) {
        *inode_links(from_directory->inode) -= 1;
        *inode_links(to_directory->inode) += 1;
    }
    spinlock_release(&tree_lock);
    directory_changed(from_directory);
    directory_changed(to_directory);
    inode_touch(source->inode, INODE_CHANGED);
    heap_free(old_name);
    dentry_release(old_parent);
    if (target) {
        inode_touch(target->inode, INODE_CHANGED);
        dentry_release(target); /* the tree's */
    }
    return 0;
}

const struct inode_operations ram_directory_inode_operations = {
    .create = ram_create,
    .link = ram_link,
    .remove = ram_remove,
    .rename = ram_rename,
};

/* ram.c: the RAM file system: the tree of dentries is the directory, the page cache the storage. */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>

#include "file/device.h"
#include "file/pipe.h"
#include "file/ram/ram.h"
#include "file/tree/dentry.h"
#include "library/memory_options.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "thread/injection.h"

/* st_dev: Linux gives major 0 and the next minor to file systems without a device. */

static ssize_t ram_read_link(struct inode *inode, char *buffer, size_t size)
{
    size_t length = strlen(inode->link_target);
    if (length > size)
        length = size;
    memcpy(buffer, inode->link_target, length);
    return (ssize_t)length;
}

static const struct inode_operations ram_link_operations = {.read_link = ram_read_link};

static const struct file_operations *operations_for(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return &regular_operations;
    case S_IFDIR:
        return &directory_operations;
    case S_IFCHR:
    case S_IFBLK:
        return &device_operations;
    case S_IFIFO:
        return &fifo_operations;
    default:
        return NULL;
    }
}

/* ---- what it may take ---- */

/* As Linux has it: half of memory, and as many inodes as that has pages (tmpfs(5)). */
uint64_t ram_default_limit(void)
{
    return frame_total() / 2;
}

static int ram_inode_count(struct file_system *file_system, uint64_t link_pages)
{
    if (!quota_take(&file_system->inodes, 1))
        return -ENOSPC;
    if (quota_take(&file_system->pages, link_pages))
        return 0;
    quota_give(&file_system->inodes, 1);
    return -ENOSPC;
}

/* For the end of an inode: takes it out of what is counted. */
static void ram_inode_uncount(const struct inode *inode)
{
    quota_give(&inode->file_system->inodes, 1);
    if (S_ISLNK(inode->mode))
        quota_give(&inode->file_system->pages, link_pages(inode_size(inode)));
}

/* Linux: a limit cannot be set where there was none, nor below what is used. */
static bool limit_possible(const struct quota *quota, uint64_t limit)
{
    uint64_t used = __atomic_load_n(&quota->used, __ATOMIC_RELAXED);
    return !limit || (__atomic_load_n(&quota->limit, __ATOMIC_RELAXED) && limit >= used);
}

int ram_file_system_limit(struct file_system *file_system, const struct memory_options *options)
{
    struct quota *pages = &file_system->pages, *inodes = &file_system->inodes;

    if ((options->has_pages && !limit_possible(pages, options->pages)) ||
        (options->has_inodes && !limit_possible(inodes, options->inodes)))
        return -EINVAL;
    if (options->has_pages)
        __atomic_store_n(&pages->limit, options->pages, __ATOMIC_RELAXED);
    if (options->has_inodes)
        __atomic_store_n(&inodes->limit, options->inodes, __ATOMIC_RELAXED);
    return 0;
}

/* ---- inodes ---- */

int ram_inode_create(struct file_system *file_system, uint32_t mode, uint64_t device,
                     const char *link_target, struct inode **result)
{
    size_t length = link_target ? strlen(link_target) : 0;
    int error = ram_inode_count(file_system, link_pages(length));
    if (error)
        return error;

    char *target = link_target ? heap_copy_string(link_target) : NULL;
    struct inode *inode = NULL;
    if (!link_target || target)
        inode = inode_create(file_system, mode, link_target ? &ram_link_operations : NULL,
                             operations_for(mode));
    if (!inode) {
        heap_free(target);
        quota_give(&file_system->pages, link_pages(length));
        quota_give(&file_system->inodes, 1);
        return -ENOMEM;
    }
    inode->device = device;
    inode->seals = F_SEAL_SEAL; /* only a memfd may be sealed */
    inode->cache.quota = &file_system->pages;
    inode->cache.size = S_ISDIR(mode) ? directory_size(0) : length;
    inode->link_target = target;
    *result = inode;
    return 0;
}

struct file_system *ram_file_system_create(const char *type, uint32_t mode,
                                           const struct memory_options *options)
{
    struct file_system *file_system = heap_allocate_zeroed(sizeof(*file_system));
    bool limited = strcmp(type, "ramfs") != 0;
    if (!file_system)
        return NULL;
    file_system->references = 1;
    file_system->type = type;
    file_system->magic = limited ? TMPFS_MAGIC : RAMFS_MAGIC;
    file_system->device = file_system_next_device();
    file_system->writable_tree = true;
    file_system->inode_ended = ram_inode_uncount;
    file_system->next_number = 1;
    file_system->root_mode = options->has_mode ? options->mode : mode;
    file_system->root_user = options->user;
    file_system->root_group = options->group;

    struct inode *inode;
    if (!ram_inode_create(file_system, S_IFDIR | file_system->root_mode, 0, NULL, &inode)) {
        inode->links = 2;
        inode->user = options->user;
        inode->group = options->group;
        file_system->root = dentry_create(NULL, "", 0, inode);
        inode_release(inode);
    }
    if (!file_system->root) {
        file_system_release(file_system);
        return NULL;
    }
    if (limited) {
        file_system->pages.limit = options->has_pages ? options->pages : ram_default_limit();
        file_system->inodes.limit = options->has_inodes ? options->inodes : ram_default_limit();
    }
    return file_system;
}

/* tree_lock held. */
static void name_insert(struct dentry *dentry)
{
    dentry_insert(dentry);
    *inode_links(dentry->inode) += 1;
    if (S_ISDIR(dentry->inode->mode)) {
        *inode_links(dentry->inode) += 1;
        *inode_links(dentry->parent->inode) += 1;
    }
}

void ram_name_insert(struct dentry *dentry)
{
    spinlock_acquire(&tree_lock);
    name_insert(dentry);
    spinlock_release(&tree_lock);
    ram_directory_changed(dentry->parent);
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

int ram_link_insert(struct dentry *dentry)
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
    if (!error)
        ram_directory_changed(dentry->parent);
    return error;
}

int ram_name_detach(struct dentry *dentry)
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

int ram_name_remove(struct dentry *dentry)
{
    spinlock_acquire(&tree_lock);
    int error = ram_name_detach(dentry);
    spinlock_release(&tree_lock);
    if (error)
        return error;
    ram_directory_changed(dentry->parent);
    inode_touch(dentry->inode, INODE_CHANGED);
    return 0;
}

void ram_directory_changed(struct dentry *directory)
{
    struct inode *inode = directory->inode;

    __atomic_store_n(&inode->cache.size, directory_size(directory->child_count), __ATOMIC_RELAXED);
    inode_touch(inode, INODE_MODIFIED | INODE_CHANGED);
}

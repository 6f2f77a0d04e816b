/* ram.c: the RAM file system: the tree of dentries is the directory, the page cache the storage. */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>

#include "file/internal.h"
#include "library/string.h"
#include "memory/heap.h"

/* st_dev: Linux gives major 0 and the next minor to file systems without a device. */
static uint32_t next_device = 1; /* atomic */

uint64_t file_system_next_device(void)
{
    return device_number(0, __atomic_add_fetch(&next_device, 1, __ATOMIC_RELAXED));
}

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

struct inode *ram_inode_create(struct file_system *file_system, uint32_t mode, uint64_t device)
{
    struct inode *inode = inode_create(
        file_system, mode, S_ISLNK(mode) ? &ram_link_operations : NULL, operations_for(mode));
    if (!inode)
        return NULL;
    inode->device = device;
    inode->seals = F_SEAL_SEAL; /* only a memfd may be sealed */
    if (S_ISDIR(mode))
        inode->cache.size = directory_size(0);
    return inode;
}

struct file_system *ram_file_system_create(const char *type, uint32_t mode)
{
    struct file_system *file_system = heap_allocate_zeroed(sizeof(*file_system));
    if (!file_system)
        return NULL;
    file_system->references = 1;
    file_system->type = type;
    file_system->magic = strcmp(type, "ramfs") == 0 ? RAMFS_MAGIC : TMPFS_MAGIC;
    file_system->device = file_system_next_device();
    file_system->writable_tree = true;
    file_system->next_number = 1;
    struct inode *inode = ram_inode_create(file_system, S_IFDIR | mode, 0);
    if (inode) {
        inode->links = 2;
        file_system->root = dentry_create(NULL, "", 0, inode);
        inode_release(inode);
    }
    if (!file_system->root) {
        file_system_release(file_system);
        return NULL;
    }
    return file_system;
}

void ram_name_insert(struct dentry *dentry)
{
    struct inode *directory = dentry->parent->inode;

    spinlock_acquire(&tree_lock);
    dentry_insert(dentry);
    dentry->inode->links++;
    if (S_ISDIR(dentry->inode->mode)) {
        dentry->inode->links++;
        directory->links++;
    }
    spinlock_release(&tree_lock);
    ram_directory_changed(dentry->parent);
}

void ram_name_remove(struct dentry *dentry)
{
    struct inode *directory = dentry->parent->inode;

    spinlock_acquire(&tree_lock);
    dentry_remove(dentry);
    dentry->inode->links--;
    if (S_ISDIR(dentry->inode->mode)) {
        dentry->inode->links--;
        directory->links--;
    }
    spinlock_release(&tree_lock);
    ram_directory_changed(dentry->parent);
    inode_touch(dentry->inode, INODE_CHANGED);
}

void ram_directory_changed(struct dentry *directory)
{
    struct inode *inode = directory->inode;

    __atomic_store_n(&inode->cache.size, directory_size(directory->child_count), __ATOMIC_RELAXED);
    inode_touch(inode, INODE_MODIFIED | INODE_CHANGED);
}

/*
 * anonymous.c: files that have no place in the tree: eventfd, epoll, memfd. They
 * live in file systems of their own that are mounted nowhere.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>

#include "file/ram/anonymous.h"
#include "file/ram/ram.h"
#include "file/tree/dentry.h"
#include "file/tree/mount.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_account.h"

#define INTERNAL(name, number)                                                                     \
    {                                                                                              \
        .references = 1, .type = (name), .magic = (number), .internal = true, .next_number = 1     \
    }
static struct file_system file_systems[INTERNAL_FILE_SYSTEM_COUNT] = {
    [INTERNAL_ANONYMOUS] = INTERNAL("anon_inodefs", ANON_INODE_FS_MAGIC),
    [INTERNAL_PIPES] = INTERNAL("pipefs", PIPEFS_MAGIC),
    [INTERNAL_SOCKETS] = INTERNAL("sockfs", SOCKFS_MAGIC),
    [INTERNAL_MEMORY] = INTERNAL("tmpfs", TMPFS_MAGIC),
};
static struct mount *mounts[INTERNAL_FILE_SYSTEM_COUNT];
static struct inode *shared_inode; /* of all files that have no contents */

/* Its root is never seen. */
static int internal_mount(enum internal_file_system which, struct inode *root)
{
    if (!root)
        return -ENOMEM;
    root->links = 1;
    struct dentry *dentry = dentry_create(NULL, "", 0, root);
    if (dentry)
        mounts[which] = mount_create(&file_systems[which], dentry, "none", 0);
    return mounts[which] ? 0 : -ENOMEM;
}

int anonymous_initialize(void)
{
    for (int which = 0; which < INTERNAL_FILE_SYSTEM_COUNT; which++) {
        file_systems[which].device = file_system_next_device();
        struct inode *root = inode_create(&file_systems[which], 0600, NULL, NULL);
        int error = internal_mount(which, root);
        if (error)
            return error;
        if (which == INTERNAL_ANONYMOUS)
            shared_inode = root;
    }
    return 0;
}

static struct mount *mount_of(const struct inode *inode)
{
    return mounts[inode->file_system - file_systems];
}

struct file *internal_file_create(const char *name, size_t length, struct inode *inode,
                                  const struct file_operations *operations, uint32_t flags)
{
    struct dentry *dentry = dentry_create(NULL, name, length, inode);
    if (!dentry)
        return NULL;
    struct path path = {mount_of(inode), dentry};
    struct file *file = file_allocate(&path, flags, operations);
    dentry_release(dentry);
    if (!file)
        return NULL;
    file->readable = (flags & O_ACCMODE) != O_WRONLY;
    file->writable = (flags & O_ACCMODE) != O_RDONLY;
    return file;
}

struct file *file_create_anonymous(const char *name, const struct file_operations *operations,
                                   void *private, int flags)
{
    char text[64];

    int length = format_string(text, sizeof(text), "anon_inode:%s", name);
    struct file *file =
        internal_file_create(text, (size_t)length, shared_inode, operations, (uint32_t)flags);
    if (!file)
        return NULL;
    file->stream = true;
    file->private = private;
    return file;
}

struct inode *internal_inode_create(enum internal_file_system which, uint32_t mode,
                                    const struct inode_operations *operations,
                                    const struct file_operations *file_operations)
{
    const struct credentials *credentials = credentials_current();
    struct inode *inode = inode_create(&file_systems[which], mode, operations, file_operations);
    if (!inode)
        return NULL;
    inode->user = credentials->file_user;
    inode->group = credentials->file_group;
    inode->links = 1;
    return inode;
}

int memory_file_create(const char *name, size_t length, bool sealable, struct file **result)
{
    struct inode *inode =
        internal_inode_create(INTERNAL_MEMORY, S_IFREG | 0777, NULL, &regular_operations);
    if (!inode)
        return -ENOMEM;
    inode->account = user_account_get_current();
    inode->cache.quota = &inode->account->pages;
    inode->seals = sealable ? 0 : F_SEAL_SEAL;
    struct file *file =
        internal_file_create(name, length, inode, &regular_operations, O_RDWR | O_LARGEFILE);
    /* It does not count as a writer: a program may be run from it (fexecve(3)), as on Linux. */
    *result = file;
    inode_release(inode);
    return file ? 0 : -ENOMEM;
}

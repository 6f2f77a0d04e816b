/* ram.c: the RAM file system: the tree of dentries is the directory, the page cache the storage. */
#include <asm/errno.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/magic.h>

#include "file/device.h"
#include "file/pipe.h"
#include "file/pseudo.h"
#include "file/ram/ram.h"
#include "file/tree/dentry.h"
#include "file/tree/file_system_type.h"
#include "library/memory_options.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"

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

const struct file_operations *file_operations_for(uint32_t mode)
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

/* 0, or -EINVAL: more is used already, or there was none. */
static int limits_set(struct file_system *file_system, const struct memory_options *options)
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

/* ---- the whole ---- */

static void ram_unmounted(struct file_system *file_system)
{
    struct dentry *root = file_system->root;

    file_system->root = NULL;
    dentry_tear_down(root);
    dentry_release(root);
}

static int ram_statistics(struct file_system *file_system, struct statfs *answer)
{
    /* All zeros where there is no limit, as on Linux. */
    answer->f_blocks = (long)__atomic_load_n(&file_system->pages.limit, __ATOMIC_RELAXED);
    answer->f_bfree = answer->f_bavail = (long)quota_left(&file_system->pages);
    answer->f_files = (long)__atomic_load_n(&file_system->inodes.limit, __ATOMIC_RELAXED);
    answer->f_ffree = (long)quota_left(&file_system->inodes);
    return 0;
}

static int ram_remount(struct file_system *file_system, uint32_t flags, const char *options)
{
    struct memory_options wanted;

    (void)flags;
    int error = memory_options_parse(options, frame_total(), &wanted);
    return error ? error : limits_set(file_system, &wanted);
}

/* What a tmpfs was told, where that is not what it would be anyhow (tmpfs(5)). */
static void ram_describe(struct file_system *file_system, struct text *text)
{
    uint64_t pages = __atomic_load_n(&file_system->pages.limit, __ATOMIC_RELAXED);
    uint64_t inodes = __atomic_load_n(&file_system->inodes.limit, __ATOMIC_RELAXED);

    if (strcmp(file_system->type, "tmpfs") != 0)
        return;
    if (pages != ram_default_limit())
        text_print(text, ",size=%luk", pages * (PAGE_SIZE / 1024));
    if (inodes != ram_default_limit())
        text_print(text, ",nr_inodes=%lu", inodes);
    if (file_system->root_mode != 01777)
        text_print(text, ",mode=%03o", file_system->root_mode);
    if (file_system->root_user)
        text_print(text, ",uid=%u", file_system->root_user);
    if (file_system->root_group)
        text_print(text, ",gid=%u", file_system->root_group);
    text_print(text, ",inode64");
}

static const struct file_system_operations limited_operations = {
    .unmounted = ram_unmounted,
    .statistics = ram_statistics,
    .remount = ram_remount,
    .describe = ram_describe,
};
/* ramfs, which has no limits and minds no options. */
static const struct file_system_operations unlimited_operations = {
    .unmounted = ram_unmounted,
    .statistics = ram_statistics,
};

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
        inode = inode_create(file_system, mode,
                             link_target     ? &ram_link_operations
                             : S_ISDIR(mode) ? &ram_directory_inode_operations
                                             : NULL,
                             file_operations_for(mode));
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

int ram_inode_create_in(const struct inode *directory, const struct creation *creation,
                        struct inode **result)
{
    const struct credentials *credentials = creation->credentials;
    struct inode_attributes above = inode_attributes(directory);
    uint32_t group = credentials->file_group, mode = creation->mode;

    /* inode(7), "The set-group-ID bit": a directory's is inherited. */
    if (above.mode & S_ISGID) {
        group = above.group;
        if (S_ISDIR(mode))
            mode |= S_ISGID;
        else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
                 !credentials_in_group(credentials, group) &&
                 !credentials_capable(credentials, CAP_FSETID))
            mode &= ~S_ISGID;
    }
    int error = ram_inode_create(directory->file_system, mode, creation->device,
                                 creation->link_target, result);
    if (error)
        return error;
    (*result)->user = credentials->file_user;
    (*result)->group = group;
    return 0;
}

struct file_system *ram_file_system_create(const char *type, uint32_t mode,
                                           const struct memory_options *options)
{
    struct file_system *file_system = heap_allocate_zeroed(sizeof(*file_system));
    bool limited = strcmp(type, "ramfs") != 0;
    if (!file_system)
        return NULL;
    file_system_begin(file_system);
    file_system->operations = limited ? &limited_operations : &unlimited_operations;
    file_system->type = type;
    file_system->magic = limited ? TMPFS_MAGIC : RAMFS_MAGIC;
    file_system->in_memory = true;
    file_system->inode_ended = ram_inode_uncount;
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

/* ---- mounting ---- */

static int ram_mount(const struct mount_request *request, struct file_system **result)
{
    bool limited = strcmp(request->type, "ramfs") != 0;
    struct memory_options wanted;

    int error = memory_options_parse(request->options, frame_total(), &wanted);
    if (error && limited) /* ramfs has never minded any (ramfs) */
        return error;
    *result = ram_file_system_create(limited ? "tmpfs" : "ramfs", 01777, &wanted);
    return *result ? 0 : -ENOMEM;
}

void ram_initialize(void)
{
    static struct file_system_type types[] = {{.name = "tmpfs", .mount = ram_mount},
                                              {.name = "ramfs", .mount = ram_mount}};

    for (size_t i = 0; i < array_length(types); i++)
        file_system_type_add(&types[i]);
}

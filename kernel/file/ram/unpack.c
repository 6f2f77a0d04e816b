/*
 * unpack.c: a cpio archive becomes the root's files, by the rules of Linux's
 * initramfs (init/initramfs.c, Documentation/driver-api/early-userspace):
 * later entries replace earlier ones, a directory that is there keeps what is in
 * it, hard links are made within an archive, and a name whose directory is
 * missing is passed over.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>

#include "cpu/log.h"
#include "file/file.h"
#include "file/tree/names.h"
#include "library/cpio.h"
#include "library/error.h"
#include "library/string.h"
#include "memory/heap.h"

/* The first name of a file that has several. */
struct hard_link {
    SLIST_ENTRY(hard_link) link;
    uint32_t archive, inode, device_major, device_minor;
    struct path path; /* a reference is held */
};

/* Directories get their times at the end: making names in them changes these. */
struct directory_time {
    SLIST_ENTRY(directory_time) link;
    struct inode *inode; /* a reference is held */
    struct file_time modified;
};

struct unpacking {
    SLIST_HEAD(, hard_link) links;
    SLIST_HEAD(, directory_time) times;
};

static int lookup(const char *name, struct path *path)
{
    return path_lookup(AT_FDCWD, name, 0, path);
}

/* What is in the way of an entry of this type goes; a full directory stays. */
static void clear_way(const char *name, uint32_t mode)
{
    struct path path;

    if (lookup(name, &path))
        return;
    uint32_t type = inode_type(path.dentry->inode);
    path_release(&path);
    if (type != (mode & S_IFMT) || S_ISLNK(mode))
        (void)name_remove(AT_FDCWD, name, S_ISDIR(type));
}

static int write_contents(struct inode *inode, const struct cpio_entry *entry)
{
    page_cache_resize(&inode->cache, 0);
    ssize_t done = page_cache_write(&inode->cache, 0, entry->data, entry->size);
    if (done != (ssize_t)entry->size) {
        page_cache_resize(&inode->cache, 0);
        return done < 0 ? (int)done : -ENOMEM;
    }
    page_cache_resize(&inode->cache, entry->size);
    return 0;
}

static void set_attributes(struct inode *inode, const struct cpio_entry *entry)
{
    uint32_t mode = S_ISLNK(entry->mode) ? S_IFLNK | 0777 : entry->mode;

    mutex_acquire(&inode->lock);
    inode_attributes_set(inode, (struct inode_attributes){mode, entry->user, entry->group});
    mutex_release(&inode->lock);
    inode->accessed = inode->modified = (struct file_time){.seconds = (int64_t)entry->modified};
}

static struct hard_link *link_find(struct unpacking *unpacking, const struct cpio_entry *entry)
{
    struct hard_link *link;

    SLIST_FOREACH(link, &unpacking->links, link)
    if (link->archive == entry->archive && link->inode == entry->inode &&
        link->device_major == entry->device_major && link->device_minor == entry->device_minor)
        return link;
    return NULL;
}

static int link_remember(struct unpacking *unpacking, const struct cpio_entry *entry,
                         const struct path *path)
{
    struct hard_link *link = heap_allocate(sizeof(*link));
    if (!link)
        return -ENOMEM;
    *link = (struct hard_link){
        .archive = entry->archive,
        .inode = entry->inode,
        .device_major = entry->device_major,
        .device_minor = entry->device_minor,
        .path = *path,
    };
    path_reference(path);
    SLIST_INSERT_HEAD(&unpacking->links, link, link);
    return 0;
}

/* A directory, file, device, FIFO: made if it is not there. */
static int unpack_inode(struct unpacking *unpacking, const struct cpio_entry *entry)
{
    bool several = entry->links > 1 && !S_ISDIR(entry->mode);
    struct hard_link *link = several ? link_find(unpacking, entry) : NULL;
    bool node = S_ISCHR(entry->mode) || S_ISBLK(entry->mode);
    uint64_t device = node ? device_number(entry->special_major, entry->special_minor) : 0;
    struct path path;

    clear_way(entry->path, entry->mode);
    int error = lookup(entry->path, &path);
    if (error == -ENOENT) {
        error = link ? name_link(&link->path, AT_FDCWD, entry->path)
                     : name_make(AT_FDCWD, entry->path, entry->mode, device, NULL);
        if (!error)
            error = lookup(entry->path, &path);
    }
    if (error)
        return error;
    struct inode *inode = path.dentry->inode;
    if (inode_type(inode) != (entry->mode & S_IFMT)) {
        path_release(&path);
        return -EEXIST;
    }
    if (several && !link)
        error = link_remember(unpacking, entry, &path);
    if (!error && S_ISREG(entry->mode) && (!link || entry->size))
        error = write_contents(inode, entry);
    set_attributes(inode, entry);
    if (!error && S_ISDIR(entry->mode)) {
        struct directory_time *time = heap_allocate(sizeof(*time));
        if (time) {
            inode_reference(inode);
            *time = (struct directory_time){.inode = inode, .modified = inode->modified};
            SLIST_INSERT_HEAD(&unpacking->times, time, link);
        } else {
            error = -ENOMEM;
        }
    }
    path_release(&path);
    return error;
}

static int unpack_symbolic_link(const struct cpio_entry *entry)
{
    struct path path;

    if (!entry->size || entry->size >= PATH_SIZE_MAXIMUM)
        return -EINVAL;
    char *target = heap_allocate(entry->size + 1);
    if (!target)
        return -ENOMEM;
    memcpy(target, entry->data, entry->size);
    target[entry->size] = '\0';
    clear_way(entry->path, S_IFLNK);
    int error = name_make(AT_FDCWD, entry->path, S_IFLNK | 0777, 0, target);
    heap_free(target);
    if (!error)
        error = lookup(entry->path, &path);
    if (error)
        return error;
    set_attributes(path.dentry->inode, entry);
    path_release(&path);
    return 0;
}

static int unpack_entry(struct unpacking *unpacking, const struct cpio_entry *entry)
{
    int error;

    if (S_ISLNK(entry->mode))
        error = unpack_symbolic_link(entry);
    else
        error = unpack_inode(unpacking, entry);
    if (error && error != -ENOMEM) {
        log_write(LOG_WARNING, "initrd: %s passed over: %s", entry->path, error_text(error));
        error = 0;
    }
    return error;
}

static void unpacking_end(struct unpacking *unpacking)
{
    while (!SLIST_EMPTY(&unpacking->links)) {
        struct hard_link *link = SLIST_FIRST(&unpacking->links);
        SLIST_REMOVE_HEAD(&unpacking->links, link);
        path_release(&link->path);
        heap_free(link);
    }
    /* The list begins with the last entry: of several for a directory, the first one's stays. */
    while (!SLIST_EMPTY(&unpacking->times)) {
        struct directory_time *time = SLIST_FIRST(&unpacking->times);
        SLIST_REMOVE_HEAD(&unpacking->times, link);
        time->inode->accessed = time->inode->modified = time->modified;
        inode_release(time->inode);
        heap_free(time);
    }
}

int file_system_load_cpio(const void *archive, size_t size, const char **reason)
{
    struct unpacking unpacking = {.links = SLIST_HEAD_INITIALIZER(unpacking.links),
                                  .times = SLIST_HEAD_INITIALIZER(unpacking.times)};
    struct cpio_reader reader;
    struct cpio_entry entry;
    int found, error = 0;

    *reason = NULL;
    cpio_start(&reader, archive, size);
    while (!error && (found = cpio_next(&reader, &entry)) > 0)
        error = unpack_entry(&unpacking, &entry);
    unpacking_end(&unpacking);
    if (error) {
        *reason = "there is not enough memory to unpack it";
    } else if (found < 0) {
        *reason = reader.reason;
        error = found;
    }
    return error;
}

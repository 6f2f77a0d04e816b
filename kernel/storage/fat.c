/*
 * fat.c: FAT volumes (library/fat) as file systems: bound to the seam of file/, and below to
 * whatever file the volume lies in: a disk's or partition's node, or an image.
 */
#include "storage/fat.h"

#include <asm/errno.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mount.h>

#include "file/backed/names.h"
#include "file/backed/regular.h"
#include "file/pseudo.h"
#include "file/ram/directory.h"
#include "file/tree/file_system_type.h"
#include "library/fat/fat.h"
#include "library/string.h"
#include "memory/heap.h"
#include "storage/fat_options.h"
#include "storage/fat_time.h"

struct fat_file {
    RB_ENTRY(fat_file) link;   /* by entry; fat->list_lock */
    LIST_ENTRY(fat_file) dead; /* fat->list_lock */
    uint64_t entry;            /* where its name lies, as in `node`; list_lock to write */
    struct inode *inode;       /* no reference; list_lock */
    struct fat_node node;      /* fat->lock */
    bool nameless;             /* its name was removed: its clusters go with it; fat->lock */
    uint64_t names_expired;    /* of a directory: see cached_name_fresh(); atomic */
};

struct fat_file_system {
    struct file_system file_system; /* first */
    struct cached_names names;
    struct file *device;        /* a reference; lock to write; atomic */
    struct file *former;        /* the same, of when it was only read; NULL; lock */
    struct mutex lock;          /* the volume; taken after inodes' locks, and before the device's */
    struct fat_volume volume;   /* lock */
    bool writable;              /* lock to write */
    struct fat_options options; /* constant */
    uint64_t dirty_pages;       /* of all its files; atomic */
    struct spinlock list_lock;
    RB_HEAD(fat_files, fat_file) files; /* list_lock */
    LIST_HEAD(, fat_file)
    dead; /* without name and inode: their clusters are to be freed; list_lock */
};

static int file_compare(const struct fat_file *left, const struct fat_file *right)
{
    return left->entry < right->entry ? -1 : left->entry > right->entry;
}
RB_PROTOTYPE(fat_files, fat_file, link, file_compare)
RB_GENERATE(fat_files, fat_file, link, file_compare)

static struct fat_file_system *fat_of(const struct inode *inode)
{
    return (struct fat_file_system *)inode->file_system;
}

static struct fat_file *fat_file(const struct inode *inode)
{
    return inode->private;
}

/* ---- the device ---- */

static int device_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    struct fat_file_system *fat = context;
    struct transfer to;
    int64_t at = (int64_t)offset;

    transfer_kernel(&to, bytes, size);
    while (to.left) {
        ssize_t done = file_read_at(fat->device, &to, &at);
        if (done <= 0)
            return done < 0 ? (int)done : -EIO;
    }
    return 0;
}

static int device_write(void *context, uint64_t offset, const void *bytes, size_t size)
{
    struct fat_file_system *fat = context;
    struct transfer from;
    int64_t at = (int64_t)offset;

    transfer_kernel(&from, (void *)(uintptr_t)bytes, size);
    while (from.left) {
        ssize_t done = file_write_at(fat->device, &from, &at);
        if (done <= 0)
            return done < 0 ? (int)done : -EIO;
    }
    return 0;
}

static int device_synchronise(struct fat_file_system *fat)
{
    const struct file_operations *operations = fat->device->operations;

    return operations->synchronise ? operations->synchronise(fat->device, false) : 0;
}

/* ---- the volume's lock ---- */

/* Frees the clusters of files that ended without a name. Lock held. */
static void bury_dead(struct fat_file_system *fat)
{
    for (;;) {
        spinlock_acquire(&fat->list_lock);
        struct fat_file *file = LIST_FIRST(&fat->dead);
        if (file)
            LIST_REMOVE(file, dead);
        spinlock_release(&fat->list_lock);
        if (!file)
            return;
        fat_release(&fat->volume, &file->node); /* an error leaves lost clusters */
        heap_free(file);
    }
}

/* 0 or -EINTR. */
static int volume_lock(struct fat_file_system *fat)
{
    int error = mutex_acquire_killable(&fat->lock);
    if (!error)
        bury_dead(fat);
    return error;
}

static void volume_unlock(struct fat_file_system *fat)
{
    mutex_release(&fat->lock);
}

/* ---- inodes ---- */

static const struct inode_operations directory_inode, file_inode;
static const struct file_operations fat_file_operations, fat_directory_operations;

static uint32_t mode_of(const struct fat_file_system *fat, const struct fat_node *node)
{
    bool directory = node->attributes & FAT_DIRECTORY;
    uint32_t mode = directory ? S_IFDIR | (0777 & ~fat->options.directory_mask)
                              : S_IFREG | (0777 & ~fat->options.file_mask);
    /* Of directories the bit says something else (fat_make_mode on Linux). */
    return !directory && node->attributes & FAT_READ_ONLY ? mode & ~0222U : mode;
}

static struct file_time time_of(const struct fat_time *time)
{
    return (struct file_time){time->seconds, time->nanoseconds};
}

/* What stat shows. Volume's lock held, or nobody else has the inode. */
static void attributes_show(struct inode *inode)
{
    struct fat_file_system *fat = fat_of(inode);
    const struct fat_node *node = &fat_file(inode)->node;

    inode_attributes_store(inode, (struct inode_attributes){mode_of(fat, node), fat->options.user,
                                                            fat->options.group});
    file_time_set(&inode->accessed, time_of(&node->accessed));
    file_time_set(&inode->modified, time_of(&node->modified));
    file_time_set(&inode->changed, time_of(&node->modified));
}

/* The inode of a node, with a reference: the one that is there, or a new one. Lock held. NULL: no
   memory. */
static struct inode *inode_get(struct fat_file_system *fat, const struct fat_node *node)
{
    struct fat_file key = {.entry = node->entry};

    spinlock_acquire(&fat->list_lock);
    struct fat_file *file = RB_FIND(fat_files, &fat->files, &key);
    struct inode *inode = file && inode_reference_found(file->inode) ? file->inode : NULL;
    spinlock_release(&fat->list_lock);
    if (inode)
        return inode;
    bool directory = node->attributes & FAT_DIRECTORY;
    file = heap_allocate_zeroed(sizeof(*file));
    if (file)
        inode = inode_create(&fat->file_system, mode_of(fat, node),
                             directory ? &directory_inode : &file_inode,
                             directory ? &fat_directory_operations : &fat_file_operations);
    if (!inode) {
        heap_free(file);
        return NULL;
    }
    file->inode = inode;
    file->node = *node;
    file->entry = node->entry;
    inode->private = file;
    inode->number = node->entry ? node->entry / 32 : 1;
    inode->links = directory ? 2 : 1;
    inode->cache.size = directory ? fat->volume.cluster_size : node->size;
    if (!directory)
        backed_inode_begin(inode, &fat->dirty_pages);
    attributes_show(inode);
    spinlock_acquire(&fat->list_lock);
    struct fat_file *ending = RB_FIND(fat_files, &fat->files, &key);
    if (ending) /* its inode has no reference any more */
        RB_REMOVE(fat_files, &fat->files, ending);
    RB_INSERT(fat_files, &fat->files, file);
    spinlock_release(&fat->list_lock);
    return inode;
}

static void inode_destroy(struct inode *inode)
{
    struct fat_file_system *fat = fat_of(inode);
    struct fat_file *file = fat_file(inode);

    if (S_ISREG(inode->mode))
        backed_inode_end(inode);
    spinlock_acquire(&fat->list_lock);
    struct fat_file key = {.entry = file->entry};
    if (RB_FIND(fat_files, &fat->files, &key) == file)
        RB_REMOVE(fat_files, &fat->files, file);
    bool dead = file->nameless;
    if (dead)
        LIST_INSERT_HEAD(&fat->dead, file, dead);
    spinlock_release(&fat->list_lock);
    if (!dead)
        heap_free(file);
}

/* Its name lies elsewhere, or nowhere (0). Lock held. */
static void entry_set(struct fat_file_system *fat, struct fat_file *file, uint64_t entry)
{
    struct fat_file key = {.entry = entry};

    spinlock_acquire(&fat->list_lock);
    struct fat_file old = {.entry = file->entry};
    if (RB_FIND(fat_files, &fat->files, &old) == file)
        RB_REMOVE(fat_files, &fat->files, file);
    file->entry = file->node.entry = entry;
    if (entry && !RB_FIND(fat_files, &fat->files, &key))
        RB_INSERT(fat_files, &fat->files, file);
    spinlock_release(&fat->list_lock);
}

static int inode_refresh(struct inode *inode, struct inode_attributes *attributes)
{
    *attributes = inode_attributes(inode);
    return 0;
}

static void inode_status(struct inode *inode, struct stat *result)
{
    uint32_t cluster = fat_of(inode)->volume.cluster_size;

    result->st_blksize = cluster;
    result->st_blocks = (result->st_size + cluster - 1) / cluster * (cluster / 512);
}

static int inode_change(struct inode *inode, const struct attribute_change *change)
{
    struct fat_file_system *fat = fat_of(inode);
    struct fat_node *node = &fat_file(inode)->node;
    struct fat_time now = fat_time_now();

    /* A volume without owners: the one that all have can be set. */
    if ((change->which & CHANGE_USER && change->attributes.user != fat->options.user) ||
        (change->which & CHANGE_GROUP && change->attributes.group != fat->options.group))
        return -EPERM;
    if (change->which & CHANGE_SIZE)
        backed_write_back(inode, change->file);
    int error = volume_lock(fat);
    if (error)
        return error;
    if (change->which & CHANGE_MODE && S_ISREG(inode->mode))
        node->attributes = (uint8_t)((node->attributes & ~FAT_READ_ONLY) |
                                     (change->attributes.mode & 0222 ? 0 : FAT_READ_ONLY));
    if (change->which & CHANGE_ACCESSED)
        node->accessed = change->which & CHANGE_ACCESSED_NOW
                             ? now
                             : (struct fat_time){change->accessed.seconds, 0};
    if (change->which & CHANGE_MODIFIED)
        node->modified = change->which & CHANGE_MODIFIED_NOW
                             ? now
                             : (struct fat_time){change->modified.seconds, 0};
    if (change->which & CHANGE_SIZE)
        error = fat_resize(&fat->volume, node, change->size, &now);
    else
        error = fat_update(&fat->volume, node);
    attributes_show(inode);
    volume_unlock(fat);
    return error;
}

/* ---- names ---- */

static void names_expire(struct dentry *directory)
{
    __atomic_store_n(&fat_file(directory->inode)->names_expired, clock_now(), __ATOMIC_RELAXED);
}

static int directory_lookup(struct dentry *directory, const char *name, size_t length,
                            struct dentry **result)
{
    struct fat_file_system *fat = fat_of(directory->inode);
    struct inode *inode = NULL;
    struct fat_name found;

    int error = volume_lock(fat);
    if (error)
        return error;
    error = fat_lookup(&fat->volume, &fat_file(directory->inode)->node, name, length, &found);
    if (!error) {
        inode = inode_get(fat, &found.node);
        error = inode ? 0 : -ENOMEM;
    }
    volume_unlock(fat);
    if (error)
        return error;
    error = cached_name_enter(directory, name, length, inode, UINT64_MAX, result);
    inode_release(inode);
    return error;
}

/* Names are the same in any case: one that was removed in another spelling is not any more. */
static int directory_revalidate(struct dentry *dentry)
{
    struct fat_file_system *fat = fat_of(dentry->inode);
    struct fat_name found;
    char name[NAME_LENGTH_MAXIMUM + 1];

    struct dentry *parent = dentry_parent(dentry);
    struct fat_file *directory = fat_file(parent->inode);
    uint64_t expired = __atomic_load_n(&directory->names_expired, __ATOMIC_RELAXED);
    int valid =
        cached_name_fresh(dentry) && __atomic_load_n(&dentry->asked, __ATOMIC_RELAXED) > expired;
    int error = valid ? 0 : volume_lock(fat);
    if (!valid && !error) {
        dentry_name_copy(dentry, name, sizeof(name));
        error = fat_lookup(&fat->volume, &directory->node, name, strlen(name), &found);
        valid = !error && found.node.entry == fat_file(dentry->inode)->entry;
        volume_unlock(fat);
        if (valid)
            cached_name_refresh(dentry, UINT64_MAX);
    }
    dentry_release(parent);
    return error && error != -ENOENT ? error : valid;
}

static int directory_create(struct dentry *directory, const char *name, size_t length,
                            const struct creation *creation, struct dentry **created)
{
    struct fat_file_system *fat = fat_of(directory->inode);
    uint8_t attributes = S_ISDIR(creation->mode) ? FAT_DIRECTORY : FAT_ARCHIVE;
    struct fat_time now = fat_time_now();
    struct inode *inode = NULL;
    struct fat_name made;

    if (!S_ISDIR(creation->mode) && !S_ISREG(creation->mode))
        return -EPERM;
    if (!(creation->mode & 0222) && S_ISREG(creation->mode))
        attributes |= FAT_READ_ONLY;
    int error = volume_lock(fat);
    if (error)
        return error;
    error = fat_create(&fat->volume, &fat_file(directory->inode)->node, name, length, attributes,
                       &now, &made);
    if (!error) {
        inode = inode_get(fat, &made.node);
        error = inode ? 0 : -ENOMEM;
    }
    volume_unlock(fat);
    names_expire(directory);
    if (error)
        return error;
    inode_touch(directory->inode, INODE_MODIFIED | INODE_CHANGED);
    error = cached_name_enter(directory, name, length, inode, UINT64_MAX, created);
    inode_release(inode);
    return error;
}

/* The name that a dentry stands for, as it lies there. Lock held; so is the directory's. */
static int name_find(const struct dentry *dentry, struct fat_name *found)
{
    const struct inode *directory = dentry->parent->inode;

    return fat_lookup(&fat_of(directory)->volume, &fat_file(directory)->node, dentry->name,
                      dentry->name_length, found);
}

/* The inode has no name any more. Lock held. */
static void name_gone(struct fat_file_system *fat, struct inode *inode)
{
    entry_set(fat, fat_file(inode), 0);
    fat_file(inode)->nameless = true;
    inode->links = 0;
}

static int directory_remove(struct dentry *directory, struct dentry *victim)
{
    struct fat_file_system *fat = fat_of(directory->inode);
    struct fat_name found;

    int error = volume_lock(fat);
    if (error)
        return error;
    error = name_find(victim, &found);
    if (!error && S_ISDIR(victim->inode->mode))
        error = fat_check_empty(&fat->volume, &found.node);
    if (!error)
        error = fat_remove(&fat->volume, &fat_file(directory->inode)->node, &found);
    if (!error)
        name_gone(fat, victim->inode);
    volume_unlock(fat);
    if (error)
        return error;
    names_expire(directory);
    inode_touch(directory->inode, INODE_MODIFIED | INODE_CHANGED);
    cached_name_drop(victim);
    return 0;
}

static int directory_rename(struct dentry *source, struct dentry *directory, const char *name,
                            size_t length, struct dentry *target, unsigned flags)
{
    struct fat_file_system *fat = fat_of(directory->inode);
    struct dentry *from_directory = source->parent; /* its lock is held */
    struct fat_name from, to, moved;

    if (flags & ~RENAME_NOREPLACE)
        return -EINVAL;
    int error = volume_lock(fat);
    if (error)
        return error;
    error = name_find(source, &from);
    if (!error && target)
        error = name_find(target, &to);
    if (!error && target && S_ISDIR(target->inode->mode))
        error = fat_check_empty(&fat->volume, &to.node);
    if (!error)
        error = fat_rename(&fat->volume, &fat_file(from_directory->inode)->node, &from,
                           &fat_file(directory->inode)->node, name, length, target ? &to : NULL,
                           &moved);
    if (!error) {
        if (target)
            name_gone(fat, target->inode);
        entry_set(fat, fat_file(source->inode), moved.node.entry);
    }
    volume_unlock(fat);
    names_expire(from_directory);
    names_expire(directory);
    if (error)
        return error;
    error = cached_name_move(source, directory, name, length, target, flags);
    cached_name_refresh(source, UINT64_MAX);
    return error;
}

static const struct inode_operations directory_inode = {
    .lookup = directory_lookup,
    .revalidate = directory_revalidate,
    .create = directory_create,
    .remove = directory_remove,
    .rename = directory_rename,
    .refresh = inode_refresh,
    .status = inode_status,
    .change = inode_change,
    .destroy = inode_destroy,
};

static int directory_iterate(struct file *file, struct directory_sink *sink)
{
    struct fat_file_system *fat = fat_of(file->inode);
    const int64_t first = 2; /* behind the dots */
    struct fat_name found;

    if (!directory_give_dots(file, sink))
        return 0;
    for (;;) {
        uint64_t offset = (uint64_t)(file->offset - first);
        int there = volume_lock(fat);
        if (there)
            return there;
        there = fat_list(&fat->volume, &fat_file(file->inode)->node, &offset, &found);
        volume_unlock(fat);
        if (there <= 0)
            return there;
        if (!sink->entry(sink, found.name, found.length, found.node.entry / 32,
                         found.node.attributes & FAT_DIRECTORY ? S_IFDIR : S_IFREG,
                         first + (int64_t)offset))
            return 0;
        file->offset = first + (int64_t)offset;
    }
}

/* ---- contents ---- */

static ssize_t read_pages(struct inode *inode, struct file *file, uint64_t offset, size_t size,
                          const paddr_t *frames)
{
    struct fat_file_system *fat = fat_of(inode);
    size_t done = 0;

    (void)file;
    ssize_t got = volume_lock(fat);
    if (got)
        return got;
    while (done < size) {
        size_t piece = size - done < PAGE_SIZE ? size - done : PAGE_SIZE;
        got = fat_read(&fat->volume, &fat_file(inode)->node, offset + done,
                       frame_pointer(frames[done / PAGE_SIZE]), piece);
        if (got <= 0)
            break;
        done += (size_t)got;
        if ((size_t)got < piece)
            break;
    }
    volume_unlock(fat);
    return done ? (ssize_t)done : got;
}

static ssize_t write_pages(struct inode *inode, struct file *file, uint64_t offset, size_t size,
                           const paddr_t *frames)
{
    struct fat_file_system *fat = fat_of(inode);
    struct fat_time now = fat_time_now();
    char *bytes = heap_allocate(size); /* in one piece: its entry is written once */

    (void)file;
    if (!bytes)
        return -ENOMEM;
    for (size_t at = 0; at < size; at += PAGE_SIZE)
        memcpy(bytes + at, frame_pointer(frames[at / PAGE_SIZE]),
               size - at < PAGE_SIZE ? size - at : PAGE_SIZE);
    ssize_t done = volume_lock(fat);
    if (!done) {
        done = fat_write(&fat->volume, &fat_file(inode)->node, offset, bytes, size, &now);
        volume_unlock(fat);
    }
    heap_free(bytes);
    return done;
}

static const struct inode_operations file_inode = {
    .refresh = inode_refresh,
    .status = inode_status,
    .change = inode_change,
    .read_pages = read_pages,
    .write_pages = write_pages,
    .destroy = inode_destroy,
};

static int file_synchronise(struct file *file, bool data_only)
{
    (void)data_only;
    int error = S_ISREG(file->inode->mode) ? backed_write_back(file->inode, file) : 0;
    return error ? error : device_synchronise(fat_of(file->inode));
}

static void file_ended(struct file *file)
{
    if (file->writable)
        backed_write_back(file->inode, file);
}

static const struct file_operations fat_file_operations = {
    .read = backed_read,
    .write = backed_write,
    .hasty_write = true,
    .seek = file_seek_size,
    .map = file_map_cache,
    .synchronise = file_synchronise,
    .release = file_ended,
};
static const struct file_operations fat_directory_operations = {
    .iterate = directory_iterate,
    .seek = directory_seek,
    .synchronise = file_synchronise,
};

/* ---- the whole ---- */

static int volume_synchronise(struct file_system *file_system)
{
    struct fat_file_system *fat = (struct fat_file_system *)file_system;

    int error = volume_lock(fat);
    if (error)
        return error;
    error = fat->writable ? fat_synchronise(&fat->volume) : 0;
    volume_unlock(fat);
    return error ? error : device_synchronise(fat);
}

static void volume_unmounted(struct file_system *file_system)
{
    struct fat_file_system *fat = (struct fat_file_system *)file_system;

    cached_names_end(file_system);
    mutex_acquire(&fat->lock);
    bury_dead(fat);
    if (fat->writable && !fat_synchronise(&fat->volume))
        fat_mark(&fat->volume, false);
    mutex_release(&fat->lock);
    device_synchronise(fat);
}

static void volume_end(struct file_system *file_system)
{
    struct fat_file_system *fat = (struct fat_file_system *)file_system;

    file_release(fat->device);
    file_release(fat->former);
    heap_free(fat->volume.chunk);
    heap_free(fat);
}

static int volume_statistics(struct file_system *file_system, struct statfs *answer)
{
    struct fat_file_system *fat = (struct fat_file_system *)file_system;
    uint32_t count;

    int error = volume_lock(fat);
    if (error)
        return error;
    error = fat_free_count(&fat->volume, &count);
    volume_unlock(fat);
    if (error)
        return error;
    answer->f_bsize = answer->f_frsize = fat->volume.cluster_size;
    answer->f_blocks = fat->volume.cluster_count;
    answer->f_bfree = answer->f_bavail = count;
    return 0;
}

static void volume_describe(struct file_system *file_system, struct text *text)
{
    fat_options_describe(&((const struct fat_file_system *)file_system)->options, text);
}

/* What was mounted to be read may have to be written; the other way round the mount's own flag
   does, and the volume is clean when it is let go. Who reads just now may do so through the former
   file, which stays. Owners and masks stay, too, as on Linux. */
static int volume_remount(struct file_system *file_system, uint32_t flags, const char *options)
{
    struct fat_file_system *fat = (struct fat_file_system *)file_system;
    struct file *device;

    (void)options;
    if (flags & MS_RDONLY || fat->writable)
        return 0;
    int error = file_open_path(&fat->device->path, O_RDWR, &device);
    if (error)
        return error;
    mutex_acquire(&fat->lock);
    if (!fat->writable) {
        fat->former = fat->device;
        __atomic_store_n(&fat->device, device, __ATOMIC_RELEASE);
        fat->volume.device.read_only = false;
        fat->writable = true;
        device = NULL;
        error = fat_mark(&fat->volume, true);
    }
    mutex_release(&fat->lock);
    file_release(device); /* another was faster */
    return error;
}

static const struct file_system_operations fat_operations = {
    .unmounted = volume_unmounted,
    .end = volume_end,
    .statistics = volume_statistics,
    .synchronise = volume_synchronise,
    .describe = volume_describe,
    .remount = volume_remount,
};

/* ---- mounting ---- */

/* How large what lies there is. */
static int64_t device_size(struct file *device)
{
    if (!device->operations->seek || device->stream)
        return -EINVAL;
    mutex_acquire(&device->offset_lock);
    int64_t size = device->operations->seek(device, 0, SEEK_END);
    mutex_release(&device->offset_lock);
    return size;
}

static int volume_start(struct fat_file_system *fat, const struct mount_request *request)
{
    struct fat_node root;

    if (!request->source)
        return -EINVAL;
    fat->writable = !(request->flags & MS_RDONLY);
    int error =
        file_open(AT_FDCWD, request->source, fat->writable ? O_RDWR : O_RDONLY, 0, &fat->device);
    if (error)
        return error;
    if (!S_ISREG(fat->device->inode->mode) && !S_ISBLK(fat->device->inode->mode))
        return -ENOTBLK;
    int64_t size = device_size(fat->device);
    if (size < 0)
        return (int)size;
    const struct fat_device device = {.context = fat,
                                      .size = (uint64_t)size,
                                      .read_only = !fat->writable,
                                      .read = device_read,
                                      .write = device_write};
    error = fat_open(&fat->volume, &device);
    if (error)
        return error;
    fat->volume.chunk = heap_allocate(fat->volume.cluster_size);
    if (!fat->volume.chunk)
        return -ENOMEM;
    fat_root(&fat->volume, &root);
    struct inode *inode = inode_get(fat, &root);
    if (!inode)
        return -ENOMEM;
    fat->file_system.root = dentry_create(NULL, "", 0, inode);
    inode_release(inode);
    if (!fat->file_system.root)
        return -ENOMEM;
    return fat->writable ? fat_mark(&fat->volume, true) : 0;
}

static int fat_mount(const struct mount_request *request, struct file_system **result)
{
    struct fat_file_system *fat = heap_allocate_zeroed(sizeof(*fat));

    if (!fat)
        return -ENOMEM;
    file_system_begin(&fat->file_system);
    fat->file_system.operations = &fat_operations;
    fat->file_system.type = "vfat";
    fat->file_system.magic = MSDOS_SUPER_MAGIC;
    fat->file_system.names = &fat->names;
    cached_names_initialize(&fat->names);
    mutex_initialize(&fat->lock, MUTEX_INODE); /* the device may be a file, with such a lock */
    spinlock_initialize(&fat->list_lock, LOCK_UNRANKED);
    RB_INIT(&fat->files);
    LIST_INIT(&fat->dead);
    int error = fat_options_parse(&fat->options, request->options);
    if (!error)
        error = volume_start(fat, request);
    if (error) {
        cached_names_end(&fat->file_system);
        file_system_release(&fat->file_system);
        return error;
    }
    *result = &fat->file_system;
    return 0;
}

void fat_initialize(void)
{
    static struct file_system_type type = {.name = "vfat", .on_device = true, .mount = fat_mount};

    file_system_type_add(&type);
}

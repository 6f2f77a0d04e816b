/* file.c: the life of open files, and what many kinds of them do alike. */
#include "file/file.h"

#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/fs.h>

#include "file/backed/regular.h"
#include "file/descriptor_table.h"
#include "file/hooks.h"
#include "file/lock.h"
#include "file/poll/async.h"
#include "file/poll/epoll.h"
#include "library/string.h"
#include "memory/heap.h"
#include "thread/limits.h"

/* ---- a mapping holds its file ---- */

static void object_reference(struct memory_object *object)
{
    file_reference(container_of(object, struct file, object));
}

static void object_release(struct memory_object *object)
{
    file_release(container_of(object, struct file, object));
}

static void object_describe(struct memory_object *object, char *buffer, size_t size)
{
    struct file *file = container_of(object, struct file, object);
    if (path_describe(&file->path, NULL, true, buffer, size) < 0 && size)
        buffer[0] = '\0';
}

static void object_written(struct memory_object *object)
{
    struct file *file = container_of(object, struct file, object);
    inode_touch(file->inode, INODE_MODIFIED | INODE_CHANGED);
}

/* msync(2). */
static int object_synchronise(struct memory_object *object)
{
    struct file *file = container_of(object, struct file, object);
    return file->operations->synchronise ? file->operations->synchronise(file, false) : 0;
}

struct file *file_from_object(struct memory_object *object)
{
    return object->release == object_release ? container_of(object, struct file, object) : NULL;
}

/* ---- life ---- */

static uint64_t files_open; /* atomic */

uint64_t open_file_count(void)
{
    return __atomic_load_n(&files_open, __ATOMIC_RELAXED);
}

struct file *file_allocate(const struct path *path, uint32_t flags,
                           const struct file_operations *operations)
{
    struct file *file = heap_allocate_zeroed(sizeof(*file));
    if (!file)
        return NULL;
    __atomic_fetch_add(&files_open, 1, __ATOMIC_RELAXED);
    file->operations = operations;
    file->references = 1;
    file->flags = flags;
    file->path = *path;
    path_reference(path);
    file->inode = path->dentry->inode;
    mutex_initialize(&file->offset_lock, MUTEX_FILE_OFFSET);
    file->credentials = credentials_current();
    credentials_reference(file->credentials);
    LIST_INIT(&file->watchers);
    spinlock_initialize(&file->owner_lock, LOCK_FILE_OWNER);
    file->object = (struct memory_object){
        .cache = &file->inode->cache,
        .reference = object_reference,
        .release = object_release,
        .describe = object_describe,
        .written = object_written,
        .fetch = backed_fetch,
        .synchronise = object_synchronise,
        .device = file->inode->file_system->device,
        .inode = file->inode->number,
    };
    return file;
}

void file_free(struct file *file)
{
    path_release(&file->path);
    credentials_release(file->credentials);
    __atomic_fetch_sub(&files_open, 1, __ATOMIC_RELAXED);
    heap_free(file);
}

/* True: it was the last one. Nothing is known of the file once others may hold the last. */
static bool reference_drop(struct file *file)
{
    uint32_t references = __atomic_load_n(&file->references, __ATOMIC_ACQUIRE);

    do {
        if (references & FILE_IN_FLIGHT)
            return file_hooks.file_in_flight_drop(file);
        if (references == 1) /* who has no reference cannot take one */
            return true;
    } while (!__atomic_compare_exchange_n(&file->references, &references, references - 1, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return false;
}

void file_release_rest(struct file *file)
{
    if (!reference_drop(file))
        return;
    /* Nobody can begin to watch a file that has no reference left. */
    if (file->forget_watchers)
        file->forget_watchers(file);
    if (file->async_listed || file->owner.who)
        async_forget_file(file);
    record_locks_release(file->inode, file);
    if (file->operations->release)
        file->operations->release(file);
    if (file->counts_as_writer)
        inode_write_end(file->inode);
    file_allow_write(file);
    file_free(file);
}

void file_allow_write(struct file *file)
{
    if (__atomic_exchange_n(&file->denies_write, false, __ATOMIC_ACQ_REL))
        inode_allow_write(file->inode);
}

/* ---- usual operations ---- */

ssize_t file_write_limit(uint64_t offset, size_t size)
{
    uint64_t limit = thread_limit(RLIMIT_FSIZE);

    if (offset >= limit) {
        file_hooks.signal_self(SIGXFSZ);
        return -EFBIG;
    }
    if (size > limit - offset)
        size = limit - offset;
    if (offset >= INT64_MAX)
        return -EFBIG;
    return (ssize_t)(size > INT64_MAX - offset ? INT64_MAX - offset : size);
}

int64_t file_seek_size(struct file *file, int64_t offset, int whence)
{
    int64_t size = (int64_t)inode_size(file->inode);

    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        if (__builtin_add_overflow(offset, file->offset, &offset))
            return -EINVAL; /* as Linux; POSIX has EOVERFLOW */
        break;
    case SEEK_END:
        if (__builtin_add_overflow(offset, size, &offset))
            return -EINVAL;
        break;
    case SEEK_DATA: /* all of a file may be taken for data: lseek(2) */
        if (offset < 0 || offset >= size)
            return -ENXIO;
        break;
    case SEEK_HOLE:
        if (offset < 0 || offset >= size)
            return -ENXIO;
        offset = size;
        break;
    default:
        return -EINVAL;
    }
    int64_t last = file->inode->file_system->last_offset;
    if (offset < 0 || (last && offset > last))
        return -EINVAL;
    file->offset = offset;
    return offset;
}

int64_t file_seek_no_end(struct file *file, int64_t offset, int whence)
{
    if (whence == SEEK_CUR ? __builtin_add_overflow(offset, file->offset, &offset)
                           : whence != SEEK_SET)
        return -EINVAL;
    return offset < 0 ? -EINVAL : (file->offset = offset);
}

int64_t file_seek_null(struct file *file, int64_t offset, int whence)
{
    (void)offset;
    (void)whence;
    return file->offset = 0;
}

int file_map_none(struct file *file, unsigned flags, struct memory_object **object)
{
    (void)file;
    (void)flags;
    (void)object;
    return -ENODEV;
}

int file_map_cache(struct file *file, unsigned flags, struct memory_object **object)
{
    if (flags & REGION_SHARED && flags & REGION_WRITE &&
        file->inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    inode_touch_accessed(file->inode, file->path.mount); /* POSIX, mmap: st_atime */
    object_reference(&file->object);
    *object = &file->object;
    return 0;
}

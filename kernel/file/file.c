/* file.c: the life of open files, and reading and writing them whatever they are. */
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
#include "memory/hasty_copy.h"
#include "memory/heap.h"
#include "thread/injection.h"
#include "thread/limits.h"
#include "thread/restart.h"

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

/* ---- reading and writing ---- */

/* Does what is asked for end where an offset can still be told? */
static bool offset_possible(const struct file *file, const struct transfer *transfer,
                            int64_t offset)
{
    return file->operations->any_offset ||
           transfer->left <= (uint64_t)INT64_MAX - (uint64_t)offset; /* -1: a stream's */
}

static ssize_t read_at(struct file *file, struct transfer *to, int64_t *offset)
{
    if (!file->readable)
        return -EBADF;
    if (!offset_possible(file, to, *offset))
        return -EINVAL;
    if (!file->operations->read)
        return S_ISDIR(file->inode->mode) ? -EISDIR : -EINVAL;
    if (injection_fails(INJECTION_READ, __builtin_return_address(0)))
        return -EIO;
    return file->operations->read(file, to, offset);
}

static ssize_t write_at(struct file *file, struct transfer *from, int64_t *offset)
{
    if (!file->writable)
        return -EBADF;
    if (!file->operations->write)
        return -EINVAL;
    if (!offset_possible(file, from, *offset))
        return -EINVAL;
    return file->operations->write(file, from, offset);
}

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

/* Nobody else has the file: a call on it comes by a descriptor of a table that is this thread's
   alone, or holds a reference of its own. */
static bool offset_is_shared(const struct file *file)
{
    return !file->stream && __atomic_load_n(&file->references, __ATOMIC_ACQUIRE) > 1;
}

/* At the offset, or (NULL) at the file's own, which is moved. In each call below it is known at
   compile time which of these it is: these paths are among the shortest there are. */
static inline __attribute__((always_inline)) ssize_t
move_once(struct file *file, struct transfer *transfer, int64_t *offset, bool writes)
{
    bool locks = !offset && offset_is_shared(file);
    ssize_t done = locks ? mutex_acquire_killable(&file->offset_lock) : 0;

    if (done)
        return done;
    if (!offset)
        offset = &file->offset;
    done = writes ? write_at(file, transfer, offset) : read_at(file, transfer, offset);
    if (locks)
        mutex_release(&file->offset_lock);
    return done;
}

/* The same where the program's memory may lie elsewhere: it is waited for when no lock is held. As
   a rule at once; it may go again before it is used. */
static __attribute__((noinline)) ssize_t move_hastily(struct file *file, struct transfer *transfer,
                                                      int64_t *offset, bool writes)
{
    ssize_t total = 0;

    if (writes)
        transfer_touch(transfer);
    for (;;) {
        struct transfer before = *transfer;
        hasty_copy_begin();
        ssize_t done = move_once(file, transfer, offset, writes);
        bool missed = hasty_copy_end();
        if (done > 0)
            total += done;
        /* Who reads has what there was; a write goes on. */
        if (!missed || (done < 0 && done != -EFAULT) || (done >= 0 && !writes) || hasty_copy_wait())
            return total ? total : done;
        *transfer = before; /* what was copied may be more than what was taken */
        transfer_skip(transfer, done > 0 ? (size_t)done : 0);
    }
}

static inline __attribute__((always_inline)) ssize_t
move(struct file *file, struct transfer *transfer, int64_t *offset, bool writes)
{
    const struct file_operations *operations = file->operations;
    bool hasty = (writes ? operations->hasty_write : operations->hasty_read) && !transfer->kernel;

    if (hasty && hasty_copy_needed())
        return move_hastily(file, transfer, offset, writes);
    if (hasty)
        hasty_copy_begin();
    ssize_t done = move_once(file, transfer, offset, writes);
    /* Another thread may have mapped such memory meanwhile. Nothing was moved: the call begins
       anew, and knows of it then. */
    if (hasty && hasty_copy_end() && done == -EFAULT && !hasty_copy_wait())
        return -RESTART_ALWAYS;
    return done;
}

ssize_t file_read_at(struct file *file, struct transfer *to, int64_t *offset)
{
    return move(file, to, offset, false);
}

ssize_t file_write_at(struct file *file, struct transfer *from, int64_t *offset)
{
    return move(file, from, offset, true);
}

ssize_t file_read(struct file *file, struct transfer *to)
{
    return move(file, to, NULL, false);
}

ssize_t file_write(struct file *file, struct transfer *from)
{
    return move(file, from, NULL, true);
}

ssize_t file_read_kernel(struct file *file, void *buffer, size_t size, int64_t offset)
{
    struct transfer to;

    if (injection_fails(INJECTION_READ, __builtin_return_address(0)))
        return -EIO;
    transfer_kernel(&to, buffer, size);
    return file->operations->read ? file->operations->read(file, &to, &offset) : -EINVAL;
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

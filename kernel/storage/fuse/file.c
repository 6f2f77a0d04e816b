/* file.c: a server's files and directories that are open. */
#include <asm/errno.h>
#include <linux/falloc.h>
#include <linux/fs.h>

#include "file/ram/directory.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "storage/fuse/fuse.h"
#include "thread/preemption.h"

/* Closes that a server has not answered: beyond these nothing more is opened. Nobody waits for
   them, so they are bound by nothing else. */
#define RELEASES_MAXIMUM 1024
/* Pages that are sent without anybody waiting, of one file system. */
#define UNWATCHED_MAXIMUM 1024
/* Who ends and has more waits as long as a server goes on taking them: so long from one to the
   next, and so long in all until it has taken all. */
#define UNWATCHED_PATIENCE     (5 * NANOSECONDS_PER_SECOND)
#define UNWATCHED_PATIENCE_ALL (120 * NANOSECONDS_PER_SECOND)

/* Is the calling thread on its way out of the world? */
static bool is_ending(void)
{
    return thread_interrupted(THREAD_KILLABLE) || !thread_current()->address_space;
}

/* ---- handles ---- */

static bool writes(uint32_t flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

struct fuse_handle *fuse_handle_create(struct fuse_node *node, bool directory)
{
    struct fuse_handle *handle = heap_allocate_zeroed(sizeof(*handle));
    if (!handle)
        return NULL;
    handle->release = fuse_request_create(directory ? FUSE_RELEASEDIR : FUSE_RELEASE, node->number,
                                          sizeof(struct fuse_release_in), 0);
    if (!handle->release) {
        heap_free(handle);
        return NULL;
    }
    handle->references = 1;
    handle->node = node;
    return handle;
}

static void release_finish(struct fuse_connection *connection, struct fuse_request *request)
{
    (void)request;
    if (__atomic_fetch_sub(&connection->releases, 1, __ATOMIC_SEQ_CST) == RELEASES_MAXIMUM)
        wait_queue_wake_all(&connection->started);
}

int fuse_releases_await(struct fuse_connection *connection)
{
    int error =
        wait_event(&connection->started,
                   __atomic_load_n(&connection->releases, __ATOMIC_SEQ_CST) < RELEASES_MAXIMUM ||
                       fuse_connection_ended(connection),
                   THREAD_KILLABLE, CLOCK_NEVER);
    if (error)
        return error;
    return fuse_connection_ended(connection) ? -ENOTCONN : 0;
}

void fuse_handle_release(struct fuse_handle *handle)
{
    if (!handle || __atomic_sub_fetch(&handle->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (handle->opened) {
        /* A server of several threads might come to the forgetting first. */
        __atomic_fetch_add(&handle->node->users, 1, __ATOMIC_RELAXED);
        handle->release->releases = handle->node;
        *(struct fuse_release_in *)fuse_request_arguments(handle->release) =
            (struct fuse_release_in){.fh = handle->number, .flags = handle->flags};
        handle->release->finish = release_finish;
        __atomic_fetch_add(&handle->node->connection->releases, 1, __ATOMIC_SEQ_CST);
        fuse_request_send(handle->node->connection, handle->release);
    } else {
        fuse_request_release(handle->release);
    }
    heap_free(handle);
}

/* From now on it may be found by who writes back. */
static void handle_list(struct fuse_handle *handle)
{
    struct fuse_node *node = handle->node;

    if (!writes(handle->flags))
        return;
    spinlock_acquire(&node->lock);
    LIST_INSERT_HEAD(&node->writers, handle, link);
    spinlock_release(&node->lock);
}

static void handle_unlist(struct fuse_handle *handle)
{
    struct fuse_node *node = handle->node;

    if (!writes(handle->flags))
        return;
    spinlock_acquire(&node->lock);
    LIST_REMOVE(handle, link);
    spinlock_release(&node->lock);
}

struct fuse_handle *fuse_handle_writing(struct fuse_node *node)
{
    spinlock_acquire(&node->lock);
    struct fuse_handle *handle = LIST_FIRST(&node->writers);
    if (handle)
        __atomic_fetch_add(&handle->references, 1, __ATOMIC_RELAXED);
    spinlock_release(&node->lock);
    return handle;
}

static void handle_opened(struct fuse_handle *handle, const struct fuse_open_out *out,
                          uint32_t flags)
{
    handle->number = out->fh;
    handle->open_flags = out->open_flags;
    handle->flags = flags;
    handle->opened = true;
}

int fuse_created_keep(struct fuse_node *node, const struct fuse_open_out *out, uint32_t flags)
{
    struct fuse_handle *handle = fuse_handle_create(node, false);
    if (!handle)
        return -ENOMEM; /* the server keeps it until its end */
    handle_opened(handle, out, flags);
    spinlock_acquire(&node->lock);
    struct fuse_handle *old = node->created;
    node->created = handle;
    node->creator = thread_current();
    spinlock_release(&node->lock);
    fuse_handle_release(old);
    return 0;
}

/* What FUSE_CREATE opened for this very call; NULL: it was another. */
static struct fuse_handle *created_take(struct fuse_node *node, uint32_t flags)
{
    spinlock_acquire(&node->lock);
    struct fuse_handle *handle = node->created;
    if (handle && node->creator == thread_current() && handle->flags == flags)
        node->created = NULL;
    else
        handle = NULL;
    spinlock_release(&node->lock);
    return handle;
}

/* Asks the server to open it. */
static int open_ask(struct fuse_handle *handle, bool directory, uint32_t flags)
{
    const struct fuse_open_in in = {
        .flags = flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)};
    struct fuse_open_out out = {0};
    struct fuse_call call = {.operation = directory ? FUSE_OPENDIR : FUSE_OPEN,
                             .node = handle->node->number,
                             .arguments = {{&in, sizeof(in)}},
                             .answer = &out,
                             .answer_size = sizeof(out),
                             .whole = true};

    int error = fuse_releases_await(handle->node->connection);
    if (!error)
        error = fuse_call(handle->node->connection, &call);
    handle->flags = flags;
    if (error == -ENOSYS) { /* FUSE_NO_OPEN_SUPPORT: there is nothing to open */
        handle->open_flags = FOPEN_KEEP_CACHE;
        return 0;
    }
    if (!error)
        handle_opened(handle, &out, flags);
    return error;
}

static int file_open_node(struct inode *inode, struct file *file)
{
    bool directory = S_ISDIR(inode->mode);
    uint32_t flags = file->opened_with ? file->opened_with : file->flags;
    struct fuse_node *node = fuse_node(inode);

    int error = fuse_may_use(fuse_of(inode), file->credentials);
    if (error)
        return error;
    struct fuse_handle *handle = directory ? NULL : created_take(node, flags);
    if (!handle) {
        handle = fuse_handle_create(node, directory);
        error = handle ? open_ask(handle, directory, flags) : -ENOMEM;
    }
    if (error) {
        fuse_handle_release(handle);
        return error;
    }
    file->private = handle;
    if (directory)
        return 0;
    file->stream = handle->open_flags & FOPEN_STREAM;
    if (!(handle->open_flags & (FOPEN_KEEP_CACHE | FOPEN_DIRECT_IO)))
        page_cache_drop(&inode->cache, 0, UINT64_MAX);
    handle_list(handle);
    return 0;
}

/* A file may have come to others in a message, and end with them without their doing: they do not
   wait for the server. */
static bool is_for_current(const struct file *file)
{
    return !fuse_may_use(fuse_of(file->inode), credentials_current());
}

static void file_release_node(struct file *file)
{
    struct fuse_handle *handle = file->private;

    if (S_ISREG(file->inode->mode)) {
        if (file->writable && is_for_current(file))
            backed_write_back(file->inode, file);
        handle_unlist(handle);
    }
    fuse_handle_release(handle);
}

/* ---- contents ---- */

ssize_t fuse_read_pages(struct inode *inode, struct file *file, uint64_t offset, size_t size,
                        const paddr_t *frames)
{
    struct fuse_file_system *fuse = fuse_of(inode);
    const struct fuse_terms *terms = &fuse->connection->terms;
    const struct fuse_handle *handle = file->private;
    size_t limit = terms->pages_maximum * PAGE_SIZE, done = 0;

    if (limit > fuse->options.read_maximum)
        limit = fuse->options.read_maximum & ~(PAGE_SIZE - 1);
    while (done < size) {
        size_t piece = size - done < limit ? size - done : limit;
        const struct fuse_read_in in = {.fh = handle->number,
                                        .offset = offset + done,
                                        .size = (uint32_t)piece,
                                        .flags = handle->flags};
        struct fuse_call call = {.operation = FUSE_READ,
                                 .node = handle->node->number,
                                 .arguments = {{&in, sizeof(in)}},
                                 .frames = frames + done / PAGE_SIZE,
                                 .frame_bytes = piece,
                                 .frames_out = true};
        int error = fuse_call(fuse->connection, &call);
        if (error)
            return done ? (ssize_t)done : error;
        done += call.answer_size;
        if (call.answer_size < piece)
            break;
    }
    return (ssize_t)done;
}

static void unwatched_give(struct fuse_connection *connection, uint32_t pages)
{
    __atomic_store_n(&connection->unwatched_moved, clock_now(), __ATOMIC_RELAXED);
    if (__atomic_sub_fetch(&connection->unwatched, pages, __ATOMIC_SEQ_CST) == 0)
        __atomic_store_n(&connection->unwatched_waited, 0, __ATOMIC_RELAXED);
    wait_queue_wake_all(&connection->started);
}

static void write_finish(struct fuse_connection *connection, struct fuse_request *request)
{
    unwatched_give(connection, (uint32_t)request->frame_count);
}

/* False: there are too many on their way. */
static bool unwatched_take(struct fuse_connection *connection, uint32_t pages)
{
    uint32_t before = __atomic_load_n(&connection->unwatched, __ATOMIC_SEQ_CST);

    do {
        if (before + pages > UNWATCHED_MAXIMUM)
            return false;
    } while (!__atomic_compare_exchange_n(&connection->unwatched, &before, before + pages, true,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    if (!before)
        __atomic_store_n(&connection->unwatched_moved, clock_now(), __ATOMIC_RELAXED);
    return true;
}

/* When they are taken by a server that goes on taking. */
static bool unwatched_await(struct fuse_connection *connection, uint32_t pages)
{
    uint64_t began = clock_now();
    bool taken = false;

    mutex_check_may_wait();
    while (!taken && !fuse_connection_ended(connection)) {
        uint64_t until =
            __atomic_load_n(&connection->unwatched_moved, __ATOMIC_RELAXED) + UNWATCHED_PATIENCE;
        if (clock_now() >= until || __atomic_load_n(&connection->unwatched_waited,
                                                    __ATOMIC_RELAXED) > UNWATCHED_PATIENCE_ALL)
            break;
        wait_event(&connection->started,
                   (taken = unwatched_take(connection, pages)) || fuse_connection_ended(connection),
                   THREAD_UNINTERRUPTIBLE, until);
        __atomic_fetch_add(&connection->unwatched_waited, clock_now() - began, __ATOMIC_RELAXED);
        began = clock_now();
    }
    return taken;
}

/* Whoever ends could not be killed any more: what he wrote through a mapping is sent, and nobody
   waits for the answer; nor for ever for a server that does not take it. 0 or an error. */
static int write_ask(struct fuse_connection *connection, struct fuse_call *call,
                     struct fuse_write_out *out)
{
    uint32_t pages = (uint32_t)((call->frame_bytes + PAGE_SIZE - 1) / PAGE_SIZE);

    if (!is_ending())
        return fuse_call(connection, call);
    if (!unwatched_take(connection, pages) && !unwatched_await(connection, pages))
        return -EINTR;
    out->size = (uint32_t)call->frame_bytes;
    int error = fuse_call_unwatched(connection, call, write_finish);
    if (error)
        unwatched_give(connection, pages);
    return error ? -EINTR : 0;
}

static ssize_t write_handle(struct fuse_handle *handle, uint64_t offset, size_t size,
                            const paddr_t *frames, uint32_t flags)
{
    struct fuse_connection *connection = handle->node->connection;
    size_t limit = connection->terms.write_maximum & ~(PAGE_SIZE - 1), done = 0;

    fuse_version_raise(handle->node);
    while (done < size) {
        size_t piece = size - done < limit ? size - done : limit;
        const struct fuse_write_in in = {.fh = handle->number,
                                         .offset = offset + done,
                                         .size = (uint32_t)piece,
                                         .write_flags = flags,
                                         .flags = handle->flags};
        struct fuse_write_out out;
        struct fuse_call call = {.operation = FUSE_WRITE,
                                 .node = handle->node->number,
                                 .arguments = {{&in, sizeof(in)}},
                                 .answer = &out,
                                 .answer_size = sizeof(out),
                                 .whole = true,
                                 .frames = frames + done / PAGE_SIZE,
                                 .frame_bytes = piece};
        int error = write_ask(connection, &call, &out);
        if (!error && out.size > piece)
            error = -EIO;
        if (error)
            return done ? (ssize_t)done : error;
        done += out.size;
        if (out.size < piece)
            break;
    }
    fuse_version_raise(handle->node);
    return (ssize_t)done;
}

ssize_t fuse_write_pages(struct inode *inode, struct file *file, uint64_t offset, size_t size,
                         const paddr_t *frames)
{
    struct fuse_node *node = fuse_node(inode);
    ssize_t done;

    if (file && file->writable) {
        done = write_handle(file->private, offset, size, frames, 0);
    } else {
        struct fuse_handle *handle = fuse_handle_writing(node);
        if (!handle)
            return -EIO; /* whoever could have written is gone */
        done = write_handle(handle, offset, size, frames, FUSE_WRITE_CACHE);
        fuse_handle_release(handle);
    }
    fuse_attributes_expire(inode);
    return done;
}

static bool is_direct(const struct file *file)
{
    return ((const struct fuse_handle *)file->private)->open_flags & FOPEN_DIRECT_IO ||
           __atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_DIRECT;
}

static ssize_t file_read_node(struct file *file, struct transfer *to, int64_t *offset)
{
    int error = fuse_may_use(fuse_of(file->inode), credentials_current());
    if (error)
        return error;
    return is_direct(file) ? backed_read_directly(file, to, offset) : backed_read(file, to, offset);
}

static ssize_t file_write_node(struct file *file, struct transfer *from, int64_t *offset)
{
    int error = fuse_may_use(fuse_of(file->inode), credentials_current());
    if (error)
        return error;
    return is_direct(file) ? backed_write_directly(file, from, offset)
                           : backed_write(file, from, offset);
}

static int file_map_node(struct file *file, unsigned flags, struct memory_object **object)
{
    /* Its contents may be others each time (fuse_file_mmap on Linux). */
    if (((const struct fuse_handle *)file->private)->open_flags & FOPEN_DIRECT_IO &&
        flags & REGION_SHARED)
        return -ENODEV;
    struct inode_attributes attributes;
    int error = inode_attributes_now(file->inode, &attributes); /* its size */
    return error ? error : file_map_cache(file, flags, object);
}

/* ---- flush, fsync and the rest ---- */

/* As a close: the server has so many at most. */
static void flush_unwatched(struct fuse_connection *connection, const struct fuse_call *call)
{
    if (__atomic_fetch_add(&connection->releases, 1, __ATOMIC_SEQ_CST) >= RELEASES_MAXIMUM ||
        fuse_call_unwatched(connection, call, release_finish))
        release_finish(connection, NULL);
}

static void file_flush(struct file *file)
{
    const struct fuse_handle *handle = file->private;
    const struct fuse_flush_in in = {.fh = handle->number};
    struct fuse_call call = {
        .operation = FUSE_FLUSH, .node = handle->node->number, .arguments = {{&in, sizeof(in)}}};

    if (!S_ISREG(file->inode->mode) || !handle->opened || !is_for_current(file))
        return;
    backed_write_back(file->inode, file->writable ? file : NULL);
    if (is_ending())
        flush_unwatched(handle->node->connection, &call);
    else
        fuse_call(handle->node->connection, &call);
    fuse_attributes_expire(file->inode);
}

static int handle_synchronise(const struct fuse_handle *handle, bool directory, bool data_only)
{
    const struct fuse_fsync_in in = {.fh = handle->number,
                                     .fsync_flags = data_only ? FUSE_FSYNC_FDATASYNC : 0};
    struct fuse_call call = {.operation = directory ? FUSE_FSYNCDIR : FUSE_FSYNC,
                             .node = handle->node->number,
                             .arguments = {{&in, sizeof(in)}}};

    int error = fuse_call(handle->node->connection, &call);
    return error == -ENOSYS ? 0 : error;
}

static int file_synchronise(struct file *file, bool data_only)
{
    bool directory = S_ISDIR(file->inode->mode);

    int error = directory ? 0 : backed_write_back(file->inode, file->writable ? file : NULL);
    return error ? error : handle_synchronise(file->private, directory, data_only);
}

static int inode_synchronise(struct inode *inode)
{
    struct fuse_handle *handle = fuse_handle_writing(fuse_node(inode));

    if (!handle)
        return 0;
    int error = backed_write_back(inode, NULL);
    if (!error)
        error = handle_synchronise(handle, false, false);
    fuse_handle_release(handle);
    return error;
}

int fuse_files_synchronise(struct fuse_connection *connection)
{
    struct inode *inode;
    uint64_t number = 0;
    int error = 0;

    while ((inode = fuse_inode_next(connection, &number))) {
        int here = inode_synchronise(inode);
        inode_release(inode);
        error = error ? error : here;
        thread_preemption_point();
        if (here == -EINTR || here == -ENOTCONN)
            break;
    }
    return error;
}

static int64_t file_seek(struct file *file, int64_t offset, int whence)
{
    const struct fuse_handle *handle = file->private;
    const struct fuse_lseek_in in = {
        .fh = handle->number, .offset = (uint64_t)offset, .whence = (uint32_t)whence};
    struct fuse_lseek_out out;
    struct fuse_call call = {.operation = FUSE_LSEEK,
                             .node = handle->node->number,
                             .arguments = {{&in, sizeof(in)}},
                             .answer = &out,
                             .answer_size = sizeof(out),
                             .whole = true};
    struct inode_attributes attributes;

    if (whence == SEEK_SET || whence == SEEK_CUR)
        return file_seek_size(file, offset, whence);
    int error = inode_attributes_now(file->inode, &attributes); /* its size */
    if (!error && (whence == SEEK_DATA || whence == SEEK_HOLE)) {
        error = fuse_call(handle->node->connection, &call);
        if (!error)
            return out.offset > INT64_MAX ? -EIO
                                          : file_seek_size(file, (int64_t)out.offset, SEEK_SET);
        if (error == -ENOSYS)
            error = 0;
    }
    return error ? error : file_seek_size(file, offset, whence);
}

static int file_allocate_node(struct file *file, int mode, int64_t offset, int64_t size)
{
    const struct fuse_handle *handle = file->private;
    const struct fuse_fallocate_in in = {.fh = handle->number,
                                         .offset = (uint64_t)offset,
                                         .length = (uint64_t)size,
                                         .mode = (uint32_t)mode};
    struct fuse_call call = {.operation = FUSE_FALLOCATE,
                             .node = handle->node->number,
                             .arguments = {{&in, sizeof(in)}}};
    struct inode *inode = file->inode;

    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    int error = inode_lock(inode);
    if (error)
        return error;
    error = backed_write_back(inode, file);
    fuse_version_raise(handle->node);
    if (!error)
        error = fuse_call(handle->node->connection, &call);
    if (!error && !(mode & FALLOC_FL_KEEP_SIZE) && (uint64_t)(offset + size) > inode_size(inode))
        backed_size_set(inode, (uint64_t)(offset + size));
    if (!error && mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        page_cache_drop(&inode->cache, (uint64_t)offset / PAGE_SIZE,
                        (uint64_t)(offset + size - 1) / PAGE_SIZE);
    fuse_attributes_expire(inode);
    mutex_release(&inode->lock);
    return error == -ENOSYS ? -EOPNOTSUPP : error;
}

/* Restricted: what the command's number says of its argument is all that moves (fuse_do_ioctl). */
static ssize_t file_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    const struct fuse_handle *handle = file->private;
    size_t size = _IOC_SIZE(command);
    struct fuse_ioctl_in in = {.fh = handle->number,
                               .flags = S_ISDIR(file->inode->mode) ? FUSE_IOCTL_DIR : 0,
                               .cmd = command,
                               .arg = argument,
                               .in_size = _IOC_DIR(command) & _IOC_WRITE ? (uint32_t)size : 0,
                               .out_size = _IOC_DIR(command) & _IOC_READ ? (uint32_t)size : 0};
    size_t room = sizeof(struct fuse_ioctl_out) + size;
    struct fuse_ioctl_out *out = heap_allocate(room + size);
    void *given = out ? (char *)out + room : NULL;
    ssize_t result = -ENOMEM;

    if (out)
        result = in.in_size ? user_copy_in(given, argument, size) : 0;
    if (!result) {
        struct fuse_call call = {.operation = FUSE_IOCTL,
                                 .node = handle->node->number,
                                 .arguments = {{&in, sizeof(in)}, {given, in.in_size}},
                                 .answer = out,
                                 .answer_size = room};
        result = fuse_call(handle->node->connection, &call);
        if (!result && (call.answer_size < sizeof(*out) || out->flags & FUSE_IOCTL_RETRY ||
                        !fuse_error_valid(out->result)))
            result = -EIO;
        size_t answered = call.answer_size - sizeof(*out);
        if (!result && in.out_size && user_copy_out(argument, out + 1, answered))
            result = -EFAULT;
        if (!result)
            result = out->result;
    }
    heap_free(out);
    return result == -ENOSYS ? -ENOTTY : result;
}

/* ---- directories ---- */

#define LIST_SIZE PAGE_SIZE /* of one answer */

/* Enters what FUSE_READDIRPLUS told of a name, beside the name. */
static void entry_known(struct dentry *directory, const struct fuse_directory_entry *entry)
{
    struct dentry *dentry;
    struct inode *inode;

    if (fuse_inode_get(fuse_of(directory->inode), &entry->entry, &inode))
        return;
    if (!cached_name_enter(directory, entry->name, entry->length, inode,
                           fuse_time_until(entry->entry.valid), &dentry))
        dentry_release(dentry);
    inode_release(inode);
}

/* Gives one answer's entries on. 1: go on, 0: the sink is full, or an error. */
static int list_give(struct file *file, struct directory_sink *sink, const void *answer,
                     size_t size, bool plus)
{
    struct fuse_directory_entry entry;
    bool full = false;
    size_t at = 0;
    int found;

    while ((found = fuse_directory_next(answer, size, plus, &at, &entry)) > 0) {
        if (entry.has_entry) /* also behind a full sink: the server has counted it */
            entry_known(file->path.dentry, &entry);
        if (full)
            continue;
        full = !sink->entry(sink, entry.name, entry.length, entry.number, entry.type,
                            (int64_t)entry.next);
        if (!full)
            file->offset = (int64_t)entry.next;
    }
    return found < 0 ? found : !full;
}

static int directory_iterate_node(struct file *file, struct directory_sink *sink)
{
    const struct fuse_handle *handle = file->private;
    struct fuse_connection *connection = handle->node->connection;
    bool plus = connection->terms.flags & FUSE_DO_READDIRPLUS &&
                !fuse_call_missing(connection, FUSE_READDIRPLUS);
    char *answer = heap_allocate(LIST_SIZE);
    int result = 1;

    if (!answer)
        return -ENOMEM;
    while (result > 0) {
        const struct fuse_read_in in = {
            .fh = handle->number, .offset = (uint64_t)file->offset, .size = LIST_SIZE};
        struct fuse_call call = {.operation = plus ? FUSE_READDIRPLUS : FUSE_READDIR,
                                 .node = handle->node->number,
                                 .arguments = {{&in, sizeof(in)}},
                                 .answer = answer,
                                 .answer_size = LIST_SIZE};
        result = fuse_call(connection, &call);
        if (result == -ENOSYS && plus) {
            plus = false;
            result = 1;
            continue;
        }
        if (result || !call.answer_size)
            break;
        int64_t before = file->offset;
        result = list_give(file, sink, answer, call.answer_size, plus);
        if (result > 0 && file->offset == before)
            result = -EIO; /* it would never end */
        thread_preemption_point();
    }
    heap_free(answer);
    return result < 0 ? result : 0;
}

const struct file_operations fuse_file_operations = {
    .open = file_open_node,
    .read = file_read_node,
    .write = file_write_node,
    .hasty_write = true,
    .seek = file_seek,
    .map = file_map_node,
    .ioctl = file_ioctl,
    .flush = file_flush,
    .synchronise = file_synchronise,
    .allocate = file_allocate_node,
    .release = file_release_node,
};
const struct file_operations fuse_directory_operations = {
    .open = file_open_node,
    .iterate = directory_iterate_node,
    .seek = directory_seek,
    .ioctl = file_ioctl,
    .synchronise = file_synchronise,
    .release = file_release_node,
};

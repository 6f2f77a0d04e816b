/* read_write.c: bytes in and out of files, whatever they are, of descriptors, and between them. */
#include <asm/errno.h>
#include <linux/fs.h>

#include "file/copy.h"
#include "file/descriptor_table.h"
#include "file/pipe.h"
#include "file/system_calls.h"
#include "memory/hasty_copy.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/injection.h"
#include "thread/preemption.h"

/* ---- files ---- */

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
    /* Read once: who gets the file from now on (pidfd_getfd) may move its offset meanwhile. */
    int64_t own = file->offset, *at = offset ? offset : &own;
    done = writes ? write_at(file, transfer, at) : read_at(file, transfer, at);
    if (!offset && !file->stream)
        file->offset = own;
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

/* ---- descriptors ---- */

static ssize_t read_or_write(struct file *file, bool writes, struct transfer *transfer)
{
    return writes ? file_write(file, transfer) : file_read(file, transfer);
}

static ssize_t read_or_write_at(struct file *file, bool writes, struct transfer *transfer,
                                int64_t offset)
{
    return writes ? file_write_at(file, transfer, &offset) : file_read_at(file, transfer, &offset);
}

/* Can the file be read or written at any place of it? */
static bool has_places(const struct file *file, bool writes)
{
    return !file->stream && file->operations->seek &&
           !(writes && file->operations->writes_in_order);
}

/* What the file has to say before anybody looks at the memory. */
static int check_file(const struct file *file, bool writes)
{
    if (!(writes ? file->writable : file->readable))
        return -EBADF;
    if (writes ? !!file->operations->write : !!file->operations->read)
        return 0;
    return S_ISDIR(file->inode->mode) ? 0 : -EINVAL; /* a directory's own error comes last */
}

/* The checks that come before the kind's own, in Linux's order. */
static int check_buffer(const struct file *file, bool writes, vaddr_t buffer, size_t size)
{
    int error = check_file(file, writes);

    return error ? error : user_range_ok(buffer, size) ? 0 : -EFAULT;
}

static inline __attribute__((always_inline)) ssize_t transfer_buffer(int descriptor, bool writes,
                                                                     vaddr_t buffer, size_t size)
{
    struct transfer transfer;

    struct file *held, *file = descriptor_use(descriptor, &held);
    if (!file)
        return -EBADF;
    ssize_t done = check_buffer(file, writes, buffer, size);
    if (!done) {
        transfer_user(&transfer, buffer, size < TRANSFER_MAXIMUM ? size : TRANSFER_MAXIMUM);
        done = move(file, &transfer, NULL, writes);
    }
    file_release(held);
    return done;
}

static ssize_t transfer_buffer_at(int descriptor, bool writes, vaddr_t buffer, size_t size,
                                  int64_t offset)
{
    struct transfer transfer;

    if (offset < 0)
        return -EINVAL;
    struct file *held, *file = descriptor_use(descriptor, &held);
    if (!file)
        return -EBADF;
    ssize_t done = -ESPIPE;
    if (has_places(file, writes))
        done = check_buffer(file, writes, buffer, size);
    if (!done) {
        transfer_user(&transfer, buffer, size < TRANSFER_MAXIMUM ? size : TRANSFER_MAXIMUM);
        done = read_or_write_at(file, writes, &transfer, offset);
    }
    file_release(held);
    return done;
}

#define OFFSET_CURRENT INT64_C(-1) /* preadv2's and pwritev2's */

static ssize_t transfer_once(struct file *file, bool writes, struct transfer *transfer,
                             int64_t offset)
{
    return offset == OFFSET_CURRENT ? read_or_write(file, writes, transfer)
                                    : read_or_write_at(file, writes, transfer, offset);
}

/* Each piece is a write of its own, as far as they are taken whole. */
static ssize_t write_each(struct file *file, const struct transfer_vector *vector)
{
    ssize_t total = 0;
    size_t left = vector->transfer.left;

    for (const struct iovec *piece = vector->segments; left; piece++) {
        struct transfer transfer;
        transfer_user(&transfer, (vaddr_t)piece->iov_base, piece->iov_len);
        ssize_t done = read_or_write(file, true, &transfer);
        if (done < 0)
            return total ? total : done;
        total += done;
        left -= (size_t)done;
        if ((size_t)done < piece->iov_len)
            break;
    }
    return total;
}

/* preadv2(2): of those that are known RWF_APPEND alone means something to RAM. RWF_NOWAIT is for
   what can tell whether it would wait. */
static int check_flags(const struct file *file, bool writes, int flags)
{
    int known = RWF_HIPRI;

    if (writes ? !file->operations->plain_write
               : file->operations->read && !file->operations->plain_read)
        known |= RWF_DSYNC | RWF_SYNC | RWF_APPEND;
    if (file->operations->takes_nowait && !(writes && file->operations->plain_write))
        known |= RWF_NOWAIT;
    return flags & ~known ? -EOPNOTSUPP : 0;
}

static ssize_t transfer_checked(struct file *file, bool writes, struct transfer_vector *vector,
                                int64_t offset, int flags)
{
    struct transfer *transfer = &vector->transfer;
    int error = check_file(file, writes);

    if (error || !transfer->left)
        return error;
    error = check_flags(file, writes, flags);
    if (error)
        return error;
    transfer->nowait = flags & RWF_NOWAIT;
    transfer->append = flags & RWF_APPEND;
    if (writes && file->operations->plain_write && offset == OFFSET_CURRENT)
        return write_each(file, vector);
    return transfer_once(file, writes, transfer, offset);
}

static ssize_t transfer_vectors(int descriptor, bool writes, vaddr_t address, unsigned long count,
                                int64_t offset, int flags)
{
    struct transfer_vector vector;

    struct file *held, *file = descriptor_use(descriptor, &held);
    if (!file)
        return -EBADF;
    ssize_t done = -ESPIPE;
    if (offset == OFFSET_CURRENT || has_places(file, writes))
        done = transfer_vector_begin(&vector, address, count);
    if (!done) {
        done = transfer_checked(file, writes, &vector, offset, flags);
        transfer_vector_end(&vector);
    }
    file_release(held);
    return done;
}

ssize_t sys_read(int descriptor, vaddr_t buffer, size_t size)
{
    return transfer_buffer(descriptor, false, buffer, size);
}

ssize_t sys_write(int descriptor, vaddr_t buffer, size_t size)
{
    return transfer_buffer(descriptor, true, buffer, size);
}

ssize_t sys_pread64(int descriptor, vaddr_t buffer, size_t size, int64_t offset)
{
    return transfer_buffer_at(descriptor, false, buffer, size, offset);
}

ssize_t sys_pwrite64(int descriptor, vaddr_t buffer, size_t size, int64_t offset)
{
    return transfer_buffer_at(descriptor, true, buffer, size, offset);
}

ssize_t sys_readv(int descriptor, vaddr_t vector, unsigned long count)
{
    return transfer_vectors(descriptor, false, vector, count, OFFSET_CURRENT, 0);
}

ssize_t sys_writev(int descriptor, vaddr_t vector, unsigned long count)
{
    return transfer_vectors(descriptor, true, vector, count, OFFSET_CURRENT, 0);
}

ssize_t sys_preadv(int descriptor, vaddr_t vector, unsigned long count, int64_t offset)
{
    return offset < 0 ? -EINVAL : transfer_vectors(descriptor, false, vector, count, offset, 0);
}

ssize_t sys_pwritev(int descriptor, vaddr_t vector, unsigned long count, int64_t offset)
{
    return offset < 0 ? -EINVAL : transfer_vectors(descriptor, true, vector, count, offset, 0);
}

/* preadv2 and pwritev2 know the offset -1, and flags. */
static ssize_t transfer_vectors_flagged(int descriptor, bool writes, vaddr_t vector,
                                        unsigned long count, int64_t offset, int flags)
{
    if (offset < OFFSET_CURRENT)
        return -EINVAL;
    return transfer_vectors(descriptor, writes, vector, count, offset, flags);
}

ssize_t sys_preadv2(int descriptor, vaddr_t vector, unsigned long count, int64_t offset,
                    uint64_t high, int flags)
{
    (void)high; /* of a 32-bit program's offset */
    return transfer_vectors_flagged(descriptor, false, vector, count, offset, flags);
}

ssize_t sys_pwritev2(int descriptor, vaddr_t vector, unsigned long count, int64_t offset,
                     uint64_t high, int flags)
{
    (void)high;
    return transfer_vectors_flagged(descriptor, true, vector, count, offset, flags);
}

ssize_t sys_lseek(int descriptor, int64_t offset, unsigned whence)
{
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    int64_t result = -ESPIPE;
    if (whence > SEEK_MAX) {
        result = -EINVAL;
    } else if (file->operations->seek) {
        /* Who reads has it as long as his memory is waited for. */
        result = mutex_acquire_killable(&file->offset_lock);
        if (!result) {
            result = file->operations->seek(file, offset, (int)whence);
            mutex_release(&file->offset_lock);
        }
    }
    file_release(file);
    return result;
}

/* ---- from file to file ---- */

static int copy_end_begin(struct copy_end *end, int descriptor, vaddr_t offset_address)
{
    *end = (struct copy_end){.offset_address = offset_address};
    end->file = descriptor_get(descriptor);
    if (!end->file)
        return -EBADF;
    if (!offset_address)
        return 0;
    if (!user_get(&end->offset, offset_address))
        return 0;
    file_release(end->file);
    return -EFAULT;
}

/* Gives the offset back to the caller; keeps an error that came before. */
static ssize_t copy_end_finish(struct copy_end *end, ssize_t result)
{
    if (result >= 0 && end->offset_address && user_put(end->offset_address, &end->offset))
        result = -EFAULT;
    file_release(end->file);
    return result;
}

ssize_t copy_end_move(struct copy_end *end, bool writes, void *buffer, size_t size)
{
    struct transfer transfer;

    transfer_kernel(&transfer, buffer, size);
    if (!end->offset_address)
        return read_or_write(end->file, writes, &transfer);
    return writes ? file_write_at(end->file, &transfer, &end->offset)
                  : file_read_at(end->file, &transfer, &end->offset);
}

void copy_end_return(struct copy_end *end, size_t size)
{
    if (end->offset_address) {
        end->offset -= (int64_t)size;
    } else if (!end->file->stream && !mutex_acquire_killable(&end->file->offset_lock)) {
        end->file->offset -= (int64_t)size;
        mutex_release(&end->file->offset_lock);
    }
}

/* Bytes moved, or an error when there are none. */
static ssize_t copy(struct copy_end *in, struct copy_end *out, size_t size)
{
    ssize_t total = 0, done = 0;

    char *buffer = heap_allocate(COPY_BUFFER_SIZE);
    if (!buffer)
        return -ENOMEM;
    while (size) {
        ssize_t got =
            copy_end_move(in, false, buffer, size < COPY_BUFFER_SIZE ? size : COPY_BUFFER_SIZE);
        done = got;
        if (got <= 0)
            break;
        ssize_t put = 0;
        while (put < got) {
            done = copy_end_move(out, true, buffer + put, (size_t)(got - put));
            if (done <= 0)
                break;
            put += done;
        }
        total += put;
        size -= (size_t)put;
        if (put < got) {
            copy_end_return(in, (size_t)(got - put));
            break;
        }
        if (got < COPY_BUFFER_SIZE && in->file->stream)
            break;
        if (thread_interrupted(THREAD_INTERRUPTIBLE))
            break;
        thread_preemption_point();
    }
    heap_free(buffer);
    return total ? total : done;
}

/* May sendfile(2) read here? */
static int check_sendfile_in(const struct copy_end *in, size_t count)
{
    if (!in->file->readable)
        return -EBADF;
    if (in->offset_address && !has_places(in->file, false))
        return -ESPIPE;
    return in->offset < 0 || (ssize_t)count < 0 ? -EINVAL : 0;
}

/* What is sent into a pipe is spliced there, from whatever has bytes; elsewhere goes only what
   comes from a place. In the order in which Linux finds what is wrong. */
static ssize_t sendfile(struct copy_end *in, struct copy_end *out, size_t count)
{
    const struct file_operations *from = in->file->operations, *to = out->file->operations;
    bool to_pipe = file_is_pipe(out->file);

    if (!out->file->writable)
        return -EBADF;
    if (!to_pipe && (out->file->flags & O_APPEND || !from->seek))
        return -EINVAL;
    if (!count)
        return 0;
    count = count < TRANSFER_MAXIMUM ? count : TRANSFER_MAXIMUM;
    if (to_pipe)
        return splice_to_pipe(in, out->file, count, file_nonblocking(out->file));
    if (!from->read || from->no_splice_in || in->file->stream || to->no_splice_out)
        return -EINVAL;
    return copy(in, out, count);
}

ssize_t sys_sendfile(int out_descriptor, int in_descriptor, vaddr_t offset, size_t count)
{
    struct copy_end in, out;

    ssize_t result = copy_end_begin(&in, in_descriptor, offset);
    if (result)
        return result;
    result = check_sendfile_in(&in, count);
    if (!result)
        result = copy_end_begin(&out, out_descriptor, 0);
    if (!result)
        result = copy_end_finish(&out, sendfile(&in, &out, count));
    return copy_end_finish(&in, result);
}

/* How many of `size` bytes the file has from this offset on. */
static size_t bytes_from(const struct inode *inode, int64_t offset, size_t size)
{
    uint64_t end = inode_size(inode), left = (uint64_t)offset < end ? end - (uint64_t)offset : 0;
    return size < left ? size : left;
}

ssize_t sys_copy_file_range(int in_descriptor, vaddr_t in_offset, int out_descriptor,
                            vaddr_t out_offset, size_t size, unsigned flags)
{
    struct copy_end in, out;

    int error = copy_end_begin(&in, in_descriptor, in_offset);
    if (error)
        return error;
    ssize_t result = copy_end_begin(&out, out_descriptor, out_offset);
    if (!result) {
        struct inode *from = in.file->inode, *to = out.file->inode;
        int64_t from_offset = in_offset ? in.offset : in.file->offset;
        int64_t to_offset = out_offset ? out.offset : out.file->offset;
        size_t there = bytes_from(from, from_offset, size);
        if (flags)
            result = -EINVAL;
        else if (S_ISDIR(from->mode) || S_ISDIR(to->mode))
            result = -EISDIR;
        else if (!S_ISREG(from->mode) || !S_ISREG(to->mode))
            result = -EINVAL;
        else if (!in.file->readable || !out.file->writable || out.file->flags & O_APPEND)
            result = -EBADF;
        else if (from_offset < 0 || to_offset < 0)
            result = -EINVAL;
        else if (from->file_system != to->file_system)
            result = -EXDEV;
        else if ((uint64_t)from_offset + size < size || (uint64_t)to_offset + size < size)
            result = -EOVERFLOW;
        else if (from == to && from_offset < to_offset + (int64_t)there &&
                 to_offset < from_offset + (int64_t)there)
            result = -EINVAL;
        else
            result = copy(&in, &out, there < TRANSFER_MAXIMUM ? there : TRANSFER_MAXIMUM);
        result = copy_end_finish(&out, result);
    }
    return copy_end_finish(&in, result);
}

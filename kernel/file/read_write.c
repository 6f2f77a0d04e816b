/* read_write.c: bytes in and out of descriptors, and between them. */
#include <asm/errno.h>
#include <linux/fs.h>

#include "file/copy.h"
#include "file/descriptor_table.h"
#include "file/system_calls.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

static ssize_t read_or_write(struct file *file, bool writes, struct transfer *transfer)
{
    return writes ? file_write(file, transfer) : file_read(file, transfer);
}

static ssize_t read_or_write_at(struct file *file, bool writes, struct transfer *transfer,
                                int64_t offset)
{
    if (file->stream || !file->operations->seek)
        return -ESPIPE;
    return writes ? file_write_at(file, transfer, &offset) : file_read_at(file, transfer, &offset);
}

/* The checks that come before the kind's own, in Linux's order. */
static int check_buffer(const struct file *file, bool writes, vaddr_t buffer, size_t size)
{
    if (!(writes ? file->writable : file->readable))
        return -EBADF;
    return user_range_ok(buffer, size) ? 0 : -EFAULT;
}

static ssize_t transfer_buffer(int descriptor, bool writes, vaddr_t buffer, size_t size)
{
    struct transfer transfer;

    struct file *held, *file = descriptor_use(descriptor, &held);
    if (!file)
        return -EBADF;
    ssize_t done = check_buffer(file, writes, buffer, size);
    if (!done) {
        transfer_user(&transfer, buffer, size < TRANSFER_MAXIMUM ? size : TRANSFER_MAXIMUM);
        done = read_or_write(file, writes, &transfer);
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
    if (!file->stream && file->operations->seek)
        done = check_buffer(file, writes, buffer, size);
    if (!done) {
        transfer_user(&transfer, buffer, size < TRANSFER_MAXIMUM ? size : TRANSFER_MAXIMUM);
        done = read_or_write_at(file, writes, &transfer, offset);
    }
    file_release(held);
    return done;
}

#define OFFSET_CURRENT INT64_C(-1) /* preadv2's and pwritev2's */

static ssize_t transfer_vectors(int descriptor, bool writes, vaddr_t address, unsigned long count,
                                int64_t offset)
{
    struct transfer_vector vector;

    struct file *held, *file = descriptor_use(descriptor, &held);
    if (!file)
        return -EBADF;
    ssize_t done = -EBADF;
    if (offset != OFFSET_CURRENT && (file->stream || !file->operations->seek))
        done = -ESPIPE;
    else if (writes ? file->writable : file->readable)
        done = transfer_vector_begin(&vector, address, count);
    if (!done) {
        if (offset == OFFSET_CURRENT)
            done = read_or_write(file, writes, &vector.transfer);
        else
            done = read_or_write_at(file, writes, &vector.transfer, offset);
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
    return transfer_vectors(descriptor, false, vector, count, OFFSET_CURRENT);
}

ssize_t sys_writev(int descriptor, vaddr_t vector, unsigned long count)
{
    return transfer_vectors(descriptor, true, vector, count, OFFSET_CURRENT);
}

ssize_t sys_preadv(int descriptor, vaddr_t vector, unsigned long count, int64_t offset)
{
    return offset < 0 ? -EINVAL : transfer_vectors(descriptor, false, vector, count, offset);
}

ssize_t sys_pwritev(int descriptor, vaddr_t vector, unsigned long count, int64_t offset)
{
    return offset < 0 ? -EINVAL : transfer_vectors(descriptor, true, vector, count, offset);
}

/* preadv2 and pwritev2 know the offset -1 and flags, of which those mean nothing to RAM that are
   not refused. */
static ssize_t transfer_vectors_flagged(int descriptor, bool writes, vaddr_t vector,
                                        unsigned long count, int64_t offset, int flags)
{
    if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC))
        return -EOPNOTSUPP;
    if (offset < OFFSET_CURRENT)
        return -EINVAL;
    return transfer_vectors(descriptor, writes, vector, count, offset);
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
    } else if (file->operations->seek && !file->stream) {
        mutex_acquire(&file->offset_lock);
        result = file->operations->seek(file, offset, (int)whence);
        mutex_release(&file->offset_lock);
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
    int error = 0;
    if (user_get(&end->offset, offset_address))
        error = -EFAULT;
    else if (end->file->stream || !end->file->operations->seek)
        error = -ESPIPE;
    else if (end->offset < 0)
        error = -EINVAL;
    if (error)
        file_release(end->file);
    return error;
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
    } else if (!end->file->stream) {
        mutex_acquire(&end->file->offset_lock);
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

ssize_t sys_sendfile(int out_descriptor, int in_descriptor, vaddr_t offset, size_t count)
{
    struct copy_end in, out;

    int error = copy_end_begin(&in, in_descriptor, offset);
    if (error)
        return error;
    ssize_t result = copy_end_begin(&out, out_descriptor, 0);
    if (!result) {
        if (!in.file->readable || !out.file->writable)
            result = -EBADF;
        else if (!in.file->operations->read || in.file->stream || out.file->flags & O_APPEND ||
                 (ssize_t)count < 0)
            result = -EINVAL;
        else
            result = copy(&in, &out, count < TRANSFER_MAXIMUM ? count : TRANSFER_MAXIMUM);
        result = copy_end_finish(&out, result);
    }
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

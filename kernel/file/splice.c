/*
 * splice.c: splice(2), tee(2) and vmsplice(2): bytes between a pipe and another
 * file that pass no program's memory.
 *
 * A pipe that is read from is claimed: its bytes are copied, written elsewhere,
 * and taken out when that is done, so that none is lost. Only the first byte is
 * waited for, and the first room; what comes later is another call's.
 */
#include <asm/errno.h>

#include "file/copy.h"
#include "file/descriptor_table.h"
#include "file/pipe.h"
#include "file/poll/poll.h"
#include "file/system_calls.h"
#include "memory/hasty_copy.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

/* splice(2); not among the UAPI headers. */
enum {
    SPLICE_MOVE = 1,
    SPLICE_NONBLOCKING = 2,
    SPLICE_MORE = 4,
    SPLICE_GIFT = 8,
    SPLICE_ALL = 15,
};

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* What is no pipe has bytes to give and to take (and not events, as an eventfd), and a given offset
   is one that it can be read or written at. */
static bool spliceable(const struct copy_end *end, bool writes)
{
    const struct file_operations *operations = end->file->operations;
    uint32_t mode = end->file->inode->mode;

    if (end->offset_address && (end->file->stream || !operations->seek || end->offset < 0))
        return false;
    if (writes ? operations->no_splice_out : operations->no_splice_in)
        return false;
    return file_is_pipe(end->file) || S_ISREG(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
           S_ISSOCK(mode);
}

/* ---- from a pipe ---- */

/* Where a pipe's bytes go: fewer than `size` when there is no room for more; or an error. */
typedef ssize_t (*splice_writer)(struct copy_end *to, char *bytes, size_t size);

static ssize_t write_to_file(struct copy_end *to, char *bytes, size_t size)
{
    return copy_end_move(to, true, bytes, size);
}

/* Room was waited for before the input was claimed. */
static ssize_t write_to_pipe(struct copy_end *to, char *bytes, size_t size)
{
    struct transfer transfer;

    transfer_kernel(&transfer, bytes, size);
    return pipe_put(to->file, &transfer, true);
}

/* Gives on what lies in a claimed pipe, which keeps it if it is a tee. Bytes, or an error when
   there are none. */
static ssize_t pour_claimed(struct file *in, struct copy_end *to, splice_writer writer, size_t size,
                            bool keeps, char *buffer, size_t buffer_size)
{
    size_t total = 0;
    ssize_t put = 0;

    while (total < size) {
        size_t got = pipe_peek(in, keeps ? total : 0, buffer, smaller(size - total, buffer_size));
        put = got ? writer(to, buffer, got) : 0;
        if (put <= 0)
            break;
        if (!keeps)
            pipe_consume(in, (size_t)put);
        total += (size_t)put;
        if ((size_t)put < got || thread_interrupted(THREAD_INTERRUPTIBLE))
            break;
        thread_preemption_point();
    }
    return total ? (ssize_t)total : put;
}

static ssize_t pour(struct file *in, struct copy_end *to, splice_writer writer, size_t size,
                    bool keeps)
{
    /* Where each write is a message, all of it is written at once. */
    bool messages = to->file->operations->messages;
    size_t buffer_size = messages ? FILE_MESSAGE_MAXIMUM : COPY_BUFFER_SIZE;
    char *buffer = heap_allocate(buffer_size);
    if (!buffer)
        return -ENOMEM;
    ssize_t done = pipe_claim(in);
    if (!done) {
        done = pour_claimed(in, to, writer, size, keeps, buffer, buffer_size);
        pipe_unclaim(in);
    }
    heap_free(buffer);
    return done;
}

static ssize_t pipe_to_pipe(struct file *in, struct file *out, size_t size, bool nonblocking,
                            bool keeps)
{
    struct copy_end to = {.file = out};

    for (;;) {
        ssize_t there = pipe_wait_bytes(in, nonblocking);
        if (there <= 0)
            return there;
        ssize_t room = pipe_wait_room(out, nonblocking);
        if (room < 0)
            return room;
        ssize_t done = pour(in, &to, write_to_pipe, size, keeps);
        if (done > 0 || (done < 0 && done != -EAGAIN) || nonblocking)
            return done ? done : -EAGAIN;
        /* Another reader or writer was quicker. */
    }
}

static ssize_t pipe_to_file(struct file *in, struct copy_end *out, size_t size, bool nonblocking)
{
    ssize_t there, done = 0;

    if (out->file->flags & O_APPEND)
        return -EINVAL;
    while (!done) { /* another reader may be quicker */
        there = pipe_wait_bytes(in, nonblocking);
        if (there <= 0)
            return there;
        done = pour(in, out, write_to_file, size, false);
    }
    return done;
}

/* ---- to a pipe ---- */

/* A stream is read once: what comes later might have to be waited for. */
static ssize_t fill(struct copy_end *in, struct file *out, size_t size, char *buffer,
                    size_t buffer_size)
{
    size_t total = 0;
    ssize_t done = 0;

    while (total < size) {
        size_t wanted = smaller(size - total, buffer_size);
        ssize_t got = done = copy_end_move(in, false, buffer, wanted);
        if (got <= 0)
            break;
        struct transfer transfer;
        transfer_kernel(&transfer, buffer, (size_t)got);
        /* What a stream gave cannot be given back if another writer took the room. */
        done = pipe_put(out, &transfer, !in->file->stream);
        size_t put = done > 0 ? (size_t)done : 0;
        total += put;
        if (put < (size_t)got)
            copy_end_return(in, (size_t)got - put);
        if (put < wanted || in->file->stream || thread_interrupted(THREAD_INTERRUPTIBLE))
            break;
        thread_preemption_point();
    }
    return total ? (ssize_t)total : done;
}

ssize_t splice_to_pipe(struct copy_end *in, struct file *out, size_t size, bool nonblocking)
{
    if (file_is_pipe(in->file) || !spliceable(in, false))
        return -EINVAL;
    ssize_t room = pipe_wait_room(out, nonblocking);
    if (room < 0)
        return room;
    /* Where each read is a message, its own O_NONBLOCK counts, not the pipe's (libfuse has such).
     */
    bool messages = in->file->operations->messages;
    if (nonblocking && !messages && in->file->stream &&
        !(file_poll(in->file, NULL) & (POLLIN | POLLHUP)))
        return -EAGAIN;
    size_t buffer_size = messages ? FILE_MESSAGE_MAXIMUM : COPY_BUFFER_SIZE;
    char *buffer = heap_allocate(buffer_size);
    if (!buffer)
        return -ENOMEM;
    ssize_t done = fill(in, out, smaller(size, (size_t)room), buffer, buffer_size);
    heap_free(buffer);
    return done;
}

/* ---- the calls ---- */

/* Both files of a call. 0 or -EBADF. */
static int splice_begin(struct copy_end *in, int in_descriptor, struct copy_end *out,
                        int out_descriptor)
{
    in->file = descriptor_get(in_descriptor);
    if (!in->file)
        return -EBADF;
    out->file = descriptor_get(out_descriptor);
    if (out->file)
        return 0;
    file_release(in->file);
    return -EBADF;
}

static int offset_read(struct copy_end *end)
{
    if (!end->offset_address)
        return 0;
    if (file_is_pipe(end->file))
        return -ESPIPE;
    return user_get(&end->offset, end->offset_address) ? -EFAULT : 0;
}

static int offset_write(const struct copy_end *end)
{
    if (!end->offset_address)
        return 0;
    return user_put(end->offset_address, &end->offset) ? -EFAULT : 0;
}

static bool splice_nonblocking(const struct copy_end *end, unsigned flags)
{
    return flags & SPLICE_NONBLOCKING || file_nonblocking(end->file);
}

/* In the order in which Linux finds what is wrong. */
static ssize_t splice(struct copy_end *in, struct copy_end *out, size_t size, unsigned flags)
{
    bool from_pipe = file_is_pipe(in->file), to_pipe = file_is_pipe(out->file);

    if (!in->file->readable || !out->file->writable)
        return -EBADF;
    if ((!from_pipe && !to_pipe) || !spliceable(in, false) || !spliceable(out, true))
        return -EINVAL;
    if (!to_pipe && (ssize_t)size < 0)
        return -EINVAL;
    size = smaller(size, TRANSFER_MAXIMUM);
    if (from_pipe && to_pipe) {
        if (in->file->inode == out->file->inode)
            return -EINVAL;
        bool nonblocking = splice_nonblocking(in, flags) || splice_nonblocking(out, flags);
        return pipe_to_pipe(in->file, out->file, size, nonblocking, false);
    }
    return from_pipe ? pipe_to_file(in->file, out, size, splice_nonblocking(in, flags))
                     : splice_to_pipe(in, out->file, size, splice_nonblocking(out, flags));
}

ssize_t sys_splice(int in_descriptor, vaddr_t in_offset, int out_descriptor, vaddr_t out_offset,
                   size_t size, unsigned flags)
{
    struct copy_end in = {.offset_address = in_offset}, out = {.offset_address = out_offset};

    if (!size)
        return 0;
    if (flags & ~(unsigned)SPLICE_ALL)
        return -EINVAL;
    ssize_t result = splice_begin(&in, in_descriptor, &out, out_descriptor);
    if (result)
        return result;
    if (file_is_pipe(in.file) && in_offset)
        result = -ESPIPE;
    else if (!(result = offset_read(&out)))
        result = offset_read(&in);
    if (!result)
        result = splice(&in, &out, size, flags);
    if (result >= 0 && (offset_write(&out) || offset_write(&in)))
        result = -EFAULT;
    file_release(out.file);
    file_release(in.file);
    return result;
}

ssize_t sys_tee(int in_descriptor, int out_descriptor, size_t size, unsigned flags)
{
    struct copy_end in = {0}, out = {0};

    if (flags & ~(unsigned)SPLICE_ALL)
        return -EINVAL;
    if (!size)
        return 0;
    ssize_t result = splice_begin(&in, in_descriptor, &out, out_descriptor);
    if (result)
        return result;
    if (!in.file->readable || !out.file->writable)
        result = -EBADF;
    else if (!file_is_pipe(in.file) || !file_is_pipe(out.file) || in.file->inode == out.file->inode)
        result = -EINVAL;
    else
        result =
            pipe_to_pipe(in.file, out.file, smaller(size, TRANSFER_MAXIMUM),
                         splice_nonblocking(&in, flags) || splice_nonblocking(&out, flags), true);
    file_release(out.file);
    file_release(in.file);
    return result;
}

/* The pipe's lock is others' too: memory that lies elsewhere is waited for without it. */
static ssize_t put_hastily(struct file *pipe, struct transfer *from)
{
    const struct transfer before = *from;

    for (;; *from = before) {
        hasty_copy_begin();
        ssize_t done = pipe_put(pipe, from, true);
        if (!hasty_copy_end() || done != -EFAULT || hasty_copy_wait())
            return done;
    }
}

/* A pipe's bytes are its own: the program's pages are copied, as vmsplice(2) allows. */
static ssize_t vmsplice(struct file *file, vaddr_t address, unsigned long count, unsigned flags)
{
    struct transfer_vector vector;

    if (!file->writable && !file->readable)
        return -EBADF;
    ssize_t done = transfer_vector_begin(&vector, address, count);
    if (done)
        return done;
    bool nonblocking = flags & SPLICE_NONBLOCKING;
    if (vector.transfer.left && !file_is_pipe(file))
        done = -EBADF;
    else if (vector.transfer.left)
        done = file->writable ? pipe_wait_room(file, nonblocking)
                              : pipe_wait_bytes(file, nonblocking || file_nonblocking(file));
    if (done > 0)
        done = file->writable ? put_hastily(file, &vector.transfer)
                              : file_read(file, &vector.transfer);
    transfer_vector_end(&vector);
    return done;
}

ssize_t sys_vmsplice(int descriptor, vaddr_t vector, unsigned long count, unsigned flags)
{
    if (flags & ~(unsigned)SPLICE_ALL)
        return -EINVAL;
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    ssize_t done = vmsplice(file, vector, count, flags);
    file_release(file);
    return done;
}

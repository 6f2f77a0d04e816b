/*
 * memory_file.c: /proc/PID/mem: a process's memory as a file whose offsets are its addresses.
 *
 * Whether the opener may look is asked once, when it opens, and what it may look into is the image
 * that was taken in the same step (process/trace_access.h): of the next image, which may be of
 * another user's rights, nothing is ever seen. Bytes move only where the program itself could read
 * or write: unlike Linux's, this file does not write to what is read-only, so that it is no way
 * round "writable or executable".
 */
#include <asm/errno.h>
#include <linux/fs.h>

#include "file/file.h"
#include "memory/heap.h"
#include "proc/process/files.h"
#include "proc/process/target.h"
#include "thread/preemption.h"

/* `private`: the address space, observed, or NULL: the process had left it. */
static int memory_open(struct inode *inode, struct file *file)
{
    struct address_space *space = NULL;

    (void)inode;
    int error = pid_trace_memory(pseudo_file_key(file), &space);
    if (error == -EPERM)
        return -EACCES;
    file->private = error ? NULL : space;
    return 0;
}

static void memory_release(struct file *file)
{
    if (file->private)
        address_space_unobserve(file->private);
}

/* Up to a page's end: in at most one step more or less is known of what is there. */
static size_t piece_size(int64_t address, size_t left)
{
    size_t in_page = PAGE_SIZE - (uint64_t)address % PAGE_SIZE;
    return left < in_page ? left : in_page;
}

/* One piece from the other's memory to the caller's, or back. Bytes moved, or an error: -EIO for
   the other's memory, -EFAULT for the caller's. */
static ssize_t move_piece(struct address_space *space, struct transfer *transfer, vaddr_t address,
                          void *page, size_t size, bool writes)
{
    size_t done;

    if (writes) {
        done = transfer_in(transfer, page, size);
        if (!done)
            return -EFAULT;
        return address_space_copy_out(space, address, page, done) ? -EIO : (ssize_t)done;
    }
    if (address_space_copy_in(space, page, address, size))
        return -EIO;
    done = transfer_out(transfer, page, size);
    return done ? (ssize_t)done : -EFAULT;
}

static ssize_t move(struct file *file, struct transfer *transfer, int64_t *offset, bool writes)
{
    struct address_space *space = file->private;
    ssize_t total = 0, done = 0;

    if (!transfer->left || !space || address_space_has_ended(space))
        return 0;
    void *page = heap_allocate(PAGE_SIZE);
    if (!page)
        return -ENOMEM;
    while (transfer->left) {
        size_t size = piece_size(*offset, transfer->left);
        done = move_piece(space, transfer, (vaddr_t)*offset, page, size, writes);
        if (done < 0)
            break;
        total += done;
        *offset = (int64_t)((uint64_t)*offset + (uint64_t)done);
        if ((size_t)done < size || thread_interrupted(THREAD_KILLABLE))
            break;
        thread_preemption_point();
    }
    heap_free(page);
    return total ? total : done;
}

static ssize_t memory_read(struct file *file, struct transfer *to, int64_t *offset)
{
    return move(file, to, offset, false);
}

static ssize_t memory_write(struct file *file, struct transfer *from, int64_t *offset)
{
    return move(file, from, offset, true);
}

/* An address may be any number. */
static int64_t memory_seek(struct file *file, int64_t offset, int whence)
{
    if (whence == SEEK_CUR)
        offset = (int64_t)((uint64_t)offset + (uint64_t)file->offset);
    else if (whence != SEEK_SET)
        return -EINVAL;
    return file->offset = offset;
}

static int memory_synchronise(struct file *file, bool data_only)
{
    (void)data_only;
    (void)file;
    return -EINVAL;
}

/* What is left of a space when its users have gone: itself, and a root. */
static uint64_t memory_held(const struct file *file)
{
    return file->private ? sizeof(struct address_space) + PAGE_SIZE : 0;
}

const struct file_operations pid_memory_operations = {
    .open = memory_open,
    .read = memory_read,
    .write = memory_write,
    .seek = memory_seek,
    .synchronise = memory_synchronise,
    .any_offset = true,
    .plain_read = true,
    .plain_write = true,
    .no_splice_in = true,
    .no_splice_out = true,
    .memory = memory_held,
    .release = memory_release,
};

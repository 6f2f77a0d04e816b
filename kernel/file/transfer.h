/* transfer.h: the memory that a read fills or a write empties. */
#ifndef BATON_FILE_TRANSFER_H
#define BATON_FILE_TRANSFER_H

#include <linux/uio.h>

#include "memory/address_space.h"

/*
 * transfer: the other side of a read or write: one or several pieces of user
 * memory, or of kernel memory. It remembers how far it came.
 */
struct transfer {
    vaddr_t address;          /* of the next byte … */
    size_t run;               /* … and how many lie behind each other from there */
    const struct iovec *next; /* the pieces behind these; looked at while `left` says that there are
                                 more */
    size_t left;              /* bytes in all */
    bool kernel;              /* kernel memory */
    bool nowait; /* RWF_NOWAIT: -EAGAIN rather than sleep, where the kind looks at it */
    bool append; /* a write goes to the end, as with O_APPEND: RWF_APPEND */
};
static inline void transfer_user(struct transfer *transfer, vaddr_t buffer, size_t size)
{
    transfer->address = buffer;
    transfer->run = transfer->left = size;
    transfer->kernel = transfer->nowait = transfer->append = false;
}
static inline void transfer_kernel(struct transfer *transfer, void *buffer, size_t size)
{
    transfer_user(transfer, (vaddr_t)buffer, size);
    transfer->kernel = true;
}
void transfer_segments(struct transfer *transfer, const struct iovec *segments, size_t total);
/* Moves at most `size` bytes to or from the transfer; fewer: it is full, or memory faulted
   (transfer->left tells). May sleep (user memory): no spinlock, no page cache lock. */
size_t transfer_out(struct transfer *transfer, const void *from, size_t size);
size_t transfer_in(struct transfer *transfer, void *to, size_t size);
size_t transfer_zeros(struct transfer *transfer, size_t size);

/* Has the first pages of a program's memory come from wherever they lie. They may go again. */
void transfer_touch(const struct transfer *transfer);

/* Leaves out the next bytes, of which there are so many. */
void transfer_skip(struct transfer *transfer, size_t size);

/* ---- for this room and that of sockets ---- */

#define TRANSFER_SEGMENTS_MAXIMUM 1024
#define TRANSFER_SEGMENTS_SMALL   8
/* The largest count of one read or write (Linux's MAX_RW_COUNT). */
#define TRANSFER_MAXIMUM 0x7ffff000UL
/* A vector from user memory: 0 or an error; after 0 call transfer_vector_end. */
struct transfer_vector {
    struct transfer transfer;
    struct iovec small[TRANSFER_SEGMENTS_SMALL];
    struct iovec *segments;
};
/* The next piece in one run of memory, of at most `maximum` bytes: its size, 0 at the end. */
size_t transfer_piece(struct transfer *transfer, vaddr_t *address, size_t maximum);
void transfer_advance(struct transfer *transfer, size_t size);
int transfer_vector_begin(struct transfer_vector *vector, vaddr_t address, unsigned count);
void transfer_vector_end(struct transfer_vector *vector);

#endif

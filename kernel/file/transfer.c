/* transfer.c: the memory on the other side of a read or write. */
#include <asm/errno.h>

#include "file/file.h"
#include "file/transfer.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

void transfer_segments(struct transfer *transfer, const struct iovec *segments, size_t total)
{
    *transfer = (struct transfer){.next = segments, .left = total};
}

size_t transfer_piece(struct transfer *transfer, vaddr_t *address, size_t maximum)
{
    if (!transfer->left)
        return 0;
    while (!transfer->run) {
        transfer->address = (vaddr_t)transfer->next->iov_base;
        transfer->run = transfer->next->iov_len;
        transfer->next++;
    }
    size_t size = transfer->run < transfer->left ? transfer->run : transfer->left;
    *address = transfer->address;
    return size < maximum ? size : maximum;
}

void transfer_advance(struct transfer *transfer, size_t size)
{
    transfer->address += size;
    transfer->run -= size;
    transfer->left -= size;
}

/* What is done with one piece; returns the bytes done. */
static size_t piece_out(const struct transfer *transfer, vaddr_t to, const void *from, size_t size)
{
    if (!transfer->kernel)
        return user_copy_out_partial(to, from, size);
    memcpy((void *)to, from, size);
    return size;
}

static size_t piece_in(const struct transfer *transfer, void *to, vaddr_t from, size_t size)
{
    if (!transfer->kernel)
        return user_copy_in_partial(to, from, size);
    memcpy(to, (const void *)from, size);
    return size;
}

static size_t piece_zero(const struct transfer *transfer, vaddr_t to, size_t size)
{
    if (!transfer->kernel)
        return user_zero(to, size) ? 0 : size;
    memset((void *)to, 0, size);
    return size;
}

/* Nearly always the program's memory is one piece. */
static bool is_one_user_piece(const struct transfer *transfer, size_t size)
{
    return size <= transfer->run && size <= transfer->left && !transfer->kernel;
}

static __attribute__((noinline)) size_t pieces_out(struct transfer *transfer, const void *from,
                                                   size_t size)
{
    size_t total = 0, piece, done;
    vaddr_t address;

    while ((piece = transfer_piece(transfer, &address, size - total)) > 0) {
        done = piece_out(transfer, address, (const char *)from + total, piece);
        transfer_advance(transfer, done);
        total += done;
        if (done < piece)
            break;
    }
    return total;
}

size_t transfer_out(struct transfer *transfer, const void *from, size_t size)
{
    if (!is_one_user_piece(transfer, size))
        return pieces_out(transfer, from, size);
    size_t done = user_copy_out_partial(transfer->address, from, size);
    transfer_advance(transfer, done);
    return done;
}

static __attribute__((noinline)) size_t pieces_in(struct transfer *transfer, void *to, size_t size)
{
    size_t total = 0, piece, done;
    vaddr_t address;

    while ((piece = transfer_piece(transfer, &address, size - total)) > 0) {
        done = piece_in(transfer, (char *)to + total, address, piece);
        transfer_advance(transfer, done);
        total += done;
        if (done < piece)
            break;
    }
    return total;
}

size_t transfer_in(struct transfer *transfer, void *to, size_t size)
{
    if (!is_one_user_piece(transfer, size))
        return pieces_in(transfer, to, size);
    size_t done = user_copy_in_partial(to, transfer->address, size);
    transfer_advance(transfer, done);
    return done;
}

static __attribute__((noinline)) size_t pieces_zero(struct transfer *transfer, size_t size)
{
    size_t total = 0, piece, done;
    vaddr_t address;

    while (total < size && (piece = transfer_piece(transfer, &address, size - total)) > 0) {
        done = piece_zero(transfer, address, piece < PAGE_SIZE ? piece : PAGE_SIZE);
        if (!done)
            break;
        transfer_advance(transfer, done);
        total += done;
    }
    return total;
}

size_t transfer_zeros(struct transfer *transfer, size_t size)
{
    if (size > PAGE_SIZE || !is_one_user_piece(transfer, size))
        return pieces_zero(transfer, size);
    if (user_zero(transfer->address, size))
        return 0;
    transfer_advance(transfer, size);
    return size;
}

void transfer_skip(struct transfer *transfer, size_t size)
{
    vaddr_t address;

    while (size) {
        size_t piece = transfer_piece(transfer, &address, size);
        transfer_advance(transfer, piece);
        size -= piece;
    }
}

#define TOUCHED_AT_ONCE (16 * PAGE_SIZE)

void transfer_touch(const struct transfer *transfer)
{
    struct transfer left = *transfer;
    vaddr_t address;
    size_t size;
    char byte;

    if (left.left > TOUCHED_AT_ONCE)
        left.left = TOUCHED_AT_ONCE;
    while ((size = transfer_piece(&left, &address, PAGE_SIZE - left.address % PAGE_SIZE)) > 0) {
        if (user_copy_in(&byte, address, 1))
            return;
        transfer_advance(&left, size);
        thread_preemption_point();
    }
}

int transfer_vector_begin(struct transfer_vector *vector, vaddr_t address, unsigned count)
{
    vector->segments = vector->small;
    if (count > TRANSFER_SEGMENTS_MAXIMUM)
        return -EINVAL;
    if (count > TRANSFER_SEGMENTS_SMALL) {
        vector->segments = heap_allocate(count * sizeof(struct iovec));
        if (!vector->segments)
            return -ENOMEM;
    }
    int error = user_copy_in(vector->segments, address, count * sizeof(struct iovec));
    size_t total = 0;
    for (unsigned long i = 0; i < count && !error; i++) {
        struct iovec *segment = &vector->segments[i];
        if ((ssize_t)segment->iov_len < 0)
            error = -EINVAL;
        else if (!user_range_ok((vaddr_t)segment->iov_base, segment->iov_len))
            error = -EFAULT;
        else if (segment->iov_len > TRANSFER_MAXIMUM - total)
            segment->iov_len = TRANSFER_MAXIMUM - total;
        total += segment->iov_len;
    }
    if (error) {
        transfer_vector_end(vector);
        return error;
    }
    transfer_segments(&vector->transfer, vector->segments, total);
    return 0;
}

void transfer_vector_end(struct transfer_vector *vector)
{
    if (vector->segments != vector->small)
        heap_free(vector->segments);
}

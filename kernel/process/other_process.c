/*
 * other_process.c: what a process may see of another one and take from it: its memory
 * (process_vm_readv(2)), its descriptors (pidfd_getfd(2)), what it shares (kcmp(2)).
 */
#include <asm/errno.h>
#include <linux/kcmp.h>
#include <linux/uio.h>

#include "file/descriptor_table.h"
#include "file/device.h"
#include "file/tree/file_system_context.h"
#include "library/align.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/pidfd.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "process/trace_access.h"
#include "thread/preemption.h"

/* ---- memory ---- */

/* The pieces that a vector of user memory names, one after the other. */
struct pieces {
    struct iovec *vector;
    size_t count;
    size_t at;     /* the piece that is in work */
    size_t offset; /* bytes done of it */
};

/* 0, -EINVAL, -EFAULT, -ENOMEM; readv(2) says the same. *total: bytes in all. */
static int pieces_begin(struct pieces *pieces, vaddr_t from, size_t count, uint64_t *total)
{
    *pieces = (struct pieces){.count = count};
    *total = 0;
    if (count > UIO_MAXIOV)
        return -EINVAL;
    if (!count)
        return 0;
    pieces->vector = heap_allocate(count * sizeof(struct iovec));
    if (!pieces->vector)
        return -ENOMEM;
    int error = user_copy_in(pieces->vector, from, count * sizeof(struct iovec)) ? -EFAULT : 0;
    for (size_t i = 0; i < count && !error; i++) {
        *total += pieces->vector[i].iov_len;
        if (pieces->vector[i].iov_len > INT64_MAX || *total > INT64_MAX)
            error = -EINVAL;
    }
    if (error)
        heap_free(pieces->vector);
    return error;
}

static void pieces_end(struct pieces *pieces)
{
    if (pieces->vector)
        heap_free(pieces->vector);
}

/* What is left of the piece in work, and where; 0: there is nothing left. */
static size_t pieces_left(struct pieces *pieces, vaddr_t *address)
{
    while (pieces->at < pieces->count) {
        const struct iovec *piece = &pieces->vector[pieces->at];
        if (pieces->offset < piece->iov_len) {
            *address = (vaddr_t)piece->iov_base + pieces->offset;
            return piece->iov_len - pieces->offset;
        }
        pieces->at++;
        pieces->offset = 0;
    }
    return 0;
}

/* Copies page by page of the other process, so that what could be copied is known to the page. */
static ssize_t copy_pieces(struct address_space *other, struct pieces *local, struct pieces *remote,
                           void *page, bool writes)
{
    ssize_t done = 0;
    vaddr_t here, there;

    for (;;) {
        size_t left = pieces_left(local, &here), size = pieces_left(remote, &there);
        size_t in_page = PAGE_SIZE - there % PAGE_SIZE;
        size = size < left ? size : left;
        size = size < in_page ? size : in_page;
        if (!size)
            return done;
        int error = writes ? user_copy_in(page, here, size)
                           : address_space_copy_in(other, page, there, size);
        if (!error)
            error = writes ? address_space_copy_out(other, there, page, size)
                           : user_copy_out(here, page, size);
        if (error)
            return done ? done : error;
        local->offset += size;
        remote->offset += size;
        done += (ssize_t)size;
        thread_preemption_point();
        if (thread_interrupted(THREAD_KILLABLE))
            return done;
    }
}

/* -ESRCH, -EPERM, or *space, observed. */
static int other_space(int id, struct address_space **space)
{
    struct user_thread *thread = id > 0 ? user_thread_find(id) : NULL;

    if (!thread)
        return -ESRCH;
    int error = trace_address_space(thread, TRACE_AS_USER, space);
    user_thread_release(thread);
    return error;
}

static ssize_t copy_memory(int id, struct pieces *local, struct pieces *remote, bool writes)
{
    struct address_space *other;

    int error = other_space(id, &other);
    if (error)
        return error;
    void *page = heap_allocate(PAGE_SIZE);
    ssize_t result = page ? copy_pieces(other, local, remote, page, writes) : -ENOMEM;
    if (page)
        heap_free(page);
    address_space_unobserve(other);
    return result;
}

static ssize_t process_memory(int id, vaddr_t local_vector, size_t local_count,
                              vaddr_t remote_vector, size_t remote_count, uint64_t flags,
                              bool writes)
{
    struct pieces local, remote;
    uint64_t local_size, remote_size;

    if (flags)
        return -EINVAL;
    ssize_t result = pieces_begin(&local, local_vector, local_count, &local_size);
    if (result)
        return result;
    result = pieces_begin(&remote, remote_vector, remote_count, &remote_size);
    if (!result) {
        if (local_size && remote_size)
            result = copy_memory(id, &local, &remote, writes);
        pieces_end(&remote);
    }
    pieces_end(&local);
    return result;
}

ssize_t sys_process_vm_readv(int id, vaddr_t local, size_t local_count, vaddr_t remote,
                             size_t remote_count, uint64_t flags)
{
    return process_memory(id, local, local_count, remote, remote_count, flags, false);
}

ssize_t sys_process_vm_writev(int id, vaddr_t local, size_t local_count, vaddr_t remote,
                              size_t remote_count, uint64_t flags)
{
    return process_memory(id, local, local_count, remote, remote_count, flags, true);
}

/* ---- descriptors ---- */

ssize_t sys_pidfd_getfd(int process_descriptor, int descriptor, unsigned flags)
{
    struct file *file;
    bool nonblocking;

    if (flags)
        return -EINVAL;
    struct process *process = process_file_get(process_descriptor, &nonblocking);
    if (!process)
        return -EBADF;
    struct user_thread *thread = process_thread_get(process);
    int error = -ESRCH;
    if (thread) {
        error = trace_file(thread, TRACE_AS_USER, (unsigned)descriptor, &file, NULL);
        user_thread_release(thread);
    }
    process_release(process);
    return error ? error : descriptor_add(file, true);
}

/* ---- kcmp(2) ---- */

/*
 * Where a kernel's object lies is nobody's business, not even which of two lies below the other:
 * addresses are compared as these random numbers make them, two for each type, of which the factor
 * is odd, so that different ones stay different. Constant once they are drawn.
 */
static struct comparison_key {
    uint64_t mask, factor;
} comparison_keys[KCMP_TYPES];

void kcmp_initialize(void)
{
    random_fill(comparison_keys, sizeof(comparison_keys));
    for (size_t i = 0; i < array_length(comparison_keys); i++)
        comparison_keys[i].factor |= 1;
}

static uint64_t obscured(const void *part, int type)
{
    return ((uint64_t)part ^ comparison_keys[type].mask) * comparison_keys[type].factor;
}

/* What kcmp compares of a thread: an address. What lies there is held until then: another thing
   could come to lie there. */
struct part {
    void *address;
    void (*release)(void *address);
};

static void release_file(void *address)
{
    file_release(address);
}
static void release_space(void *address)
{
    address_space_unobserve(address);
}
static void release_descriptors(void *address)
{
    descriptor_table_release(address);
}
static void release_file_system(void *address)
{
    file_system_context_release(address);
}
static void release_actions(void *address)
{
    signal_actions_release(address);
}

static void part_release(struct part *part)
{
    if (part->address)
        part->release(part->address);
}

/* Process's lock held. */
static struct part part_get(struct user_thread *thread, int type)
{
    struct thread *base = &thread->thread;
    struct signal_actions *actions = base->process->signals.actions;

    switch (type) {
    case KCMP_VM:
        if (base->address_space)
            address_space_observe(base->address_space);
        return (struct part){base->address_space, release_space};
    case KCMP_FILES:
        if (base->descriptors)
            descriptor_table_reference(base->descriptors);
        return (struct part){base->descriptors, release_descriptors};
    case KCMP_FS:
        if (base->file_system)
            file_system_context_reference(base->file_system);
        return (struct part){base->file_system, release_file_system};
    case KCMP_SIGHAND:
        if (actions)
            signal_actions_reference(actions);
        return (struct part){actions, release_actions};
    default: /* I/O contexts and System V semaphores: there are none to be shared */
        return (struct part){0};
    }
}

static int part_take(struct user_thread *thread, int type, uint64_t index, struct part *part)
{
    struct process *process = thread->thread.process;

    *part = (struct part){0};
    if (type == KCMP_FILE) {
        struct file *file;
        unsigned descriptor = index <= INT32_MAX ? (unsigned)index : UINT32_MAX;
        int error = trace_file(thread, TRACE_AS_USER, descriptor, &file, NULL);
        *part = (struct part){file, release_file};
        return error == -ESRCH ? -EBADF : error;
    }
    bool enabled = spinlock_acquire_save(&process->lock);
    bool allowed = trace_allowed(thread, TRACE_AS_USER);
    if (allowed)
        *part = part_get(thread, type);
    spinlock_release_restore(&process->lock, enabled);
    return !allowed ? -EPERM : type < 0 || type > KCMP_SYSVSEM ? -EINVAL : 0;
}

ssize_t sys_kcmp(int id1, int id2, int type, uint64_t index1, uint64_t index2)
{
    struct part part1 = {0}, part2 = {0};
    struct user_thread *thread1 = id1 > 0 ? user_thread_find(id1) : NULL;
    struct user_thread *thread2 = id2 > 0 ? user_thread_find(id2) : NULL;
    ssize_t result = -ESRCH;

    if (thread1 && thread2) {
        int error1 = part_take(thread1, type, index1, &part1);
        int error2 = part_take(thread2, type, index2, &part2);
        /* Not to be allowed to ask about one comes before what is wrong with the other. */
        result = error1 == -EPERM || !error2   ? error1
                 : error2 == -EPERM || !error1 ? error2
                                               : error1;
    }
    if (!result)
        result = part1.address == part2.address                                  ? 0
                 : obscured(part1.address, type) < obscured(part2.address, type) ? 1
                                                                                 : 2;
    part_release(&part1);
    part_release(&part2);
    if (thread1)
        user_thread_release(thread1);
    if (thread2)
        user_thread_release(thread2);
    return result;
}

/*
 * request.c: blocks on their way. Each disk has as many requests as its driver takes at once, made
 * with it: so nothing has to be allocated to write back when memory ends. Who needs one waits for
 * it; whoever began some waits for them.
 */
#include <asm/errno.h>

#include "cpu/clock.h"
#include "library/string.h"
#include "memory/heap.h"
#include "storage/block.h"

/* ---- who needs the driver ---- */

bool block_user_begin(struct block_disk *disk)
{
    bool enabled = spinlock_acquire_save(&disk->lock);
    bool there = !disk->gone;

    disk->users += there;
    spinlock_release_restore(&disk->lock, enabled);
    return there;
}

/* Lock held. Nobody may touch the disk behind it but under the lock: block_requests_end() waits. */
static void user_leaves(struct block_disk *disk)
{
    if (--disk->users == 0 && disk->gone)
        wait_queue_wake_all(&disk->room);
}

void block_user_end(struct block_disk *disk)
{
    bool enabled = spinlock_acquire_save(&disk->lock);

    user_leaves(disk);
    spinlock_release_restore(&disk->lock, enabled);
}

/* ---- taking one ---- */

static struct block_request *try_take(struct block_disk *disk, bool *gone)
{
    bool enabled = spinlock_acquire_save(&disk->lock);
    struct block_request *request = STAILQ_FIRST(&disk->free);

    *gone = disk->gone;
    if (*gone)
        request = NULL;
    if (request) {
        STAILQ_REMOVE_HEAD(&disk->free, free_link);
        disk->users++;
    }
    spinlock_release_restore(&disk->lock, enabled);
    return request;
}

/* Waits for a free one; NULL: the disk is gone. Each is done in the end, so this ends. */
static struct block_request *take(struct block_disk *disk)
{
    struct block_request *request;
    bool gone;

    wait_event(&disk->room, (request = try_take(disk, &gone)) || gone, THREAD_UNINTERRUPTIBLE,
               CLOCK_NEVER);
    return request;
}

/* ---- time ---- */

static uint64_t oldest_under_way(const struct block_disk *disk)
{
    uint64_t oldest = UINT64_MAX;

    for (uint32_t i = 0; i < disk->facts.requests_maximum; i++) {
        const struct block_request *request = disk->requests[i];
        if (request->under_way && request->request.submitted < oldest)
            oldest = request->request.submitted;
    }
    return oldest;
}

static void watch(struct timer *timer)
{
    struct block_disk *disk = container_of(timer, struct block_disk, watchdog);
    uint64_t now = clock_now();

    spinlock_acquire(&disk->lock);
    uint64_t oldest = oldest_under_way(disk);
    bool recover = oldest < now && now - oldest >= DISK_PATIENCE && !disk->gone;
    disk->watched = oldest != UINT64_MAX;
    spinlock_release(&disk->lock);
    if (recover)
        block_service_recover(disk);
    if (oldest != UINT64_MAX)
        timer_arm(timer, (recover ? now : oldest) + DISK_PATIENCE);
}

/* It runs on as long as requests come, and once more. */
static void watch_begin(struct block_disk *disk)
{
    if (!disk->facts.recover)
        return;
    bool enabled = spinlock_acquire_save(&disk->lock);
    bool arm = !disk->watched;

    disk->watched = true;
    spinlock_release_restore(&disk->lock, enabled);
    if (arm)
        timer_arm(&disk->watchdog, clock_now() + DISK_PATIENCE);
}

/* ---- its end ---- */

static void count(struct block_device *device, const struct disk_request *request)
{
    struct block_statistics *statistics = &device->statistics;
    uint64_t sectors = (uint64_t)request->count * (device->owner->facts.block_size >> SECTOR_SHIFT);

    __atomic_fetch_add(&statistics->requests[request->operation], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&statistics->sectors[request->operation], sectors, __ATOMIC_RELAXED);
    __atomic_fetch_add(&statistics->nanoseconds[request->operation],
                       clock_now() - request->submitted, __ATOMIC_RELAXED);
}

static void fail(struct block_wait *wait, int error)
{
    int none = 0;
    __atomic_compare_exchange_n(&wait->error, &none, error, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

/* Who waits goes on when the last is done, and `wait` with him: but not before the lock is free,
   which he takes once more. */
static void request_done(struct disk_request *done)
{
    struct block_request *request = container_of(done, struct block_request, request);
    struct block_disk *disk = request->disk;
    struct block_wait *wait = request->wait;

    count(request->device, done);
    if (request->device != disk->whole)
        count(disk->whole, done);
    if (done->status)
        fail(wait, done->status == -ENODEV ? -EIO : done->status);

    bool enabled = spinlock_acquire_save(&disk->lock);
    request->under_way = false;
    STAILQ_INSERT_HEAD(&disk->free, request, free_link);
    wait_queue_wake_one(&disk->room);
    if (__atomic_sub_fetch(&wait->left, 1, __ATOMIC_ACQ_REL) == 0)
        wait_queue_wake_all(&disk->finished);
    user_leaves(disk);
    spinlock_release_restore(&disk->lock, enabled);
}

int block_await(struct block_wait *wait, struct block_device *device)
{
    struct block_disk *disk = device->owner;

    wait_event(&disk->finished, __atomic_load_n(&wait->left, __ATOMIC_ACQUIRE) == 0,
               THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
    bool enabled = spinlock_acquire_save(&disk->lock);
    spinlock_release_restore(&disk->lock, enabled);
    return __atomic_load_n(&wait->error, __ATOMIC_RELAXED);
}

/* ---- its way ---- */

/* As much of the frames as one request takes, in segments; bytes. A block is at most a page, and
   begins at a multiple of its size: no page has a part of one. */
static size_t fill(struct block_request *request, const paddr_t *frames, size_t start, size_t size)
{
    const struct disk *facts = &request->disk->facts;
    size_t most = (size_t)facts->blocks_maximum * facts->block_size, filled = 0;
    uint32_t segments = 0;

    if (size > most)
        size = most;
    while (filled < size && segments < facts->segments_maximum) {
        size_t at = start + filled, rest = PAGE_SIZE - at % PAGE_SIZE;
        size_t piece = size - filled < rest ? size - filled : rest;
        request->segments[segments++] =
            (struct disk_segment){frames[at / PAGE_SIZE] + at % PAGE_SIZE, (uint32_t)piece};
        filled += piece;
    }
    request->request.segment_count = segments;
    return filled;
}

static void submit(struct block_request *request)
{
    struct block_disk *disk = request->disk;

    request->request.submitted = clock_now();
    __atomic_store_n(&request->under_way, true, __ATOMIC_RELEASE);
    disk->disk->submit(disk->disk, &request->request);
}

/* Bytes that one request gives up: for a bound. */
#define DISCARD_MAXIMUM (32UL << 20)

/* Flushes and discards have no memory. */
static size_t prepare(struct block_request *request, uint64_t offset, const paddr_t *frames,
                      size_t start, size_t size)
{
    const struct disk *facts = &request->disk->facts;
    size_t filled = size < DISCARD_MAXIMUM ? size : DISCARD_MAXIMUM;

    request->request.segment_count = 0;
    if (frames)
        filled = fill(request, frames, start, size);
    request->request.first = offset / facts->block_size;
    request->request.count = (uint32_t)(filled / facts->block_size);
    return filled;
}

void block_begin(struct block_wait *wait, struct block_device *device,
                 enum disk_operation operation, uint64_t offset, const paddr_t *frames,
                 size_t start, size_t size)
{
    struct block_disk *disk = device->owner;
    struct block_request *request;
    size_t done = 0;

    if (!block_user_begin(disk)) {
        fail(wait, -EIO);
        return;
    }
    watch_begin(disk);
    do {
        request = take(disk);
        if (!request) {
            fail(wait, -EIO);
            break;
        }
        request->device = device;
        request->wait = wait;
        request->request.operation = operation;
        done += prepare(request, device->first + offset + done, frames, start + done, size - done);
        __atomic_fetch_add(&wait->left, 1, __ATOMIC_RELAXED);
        submit(request);
    } while (done < size);
    block_user_end(disk);
}

int block_transfer(struct block_device *device, enum disk_operation operation, uint64_t offset,
                   const paddr_t *frames, size_t start, size_t size)
{
    struct block_wait wait = {0};

    block_begin(&wait, device, operation, offset, frames, start, size);
    return block_await(&wait, device);
}

/* ---- with the disk ---- */

int block_requests_create(struct block_disk *disk)
{
    const struct disk *facts = &disk->facts;
    size_t size =
        sizeof(struct block_request) + facts->segments_maximum * sizeof(struct disk_segment);

    spinlock_initialize(&disk->lock, LOCK_BLOCK_DISK);
    STAILQ_INIT(&disk->free);
    wait_queue_initialize(&disk->room);
    wait_queue_initialize(&disk->finished);
    timer_initialize(&disk->watchdog, watch);
    disk->requests = heap_allocate_zeroed(facts->requests_maximum * sizeof(*disk->requests));
    if (!disk->requests)
        return -ENOMEM;
    for (uint32_t i = 0; i < facts->requests_maximum; i++) {
        struct block_request *request = heap_allocate_zeroed(size);
        if (!request)
            return -ENOMEM;
        request->disk = disk;
        request->request.segments = request->segments;
        request->request.done = request_done;
        disk->requests[i] = request;
        STAILQ_INSERT_TAIL(&disk->free, request, free_link);
    }
    return 0;
}

void block_requests_destroy(struct block_disk *disk)
{
    for (uint32_t i = 0; disk->requests && i < disk->facts.requests_maximum; i++)
        heap_free(disk->requests[i]);
    heap_free(disk->requests);
}

static bool has_users(struct block_disk *disk)
{
    bool enabled = spinlock_acquire_save(&disk->lock);
    bool any = disk->users;

    spinlock_release_restore(&disk->lock, enabled);
    return any;
}

void block_requests_end(struct block_disk *disk)
{
    bool enabled = spinlock_acquire_save(&disk->lock);
    disk->gone = true;
    spinlock_release_restore(&disk->lock, enabled);
    wait_queue_wake_all(&disk->room);
    wait_event(&disk->room, !has_users(disk), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
    timer_cancel(&disk->watchdog);
    disk->disk = NULL;
}

void block_requests_recover(struct block_disk *disk)
{
    if (!block_user_begin(disk))
        return;
    disk->disk->recover(disk->disk);
    block_user_end(disk);
}

/*
 * cache.c: the contents of disks and partitions, in frames. Pages are fetched when they are
 * missing, with those behind them; what is written waits to be written back, for some seconds or
 * until there is too much of it.
 *
 * A device's mutex is held by who writes, writes back, or forgets: so no page is forgotten between
 * being clean and being on the disk, where it could be fetched again too early.
 */
#include <asm/errno.h>

#include "library/string.h"
#include "storage/block.h"
#include "storage/cache.h"
#include "thread/preemption.h"

/* Pages that go together: half a MiB. */
#define PAGES_AT_ONCE 128
/* Of all memory, the part that pages of all disks may take. */
#define MEMORY_SHARE 4
/* Pages that a device may have waiting to be written back: more, and its writer does it. */
#define DIRTY_MAXIMUM 4096
/* Where pages have to go, so many next to each other are looked at. */
#define FORGET_PAGES 8192

static struct quota pages; /* of all devices; the limit is constant after boot */

void block_cache_initialize(void)
{
    pages.limit = frame_total() / MEMORY_SHARE;
}

void block_cache_begin(struct block_device *device)
{
    page_cache_initialize(&device->cache, FRAME_PAGE_CACHE);
    device->cache.backed = true;
    device->cache.quota = &pages;
    device->cache.size = device->size;
}

static unsigned frame_flags(const struct block_device *device)
{
    return device->owner->facts.address_maximum == UINT64_MAX ? FRAME_ANYWHERE : FRAME_BELOW_4G;
}

paddr_t block_frame_allocate(const struct block_device *device)
{
    return frame_allocate(FRAME_PAGE_CACHE, frame_flags(device));
}

static uint64_t page_end(uint64_t size)
{
    return (size + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* Bytes of `count` pages from `index` on that lie on the device. */
static size_t bytes_of(const struct block_device *device, uint64_t index, size_t count)
{
    uint64_t rest = block_device_size(device) - index * PAGE_SIZE;
    return count * PAGE_SIZE < rest ? count * PAGE_SIZE : rest;
}

/* ---- forgetting ---- */

void block_forget(struct block_device *device, bool all)
{
    mutex_acquire(&device->mutex);
    if (all)
        page_cache_resize(&device->cache, 0);
    else
        page_cache_drop(&device->cache, 0, UINT64_MAX);
    mutex_release(&device->mutex);
}

void block_device_resize(struct block_device *device, uint64_t size)
{
    mutex_acquire(&device->mutex);
    page_cache_resize(&device->cache, size);
    mutex_release(&device->mutex);
}

/* Some clean pages, round and round: what is read from front to back goes in that order. Mutex
   held. */
static bool forget_some(struct block_device *device)
{
    uint64_t end = page_end(block_device_size(device)), looked = 0, dropped = 0;

    while (!dropped && looked <= end) {
        if (device->forget_next >= end)
            device->forget_next = 0;
        uint64_t first = device->forget_next;
        dropped = page_cache_drop(&device->cache, first, first + FORGET_PAGES - 1);
        device->forget_next += FORGET_PAGES;
        looked += FORGET_PAGES;
        thread_preemption_point();
    }
    return dropped;
}

/* Where other devices' mutexes may be held: a program's memory that is written from may be mapped
   from another one. */
static bool try_mutex(struct block_device *device)
{
    return !mutex_held(&device->mutex) && mutex_try_acquire(&device->mutex);
}

bool block_cache_reclaim(void)
{
    struct block_device *device = NULL;
    bool found = false;

    while ((device = block_device_next(device))) {
        const struct page_cache *cache = &device->cache;
        if (found || !__atomic_load_n(&cache->frame_count, __ATOMIC_RELAXED) || !try_mutex(device))
            continue;
        found = forget_some(device);
        mutex_release(&device->mutex);
    }
    return found;
}

/* Room for so many pages more. `held`: this device's mutex is the caller's. */
static void make_room(struct block_device *device, size_t count, bool held)
{
    if (quota_left(&pages) >= count)
        return;
    bool found = false;
    if (held || try_mutex(device))
        found = forget_some(device);
    if (!held && mutex_held(&device->mutex))
        mutex_release(&device->mutex);
    if (!found)
        block_cache_reclaim();
}

/* ---- fetching ---- */

struct lot {
    paddr_t frames[PAGES_AT_ONCE]; /* a reference each */
    size_t count;
};

static void lot_release(struct lot *lot)
{
    while (lot->count)
        frame_release(lot->frames[--lot->count]);
}

/* As many as there are; false: none. */
static bool lot_allocate(struct lot *lot, const struct block_device *device, size_t count)
{
    lot->count = 0;
    while (lot->count < count && lot->count < PAGES_AT_ONCE) {
        paddr_t frame = block_frame_allocate(device);
        if (!frame)
            break;
        lot->frames[lot->count++] = frame;
    }
    return lot->count;
}

/* How many pages from `index` on are missing; at most `count`. */
static size_t missing(struct block_device *device, uint64_t index, size_t count)
{
    uint64_t end = page_end(block_device_size(device));
    size_t found = 0;

    while (found < count && index + found < end && !page_cache_has(&device->cache, index + found))
        found++;
    return found;
}

/* The end of the last page, where the device has none, is zeros. */
static void clear_end(const struct lot *lot, size_t size)
{
    if (size < lot->count * PAGE_SIZE)
        memset((char *)frame_pointer(lot->frames[lot->count - 1]) + size % PAGE_SIZE, 0,
               lot->count * PAGE_SIZE - size);
}

/* -EAGAIN: the contents changed meanwhile. */
static int adopt(struct block_device *device, uint64_t index, const struct lot *lot,
                 uint64_t changes)
{
    for (size_t i = 0; i < lot->count; i++) {
        frame_reference(lot->frames[i]);
        int error = page_cache_adopt_fetched(&device->cache, index + i, lot->frames[i], changes);
        if (!error)
            continue;
        frame_release(lot->frames[i]);
        if (error != -EEXIST)
            return error;
    }
    return 0;
}

static int fetch_missing(struct block_device *device, uint64_t index, size_t count)
{
    bool held = mutex_held(&device->mutex);
    uint64_t changes = page_cache_changes(&device->cache);
    struct lot lot;

    make_room(device, count, held);
    if (!lot_allocate(&lot, device, count))
        return -ENOMEM;
    size_t size = bytes_of(device, index, lot.count);
    int error = block_transfer(device, DISK_READ, index * PAGE_SIZE, lot.frames, 0, size);
    if (!error) {
        clear_end(&lot, size);
        error = adopt(device, index, &lot, changes);
    }
    lot_release(&lot);
    return error;
}

int block_fetch(struct block_device *device, uint64_t index, size_t ahead)
{
    int error;

    if (ahead > PAGES_AT_ONCE)
        ahead = PAGES_AT_ONCE;
    while (!page_cache_has(&device->cache, index)) {
        size_t count = missing(device, index, ahead ? ahead : 1);
        if (!count)
            return -ERANGE;
        error = fetch_missing(device, index, count);
        if (error == -ENOSPC) /* others were faster to take the room: this one page will do */
            error = ahead > 1 ? -EAGAIN : -ENOMEM;
        if (error && error != -EAGAIN)
            return error;
        if (error)
            ahead = 1;
        if (thread_interrupted(THREAD_KILLABLE))
            return -EINTR;
    }
    return 0;
}

/* ---- writing back ---- */

static void note_error(struct block_device *device)
{
    __atomic_fetch_add(&device->errors, 1, __ATOMIC_RELAXED);
}

/* Mutex held. */
static int write_back(struct block_device *device)
{
    paddr_t frames[64];
    uint64_t index = 0;
    size_t count;
    int result = 0;

    while ((count = page_cache_clean(&device->cache, &index, array_length(frames), frames))) {
        int error = block_transfer(device, DISK_WRITE, index * PAGE_SIZE, frames, 0,
                                   bytes_of(device, index, count));
        frame_release_many(frames, count);
        index += count;
        if (error) {
            note_error(device);
            result = result ? result : error;
        }
        thread_preemption_point();
    }
    return result;
}

int block_write_back(struct block_device *device)
{
    if (!__atomic_load_n(&device->cache.dirty_count, __ATOMIC_RELAXED))
        return 0;
    mutex_acquire(&device->mutex);
    int error = write_back(device);
    mutex_release(&device->mutex);
    return error;
}

int block_flush(struct block_device *device, uint64_t *seen)
{
    int error = block_write_back(device);

    if (!error && device->owner->facts.keeps_late)
        error = block_transfer(device, DISK_FLUSH, 0, NULL, 0, 0);
    uint64_t errors = __atomic_load_n(&device->errors, __ATOMIC_RELAXED);
    if (!error && errors != *seen)
        error = -EIO;
    *seen = errors;
    return error;
}

/* ---- reading and writing ---- */

/* The page that is there and those behind it that are, of `size` bytes from `offset` on. */
static size_t run_of(struct block_device *device, uint64_t offset, size_t size)
{
    size_t run = PAGE_SIZE - offset % PAGE_SIZE;

    while (run < size && page_cache_has(&device->cache, (offset + run) / PAGE_SIZE))
        run += PAGE_SIZE;
    return run < size ? run : size;
}

/* Who reads on is helped by more than he asks for. */
static size_t ahead_of(struct block_device *device, uint64_t offset, size_t size)
{
    uint64_t index = offset / PAGE_SIZE;
    bool goes_on = index == 0 || page_cache_has(&device->cache, index - 1);
    size_t asked = page_end(offset % PAGE_SIZE + size);

    return goes_on || asked > PAGES_AT_ONCE ? PAGES_AT_ONCE : asked;
}

static ssize_t read_piece(struct block_device *device, struct transfer *to, uint64_t offset,
                          vaddr_t address, size_t size)
{
    int error = block_fetch(device, offset / PAGE_SIZE, ahead_of(device, offset, size));

    if (error)
        return error == -ERANGE ? 0 : error;
    size = run_of(device, offset, size);
    return to->kernel ? page_cache_read(&device->cache, offset, (void *)address, size)
                      : page_cache_read_user(&device->cache, offset, address, size);
}

ssize_t block_cache_read(struct block_device *device, struct transfer *to, uint64_t offset)
{
    uint64_t end = block_device_size(device);
    size_t total = 0, size;
    vaddr_t address;
    ssize_t done = 0;

    while (offset < end && (size = transfer_piece(to, &address, PAGES_AT_ONCE * PAGE_SIZE))) {
        if (size > end - offset)
            size = end - offset;
        done = read_piece(device, to, offset, address, size);
        if (done <= 0)
            break;
        transfer_advance(to, (size_t)done);
        offset += (uint64_t)done;
        total += (size_t)done;
        thread_preemption_point();
    }
    return total ? (ssize_t)total : done;
}

/* A page that is wholly overwritten need not be read first. */
static int page_prepare(struct block_device *device, uint64_t index, bool whole)
{
    paddr_t frame;

    if (!whole || index + 1 == page_end(block_device_size(device))) {
        int error = block_fetch(device, index, 1);
        return error == -ERANGE ? -ENOSPC : error; /* the end has come nearer meanwhile */
    }
    make_room(device, 1, true);
    if (page_cache_has(&device->cache, index))
        return 0;
    frame = block_frame_allocate(device);
    if (!frame)
        return -ENOMEM;
    /* Who faults while he copies leaves zeros, not what others had in the frame. */
    memset(frame_pointer(frame), 0, PAGE_SIZE);
    int error = page_cache_adopt(&device->cache, index, frame);
    if (error)
        frame_release(frame);
    return error == -EEXIST ? 0 : error == -ENOSPC ? -ENOMEM : error;
}

/* Within one page; mutex held. Bytes or an error. */
static ssize_t write_page(struct block_device *device, struct transfer *from, uint64_t offset,
                          size_t size)
{
    uint64_t index = offset / PAGE_SIZE;
    int error = page_prepare(device, index, size == PAGE_SIZE);

    if (error)
        return error;
    paddr_t frame = page_cache_get(&device->cache, index);
    if (!frame)
        return -EAGAIN;
    size_t done = transfer_in(from, (char *)frame_pointer(frame) + offset % PAGE_SIZE, size);
    frame_release(frame);
    if (done)
        page_cache_mark_dirty(&device->cache, index);
    return done ? (ssize_t)done : -EFAULT;
}

ssize_t block_cache_write(struct block_device *device, struct transfer *from, uint64_t offset)
{
    uint64_t end = block_device_size(device);
    size_t total = 0;
    ssize_t done = 0;

    mutex_acquire(&device->mutex);
    while (offset < end && from->left) {
        size_t size = PAGE_SIZE - offset % PAGE_SIZE;
        if (size > from->left)
            size = from->left;
        if (size > end - offset)
            size = end - offset;
        done = write_page(device, from, offset, size);
        if (done == -EAGAIN)
            continue;
        if (done < 0)
            break;
        offset += (uint64_t)done;
        total += (size_t)done;
        if (device->cache.dirty_count >= DIRTY_MAXIMUM)
            write_back(device);
        thread_preemption_point();
    }
    mutex_release(&device->mutex);
    if (total)
        block_service_dirtied();
    return total ? (ssize_t)total : done;
}

int block_cache_dirty(struct block_device *device, uint64_t index)
{
    int error;

    do {
        error = block_fetch(device, index, PAGES_AT_ONCE / 8);
        if (error)
            return error;
        if (device->cache.dirty_count >= DIRTY_MAXIMUM && try_mutex(device)) {
            write_back(device);
            mutex_release(&device->mutex);
        }
    } while (!page_cache_mark_dirty(&device->cache, index));
    block_service_dirtied();
    return 0;
}

/* ---- without the cache ---- */

/* Copies between the lot and the transfer; bytes, fewer where memory faulted. */
static size_t lot_move(const struct lot *lot, struct transfer *transfer, size_t size, bool out)
{
    size_t done = 0, moved = 1;

    for (; done < size && moved; done += moved) {
        size_t piece =
            size - done < PAGE_SIZE - done % PAGE_SIZE ? size - done : PAGE_SIZE - done % PAGE_SIZE;
        char *bytes = (char *)frame_pointer(lot->frames[done / PAGE_SIZE]) + done % PAGE_SIZE;
        moved = out ? transfer_out(transfer, bytes, piece) : transfer_in(transfer, bytes, piece);
    }
    return done;
}

/* Who writes back wants the mutex, and the program's memory may lie with a server that does not
   answer: it is copied to without. */
static ssize_t direct_read_lot(struct block_device *device, struct transfer *to, uint64_t offset,
                               const struct lot *lot, size_t size)
{
    mutex_acquire(&device->mutex);
    int error = write_back(device);
    if (!error)
        error = block_transfer(device, DISK_READ, offset, lot->frames, 0, size);
    mutex_release(&device->mutex);
    if (error)
        return error;
    size_t done = lot_move(lot, to, size, true);
    return done ? (ssize_t)done : -EFAULT;
}

/* The pages that are there see it too. Mutex held. */
static int direct_write(struct block_device *device, uint64_t offset, const struct lot *lot,
                        size_t done)
{
    int error = write_back(device);

    if (!error && offset + done > block_device_size(device))
        error = -ENOSPC; /* the end has come nearer meanwhile */
    if (error)
        return error;
    page_cache_changed(&device->cache);
    error = block_transfer(device, DISK_WRITE, offset, lot->frames, 0, done);
    page_cache_changed(&device->cache);
    for (size_t at = 0; at < done && !error; at += PAGE_SIZE)
        page_cache_update(&device->cache, offset + at, frame_pointer(lot->frames[at / PAGE_SIZE]),
                          done - at < PAGE_SIZE ? done - at : PAGE_SIZE);
    return error;
}

static ssize_t direct_write_lot(struct block_device *device, struct transfer *from, uint64_t offset,
                                const struct lot *lot, size_t size)
{
    size_t done = lot_move(lot, from, size, false);

    done -= done % device->owner->facts.block_size;
    if (!done)
        return -EFAULT;
    mutex_acquire(&device->mutex);
    int error = direct_write(device, offset, lot, done);
    mutex_release(&device->mutex);
    return error ? error : (ssize_t)done;
}

ssize_t block_direct(struct block_device *device, struct transfer *transfer, uint64_t offset,
                     bool writes)
{
    uint64_t end = block_device_size(device);
    size_t total = 0;
    ssize_t done = 0;
    struct lot lot;

    while (done >= 0 && offset < end && transfer->left) {
        size_t size = transfer->left < end - offset ? transfer->left : end - offset;
        if (!lot_allocate(&lot, device, page_end(size)))
            done = -ENOMEM;
        else if (size > lot.count * PAGE_SIZE)
            size = lot.count * PAGE_SIZE;
        if (lot.count)
            done = writes ? direct_write_lot(device, transfer, offset, &lot, size)
                          : direct_read_lot(device, transfer, offset, &lot, size);
        lot_release(&lot);
        if (done > 0) {
            offset += (uint64_t)done;
            total += (size_t)done;
        }
        if (done < (ssize_t)size)
            break;
        thread_preemption_point();
    }
    return total ? (ssize_t)total : done;
}

/* What is in memory of it must not come back later. */
int block_discard(struct block_device *device, uint64_t offset, uint64_t size)
{
    mutex_acquire(&device->mutex);
    int error = write_back(device);
    if (!error)
        error = block_transfer(device, DISK_DISCARD, offset, NULL, 0, size);
    page_cache_changed(&device->cache);
    page_cache_drop(&device->cache, offset / PAGE_SIZE, page_end(offset + size) - 1);
    mutex_release(&device->mutex);
    return error;
}

int block_zero(struct block_device *device, uint64_t offset, uint64_t size)
{
    static const uint8_t zeros[PAGE_SIZE];
    int error = 0;

    while (size && !error) {
        size_t piece = PAGE_SIZE - offset % PAGE_SIZE;
        if (piece > size)
            piece = size;
        error = block_write(device, offset, zeros, piece);
        offset += piece;
        size -= piece;
        if (!error && thread_interrupted(THREAD_KILLABLE))
            error = -EINTR;
    }
    return error ? error : block_write_back(device);
}

/* ---- for file systems ---- */

static int all_of(ssize_t done, size_t size)
{
    return done < 0 ? (int)done : (size_t)done == size ? 0 : -EIO;
}

int block_read(struct block_device *device, uint64_t offset, void *buffer, size_t size)
{
    struct transfer to;

    transfer_kernel(&to, buffer, size);
    return all_of(block_cache_read(device, &to, offset), size);
}

int block_write(struct block_device *device, uint64_t offset, const void *buffer, size_t size)
{
    struct transfer from;

    transfer_kernel(&from, (void *)buffer, size);
    return all_of(block_cache_write(device, &from, offset), size);
}

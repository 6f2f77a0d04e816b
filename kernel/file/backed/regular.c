/* regular.c: contents that lie elsewhere, and the pages that are kept of them. */
#include "file/backed/regular.h"

#include <asm/errno.h>

#include "library/string.h"
#include "thread/preemption.h"

/* Pages that go in one piece. */
#define PAGES_AT_ONCE 32
/* Pages that are fetched at a fault: it and those behind it, where they are missing. */
#define PAGES_FAULTED 16
/* Of all memory, the part that pages of such files may take. */
#define MEMORY_SHARE 4
/* Pages that one file may have waiting to be written back. */
#define DIRTY_MAXIMUM 1024
/* Of the pages of all such files, the part that one owner may have waiting: what cannot be dropped,
   because a server does not take it, is in everybody's way. The smaller part for a file that has
   such pages already, and may write these back first. */
#define DIRTY_SHARE       8
#define DIRTY_SHARE_FIRST 4

/* ---- which of them have pages ---- */

static struct quota pages; /* those of all of them; the limit is constant after boot */
static struct spinlock list_lock = SPINLOCK_INITIALIZER;
static TAILQ_HEAD(inode_list,
                  inode) inodes = TAILQ_HEAD_INITIALIZER(inodes); /* list_lock; the
                                                                     longest unused first */
static uint64_t backed_count; /* in the list; list_lock to write, atomic to read */

void backed_initialize(void)
{
    pages.limit = frame_total() / MEMORY_SHARE;
}

void backed_inode_begin(struct inode *inode, uint64_t *dirty_pages)
{
    inode->cache.backed = true;
    inode->cache.dirty_sum = dirty_pages;
    inode->cache.quota = &pages;
    inode->seals = F_SEAL_SEAL;
    spinlock_acquire(&list_lock);
    TAILQ_INSERT_TAIL(&inodes, inode, backed_link);
    __atomic_store_n(&backed_count, backed_count + 1, __ATOMIC_RELAXED);
    spinlock_release(&list_lock);
}

void backed_inode_end(struct inode *inode)
{
    spinlock_acquire(&list_lock);
    TAILQ_REMOVE(&inodes, inode, backed_link);
    __atomic_store_n(&backed_count, backed_count - 1, __ATOMIC_RELAXED);
    spinlock_release(&list_lock);
}

/* It has been used now. */
static void move_behind(struct inode *inode)
{
    spinlock_acquire(&list_lock);
    TAILQ_REMOVE(&inodes, inode, backed_link);
    TAILQ_INSERT_TAIL(&inodes, inode, backed_link);
    spinlock_release(&list_lock);
}

/* Inodes that are looked at under one hold of the lock. */
#define LOOKS_AT_ONCE 64

static bool has_clean_pages(const struct inode *inode)
{
    return __atomic_load_n(&inode->cache.frame_count, __ATOMIC_RELAXED) >
           __atomic_load_n(&inode->cache.dirty_count, __ATOMIC_RELAXED);
}

/* The longest unused one that has pages to drop, with a reference; NULL: none of the first ones
   has. Those that were looked at become the last. */
static struct inode *oldest_with_pages(void)
{
    struct inode *inode = NULL;

    spinlock_acquire(&list_lock);
    for (int looks = 0; looks < LOOKS_AT_ONCE && !inode && !TAILQ_EMPTY(&inodes); looks++) {
        struct inode *first = TAILQ_FIRST(&inodes);
        TAILQ_REMOVE(&inodes, first, backed_link);
        TAILQ_INSERT_TAIL(&inodes, first, backed_link);
        if (has_clean_pages(first) && inode_reference_found(first))
            inode = first;
    }
    spinlock_release(&list_lock);
    return inode;
}

bool backed_reclaim(void)
{
    uint64_t dropped = 0, looked = 0;

    /* Each once, while others may run. */
    while (!dropped && looked <= __atomic_load_n(&backed_count, __ATOMIC_RELAXED)) {
        struct inode *inode = oldest_with_pages();
        looked += inode ? 1 : LOOKS_AT_ONCE;
        if (inode) {
            dropped = page_cache_drop(&inode->cache, 0, UINT64_MAX);
            inode_release(inode);
        }
        thread_preemption_point();
    }
    return dropped;
}

/* ---- lots of frames ---- */

/* Room for a piece of a file. */
struct lot {
    paddr_t frames[PAGES_AT_ONCE]; /* a reference each */
    size_t count;
};

static void lot_release(struct lot *lot)
{
    while (lot->count)
        frame_release(lot->frames[--lot->count]);
}

/* As many frames as there are, `count` at most; false: none. */
static bool lot_allocate(struct lot *lot, size_t count)
{
    lot->count = 0;
    while (lot->count < count) {
        paddr_t frame = frame_allocate(FRAME_PAGE_CACHE, FRAME_ANYWHERE);
        if (!frame)
            break;
        lot->frames[lot->count++] = frame;
    }
    return lot->count;
}

/* Copies between the lot, from byte `start` on, and the transfer; bytes, fewer where memory
   faulted. */
static size_t lot_move(const struct lot *lot, struct transfer *transfer, size_t start, size_t size,
                       bool out)
{
    size_t done = 0;

    while (done < size) {
        size_t at = start + done, rest = PAGE_SIZE - at % PAGE_SIZE;
        size_t piece = size - done < rest ? size - done : rest;
        char *bytes = (char *)frame_pointer(lot->frames[at / PAGE_SIZE]) + at % PAGE_SIZE;
        size_t moved =
            out ? transfer_out(transfer, bytes, piece) : transfer_in(transfer, bytes, piece);
        done += moved;
        if (moved < piece)
            break;
    }
    return done;
}

/* What lies behind the first `size` bytes becomes zeros. */
static void lot_clear(const struct lot *lot, size_t size)
{
    for (size_t page = size / PAGE_SIZE; page < lot->count; page++) {
        size_t start = page == size / PAGE_SIZE ? size % PAGE_SIZE : 0;
        memset((char *)frame_pointer(lot->frames[page]) + start, 0, PAGE_SIZE - start);
    }
}

static size_t page_number(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* ---- fetching ---- */

/* How many pages from `index` on are missing and lie below the size; at most `count`. */
static size_t missing(struct page_cache *cache, uint64_t index, size_t count)
{
    uint64_t end = page_number(__atomic_load_n(&cache->size, __ATOMIC_RELAXED));
    size_t found = 0;

    while (found < count && index + found < end && !page_cache_has(cache, index + found))
        found++;
    return found;
}

/* What fetching says beside 0 and errors, which may be any that a server thinks of. */
enum {
    STALE = 1, /* something changed meanwhile: once more */
    BEYOND,    /* behind the end */
};

/* Enters what was fetched; others may have been faster. 0, STALE, or an error. */
static int adopt(struct page_cache *cache, uint64_t index, struct lot *lot, uint64_t changes)
{
    int error = 0;

    for (size_t i = 0; i < lot->count && !error; i++) {
        error = page_cache_adopt_fetched(cache, index + i, lot->frames[i], changes);
        if (!error)
            frame_reference(lot->frames[i]); /* the lot's own goes with the lot */
        if (error == -EEXIST || error == -ERANGE || (error == -ENOSPC && i))
            error = 0;
        if (error == -EAGAIN || (error == -ENOSPC && backed_reclaim()))
            error = STALE;
    }
    return error;
}

/* Fetches up to `count` pages from `index` on, all of which are missing. 0, STALE, or an error. */
static int fetch_once(struct inode *inode, struct file *file, uint64_t index, size_t count)
{
    struct page_cache *cache = &inode->cache;
    uint64_t changes = page_cache_changes(cache);
    struct lot lot;

    if (__atomic_load_n(&pages.used, __ATOMIC_RELAXED) + count > pages.limit)
        backed_reclaim();
    if (!lot_allocate(&lot, count))
        return -ENOMEM;
    ssize_t got = inode->operations->read_pages(inode, file, index << PAGE_SHIFT,
                                                lot.count << PAGE_SHIFT, lot.frames);
    if (got >= 0) {
        lot_clear(&lot, (size_t)got);
        got = adopt(cache, index, &lot, changes);
    }
    lot_release(&lot);
    return (int)got;
}

/* Makes page `index` be there: 0, BEYOND, or an error. `ahead`: pages that are worth fetching with
   it. */
static int fetch(struct inode *inode, struct file *file, uint64_t index, size_t ahead)
{
    move_behind(inode);
    for (int tries = 0; !page_cache_has(&inode->cache, index); tries++) {
        size_t count = missing(&inode->cache, index, ahead);
        if (!count)
            return BEYOND;
        /* Whoever changes it all the time holds the lock for that. A fault may have come with other
           locks held, a pipe's for instance: nobody waits here. */
        bool locked = tries > 2 && !mutex_held(&inode->lock) && mutex_try_acquire(&inode->lock);
        int error = fetch_once(inode, file, index, count);
        if (locked)
            mutex_release(&inode->lock);
        if (error < 0)
            return error;
        if (thread_interrupted(THREAD_KILLABLE))
            return -EINTR;
        thread_preemption_point();
    }
    return 0;
}

/* May one more page wait? 0, or -ENOSPC: its owner has too many. What the file has is written back
   first. */
static int dirty_room(struct inode *inode, struct file *file)
{
    const struct page_cache *cache = &inode->cache;
    uint64_t own = __atomic_load_n(&cache->dirty_count, __ATOMIC_RELAXED);
    uint64_t all = __atomic_load_n(cache->dirty_sum, __ATOMIC_RELAXED);

    if (own >= DIRTY_MAXIMUM || (own && all >= pages.limit / DIRTY_SHARE)) {
        backed_write_back(inode, file);
        all = __atomic_load_n(cache->dirty_sum, __ATOMIC_RELAXED);
    }
    return all < pages.limit / DIRTY_SHARE_FIRST ? 0 : -ENOSPC;
}

int backed_fetch(struct memory_object *object, uint64_t index, bool write)
{
    struct file *file = container_of(object, struct file, object);
    struct inode *inode = file->inode;

    for (;;) {
        int error = fetch(inode, file, index, PAGES_FAULTED);
        if (error == BEYOND)
            return 0; /* the fault finds that, too */
        if (error || !write)
            return error;
        error = dirty_room(inode, file);
        if (error)
            return error;
        if (page_cache_mark_dirty(&inode->cache, index))
            return 0;
        if (thread_interrupted(THREAD_KILLABLE))
            return -EINTR;
    }
}

/* ---- read(2) ---- */

ssize_t backed_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct inode *inode = file->inode;
    struct inode_attributes attributes;
    size_t total = 0, size;
    vaddr_t address;

    int error = inode_attributes_now(inode, &attributes); /* its size */
    while (!error && (size = transfer_piece(to, &address, PAGES_AT_ONCE * PAGE_SIZE)) > 0) {
        uint64_t start = (uint64_t)*offset, end = inode_size(inode);
        if (start >= end)
            break;
        if (size > end - start)
            size = (size_t)(end - start);
        /* A reader who goes on is helped by more than he asks for. */
        size_t wanted = page_number(start % PAGE_SIZE + size);
        size_t ahead = start == 0 || page_cache_has(&inode->cache, start / PAGE_SIZE - 1)
                           ? PAGES_AT_ONCE
                           : wanted;
        error = fetch(inode, file, start / PAGE_SIZE, ahead);
        if (error < 0)
            break;
        error = 0;
        /* The page that is there, and those behind it that are. */
        size_t piece = PAGE_SIZE - start % PAGE_SIZE;
        while (piece < size && page_cache_has(&inode->cache, (start + piece) / PAGE_SIZE))
            piece += PAGE_SIZE;
        if (piece > size)
            piece = size;
        ssize_t done = to->kernel ? page_cache_read(&inode->cache, start, (void *)address, piece)
                                  : page_cache_read_user(&inode->cache, start, address, piece);
        if (done <= 0) {
            error = (int)done;
            break;
        }
        transfer_advance(to, (size_t)done);
        *offset += done;
        total += (size_t)done;
        thread_preemption_point();
        if ((size_t)done < piece || thread_interrupted(THREAD_KILLABLE))
            break;
    }
    return total ? (ssize_t)total : error;
}

ssize_t backed_read_directly(struct file *file, struct transfer *to, int64_t *offset)
{
    struct inode *inode = file->inode;
    size_t total = 0;
    struct lot lot;

    ssize_t error = backed_write_back(inode, NULL);
    while (!error && to->left &&
           lot_allocate(&lot, page_number(to->left) < PAGES_AT_ONCE ? page_number(to->left)
                                                                    : PAGES_AT_ONCE)) {
        size_t size = lot.count << PAGE_SHIFT;
        if (size > to->left)
            size = to->left;
        ssize_t got =
            inode->operations->read_pages(inode, file, (uint64_t)*offset, size, lot.frames);
        size_t done = got > 0 ? lot_move(&lot, to, 0, (size_t)got, true) : 0;
        lot_release(&lot);
        *offset += (int64_t)done;
        total += done;
        error = got < 0 ? got : done < (size_t)got ? -EFAULT : 0;
        if (got < (ssize_t)size || error || thread_interrupted(THREAD_KILLABLE))
            break;
    }
    return total ? (ssize_t)total : error;
}

/* ---- write(2) ---- */

void backed_size_set(struct inode *inode, uint64_t size)
{
    if (size != inode_size(inode))
        page_cache_resize(&inode->cache, size);
}

/* One piece that lies in the lot: where it belongs, then in the pages that are there. Lock held. */
static ssize_t write_piece(struct file *file, uint64_t offset, size_t size, const struct lot *lot)
{
    struct inode *inode = file->inode;
    struct page_cache *cache = &inode->cache;

    page_cache_changed(cache); /* who fetches meanwhile may get the old bytes, or the new */
    ssize_t done = inode->operations->write_pages(inode, file, offset, size, lot->frames);
    page_cache_changed(cache);
    if (done <= 0)
        return done < 0 ? done : -EIO;
    /* First: it clears what a mapping wrote behind the old end. */
    if (offset + (size_t)done > inode_size(inode))
        page_cache_resize(cache, offset + (size_t)done);
    for (size_t at = 0; at < (size_t)done; at += PAGE_SIZE) {
        size_t piece = (size_t)done - at < PAGE_SIZE ? (size_t)done - at : PAGE_SIZE;
        page_cache_update(cache, offset + at, frame_pointer(lot->frames[at / PAGE_SIZE]), piece);
    }
    return done;
}

/* Takes the set-ID bits away that a write by others does. Lock held. */
static int remove_privileges(struct inode *inode)
{
    const struct credentials *credentials = credentials_current();
    struct inode_attributes attributes = inode_attributes(inode);

    if (!(attributes.mode & (S_ISUID | S_ISGID)) || credentials_capable(credentials, CAP_FSETID))
        return 0;
    uint32_t dropped = inode_privileges(&attributes, credentials);
    attributes.mode &= ~dropped;
    const struct attribute_change change = {.which = CHANGE_MODE, .attributes = attributes};
    return dropped ? inode->operations->change(inode, &change) : 0;
}

/* Lock held. */
static ssize_t write_locked(struct file *file, struct transfer *from, int64_t *offset)
{
    struct inode *inode = file->inode;
    struct inode_attributes attributes;
    size_t total = 0;
    struct lot lot;

    ssize_t error = inode_attributes_now(inode, &attributes);
    if (error)
        return error;
    if (__atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_APPEND)
        *offset = (int64_t)inode_size(inode);
    ssize_t allowed = file_write_limit((uint64_t)*offset, from->left);
    if (allowed < 0)
        return allowed;
    if ((size_t)allowed < from->left)
        from->left = (size_t)allowed;
    error = remove_privileges(inode);
    while (!error && from->left) {
        if (!lot_allocate(&lot, page_number(from->left) < PAGES_AT_ONCE ? page_number(from->left)
                                                                        : PAGES_AT_ONCE)) {
            error = -ENOMEM;
            break;
        }
        size_t size = lot.count << PAGE_SHIFT;
        if (size > from->left)
            size = from->left;
        size_t copied = lot_move(&lot, from, 0, size, false);
        ssize_t done = copied ? write_piece(file, (uint64_t)*offset, copied, &lot) : -EFAULT;
        lot_release(&lot);
        if (done < 0) {
            error = done;
            break;
        }
        *offset += done;
        total += (size_t)done;
        if ((size_t)done < size || thread_interrupted(THREAD_KILLABLE))
            break;
        thread_preemption_point();
    }
    if (total)
        inode_touch(inode, INODE_MODIFIED | INODE_CHANGED);
    return total ? (ssize_t)total : error;
}

ssize_t backed_write(struct file *file, struct transfer *from, int64_t *offset)
{
    if (!from->left)
        return 0;
    ssize_t done = inode_lock(file->inode);
    if (done)
        return done;
    done = write_locked(file, from, offset);
    mutex_release(&file->inode->lock);
    return done;
}

ssize_t backed_write_directly(struct file *file, struct transfer *from, int64_t *offset)
{
    ssize_t done = backed_write(file, from, offset);
    if (done > 0)
        page_cache_drop(&file->inode->cache, (uint64_t)(*offset - done) / PAGE_SIZE,
                        (uint64_t)(*offset - 1) / PAGE_SIZE);
    return done;
}

/* ---- what mappings wrote ---- */

int backed_write_back(struct inode *inode, struct file *file)
{
    struct page_cache *cache = &inode->cache;
    uint64_t index = 0;
    struct lot lot;
    int error = 0;

    if (!__atomic_load_n(&cache->dirty_count, __ATOMIC_RELAXED))
        return 0;
    while ((lot.count = page_cache_clean(cache, &index, PAGES_AT_ONCE, lot.frames)) > 0) {
        uint64_t start = index << PAGE_SHIFT, end = inode_size(inode);
        size_t size = lot.count << PAGE_SHIFT;
        if (start < end) {
            if (size > end - start)
                size = (size_t)(end - start);
            ssize_t done = inode->operations->write_pages(inode, file, start, size, lot.frames);
            if (done != (ssize_t)size && !error)
                error = done < 0 ? (int)done : -EIO;
        }
        index += lot.count;
        lot_release(&lot);
        if (error == -EINTR)
            return error;
        thread_preemption_point();
    }
    return error;
}

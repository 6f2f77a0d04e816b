/* page_fault.c: from a touch to a page. Read from the bottom up. */
#include "memory/page_fault.h"

#include <linux/errno.h>

#include "cpu/page.h"
#include "cpu/panic.h"
#include "cpu/registers.h"
#include "cpu/user_access.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/hasty_copy.h"
#include "memory/heap.h"
#include "memory/hooks.h"
#include "memory/leaf.h"
#include "memory/mapping.h"
#include "memory/region.h"
#include "memory/space_pages.h"
#include "thread/injection.h"
#include "thread/limits.h"
#include "thread/thread.h"

/* ---- pages that are not there ---- */

static enum memory_fault enter(const struct region *region, uint64_t *entry, paddr_t frame,
                               bool writable)
{
    if (!frame)
        return MEMORY_FAULT_NO_MEMORY;
    space_pages_enter(region->space, entry, entry_make(region, frame, writable));
    return MEMORY_FAULT_NONE;
}

static enum memory_fault fault_anonymous(const struct region *region, uint64_t *entry,
                                         unsigned access)
{
    if (access != REGION_WRITE)
        return enter(region, entry, zero_frame, false);
    return enter(region, entry, frame_allocate(FRAME_ANONYMOUS, FRAME_ZEROED), true);
}

/* The empty places around `page` in its block of PAGES_AHEAD and its region: how many below it,
   and how many from it on. */
static void window_around(const struct region *region, const uint64_t *entry, vaddr_t page,
                          size_t *below, size_t *from)
{
    *below = 0;
    *from = 1;
    if ((region->flags & (REGION_WRITE | REGION_SHARED)) == REGION_WRITE)
        return; /* what is written next is copied anyway */

    vaddr_t low = align_down(page, PAGES_AHEAD * PAGE_SIZE), high = low + PAGES_AHEAD * PAGE_SIZE;
    vaddr_t end = region->file_end ? align_down(region->file_end, PAGE_SIZE) : region->end;
    if (low < region->start)
        low = region->start;
    if (high > end)
        high = end;

    const uint64_t *lowest = entry - ((page - low) >> PAGE_SHIFT);
    const uint64_t *behind = entry + ((high - page) >> PAGE_SHIFT);
    const uint64_t *start = entry, *stop = entry + 1;
    while (start > lowest && !start[-1])
        start--;
    while (stop < behind && !*stop)
        stop++;
    *below = (size_t)(entry - start);
    *from = (size_t)(stop - entry);
}

/* Notes what the fault has to wait for. */
static enum memory_fault absent(const struct region *region, vaddr_t page, bool write)
{
    region->space->absent =
        (struct absent_page){region->object, region_page_index(region, page), write};
    return MEMORY_FAULT_ABSENT;
}

/* A file's page, mapped as it is, with its neighbours that are in the cache. Where they are to be
   written back, the first write to each is to be seen. */
static __attribute__((noinline)) enum memory_fault fault_around(const struct region *region,
                                                                uint64_t *entry, vaddr_t page)
{
    struct page_cache *cache = region->object->cache;
    uint64_t index = region_page_index(region, page);
    bool writable =
        (region->flags & (REGION_SHARED | REGION_WRITE)) == (REGION_SHARED | REGION_WRITE) &&
        !cache->backed;
    size_t below, from;

    window_around(region, entry, page, &below, &from);
    size_t there = space_pages_borrow(region->space, entry - below, below + from,
                                      entry_make(region, 0, writable), cache, index - below);
    if (there <= below)
        return MEMORY_FAULT_BEYOND_FILE;
    if (*entry)
        return MEMORY_FAULT_NONE;
    if (cache->backed)
        return absent(region, page, false);
    /* A hole: it becomes a page of zeros, so that all who map the file see the same one. */
    paddr_t frame;
    int error = page_cache_create(cache, index, &frame);
    if (error)
        return error == -ENOSPC ? MEMORY_FAULT_NO_SPACE : MEMORY_FAULT_NO_MEMORY;
    return enter(region, entry, frame, writable);
}

/* The first `size` bytes of a page, and zeros. */
static void copy_beginning(char *to, const char *from, size_t size)
{
    if (size > PAGE_SIZE / 2) {
        page_copy(to, from);
        memset(to + size, 0, PAGE_SIZE - size);
    } else {
        page_clear(to);
        memcpy(to, from, size);
    }
}

/* A private copy of a file's page, of its first `size` bytes; the rest is zeros. */
static __attribute__((noinline)) enum memory_fault
fault_file_copy(const struct region *region, uint64_t *entry, vaddr_t page, size_t size)
{
    paddr_t original;

    if (!page_cache_find(region->object->cache, region_page_index(region, page), &original))
        return MEMORY_FAULT_BEYOND_FILE;
    if (!original && region->object->cache->backed)
        return absent(region, page, false);
    paddr_t copy = frame_allocate(FRAME_ANONYMOUS, original ? FRAME_ANYWHERE : FRAME_ZEROED);
    if (copy && original)
        copy_beginning(frame_pointer(copy), frame_pointer(original), size);
    return enter(region, entry, copy, region->flags & REGION_WRITE);
}

static enum memory_fault fault_missing(const struct region *region, uint64_t *entry, vaddr_t page,
                                       unsigned access)
{
    if (!region->object || (region->file_end && page >= region->file_end))
        return fault_anonymous(region, entry, access);
    if (region->file_end && page + PAGE_SIZE > region->file_end)
        return fault_file_copy(region, entry, page, region->file_end - page);
    if (access == REGION_WRITE && !(region->flags & REGION_SHARED))
        return fault_file_copy(region, entry, page, PAGE_SIZE);
    if (access == REGION_WRITE && region->object->written)
        region->object->written(region->object);
    return fault_around(region, entry, page);
}

/* ---- pages that may not be written to ---- */

static enum memory_fault fault_copy_on_write(const struct region *region, uint64_t *entry,
                                             vaddr_t page)
{
    paddr_t old = entry_frame(*entry);

    /* Only another space's fork could take a reference, and only from an entry of its own. */
    if (old != zero_frame && frame_metadata(old)->owner == FRAME_ANONYMOUS &&
        frame_references(old) == 1) {
        *entry = entry_make(region, old, true);
        return MEMORY_FAULT_NONE;
    }
    paddr_t copy =
        frame_allocate(FRAME_ANONYMOUS, old == zero_frame ? FRAME_ZEROED : FRAME_ANYWHERE);
    if (!copy)
        return MEMORY_FAULT_NO_MEMORY;
    if (old != zero_frame)
        page_copy(frame_pointer(copy), frame_pointer(old));
    space_pages_replace(region->space, entry, page, entry_make(region, copy, true));
    return MEMORY_FAULT_NONE;
}

static enum memory_fault fault_present(const struct region *region, uint64_t *entry, vaddr_t page,
                                       unsigned access)
{
    if (access != REGION_WRITE || *entry & PAGE_WRITABLE) {
        /* Another thread was faster; or this CPU remembers a page that had less rights. */
        page_invalidate(page);
        return MEMORY_FAULT_NONE;
    }
    if (region->flags & REGION_SHARED) {
        if (region->object && region->object->cache->backed &&
            !page_cache_is_dirty(region->object->cache, region_page_index(region, page)))
            return absent(region, page, true);
        *entry |= PAGE_WRITABLE | PAGE_DIRTY;
        return MEMORY_FAULT_NONE;
    }
    return fault_copy_on_write(region, entry, page);
}

/* ---- finding out what is meant ---- */

/* The stack grows down to `page`, if limits and its neighbour below permit: the limits of who
   touches it, also when that is another process (process_vm_writev(2)). */
static __attribute__((noinline)) bool stack_grow(struct region *region, vaddr_t page)
{
    struct address_space *space = region->space;
    const struct region *below = region->previous;

    if (page < USER_START || region->end - page > thread_limit(RLIMIT_STACK))
        return false;
    if (below && page < below->end + (below->flags & REGION_PROTECTION ? STACK_GUARD_GAP : 0))
        return false;
    size_t more = region->start - page;
    if (!address_space_may_grow(space, page, more, region->flags) ||
        (region->flags & REGION_LOCKED && address_space_may_lock(space, more >> PAGE_SHIFT)))
        return false;
    region_resize(region, page, region->end);
    return true;
}

static bool access_permitted(const struct region *region, unsigned access)
{
    /* x86-64 without protection keys: what can be written or executed can be read. */
    unsigned needed = access == REGION_READ ? REGION_PROTECTION : access;
    return region->flags & needed;
}

enum memory_fault address_space_fault(struct address_space *space, vaddr_t address, unsigned access)
{
    vaddr_t page = align_down(address, PAGE_SIZE);
    struct region *region = address_space_find(space, address);

    if (!region)
        return MEMORY_FAULT_UNMAPPED;
    if (address < region->start && !(region->flags & REGION_STACK && stack_grow(region, page)))
        return MEMORY_FAULT_UNMAPPED;
    if (!access_permitted(region, access))
        return MEMORY_FAULT_PROTECTION;

    uint64_t *leaf = leaf_touch(space, page, access == REGION_WRITE);
    if (!leaf)
        return MEMORY_FAULT_NO_MEMORY;
    uint64_t *entry = &leaf[page_table_index(page, 0)];
    enum memory_fault fault = *entry ? fault_present(region, entry, page, access)
                                     : fault_missing(region, entry, page, access);
    if (fault && *page_table_count(leaf) == 0)
        space_pages_remove(space, page, page + PAGE_SIZE); /* the table that was made for it */
    return fault;
}

/* ---- pages that lie elsewhere ---- */

static enum memory_fault fault_of_error(int error)
{
    switch (error) {
    case 0:
        return MEMORY_FAULT_NONE;
    case -EINTR: /* or what a file system's server said */
        return thread_interrupted(THREAD_KILLABLE) ? MEMORY_FAULT_KILLED : MEMORY_FAULT_BEYOND_FILE;
    case -ENOMEM:
        return MEMORY_FAULT_NO_MEMORY;
    case -ENOSPC:
        return MEMORY_FAULT_NO_SPACE;
    default:
        return MEMORY_FAULT_BEYOND_FILE;
    }
}

enum memory_fault address_space_fault_fetching(struct address_space *space, vaddr_t address,
                                               unsigned access)
{
    enum memory_fault fault;

    while ((fault = address_space_fault(space, address, access)) == MEMORY_FAULT_ABSENT) {
        struct absent_page page = space->absent;
        page.object->reference(page.object);
        address_space_unlock(space);
        mutex_check_may_wait();
        int error = page.object->fetch(page.object, page.index, page.write);
        page.object->release(page.object);
        if (!error && thread_interrupted(THREAD_KILLABLE))
            error = -EINTR; /* each time it may be gone again */
        address_space_lock(space);
        if (error)
            return fault_of_error(error);
    }
    return fault;
}

/* ---- when memory ends ---- */

bool memory_gather(void)
{
    bool found = heap_trim(0);
    return frame_gather() || found;
}

bool memory_last_resort(void)
{
    if (!thread_had_no_memory())
        return false; /* a test made it fail */
    return memory_hooks.out_of_memory();
}

/* ---- the trap ---- */

static unsigned access_of(const struct trap_frame *frame)
{
    return frame->code & PAGE_FAULT_WRITE   ? REGION_WRITE
           : frame->code & PAGE_FAULT_FETCH ? REGION_EXECUTE
                                            : REGION_READ;
}

/* A copy that is not to wait for this page: notes it. */
static bool is_hasty(vaddr_t address, unsigned access)
{
    struct thread *self = thread_current();

    if (!self->hasty.now)
        return false;
    self->hasty.missed = address;
    self->hasty.access = access;
    return true;
}

int hasty_copy_wait(void)
{
    struct thread *self = thread_current();
    struct address_space *space = self->address_space;

    address_space_lock(space);
    enum memory_fault fault =
        address_space_fault_fetching(space, self->hasty.missed, self->hasty.access);
    address_space_unlock(space);
    return fault || thread_interrupted(THREAD_KILLABLE) ? -EFAULT : 0;
}

/* One try. */
static inline enum memory_fault resolve_once(struct address_space *space, vaddr_t address,
                                             unsigned access)
{
    address_space_lock(space);
    enum memory_fault fault = address_space_fault(space, address, access);
    if (fault == MEMORY_FAULT_ABSENT)
        fault = is_hasty(address, access) ? MEMORY_FAULT_UNMAPPED
                                          : address_space_fault_fetching(space, address, access);
    address_space_unlock(space);
    return fault;
}

static enum memory_fault resolve(const struct trap_frame *frame, vaddr_t address)
{
    struct address_space *space = thread_current()->address_space;
    if (!space || address >= USER_END)
        return MEMORY_FAULT_UNMAPPED;

    unsigned access = access_of(frame);
    enum memory_fault fault = resolve_once(space, address, access);
    while (fault == MEMORY_FAULT_NO_MEMORY && memory_last_resort())
        fault = resolve_once(space, address, access);
    return fault;
}

/*
 * Under QEMU 7.2 a far return of a program reads the program's stack as the
 * supervisor, and SMAP refuses that, however often the page is resolved. (A
 * processor checks it as a user's access: Intel SDM volume 2, RET.)
 */
static bool is_refused_far_return(const struct trap_frame *frame)
{
    return trap_from_user(frame) && !(frame->code & PAGE_FAULT_USER) &&
           (frame->code & PAGE_FAULT_PRESENT);
}

bool memory_page_fault(struct trap_frame *frame, vaddr_t address)
{
    vaddr_t fixup = 0;

    if (!trap_from_user(frame)) {
        fixup = user_access_fixup(frame->rip);
        if (!fixup || address >= USER_END)
            return false;
        if (!(frame->rflags & RFLAGS_IF)) {
            frame->rip = fixup;
            return true;
        }
    }
    enum memory_fault fault;
    if (fixup && injection_fails(INJECTION_FAULT, (void *)frame->rip))
        fault = MEMORY_FAULT_NO_MEMORY;
    else
        fault = is_refused_far_return(frame) ? MEMORY_FAULT_PROTECTION : resolve(frame, address);
    /* Who was killed while he waited goes no further than to the way out of the kernel. */
    if (!fault || (fault == MEMORY_FAULT_KILLED && !fixup))
        return true;
    if (fixup) {
        frame->rip = fixup;
        return true;
    }
    /* Of the kernel's half a program learns nothing, not even which pages are there. */
    if (address >= USER_END)
        frame->code |= PAGE_FAULT_PRESENT;
    frame->code = (uint32_t)frame->code | (uint64_t)fault << 32;
    return false;
}

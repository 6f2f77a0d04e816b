/* system_calls.c: what programs may ask about their memory. */
#include "memory/system_calls.h"

#include <asm/mman.h>
#include <linux/errno.h>
#include <linux/mman.h>

#include "library/align.h"
#include "memory/mapping.h"
#include "memory/page_fault.h"
#include "memory/region.h"
#include "memory/space_pages.h"
#include "thread/limits.h"
#include "thread/preemption.h"
#include "thread/thread.h"

static struct address_space *own_space(void)
{
    return thread_current()->address_space;
}

/* Rounds a size up to pages; false: it cannot be that large. */
static bool size_round(vaddr_t address, size_t *size)
{
    if (!user_range_ok(address, *size))
        return false;
    *size = align_up(*size, PAGE_SIZE);
    return true;
}

/* ---- brk(2), munmap(2), mprotect(2), mremap(2) ---- */

static int brk_move(struct address_space *space, vaddr_t old_end, vaddr_t end)
{
    if (end < old_end)
        return address_space_unmap_locked(space, end, old_end - end);
    if (end == old_end)
        return 0;
    /* Not up to the next region: something is kept free between. */
    const struct region *above = address_space_find(space, old_end);
    if (above &&
        above->start < end + PAGE_SIZE + (above->flags & REGION_STACK ? STACK_GUARD_GAP : 0))
        return -ENOMEM;
    struct region wanted = {.start = old_end,
                            .end = end,
                            .flags = REGION_READ | REGION_WRITE | REGION_HEAP | space->lock_future};
    if (space->lock_future && address_space_may_lock(space, (end - old_end) >> PAGE_SHIFT))
        return -EAGAIN;
    int error = address_space_map_locked(space, &wanted);
    if (!error && space->populate_future)
        address_space_populate_locked(space, old_end, end, true);
    return error;
}

ssize_t sys_brk(vaddr_t address)
{
    struct address_space *space = own_space();

    address_space_lock(space);
    /* RLIMIT_DATA counts the program's own data too (getrlimit(2)). */
    uint64_t data = space->data_end - space->data_start, limit = thread_limit(RLIMIT_DATA);
    if (address >= space->brk_start && address < USER_END &&
        (limit == RLIM64_INFINITY || address - space->brk_start + data <= limit) &&
        !brk_move(space, align_up(space->brk, PAGE_SIZE), align_up(address, PAGE_SIZE)))
        space->brk = address;
    ssize_t result = (ssize_t)space->brk;
    address_space_unlock(space);
    return result;
}

ssize_t sys_munmap(vaddr_t address, size_t size)
{
    if (!is_aligned(address, PAGE_SIZE) || size == 0 || !size_round(address, &size))
        return -EINVAL;
    return address_space_unmap(own_space(), address, size);
}

ssize_t sys_mprotect(vaddr_t address, size_t size, uint64_t protection)
{
    uint64_t grows = protection & (PROT_GROWSDOWN | PROT_GROWSUP);
    protection &= ~(uint64_t)(PROT_GROWSDOWN | PROT_GROWSUP);
    if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || !is_aligned(address, PAGE_SIZE))
        return -EINVAL;
    if (size == 0)
        return 0;
    if (protection & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
        return -EINVAL;
    if (!size_round(address, &size))
        return -ENOMEM;
    if (grows & PROT_GROWSUP)
        return -EINVAL;

    struct address_space *space = own_space();
    if (grows & PROT_GROWSDOWN) {
        /* From the lowest address of the stack on. */
        address_space_lock(space);
        const struct region *region = address_space_find(space, address);
        bool stack = region && region->start < address + size && region->flags & REGION_STACK;
        vaddr_t start = stack ? region->start : 0;
        address_space_unlock(space);
        if (!stack)
            return -EINVAL;
        size += address - start;
        address = start;
    }
    return address_space_protect(space, address, size, protection & REGION_PROTECTION);
}

ssize_t sys_mremap(vaddr_t address, size_t old_size, size_t new_size, uint64_t flags,
                   vaddr_t new_address)
{
    if (flags > INT32_MAX)
        return -EINVAL;
    return address_space_remap(own_space(), address, old_size, new_size, (int)flags, new_address);
}

/* ---- calls that look at every region of a range ---- */

/*
 * Calls visit(region, start, end) for each region in [start, end), with the part that lies
 * there. Holes are passed over, but then -ENOMEM is the answer if nothing else went wrong.
 */
static ssize_t for_each_region(struct address_space *space, vaddr_t start, vaddr_t end,
                               ssize_t (*visit)(struct region *region, vaddr_t start, vaddr_t end,
                                                int argument),
                               int argument)
{
    ssize_t result = 0;
    vaddr_t next = start;

    while (next < end) {
        thread_preemption_point();
        struct region *region = address_space_find(space, next);
        if (!region || region->start >= end)
            return -ENOMEM;
        if (region->start > next)
            result = -ENOMEM;
        vaddr_t from = region->start > next ? region->start : next;
        next = region->end < end ? region->end : end;
        ssize_t error = visit(region, from, next, argument);
        if (error)
            return error;
    }
    return result;
}

/* Sets and clears flags of [start, end) of a region, which is cut for that. */
static ssize_t change_flags(struct region *region, vaddr_t start, vaddr_t end, unsigned set,
                            unsigned clear)
{
    unsigned flags = (region->flags | set) & ~clear;
    if (flags == region->flags)
        return 0;
    struct region_reserve reserve;
    if (region_reserve_fill(&reserve, region->space, region_cuts(region, start, end)))
        return -ENOMEM;
    if (region->start < start)
        region = region_split(region, start, &reserve);
    if (region->end > end)
        region_split(region, end, &reserve);
    region_set_flags(region, flags);
    region_merge(region);
    region_reserve_drain(&reserve);
    return 0;
}

/* ---- madvise(2) ---- */

static ssize_t advise_discard(struct region *region, vaddr_t start, vaddr_t end)
{
    if (region->flags & (REGION_LOCKED | REGION_KERNEL))
        return -EINVAL;
    space_pages_remove(region->space, start, end);
    return 0;
}

static ssize_t advise(struct region *region, vaddr_t start, vaddr_t end, int advice)
{
    bool private_anonymous = !region->object && !(region->flags & REGION_SHARED);

    switch (advice) {
    case MADV_DONTNEED:
        return advise_discard(region, start, end);
    case MADV_FREE:
        return private_anonymous ? advise_discard(region, start, end) : -EINVAL;
    case MADV_DONTFORK:
        return change_flags(region, start, end, REGION_DONT_FORK, 0);
    case MADV_DOFORK:
        return change_flags(region, start, end, 0, REGION_DONT_FORK);
    case MADV_WIPEONFORK:
        return private_anonymous ? change_flags(region, start, end, REGION_WIPE_ON_FORK, 0)
                                 : -EINVAL;
    case MADV_KEEPONFORK:
        return change_flags(region, start, end, 0, REGION_WIPE_ON_FORK);
    case MADV_POPULATE_READ:
        return address_space_populate_locked(region->space, start, end, false);
    case MADV_POPULATE_WRITE:
        return address_space_populate_locked(region->space, start, end, true);
    default: /* hints about what there is nothing to do */
        return 0;
    }
}

static bool advice_known(int advice)
{
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        return true;
    default:
        return false;
    }
}

/* MADV_REMOVE: a hole in the file itself, for all who map it. */
static ssize_t advise_remove(struct address_space *space, vaddr_t start, vaddr_t end)
{
    while (start < end) {
        address_space_lock(space);
        const struct region *region = address_space_find(space, start);
        struct memory_object *object = NULL;
        ssize_t error = !region || region->start > start                   ? -ENOMEM
                        : !region->object || region->flags & REGION_LOCKED ? -EINVAL
                        : (region->flags & (REGION_SHARED | REGION_MAY_WRITE)) !=
                                (REGION_SHARED | REGION_MAY_WRITE)
                            ? -EACCES
                            : 0;
        uint64_t index = 0;
        vaddr_t stop = start;
        if (!error) {
            object = region->object;
            object->reference(object);
            index = region_page_index(region, start);
            stop = region->end < end ? region->end : end;
        }
        address_space_unlock(space);
        if (error)
            return error;
        if (page_cache_may_punch(object->cache))
            page_cache_punch(object->cache, index << PAGE_SHIFT, stop - start);
        else
            error = -EPERM;
        object->release(object);
        if (error)
            return error;
        start = stop;
    }
    return 0;
}

ssize_t sys_madvise(vaddr_t address, size_t size, int advice)
{
    struct address_space *space = own_space();

    if (!advice_known(advice) || !is_aligned(address, PAGE_SIZE) || size > UINT64_MAX - PAGE_SIZE ||
        address + align_up(size, PAGE_SIZE) < address)
        return -EINVAL;
    if (size == 0)
        return 0;
    if (!size_round(address, &size))
        return -ENOMEM;
    if (advice == MADV_REMOVE)
        return advise_remove(space, address, address + size);
    address_space_lock(space);
    ssize_t result = for_each_region(space, address, address + size, advise, advice);
    address_space_unlock(space);
    return result;
}

/* ---- msync(2), mincore(2) ---- */

static ssize_t synchronise(struct region *region, vaddr_t start, vaddr_t end, int flags)
{
    (void)start, (void)end;
    /* A RAM file's pages are its contents: there is nothing to write. */
    return flags & MS_INVALIDATE && region->flags & REGION_LOCKED ? -EBUSY : 0;
}

/* The first file in [*start, end) that lies elsewhere and is mapped shared, with a reference;
 *start moves behind the region. NULL: there is none. */
static struct memory_object *next_backed(struct address_space *space, vaddr_t *start, vaddr_t end)
{
    struct memory_object *object = NULL;

    address_space_lock(space);
    for (const struct region *region = address_space_find(space, *start);
         region && region->start < end && !object; region = region->next) {
        *start = region->end;
        if (region->object && region->object->cache->backed && region->flags & REGION_SHARED)
            object = region->object;
    }
    if (object)
        object->reference(object);
    address_space_unlock(space);
    return object;
}

static ssize_t synchronise_backed(struct address_space *space, vaddr_t start, vaddr_t end)
{
    struct memory_object *object;
    ssize_t result = 0;

    while (!result && (object = next_backed(space, &start, end))) {
        if (object->synchronise)
            result = object->synchronise(object);
        object->release(object);
    }
    return result;
}

ssize_t sys_msync(vaddr_t address, size_t size, int flags)
{
    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || !is_aligned(address, PAGE_SIZE) ||
        (flags & MS_ASYNC && flags & MS_SYNC))
        return -EINVAL;
    if (size == 0)
        return 0;
    if (!size_round(address, &size))
        return -ENOMEM;
    struct address_space *space = own_space();
    address_space_lock(space);
    ssize_t result = for_each_region(space, address, address + size, synchronise, flags);
    address_space_unlock(space);
    if (!result && flags & MS_SYNC)
        result = synchronise_backed(space, address, address + size);
    return result;
}

static bool page_resident(struct address_space *space, const struct region *region, vaddr_t page)
{
    vaddr_t end = page + PAGE_SIZE;
    const uint64_t *leaf = leaf_look(space, page, &end);
    if (leaf && leaf[page_table_index(page, 0)])
        return true;
    bool of_file = region->object && (!region->file_end || page < region->file_end);
    return of_file && page_cache_has(region->object->cache, region_page_index(region, page));
}

/* Looks at up to `count` pages; how many, or -ENOMEM at a hole. */
static ssize_t residency(struct address_space *space, vaddr_t start, size_t count, uint8_t *vector)
{
    for (size_t i = 0; i < count; i++) {
        vaddr_t page = start + i * PAGE_SIZE;
        const struct region *region = address_space_find(space, page);
        if (!region || region->start > page)
            return -ENOMEM;
        vector[i] = page_resident(space, region, page);
    }
    return 0;
}

ssize_t sys_mincore(vaddr_t address, size_t size, vaddr_t vector)
{
    if (!is_aligned(address, PAGE_SIZE))
        return -EINVAL;
    if (!size_round(address, &size))
        return -ENOMEM;
    size_t pages = size >> PAGE_SHIFT;
    if (!user_range_ok(vector, pages))
        return -EFAULT;

    struct address_space *space = own_space();
    uint8_t answers[128];
    for (size_t done = 0; done < pages;) {
        size_t count = pages - done < sizeof(answers) ? pages - done : sizeof(answers);
        address_space_lock(space);
        ssize_t error = residency(space, address + done * PAGE_SIZE, count, answers);
        address_space_unlock(space);
        if (!error)
            error = user_copy_out(vector + done, answers, count);
        if (error)
            return error;
        done += count;
        thread_preemption_point();
    }
    return 0;
}

/* ---- mlock(2) and its like: what is locked is there; nothing is ever swapped out ---- */

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static ssize_t lock_region(struct region *region, vaddr_t start, vaddr_t end, int on_fault)
{
    struct address_space *space = region->space;
    bool accessible = region->flags & REGION_PROTECTION;
    ssize_t error = change_flags(region, start, end, REGION_LOCKED, 0);
    if (error || on_fault || !accessible)
        return error;
    return address_space_populate_locked(space, start, end, false) ? -ENOMEM : 0;
}

static ssize_t unlock_region(struct region *region, vaddr_t start, vaddr_t end, int unused)
{
    (void)unused;
    return change_flags(region, start, end, 0, REGION_LOCKED);
}

/* How many pages of [start, end) are not locked yet. */
static uint64_t pages_unlocked(struct address_space *space, vaddr_t start, vaddr_t end)
{
    uint64_t pages = 0;

    for (const struct region *region = address_space_find(space, start);
         region && region->start < end; region = region->next) {
        vaddr_t from = region->start > start ? region->start : start;
        vaddr_t to = region->end < end ? region->end : end;
        pages += region->flags & REGION_LOCKED ? 0 : (to - from) >> PAGE_SHIFT;
        thread_preemption_point();
    }
    return pages;
}

/* The whole pages that [*address, *address + *size) touches. 0, -EINVAL, -ENOMEM. */
static int lock_range(vaddr_t *address, size_t *size)
{
    vaddr_t start = align_down(*address, PAGE_SIZE);

    if (*size > UINT64_MAX - PAGE_SIZE || *address + *size < *address)
        return -EINVAL;
    *size += *address - start;
    *address = start;
    return size_round(start, size) ? 0 : -ENOMEM;
}

static ssize_t lock(vaddr_t start, size_t size, int on_fault)
{
    struct address_space *space = own_space();
    int error = lock_range(&start, &size);

    address_space_lock(space);
    ssize_t result = address_space_may_lock(
        space, error ? 0 : pages_unlocked(space, start, start + size)); /* -EPERM comes first */
    if (!result)
        result = error;
    if (!result)
        result = for_each_region(space, start, start + size, lock_region, on_fault);
    address_space_unlock(space);
    return result;
}

ssize_t sys_mlock(vaddr_t address, size_t size)
{
    return lock(address, size, 0);
}

ssize_t sys_mlock2(vaddr_t address, size_t size, int flags)
{
    if (flags & ~MLOCK_ONFAULT)
        return -EINVAL;
    return lock(address, size, flags & MLOCK_ONFAULT);
}

ssize_t sys_munlock(vaddr_t address, size_t size)
{
    struct address_space *space = own_space();
    int error = lock_range(&address, &size);

    if (error)
        return error;
    address_space_lock(space);
    ssize_t result = for_each_region(space, address, address + size, unlock_region, 0);
    address_space_unlock(space);
    return result;
}

/* What cannot be there (behind a file's end, or without memory) is passed over: mlockall(2). */
static void visit_all(struct address_space *space,
                      ssize_t (*visit)(struct region *, vaddr_t, vaddr_t, int), int argument)
{
    vaddr_t next = 0;
    struct region *region;

    while ((region = address_space_find(space, next))) {
        next = region->end;
        if (!(region->flags & REGION_KERNEL))
            visit(region, region->start, next, argument);
    }
}

ssize_t sys_mlockall(int flags)
{
    if (flags == 0 || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
        return -EINVAL;
    struct address_space *space = own_space();
    address_space_lock(space);
    uint64_t pages = space->pages_total - space->pages_locked;
    int error = address_space_may_lock(space, flags & MCL_CURRENT ? pages : 0);
    if (!error) {
        space->lock_future = flags & MCL_FUTURE ? REGION_LOCKED : 0;
        space->populate_future = (flags & (MCL_FUTURE | MCL_ONFAULT)) == MCL_FUTURE;
        if (flags & MCL_CURRENT)
            visit_all(space, lock_region, flags & MCL_ONFAULT);
    }
    address_space_unlock(space);
    return error;
}

ssize_t sys_munlockall(void)
{
    struct address_space *space = own_space();

    address_space_lock(space);
    space->lock_future = 0;
    space->populate_future = false;
    visit_all(space, unlock_region, 0);
    address_space_unlock(space);
    return 0;
}

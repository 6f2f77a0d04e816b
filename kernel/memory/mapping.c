/*
 * mapping.c: changes of an address space's regions.
 *
 * A change that may need new regions takes them from a reserve that was filled
 * before, so it fails before anything has changed, or not at all.
 */
#include "memory/mapping.h"

#include <asm/mman.h>
#include <linux/errno.h>
#include <linux/mman.h>

#include "cpu/panic.h"
#include "library/align.h"
#include "memory/heap.h"
#include "memory/hooks.h"
#include "memory/page_fault.h"
#include "memory/region.h"
#include "memory/space_pages.h"
#include "thread/limits.h"
#include "thread/preemption.h"
#include "thread/thread.h"

static bool range_valid(vaddr_t start, size_t size)
{
    return is_aligned(start | size, PAGE_SIZE) && size > 0 && user_range_ok(start, size);
}

/* ---- unmapping ---- */

/* Takes [start, end) out, of which `region` is the first or behind it: at most one is cut in two,
   from the reserve. */
static void unmap_commit(struct address_space *space, struct region *region, vaddr_t start,
                         vaddr_t end, struct region_reserve *reserve)
{
    struct region *next;

    for (; region && region->start < end; region = next) {
        vaddr_t from = region->start > start ? region->start : start;
        vaddr_t to = region->end < end ? region->end : end;
        space_pages_remove(space, from, to);
        next = region->next;
        if (from == region->start && to == region->end)
            region_remove(region);
        else if (from == region->start)
            region_resize(region, to, region->end);
        else {
            if (to < region->end)
                next = region_split(region, to, reserve);
            region_resize(region, region->start, from);
        }
        thread_preemption_point();
    }
}

/* Does taking [start, end) out cut its first region in two? */
static bool unmap_splits(const struct region *region, vaddr_t start, vaddr_t end)
{
    return region && region->start < start && region->end > end;
}

int address_space_unmap_locked(struct address_space *space, vaddr_t start, size_t size)
{
    struct region_reserve reserve;
    struct region *first = address_space_find(space, start);
    if (region_reserve_fill(&reserve, space, unmap_splits(first, start, start + size)))
        return -ENOMEM;
    unmap_commit(space, first, start, start + size, &reserve);
    region_reserve_drain(&reserve);
    return 0;
}

int address_space_unmap(struct address_space *space, vaddr_t start, size_t size)
{
    if (!range_valid(start, size))
        return -EINVAL;
    address_space_lock(space);
    int error = address_space_unmap_locked(space, start, size);
    address_space_unlock(space);
    return error;
}

/* ---- mapping ---- */

static uint64_t pages_between(struct address_space *space, vaddr_t start, vaddr_t end)
{
    uint64_t pages = 0;
    for (const struct region *region = address_space_find(space, start);
         region && region->start < end; region = region->next) {
        vaddr_t from = region->start > start ? region->start : start;
        vaddr_t to = region->end < end ? region->end : end;
        pages += (to - from) >> PAGE_SHIFT;
    }
    return pages;
}

/*
 * Linux's heuristic (proc(5), overcommit_memory 0): only what can never come true is refused. Asked
 * wherever memory of `flags` becomes a program's own: when it is mapped, grows, or becomes
 * writable.
 */
static bool obviously_too_much(size_t size, unsigned flags)
{
    if ((flags & (REGION_WRITE | REGION_SHARED | REGION_NO_RESERVE)) != REGION_WRITE)
        return false;
    return size >> PAGE_SHIFT > frame_total();
}

/* May a mapping like that be given this protection? What it may never have was noted when it was
   made, from the answers that mmap(2) itself went by (file/mmap.c). */
static bool region_permits(unsigned flags, unsigned protection)
{
    if (protection & (REGION_WRITE | REGION_EXECUTE) && flags & REGION_KERNEL)
        return false;
    if (protection & REGION_EXECUTE && flags & REGION_NO_EXECUTE)
        return false;
    return !(protection & REGION_WRITE) || !(flags & REGION_SHARED) || flags & REGION_MAY_WRITE;
}

/* RLIMIT_AS and RLIMIT_DATA (getrlimit(2)). What is replaced does not count against the first.
   Inline, for an exec asks it for each region of the new program. */
inline bool address_space_may_grow(struct address_space *space, vaddr_t start, size_t size,
                                   unsigned flags)
{
    uint64_t pages = size >> PAGE_SHIFT;
    uint64_t limit = thread_limit(RLIMIT_AS) >> PAGE_SHIFT;

    if (obviously_too_much(size, flags))
        return false;
    if (space->pages_total + pages > limit &&
        space->pages_total + pages - pages_between(space, start, start + size) > limit)
        return false;
    return (flags & (REGION_WRITE | REGION_SHARED | REGION_STACK)) != REGION_WRITE ||
           space->pages_data + pages <= thread_limit(RLIMIT_DATA) >> PAGE_SHIFT;
}

int address_space_may_lock(struct address_space *space, uint64_t pages)
{
    if (memory_hooks.lock_unlimited())
        return 0;
    uint64_t limit = thread_limit(RLIMIT_MEMLOCK);
    if (!limit)
        return -EPERM;
    return space->pages_locked + pages > limit >> PAGE_SHIFT ? -ENOMEM : 0;
}

/* `above`: what address_space_find() says of its start. */
static int map_below(struct address_space *space, const struct region *wanted, struct region *above)
{
    size_t size = wanted->end - wanted->start;
    if (!address_space_may_grow(space, wanted->start, size, wanted->flags))
        return -ENOMEM;

    /* As one with a neighbour, if nothing is in the way: a heap that grows up, maps that come one
       below the other. */
    struct region *below = above ? above->previous : space->last;
    bool vacant = !above || wanted->end <= above->start;
    if (vacant && below && region_extends(below, wanted)) {
        region_resize(below, below->start, wanted->end);
        region_merge(below);
        return 0;
    }
    if (vacant && above && region_extends(wanted, above)) {
        region_resize(above, wanted->start, above->end);
        return 0;
    }

    bool splits = !vacant && unmap_splits(above, wanted->start, wanted->end);
    if (space->region_count + 1 + splits > __atomic_load_n(&regions_maximum, __ATOMIC_RELAXED))
        return -ENOMEM;
    struct region *region = heap_allocate(sizeof(*region));
    int error = !region  ? -ENOMEM
                : vacant ? 0
                         : address_space_unmap_locked(space, wanted->start, size);
    if (error) {
        heap_free(region);
        return error;
    }
    region->start = wanted->start;
    region->end = wanted->end;
    region->flags = wanted->flags;
    region->object = wanted->object;
    region->offset = wanted->offset;
    region->file_end = wanted->file_end;
    if (region->object)
        region->object->reference(region->object);
    region_insert(space, region, vacant ? above : address_space_find(space, wanted->start));
    if (!vacant)
        region_merge(region);
    return 0;
}

int address_space_map_locked(struct address_space *space, const struct region *wanted)
{
    return map_below(space, wanted, address_space_find(space, wanted->start));
}

int address_space_map(struct address_space *space, vaddr_t start, size_t size, unsigned flags,
                      struct memory_object *object, uint64_t page_offset, vaddr_t file_end,
                      bool replace)
{
    if (!range_valid(start, size) || start < USER_START)
        return -EINVAL;

    struct region wanted; /* only what describes the mapping */
    wanted.start = start;
    wanted.end = start + size;
    wanted.flags = flags;
    wanted.object = object;
    wanted.offset = page_offset;
    wanted.file_end = file_end;
    address_space_lock(space);
    struct region *above = address_space_find(space, start);
    int error =
        above && above->start < wanted.end && !replace ? -EEXIST : map_below(space, &wanted, above);
    address_space_unlock(space);
    return error;
}

vaddr_t address_space_find_free(struct address_space *space, vaddr_t hint, size_t size)
{
    hint = align_up(hint, PAGE_SIZE);
    if (hint >= USER_START && user_range_ok(hint, size)) {
        const struct region *above = address_space_find(space, hint);
        vaddr_t end = !above                        ? USER_END
                      : above->flags & REGION_STACK ? above->start - STACK_GUARD_GAP
                                                    : above->start;
        if ((!above || above->start > hint) && hint + size <= end)
            return hint;
    }
    vaddr_t place = region_find_gap(space, size, space->mmap_base);
    /* Above, if below nothing is left: as Linux does. */
    return place ? place : region_find_gap(space, size, USER_END);
}

/* ---- protecting ---- */

/* mprotect(2) on [start, end), which has no holes and begins in `region`. */
static void protect_commit(struct region *region, vaddr_t start, vaddr_t end, unsigned protection,
                           struct region_reserve *reserve)
{
    if (region->start < start && (region->flags & REGION_PROTECTION) != protection)
        region = region_split(region, start, reserve);
    while (region && region->start < end) {
        if ((region->flags & REGION_PROTECTION) != protection) {
            if (region->end > end)
                region_split(region, end, reserve);
            region_set_flags(region, (region->flags & ~(unsigned)REGION_PROTECTION) | protection);
            space_pages_protect(region, region->start, region->end);
            region = region_merge(region);
        }
        region = region->next;
    }
}

/* Why it cannot be done: a hole, a mapping that may not be written, a limit. `region` is the
   first that ends behind `start`; *cuts: how many more there will be. */
static int protect_check(struct address_space *space, const struct region *region, vaddr_t start,
                         vaddr_t end, unsigned protection, unsigned *cuts)
{
    vaddr_t next = start;
    uint64_t data = 0;

    for (; next < end; region = region->next) {
        thread_preemption_point();
        if (!region || region->start > next)
            return -ENOMEM;
        if (!region_permits(region->flags, protection))
            return -EACCES;
        vaddr_t stop = region->end < end ? region->end : end;
        if (protection & REGION_WRITE && !(region->flags & (REGION_SHARED | REGION_WRITE))) {
            if (obviously_too_much(stop - next, region->flags | REGION_WRITE))
                return -ENOMEM;
            data += (stop - next) >> PAGE_SHIFT;
        }
        if ((region->flags & REGION_PROTECTION) != protection)
            *cuts += region_cuts(region, start, end);
        next = region->end;
    }
    return data && space->pages_data + data > thread_limit(RLIMIT_DATA) >> PAGE_SHIFT ? -ENOMEM : 0;
}

int address_space_protect(struct address_space *space, vaddr_t start, size_t size,
                          unsigned protection)
{
    if (!range_valid(start, size))
        return user_range_ok(start, size) ? -EINVAL : -ENOMEM;

    struct region_reserve reserve;
    address_space_lock(space);
    struct region *region = address_space_find(space, start);
    unsigned cuts = 0;
    int error = protect_check(space, region, start, start + size, protection, &cuts);
    if (!error)
        error = region_reserve_fill(&reserve, space, cuts);
    if (!error) {
        protect_commit(region, start, start + size, protection, &reserve);
        region_reserve_drain(&reserve);
    }
    address_space_unlock(space);
    return error;
}

/* ---- populating ---- */

int address_space_populate_locked(struct address_space *space, vaddr_t start, vaddr_t end,
                                  bool write)
{
    for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
        /* A terabyte may have been asked for. */
        thread_preemption_point();
        if (thread_interrupted(THREAD_KILLABLE))
            return -EINTR;
        const struct region *region = address_space_find(space, page);
        if (!region || region->start > page)
            return -ENOMEM;
        unsigned access = write || (region->flags & (REGION_WRITE | REGION_SHARED)) == REGION_WRITE
                              ? REGION_WRITE
                              : REGION_READ;
        enum memory_fault fault = address_space_fault(space, page, access);
        if (fault == MEMORY_FAULT_NO_MEMORY) {
            address_space_unlock(space);
            bool again = memory_last_resort();
            address_space_lock(space);
            if (!again)
                return -ENOMEM;
            page -= PAGE_SIZE; /* whatever may be there now */
            continue;
        }
        if (fault == MEMORY_FAULT_ABSENT)
            continue; /* its first touch fetches it: the caller walks through the regions */
        if (fault)
            return fault == MEMORY_FAULT_PROTECTION ? -EINVAL : -EFAULT;
    }
    return 0;
}

/* ---- mmap(2) ---- */

static int mapping_region(const struct mapping *mapping, struct region *wanted)
{
    int type = mapping->flags & MAP_TYPE;

    if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && mapping->flags & MAP_SYNC)
        return -EOPNOTSUPP;
    if (mapping->flags & MAP_HUGETLB)
        return -ENOMEM; /* none are set aside */
    if (mapping->size == 0)
        return -EINVAL;
    if (mapping->size > USER_END)
        return -ENOMEM;
    size_t size = align_up(mapping->size, PAGE_SIZE);
    if (mapping->page_offset + (size >> PAGE_SHIFT) < mapping->page_offset)
        return -EOVERFLOW;

    bool shared = type != MAP_PRIVATE;
    wanted->flags = (unsigned)mapping->protection & REGION_PROTECTION;
    if (shared)
        wanted->flags |= REGION_SHARED | (mapping->may_write ? REGION_MAY_WRITE : 0);
    if (!mapping->may_execute)
        wanted->flags |= REGION_NO_EXECUTE;
    if (mapping->flags & MAP_GROWSDOWN) {
        if (shared || mapping->object)
            return -EINVAL;
        wanted->flags |= REGION_STACK;
    }
    if (mapping->flags & MAP_LOCKED)
        wanted->flags |= REGION_LOCKED;
    if (mapping->flags & MAP_NORESERVE)
        wanted->flags |= REGION_NO_RESERVE;
    wanted->object = mapping->object;
    wanted->offset = mapping->object ? mapping->page_offset : 0;
    wanted->end = size; /* from 0 until its place is known */
    return 0;
}

/* Where: as MAP_FIXED says, or somewhere free. An address or an error. */
static ssize_t mapping_place(struct address_space *space, const struct mapping *mapping,
                             size_t size)
{
    bool fixed = mapping->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

    if (fixed) {
        if (!user_range_ok(mapping->address, size))
            return -ENOMEM;
        if (!is_aligned(mapping->address, PAGE_SIZE))
            return -EINVAL;
        if (mapping->address < USER_START)
            return -EPERM;
        const struct region *above = address_space_find(space, mapping->address);
        if (mapping->flags & MAP_FIXED_NOREPLACE && above && above->start < mapping->address + size)
            return -EEXIST;
        return (ssize_t)mapping->address;
    }
    vaddr_t place = mapping->flags & MAP_32BIT && !mapping->address
                        ? region_find_gap(space, size, 0x80000000)
                        : address_space_find_free(space, mapping->address, size);
    return place ? (ssize_t)place : -ENOMEM;
}

/* Memory that is locked from the beginning, under RLIMIT_MEMLOCK: mmap(2), EAGAIN and EPERM. */
static int mapping_lock_check(struct address_space *space, const struct mapping *mapping,
                              const struct region *wanted)
{
    int error =
        wanted->flags & REGION_LOCKED ? address_space_may_lock(space, region_pages(wanted)) : 0;

    if (error == -EPERM && mapping->flags & MAP_LOCKED)
        return -EPERM;
    return error ? -EAGAIN : 0;
}

ssize_t address_space_mmap(struct address_space *space, const struct mapping *mapping)
{
    struct region wanted = {0};
    ssize_t error = mapping_region(mapping, &wanted);
    if (error)
        return error;
    size_t size = wanted.end;
    bool anonymous_shared = wanted.flags & REGION_SHARED && !wanted.object;
    if (anonymous_shared) {
        /* It belongs to nobody alone, but somebody has to keep it: as if it were private. */
        if (obviously_too_much(size, REGION_WRITE | (wanted.flags & REGION_NO_RESERVE)))
            return -ENOMEM;
        wanted.object = shared_memory_create(size);
        if (!wanted.object)
            return -ENOMEM;
    }

    address_space_lock(space);
    wanted.flags |= space->lock_future;
    bool populate = (mapping->flags & (MAP_POPULATE | MAP_LOCKED) || space->populate_future) &&
                    !(mapping->flags & MAP_NONBLOCK) && mapping->protection != PROT_NONE;
    ssize_t place = mapping_lock_check(space, mapping, &wanted);
    if (!place)
        place = mapping_place(space, mapping, size);
    if (place > 0) {
        wanted.start = (vaddr_t)place;
        wanted.end = wanted.start + size;
        error = address_space_map_locked(space, &wanted);
        if (error)
            place = error;
        else if (populate)
            address_space_populate_locked(space, wanted.start, wanted.end, false);
    }
    address_space_unlock(space);
    if (anonymous_shared)
        wanted.object->release(wanted.object);
    return place;
}

/* ---- mremap(2) ---- */

static struct region *region_at(struct address_space *space, vaddr_t start)
{
    struct region *region = address_space_find(space, start);
    return region && region->start <= start ? region : NULL;
}

/* Moves [from, from+old) of one region to [to, to+size), where nothing is; `keep`: the old
   place stays mapped, empty. */
static int move_locked(struct address_space *space, vaddr_t from, size_t old, vaddr_t to,
                       size_t size, bool keep)
{
    struct region *region = region_at(space, from);
    size_t moved = old < size ? old : size;
    struct region wanted = {.start = to,
                            .end = to + size,
                            .flags = region->flags,
                            .object = region->object,
                            .offset = region->object ? region_page_index(region, from) : 0};
    if (region->file_end)
        return -EFAULT; /* an exec segment's own tail; nobody moves these */

    struct region_reserve reserve;
    if (region_reserve_fill(&reserve, space, 1))
        return -ENOMEM;
    int error = space_pages_move_prepare(space, from, to, moved);
    if (!error) {
        error = address_space_map_locked(space, &wanted);
        if (error)
            space_pages_remove(space, to, to + moved);
    }
    if (!error) {
        space_pages_move_commit(space, from, to, moved);
        if (!keep)
            unmap_commit(space, region_at(space, from), from, from + old, &reserve);
    }
    region_reserve_drain(&reserve);
    return error;
}

/* Larger at the same place, if there is room. */
static int grow_in_place(struct region *region, vaddr_t start, size_t old, size_t size)
{
    vaddr_t end = start + size;
    if (region->end != start + old || region->file_end || !user_range_ok(start, size) ||
        (region->next && region->next->start < end))
        return -ENOMEM;
    region_resize(region, region->start, end);
    region_merge(region);
    return 0;
}

static ssize_t remap_locked(struct address_space *space, vaddr_t address, size_t old, size_t size,
                            int flags, vaddr_t target)
{
    struct region *region = region_at(space, address);
    if (!region)
        return -EFAULT;
    if (old == 0 && !(region->flags & REGION_SHARED))
        return -EINVAL;
    bool in_place = !(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP));
    /* To take pages away at the end is munmap(2), whatever regions there are. */
    if (in_place && size <= old) {
        int failed = size < old ? address_space_unmap_locked(space, address + size, old - size) : 0;
        return failed ? failed : (ssize_t)address;
    }
    if (region->end - address < (old < size ? old : size))
        return -EFAULT;
    if (size > old && region->object && region->object->cache->constant)
        return -EFAULT;
    if (flags & MREMAP_DONTUNMAP && (region->object || region->flags & REGION_STACK))
        return -EINVAL;

    int error;
    if (flags & MREMAP_FIXED) {
        error = address_space_unmap_locked(space, target, size);
        if (!error && size < old)
            error = address_space_unmap_locked(space, address + size, old - size);
        if (error)
            return error;
        region = region_at(space, address);
        old = size < old ? size : old;
    }
    size_t more = size > old ? size - old : 0;
    if (!address_space_may_grow(space, address, more, region->flags))
        return -ENOMEM;
    if (region->flags & REGION_LOCKED && address_space_may_lock(space, more >> PAGE_SHIFT))
        return -EAGAIN;
    if (in_place) {
        if (old > 0 && !grow_in_place(region, address, old, size))
            return (ssize_t)address;
        if (!(flags & MREMAP_MAYMOVE))
            return -ENOMEM;
    }
    if (!(flags & MREMAP_FIXED)) {
        target = address_space_find_free(space, flags & MREMAP_DONTUNMAP ? target : 0, size);
        if (!target)
            return -ENOMEM;
    }
    error = move_locked(space, address, old, target, size, flags & MREMAP_DONTUNMAP || old == 0);
    return error ? error : (ssize_t)target;
}

ssize_t address_space_remap(struct address_space *space, vaddr_t address, size_t old_size,
                            size_t new_size, int flags, vaddr_t target)
{
    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
        !is_aligned(address, PAGE_SIZE) || new_size == 0)
        return -EINVAL;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if (old_size > USER_END || new_size > USER_END)
        return flags & MREMAP_FIXED || new_size > USER_END ? -EINVAL : -EFAULT;
    size_t old = align_up(old_size, PAGE_SIZE), size = align_up(new_size, PAGE_SIZE);
    if (flags & MREMAP_DONTUNMAP && old != size)
        return -EINVAL;
    if (flags & MREMAP_FIXED &&
        (!is_aligned(target, PAGE_SIZE) || !user_range_ok(target, size) || target < USER_START ||
         (address < target + size && target < address + old)))
        return -EINVAL;

    address_space_lock(space);
    ssize_t result = remap_locked(space, address, old, size, flags, target);
    const struct region *region = result > 0 ? region_at(space, (vaddr_t)result) : NULL;
    if (region && region->flags & REGION_LOCKED && size > old)
        address_space_populate_locked(space, (vaddr_t)result + old, (vaddr_t)result + size, false);
    address_space_unlock(space);
    return result;
}

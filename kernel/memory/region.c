/*
 * region.c: a red-black tree by address, in which each region also knows the
 * largest free place in its subtree, so that finding one does not depend on
 * how many regions there are; and a list in the same order.
 */
#include "memory/region.h"

#include <linux/errno.h>

#include "cpu/panic.h"
#include "memory/heap.h"
#include "thread/preemption.h"

uint32_t regions_maximum = 65530; /* Linux's default */

/* ---- the tree ---- */

static int region_compare(const struct region *left, const struct region *right)
{
    return left->start < right->start ? -1 : left->start > right->start;
}

static uint64_t largest_gap_of(const struct region *region)
{
    return region ? region->largest_gap : 0;
}

static void gap_update(struct region *region)
{
    uint64_t left = largest_gap_of(RB_LEFT(region, link));
    uint64_t right = largest_gap_of(RB_RIGHT(region, link));
    uint64_t largest = left > right ? left : right;
    region->largest_gap = region->gap > largest ? region->gap : largest;
}

/* The tree calls this when subtrees have moved. */
#undef RB_AUGMENT
#define RB_AUGMENT(region) gap_update(region)
#undef __unused
#define __unused __attribute__((unused))
RB_GENERATE_STATIC(region_tree, region, link, region_compare)

/* Where the free place below a region ends: a stack keeps its distance. */
static vaddr_t gap_end(const struct region *region)
{
    if (!(region->flags & REGION_STACK))
        return region->start;
    return region->start > STACK_GUARD_GAP ? region->start - STACK_GUARD_GAP : 0;
}

static vaddr_t gap_start(const struct region *region)
{
    return region->previous ? region->previous->end : USER_START;
}

/* What lies below this one, or its own gap, has changed; perhaps that is no change further up. */
static void gap_update_from(struct region *region)
{
    for (; region; region = RB_PARENT(region, link)) {
        uint64_t before = region->largest_gap;
        gap_update(region);
        if (region->largest_gap == before)
            return;
    }
}

/* Its gap may have changed, and with it the largest one of those above it in the tree. */
static void gap_changed(struct region *region)
{
    vaddr_t start = gap_start(region), end = gap_end(region);
    region->gap = end > start ? end - start : 0;
    struct region *highest = region->space->gap_above;
    if (highest && highest->start < region->start && region->gap >= region->space->gap_size)
        region->space->gap_above = region;
    gap_update_from(region);
}

/* Enters a region between its neighbours. One of them has a free place on that side: of two that
   follow each other one is below the other in the tree. */
static void tree_insert(struct address_space *space, struct region *region)
{
    struct region *below = region->previous, *above = region->next;
    bool right = below && !RB_RIGHT(below, link);
    struct region *parent = right ? below : above;

    RB_SET(region, parent, link);
    if (!parent)
        RB_ROOT(&space->regions) = region;
    else if (right)
        RB_RIGHT(parent, link) = region;
    else
        RB_LEFT(parent, link) = region;
    /* Without a gap it changes no largest one: the tree is turned first. */
    region->gap = region->largest_gap = 0;
    region_tree_RB_INSERT_COLOR(&space->regions, region);
    gap_changed(region);
    if (above)
        gap_changed(above);
}

vaddr_t region_find_gap(struct address_space *space, size_t size, vaddr_t limit)
{
    vaddr_t top = space->last ? space->last->end : USER_START;
    if (top + size <= limit)
        return limit - size;

    /* From the right to the left; a subtree without a gap that is large enough is passed over. */
    struct region *node = RB_ROOT(&space->regions), *from = NULL;
    if (space->gap_above && limit == space->mmap_base && size >= space->gap_size) {
        node = space->gap_above;
        from = RB_RIGHT(node, link); /* to the right there is none */
    }
    while (node) {
        struct region *right = RB_RIGHT(node, link), *left = RB_LEFT(node, link);
        struct region *parent = RB_PARENT(node, link);
        if (from == parent && right && largest_gap_of(right) >= size && node->end + size <= limit) {
            from = node;
            node = right;
            continue;
        }
        if (from == parent || from == right) {
            vaddr_t start = gap_start(node), end = gap_end(node) < limit ? gap_end(node) : limit;
            if (end >= start && end - start >= size) {
                if (limit == space->mmap_base) {
                    space->gap_above = node;
                    space->gap_size = size;
                }
                space->recent = node;
                return end - size;
            }
            if (left && largest_gap_of(left) >= size) {
                from = node;
                node = left;
                continue;
            }
        }
        from = node;
        node = parent;
    }
    return 0;
}

/* ---- accounts and lists ---- */

static void account(struct address_space *space, unsigned flags, int64_t pages)
{
    if (pages < 0 && space->pages_total_most < space->pages_total)
        space->pages_total_most = space->pages_total; /* as resident_add() does */
    space->pages_total += (uint64_t)pages;
    if ((flags & (REGION_WRITE | REGION_SHARED | REGION_STACK)) == REGION_WRITE)
        space->pages_data += (uint64_t)pages;
    if (flags & REGION_LOCKED)
        space->pages_locked += (uint64_t)pages;
}

static void cache_list_insert(struct region *region)
{
    struct page_cache *cache = region->object->cache;
    if (cache->constant)
        return;
    mutex_acquire(&cache->lock);
    region->truncations_seen = 0;
    if (cache->no_writing && region->flags & REGION_SHARED) /* sealed since mmap(2) asked */
        region->flags &= ~(unsigned)(REGION_WRITE | REGION_MAY_WRITE);
    LIST_INSERT_HEAD(&cache->regions, region, cache_link);
    cache->region_count++;
    mutex_release(&cache->lock);
}

static void cache_list_remove(struct region *region)
{
    struct page_cache *cache = region->object->cache;
    if (cache->constant)
        return;
    mutex_acquire(&cache->lock);
    LIST_REMOVE(region, cache_link);
    cache->region_count--;
    mutex_release(&cache->lock);
}

/* Out of all lists. */
static void region_free(struct region *region)
{
    if (region->object)
        region->object->release(region->object);
    heap_free(region);
}

void regions_release(struct region *first)
{
    while (first) {
        struct region *region = first;
        first = region->next;
        region_free(region);
        thread_preemption_point();
    }
}

void region_insert(struct address_space *space, struct region *region, struct region *above)
{
    struct region *below = above ? above->previous : space->last;

    region->space = space;
    debug_assert(!below || below->end <= region->start);
    debug_assert(!above || region->end <= above->start);
    debug_assert(region->start < region->end);

    region->next = above;
    region->previous = below;
    *(above ? &above->previous : &space->last) = region;
    *(below ? &below->next : &space->first) = region;
    tree_insert(space, region);
    space->region_count++;
    account(space, region->flags, (int64_t)region_pages(region));
    if (region->object)
        cache_list_insert(region);
    if (region->object && region->object->cache->backed)
        __atomic_store_n(&space->has_elsewhere, true, __ATOMIC_RELAXED);
}

void region_remove(struct region *region)
{
    struct address_space *space = region->space;

    *(region->next ? &region->next->previous : &space->last) = region->previous;
    *(region->previous ? &region->previous->next : &space->first) = region->next;
    if (space->gap_above == region)
        space->gap_above = region->next;
    if (space->recent == region)
        space->recent = NULL;
    /* Without a gap it changes no largest one when the tree is turned: that goes first. */
    region->gap = 0;
    gap_update_from(region);
    RB_REMOVE(region_tree, &space->regions, region);
    if (region->next)
        gap_changed(region->next);
    space->region_count--;
    account(space, region->flags, -(int64_t)region_pages(region));
    if (region->object)
        cache_list_remove(region);
    region->next = space->removed;
    space->removed = region;
}

/* The copy of a subtree, below `parent`, with `*previous` linked below its first; NULL if it is
   empty or, `*failed`, if there was no memory. */
static struct region *subtree_copy(const struct region *region, struct region *parent,
                                   struct address_space *to, struct region **previous, bool *failed)
{
    if (!region || *failed)
        return NULL;
    thread_preemption_point();
    struct region *copy = heap_allocate(sizeof(*copy));
    if (!copy) {
        *failed = true;
        return NULL;
    }
    *copy = *region;
    copy->space = to;
    copy->flags &= ~(unsigned)REGION_LOCKED; /* mlock(2): not inherited */
    RB_PARENT(copy, link) = parent;

    RB_LEFT(copy, link) = subtree_copy(RB_LEFT(region, link), copy, to, previous, failed);
    copy->previous = *previous;
    *(copy->previous ? &copy->previous->next : &to->first) = copy;
    *previous = copy;
    if (copy->object) {
        copy->object->reference(copy->object);
        cache_list_insert(copy);
    }
    RB_RIGHT(copy, link) = subtree_copy(RB_RIGHT(region, link), copy, to, previous, failed);
    return copy;
}

int region_copy_all(struct address_space *from, struct address_space *to)
{
    bool failed = false;
    struct region *next;

    to->has_elsewhere = from->has_elsewhere;
    RB_ROOT(&to->regions) = subtree_copy(RB_ROOT(&from->regions), NULL, to, &to->last, &failed);
    if (to->last)
        to->last->next = NULL;
    to->region_count = from->region_count;
    to->pages_total = from->pages_total;
    to->pages_data = from->pages_data; /* and nothing is locked */
    if (failed) {
        region_remove_all(to);
        return -ENOMEM;
    }
    for (struct region *region = to->first; region; region = next) {
        next = region->next;
        if (region->flags & REGION_DONT_FORK) {
            region_remove(region);
            thread_preemption_point();
        }
    }
    return 0;
}

void region_remove_all(struct address_space *space)
{
    for (struct region *region = space->first; region; region = region->next) {
        if (region->object) {
            cache_list_remove(region);
            thread_preemption_point();
        }
    }
    if (space->last) {
        space->last->next = space->removed;
        space->removed = space->first;
    }
    RB_INIT(&space->regions);
    space->first = space->last = space->recent = space->gap_above = NULL;
    space->region_count = space->pages_total = space->pages_data = space->pages_locked = 0;
}

void region_resize(struct region *region, vaddr_t start, vaddr_t end)
{
    account(region->space, region->flags, -(int64_t)region_pages(region));
    region->offset += (uint64_t)((int64_t)(start - region->start) >> PAGE_SHIFT);
    region->start = start;
    region->end = end;
    account(region->space, region->flags, (int64_t)region_pages(region));
    gap_changed(region);
    if (region->next)
        gap_changed(region->next);
}

void region_set_flags(struct region *region, unsigned flags)
{
    account(region->space, region->flags, -(int64_t)region_pages(region));
    region->flags = flags;
    account(region->space, region->flags, (int64_t)region_pages(region));
}

struct region *region_split(struct region *region, vaddr_t address, struct region_reserve *reserve)
{
    struct region *upper = region_reserve_take(reserve);

    upper->start = address;
    upper->end = region->end;
    upper->flags = region->flags;
    upper->object = region->object;
    upper->offset = region_page_index(region, address);
    upper->file_end = region->file_end;
    if (upper->object)
        upper->object->reference(upper->object);
    region_resize(region, region->start, address);
    region_insert(region->space, upper, region->next);
    return upper;
}

bool region_extends(const struct region *region, const struct region *like)
{
    return region->end == like->start && region->flags == like->flags &&
           !(region->flags & REGION_STACK) && region->object == like->object &&
           (!region->object || (region->offset + region_pages(region) == like->offset &&
                                !region->file_end && !like->file_end));
}

/* Makes one of a region and the next. */
static void merge_next(struct region *region)
{
    vaddr_t end = region->next->end;
    region_remove(region->next);
    region_resize(region, region->start, end);
}

struct region *region_merge(struct region *region)
{
    if (region->next && region_extends(region, region->next))
        merge_next(region);
    struct region *below = region->previous;
    if (below && region_extends(below, region)) {
        merge_next(below);
        return below;
    }
    return region;
}

/* ---- reserve ---- */

int region_reserve_fill(struct region_reserve *reserve, const struct address_space *space,
                        unsigned count)
{
    reserve->first = NULL;
    if (space->region_count + count > __atomic_load_n(&regions_maximum, __ATOMIC_RELAXED))
        return -ENOMEM;
    for (; count > 0; count--) {
        struct region *region = heap_allocate(sizeof(*region));
        if (!region) {
            region_reserve_drain(reserve);
            return -ENOMEM;
        }
        region->next = reserve->first;
        reserve->first = region;
    }
    return 0;
}

struct region *region_reserve_take(struct region_reserve *reserve)
{
    struct region *region = reserve->first;
    debug_assert(region != NULL);
    reserve->first = region->next;
    return region;
}

void region_reserve_drain(struct region_reserve *reserve)
{
    while (reserve->first)
        heap_free(region_reserve_take(reserve));
}

struct region *address_space_find(struct address_space *space, vaddr_t address)
{
    struct region *node = RB_ROOT(&space->regions), *found = space->recent;

    if (found && address < found->end && (!found->previous || address >= found->previous->end))
        return found;
    found = NULL;
    while (node) {
        if (address < node->end) {
            found = node;
            node = RB_LEFT(node, link);
        } else {
            node = RB_RIGHT(node, link);
        }
    }
    space->recent = found;
    return found;
}

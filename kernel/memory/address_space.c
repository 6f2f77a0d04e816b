/*
 * address_space.c: the life of an address space: made, copied by fork, looked
 * into by others, released. Changes of its regions are in mapping.c.
 */
#include "memory/address_space.h"

#include <linux/errno.h>

#include "cpu/call.h"
#include "cpu/cpu.h"
#include "cpu/panic.h"
#include "cpu/registers.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/leaf.h"
#include "memory/mapping.h"
#include "memory/page_fault.h"
#include "memory/region.h"
#include "memory/space_pages.h"
#include "memory/user_account.h"
#include "thread/preemption.h"
#include "thread/thread.h"

struct address_space *address_space_create(void)
{
    static uint64_t last_number; /* atomic */

    struct address_space *space = heap_allocate(sizeof(*space));
    if (!space)
        return NULL;
    /* All but the auxiliary vector, which has its own end. */
    memset(space, 0, __builtin_offsetof(struct address_space, auxiliary_vector) + sizeof(uint64_t));
    space->root = page_table_create();
    if (!space->root) {
        heap_free(space);
        return NULL;
    }
    space->users = space->observers = 1;
    space->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
    space->page_tables = 1;
    mutex_initialize(&space->mutex, MUTEX_ADDRESS_SPACE);
    return space;
}

/* Invariant 3: a root is freed when no CPU's CR3 holds it. */
#ifdef DEBUG_CHECKS
static void check_root(void *root)
{
    assert_invariant((cr3_read() & PAGE_FRAME) != *(paddr_t *)root);
}

static void check_left(struct address_space *space)
{
    assert_invariant(cpu_set_is_empty(&space->cpus));
    /* Waits for every CPU, which is too long for each of a thousand processes that end at once. */
    if (space->number % 64 == 0)
        cpu_call(&cpu_online, check_root, &space->root);
}
#else
static void check_left(struct address_space *space)
{
    (void)space;
}
#endif

void address_space_unobserve(struct address_space *space)
{
    if (__atomic_sub_fetch(&space->observers, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    page_table_destroy(space->root);
    heap_free(space);
}

void address_space_release(struct address_space *space)
{
    if (__atomic_sub_fetch(&space->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    check_left(space);
    address_space_lock(space);
    space_pages_end(space);
    region_remove_all(space);
    debug_assert(space->page_tables == 1 && space->pages_mapped == 0);
    struct memory_object *executable = space->executable;
    space->executable = NULL;
    address_space_unlock(space);
    if (executable)
        executable->release(executable);
    address_space_unobserve(space);
    heap_trim_surplus(); /* of stacks, too: who freed them could not */
}

/* ---- fork ---- */

static void copy_attributes(struct address_space *to, const struct address_space *from)
{
    to->mmap_base = from->mmap_base;
    to->brk_start = from->brk_start;
    to->brk = from->brk;
    to->stack_start = from->stack_start;
    to->code_start = from->code_start;
    to->code_end = from->code_end;
    to->data_start = from->data_start;
    to->data_end = from->data_end;
    to->argument_start = from->argument_start;
    to->argument_end = from->argument_end;
    to->environment_start = from->environment_start;
    to->environment_end = from->environment_end;
    to->vdso = from->vdso;
    memcpy(to->auxiliary_vector, from->auxiliary_vector, sizeof(to->auxiliary_vector));
    to->executable = from->executable;
    if (to->executable)
        to->executable->reference(to->executable);
}

struct address_space *address_space_fork(struct address_space *space)
{
    struct address_space *child = address_space_create();
    if (!child)
        return NULL;

    address_space_lock(space);
    /* As soon as its regions are on the lists of their caches, the child may be asked to forget
       pages: that has to wait until it has them all. */
    address_space_lock(child);
    copy_attributes(child, space);
    int error = region_copy_all(space, child);
    if (!error)
        error = space_pages_share(space, child);
    /* Private pages and shared leaves are read-only now in both: on the other CPUs too. */
    space_shootdown(space, 0, USER_END);
    address_space_unlock(child); /* frees no file: the parent has them too */
    address_space_unlock(space);

    if (error) {
        address_space_release(child);
        return NULL;
    }
    return child;
}

/* ---- for exec, which builds a space aside ---- */

int address_space_adopt(struct address_space *space, vaddr_t page, paddr_t frame)
{
    address_space_lock(space);
    const struct region *region = address_space_find(space, page);
    debug_assert(region && region->start <= page && !region->object);
    uint64_t *leaf = leaf_create(space, page);
    if (leaf)
        space_pages_enter(space, &leaf[page_table_index(page, 0)], entry_make(region, frame, true));
    address_space_unlock(space);
    return leaf ? 0 : -ENOMEM;
}

/* Neither goes away before the kernel does, so nobody counts who maps them. */
static void constant_keep(struct memory_object *object)
{
    (void)object;
}

int constant_pages_initialize(struct constant_pages *pages, size_t count)
{
    debug_assert(count <= CONSTANT_PAGES_MAXIMUM);
    page_cache_initialize(&pages->cache, FRAME_KERNEL);
    pages->cache.constant = true;
    pages->cache.size = count * PAGE_SIZE;
    pages->object.cache = &pages->cache;
    pages->object.reference = pages->object.release = constant_keep;
    for (pages->count = 0; pages->count < count; pages->count++) {
        paddr_t frame;
        int error = page_cache_create(&pages->cache, pages->count, &frame);
        if (error)
            return error;
        frame_release(frame); /* the cache has its own reference */
        pages->frames[pages->count] = frame;
    }
    return 0;
}

/* A region of the pages above all others, with its entries. *leaf: the table of the page before
   `start`; NULL: not known. */
static int map_constant(struct address_space *space, vaddr_t start, struct constant_pages *pages,
                        uint64_t **leaf)
{
    struct region *region = heap_allocate(sizeof(*region));
    if (!region)
        return -ENOMEM;
    region->start = start;
    region->end = start + pages->count * PAGE_SIZE;
    region->flags = pages->flags;
    region->object = &pages->object;
    region->offset = 0;
    region->file_end = 0;
    region_insert(space, region, NULL);

    for (size_t i = 0; i < pages->count; i++) {
        vaddr_t page = start + i * PAGE_SIZE;
        if (!*leaf || page % LEAF_SPAN == 0)
            *leaf = leaf_create(space, page);
        if (!*leaf)
            return -ENOMEM;
        space_pages_enter(space, &(*leaf)[page_table_index(page, 0)],
                          entry_make(region, pages->frames[i], false) | PAGE_BORROWED);
    }
    return 0;
}

int address_space_map_constant(struct address_space *space, vaddr_t start,
                               struct constant_pages *pages, size_t many)
{
    uint64_t *leaf = NULL;
    size_t size = 0;
    for (size_t i = 0; i < many; i++)
        size += pages[i].count * PAGE_SIZE;

    address_space_lock(space);
    int error = 0;
    if (space->last && space->last->end > start)
        error = -EEXIST;
    else if (!address_space_may_grow(space, start, size, 0))
        error = -ENOMEM;
    for (size_t i = 0; i < many && !error; i++) {
        error = map_constant(space, start, &pages[i], &leaf);
        start += pages[i].count * PAGE_SIZE;
    }
    address_space_unlock(space);
    return error;
}

/* Maps those pages of [start, end) that are in the cache of the region's file, up to the first
   place that is taken; one lowest table maps all of them. */
static int map_cached_pages(const struct region *region, vaddr_t start, vaddr_t end)
{
    struct address_space *space = region->space;
    uint64_t *leaf = leaf_create(space, start);
    if (!leaf)
        return -ENOMEM;
    uint64_t *entries = &leaf[page_table_index(start, 0)];
    size_t count = 0, wanted = (end - start) >> PAGE_SHIFT;
    while (count < wanted && !entries[count])
        count++;
    space_pages_borrow(space, entries, count, entry_make(region, 0, false), region->object->cache,
                       region_page_index(region, start));
    if (*page_table_count(leaf) == 0)
        space_pages_remove(space, start, start + PAGE_SIZE); /* the table that was made for it */
    return 0;
}

int address_space_map_ahead(struct address_space *space, vaddr_t start, size_t size)
{
    vaddr_t end = start + size;
    int error = 0;

    address_space_lock(space);
    for (const struct region *region = address_space_find(space, start);
         region && region->start < end && !error; region = region->next) {
        vaddr_t from = region->start > start ? region->start : start;
        vaddr_t to = region->end < end ? region->end : end;
        if (region->file_end && region->file_end < to)
            to = align_down(region->file_end, PAGE_SIZE);
        /* What can be written is copied by then: mapping it first would be of no use. */
        if (region->object && (region->flags & REGION_PROTECTION) &&
            !(region->flags & REGION_WRITE) && from < to)
            error = map_cached_pages(region, from, to);
    }
    address_space_unlock(space);
    return error;
}

int address_space_copy_ahead(struct address_space *space, vaddr_t address)
{
    address_space_lock(space);
    enum memory_fault fault = address_space_fault_fetching(space, address, REGION_WRITE);
    address_space_unlock(space);
    return fault == MEMORY_FAULT_NO_MEMORY ? -ENOMEM : 0;
}

/* ---- looking into another space ---- */

/* The frame behind `address`, with a reference, after what a touch would have done; `waits`: also
   for what lies elsewhere. */
static int frame_at(struct address_space *space, vaddr_t address, unsigned access, bool waits,
                    paddr_t *frame)
{
    address_space_lock(space);
    enum memory_fault fault = waits ? address_space_fault_fetching(space, address, access)
                                    : address_space_fault(space, address, access);
    if (!fault) {
        *frame = entry_frame(*page_table_entry(space->root, address));
        frame_reference(*frame);
    }
    address_space_unlock(space);
    return !fault ? 0 : fault == MEMORY_FAULT_NO_MEMORY ? -ENOMEM : -EFAULT;
}

static int space_copy(struct address_space *space, vaddr_t address, char *bytes, size_t size,
                      unsigned access, bool waits)
{
    if (!user_range_ok(address, size))
        return -EFAULT;
    while (size > 0) {
        size_t rest = PAGE_SIZE - address % PAGE_SIZE, piece = size < rest ? size : rest;
        paddr_t frame;
        int error = frame_at(space, address, access, waits, &frame);
        if (error)
            return error;
        char *there = (char *)frame_pointer(frame) + address % PAGE_SIZE;
        if (access == REGION_WRITE)
            memcpy(there, bytes, piece);
        else
            memcpy(bytes, there, piece);
        frame_release(frame);
        address += piece;
        bytes += piece;
        size -= piece;
    }
    return 0;
}

int address_space_copy_out(struct address_space *space, vaddr_t to, const void *from, size_t size)
{
    return space_copy(space, to, (char *)(uintptr_t)from, size, REGION_WRITE, true);
}

int address_space_copy_in(struct address_space *space, void *to, vaddr_t from, size_t size)
{
    return space_copy(space, from, to, size, REGION_READ, true);
}

int address_space_glance(struct address_space *space, void *to, vaddr_t from, size_t size)
{
    return space_copy(space, from, to, size, REGION_READ, false);
}

/* ---- files that became shorter ---- */

/* A space that has not been asked yet, observed; NULL: all have. */
static struct address_space *space_not_asked(struct page_cache *cache)
{
    struct address_space *found = NULL;
    struct region *region;

    mutex_acquire(&cache->lock);
    LIST_FOREACH(region, &cache->regions, cache_link)
    {
        if (region->truncations_seen == cache->truncations)
            continue;
        region->truncations_seen = cache->truncations;
        found = region->space; /* exists as long as the region is on the list */
        address_space_observe(found);
        break;
    }
    mutex_release(&cache->lock);
    return found;
}

static void region_has_forgotten(struct region *region, struct page_cache *cache)
{
    mutex_acquire(&cache->lock);
    region->truncations_seen = cache->truncations; /* the cache's `truncation` is held */
    mutex_release(&cache->lock);
}

static void space_forget(struct address_space *space, struct page_cache *cache, uint64_t first,
                         uint64_t last)
{
    address_space_lock(space);
    for (struct region *region = space->first; region; region = region->next) {
        thread_preemption_point();
        if (!region->object || region->object->cache != cache)
            continue;
        region_has_forgotten(region, cache);
        uint64_t behind = region->offset + region_pages(region);
        uint64_t from = first > region->offset ? first : region->offset;
        uint64_t to = last < behind ? last + 1 : behind;
        if (from < to)
            space_pages_remove(space, region->start + ((from - region->offset) << PAGE_SHIFT),
                               region->start + ((to - region->offset) << PAGE_SHIFT));
    }
    address_space_unlock(space);
}

/*
 * Each space is asked once, for all its regions of the file: a user may have thousands of them.
 * The order of locks is space before cache, so the spaces are asked one after the other without
 * the cache's lock. That is enough: a fault that comes later sees the new size, since it looks
 * under the cache's lock; one that came before has entered its page when the space's mutex is
 * free; and so has a fork, which holds the child's mutex from before the child is on the list.
 */
void address_spaces_forget(struct page_cache *cache, uint64_t first, uint64_t last)
{
    struct address_space *space;

    while ((space = space_not_asked(cache))) {
        space_forget(space, cache, first, last);
        address_space_unobserve(space);
        thread_preemption_point();
    }
}

/* ---- shared anonymous memory ---- */

struct shared_memory {
    struct memory_object object;
    struct page_cache cache;
    struct user_account *account; /* of who made it; a reference */
    uint32_t references;          /* atomic */
};

static void shared_memory_reference(struct memory_object *object)
{
    struct shared_memory *memory = container_of(object, struct shared_memory, object);
    __atomic_fetch_add(&memory->references, 1, __ATOMIC_RELAXED);
}

static void shared_memory_release(struct memory_object *object)
{
    struct shared_memory *memory = container_of(object, struct shared_memory, object);
    if (__atomic_sub_fetch(&memory->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    page_cache_destroy(&memory->cache);
    user_account_release(memory->account);
    heap_free(memory);
}

static void shared_memory_describe(struct memory_object *object, char *buffer, size_t size)
{
    (void)object;
    string_copy(buffer, "/dev/zero (deleted)", size); /* as Linux names it */
}

struct memory_object *shared_memory_create(uint64_t size)
{
    struct shared_memory *memory = heap_allocate_zeroed(sizeof(*memory));
    if (!memory)
        return NULL;
    page_cache_initialize(&memory->cache, FRAME_SHARED);
    memory->account = user_account_get_current();
    memory->cache.quota = &memory->account->pages;
    memory->cache.size = size;
    memory->references = 1;
    memory->object = (struct memory_object){
        .cache = &memory->cache,
        .reference = shared_memory_reference,
        .release = shared_memory_release,
        .describe = shared_memory_describe,
    };
    return &memory->object;
}

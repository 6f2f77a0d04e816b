/* space_pages.c: walks over the pages of a range, one function a purpose. */
#include "memory/space_pages.h"

#include <linux/errno.h>

#include "cpu/panic.h"
#include "cpu/tlb.h"
#include "memory/region.h"
#include "thread/preemption.h"
#include "thread/thread.h"

paddr_t zero_frame;

bool space_pages_initialize(void)
{
    zero_frame = frame_allocate(FRAME_KERNEL, FRAME_ZEROED);
    return zero_frame != 0;
}

void space_shootdown(struct address_space *space, vaddr_t start, vaddr_t end)
{
    /* A CPU that comes into the space sets its bit, then loads CR3. Either its bit is seen here, or
       the entries, changed before, are seen there: a store may else be later than the load behind
       it (Intel SDM volume 3, 8.2.3.4). */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    tlb_shootdown(&space->cpus, start, end);
}

static void resident_add(struct address_space *space, int64_t pages)
{
    /* Before it falls is early enough: who asks takes the larger of the two. */
    if (pages < 0 && space->pages_mapped_most < space->pages_mapped)
        __atomic_store_n(&space->pages_mapped_most, space->pages_mapped, __ATOMIC_RELAXED);
    __atomic_store_n(&space->pages_mapped, space->pages_mapped + (uint64_t)pages, __ATOMIC_RELAXED);
}

void space_pages_enter(struct address_space *space, uint64_t *entry, uint64_t value)
{
    debug_assert(*entry == 0);
    *entry = value;
    page_table_filled(entry, entry, 1);
    if (entry_frame(value) != zero_frame)
        resident_add(space, 1);
}

size_t space_pages_borrow(struct address_space *space, uint64_t *entries, size_t count,
                          uint64_t rights, struct page_cache *cache, uint64_t index)
{
    unsigned mapped;
    size_t below = page_cache_map(cache, index, count, rights | PAGE_BORROWED, entries, &mapped);

    if (mapped > 0) {
        page_table_filled(entries, entries + below - 1, mapped);
        resident_add(space, mapped);
    }
    return below;
}

void space_pages_replace(struct address_space *space, uint64_t *entry, vaddr_t page, uint64_t value)
{
    paddr_t old = entry_frame(*entry);
    bool borrowed = *entry & PAGE_BORROWED;

    *entry = value;
    space_shootdown(space, page, page + PAGE_SIZE);
    if (old == zero_frame)
        resident_add(space, 1);
    else if (!borrowed)
        frame_release(old);
}

/* ---- removing a range ---- */

/*
 * A walk that takes pages out. Frames may still be in a TLB then, so they are
 * freed in lots: first all CPUs forget the pages, then the frames are free.
 */
struct removal {
    struct address_space *space;
    vaddr_t start, end; /* pages to be forgotten */
    unsigned resident;  /* pages taken out, but those of zeros */
    unsigned frame_count, table_count;
    paddr_t frames[64];
    paddr_t tables[8];
};

static void removal_flush(struct removal *removal)
{
    if (removal->start < removal->end)
        space_shootdown(removal->space, removal->start, removal->end);
    resident_add(removal->space, -(int64_t)removal->resident);
    frame_release_many(removal->frames, removal->frame_count);
    page_table_free(removal->tables, removal->table_count);
    removal->resident = removal->frame_count = removal->table_count = 0;
    removal->start = removal->end;
}

/* In the middle: there are more. */
static void removal_break(struct removal *removal)
{
    removal_flush(removal);
    thread_preemption_point();
}

/* The first entry from `entry` on that is not in eight empty ones, or near `behind`. */
static uint64_t *skip_empty(uint64_t *entry, const uint64_t *behind)
{
    while (behind - entry >= 8 &&
           !(entry[0] | entry[1] | entry[2] | entry[3] | entry[4] | entry[5] | entry[6] | entry[7]))
        entry += 8;
    return entry;
}

/* Takes [address, end) out of the lowest table that maps it. */
static void remove_pages(struct removal *removal, uint64_t *leaf, vaddr_t address, vaddr_t end)
{
    uint64_t *entry = &leaf[page_table_index(address, 0)];
    uint64_t *behind = entry + ((end - address) >> PAGE_SHIFT);
    unsigned count = *page_table_count(leaf);

    for (; entry < behind && count > 0; entry++) {
        uint64_t value = *entry;
        if (!value) { /* tables of large files are sparse */
            entry = skip_empty(entry + 1, behind) - 1;
            continue;
        }
        *entry = 0;
        count--;
        if (value & PAGE_BORROWED) {
            removal->resident++;
            continue;
        }
        if (entry_frame(value) == zero_frame)
            continue;
        removal->resident++;
        removal->frames[removal->frame_count++] = entry_frame(value);
        if (removal->frame_count == array_length(removal->frames)) {
            removal->end = end;
            removal_break(removal);
            removal->start = address;
        }
    }
    *page_table_count(leaf) = (uint16_t)count;
    removal->end = end;
}

void space_pages_remove(struct address_space *space, vaddr_t start, vaddr_t end)
{
    struct removal removal;
    vaddr_t stop;

    removal.space = space;
    removal.start = removal.end = start;
    removal.resident = removal.frame_count = removal.table_count = 0;
    for (vaddr_t address = start; address < end; address = stop) {
        stop = end;
        uint64_t *leaf = page_table_leaf(space->root, address, &stop);
        if (!leaf)
            continue;
        if (removal.table_count + 3 > array_length(removal.tables))
            removal_break(&removal);
        remove_pages(&removal, leaf, address, stop);
        /* Without entries a table is of no use any more. What CPUs remember of it goes with any
           page of those that remove_pages() has just noted. */
        if (*page_table_count(leaf) == 0)
            removal.table_count += page_table_prune(
                space->root, address, &removal.tables[removal.table_count], &space->page_tables);
    }
    removal_flush(&removal);
}

/* ---- the end of a space ---- */

/* A walk over the tables themselves: what it costs does not depend on where things lay. */
struct ending {
    struct address_space *space;
    int64_t resident; /* pages taken out, but those of zeros; below 0 between two lots */
    unsigned frame_count, table_count;
    paddr_t frames[64];
    paddr_t tables[16];
};

static void ending_flush(struct ending *ending)
{
    resident_add(ending->space, -ending->resident);
    ending->space->page_tables -= ending->table_count;
    frame_release_many(ending->frames, ending->frame_count);
    page_table_free(ending->tables, ending->table_count);
    ending->resident = ending->frame_count = ending->table_count = 0;
}

static void ending_break(struct ending *ending)
{
    ending_flush(ending);
    thread_preemption_point();
}

static __attribute__((noinline)) void end_frame(struct ending *ending, paddr_t frame)
{
    if (frame == zero_frame) {
        ending->resident--;
        return;
    }
    if (ending->frame_count == array_length(ending->frames))
        ending_break(ending);
    ending->frames[ending->frame_count++] = frame;
}

static void end_pages(struct ending *ending, uint64_t *leaf)
{
    unsigned left = *page_table_count(leaf);

    ending->resident += left;
    for (uint64_t lines = page_table_lines(leaf); lines; lines &= lines - 1) {
        uint64_t *line = &leaf[TABLE_LINE * (unsigned)__builtin_ctzl(lines)];
        for (unsigned i = 0; i < TABLE_LINE; i++) {
            uint64_t entry = line[i];
            if (!entry)
                continue;
            line[i] = 0;
            if (!(entry & PAGE_BORROWED))
                end_frame(ending, entry_frame(entry));
            if (--left == 0)
                return;
        }
    }
}

/* Empties an upper table, and ends the tables below it. */
static void end_tables(struct ending *ending, uint64_t *table, unsigned level)
{
    unsigned left = *page_table_count(table);

    for (uint64_t lines = page_table_lines(table); lines; lines &= lines - 1) {
        uint64_t *line = &table[TABLE_LINE * (unsigned)__builtin_ctzl(lines)];
        for (unsigned i = 0; i < TABLE_LINE; i++) {
            if (!line[i])
                continue;
            uint64_t *below = page_table_below(line[i]);
            line[i] = 0;
            if (level > 1)
                end_tables(ending, below, level - 1);
            else
                end_pages(ending, below);
            if (ending->table_count == array_length(ending->tables))
                ending_break(ending);
            ending->tables[ending->table_count++] = frame_address(below);
            if (--left == 0)
                return;
        }
    }
}

void space_pages_end(struct address_space *space)
{
    struct ending ending;

    ending.space = space;
    ending.resident = ending.frame_count = ending.table_count = 0;
    end_tables(&ending, frame_pointer(space->root), 3);
    ending_flush(&ending);
    *page_table_count(frame_pointer(space->root)) = 0;
}

/* ---- changing ---- */

static uint64_t entry_protect(const struct region *region, uint64_t entry)
{
    paddr_t frame = entry_frame(entry);
    bool writable = false;

    if (region->flags & REGION_WRITE && frame != zero_frame) {
        const struct frame *metadata = frame_metadata(frame);
        /* What is written back has to be seen when it is written to: page_fault.c. */
        writable =
            (region->flags & REGION_SHARED && !(region->object && region->object->cache->backed)) ||
            (metadata->owner == FRAME_ANONYMOUS && frame_references(frame) == 1);
    }
    uint64_t value = entry_make(region, frame, writable) | (entry & PAGE_BORROWED);
    return region->flags & REGION_PROTECTION ? value : entry_hide(value);
}

void space_pages_protect(struct region *region, vaddr_t start, vaddr_t end)
{
    struct address_space *space = region->space;
    vaddr_t stop, first = end, last = start;

    for (vaddr_t address = start; address < end; address = stop) {
        stop = end;
        uint64_t *leaf = page_table_leaf(space->root, address, &stop);
        for (vaddr_t page = address; leaf && page < stop; page += PAGE_SIZE) {
            uint64_t *entry = &leaf[page_table_index(page, 0)];
            if (!*entry)
                continue;
            *entry = entry_protect(region, *entry);
            if (first == end)
                first = page;
            last = page + PAGE_SIZE;
        }
        thread_preemption_point();
    }
    if (first < last)
        space_shootdown(space, first, last);
}

/* ---- sharing (fork) ---- */

/* The tables the walk is in, of the parent and of the child. */
struct sharing {
    struct address_space *parent, *child;
    uint64_t *leaf, *copies; /* NULL: the parent has none here */
    vaddr_t leaf_end;
    unsigned resident; /* pages entered in the child */
};

/* Enters [address, end) of the table it is in. */
static void share_pages(struct sharing *sharing, vaddr_t address, vaddr_t end, bool private)
{
    uint64_t *entry = &sharing->leaf[page_table_index(address, 0)];
    uint64_t *behind = entry + ((end - address) >> PAGE_SHIFT);
    uint64_t *copies = &sharing->copies[page_table_index(address, 0)], *copy = copies;
    uint64_t removed = private ? PAGE_WRITABLE : 0;
    unsigned copied = 0, resident = 0;

    for (; entry < behind; entry++, copy++) {
        uint64_t value = *entry;
        if (!value)
            continue;
        copied++;
        if (value & removed)
            *entry = value &= ~removed;
        *copy = value;
        if (entry_frame(value) == zero_frame)
            continue;
        resident++;
        if (!(value & PAGE_BORROWED))
            frame_reference(entry_frame(value));
    }
    page_table_filled(copies, copy - 1, copied);
    sharing->resident += resident;
}

static int share_region(struct sharing *sharing, const struct region *region)
{
    bool private = !(region->flags & REGION_SHARED);
    vaddr_t stop;

    for (vaddr_t address = region->start; address < region->end; address = stop) {
        thread_preemption_point();
        if (address >= sharing->leaf_end) {
            sharing->leaf_end = USER_END;
            sharing->leaf = page_table_leaf(sharing->parent->root, address, &sharing->leaf_end);
            sharing->copies = NULL;
            if (sharing->leaf) {
                sharing->copies = page_table_leaf_create(sharing->child->root, address,
                                                         &sharing->child->page_tables);
                if (!sharing->copies)
                    return -ENOMEM;
            }
        }
        stop = region->end < sharing->leaf_end ? region->end : sharing->leaf_end;
        if (sharing->leaf)
            share_pages(sharing, address, stop, private);
    }
    return 0;
}

int space_pages_share(struct address_space *parent, struct address_space *child)
{
    struct sharing sharing = {.parent = parent, .child = child};
    int error = 0;

    for (const struct region *region = child->first; region && !error; region = region->next) {
        if (!(region->flags & REGION_WIPE_ON_FORK))
            error = share_region(&sharing, region);
    }
    resident_add(child, sharing.resident);
    return error;
}

/* ---- moving (mremap) ---- */

int space_pages_move_prepare(struct address_space *space, vaddr_t from, vaddr_t to, size_t size)
{
    vaddr_t stop;

    for (vaddr_t address = from; address < from + size; address = stop) {
        stop = from + size;
        thread_preemption_point();
        if (!page_table_leaf(space->root, address, &stop))
            continue;
        /* What one table maps may go to two. */
        for (vaddr_t page = address - from + to; page < stop - from + to;
             page = (page | (LEAF_SPAN - 1)) + 1) {
            if (!page_table_leaf_create(space->root, page, &space->page_tables)) {
                space_pages_remove(space, to, to + size); /* the empty tables */
                return -ENOMEM;
            }
        }
    }
    return 0;
}

void space_pages_move_commit(struct address_space *space, vaddr_t from, vaddr_t to, size_t size)
{
    vaddr_t stop;

    for (vaddr_t address = from; address < from + size; address = stop) {
        stop = from + size;
        uint64_t *leaf = page_table_leaf(space->root, address, &stop);
        for (vaddr_t page = address; leaf && page < stop; page += PAGE_SIZE) {
            uint64_t *entry = &leaf[page_table_index(page, 0)];
            if (!*entry)
                continue;
            vaddr_t target = page - from + to, end = target + PAGE_SIZE;
            uint64_t *target_leaf = page_table_leaf(space->root, target, &end);
            uint64_t *target_entry = &target_leaf[page_table_index(target, 0)];
            *target_entry = *entry;
            page_table_filled(target_entry, target_entry, 1);
            *entry = 0;
            --*page_table_count(leaf);
        }
        thread_preemption_point();
    }
    space_shootdown(space, from, from + size);
    space_pages_remove(space, from, from + size); /* the tables */
}

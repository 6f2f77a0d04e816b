/* space_pages.c: walks over the pages of a range, one function a purpose. */
#include "memory/space_pages.h"

#include <linux/errno.h>

#include "cpu/panic.h"
#include "cpu/tlb.h"
#include "library/align.h"
#include "memory/leaf.h"
#include "memory/region.h"
#include "thread/preemption.h"
#include "thread/thread.h"

paddr_t zero_frame;

bool space_pages_initialize(void)
{
    leaf_initialize();
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
    space_resident_add(space, (uint64_t)pages);
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
    if (old == zero_frame) {
        --*leaf_zeros(entry);
        resident_add(space, 1);
    } else if (!borrowed) {
        frame_release(old);
    }
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
    if (removal->resident)
        resident_add(removal->space, -(int64_t)removal->resident);
    if (removal->frame_count)
        frame_release_many(removal->frames, removal->frame_count);
    if (removal->table_count)
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
        if (entry_frame(value) == zero_frame) {
            --*leaf_zeros(leaf);
            continue;
        }
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

/* Lets go of a leaf that others have too, if [address, end) is all of it: nothing is copied. */
static bool leave_leaf(struct removal *removal, vaddr_t address, vaddr_t end)
{
    struct address_space *space = removal->space;

    if (address % LEAF_SPAN || end - address < LEAF_SPAN)
        return false;
    uint64_t *slot = page_table_slot(space->root, address, &end);
    if (!slot || !leaf_is_shared(*slot))
        return false;
    uint64_t resident = leaf_resident(page_table_below(*slot));
    paddr_t spare = leaf_leave(space, slot, address);
    if (!spare)
        return false;
    frame_release(spare);
    removal->resident += (unsigned)resident;
    removal->end = address + LEAF_SPAN;
    removal->table_count += page_table_prune_above(
        space->root, address, &removal->tables[removal->table_count], &space->page_tables);
    return true;
}

void space_pages_remove(struct address_space *space, vaddr_t start, vaddr_t end)
{
    struct removal removal;
    vaddr_t stop;

    removal.space = space;
    removal.start = removal.end = start;
    removal.resident = removal.frame_count = removal.table_count = 0;
    for (vaddr_t address = start; address < end; address = stop) {
        if (removal.table_count + 3 > array_length(removal.tables))
            removal_break(&removal);
        stop = end;
        if (leave_leaf(&removal, address, end)) {
            stop = address + LEAF_SPAN;
            continue;
        }
        uint64_t *leaf = leaf_change(space, address, &stop);
        if (!leaf)
            continue;
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
    uint64_t resident; /* pages taken out, but those of zeros */
    unsigned frame_count, table_count;
    paddr_t frames[64];
    paddr_t tables[16];
};

static void ending_flush(struct ending *ending)
{
    resident_add(ending->space, -(int64_t)ending->resident);
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
    if (frame == zero_frame)
        return;
    if (ending->frame_count == array_length(ending->frames))
        ending_break(ending);
    ending->frames[ending->frame_count++] = frame;
}

static void end_entries(struct ending *ending, uint64_t *leaf)
{
    unsigned left = *page_table_count(leaf);

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

static void note_table(struct ending *ending, const uint64_t *table)
{
    if (ending->table_count == array_length(ending->tables))
        ending_break(ending);
    ending->tables[ending->table_count++] = frame_address(table);
}

/* What others have too goes on without this space. */
static bool end_shared(struct ending *ending, uint64_t *slot)
{
    uint64_t resident = leaf_resident(page_table_below(*slot));

    paddr_t spare = leaf_leave(ending->space, slot, 0);
    if (!spare)
        return false;
    end_frame(ending, spare);
    ending->resident += resident;
    ending->space->page_tables--;
    return true;
}

/* What a leaf in part has not copied. */
static __attribute__((noinline)) void end_original(struct ending *ending, uint64_t *leaf)
{
    uint64_t *original;
    paddr_t spare = leaf_leave_original(leaf, &original);

    if (spare) {
        end_frame(ending, spare);
        ending->space->page_tables--;
    } else {
        end_entries(ending, original);
        note_table(ending, original);
    }
}

static void end_tables(struct ending *ending, uint64_t *table, unsigned level);

static inline void end_table(struct ending *ending, uint64_t *entry, unsigned level)
{
    uint64_t *below = page_table_below(*entry);

    if (level > 1) {
        end_tables(ending, below, level - 1);
    } else {
        if (leaf_is_partial(*entry))
            end_original(ending, below);
        ending->resident += leaf_resident(below);
        end_entries(ending, below);
    }
    *entry = 0;
    note_table(ending, below);
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
            if (level > 1 || !leaf_is_shared(line[i]) || !end_shared(ending, &line[i]))
                end_table(ending, &line[i], level);
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
        uint64_t *leaf = leaf_change(space, address, &stop);
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

/* The leaves the walk is in, of the parent and of the child. */
struct sharing {
    struct address_space *parent, *child;
    uint64_t *leaf, *copies; /* NULL: there is nothing to be copied here */
    vaddr_t leaf_end;
    uint64_t resident; /* pages that the child has */
};

/* From so many entries on a leaf is shared. Less is copied at once, which costs less, and is what
   who writes to his stack or his data would do soon anyway. (Host tests share all.) */
#ifndef ENTRIES_SHARED
#define ENTRIES_SHARED 32
#endif

/* Does the child get all that lies in the leaf of `address`, which is in this region? */
static bool goes_as_a_whole(const struct region *region, vaddr_t address)
{
    vaddr_t start = align_down(address, LEAF_SPAN), end = start + LEAF_SPAN;

    while (region->previous && region->previous->end > start)
        region = region->previous;
    while (region && region->start < end &&
           !(region->flags & (REGION_DONT_FORK | REGION_WIPE_ON_FORK)))
        region = region->next;
    return !region || region->start >= end;
}

static bool is_worth_sharing(uint64_t slot)
{
    return slot && *page_table_count(page_table_below(slot)) >= ENTRIES_SHARED;
}

/* Shares what `slot` points to, which ends at sharing->leaf_end, and what lies behind it as long as
   that is all this region's and in the same table. */
static int share_leaves(struct sharing *sharing, const struct region *region, uint64_t *slot,
                        uint64_t *to)
{
    for (;; sharing->leaf_end += LEAF_SPAN) {
        if (leaf_share(sharing->parent, slot, to))
            return -ENOMEM;
        sharing->child->page_tables++;
        sharing->resident += leaf_resident(page_table_below(*slot));
        thread_preemption_point();
        if (page_table_index(sharing->leaf_end, 1) == 0 || region->end < sharing->leaf_end ||
            region->end - sharing->leaf_end < LEAF_SPAN || !is_worth_sharing(*++slot))
            return 0;
        to++;
    }
}

/* Shares the leaf of `address`, or says into which one it is to be copied. */
static int share_leaf(struct sharing *sharing, const struct region *region, vaddr_t address)
{
    struct address_space *child = sharing->child;

    sharing->leaf = NULL;
    sharing->leaf_end = USER_END;
    uint64_t *slot = page_table_slot(sharing->parent->root, address, &sharing->leaf_end);
    if (!slot)
        return 0;
    if (!is_worth_sharing(*slot) || !goes_as_a_whole(region, address)) {
        if (leaf_is_partial(*slot))
            leaf_complete(sharing->parent, slot);
        sharing->leaf = page_table_below(*slot);
        sharing->copies = page_table_leaf_create(child->root, address, &child->page_tables);
        return sharing->copies ? 0 : -ENOMEM;
    }
    uint64_t *to = page_table_slot_prepare(child->root, address, &child->page_tables);
    return to ? share_leaves(sharing, region, slot, to) : -ENOMEM;
}

/* Enters [address, end) of the leaf it is in. */
static void copy_pages(struct sharing *sharing, vaddr_t address, vaddr_t end)
{
    uint64_t *entry = &sharing->leaf[page_table_index(address, 0)];
    uint64_t *behind = entry + ((end - address) >> PAGE_SHIFT);
    uint64_t *copies = &sharing->copies[page_table_index(address, 0)], *copy = copies;
    unsigned copied = 0, zeros = 0;

    for (; entry < behind; entry++, copy++) {
        if (!*entry)
            continue;
        *copy = entry_share(entry);
        copied++;
        zeros += entry_frame(*copy) == zero_frame;
    }
    page_table_filled(copies, copy - 1, copied);
    *leaf_zeros(copies) += zeros;
    sharing->resident += copied - zeros;
}

static int share_region(struct sharing *sharing, const struct region *region)
{
    vaddr_t stop;

    for (vaddr_t address = region->start; address < region->end; address = stop) {
        thread_preemption_point();
        int error = address < sharing->leaf_end ? 0 : share_leaf(sharing, region, address);
        if (error)
            return error;
        stop = region->end < sharing->leaf_end ? region->end : sharing->leaf_end;
        if (sharing->leaf)
            copy_pages(sharing, address, stop);
    }
    return 0;
}

int space_pages_share(struct address_space *parent, struct address_space *child)
{
    struct sharing sharing = {.parent = parent, .child = child};
    int error = 0;

    for (const struct region *region = parent->first; region && !error; region = region->next) {
        if (!(region->flags & (REGION_DONT_FORK | REGION_WIPE_ON_FORK)))
            error = share_region(&sharing, region);
    }
    resident_add(child, (int64_t)sharing.resident);
    return error;
}

/* ---- moving (mremap) ---- */

int space_pages_move_prepare(struct address_space *space, vaddr_t from, vaddr_t to, size_t size)
{
    vaddr_t stop;

    for (vaddr_t address = from; address < from + size; address = stop) {
        stop = from + size;
        thread_preemption_point();
        if (!leaf_change(space, address, &stop))
            continue;
        /* What one table maps may go to two. */
        for (vaddr_t page = address - from + to; page < stop - from + to;
             page = (page | (LEAF_SPAN - 1)) + 1) {
            if (!leaf_create(space, page)) {
                space_pages_remove(space, to, to + size); /* the empty tables */
                return -ENOMEM;
            }
        }
    }
    return 0;
}

static void move_page(struct address_space *space, uint64_t *entry, vaddr_t page)
{
    vaddr_t end = page + PAGE_SIZE;
    uint64_t *target = &leaf_change(space, page, &end)[page_table_index(page, 0)];

    if (entry_frame(*entry) == zero_frame) {
        --*leaf_zeros(entry);
        ++*leaf_zeros(target);
    }
    *target = *entry;
    page_table_filled(target, target, 1);
    *entry = 0;
    --*page_table_count(entry);
}

void space_pages_move_commit(struct address_space *space, vaddr_t from, vaddr_t to, size_t size)
{
    vaddr_t stop;

    for (vaddr_t address = from; address < from + size; address = stop) {
        stop = from + size;
        uint64_t *leaf = leaf_change(space, address, &stop);
        for (vaddr_t page = address; leaf && page < stop; page += PAGE_SIZE) {
            uint64_t *entry = &leaf[page_table_index(page, 0)];
            if (*entry)
                move_page(space, entry, page - from + to);
        }
        thread_preemption_point();
    }
    space_shootdown(space, from, from + size);
    space_pages_remove(space, from, from + size); /* the tables */
}

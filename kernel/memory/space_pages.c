/* space_pages.c: walks over the pages of a range, one function a purpose. */
#include "memory/space_pages.h"

#include <linux/errno.h>

#include "cpu/cpu.h"
#include "cpu/panic.h"
#include "cpu/registers.h"
#include "cpu/tlb.h"
#include "memory/region.h"

paddr_t zero_frame;

bool space_pages_initialize(void)
{
    zero_frame = frame_allocate(FRAME_KERNEL, FRAME_ZEROED);
    return zero_frame != 0;
}

void space_shootdown(struct address_space *space, vaddr_t start, vaddr_t end)
{
    uint64_t cpus = __atomic_load_n(&space->cpus, __ATOMIC_SEQ_CST);
    if ((cr3_read() & PAGE_FRAME) == space->root)
        cpus |= 1UL << cpu_current()->number;
    if (cpus)
        tlb_shootdown(cpus, start, end);
}

static void resident_add(struct address_space *space, int64_t pages)
{
    __atomic_store_n(&space->pages_mapped, space->pages_mapped + (uint64_t)pages, __ATOMIC_RELAXED);
}

void space_pages_enter(struct address_space *space, uint64_t *leaf, uint64_t *entry, uint64_t value)
{
    debug_assert(*entry == 0);
    *entry = value;
    page_table_count_add(leaf, 1);
    if (entry_frame(value) != zero_frame)
        resident_add(space, 1);
}

void space_pages_replace(struct address_space *space, uint64_t *entry, vaddr_t page, uint64_t value)
{
    paddr_t old = entry_frame(*entry);

    *entry = value;
    space_shootdown(space, page, page + PAGE_SIZE);
    if (old == zero_frame)
        resident_add(space, 1);
    else
        frame_release(old);
}

/* ---- removing ---- */

/* Frames that were taken out of tables but may still be in a TLB. They are freed in lots: first
   all CPUs forget the pages, then the frames are free. */
struct removal {
    struct address_space *space;
    vaddr_t start, end; /* pages to be forgotten */
    unsigned frame_count, table_count;
    paddr_t frames[64];
    paddr_t tables[8];
};

static void removal_flush(struct removal *removal)
{
    if (removal->start < removal->end)
        space_shootdown(removal->space, removal->start, removal->end);
    resident_add(removal->space, -(int64_t)removal->frame_count);
    frame_release_many(removal->frames, removal->frame_count);
    for (unsigned i = 0; i < removal->table_count; i++)
        page_table_free(removal->tables[i]);
    removal->frame_count = removal->table_count = 0;
    removal->start = removal->end;
}

/* Takes entries out of one table; returns how many. */
static unsigned leaf_remove(struct removal *removal, uint64_t *entry, const uint64_t *end,
                            unsigned left, vaddr_t address)
{
    unsigned removed = 0;

    for (; entry < end && removed < left; entry++, address += PAGE_SIZE) {
        uint64_t value = *entry;
        if (!value)
            continue;
        *entry = 0;
        removed++;
        removal->end = address + PAGE_SIZE;
        if (entry_frame(value) == zero_frame)
            continue;
        removal->frames[removal->frame_count++] = entry_frame(value);
        if (removal->frame_count == array_length(removal->frames))
            removal_flush(removal);
    }
    return removed;
}

void space_pages_remove(struct address_space *space, vaddr_t start, vaddr_t end)
{
    struct removal removal;
    removal.space = space;
    removal.start = removal.end = start;
    removal.frame_count = removal.table_count = 0;

    vaddr_t stop;
    for (vaddr_t address = start; address < end; address = stop) {
        stop = end;
        uint64_t *leaf = page_table_leaf(space->root, address, &stop);
        if (!leaf)
            continue;
        uint64_t *entry = &leaf[page_table_index(address, 0)];
        unsigned left = page_table_count(leaf);
        unsigned removed =
            leaf_remove(&removal, entry, entry + ((stop - address) >> PAGE_SHIFT), left, address);
        if (page_table_count_subtract(leaf, removed) > 0)
            continue;
        if (removal.table_count + 3 > array_length(removal.tables))
            removal_flush(&removal);
        removal.table_count += page_table_prune(
            space->root, address, &removal.tables[removal.table_count], &space->page_tables);
        /* Upper levels are forgotten with any page; the walk has no other sure to be named. */
        if (removal.end < stop)
            removal.end = stop;
    }
    removal_flush(&removal);
}

/* ---- changing ---- */

static uint64_t entry_protect(const struct region *region, uint64_t entry)
{
    paddr_t frame = entry_frame(entry);
    bool writable = false;

    if (region->flags & REGION_WRITE && frame != zero_frame) {
        const struct frame *metadata = frame_metadata(frame);
        writable = region->flags & REGION_SHARED ||
                   (metadata->owner == FRAME_ANONYMOUS && frame_references(frame) == 1);
    }
    uint64_t value = entry_make(region, frame, writable);
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
    }
    if (first < last)
        space_shootdown(space, first, last);
}

/* ---- sharing (fork) ---- */

int space_pages_share(struct region *parent, struct region *child)
{
    struct address_space *from = parent->space, *to = child->space;
    bool private = !(parent->flags & REGION_SHARED);
    vaddr_t stop;

    for (vaddr_t address = parent->start; address < parent->end; address = stop) {
        stop = parent->end;
        uint64_t *leaf = page_table_leaf(from->root, address, &stop);
        if (!leaf)
            continue;
        uint64_t *copies = page_table_leaf_create(to->root, address, &to->page_tables);
        if (!copies)
            return -ENOMEM;
        unsigned copied = 0, resident = 0, left = page_table_count(leaf);
        unsigned end = page_table_index(stop - PAGE_SIZE, 0);
        for (unsigned i = page_table_index(address, 0); i <= end && copied < left; i++) {
            uint64_t value = leaf[i];
            if (!value)
                continue;
            if (private && value & PAGE_WRITABLE)
                leaf[i] = value &= ~PAGE_WRITABLE;
            if (entry_frame(value) != zero_frame) {
                frame_reference(entry_frame(value));
                resident++;
            }
            copies[i] = value;
            copied++;
        }
        page_table_count_add(copies, copied);
        resident_add(to, resident);
    }
    return 0;
}

/* ---- moving (mremap) ---- */

int space_pages_move_prepare(struct address_space *space, vaddr_t from, vaddr_t to, size_t size)
{
    vaddr_t stop;

    for (vaddr_t address = from; address < from + size; address = stop) {
        stop = from + size;
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
            target_leaf[page_table_index(target, 0)] = *entry;
            page_table_count_add(target_leaf, 1);
            *entry = 0;
            page_table_count_subtract(leaf, 1);
        }
    }
    space_shootdown(space, from, from + size);
    space_pages_remove(space, from, from + size); /* the tables */
}

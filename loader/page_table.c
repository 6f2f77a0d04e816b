#include "page_table.h"

/* Levels as the SDM counts them from the pages up: 1 page table, 2 page directory, 3 page-directory
 * pointer table, 4 PML4. A level's entry covers 2^(12 + 9 * (level - 1)) bytes. */
enum { LEVEL_PAGE = 1, LEVEL_2_MIB = 2, LEVEL_1_GIB = 3, LEVEL_ROOT = 4 };

#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)

static uint64_t entry_size(int level)
{
    return UINT64_C(1) << (12 + 9 * (level - 1));
}

static size_t entry_index(uint64_t address, int level)
{
    return address >> (12 + 9 * (level - 1)) & 511;
}

/* The first address after the entry of `level` that covers `address`, or `end` if that is nearer.
 * The comparison is by distance, because the last entry of all ends at 2^64. */
static uint64_t piece_end(uint64_t address, uint64_t end, int level)
{
    uint64_t rest = entry_size(level) - (address & (entry_size(level) - 1));

    return end - address < rest ? end : address + rest;
}

static uint64_t frame_take(struct page_table *table)
{
    uint64_t frame = table->next;

    if (frame == table->end)
        return 0;
    table->next += PAGE_TABLE_FRAME;
    return frame;
}

/*
 * A page of this level may stand for the piece when it fills the entry: a larger page than the
 * range would let the processor read ahead into what is no memory, and mix MTRR types in one page
 * (SDM volume 3A, 11.11.9; Linux d794734c9bbf had machines that stopped on it).
 */
static bool page_fits(const struct page_table *table, const struct page_table_range *range,
                      uint64_t address, uint64_t next, int level)
{
    int largest = table->gigabyte ? LEVEL_1_GIB : LEVEL_2_MIB;
    uint64_t physical = address + range->offset;

    return level <= largest && next - address == entry_size(level) &&
           (physical & (entry_size(level) - 1)) == 0;
}

static bool map_level(struct page_table *table, uint64_t *entries, int level,
                      const struct page_table_range *range, uint64_t start, uint64_t end)
{
    for (uint64_t address = start, next; address != end; address = next) {
        uint64_t *entry = &entries[entry_index(address, level)];

        next = piece_end(address, end, level);
        if (!*entry && page_fits(table, range, address, next, level)) {
            *entry = (address + range->offset) | range->flags;
            if (level != LEVEL_PAGE)
                *entry |= PAGE_LARGE;
            continue;
        }
        if (*entry && (level == LEVEL_PAGE || (*entry & PAGE_LARGE)))
            continue;
        if (!*entry) {
            *entry = frame_take(table);
            if (!*entry)
                return false;
            *entry |= PAGE_PRESENT | PAGE_WRITABLE;
        }
        if (!map_level(table, (uint64_t *)(uintptr_t)(*entry & ENTRY_ADDRESS), level - 1, range,
                       address, next))
            return false;
    }
    return true;
}

bool page_table_map(struct page_table *table, const struct page_table_range *range)
{
    return map_level(table, table->root, LEVEL_ROOT, range, range->start, range->end);
}

void page_table_begin(struct page_table *table, uint64_t pool, uint64_t frames, bool gigabyte)
{
    *table = (struct page_table){
        .root = (uint64_t *)(uintptr_t)pool,
        .next = pool + PAGE_TABLE_FRAME,
        .end = pool + frames * PAGE_TABLE_FRAME,
        .gigabyte = gigabyte,
    };
}

/* A table below an entry of `level` is needed for each region that has no page of its own: all of
 * them above the largest page's level, else the first and the last when they are not filled. */
static uint64_t tables_below(const struct page_table_range *range, int level, bool large_pages)
{
    uint64_t size = entry_size(level);
    uint64_t first = range->start / size, last = (range->end - 1) / size;
    bool aligned = (range->offset & (size - 1)) == 0;

    if (!large_pages || !aligned)
        return last - first + 1;
    if (first == last)
        return range->start % size || range->end % size;
    return (range->start % size != 0) + (range->end % size != 0);
}

void page_table_count(struct page_table_counter *counter, const struct page_table_range *range,
                      bool gigabyte)
{
    int largest = gigabyte ? LEVEL_1_GIB : LEVEL_2_MIB;

    if (range->start == range->end)
        return;
    if (counter->frames == 0)
        counter->frames = 1; /* the root */
    for (int level = LEVEL_2_MIB; level <= LEVEL_ROOT; level++) {
        uint64_t tables = tables_below(range, level, level <= largest);
        uint64_t first = range->start / entry_size(level) + 1;
        uint64_t last = (range->end - 1) / entry_size(level) + 1;

        /* Neighbours share the table at their common edge. */
        if (tables && range->start % entry_size(level) && counter->last[level] == first)
            tables--;
        counter->frames += tables;
        if (range->end % entry_size(level) || level > largest)
            counter->last[level] = last;
    }
}

/*
 * page_table.h: four levels of tables (Intel SDM volume 3, 4.5), as the
 * processor reads them. Knows nothing of regions.
 *
 * A table's frame metadata count its entries (`small`), so that a table that
 * becomes empty is known without a look at its 512 entries, and goes back to
 * the frame allocator as a frame of zeros: the next table needs no clearing.
 * They also remember which lines of entries (8, a cache line) were ever used
 * (`words[0]`, a bit each): what a walk over a table costs depends on what is in it.
 * The other words are leaf.h's; of a new table they are 0.
 */
#ifndef BATON_MEMORY_PAGE_TABLE_H
#define BATON_MEMORY_PAGE_TABLE_H

#include "memory/frame.h"

#define PAGE_PRESENT    (1UL << 0)
#define PAGE_WRITABLE   (1UL << 1)
#define PAGE_USER       (1UL << 2)
#define PAGE_PWT        (1UL << 3)
#define PAGE_PCD        (1UL << 4)
#define PAGE_ACCESSED   (1UL << 5)
#define PAGE_DIRTY      (1UL << 6)
#define PAGE_LARGE      (1UL << 7)
#define PAGE_GLOBAL     (1UL << 8)
#define PAGE_NO_EXECUTE (1UL << 63)
#define PAGE_FRAME      0x000ffffffffff000UL

/* Caching, as page_attributes_load() (cpu/registers.h) gives meaning to PWT and PCD. */
#define PAGE_WRITE_COMBINING PAGE_PWT
#define PAGE_UNCACHED        (PAGE_PCD | PAGE_PWT)

#define TABLE_ENTRIES 512U
#define TABLE_LINE    8U                          /* entries to a cache line */
#define LEAF_SPAN     (TABLE_ENTRIES * PAGE_SIZE) /* bytes that one lowest table maps */

static inline unsigned page_table_index(vaddr_t address, unsigned level)
{
    return address >> (PAGE_SHIFT + 9 * level) & (TABLE_ENTRIES - 1);
}

static inline unsigned page_table_line(const uint64_t *entry)
{
    return (vaddr_t)entry / (TABLE_LINE * sizeof(*entry)) % (TABLE_ENTRIES / TABLE_LINE);
}

/* The table that an upper entry points to. */
static inline uint64_t *page_table_below(uint64_t entry)
{
    return frame_pointer(entry & PAGE_FRAME);
}

/*
 * All below work on the user half of a root. The caller holds the mutex of the
 * address space it belongs to. `tables` counts the frames of tables in use.
 */

/* A root with the kernel's half and an empty user half; 0: no memory. */
paddr_t page_table_create(void);
/* Frees a root whose user half is empty. No CPU's CR3 may hold it. */
void page_table_destroy(paddr_t root);

/*
 * What points to the lowest table that maps `address`, or NULL when there is none: then
 * *stop (at first the end of the caller's range) is lowered to where the next
 * one could begin; else to where this one ends.
 */
uint64_t *page_table_slot(paddr_t root, vaddr_t address, vaddr_t *stop);
/* The same, quickly, if the tables above are there; else NULL. There may be no lowest one. */
static inline uint64_t *page_table_slot_quick(paddr_t root, vaddr_t address)
{
    const uint64_t *root_table = frame_pointer(root);
    uint64_t third = root_table[page_table_index(address, 3)];
    uint64_t second = third ? page_table_below(third)[page_table_index(address, 2)] : 0;
    return second ? &page_table_below(second)[page_table_index(address, 1)] : NULL;
}
/* The same, and makes the tables above that are missing. NULL: no memory. */
uint64_t *page_table_slot_prepare(paddr_t root, vaddr_t address, uint64_t *tables);
/* Makes the lowest table of `address`, to which the slot, which is empty, points then. NULL: no
   memory, and what was made above it for nothing is gone. */
uint64_t *page_table_leaf_make(paddr_t root, vaddr_t address, uint64_t *slot, uint64_t *tables);
/* The lowest tables themselves. */
uint64_t *page_table_leaf(paddr_t root, vaddr_t address, vaddr_t *stop);
uint64_t *page_table_leaf_create(paddr_t root, vaddr_t address, uint64_t *tables);
/* The entry of a page, NULL when there is no table for it. */
uint64_t *page_table_entry(paddr_t root, vaddr_t page);

/* How many entries of a table are not 0. */
static inline uint16_t *page_table_count(const uint64_t *table)
{
    return &frame_metadata(frame_address(table))->small;
}

/* Whoever fills entries that were 0 says so: `count` of those from `first` to `last`. */
static inline void page_table_filled(const uint64_t *first, const uint64_t *last, unsigned count)
{
    struct frame *table = frame_metadata(frame_address(first));
    table->small = (uint16_t)(table->small + count);
    table->words[0] |= (2UL << page_table_line(last)) - (1UL << page_table_line(first));
}

/* The lines of a table that may not be all 0, a bit each. */
static inline uint64_t page_table_lines(const uint64_t *table)
{
    return frame_metadata(frame_address(table))->words[0];
}

/*
 * Takes out the lowest table of `address`, which is empty, and those above it that become
 * empty, and stores their frames in `frames` (room for 3). Returns how many. They may be freed
 * by page_table_free() when no CPU can walk them any more.
 */
unsigned page_table_prune(paddr_t root, vaddr_t address, paddr_t frames[3], uint64_t *tables);
/* The same for those above it, when it has been taken out of them, which they count yet. */
unsigned page_table_prune_above(paddr_t root, vaddr_t address, paddr_t frames[3], uint64_t *tables);
/* Frees frames of tables without entries. */
void page_table_free(const paddr_t *tables, size_t count);

#endif

/* page_table.c: the user half of an address space's tables. */
#include "memory/page_table.h"

#include "cpu/panic.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/kernel_space.h"

/* Upper tables permit everything; the lowest entry decides. */
#define USER_TABLE (PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER | PAGE_ACCESSED)

static paddr_t table_allocate(void)
{
    paddr_t frame = frame_allocate(FRAME_PAGE_TABLE, FRAME_ZEROED);
    if (frame) {
        struct frame *metadata = frame_metadata(frame);
        metadata->words[0] = metadata->words[1] = metadata->words[2] = 0;
    }
    return frame;
}

paddr_t page_table_create(void)
{
    paddr_t root = table_allocate();
    if (root)
        kernel_space_install(frame_pointer(root));
    return root;
}

void page_table_destroy(paddr_t root)
{
    debug_assert(*page_table_count(frame_pointer(root)) == 0);
    kernel_space_remove(frame_pointer(root));
    page_table_free(&root, 1);
}

void page_table_free(const paddr_t *tables, size_t count)
{
#ifdef DEBUG_CHECKS
    for (size_t i = 0; i < count; i++) {
        const uint64_t *entries = frame_pointer(tables[i]);
        for (unsigned entry = 0; entry < TABLE_ENTRIES; entry++)
            assert_invariant(entries[entry] == 0);
    }
    frame_release_many(tables, count); /* which poisons them */
#else
    frame_release_tables(tables, count);
#endif
}

uint64_t *page_table_slot(paddr_t root, vaddr_t address, vaddr_t *stop)
{
    uint64_t *table = frame_pointer(root);

    for (unsigned level = 3;; level--) {
        uint64_t *entry = &table[page_table_index(address, level)];
        bool present = *entry & PAGE_PRESENT;
        if (!present || level == 1) {
            vaddr_t end = (address >> (PAGE_SHIFT + 9 * level) << (PAGE_SHIFT + 9 * level)) +
                          (PAGE_SIZE << (9 * level));
            if (end < *stop)
                *stop = end;
            return present ? entry : NULL;
        }
        table = page_table_below(*entry);
    }
}

uint64_t *page_table_leaf(paddr_t root, vaddr_t address, vaddr_t *stop)
{
    const uint64_t *slot = page_table_slot(root, address, stop);
    return slot ? page_table_below(*slot) : NULL;
}

/* The table below `entry`, made when it is missing. */
static uint64_t *table_create(uint64_t *entry, uint64_t *tables)
{
    paddr_t frame = table_allocate();
    if (!frame)
        return NULL;
    *entry = frame | USER_TABLE;
    page_table_filled(entry, entry, 1);
    ++*tables;
    return frame_pointer(frame);
}

/* page_table_prune() from a table of this level on. */
static __attribute__((noinline)) unsigned prune(paddr_t root, vaddr_t address, unsigned level,
                                                paddr_t frames[3], uint64_t *tables)
{
    uint64_t *path[4];
    unsigned pruned = 0;

    path[3] = frame_pointer(root);
    for (unsigned above = 3; above > level; above--)
        path[above - 1] = page_table_below(path[above][page_table_index(address, above)]);

    for (; level < 3 && *page_table_count(path[level]) == 0; level++) {
        path[level + 1][page_table_index(address, level + 1)] = 0;
        --*page_table_count(path[level + 1]);
        --*tables;
        frames[pruned++] = frame_address(path[level]);
    }
    return pruned;
}

unsigned page_table_prune(paddr_t root, vaddr_t address, paddr_t frames[3], uint64_t *tables)
{
    return prune(root, address, 0, frames, tables);
}

unsigned page_table_prune_above(paddr_t root, vaddr_t address, paddr_t frames[3], uint64_t *tables)
{
    uint64_t *table = frame_pointer(root);

    for (unsigned level = 3; level > 1; level--)
        table = page_table_below(table[page_table_index(address, level)]);
    --*page_table_count(table);
    --*tables;
    return prune(root, address, 1, frames, tables);
}

/* No memory for what an entry of `level` was to point to: what was made above goes back, empty. */
static __attribute__((noinline)) void undo(paddr_t root, vaddr_t address, unsigned level,
                                           uint64_t *tables)
{
    paddr_t made[3];
    page_table_free(made, prune(root, address, level, made, tables));
}

uint64_t *page_table_slot_prepare(paddr_t root, vaddr_t address, uint64_t *tables)
{
    uint64_t *table = frame_pointer(root);

    for (unsigned level = 3; level > 1; level--) {
        uint64_t *entry = &table[page_table_index(address, level)];
        table = *entry & PAGE_PRESENT ? page_table_below(*entry) : table_create(entry, tables);
        if (!table) {
            undo(root, address, level, tables);
            return NULL;
        }
    }
    return &table[page_table_index(address, 1)];
}

uint64_t *page_table_leaf_make(paddr_t root, vaddr_t address, uint64_t *slot, uint64_t *tables)
{
    uint64_t *leaf = table_create(slot, tables);
    if (!leaf)
        undo(root, address, 1, tables);
    return leaf;
}

uint64_t *page_table_leaf_create(paddr_t root, vaddr_t address, uint64_t *tables)
{
    uint64_t *slot = page_table_slot_prepare(root, address, tables);
    if (!slot)
        return NULL;
    return *slot ? page_table_below(*slot) : page_table_leaf_make(root, address, slot, tables);
}

uint64_t *page_table_entry(paddr_t root, vaddr_t page)
{
    uint64_t *table = frame_pointer(root);

    for (unsigned level = 3; level > 0; level--) {
        uint64_t entry = table[page_table_index(page, level)];
        if (!(entry & PAGE_PRESENT))
            return NULL;
        table = page_table_below(entry);
    }
    return &table[page_table_index(page, 0)];
}

/* page_table.c: the user half of an address space's tables. */
#include "memory/page_table.h"

#include "cpu/panic.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/kernel_space.h"

/* Upper tables permit everything; the lowest entry decides. */
#define USER_TABLE (PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER | PAGE_ACCESSED)

static uint64_t *table_of(uint64_t entry)
{
    return frame_pointer(entry & PAGE_FRAME);
}

paddr_t page_table_create(void)
{
    paddr_t root = frame_allocate(FRAME_PAGE_TABLE, FRAME_ZEROED);
    if (root)
        kernel_space_install(frame_pointer(root));
    return root;
}

void page_table_destroy(paddr_t root)
{
    debug_assert(*page_table_count(frame_pointer(root)) == 0);
    kernel_space_remove(frame_pointer(root));
    page_table_free(root);
}

void page_table_free(paddr_t table)
{
#ifdef DEBUG_CHECKS
    const uint64_t *entries = frame_pointer(table);
    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        assert_invariant(entries[i] == 0);
    frame_release(table); /* which poisons it */
#else
    frame_release_zeroed(table);
#endif
}

uint64_t *page_table_leaf(paddr_t root, vaddr_t address, vaddr_t *stop)
{
    uint64_t *table = frame_pointer(root);

    for (unsigned level = 3;; level--) {
        uint64_t entry = table[page_table_index(address, level)];
        bool present = entry & PAGE_PRESENT;
        if (!present || level == 1) {
            vaddr_t end = (address >> (PAGE_SHIFT + 9 * level) << (PAGE_SHIFT + 9 * level)) +
                          (PAGE_SIZE << (9 * level));
            if (end < *stop)
                *stop = end;
            return present ? table_of(entry) : NULL;
        }
        table = table_of(entry);
    }
}

/* The table below `entry` of `table`, made when it is missing. */
static uint64_t *table_create(uint64_t *table, uint64_t *entry, uint64_t *tables)
{
    paddr_t frame = frame_allocate(FRAME_PAGE_TABLE, FRAME_ZEROED);
    if (!frame)
        return NULL;
    *entry = frame | USER_TABLE;
    ++*page_table_count(table);
    ++*tables;
    return frame_pointer(frame);
}

uint64_t *page_table_leaf_create(paddr_t root, vaddr_t address, uint64_t *tables)
{
    uint64_t *path[4];

    path[3] = frame_pointer(root);
    for (unsigned level = 3; level > 0; level--) {
        uint64_t *entry = &path[level][page_table_index(address, level)];
        path[level - 1] =
            *entry & PAGE_PRESENT ? table_of(*entry) : table_create(path[level], entry, tables);
        if (path[level - 1])
            continue;
        /* No memory: what was made above goes back, empty as it is. */
        for (; level < 3 && *page_table_count(path[level]) == 0; level++) {
            path[level + 1][page_table_index(address, level + 1)] = 0;
            --*page_table_count(path[level + 1]);
            --*tables;
            page_table_free(frame_address(path[level]));
        }
        return NULL;
    }
    return path[0];
}

uint64_t *page_table_entry(paddr_t root, vaddr_t page)
{
    uint64_t *table = frame_pointer(root);

    for (unsigned level = 3; level > 0; level--) {
        uint64_t entry = table[page_table_index(page, level)];
        if (!(entry & PAGE_PRESENT))
            return NULL;
        table = table_of(entry);
    }
    return &table[page_table_index(page, 0)];
}

unsigned page_table_prune(paddr_t root, vaddr_t address, paddr_t frames[3], uint64_t *tables)
{
    uint64_t *path[4];
    unsigned pruned = 0;

    path[3] = frame_pointer(root);
    for (unsigned level = 3; level > 0; level--)
        path[level - 1] = table_of(path[level][page_table_index(address, level)]);

    for (unsigned level = 0; level < 3 && *page_table_count(path[level]) == 0; level++) {
        path[level + 1][page_table_index(address, level + 1)] = 0;
        --*page_table_count(path[level + 1]);
        --*tables;
        frames[pruned++] = frame_address(path[level]);
    }
    return pruned;
}

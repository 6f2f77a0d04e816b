/*
 * leaf.h: the lowest tables of a space, its leaves, which fork shares instead of
 * copying what is in them (README.md, "Leaves that are shared"). Within the memory
 * room only. The space's mutex is held throughout.
 *
 * Who changes entries of a space asks here for their leaf. Who only reads them finds it by
 * page_table_leaf() and page_table_entry().
 */
#ifndef BATON_MEMORY_LEAF_H
#define BATON_MEMORY_LEAF_H

#include "memory/address_space.h"
#include "memory/page_table.h"

/* Called once at boot. */
void leaf_initialize(void);

/* Of what points to a leaf (page_table_slot()): others have it too, or had. */
static inline bool leaf_is_shared(uint64_t slot)
{
    return !(slot & PAGE_WRITABLE);
}

/* For a touch of `page`: the space's own leaf, made when it is missing; or, if what is there is
   only read, one that others have too. NULL: there was none, and no memory. Nearly always it is
   there, or the tables above it are: that goes quickly. */
uint64_t *leaf_prepare(struct address_space *space, vaddr_t page, bool write);
static inline uint64_t *leaf_touch(struct address_space *space, vaddr_t page, bool write)
{
    uint64_t *slot = page_table_slot_quick(space->root, page);

    if (slot && !*slot)
        return page_table_leaf_make(space->root, page, slot, &space->page_tables);
    return slot && !leaf_is_shared(*slot) ? page_table_below(*slot)
                                          : leaf_prepare(space, page, write);
}
/* The space's own leaf of `address`, made when it is missing. NULL as above. */
static inline uint64_t *leaf_create(struct address_space *space, vaddr_t address)
{
    return leaf_touch(space, address, true);
}
/*
 * The space's own leaf of `address` for who changes what is there in [address, *end); *end is
 * lowered to where the leaf ends. NULL: there is nothing; then as page_table_slot() says.
 */
uint64_t *leaf_change(struct address_space *space, vaddr_t address, vaddr_t *end);

/* fork: what `from`, the parent's, points to becomes the child's too, at `to`, which is empty: 0,
   or -ENOMEM. CPUs have to be told that the parent may write to nothing of it now. */
int leaf_share(uint64_t *from, uint64_t *to);
/*
 * Lets go of a leaf that is shared, of the address `start`: `slot` is empty then, and no CPU uses
 * it through this space any more; the table above has it counted yet. Returns the spare frame that
 * nobody needs now, which the caller frees; 0: nobody else has the leaf, it is the space's own
 * again.
 */
paddr_t leaf_leave(struct address_space *space, uint64_t *slot, vaddr_t start);

/* Of a leaf's entries, how many show the frame of zeros, which is no memory of the program's. */
static inline uint64_t *leaf_zeros(const uint64_t *leaf)
{
    return &frame_metadata(frame_address(leaf))->words[2];
}
static inline uint64_t leaf_resident(const uint64_t *leaf)
{
    return *page_table_count(leaf) - *leaf_zeros(leaf);
}
/* By how many spaces; exact to who has it. */
static inline uint32_t leaf_sharers(const uint64_t *leaf)
{
    return frame_references(frame_address(leaf));
}

#endif

/*
 * leaf.h: the lowest tables of a space, its leaves, which fork shares instead of
 * copying what is in them (README.md, "Leaves that are shared"). Within the memory
 * room only. The space's mutex is held throughout.
 *
 * Who changes entries of a space asks here for their leaf, and so does who only reads them.
 */
#ifndef BATON_MEMORY_LEAF_H
#define BATON_MEMORY_LEAF_H

#include "memory/address_space.h"
#include "memory/page_table.h"

/* Called once at boot. */
void leaf_initialize(void);

/* In what points to a leaf (page_table_slot()), bit 9 of which is software's: it is the space's own
   and a copy of one that is shared, but some of it has yet to be copied. */
#define LEAF_PARTIAL (1UL << 9)

/* Others have it too, or had. */
static inline bool leaf_is_shared(uint64_t slot)
{
    return !(slot & PAGE_WRITABLE);
}
static inline bool leaf_is_partial(uint64_t slot)
{
    return slot & LEAF_PARTIAL;
}

/* A touch of `page` in a leaf that is shared or partial: leaf_touch(). */
uint64_t *leaf_touch_shared(struct address_space *space, uint64_t *slot, vaddr_t page, bool write);
/* For a touch of `page`: the space's own leaf, made when it is missing; or, if what is there is
   only read, one that others have too. NULL: there was none, and no memory. Nearly always it is
   there, or the tables above it are: that goes quickly. */
static inline uint64_t *leaf_touch(struct address_space *space, vaddr_t page, bool write)
{
    uint64_t *slot = page_table_slot_quick(space->root, page);

    if (slot && (*slot & (PAGE_WRITABLE | LEAF_PARTIAL)) == PAGE_WRITABLE)
        return page_table_below(*slot);
    if (slot && *slot)
        return leaf_touch_shared(space, slot, page, write);
    if (!slot)
        slot = page_table_slot_prepare(space->root, page, &space->page_tables);
    return slot ? page_table_leaf_make(space->root, page, slot, &space->page_tables) : NULL;
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

/* For who only looks at [address, *end) of a space: where its entries are; *end is lowered to where
   those of another table begin. NULL: there is no leaf; then as page_table_slot() says. */
const uint64_t *leaf_look(const struct address_space *space, vaddr_t address, vaddr_t *end);
/* Copies what has yet to be copied of a leaf that is partial. */
void leaf_complete(struct address_space *space, uint64_t *slot);
/*
 * The end of a space that has a leaf in part: lets go of the one that it is a copy of. Returns the
 * spare frame that nobody needs now; 0: nobody else has that leaf, *original, which is the
 * caller's.
 */
paddr_t leaf_leave_original(uint64_t *leaf, uint64_t **original);

/* fork: what `from`, the parent's, points to becomes the child's too, at `to`, which is empty: 0,
   or -ENOMEM. CPUs of the parent, `space`, have to be told that it may write to nothing of it. */
int leaf_share(struct address_space *space, uint64_t *from, uint64_t *to);
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

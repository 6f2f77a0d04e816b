/*
 * space_pages.h: what page tables hold for regions. Within the memory room
 * only. The space's mutex is held throughout.
 *
 * A lowest entry that is not 0 holds a frame, with a reference, but for the
 * frame of zeros, which all share, and frames that are borrowed from a page
 * cache. It is present, or hidden: PROT_NONE.
 * Only frames of FRAME_ANONYMOUS with one reference are writable in private
 * regions; what is shared with another space or the page cache is copied on
 * the first write. In a leaf that is shared (leaf.h) an entry stands for all who have it: writable
 * there means that whoever has it alone may write.
 */
#ifndef BATON_MEMORY_SPACE_PAGES_H
#define BATON_MEMORY_SPACE_PAGES_H

#include "cpu/panic.h"
#include "memory/address_space.h"
#include "memory/frame.h"
#include "memory/leaf.h"
#include "memory/page_table.h"

/* The frame of zeros that reads of untouched anonymous memory see; constant after boot. */
extern paddr_t zero_frame;
/* Called once at boot. False: no memory. */
bool space_pages_initialize(void);

/* Not present, though it holds a frame: bit 9 is software's. The address is inverted, so that a
   processor that speculates with it finds no memory there (L1 terminal fault). */
#define PAGE_HIDDEN (1UL << 9)

/* The frame is its page cache's, which frees it only when address_spaces_forget() has been here:
   pages of files are mapped in dozens, a count for each would cost more than the mapping. */
#define PAGE_BORROWED (1UL << 10)

static inline paddr_t entry_frame(uint64_t entry)
{
    return (entry & PAGE_PRESENT ? entry : ~entry) & PAGE_FRAME;
}
static inline uint64_t entry_hide(uint64_t entry)
{
    return entry & PAGE_PRESENT ? ((entry & ~PAGE_PRESENT) ^ PAGE_FRAME) | PAGE_HIDDEN : entry;
}

/* The lowest entry that maps `frame` in this region; `writable`: now, not just some day. */
static inline uint64_t entry_make(const struct region *region, paddr_t frame, bool writable)
{
    return frame | PAGE_PRESENT | PAGE_USER | PAGE_ACCESSED |
           (writable ? PAGE_WRITABLE | PAGE_DIRTY : 0) |
           (region->flags & REGION_EXECUTE ? 0 : PAGE_NO_EXECUTE);
}

/*
 * What an entry that is not 0 says, for another table that is to say the same: it has a reference
 * of its own, and private memory is not written to through either of them any more. Where the
 * table is shared, others may do the same to it just now.
 */
static inline uint64_t entry_share(uint64_t *entry)
{
    uint64_t value = *entry;
    if (value & PAGE_BORROWED)
        return value;
    paddr_t frame = entry_frame(value);
    struct frame *metadata = frame_metadata(frame);
    if (metadata->owner == FRAME_ANONYMOUS) {
        if (value & PAGE_WRITABLE)
            __atomic_store_n(entry, value &= ~PAGE_WRITABLE, __ATOMIC_RELAXED);
    } else if (frame == zero_frame) {
        return value;
    }
    __atomic_fetch_add(&metadata->references, 1, __ATOMIC_RELAXED);
    return value;
}

/* Gives up the reference of an entry that was taken out, which no CPU remembers; 0: there was
   none. */
static inline void entry_release(uint64_t entry)
{
    if (entry && !(entry & PAGE_BORROWED) && entry_frame(entry) != zero_frame)
        frame_release(entry_frame(entry));
}

/* How many pages are there changes. */
static inline void space_resident_add(struct address_space *space, uint64_t pages)
{
    __atomic_store_n(&space->pages_mapped, space->pages_mapped + pages, __ATOMIC_RELAXED);
}

/* Enters a page into an empty place: the reference is the entry's then. */
static inline void space_pages_enter(struct address_space *space, uint64_t *entry, uint64_t value)
{
    debug_assert(*entry == 0);
    *entry = value;
    page_table_filled(entry, entry, 1);
    if (entry_frame(value) == zero_frame)
        ++*leaf_zeros(entry);
    else
        space_resident_add(space, 1);
}
/*
 * Maps `count` pages of a cache, from `index` on, in `count` empty entries of one table, with
 * `rights`, as entry_make() gives them; holes stay empty. Returns how many of them lie below the
 * cache's size.
 */
size_t space_pages_borrow(struct address_space *space, uint64_t *entries, size_t count,
                          uint64_t rights, struct page_cache *cache, uint64_t index);
/* Maps another frame at a page that has one; lets go of the old when no CPU sees it any more. */
void space_pages_replace(struct address_space *space, uint64_t *entry, vaddr_t page,
                         uint64_t value);
/* Makes all CPUs that may use the space forget [start, end). */
void space_shootdown(struct address_space *space, vaddr_t start, vaddr_t end);
/* Takes all pages of [start, end) out, with tables that become empty, and frees them. */
void space_pages_remove(struct address_space *space, vaddr_t start, vaddr_t end);
/* All pages and tables of a space that no CPU uses any more, in one walk; the root stays. */
void space_pages_end(struct address_space *space);
/* Makes entries of the region in [start, end) agree with its flags. */
void space_pages_protect(struct region *region, vaddr_t start, vaddr_t end);
/*
 * fork: enters the parent's pages in the child, for all regions the child has; private ones are
 * read-only in both then, which CPUs have to be told. 0 or -ENOMEM: some are entered.
 */
int space_pages_share(struct address_space *parent, struct address_space *child);
/*
 * Moves the pages of [from, from+size) to `to` (mremap). Moving may not fail: the tables are made
 * first, 0 or -ENOMEM. Pages there are none at `to`.
 */
int space_pages_move_prepare(struct address_space *space, vaddr_t from, vaddr_t to, size_t size);
void space_pages_move_commit(struct address_space *space, vaddr_t from, vaddr_t to, size_t size);

#endif

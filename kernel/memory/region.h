/*
 * region.h: the regions of an address space, sorted, and the free places
 * between them. Within the memory room only; page tables are not touched.
 * The space's mutex is held throughout.
 */
#ifndef BATON_MEMORY_REGION_H
#define BATON_MEMORY_REGION_H

#include "memory/address_space.h"

/* Regions allocated before a change begins, so that it cannot fail half-way. */
struct region_reserve {
    struct region *first; /* linked by `next` */
};
/* For `count` more regions of the space. 0 or -ENOMEM, also if these are too many: then the
   reserve is empty. */
int region_reserve_fill(struct region_reserve *reserve, const struct address_space *space,
                        unsigned count);
/* What the change did not need. */
void region_reserve_drain(struct region_reserve *reserve);
struct region *region_reserve_take(struct region_reserve *reserve);

static inline uint64_t region_pages(const struct region *region)
{
    return (region->end - region->start) >> PAGE_SHIFT;
}
/* The page of the object that `address` maps. */
static inline uint64_t region_page_index(const struct region *region, vaddr_t address)
{
    return region->offset + ((address - region->start) >> PAGE_SHIFT);
}

/* Enters a region whose fields from `start` on are set, below `above` (NULL: as the last), into
   the space and its cache's list; the object's reference is the region's already. */
void region_insert(struct address_space *space, struct region *region, struct region *above);
/* Takes it out; address_space_unlock() frees it, with its reference. May sleep. */
void region_remove(struct region *region);
/*
 * Copies all regions of a space to another one that has none (fork), but those that are not to
 * be there, with references to their objects. 0 or -ENOMEM: then there are none.
 */
int region_copy_all(struct address_space *from, struct address_space *to);
/* Takes all out. */
void region_remove_all(struct address_space *space);
/* Moves its ends; `offset` follows `start`. Into free places only. */
void region_resize(struct region *region, vaddr_t start, vaddr_t end);
/* Into how many more regions does a change of [start, end) cut it? */
static inline unsigned region_cuts(const struct region *region, vaddr_t start, vaddr_t end)
{
    return (region->start < start) + (region->end > end);
}
/* Cuts it in two at `address`, which lies inside; returns the upper one. */
struct region *region_split(struct region *region, vaddr_t address, struct region_reserve *reserve);
/* Makes one of it and the one above, or below, where nothing tells them apart; returns what
   stands for the region then. */
struct region *region_merge(struct region *region);
/* Changes flags; keeps the accounts. */
void region_set_flags(struct region *region, unsigned flags);

/* Could [start, end) as described by `like` (flags, object, offset, file_end) be part of
   `region`, which ends at its start? */
bool region_extends(const struct region *region, const struct region *like);

/* The highest free place of `size` bytes that ends at or below `limit`; 0: none. */
vaddr_t region_find_gap(struct address_space *space, size_t size, vaddr_t limit);

#endif

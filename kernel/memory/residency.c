/* residency.c: what of a program's memory is there, and who else has it: /proc/PID/smaps. */
#include "memory/address_space.h"
#include "memory/leaf.h"
#include "memory/region.h"
#include "memory/space_pages.h"
#include "thread/preemption.h"
#include "thread/thread.h"

#define SHARE_UNIT PAGE_SIZE /* of struct residency, `proportional` */

/* How many regions, in this space and in others, map the file; at least this one does. */
static uint64_t count_mappers(const struct region *region)
{
    struct page_cache *cache = region->object ? region->object->cache : NULL;

    if (!cache || cache->constant)
        return cache ? UINT32_MAX : 1; /* what every program has */
    return __atomic_load_n(&cache->region_count, __ATOMIC_RELAXED);
}

/* A file's page counts as shared by all who map the file: nobody counts who has touched it. Of
   private memory, spaces that share another leaf count as one. */
static void add_page(struct residency *sum, uint64_t entry, uint64_t mappers, uint64_t leaf_sharers)
{
    paddr_t frame = entry_frame(entry);
    if (frame == zero_frame)
        return;
    bool anonymous = !(entry & PAGE_BORROWED) && frame_metadata(frame)->owner == FRAME_ANONYMOUS;
    uint64_t sharers = anonymous ? frame_references(frame) - 1 + leaf_sharers : mappers;
    bool dirty = anonymous || entry & PAGE_DIRTY;

    sum->resident++;
    sum->anonymous += anonymous;
    sum->proportional += SHARE_UNIT / (sharers ? sharers : 1);
    if (sharers > 1)
        *(dirty ? &sum->shared_dirty : &sum->shared_clean) += 1;
    else
        *(dirty ? &sum->private_dirty : &sum->private_clean) += 1;
}

void region_add_residency(const struct region *region, vaddr_t start, vaddr_t end,
                          struct residency *sum)
{
    uint64_t mappers = count_mappers(region);
    vaddr_t stop;

    for (vaddr_t page = start; page < end; page = stop) {
        stop = end;
        thread_preemption_point();
        const uint64_t *leaf = leaf_look(region->space, page, &stop);
        if (!leaf)
            continue;
        for (; page < stop; page += PAGE_SIZE) {
            uint64_t entry = leaf[page_table_index(page, 0)];
            if (entry)
                add_page(sum, entry, mappers, leaf_sharers(leaf));
        }
    }
}

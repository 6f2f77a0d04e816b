/* exec_placement.c: how much of a new program's memory lies at random places. */
#include "process/exec_placement.h"

#include "file/device.h"

enum { NOTHING, ALL_BUT_HEAP, EVERYTHING };

static uint32_t level = EVERYTHING; /* atomic */

uint32_t exec_placement_level(void)
{
    return __atomic_load_n(&level, __ATOMIC_RELAXED);
}

void exec_placement_set_level(uint32_t wanted)
{
    __atomic_store_n(&level, wanted, __ATOMIC_RELAXED);
}

void exec_placement_draw(struct exec_placement *placement, bool fixed)
{
    uint32_t random = fixed ? NOTHING : exec_placement_level();

    random_fill(placement, sizeof(*placement));
    if (random < ALL_BUT_HEAP)
        placement->stack = placement->mmap = placement->image = placement->vdso = 0;
    if (random < EVERYTHING)
        placement->heap = 0;
}

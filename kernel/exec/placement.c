/* placement.c: where a new program's memory lies, and how much of that is random. */
#include "exec/placement.h"

#include "file/device.h"

enum { NOTHING, ALL_BUT_HEAP, EVERYTHING };

uint32_t exec_placement_level = EVERYTHING;

void exec_placement_draw(struct exec_placement *placement, bool fixed)
{
    uint32_t random = fixed ? NOTHING : __atomic_load_n(&exec_placement_level, __ATOMIC_RELAXED);

    random_fill(placement, sizeof(*placement));
    if (random < ALL_BUT_HEAP)
        placement->stack = placement->mmap = placement->image = placement->vdso = 0;
    if (random < EVERYTHING)
        placement->heap = 0;
}

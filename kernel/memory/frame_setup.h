/* frame_setup.h: what the frame allocator is told at boot; for kernel_space.c only. */
#ifndef BATON_MEMORY_FRAME_SETUP_H
#define BATON_MEMORY_FRAME_SETUP_H

#include "library/memory_map.h"
#include "library/types.h"

/* Bytes that frame_setup() needs for its list of ranges. */
size_t frame_setup_size(size_t range_count);

/*
 * Called once, on the loader's tables. `storage` is frame_setup_size() bytes at
 * its physical address; it and all memory below `early_next` in the range that
 * ends at or behind `early_end` is taken already.
 */
void frame_setup(const struct memory_range *ranges, size_t range_count, paddr_t early_next,
                 paddr_t early_end, void *storage);

/* [start, end) was the kernel's and is free from now on. */
void frame_give_back(paddr_t start, paddr_t end);

#endif

/*
 * area.h: the loader's memory that the kernel starts in: one piece, so that one range of the
 * handoff tells the kernel what it may take back.
 */
#ifndef BATON_LOADER_AREA_H
#define BATON_LOADER_AREA_H

#include <handoff.h>

#include <library/memory_map.h>

#include "kernel_image.h"
#include "page_table.h"

struct area {
    struct handoff *handoff;
    uint64_t stack_top;          /* physical */
    void *map;                   /* for the final memory map */
    uint64_t map_capacity;       /* bytes */
    uint64_t descriptor_size;    /* of the map when the area was made */
    struct memory_range *ranges; /* the map, checked and sorted, as it was when it was mapped */
    uint64_t ranges_capacity;
    int range_count;
    struct page_table tables;
    struct handoff_range range;
};

/*
 * Allocates the area and builds page tables for the kernel, the jump, what the handoff names and
 * all memory of the map as it is now. The final map is mapped with area_map_memory().
 */
EFI_STATUS area_prepare(const struct kernel_image *kernel, const struct handoff *handoff,
                        struct area *area);

/* Gives the area back: another one is to be prepared. */
void area_release(struct area *area);

/*
 * Maps what is not mapped yet of a memory map; no firmware call. False: out of page tables, or the
 * map has no form.
 */
bool area_map_memory(struct area *area, const void *map, uint64_t size, uint64_t descriptor_size);

/* Whether the map that was mapped last calls all that is handed over memory which the kernel may
   touch; no firmware call. */
bool area_keeps_its_own(const struct area *area);

/* Maps what lies in no memory, but has to be seen: the framebuffer. False: out of page tables. */
bool area_map_device(struct area *area, uint64_t base, uint64_t size);

#endif

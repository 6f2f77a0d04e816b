/* exit.h: the memory map, and the end of boot services (UEFI 2.10, 7.2.3 and 7.4.6). */
#ifndef BATON_LOADER_EXIT_H
#define BATON_LOADER_EXIT_H

#include <handoff.h>

#include "firmware.h"

struct area;

/* The map as it is now, to plan with. */
struct map_snapshot {
    void *descriptors;
    uint64_t size;            /* bytes in use */
    uint64_t descriptor_size; /* bytes */
    uint64_t capacity;        /* bytes that the final map may need */
};

EFI_STATUS map_snapshot_take(struct map_snapshot *map);
void map_snapshot_free(struct map_snapshot *map);

/*
 * Takes the final memory map into area->map, maps it, and leaves boot services. Returns an error
 * only while nothing has changed: EFI_BUFFER_TOO_SMALL, said by nobody, when the map has outgrown
 * the area. From the first ExitBootServices on it succeeds or halts with a message on COM1 and on
 * the screen.
 */
EFI_STATUS boot_services_exit(struct area *area);

#endif

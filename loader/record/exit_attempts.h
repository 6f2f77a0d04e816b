/* exit_attempts.h: P4: each memory map that was taken for the exit, and each attempt. Between a map
 * and the exit nothing here calls the firmware. */
#ifndef BATON_LOADER_RECORD_EXIT_ATTEMPTS_H
#define BATON_LOADER_RECORD_EXIT_ATTEMPTS_H

#include "firmware.h"

/* What GetMemoryMap returned. */
struct final_map {
    EFI_STATUS status;
    UINTN key, size, descriptor_size;
    UINT32 version;
};

void recording_final_map(const struct final_map *map, const void *descriptors);

/* An attempt; `before`: the time stamp counter before it. Without a map there was no attempt: pass
 * the map's status. */
void recording_exit_attempt(uint32_t attempt, const struct final_map *map, EFI_STATUS status,
                            uint64_t before);

#endif

#include "record/exit_attempts.h"

#include "processor.h"
#include "record/recording.h"

void recording_final_map(const struct final_map *map, const void *descriptors)
{
    const struct record_map entry = {
        .status = map->status,
        .key = map->key,
        .map_size = map->size,
        .descriptor_size = map->descriptor_size,
        .descriptor_version = map->version,
    };

    recording_append(RECORD_MAP_EXIT, &entry, sizeof entry, descriptors,
                     descriptors ? map->size : 0);
}

void recording_exit_attempt(uint32_t attempt, const struct final_map *map, EFI_STATUS status,
                            uint64_t before)
{
    const struct record_exit entry = {
        .attempt = attempt,
        .map_status = map->status,
        .key = map->key,
        .status = status,
        .before = before,
        .after = tsc_read(),
    };

    recording_append(RECORD_EXIT_ATTEMPT, &entry, sizeof entry, NULL, 0);
}

#include "exit.h"

#include "area.h"
#include "call.h"
#include "failure.h"
#include "processor.h"
#include "record/exit_attempts.h"

/*
 * Rule 2: the map grows between two calls, by our own allocations too, so there is room for this
 * many more descriptors. Rule 13: there may be thousands of them already; nothing has a fixed size.
 */
#define SPARE_DESCRIPTORS 512

/* A map that has outgrown its room again is asked for once more, so often. */
#define SNAPSHOT_ATTEMPTS 8

/* Rule 1: each try that fails means that a timer or a driver changed the map in between. */
#define EXIT_ATTEMPTS 16

/* Rule 3: what the firmware calls the size of a descriptor has to hold one. */
static EFI_STATUS descriptor_size_check(UINTN size)
{
    if (size >= sizeof(EFI_MEMORY_DESCRIPTOR) && size % 8 == 0)
        return EFI_SUCCESS;
    return failure(EFI_UNSUPPORTED, "the firmware's memory map has descriptors of %llu bytes",
                   (unsigned long long)size);
}

/* Room for the map as it was a moment ago, and more; EFI_BUFFER_TOO_SMALL: not enough. */
static EFI_STATUS map_snapshot_try(struct map_snapshot *map, UINTN size)
{
    UINTN key, descriptor_size = 0;
    UINT32 version;
    EFI_STATUS status;

    map->capacity = size + SPARE_DESCRIPTORS * map->descriptor_size;
    status = firmware.boot->AllocatePool(EfiLoaderData, map->capacity, &map->descriptors);
    if (EFI_ERROR(status))
        return failure(status, "not enough memory: %llu KiB wanted for the memory map",
                       (unsigned long long)map->capacity / 1024 + 1);
    size = map->capacity;
    status = firmware.boot->GetMemoryMap(&size, map->descriptors, &key, &descriptor_size, &version);
    if (!EFI_ERROR(status) && descriptor_size != map->descriptor_size)
        status = EFI_DEVICE_ERROR;
    map->size = size;
    if (EFI_ERROR(status))
        map_snapshot_free(map);
    if (EFI_ERROR(status) && status != EFI_BUFFER_TOO_SMALL)
        return failure(status, "cannot read the memory map");
    return status;
}

EFI_STATUS map_snapshot_take(struct map_snapshot *map)
{
    UINTN size = 0, key, descriptor_size = 0;
    UINT32 version;
    EFI_STATUS status;

    *map = (struct map_snapshot){0};
    status = firmware.boot->GetMemoryMap(&size, NULL, &key, &descriptor_size, &version);
    if (status != EFI_BUFFER_TOO_SMALL)
        return failure(EFI_ERROR(status) ? status : EFI_DEVICE_ERROR,
                       "the firmware does not tell the size of its memory map");
    status = descriptor_size_check(descriptor_size);
    if (EFI_ERROR(status))
        return status;
    map->descriptor_size = descriptor_size;
    map->size = size;
    for (int attempt = 0; attempt < SNAPSHOT_ATTEMPTS; attempt++) {
        status = map_snapshot_try(map, map->size);
        if (status != EFI_BUFFER_TOO_SMALL)
            return status;
    }
    return failure(status, "the memory map grows faster than it can be read");
}

void map_snapshot_free(struct map_snapshot *map)
{
    if (map->descriptors)
        firmware.boot->FreePool(map->descriptors);
    map->descriptors = NULL;
}

/* What a call says of its map may be impossible also when it succeeded. */
static bool final_map_possible(const struct area *area, const struct final_map *taken)
{
    return !EFI_ERROR(taken->status) && taken->size && taken->size <= area->map_capacity &&
           taken->descriptor_size == area->descriptor_size;
}

/*
 * Rule 2: the buffer's full size is restored before each call, which overwrites it. Rule 4: the
 * key is that of this call, and only when it succeeded. Rule 6: the map is handed on raw.
 * EFI_COMPROMISED_DATA: it is no map, or calls what was allocated no memory.
 */
static EFI_STATUS final_map_take(struct area *area, struct final_map *taken)
{
    struct handoff_memory_map *map = &area->handoff->memory_map;
    bool possible;

    *taken = (struct final_map){.size = area->map_capacity};
    taken->status = firmware.boot->GetMemoryMap(&taken->size, area->map, &taken->key,
                                                &taken->descriptor_size, &taken->version);
    possible = final_map_possible(area, taken);
    recording_final_map(taken, possible ? area->map : NULL);
    if (EFI_ERROR(taken->status))
        return taken->status;
    if (!possible)
        return EFI_COMPROMISED_DATA;
    map->base = (uintptr_t)area->map;
    map->size = taken->size;
    map->descriptor_size = taken->descriptor_size;
    map->descriptor_version = taken->version;
    /* Between the map and the exit no firmware call, so that the key stays fresh. */
    if (!area_map_memory(area, area->map, taken->size, taken->descriptor_size))
        return EFI_BUFFER_TOO_SMALL;
    return area_keeps_its_own(area) ? EFI_SUCCESS : EFI_COMPROMISED_DATA;
}

/* Rule 24: interrupts are off after it, for the firmware's handlers are free memory; how it left
   them is recorded by the kernel. */
static EFI_STATUS exit_try(struct area *area, uint32_t attempt, const struct final_map *map)
{
    uint64_t before = tsc_read();
    EFI_STATUS status;

    calls_allow_interrupts(false);
    status = firmware.boot->ExitBootServices(firmware.image, map->key);
    area->handoff->exit_rflags = call_flags.left;
    calls_allow_interrupts(EFI_ERROR(status));
    recording_exit_attempt(attempt, map, status, before);
    return status;
}

/* The ends that there are from the first ExitBootServices on. */
static _Noreturn void exit_failed(const struct area *area, const char *what, EFI_STATUS status)
{
    failure_halt(&area->handoff->framebuffer, what, status,
                 area->handoff->memory_map.exit_attempts);
}

EFI_STATUS boot_services_exit(struct area *area)
{
    struct final_map map;
    EFI_STATUS status = final_map_take(area, &map);

    if (EFI_ERROR(status))
        return status;
    for (uint32_t attempt = 1; attempt <= EXIT_ATTEMPTS; attempt++) {
        area->handoff->memory_map.exit_attempts = attempt;
        status = exit_try(area, attempt, &map);
        if (!EFI_ERROR(status)) {
            area->handoff->exit_tsc = tsc_read();
            return EFI_SUCCESS;
        }
        /* Rule 1: a stale key. The firmware is partly shut down: only these two calls from now
         * on, and no way back. */
        if (status != EFI_INVALID_PARAMETER)
            exit_failed(area, "ExitBootServices failed, and not because the memory map had changed",
                        status);
        status = final_map_take(area, &map);
        if (EFI_ERROR(status))
            recording_exit_attempt(attempt + 1, &map, status, tsc_read());
        if (EFI_ERROR(status))
            exit_failed(area, "the memory map cannot be taken again after ExitBootServices failed",
                        status);
    }
    exit_failed(area, "ExitBootServices failed every time: the memory map does not stop changing",
                EFI_INVALID_PARAMETER);
}

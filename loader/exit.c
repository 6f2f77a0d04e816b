#include "exit.h"

#include "area.h"
#include "failure.h"
#include "processor.h"

/*
 * Rule 2: the map grows between two calls, by our own allocations too, so there is room for this
 * many more descriptors. Rule 13: there may be hundreds of them already; nothing has a fixed size.
 */
#define SPARE_DESCRIPTORS 64

/* Rule 1: each try that fails means that a timer or a driver changed the map in between. */
#define EXIT_ATTEMPTS 16

EFI_STATUS map_snapshot_take(struct map_snapshot *map)
{
    UINTN size = 0, key, descriptor_size = 0;
    UINT32 version;
    EFI_STATUS status;

    *map = (struct map_snapshot){0};
    status = firmware.boot->GetMemoryMap(&size, NULL, &key, &descriptor_size, &version);
    if (status != EFI_BUFFER_TOO_SMALL || descriptor_size < sizeof(EFI_MEMORY_DESCRIPTOR))
        return failure(EFI_ERROR(status) ? status : EFI_DEVICE_ERROR,
                       "the firmware does not tell the size of its memory map");

    map->descriptor_size = descriptor_size;
    map->capacity = size + SPARE_DESCRIPTORS * descriptor_size;
    status = firmware.boot->AllocatePool(EfiLoaderData, map->capacity, &map->descriptors);
    if (EFI_ERROR(status))
        return failure(status, "not enough memory: %llu KiB wanted for the memory map",
                       (unsigned long long)map->capacity / 1024 + 1);
    size = map->capacity;
    status = firmware.boot->GetMemoryMap(&size, map->descriptors, &key, &descriptor_size, &version);
    if (EFI_ERROR(status)) {
        map_snapshot_free(map);
        return failure(status, "cannot read the memory map");
    }
    map->size = size;
    return EFI_SUCCESS;
}

void map_snapshot_free(struct map_snapshot *map)
{
    if (map->descriptors)
        firmware.boot->FreePool(map->descriptors);
    map->descriptors = NULL;
}

/*
 * Rule 2: the buffer's full size is restored before each call, which overwrites it. Rule 4: the
 * key is that of this call, and only when it succeeded. Rule 6: the map is handed on raw.
 */
static EFI_STATUS final_map_take(struct area *area, UINTN *key)
{
    struct handoff_memory_map *map = &area->handoff->memory_map;
    UINTN size = area->map_capacity, descriptor_size;
    UINT32 version;
    EFI_STATUS status =
        firmware.boot->GetMemoryMap(&size, area->map, key, &descriptor_size, &version);

    if (EFI_ERROR(status))
        return status;
    map->base = (uintptr_t)area->map;
    map->size = size;
    map->descriptor_size = descriptor_size;
    map->descriptor_version = version;
    /* Between the map and the exit no firmware call, so that the key stays fresh. */
    if (!area_map_memory(area, area->map, size, descriptor_size))
        return EFI_BUFFER_TOO_SMALL;
    return EFI_SUCCESS;
}

EFI_STATUS boot_services_exit(struct area *area)
{
    UINTN key;
    EFI_STATUS status = final_map_take(area, &key);

    if (EFI_ERROR(status))
        return failure(status, "cannot take the final memory map");

    for (uint32_t attempt = 1; attempt <= EXIT_ATTEMPTS; attempt++) {
        area->handoff->memory_map.exit_attempts = attempt;
        status = firmware.boot->ExitBootServices(firmware.image, key);
        if (!EFI_ERROR(status)) {
            area->handoff->exit_tsc = tsc_read();
            return EFI_SUCCESS;
        }
        /* Rule 1: a stale key. The firmware is partly shut down: only these two calls from now
         * on, and no way back. */
        if (status != EFI_INVALID_PARAMETER)
            failure_halt("ExitBootServices failed, and not because the memory map had changed");
        if (EFI_ERROR(final_map_take(area, &key)))
            failure_halt("the memory map cannot be taken again after ExitBootServices failed");
    }
    failure_halt("ExitBootServices failed every time: the memory map does not stop changing");
}

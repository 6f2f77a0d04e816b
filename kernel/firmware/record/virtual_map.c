#include "firmware/record/virtual_map.h"

#include <efi.h>

#include "cpu/log.h"
#include "firmware/record/handoff_record.h"
#include "firmware/record/runtime.h"
#include "firmware/runtime_calls.h"
#include "firmware/runtime_space.h"
#include "memory/heap.h"

/* EFI_MEMORY_TYPE of a range that has EFI_MEMORY_RUNTIME (UEFI 2.11, 7.2.1). */
static uint32_t type_of(const struct memory_range *range)
{
    return range->kind == MEMORY_RUNTIME_CODE   ? EfiRuntimeServicesCode
           : range->kind == MEMORY_RUNTIME_DATA ? EfiRuntimeServicesData
           : range->kind == MEMORY_DEVICE       ? EfiMemoryMappedIO
                                                : EfiReservedMemoryType;
}

/* The runtime ranges with their new addresses; how many. NULL: only counted. */
static size_t describe(EFI_MEMORY_DESCRIPTOR *descriptors)
{
    const struct memory_range *range;
    size_t count = 0;

    for (size_t i = 0; (range = runtime_space_range(i)); i++) {
        if (!runtime_space_is_runtime(range))
            continue;
        if (descriptors)
            descriptors[count] = (EFI_MEMORY_DESCRIPTOR){
                .Type = type_of(range),
                .PhysicalStart = range->base,
                .VirtualStart = range->base + RUNTIME_VIRTUAL_OFFSET,
                .NumberOfPages = range->size / EFI_PAGE_SIZE,
                .Attribute = range->attributes | EFI_MEMORY_RUNTIME,
            };
        count++;
    }
    return count;
}

static void record_map(const EFI_MEMORY_DESCRIPTOR *descriptors, size_t size)
{
    const struct record_map head = {
        .map_size = size,
        .descriptor_size = sizeof(*descriptors),
        .descriptor_version = EFI_MEMORY_DESCRIPTOR_VERSION,
    };

    handoff_record_append(RECORD_VIRTUAL_MAP, &head, sizeof(head), descriptors, size);
}

static void move(EFI_MEMORY_DESCRIPTOR *descriptors, size_t size)
{
    handoff_record_calls_are_virtual();
    EFI_STATUS status = runtime_set_virtual_address_map(size, sizeof(*descriptors),
                                                        EFI_MEMORY_DESCRIPTOR_VERSION, descriptors);

    runtime_space_choose_view(status == EFI_SUCCESS);
    log_write(LOG_NOTICE, "firmware: SetVirtualAddressMap: status %#lx", status);
    if (status)
        return;
    runtime_set_virtual_address_map_again(size, sizeof(*descriptors), EFI_MEMORY_DESCRIPTOR_VERSION,
                                          descriptors);
    handoff_record_try_again();
}

void runtime_services_move(void)
{
    size_t size = describe(NULL) * sizeof(EFI_MEMORY_DESCRIPTOR);
    EFI_MEMORY_DESCRIPTOR *descriptors = heap_allocate(size + 1);

    if (!descriptors || runtime_space_second_view()) {
        log_write(LOG_WARNING, "firmware: no memory for SetVirtualAddressMap");
        heap_free(descriptors);
        return;
    }
    describe(descriptors);
    record_map(descriptors, size);
    move(descriptors, size);
    heap_free(descriptors);
}

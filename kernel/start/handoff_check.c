#include "start/handoff_check.h"

#include <stdbool.h>

#define PAGE 4096
/* No file on a FAT volume is larger (UEFI 2.10, 13.3: FAT32). */
#define FILE_SIZE_MAXIMUM UINT64_C(0xffffffff)
/* The loader takes no larger one: what a record can hold. */
#define EVENT_LOG_SIZE_MAXIMUM (UINT64_C(1) << 20)

static bool range_ok(const struct handoff_range *range, uint64_t limit)
{
    return range->size <= limit && range->base <= limit - range->size;
}

const char *handoff_check(const struct handoff *handoff, unsigned physical_bits)
{
    const struct handoff_kernel *kernel = &handoff->kernel;
    const struct handoff_memory_map *map = &handoff->memory_map;
    uint64_t limit = UINT64_C(1) << physical_bits;

    if (handoff->magic != HANDOFF_MAGIC)
        return "its magic number is wrong";
    if (handoff->version != HANDOFF_VERSION || handoff->size != sizeof(*handoff))
        return "it is of another version than this kernel";
    if (kernel->physical_base % PAGE || kernel->size % PAGE || !kernel->size ||
        !range_ok(&(struct handoff_range){kernel->physical_base, kernel->size}, limit))
        return "the kernel's place in memory is impossible";
    if (kernel->virtual_base % PAGE || kernel->virtual_base < UINT64_C(0xffffffff80000000) ||
        kernel->virtual_base > UINT64_MAX - kernel->size)
        return "the kernel's virtual base is impossible";
    if (!map->base || !map->size || map->descriptor_size < 40 || map->descriptor_size > map->size ||
        !range_ok(&(struct handoff_range){map->base, map->size}, limit))
        return "there is no usable memory map";
    if (!range_ok(&handoff->workspace, limit) || handoff->workspace.base % _Alignof(uint64_t))
        return "the place to sort the map in is impossible";
    if (!range_ok(&handoff->initrd, limit) || handoff->initrd.size > FILE_SIZE_MAXIMUM)
        return "the initrd's place in memory is impossible";
    if (!range_ok(&handoff->symbols, limit) || !range_ok(&handoff->symbol_names, limit) ||
        handoff->symbols.size > FILE_SIZE_MAXIMUM || handoff->symbol_names.size > FILE_SIZE_MAXIMUM)
        return "the symbol table's place in memory is impossible";
    if (!handoff->options.size || !range_ok(&handoff->options, limit))
        return "there is no options line";
    if (!handoff->loader.size || !range_ok(&handoff->loader, limit))
        return "the loader does not say where its memory is";
    if (!handoff->record.size || handoff->record.base % PAGE || handoff->record.size % PAGE ||
        !range_ok(&handoff->record, limit))
        return "the record's place in memory is impossible";
    if (!range_ok(&handoff->measurements.log, limit) || handoff->measurements.log.base % PAGE ||
        handoff->measurements.log.size > EVENT_LOG_SIZE_MAXIMUM)
        return "the place of the TPM's event log is impossible";
    return 0;
}

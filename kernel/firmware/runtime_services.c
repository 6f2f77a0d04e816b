#include "firmware/runtime_services.h"

#include <asm/errno.h>
#include <efi.h>

#include "cpu/log.h"
#include "cpu/registers.h"
#include "memory/frame.h"
#include "memory/kernel_space.h"
#include "memory/page_table.h"
#include "thread/thread.h"

static paddr_t runtime_root;           /* constant after boot */
static paddr_t runtime_services;       /* EFI_RUNTIME_SERVICES; constant after boot */
static const struct memory_range *map; /* constant after boot */
static size_t map_count;
static bool available; /* constant after boot */

static bool is_runtime(const struct memory_range *range)
{
    return range->kind == MEMORY_RUNTIME_CODE || range->kind == MEMORY_RUNTIME_DATA ||
           (range->attributes & MEMORY_ATTRIBUTE_RUNTIME);
}

/* The bytes at a physical address if all of them are in one runtime range that the direct map
   shows; NULL otherwise. */
static const void *runtime_view(paddr_t address, size_t size)
{
    const struct memory_range *range = memory_map_find(map, map_count, address);

    if (!range || (range->kind != MEMORY_RUNTIME_DATA && range->kind != MEMORY_RUNTIME_CODE) ||
        size > range->base + range->size - address)
        return NULL;
    return frame_pointer(address);
}

/*
 * Maps a range at its own address. The firmware's images mix code and data in
 * EfiRuntimeServicesCode (UEFI 2.10, 7.2): those pages stay writable, the one place in
 * the kernel where W^X ends, and they are in no other address space.
 */
static int map_range(const struct memory_range *range, uint64_t *tables)
{
    uint64_t flags = PAGE_PRESENT | PAGE_WRITABLE | PAGE_ACCESSED | PAGE_DIRTY;

    if (range->kind != MEMORY_RUNTIME_CODE)
        flags |= PAGE_NO_EXECUTE;
    if (range->kind == MEMORY_DEVICE || !(range->attributes & MEMORY_ATTRIBUTE_WB))
        flags |= PAGE_UNCACHED;
    for (paddr_t page = range->base; page < range->base + range->size; page += PAGE_SIZE) {
        uint64_t *leaf = page_table_leaf_create(runtime_root, page, tables);
        if (!leaf)
            return -ENOMEM;
        uint64_t *entry = &leaf[page_table_index(page, 0)];
        *entry = page | flags;
        page_table_filled(entry, entry, 1);
    }
    return 0;
}

/* ---- calls ---- */

/*
 * Runs on the firmware's root with interrupts off: its code is not ours to interrupt, and
 * ResetSystem does not return (UEFI 2.10, 8.5.1). If it does, the caller halts.
 */
static void reset_system(EFI_RESET_TYPE type)
{
    if (!available)
        return;
    interrupts_disable();
    thread_set_root(runtime_root, NULL);
    EFI_RUNTIME_SERVICES *services = (EFI_RUNTIME_SERVICES *)runtime_services;
    services->ResetSystem(type, EFI_SUCCESS, 0, NULL);
    thread_set_root(kernel_root, NULL);
}

void firmware_power_off(void)
{
    reset_system(EfiResetShutdown);
}

void firmware_restart(void)
{
    reset_system(EfiResetCold);
}

static bool table_is(const EFI_TABLE_HEADER *header, uint64_t signature)
{
    return header && header->Signature == signature;
}

int runtime_services_initialize(paddr_t system_table, const struct memory_range *ranges,
                                size_t range_count)
{
    map = ranges;
    map_count = range_count;
    const EFI_SYSTEM_TABLE *system = runtime_view(system_table, sizeof(*system));
    if (!system || !table_is(&system->Hdr, EFI_SYSTEM_TABLE_SIGNATURE))
        return -ENODEV;
    runtime_services = (paddr_t)system->RuntimeServices;
    const EFI_RUNTIME_SERVICES *services = runtime_view(runtime_services, sizeof(*services));
    if (!services || !table_is(&services->Hdr, EFI_RUNTIME_SERVICES_SIGNATURE))
        return -ENODEV;

    runtime_root = page_table_create();
    if (!runtime_root)
        return -ENOMEM;
    uint64_t tables = 1;
    for (size_t i = 0; i < range_count; i++)
        if (is_runtime(&ranges[i]) && map_range(&ranges[i], &tables))
            return -ENOMEM;
    available = true;
    log_write(LOG_NOTICE, "firmware: runtime services in an address space of their own");
    return 0;
}

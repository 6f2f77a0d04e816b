/* memory.c: allocations that fail. `allocation-fails N [M]`: the loader's calls from N to M. */
#include "hooks.h"
#include "orders.h"

static UINTN calls;

static bool fails(void)
{
    const struct order *order = order_next(NULL, "allocation-fails");
    uint64_t first = order ? order_number(order, 1) : 0;
    uint64_t last = order && *order->words[2] ? order_number(order, 2) : first;

    calls++;
    return first && calls >= first && calls <= last;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                        EFI_PHYSICAL_ADDRESS *place)
{
    if (CALLED_BY_LOADER() && fails())
        return EFI_OUT_OF_RESOURCES;
    return real_boot.AllocatePages(how, type, pages, place);
}

static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE type, UINTN size, VOID **memory)
{
    if (CALLED_BY_LOADER() && fails())
        return EFI_OUT_OF_RESOURCES;
    return real_boot.AllocatePool(type, size, memory);
}

void memory_install(void)
{
    if (!order_next(NULL, "allocation-fails"))
        return;
    system_table->BootServices->AllocatePages = allocate_pages;
    system_table->BootServices->AllocatePool = allocate_pool;
}

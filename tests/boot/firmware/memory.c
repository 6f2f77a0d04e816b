/*
 * memory.c: allocations that fail, or work and give what is no memory of the caller's:
 * `allocation-fails N [M]` the loader's calls from N to M, `allocation-at N ADDRESS [M]` those of
 * AllocatePages from N to M give that address, `allocation-again N` the N-th of these gives what
 * the one before it gave.
 */
#include "hooks.h"
#include "orders.h"

static UINTN calls, page_calls;

/* Whether a call is one of an order's, whose last one stands in word `last`, if there. */
static bool meant(UINTN call, const struct order *order, int last)
{
    uint64_t first = order ? order_number(order, 1) : 0;

    return first && call >= first &&
           call <= (*order->words[last] ? order_number(order, last) : first);
}

static bool fails(void)
{
    calls++;
    return meant(calls, order_next(NULL, "allocation-fails"), 2);
}

/* What the call gives in place of what it took. */
static uint64_t given(uint64_t taken)
{
    static uint64_t before;
    const struct order *at = order_next(NULL, "allocation-at");
    uint64_t place;

    page_calls++;
    place = meant(page_calls, at, 3) ? order_number(at, 2) : taken;
    if (meant(page_calls, order_next(NULL, "allocation-again"), 2))
        place = before;
    before = place;
    return place;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                        EFI_PHYSICAL_ADDRESS *place)
{
    EFI_STATUS status;

    if (!CALLED_BY_LOADER())
        return real_boot.AllocatePages(how, type, pages, place);
    if (fails())
        return EFI_OUT_OF_RESOURCES;
    status = real_boot.AllocatePages(how, type, pages, place);
    if (!EFI_ERROR(status))
        *place = given(*place);
    return status;
}

static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE type, UINTN size, VOID **memory)
{
    if (CALLED_BY_LOADER() && fails())
        return EFI_OUT_OF_RESOURCES;
    return real_boot.AllocatePool(type, size, memory);
}

void memory_install(void)
{
    if (!order_next(NULL, "allocation-fails") && !order_next(NULL, "allocation-at") &&
        !order_next(NULL, "allocation-again"))
        return;
    system_table->BootServices->AllocatePages = allocate_pages;
    system_table->BootServices->AllocatePool = allocate_pool;
}

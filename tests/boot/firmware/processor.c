/*
 * processor.c: the processor as the loader finds it. `five-levels [ADDRESS]`: with 5-level paging
 * on, with the root of the page tables there; `exit-five-levels`: on when boot services have ended,
 * and the firmware has stopped its other processors; `cr0 BITS`: with these set too.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

void five_levels_enter(uint64_t root); /* five_levels.S */

#define LA57         (UINT64_C(1) << 12)
#define PRESENT      1
#define WRITABLE     2
#define ADDRESS_MASK UINT64_C(0xffffffffff000)
#define LIMIT_4G     (UINT64_C(1) << 32)

static uint64_t cr4_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static uint64_t cr3_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static void cr0_set(uint64_t bits)
{
    uint64_t value;

    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    __asm__ volatile("mov %0, %%cr0" : : "r"(value | bits) : "memory");
}

/* The root of the page tables to that page, which may lie above 4 GiB. */
static void root_move(EFI_PHYSICAL_ADDRESS place)
{
    if (EFI_ERROR(real_boot.AllocatePages(AllocateAddress, EfiBootServicesData, 1, &place))) {
        report("five-levels: no page at 0x%llx\n", (unsigned long long)place);
        return;
    }
    memcpy((void *)place, (const void *)(cr3_read() & ADDRESS_MASK), EFI_PAGE_SIZE);
    __asm__ volatile("mov %0, %%cr3" : : "r"(place) : "memory");
}

static uint64_t *root; /* of five levels */

/* One level more above the firmware's own tables. */
static void five_levels(void)
{
    if (root && (uintptr_t)root < LIMIT_4G && !(cr4_read() & LA57)) {
        root[0] = (cr3_read() & ADDRESS_MASK) | PRESENT | WRITABLE;
        five_levels_enter((uintptr_t)root);
    }
    if (order_value("five-levels", 0))
        root_move(order_value("five-levels", 0));
    report("paging of %u levels\n", cr4_read() & LA57 ? 5 : 4);
}

void processor_leave_five_levels(void)
{
    if (order_next(NULL, "exit-five-levels"))
        five_levels();
}

void processor_install(void)
{
    root = pages_take(EfiBootServicesData, 1);
    if (order_next(NULL, "five-levels"))
        five_levels();
    if (order_next(NULL, "cr0"))
        cr0_set(order_value("cr0", 0));
}

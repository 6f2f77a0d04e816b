/* processor.c: the processor as the loader finds it. `five-levels`: with 5-level paging on. */
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

/* One level more above the firmware's own tables. */
void processor_install(void)
{
    if (!order_next(NULL, "five-levels"))
        return;
    uint64_t *root = pages_take(EfiBootServicesData, 1);

    if (root && (uintptr_t)root < LIMIT_4G && !(cr4_read() & LA57)) {
        root[0] = (cr3_read() & ADDRESS_MASK) | PRESENT | WRITABLE;
        five_levels_enter((uintptr_t)root);
    }
    report("paging of %u levels\n", cr4_read() & LA57 ? 5 : 4);
}

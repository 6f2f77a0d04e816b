/*
 * poison.c: `exit-poison BYTE`: when boot services have ended, all their memory is filled with that
 * byte, but for what the processor itself still stands on: the stack, the page tables, the
 * descriptor tables. Whoever reads there what he was shown before, or calls what was there, is
 * found out.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

#define TABLES_MAXIMUM 4096
#define PRESENT        1
#define LARGE          (1 << 7)
#define ADDRESS_MASK   UINT64_C(0xffffffffff000)
#define STACK_ROOM     (256 * 1024)
#define WRITE_PROTECT  (UINT64_C(1) << 16) /* CR0.WP: images' code is read-only */

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static uint64_t tables[TABLES_MAXIMUM]; /* pages of page tables */
static size_t table_count;

static void tables_find(uint64_t table, int level)
{
    const uint64_t *entries = (const uint64_t *)table;

    if (table_count == TABLES_MAXIMUM)
        return;
    tables[table_count++] = table;
    for (int i = 0; level > 1 && i < 512; i++) {
        if (entries[i] & PRESENT && !(entries[i] & LARGE))
            tables_find(entries[i] & ADDRESS_MASK, level - 1);
    }
}

static bool is_table(uint64_t page)
{
    for (size_t i = 0; i < table_count; i++) {
        if (tables[i] == page)
            return true;
    }
    return false;
}

static bool is_near(uint64_t page, uint64_t place, uint64_t room)
{
    return page + room >= place && page <= place + room;
}

/* What the processor stands on; `kept` is the caller's own, of `size` bytes. */
static bool is_needed(uint64_t page, const void *kept, size_t size)
{
    struct table_register gdt, idt;

    __asm__ volatile("sgdt %0\n\tsidt %1" : "=m"(gdt), "=m"(idt));
    return is_near(page, (uintptr_t)&gdt, STACK_ROOM) || is_near(page, gdt.base, EFI_PAGE_SIZE) ||
           is_near(page, idt.base, 2 * EFI_PAGE_SIZE) || is_table(page) ||
           (page + EFI_PAGE_SIZE > (uintptr_t)kept && page < (uintptr_t)kept + size);
}

static void range_poison(const EFI_MEMORY_DESCRIPTOR *range, const void *kept, size_t size)
{
    uint64_t end = range->PhysicalStart + range->NumberOfPages * EFI_PAGE_SIZE;

    for (uint64_t page = range->PhysicalStart; page < end; page += EFI_PAGE_SIZE) {
        if (page && !is_needed(page, kept, size))
            memset((void *)page, (int)order_value("exit-poison", 0), EFI_PAGE_SIZE);
    }
}

void poison(const EFI_MEMORY_DESCRIPTOR *map, size_t count, size_t size)
{
    uint64_t root, cr0;

    if (!order_next(NULL, "exit-poison"))
        return;
    __asm__ volatile("mov %%cr3, %0\n\tmov %%cr0, %1" : "=r"(root), "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 & ~WRITE_PROTECT) : "memory");
    tables_find(root & ADDRESS_MASK, 4);
    for (size_t i = 0; i < count; i++) {
        if (map[i].Type == EfiBootServicesCode || map[i].Type == EfiBootServicesData)
            range_poison(&map[i], map, size);
    }
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0) : "memory");
}

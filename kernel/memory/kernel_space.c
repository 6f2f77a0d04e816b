/*
 * kernel_space.c: builds the kernel's half of every address space at boot, and
 * maps pages in its areas later.
 */
#include "memory/kernel_space.h"

#include <linux/errno.h>

#include "cpu/cpu.h"
#include "cpu/panic.h"
#include "cpu/spinlock.h"
#include "cpu/tlb.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/frame_setup.h"
#include "memory/page_table.h"
#include "memory/space_pages.h"

#define LARGE_PAGE_SIZE    (PAGE_SIZE << 9)
#define GIGABYTE_PAGE_SIZE (PAGE_SIZE << 18)

/* All of the kernel's pages: no microcode shall have to set A or D. */
#define KERNEL_DATA                                                                                \
    (PAGE_PRESENT | PAGE_WRITABLE | PAGE_NO_EXECUTE | PAGE_GLOBAL | PAGE_ACCESSED | PAGE_DIRTY)
#define KERNEL_CONSTANT (PAGE_PRESENT | PAGE_NO_EXECUTE | PAGE_GLOBAL | PAGE_ACCESSED)
#define KERNEL_TEXT     (PAGE_PRESENT | PAGE_GLOBAL | PAGE_ACCESSED)
#define KERNEL_TABLE    (PAGE_PRESENT | PAGE_WRITABLE | PAGE_ACCESSED)

/* kernel.ld */
extern const char kernel_image_start[], kernel_text_end[], kernel_rodata_end[], kernel_image_end[];

paddr_t kernel_root;

static struct spinlock kernel_space_lock; /* guards the tables of the heap's and devices' areas */

/* Where physical memory is seen: at 0 on the loader's tables, then in the direct map. */
static vaddr_t physical_window;

/* The top-level entries in use; constant after boot. */
static uint16_t top_entries[TABLE_ENTRIES / 2];
static unsigned top_entry_count;

static uint64_t *table_pointer(paddr_t table)
{
    return (uint64_t *)(physical_window + table);
}

/* ---- walking ---- */

/* The entry of `address` in the table of `level` (0: the lowest). Missing tables come from
   `allocate`; NULL if it is NULL, or has none. */
static uint64_t *kernel_entry_at(vaddr_t address, unsigned level, paddr_t (*allocate)(void))
{
    uint64_t *table = table_pointer(kernel_root);

    for (unsigned above = 3; above > level; above--) {
        uint64_t *entry = &table[page_table_index(address, above)];
        if (!(*entry & PAGE_PRESENT)) {
            paddr_t frame = allocate ? allocate() : 0;
            if (!frame)
                return NULL;
            *entry = frame | KERNEL_TABLE;
        }
        table = table_pointer(*entry & PAGE_FRAME);
    }
    return &table[page_table_index(address, level)];
}

/* ---- boot ---- */

/* Where boot takes frames from: the largest piece of usable memory. There may be none below 4 GiB.
 */
static paddr_t early_next, early_end;

static paddr_t early_allocate(void)
{
    if (early_next == early_end)
        return 0;
    paddr_t frame = early_next;
    early_next += PAGE_SIZE;
    memset(table_pointer(frame), 0, PAGE_SIZE);
    return frame;
}

static void early_choose(const struct memory_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct memory_range *range = &ranges[i];
        if (range->kind != MEMORY_USABLE || range->base >= DIRECT_MAP_SIZE)
            continue;
        paddr_t end = range->base + range->size;
        if (end > DIRECT_MAP_SIZE)
            end = DIRECT_MAP_SIZE;
        if (end - range->base > early_end - early_next) {
            early_next = range->base;
            early_end = end;
        }
    }
}

static bool map_early(vaddr_t address, paddr_t start, paddr_t end, uint64_t flags)
{
    while (start < end) {
        unsigned level = 0;
        if (cpu_features.gigabyte_pages && is_aligned(start | address, GIGABYTE_PAGE_SIZE) &&
            end - start >= GIGABYTE_PAGE_SIZE)
            level = 2;
        else if (is_aligned(start | address, LARGE_PAGE_SIZE) && end - start >= LARGE_PAGE_SIZE)
            level = 1;
        uint64_t *entry = kernel_entry_at(address, level, early_allocate);
        if (!entry)
            return false;
        *entry = start | flags | (level ? PAGE_LARGE : 0);
        start += PAGE_SIZE << (9 * level);
        address += PAGE_SIZE << (9 * level);
    }
    return true;
}

/* How the direct map maps memory of a kind; 0: not at all. */
static uint64_t direct_map_flags(enum memory_kind kind)
{
    switch (kind) {
    case MEMORY_USABLE:
    case MEMORY_LOW:
    case MEMORY_BOOT_SERVICES:
    case MEMORY_LOADER:
    case MEMORY_ACPI_TABLES:
    case MEMORY_ACPI_NVS:
    case MEMORY_RUNTIME_DATA:
        return KERNEL_DATA;
    case MEMORY_RUNTIME_CODE: /* W^X: it is executed elsewhere */
        return KERNEL_CONSTANT;
    default:
        return 0;
    }
}

bool direct_map_covers(enum memory_kind kind)
{
    return direct_map_flags(kind) != 0;
}

bool direct_map_shows(paddr_t address)
{
    const uint64_t *table = frame_pointer(kernel_root);
    vaddr_t place = DIRECT_MAP_BASE + address;

    if (address >= DIRECT_MAP_SIZE)
        return false;
    for (unsigned level = 4; level-- > 0;) {
        uint64_t entry = table[place >> (12 + 9 * level) & 511];
        if (!(entry & PAGE_PRESENT))
            return false;
        if (level == 0 || entry & PAGE_LARGE)
            return true;
        table = frame_pointer(entry & PAGE_FRAME);
    }
    return false;
}

/* Maps [start, end), but what belongs to the kernel's text and constants read-only (W^X). */
static bool map_direct(const struct handoff_kernel *image, paddr_t start, paddr_t end,
                       uint64_t flags)
{
    paddr_t constant = image->physical_base;
    paddr_t constant_end = constant + (size_t)(kernel_rodata_end - kernel_image_start);
    paddr_t low = constant < start ? start : constant > end ? end : constant;
    paddr_t high = constant_end < low ? low : constant_end > end ? end : constant_end;

    return map_early(DIRECT_MAP_BASE + start, start, low, flags) &&
           map_early(DIRECT_MAP_BASE + low, low, high, flags & ~(PAGE_WRITABLE | PAGE_DIRTY)) &&
           map_early(DIRECT_MAP_BASE + high, high, end, flags);
}

static bool map_direct_ranges(const struct handoff_kernel *image, const struct memory_range *ranges,
                              size_t count)
{
    const paddr_t limit = DIRECT_MAP_SIZE;
    size_t i = 0;

    while (i < count) {
        /* Neighbours that look the same together: large pages fit more often. */
        uint64_t flags = direct_map_flags(ranges[i].kind);
        paddr_t start = ranges[i].base, end = start;
        for (; i < count && ranges[i].base == end && direct_map_flags(ranges[i].kind) == flags; i++)
            end += ranges[i].size;
        if (end > limit)
            end = limit;
        if (flags && start < end && !map_direct(image, start, end, flags))
            return false;
    }
    return true;
}

static bool map_image(const struct handoff_kernel *image)
{
    const char *const ends[] = {kernel_text_end, kernel_rodata_end, kernel_image_end};
    const uint64_t flags[] = {KERNEL_TEXT, KERNEL_CONSTANT, KERNEL_DATA};
    const char *start = kernel_image_start;

    for (size_t i = 0; i < array_length(ends); i++) {
        paddr_t base = image->physical_base + (size_t)(start - kernel_image_start);
        if (!map_early((vaddr_t)start, base, base + (size_t)(ends[i] - start), flags[i]))
            return false;
        start = ends[i];
    }
    return true;
}

/* From here on no top-level entry is added: each area in use has its table of the next level. */
static bool create_areas(void)
{
    const vaddr_t areas[] = {(vaddr_t)FRAME_METADATA, KERNEL_HEAP_BASE, DEVICE_MAP_BASE};

    for (size_t i = 0; i < array_length(areas); i++) {
        if (!kernel_entry_at(areas[i], 2, early_allocate))
            return false;
    }
    /* The heap's have one level more, so that all its tables that come later also go again. */
    for (size_t offset = 0; offset < KERNEL_HEAP_SIZE; offset += GIGABYTE_PAGE_SIZE) {
        if (!kernel_entry_at(KERNEL_HEAP_BASE + offset, 1, early_allocate))
            return false;
    }
    const uint64_t *root = table_pointer(kernel_root);
    for (unsigned i = TABLE_ENTRIES / 2; i < TABLE_ENTRIES; i++) {
        if (root[i] & PAGE_PRESENT)
            top_entries[top_entry_count++] = (uint16_t)i;
    }
    return true;
}

paddr_t memory_initialize(const struct handoff *handoff, const struct memory_range *ranges,
                          size_t range_count)
{
    early_choose(ranges, range_count);
    kernel_root = early_allocate();
    if (!kernel_root || !map_direct_ranges(&handoff->kernel, ranges, range_count) ||
        !map_image(&handoff->kernel) || !create_areas())
        return 0;

    size_t setup_size = align_up(frame_setup_size(range_count), PAGE_SIZE);
    if (early_end - early_next < setup_size)
        return 0;
    paddr_t setup = early_next;
    early_next += setup_size;

    physical_window = DIRECT_MAP_BASE;
    frame_setup(ranges, range_count, early_next, early_end, (void *)setup);
    return kernel_root;
}

int memory_start(void)
{
    return space_pages_initialize() ? 0 : -ENOMEM;
}

/* ---- later ---- */

void kernel_space_install(uint64_t *root)
{
    const uint64_t *kernel = table_pointer(kernel_root);
    for (unsigned i = 0; i < top_entry_count; i++)
        root[top_entries[i]] = kernel[top_entries[i]];
}

void kernel_space_remove(uint64_t *root)
{
    for (unsigned i = 0; i < top_entry_count; i++)
        root[top_entries[i]] = 0;
}

static paddr_t table_allocate(void)
{
    return frame_allocate(FRAME_KERNEL, FRAME_ZEROED);
}

int kernel_page_map_from(vaddr_t page, paddr_t frame, uint64_t flags, paddr_t (*allocate)(void))
{
    uint64_t *entry = kernel_entry_at(page, 0, allocate);
    if (!entry)
        return -ENOMEM;
    debug_assert(!(*entry & PAGE_PRESENT));
    *entry = frame | flags | KERNEL_DATA;
    return 0;
}

int kernel_page_map(vaddr_t page, paddr_t frame, uint64_t flags)
{
    bool enabled = spinlock_acquire_save(&kernel_space_lock);
    int error = kernel_page_map_from(page, frame, flags, table_allocate);
    spinlock_release_restore(&kernel_space_lock, enabled);
    return error;
}

paddr_t kernel_page_frame(vaddr_t page)
{
    const uint64_t *entry = kernel_entry_at(page, 0, NULL);
    return entry && *entry & PAGE_PRESENT ? *entry & PAGE_FRAME : 0;
}

void kernel_pages_unmap(vaddr_t start, vaddr_t end)
{
    kernel_pages_hide(start, end);
    tlb_shootdown(&cpu_online, start, end);
    kernel_pages_free(start, end);
}

/* Nobody else maps in a range that is still its owner's, so the frames can stay in the entries. */
void kernel_pages_hide(vaddr_t start, vaddr_t end)
{
    for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
        uint64_t *entry = kernel_entry_at(page, 0, NULL);
        if (entry)
            *entry &= ~PAGE_PRESENT;
    }
}

void kernel_pages_free(vaddr_t start, vaddr_t end)
{
    for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
        uint64_t *entry = kernel_entry_at(page, 0, NULL);
        if (entry && *entry) {
            frame_release(*entry & PAGE_FRAME);
            *entry = 0;
        }
    }
}

void kernel_tables_release(vaddr_t start, vaddr_t end)
{
    for (vaddr_t address = start; address < end; address += LEAF_SPAN) {
        uint64_t *entry = kernel_entry_at(address, 1, NULL);
        if (*entry & PAGE_PRESENT) {
            paddr_t table = *entry & PAGE_FRAME;
            *entry = 0;
            tlb_shootdown(&cpu_online, address, address + PAGE_SIZE); /* and upper levels */
            frame_release(table);
        }
    }
}

void memory_give_back(paddr_t base, size_t size)
{
    paddr_t start = align_up(base, PAGE_SIZE), end = align_down(base + size, PAGE_SIZE);
    if (start < end)
        frame_give_back(start, end);
}

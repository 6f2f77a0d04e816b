#include "area.h"

#include <library/align.h>

#include "exit.h"
#include "failure.h"
#include "jump.h"
#include "pages.h"
#include "processor.h"

#define STACK_SIZE (32 * 1024)

/* Page tables for edges that the final map has and today's has not. */
#define SPARE_TABLES 16

static bool gigabyte_pages(void)
{
    /* SDM volume 3A, 4.1.4; qemu64 and Nehalem have none. */
    return cpuid(0x80000000, 0).eax >= 0x80000001 && (cpuid(0x80000001, 0).edx & UINT32_C(1) << 26);
}

/* The jump's page: executable, not writable (rule 9). */
static struct page_table_range jump_range(void)
{
    uint64_t page = (uintptr_t)jump_page;

    return (struct page_table_range){page, page + PAGE_TABLE_FRAME, 0, PAGE_PRESENT};
}

/* A segment with its own permissions; W^X was checked with the file. */
static struct page_table_range segment_range(const struct kernel_image *kernel, uint32_t index)
{
    const struct elf_segment *segment = &kernel->elf.segments[index];
    uint64_t start = kernel->handoff.virtual_base + segment->address;
    struct page_table_range range = {
        .start = start,
        .end = align_up(start + segment->memory_size, PAGE_TABLE_FRAME),
        .offset = kernel->handoff.physical_base - kernel->handoff.virtual_base,
        .flags = PAGE_PRESENT,
    };

    if (segment->flags & PF_W)
        range.flags |= PAGE_WRITABLE;
    if (!(segment->flags & PF_X))
        range.flags |= PAGE_NO_EXECUTE;
    return range;
}

/*
 * The identity mapping of one descriptor. Rule 5: all memory is mapped, so it does not matter
 * where image, stack or tables lie. Rule 6: descriptors may be empty, overlap and come in any
 * order; what is empty or overflows gives an empty range, and the rest is right in any order.
 */
static struct page_table_range memory_range(const EFI_MEMORY_DESCRIPTOR *descriptor)
{
    struct page_table_range range = {.flags = PAGE_PRESENT | PAGE_WRITABLE | PAGE_NO_EXECUTE};
    uint64_t start = descriptor->PhysicalStart, pages = descriptor->NumberOfPages;

    if (descriptor->Type == EfiMemoryMappedIO || descriptor->Type == EfiMemoryMappedIOPortSpace)
        return range; /* no memory */
    if (start % PAGE_TABLE_FRAME || start >= PAGE_TABLE_IDENTITY_END)
        return range;
    if (pages > (PAGE_TABLE_IDENTITY_END - start) / PAGE_TABLE_FRAME)
        pages = (PAGE_TABLE_IDENTITY_END - start) / PAGE_TABLE_FRAME;
    range.start = start;
    range.end = start + pages * PAGE_TABLE_FRAME;
    return range;
}

/* Rule 3: the next descriptor is descriptor_size further, which is more than sizeof. */
static const EFI_MEMORY_DESCRIPTOR *descriptor_at(const void *map, uint64_t offset)
{
    return (const void *)((const uint8_t *)map + offset);
}

bool area_map_memory(struct area *area, const void *map, uint64_t size, uint64_t descriptor_size)
{
    for (uint64_t offset = 0; offset + descriptor_size <= size; offset += descriptor_size) {
        struct page_table_range range = memory_range(descriptor_at(map, offset));

        if (!page_table_map(&area->tables, &range))
            return false;
    }
    return true;
}

static uint64_t frames_needed(const struct kernel_image *kernel, const struct map_snapshot *map,
                              bool gigabyte)
{
    struct page_table_counter counter = {0};
    struct page_table_range range = jump_range();

    page_table_count(&counter, &range, gigabyte);
    for (uint32_t i = 0; i < kernel->elf.segment_count; i++) {
        range = segment_range(kernel, i);
        page_table_count(&counter, &range, gigabyte);
    }
    for (uint64_t offset = 0; offset + map->descriptor_size <= map->size;
         offset += map->descriptor_size) {
        range = memory_range(descriptor_at(map->descriptors, offset));
        page_table_count(&counter, &range, gigabyte);
    }
    return counter.frames + SPARE_TABLES;
}

/* What needs permissions of its own comes first: what is mapped stays. */
static bool tables_build(struct area *area, const struct kernel_image *kernel,
                         const struct map_snapshot *map)
{
    struct page_table_range range = jump_range();
    bool mapped = page_table_map(&area->tables, &range);

    for (uint32_t i = 0; i < kernel->elf.segment_count && mapped; i++) {
        range = segment_range(kernel, i);
        mapped = page_table_map(&area->tables, &range);
    }
    return mapped && area_map_memory(area, map->descriptors, map->size, map->descriptor_size);
}

static EFI_STATUS area_allocate(struct area *area, uint64_t map_capacity, uint64_t frames,
                                bool gigabyte)
{
    uint64_t map_size = align_up(map_capacity, PAGE_TABLE_FRAME);
    uint64_t size = PAGE_TABLE_FRAME + STACK_SIZE + map_size + frames * PAGE_TABLE_FRAME;
    const char *what = "the first page tables";
    void *memory;
    uint64_t base;
    /* Rule 21: leaving five levels, the root and the stack are used by 32-bit code. */
    EFI_STATUS status = five_level_paging() ? pages_allocate_below_4gib(size, what, &memory)
                                            : pages_allocate(size, what, &memory);

    if (EFI_ERROR(status))
        return status;
    base = pages_address(memory);
    /* From the bottom: stack, handoff, memory map, page tables. */
    area->range = (struct handoff_range){.base = base, .size = size};
    area->stack_top = base + STACK_SIZE;
    area->handoff = (struct handoff *)((uint8_t *)memory + STACK_SIZE);
    area->map = (uint8_t *)area->handoff + PAGE_TABLE_FRAME;
    area->map_capacity = map_size;
    page_table_begin(&area->tables, base + size - frames * PAGE_TABLE_FRAME, frames, gigabyte);
    return EFI_SUCCESS;
}

EFI_STATUS area_prepare(const struct kernel_image *kernel, struct area *area)
{
    bool gigabyte = gigabyte_pages();
    struct map_snapshot map;
    EFI_STATUS status = map_snapshot_take(&map);

    if (EFI_ERROR(status))
        return status;
    status = area_allocate(area, map.capacity, frames_needed(kernel, &map, gigabyte), gigabyte);
    if (!EFI_ERROR(status) && !tables_build(area, kernel, &map))
        status = failure(EFI_BUFFER_TOO_SMALL, "the first page tables: too few were counted");
    map_snapshot_free(&map);
    return status;
}

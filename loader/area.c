#include "area.h"

#include <library/align.h>

#include "exit.h"
#include "failure.h"
#include "jump.h"
#include "pages.h"
#include "processor.h"

#define STACK_SIZE (32 * 1024)

/* Page tables for edges that the final map has and today's has not, and for the area's own. */
#define SPARE_TABLES 24

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
 * The identity mapping of a range of memory. Rule 5: all memory is mapped, so it does not matter
 * where image, stack or tables lie. Rule 25: but only what may be touched.
 */
static struct page_table_range identity_range(uint64_t start, uint64_t size)
{
    struct page_table_range range = {.flags = PAGE_PRESENT | PAGE_WRITABLE | PAGE_NO_EXECUTE};

    if (start >= PAGE_TABLE_IDENTITY_END)
        return range;
    if (size > PAGE_TABLE_IDENTITY_END - start)
        size = PAGE_TABLE_IDENTITY_END - start;
    range.start = start & -PAGE_TABLE_FRAME;
    range.end = align_up(start + size, PAGE_TABLE_FRAME);
    return range;
}

static struct page_table_range memory_range(const struct memory_range *memory)
{
    return identity_range(memory->base, memory_kind_is_mapped(memory->kind) ? memory->size : 0);
}

/*
 * Rule 6: the map's descriptors may be empty, unaligned, overlap and come in any order. It is read
 * by the same code as in the kernel, so both mean the same pages. Rule 3: descriptor_size is
 * whatever the firmware says, if it holds a descriptor.
 */
static bool map_read(struct area *area, const void *map, uint64_t size, uint64_t descriptor_size)
{
    area->range_count = memory_map_parse(map, size, descriptor_size, 1, physical_address_bits(),
                                         area->ranges, area->ranges_capacity, NULL);
    return area->range_count > 0;
}

bool area_map_memory(struct area *area, const void *map, uint64_t size, uint64_t descriptor_size)
{
    if (!map_read(area, map, size, descriptor_size))
        return false;
    for (int i = 0; i < area->range_count; i++) {
        struct page_table_range range = memory_range(&area->ranges[i]);

        if (!page_table_map(&area->tables, &range))
            return false;
    }
    return true;
}

bool area_map_device(struct area *area, uint64_t base, uint64_t size)
{
    struct page_table_range range = identity_range(base, size);

    return page_table_map(&area->tables, &range);
}

/* What has to be mapped whatever the map says of it: what was handed to us as ours. */
enum { OWN_RANGES = 7 };

static void own_ranges(const struct handoff *handoff, const struct area *area,
                       struct page_table_range own[OWN_RANGES])
{
    own[0] = identity_range(area->range.base, area->range.size);
    own[1] = identity_range(handoff->kernel.physical_base, handoff->kernel.size);
    own[2] = identity_range(handoff->initrd.base, handoff->initrd.size);
    own[3] = identity_range(handoff->options.base, handoff->options.size);
    own[4] = identity_range(handoff->symbols.base, handoff->symbols.size);
    own[5] = identity_range(handoff->symbol_names.base, handoff->symbol_names.size);
    own[6] = identity_range(handoff->record.base, handoff->record.size);
}

/* Any other memory the kernel would give to somebody, or lend to the firmware's services. */
static bool is_ours(enum memory_kind kind)
{
    return kind == MEMORY_LOADER || kind == MEMORY_UNCACHED;
}

/* Whether the map says that all of it is ours, as it was given to us. */
static bool is_kept(const struct area *area, const struct page_table_range *own)
{
    uint64_t next = own->start;

    while (next < own->end) {
        const struct memory_range *range = memory_map_find(area->ranges, area->range_count, next);

        if (!range || !is_ours(range->kind))
            return false;
        next = range->base + range->size;
    }
    return true;
}

bool area_keeps_its_own(const struct area *area)
{
    struct page_table_range own[OWN_RANGES];
    bool keeps = true;

    own_ranges(area->handoff, area, own);
    for (int i = 0; i < OWN_RANGES; i++)
        keeps &= is_kept(area, &own[i]);
    return keeps;
}

static uint64_t frames_needed(const struct kernel_image *kernel, const struct handoff *handoff,
                              const struct area *planned, bool gigabyte)
{
    struct page_table_counter counter = {0};
    struct page_table_range own[OWN_RANGES], range = jump_range();

    page_table_count(&counter, &range, gigabyte);
    for (uint32_t i = 0; i < kernel->elf.segment_count; i++) {
        range = segment_range(kernel, i);
        page_table_count(&counter, &range, gigabyte);
    }
    own_ranges(handoff, planned, own);
    for (int i = 0; i < OWN_RANGES; i++)
        page_table_count(&counter, &own[i], gigabyte);
    range = identity_range(handoff->framebuffer.base, handoff->framebuffer.size);
    page_table_count(&counter, &range, gigabyte);
    for (int i = 0; i < planned->range_count; i++) {
        range = memory_range(&planned->ranges[i]);
        page_table_count(&counter, &range, gigabyte);
    }
    return counter.frames + SPARE_TABLES;
}

/* What needs permissions of its own comes first: what is mapped stays. */
static bool tables_build(struct area *area, const struct kernel_image *kernel,
                         const struct handoff *handoff, const struct map_snapshot *map)
{
    struct page_table_range own[OWN_RANGES], range = jump_range();
    bool mapped = page_table_map(&area->tables, &range);

    for (uint32_t i = 0; i < kernel->elf.segment_count && mapped; i++) {
        range = segment_range(kernel, i);
        mapped = page_table_map(&area->tables, &range);
    }
    own_ranges(handoff, area, own);
    for (int i = 0; i < OWN_RANGES && mapped; i++)
        mapped = page_table_map(&area->tables, &own[i]);
    return mapped && area_map_memory(area, map->descriptors, map->size, map->descriptor_size);
}

/* From the bottom: stack, handoff, memory map, workspace, page tables. */
static EFI_STATUS area_allocate(struct area *area, const struct map_snapshot *map, uint64_t frames,
                                bool gigabyte)
{
    uint64_t map_size = align_up(map->capacity, PAGE_TABLE_FRAME);
    uint64_t capacity = memory_map_capacity(map_size, map->descriptor_size);
    uint64_t workspace = align_up(capacity * sizeof(struct memory_range), PAGE_TABLE_FRAME);
    uint64_t size =
        PAGE_TABLE_FRAME + STACK_SIZE + map_size + workspace + frames * PAGE_TABLE_FRAME;
    const char *what = "the first page tables";
    void *memory;
    uint64_t base;
    /* Rule 21: leaving five levels, the root and the stack are used by 32-bit code. */
    EFI_STATUS status = five_level_paging() ? pages_allocate_below_4gib(size, what, &memory)
                                            : pages_allocate(size, what, &memory);

    if (EFI_ERROR(status))
        return status;
    base = pages_address(memory);
    area->range = (struct handoff_range){.base = base, .size = size};
    area->stack_top = base + STACK_SIZE;
    area->handoff = (struct handoff *)((uint8_t *)memory + STACK_SIZE);
    area->map = (uint8_t *)area->handoff + PAGE_TABLE_FRAME;
    area->map_capacity = map_size;
    area->descriptor_size = map->descriptor_size;
    area->ranges = (struct memory_range *)((uint8_t *)area->map + map_size);
    area->ranges_capacity = capacity;
    page_table_begin(&area->tables, base + size - frames * PAGE_TABLE_FRAME, frames, gigabyte);
    return EFI_SUCCESS;
}

/* How many tables it takes is known only once the map is sorted, which takes room of its own. */
static EFI_STATUS frames_count(const struct kernel_image *kernel, const struct handoff *handoff,
                               const struct map_snapshot *map, bool gigabyte, uint64_t *frames)
{
    struct area planned = {.ranges_capacity = memory_map_capacity(map->size, map->descriptor_size)};
    void *memory;
    EFI_STATUS status = pages_allocate(planned.ranges_capacity * sizeof *planned.ranges,
                                       "sorting the memory map", &memory);

    if (EFI_ERROR(status))
        return status;
    planned.ranges = memory;
    if (map_read(&planned, map->descriptors, map->size, map->descriptor_size))
        *frames = frames_needed(kernel, handoff, &planned, gigabyte);
    else
        status = failure(EFI_UNSUPPORTED, "the firmware's memory map is no map of memory");
    pages_free(memory);
    return status;
}

EFI_STATUS area_prepare(const struct kernel_image *kernel, const struct handoff *handoff,
                        struct area *area)
{
    bool gigabyte = gigabyte_pages();
    struct map_snapshot map;
    uint64_t frames = 0;
    EFI_STATUS status = map_snapshot_take(&map);

    if (EFI_ERROR(status))
        return status;
    status = frames_count(kernel, handoff, &map, gigabyte, &frames);
    if (!EFI_ERROR(status))
        status = area_allocate(area, &map, frames, gigabyte);
    if (!EFI_ERROR(status) && !tables_build(area, kernel, handoff, &map))
        status = failure(EFI_BUFFER_TOO_SMALL, "the first page tables: too few were counted");
    map_snapshot_free(&map);
    return status;
}

void area_release(struct area *area)
{
    pages_free((void *)(uintptr_t)area->range.base);
    *area = (struct area){0};
}

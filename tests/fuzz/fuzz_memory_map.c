/*
 * The input is a descriptor size (8 bytes a unit), MAXPHYADDR and a memory map.
 * Whatever the map says, the list must be sorted, disjoint and merged, and no
 * byte may be usable that a descriptor keeps for something else.
 */
#include "fuzz.h"
#include "library/memory_map.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
    RANGES_MAX = 1024,
    TYPE_CONVENTIONAL = 7,
};

struct descriptor {
    uint32_t type;
    uint32_t padding;
    uint64_t base, virtual_base, pages, attributes;
};

static void list_require(const struct memory_range *ranges, int count, uint64_t limit)
{
    for (int i = 0; i < count; i++) {
        const struct memory_range *range = &ranges[i];
        require(range->size > 0 && range->size % 4096 == 0 && range->base % 4096 == 0);
        require(range->base < limit && range->size <= limit - range->base);
        require(range->kind > MEMORY_NONE && range->kind < MEMORY_KIND_COUNT);
        require(range->kind != MEMORY_USABLE || range->base >= 0x100000);
        require(range->kind != MEMORY_LOW ||
                (range->base >= 0x1000 && range->base + range->size <= 0x100000));
        if (i == 0)
            continue;
        const struct memory_range *previous = &ranges[i - 1];
        require(range->base >= previous->base + previous->size);
        require(range->base > previous->base + previous->size || range->kind != previous->kind ||
                range->type != previous->type || range->attributes != previous->attributes);
    }
}

/* Whether the descriptor is plain free memory, by the words of the specification. */
static bool is_free(const struct descriptor *descriptor)
{
    return descriptor->type == TYPE_CONVENTIONAL &&
           (descriptor->attributes & MEMORY_ATTRIBUTE_WB) &&
           !(descriptor->attributes &
             (MEMORY_ATTRIBUTE_SP | MEMORY_ATTRIBUTE_NV | MEMORY_ATTRIBUTE_RUNTIME));
}

/* A descriptor for something else may not touch what is usable; wrapping reaches to the top. */
static void descriptor_require(const struct descriptor *descriptor,
                               const struct memory_range *ranges, int count)
{
    uint64_t end;
    bool wraps = descriptor->pages > UINT64_MAX / 4096 ||
                 __builtin_add_overflow(descriptor->base, descriptor->pages * 4096, &end);

    if (is_free(descriptor) || descriptor->pages == 0)
        return;
    /* Memory of boot services, the loader or ACPI that wraps is ignored, as free memory is. */
    if (wraps && (descriptor->type == 1 || descriptor->type == 2 || descriptor->type == 3 ||
                  descriptor->type == 4 || descriptor->type == 7 || descriptor->type == 9))
        return;
    if (wraps)
        end = UINT64_MAX;
    for (int i = 0; i < count; i++) {
        if (ranges[i].kind != MEMORY_USABLE && ranges[i].kind != MEMORY_LOW)
            continue;
        uint64_t base = descriptor->base;
        /* Other RAM is rounded inwards: no page of it is free if it is whole. */
        if (descriptor->type != 0 && base % 4096 != 0)
            continue;
        require(base >= ranges[i].base + ranges[i].size || end <= ranges[i].base);
    }
}

/* Every usable page must be covered by free descriptors. */
static void usable_require(const struct memory_range *range, const uint8_t *map, size_t map_size,
                           uint64_t descriptor_size)
{
    uint64_t covered = range->base, end = range->base + range->size, before;

    do {
        before = covered;
        for (size_t at = 0; at < map_size; at += descriptor_size) {
            struct descriptor descriptor;
            memcpy(&descriptor, map + at, sizeof(descriptor));
            uint64_t descriptor_end;
            if (!is_free(&descriptor) || descriptor.pages > UINT64_MAX / 4096 ||
                __builtin_add_overflow(descriptor.base, descriptor.pages * 4096, &descriptor_end))
                continue;
            if (descriptor.base <= covered && descriptor_end > covered)
                covered = descriptor_end;
        }
    } while (covered > before && covered < end);
    require(covered >= end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory_range ranges[RANGES_MAX];
    struct memory_map_findings findings;

    if (size < 2)
        return 0;
    uint64_t descriptor_size = data[0] * UINT64_C(8);
    unsigned physical_bits = data[1];
    data += 2;
    size -= 2;
    int count = memory_map_parse(data, size, descriptor_size, 1, physical_bits, ranges, RANGES_MAX,
                                 &findings);
    if (count < 0) {
        require(count == -EINVAL || count == -ENOSPC);
        return 0;
    }
    size -= size % descriptor_size; /* a tail holds no descriptor */
    require((size_t)count <= memory_map_capacity(size, descriptor_size));
    require(findings.descriptors == size / descriptor_size);
    list_require(ranges, count, UINT64_C(1) << physical_bits);
    for (size_t at = 0; at < size; at += descriptor_size) {
        struct descriptor descriptor;
        memcpy(&descriptor, data + at, sizeof(descriptor));
        descriptor_require(&descriptor, ranges, count);
        const struct memory_range *found = memory_map_find(ranges, (size_t)count, descriptor.base);
        require(found == NULL ||
                (descriptor.base >= found->base && descriptor.base - found->base < found->size));
    }
    for (int i = 0; i < count; i++) {
        if (ranges[i].kind == MEMORY_USABLE || ranges[i].kind == MEMORY_LOW)
            usable_require(&ranges[i], data, size, descriptor_size);
    }
    return 0;
}

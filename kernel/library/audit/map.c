/* The memory map by itself: 1 to 13 (UEFI 2.11, 7.2.3). */
#include "library/audit/check.h"

/* Every map that was recorded, the first one and each attempt's. */
static bool map_each(const struct record *record, struct record_entry *entry, struct map *map)
{
    while (record_next(record, entry)) {
        if (entry->kind == RECORD_MAP_FIRST || entry->kind == RECORD_MAP_EXIT) {
            map_load(entry, map);
            if (map->head.status == 0)
                return true;
        }
    }
    return false;
}

/* Asks one question of all maps. */
static void each_map(struct audit *audit, void (*ask)(struct audit *, const struct map *))
{
    struct record_entry entry;
    struct map map;

    if (!record_find(audit->record, RECORD_MAP_FIRST, &entry) &&
        !audit_need(audit, RECORD_MAP_EXIT, &entry))
        return;
    entry = (struct record_entry){0};
    while (map_each(audit->record, &entry, &map))
        ask(audit, &map);
}

/* Asks one question of all descriptors of the last map. */
static void each_descriptor(struct audit *audit,
                            void (*ask)(struct audit *, const struct descriptor *))
{
    struct descriptor descriptor;
    struct map map;

    if (!map_need(audit, &map))
        return;
    for (size_t i = 0; i < map.count; i++) {
        map_descriptor(&map, i, &descriptor);
        ask(audit, &descriptor);
    }
}

static void size_ask(struct audit *audit, const struct map *map)
{
    uint64_t size = map->head.descriptor_size;

    if (size < 40 || size % 8 != 0 || size > 4096)
        audit_fail(audit,
                   map->entry.offset + __builtin_offsetof(struct record_map, descriptor_size),
                   "%llu bytes", (unsigned long long)size);
}

static void descriptor_size(struct audit *audit)
{
    each_map(audit, size_ask);
}

static void version_ask(struct audit *audit, const struct map *map)
{
    if (map->head.descriptor_version != 1)
        audit_fail(audit,
                   map->entry.offset + __builtin_offsetof(struct record_map, descriptor_version),
                   "version %u", map->head.descriptor_version);
}

static void descriptor_version(struct audit *audit)
{
    each_map(audit, version_ask);
}

static void multiple_ask(struct audit *audit, const struct map *map)
{
    uint64_t step = map->head.descriptor_size;

    if (step != 0 && map->head.map_size % step != 0)
        audit_fail(audit, map->entry.offset + __builtin_offsetof(struct record_map, map_size),
                   "%llu bytes, %llu a descriptor", (unsigned long long)map->head.map_size,
                   (unsigned long long)step);
}

static void map_multiple(struct audit *audit)
{
    each_map(audit, multiple_ask);
}

#define RANGE_FORMAT "%s at 0x%llx, %llu pages"
#define RANGE(descriptor)                                                                          \
    record_memory_type_name((descriptor)->type), (unsigned long long)(descriptor)->base,           \
        (unsigned long long)(descriptor)->pages

static void aligned_ask(struct audit *audit, const struct descriptor *descriptor)
{
    if (descriptor->base % PAGE != 0)
        audit_fail(audit, descriptor->offset, RANGE_FORMAT, RANGE(descriptor));
}

static void base_aligned(struct audit *audit)
{
    each_descriptor(audit, aligned_ask);
}

static void zero_ask(struct audit *audit, const struct descriptor *descriptor)
{
    if (descriptor->pages == 0)
        audit_fail(audit, descriptor->offset, RANGE_FORMAT, RANGE(descriptor));
}

static void zero_length(struct audit *audit)
{
    each_descriptor(audit, zero_ask);
}

/* 52 bits where MAXPHYADDR was not recorded: no processor has more (SDM volume 3, 4.1.4). */
static void overflow_ask(struct audit *audit, const struct descriptor *descriptor)
{
    unsigned bits = audit->physical_bits;

    if (descriptor->wraps)
        audit_fail(audit, descriptor->offset, RANGE_FORMAT ": wraps round 2^64", RANGE(descriptor));
    else if (descriptor->end > UINT64_C(1) << (bits != 0 ? bits : 52))
        audit_fail(audit, descriptor->offset, RANGE_FORMAT ": beyond %u bits", RANGE(descriptor),
                   bits != 0 ? bits : 52);
}

static void overflow(struct audit *audit)
{
    each_descriptor(audit, overflow_ask);
    if (audit->physical_bits == 0)
        audit_not_known(audit, "CPUID leaf 80000008h, which has MAXPHYADDR, was not recorded");
}

static bool map_sorted(const struct map *map)
{
    struct descriptor descriptor;
    uint64_t before = 0;

    for (size_t i = 0; i < map->count; i++) {
        map_descriptor(map, i, &descriptor);
        if (descriptor.base < before)
            return false;
        before = descriptor.base;
    }
    return true;
}

/* Each pair of descriptors that meet, in a sorted map the near ones only. */
static void each_pair(struct audit *audit, void (*ask)(struct audit *, const struct descriptor *,
                                                       const struct descriptor *))
{
    struct descriptor left, right;
    struct map map;

    if (!map_need(audit, &map))
        return;
    bool sorted = map_sorted(&map);
    for (size_t i = 0; i < map.count; i++) {
        map_descriptor(&map, i, &left);
        for (size_t k = i + 1; k < map.count; k++) {
            if (!audit_afford(audit, 1))
                return;
            map_descriptor(&map, k, &right);
            if (sorted && right.base >= left.end)
                break;
            if (left.pages > 0 && right.pages > 0 && left.base < right.end && right.base < left.end)
                ask(audit, &left, &right);
        }
    }
}

static bool same_range(const struct descriptor *left, const struct descriptor *right)
{
    return left->base == right->base && left->pages == right->pages && left->type == right->type;
}

static void overlap_ask(struct audit *audit, const struct descriptor *left,
                        const struct descriptor *right)
{
    if (!same_range(left, right))
        audit_fail(audit, right->offset, RANGE_FORMAT " and " RANGE_FORMAT, RANGE(left),
                   RANGE(right));
}

static void overlap(struct audit *audit)
{
    each_pair(audit, overlap_ask);
}

static void twice_ask(struct audit *audit, const struct descriptor *left,
                      const struct descriptor *right)
{
    if (same_range(left, right))
        audit_fail(audit, right->offset, RANGE_FORMAT, RANGE(right));
}

static void same_twice(struct audit *audit)
{
    each_pair(audit, twice_ask);
}

static void unsorted(struct audit *audit)
{
    struct descriptor descriptor, before = {0};
    struct map map;

    if (!map_need(audit, &map))
        return;
    for (size_t i = 0; i < map.count; i++) {
        map_descriptor(&map, i, &descriptor);
        if (descriptor.base < before.base)
            audit_fail(audit, descriptor.offset, "0x%llx behind 0x%llx",
                       (unsigned long long)descriptor.base, (unsigned long long)before.base);
        before = descriptor;
    }
}

static void unknown_ask(struct audit *audit, const struct descriptor *descriptor)
{
    if (descriptor->type == TYPE_PAL ||
        (descriptor->type >= TYPE_COUNT && descriptor->type < 0x70000000))
        audit_fail(audit, descriptor->offset, "type 0x%x at 0x%llx, %llu pages", descriptor->type,
                   (unsigned long long)descriptor->base, (unsigned long long)descriptor->pages);
}

static void unknown_type(struct audit *audit)
{
    each_descriptor(audit, unknown_ask);
}

static void vendor_ask(struct audit *audit, const struct descriptor *descriptor)
{
    if (descriptor->type >= 0x70000000)
        audit_fail(audit, descriptor->offset, "type 0x%x at 0x%llx, %llu pages", descriptor->type,
                   (unsigned long long)descriptor->base, (unsigned long long)descriptor->pages);
}

static void vendor_type(struct audit *audit)
{
    each_descriptor(audit, vendor_ask);
}

/* UEFI 2.11, 2.3.4: none for ACPI memory; 7.2.3: the bit is what makes a range a runtime range. */
static void runtime_ask(struct audit *audit, const struct descriptor *descriptor)
{
    bool bit = descriptor->attributes & MEMORY_RUNTIME;
    bool must = descriptor->type == TYPE_RUNTIME_CODE || descriptor->type == TYPE_RUNTIME_DATA;
    bool may_not = type_is_for_use(descriptor->type) || descriptor->type == TYPE_ACPI_NVS;

    if ((must && !bit) || (may_not && bit))
        audit_fail_at(audit, descriptor->offset, descriptor->base, RANGE_FORMAT ": %s the bit",
                      RANGE(descriptor), bit ? "with" : "without");
}

static void runtime_bit(struct audit *audit)
{
    each_descriptor(audit, runtime_ask);
}

static void write_back_ask(struct audit *audit, const struct descriptor *descriptor)
{
    bool ram = type_is_for_use(descriptor->type) || descriptor->type == TYPE_RUNTIME_CODE ||
               descriptor->type == TYPE_RUNTIME_DATA;

    if (ram && !(descriptor->attributes & MEMORY_WB))
        audit_fail(audit, descriptor->offset, RANGE_FORMAT ": attributes 0x%llx", RANGE(descriptor),
                   (unsigned long long)descriptor->attributes);
}

static void write_back(struct audit *audit)
{
    each_descriptor(audit, write_back_ask);
}

static const struct audit_check checks[] = {
    {1, AUDIT_HIGH, AUDIT_HIGH, false, "size of a descriptor", "UEFI 2.11, 7.2.3",
     "at least 40 bytes, a multiple of 8",
     "Return sizeof(EFI_MEMORY_DESCRIPTOR), or more in steps of 8, in DescriptorSize.",
     descriptor_size},
    {2, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "version of the descriptors", "UEFI 2.11, 7.2.3",
     "EFI_MEMORY_DESCRIPTOR_VERSION, 1", "Return 1 in DescriptorVersion.", descriptor_version},
    {3, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "size of the map", "UEFI 2.11, 7.2.3",
     "a multiple of the descriptor's size",
     "Return in MemoryMapSize the bytes in use, not the buffer's size.", map_multiple},
    {4, AUDIT_HIGH, AUDIT_HIGH, false, "base addresses aligned", "UEFI 2.11, 7.2.3 and 2.3.4",
     "PhysicalStart on a boundary of 4 KiB",
     "Round RAM inwards and everything else outwards before it is added to the map.", base_aligned},
    {5, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "descriptors of length 0", "UEFI 2.11, 7.2.3",
     "NumberOfPages not 0", "Drop a descriptor when its last page is given away.", zero_length},
    {6, AUDIT_HIGH, AUDIT_HIGH, false, "ranges within the address space", "UEFI 2.11, 7.2.3",
     "an end below 2^MAXPHYADDR", "Check PhysicalStart and NumberOfPages of what is added.",
     overflow},
    {7, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "ranges that overlap", "UEFI 2.11, 7.2.3",
     "each byte in one descriptor at most",
     "Take a range out of its old descriptor before it gets a new one; systems disagree on which "
     "of the two counts.",
     overlap},
    {8, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "the same range twice", "UEFI 2.11, 7.2.3",
     "each range once", "Look for a range that two drivers report.", same_twice},
    {9, AUDIT_LOW, AUDIT_LOW, false, "order of the descriptors",
     "UEFI 2.11, 7.2.3 does not ask for it", "ascending",
     "Sort the map before it is returned: some systems rely on it.", unsorted},
    {10, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "unknown or reserved types", "UEFI 2.11, 7.2.1",
     "types 0 to 12, 14, 15, or those for OEMs and OSes",
     "Use EfiReservedMemoryType for what no system may touch.", unknown_type},
    {11, AUDIT_LOW, AUDIT_LOW, false, "types of OEMs and operating systems", "UEFI 2.11, 7.2.1",
     "none at the handoff",
     "Give what lies there a type of the specification; some firmware hangs in ExitBootServices "
     "with these.",
     vendor_type},
    {12, AUDIT_HIGH, AUDIT_HIGH, false, "EFI_MEMORY_RUNTIME against the type",
     "UEFI 2.11, 7.2.3 and 2.3.4", "set on runtime code and data, not on RAM or ACPI memory",
     "Set the bit exactly where SetVirtualAddressMap has to map.", runtime_bit},
    {13, AUDIT_HIGH, AUDIT_HIGH, false, "write-back on RAM", "UEFI 2.11, 7.2.3",
     "EFI_MEMORY_WB on RAM",
     "Set the capabilities of system memory resources when they are reported (HOB or GCD).",
     write_back},
};

AUDIT_FAMILY(audit_map, "map", checks);

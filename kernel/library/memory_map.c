/*
 * The list is made in three steps in the caller's array: cut the address space
 * at every descriptor's two ends, paint each descriptor over the pieces it
 * covers (the more restrictive kind stays), and merge what is left.
 */
#include "library/memory_map.h"

#include "library/align.h"
#include "library/bytes.h"
#include "library/format.h"
#include "library/types.h"
#include <linux/errno.h>

enum {
    LOW_MEMORY_END = 0x100000,

    /* EFI_MEMORY_DESCRIPTOR (UEFI 2.10, 7.2.3): offsets and the least size. */
    DESCRIPTOR_TYPE = 0,
    DESCRIPTOR_BASE = 8,
    DESCRIPTOR_PAGES = 24,
    DESCRIPTOR_ATTRIBUTES = 32,
    DESCRIPTOR_SIZE_MIN = 40,

    /* Cuts besides the descriptors' own: 0, the second page, the second MiB, and one spare. */
    EXTRA_RANGES = 4,
};

/* EFI_MEMORY_TYPE (UEFI 2.10, 7.2.1). */
enum {
    TYPE_RESERVED,
    TYPE_LOADER_CODE,
    TYPE_LOADER_DATA,
    TYPE_BOOT_SERVICES_CODE,
    TYPE_BOOT_SERVICES_DATA,
    TYPE_RUNTIME_SERVICES_CODE,
    TYPE_RUNTIME_SERVICES_DATA,
    TYPE_CONVENTIONAL,
    TYPE_UNUSABLE,
    TYPE_ACPI_RECLAIM,
    TYPE_ACPI_NVS,
    TYPE_MEMORY_MAPPED_IO,
    TYPE_MEMORY_MAPPED_IO_PORT_SPACE,
    TYPE_PAL_CODE,
    TYPE_PERSISTENT,
    TYPE_UNACCEPTED,
    TYPE_COUNT,
};

static const uint8_t kind_of_type[TYPE_COUNT] = {
    [TYPE_RESERVED] = MEMORY_RESERVED,
    [TYPE_LOADER_CODE] = MEMORY_LOADER,
    [TYPE_LOADER_DATA] = MEMORY_LOADER,
    [TYPE_BOOT_SERVICES_CODE] = MEMORY_BOOT_SERVICES,
    [TYPE_BOOT_SERVICES_DATA] = MEMORY_BOOT_SERVICES,
    [TYPE_RUNTIME_SERVICES_CODE] = MEMORY_RUNTIME_CODE,
    [TYPE_RUNTIME_SERVICES_DATA] = MEMORY_RUNTIME_DATA,
    [TYPE_CONVENTIONAL] = MEMORY_USABLE,
    [TYPE_UNUSABLE] = MEMORY_RESERVED,
    [TYPE_ACPI_RECLAIM] = MEMORY_ACPI_TABLES,
    [TYPE_ACPI_NVS] = MEMORY_ACPI_NVS,
    [TYPE_MEMORY_MAPPED_IO] = MEMORY_DEVICE,
    [TYPE_MEMORY_MAPPED_IO_PORT_SPACE] = MEMORY_DEVICE,
    [TYPE_PAL_CODE] = MEMORY_RESERVED,
    [TYPE_PERSISTENT] = MEMORY_PERSISTENT,
    [TYPE_UNACCEPTED] = MEMORY_UNACCEPTED,
};

/* RAM that the kernel uses, or will in time. */
static bool kind_is_ram(enum memory_kind kind)
{
    return kind >= MEMORY_USABLE && kind <= MEMORY_UNCACHED;
}

bool memory_kind_is_mapped(enum memory_kind kind)
{
    switch (kind) {
    case MEMORY_USABLE:
    case MEMORY_LOW:
    case MEMORY_BOOT_SERVICES:
    case MEMORY_LOADER:
    case MEMORY_ACPI_TABLES:
    case MEMORY_UNCACHED:
    case MEMORY_ACPI_NVS:
    case MEMORY_RUNTIME_DATA:
    case MEMORY_RUNTIME_CODE:
    case MEMORY_PAGE_ZERO:
        return true;
    default:
        return false;
    }
}

static enum memory_kind kind_of(uint32_t type, uint64_t attributes)
{
    if (type >= TYPE_COUNT)
        return MEMORY_RESERVED;

    enum memory_kind kind = kind_of_type[type];
    if (!kind_is_ram(kind))
        return kind;
    if (attributes & MEMORY_ATTRIBUTE_RUNTIME)
        return MEMORY_RUNTIME_DATA;
    if (attributes & MEMORY_ATTRIBUTE_NV)
        return MEMORY_PERSISTENT;
    if (!(attributes & MEMORY_ATTRIBUTE_WB))
        return MEMORY_UNCACHED;
    if (attributes & MEMORY_ATTRIBUTE_SP)
        return MEMORY_SPECIAL_PURPOSE;
    return kind;
}

/*
 * The descriptor's whole pages below limit, and what is wrong with it. false
 * when nothing of it is left. RAM is rounded inwards, so that no page is used
 * that the firmware did not give; everything else outwards.
 */
static bool descriptor_read(const uint8_t *descriptor, uint64_t limit, struct memory_range *range,
                            struct memory_map_findings *findings)
{
    uint64_t base = load64(descriptor + DESCRIPTOR_BASE);
    uint64_t pages = load64(descriptor + DESCRIPTOR_PAGES);
    uint64_t attributes = load64(descriptor + DESCRIPTOR_ATTRIBUTES);
    uint32_t type = load32(descriptor + DESCRIPTOR_TYPE);
    enum memory_kind kind = kind_of(type, attributes);
    bool is_ram = kind_is_ram(kind);
    uint64_t size, end;

    findings->unknown_type += type >= TYPE_COUNT;
    if (pages == 0) {
        findings->zero_length++;
        return false;
    }
    if (__builtin_mul_overflow(pages, PAGE_SIZE, &size) ||
        __builtin_add_overflow(base, size, &end)) {
        findings->overflowing++;
        if (is_ram)
            return false;
        end = limit;
    } else if (end > limit) {
        findings->beyond_limit++;
        end = limit;
    }
    if (base >= end)
        return false;
    if (!is_aligned(base, PAGE_SIZE)) {
        findings->unaligned++;
        base = is_ram ? align_up(base, PAGE_SIZE) : align_down(base, PAGE_SIZE);
        end = is_ram ? align_down(end, PAGE_SIZE) : align_up(end, PAGE_SIZE);
        if (base >= end)
            return false;
    }
    *range = (struct memory_range){
        .base = base, .size = end - base, .attributes = attributes, .kind = kind, .type = type};
    return true;
}

/* Heap sort: in place, n log n whatever the firmware's order. */
static void sift_down(struct memory_range *ranges, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && ranges[child].base < ranges[child + 1].base)
            child++;
        if (ranges[root].base >= ranges[child].base)
            return;
        struct memory_range swap = ranges[root];
        ranges[root] = ranges[child];
        ranges[child] = swap;
    }
}

static void ranges_sort(struct memory_range *ranges, size_t count)
{
    for (size_t root = count / 2; root-- > 0;)
        sift_down(ranges, root, count);
    while (count-- > 1) {
        struct memory_range swap = ranges[0];
        ranges[0] = ranges[count];
        ranges[count] = swap;
        sift_down(ranges, 0, count);
    }
}

static size_t cut(struct memory_range *ranges, size_t count, uint64_t base)
{
    ranges[count] = (struct memory_range){.base = base, .kind = MEMORY_NONE};
    return count + 1;
}

/* From cuts in any order to ascending pieces, each reaching to the next. */
static size_t cuts_to_pieces(struct memory_range *ranges, size_t count)
{
    size_t pieces = 0;

    ranges_sort(ranges, count);
    for (size_t i = 0; i < count; i++) {
        if (pieces == 0 || ranges[i].base != ranges[pieces - 1].base)
            ranges[pieces++] = ranges[i];
    }
    for (size_t i = 0; i + 1 < pieces; i++)
        ranges[i].size = ranges[i + 1].base - ranges[i].base;
    return pieces;
}

/* Index of the last piece that begins at or below address, which is not below the first. */
static size_t piece_find(const struct memory_range *ranges, size_t count, uint64_t address)
{
    size_t low = 0, high = count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].base <= address)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* RAM below 1 MiB is set apart (rule 8), page 0 for good. */
static enum memory_kind kind_at(enum memory_kind kind, uint64_t base)
{
    if (kind_is_ram(kind) && base == 0)
        return MEMORY_PAGE_ZERO;
    if (kind == MEMORY_USABLE && base < LOW_MEMORY_END)
        return MEMORY_LOW;
    return kind;
}

/* Returns whether another descriptor was there before. */
static bool paint(struct memory_range *pieces, size_t count, const struct memory_range *range)
{
    bool overlaps = false;

    for (size_t i = piece_find(pieces, count, range->base);
         i < count && pieces[i].base < range->base + range->size; i++) {
        struct memory_range *piece = &pieces[i];
        enum memory_kind kind = kind_at(range->kind, piece->base);
        overlaps |= piece->kind != MEMORY_NONE;
        if (kind > piece->kind) {
            piece->kind = kind;
            piece->type = range->type;
            piece->attributes = range->attributes;
        } else if (kind == piece->kind) {
            piece->attributes &= range->attributes;
        }
    }
    return overlaps;
}

static size_t merge(struct memory_range *ranges, size_t count)
{
    size_t merged = 0;

    for (size_t i = 0; i < count; i++) {
        struct memory_range *last = merged > 0 ? &ranges[merged - 1] : NULL;
        if (ranges[i].kind == MEMORY_NONE)
            continue;
        if (last != NULL && last->base + last->size == ranges[i].base &&
            last->kind == ranges[i].kind && last->type == ranges[i].type &&
            last->attributes == ranges[i].attributes)
            last->size += ranges[i].size;
        else
            ranges[merged++] = ranges[i];
    }
    return merged;
}

size_t memory_map_capacity(uint64_t map_size, uint64_t descriptor_size)
{
    if (descriptor_size < DESCRIPTOR_SIZE_MIN || map_size > MEMORY_MAP_SIZE_MAX)
        return 0;
    return 2 * (size_t)(map_size / descriptor_size) + EXTRA_RANGES;
}

int memory_map_parse(const void *map, uint64_t map_size, uint64_t descriptor_size,
                     uint32_t descriptor_version, unsigned physical_bits,
                     struct memory_range *ranges, size_t capacity,
                     struct memory_map_findings *findings)
{
    struct memory_map_findings found = {0}, ignored = {0};
    const uint8_t *descriptors = map;
    uint64_t previous_base = 0;
    struct memory_range range;
    size_t count = 0;

    if (descriptor_size < DESCRIPTOR_SIZE_MIN || descriptor_size % 8 != 0 ||
        map_size < descriptor_size || map_size > MEMORY_MAP_SIZE_MAX)
        return -EINVAL;
    found.tail = (uint32_t)(map_size % descriptor_size);
    map_size -= found.tail;
    if (physical_bits < 32 || physical_bits > 52)
        return -EINVAL;
    if (capacity < memory_map_capacity(map_size, descriptor_size))
        return -ENOSPC;

    uint64_t limit = UINT64_C(1) << physical_bits;
    count = cut(ranges, count, 0);
    count = cut(ranges, count, PAGE_SIZE);
    count = cut(ranges, count, LOW_MEMORY_END);
    for (uint64_t at = 0; at < map_size; at += descriptor_size) {
        uint64_t base = load64(descriptors + at + DESCRIPTOR_BASE);
        found.unsorted += base < previous_base;
        previous_base = base;
        if (!descriptor_read(descriptors + at, limit, &range, &found))
            continue;
        count = cut(ranges, count, range.base);
        count = cut(ranges, count, range.base + range.size);
    }
    count = cuts_to_pieces(ranges, count);
    for (uint64_t at = 0; at < map_size; at += descriptor_size) {
        if (descriptor_read(descriptors + at, limit, &range, &ignored))
            found.overlapping += paint(ranges, count, &range);
    }

    found.descriptors = (uint32_t)(map_size / descriptor_size);
    found.unknown_version = descriptor_version != 1;
    if (findings != NULL)
        *findings = found;
    return (int)merge(ranges, count);
}

const char *memory_kind_name(enum memory_kind kind)
{
    static const char *const names[MEMORY_KIND_COUNT] = {
        [MEMORY_NONE] = "none",
        [MEMORY_USABLE] = "usable",
        [MEMORY_LOW] = "low",
        [MEMORY_BOOT_SERVICES] = "boot services",
        [MEMORY_LOADER] = "loader",
        [MEMORY_ACPI_TABLES] = "ACPI tables",
        [MEMORY_SPECIAL_PURPOSE] = "special purpose",
        [MEMORY_UNCACHED] = "not write-back",
        [MEMORY_PERSISTENT] = "persistent",
        [MEMORY_UNACCEPTED] = "unaccepted",
        [MEMORY_ACPI_NVS] = "ACPI NVS",
        [MEMORY_RUNTIME_DATA] = "runtime data",
        [MEMORY_RUNTIME_CODE] = "runtime code",
        [MEMORY_DEVICE] = "device",
        [MEMORY_RESERVED] = "reserved",
        [MEMORY_PAGE_ZERO] = "page zero",
    };
    return kind < MEMORY_KIND_COUNT ? names[kind] : "unknown";
}

const struct memory_range *memory_map_find(const struct memory_range *ranges, size_t count,
                                           uint64_t address)
{
    if (count == 0 || address < ranges[0].base)
        return NULL;
    const struct memory_range *range = &ranges[piece_find(ranges, count, address)];
    return address - range->base < range->size ? range : NULL;
}

uint64_t memory_map_judge_uncached(struct memory_range *ranges, size_t count,
                                   bool (*is_write_back)(uint64_t base, uint64_t size),
                                   uint64_t *left)
{
    uint64_t judged = 0;

    *left = 0;
    for (size_t i = 0; i < count; i++) {
        struct memory_range *range = &ranges[i];
        if (range->kind != MEMORY_UNCACHED)
            continue;
        if (!is_write_back(range->base, range->size)) {
            *left += range->size;
            continue;
        }
        judged += range->size;
        range->kind =
            kind_at(kind_of(range->type, range->attributes | MEMORY_ATTRIBUTE_WB), range->base);
    }
    return judged;
}

void memory_map_findings_text(const struct memory_map_findings *findings, char *text, size_t size)
{
    const struct {
        uint32_t count;
        const char *what;
    } all[] = {
        {findings->zero_length, "empty"},
        {findings->overflowing, "overflowing"},
        {findings->beyond_limit, "beyond the processor's addresses"},
        {findings->unaligned, "unaligned"},
        {findings->unsorted, "unsorted"},
        {findings->overlapping, "overlapping"},
        {findings->unknown_type, "of unknown type"},
        {findings->tail, "bytes behind the last"},
        {findings->unknown_version, "of unknown version"},
    };
    size_t used = 0;

    if (size > 0)
        text[0] = '\0';
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].count != 0 && used < size)
            used += (size_t)format_string(text + used, size - used, "%s%u %s", used ? ", " : "",
                                          all[i].count, all[i].what);
    }
}

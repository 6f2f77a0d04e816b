/* The memory attributes table: 61, 62 (UEFI 2.11, 4.6.3). */
#include "library/audit/check.h"
#include "library/bytes.h"

struct attributes {
    const uint8_t *bytes;
    size_t step, count;
    uint64_t offset;
};

static bool attributes_need(struct audit *audit, struct attributes *table)
{
    static const uint8_t guid[16] =
        GUID(0xdcfa911d, 0x26eb, 0x469f, 0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20);
    struct record_entry entry;
    uint64_t address;
    size_t size;

    if (!audit_need(audit, RECORD_CONFIGURATION, &entry))
        return false;
    if (!configuration_find(audit->record, guid, &address)) {
        audit_not_applicable(audit, "there is no memory attributes table");
        return false;
    }
    table->bytes = vendor_table(audit->record, guid, &size, &table->offset);
    if (table->bytes == NULL || size < 16 || load32(table->bytes + 8) < 40) {
        audit_not_known(audit, "the memory attributes table was not recorded whole");
        return false;
    }
    table->step = load32(table->bytes + 8);
    table->count = (size - 16) / table->step;
    if (table->count > load32(table->bytes + 4))
        table->count = load32(table->bytes + 4);
    return true;
}

static void attributes_at(const struct attributes *table, size_t index, struct descriptor *item)
{
    const uint8_t *bytes = table->bytes + 16 + index * table->step;
    uint64_t size;

    item->type = load32(bytes);
    item->base = load64(bytes + 8);
    item->pages = load64(bytes + 24);
    item->attributes = load64(bytes + 32);
    item->offset = table->offset + (uint64_t)(bytes - table->bytes);
    item->wraps = __builtin_mul_overflow(item->pages, PAGE, &size) ||
                  __builtin_add_overflow(item->base, size, &item->end);
    if (item->wraps)
        item->end = UINT64_MAX;
}

/* The first address from `at` on that the table, in its order, does not hold. */
static uint64_t covered_to(const struct attributes *table, uint64_t at, uint64_t end)
{
    struct descriptor item;

    for (size_t i = 0; i < table->count && at < end; i++) {
        attributes_at(table, i, &item);
        if (item.base <= at && at < item.end)
            at = item.end;
    }
    return at;
}

static bool is_runtime(const struct descriptor *range)
{
    return range->type == TYPE_RUNTIME_CODE || range->type == TYPE_RUNTIME_DATA;
}

static void coverage(struct audit *audit)
{
    struct attributes table;
    struct descriptor range;
    struct map map;

    if (!map_need(audit, &map) || !attributes_need(audit, &table))
        return;
    for (size_t i = 0; i < map.count; i++) {
        map_descriptor(&map, i, &range);
        if (!is_runtime(&range))
            continue;
        if (!audit_afford(audit, table.count))
            return;
        uint64_t end = covered_to(&table, range.base, range.end);
        if (end < range.end)
            audit_fail_at(audit, range.offset, end, "%s at 0x%llx is not covered from 0x%llx on",
                          record_memory_type_name(range.type), (unsigned long long)range.base,
                          (unsigned long long)end);
    }
}

static void item_ask(struct audit *audit, const struct map *map, const struct descriptor *item)
{
    struct descriptor range;

    if (!(item->attributes & (MEMORY_RO | MEMORY_XP)))
        audit_fail_at(audit, item->offset, item->base, "0x%llx, %llu pages: neither RO nor XP",
                      (unsigned long long)item->base, (unsigned long long)item->pages);
    if (item->base % PAGE != 0 || item->pages == 0)
        audit_fail_at(audit, item->offset, item->base, "0x%llx, %llu pages",
                      (unsigned long long)item->base, (unsigned long long)item->pages);
    else if (!map_find(map, item->base, &range) || item->end > range.end || !is_runtime(&range))
        audit_fail_at(audit, item->offset, item->base,
                      "0x%llx, %llu pages: not within one runtime descriptor",
                      (unsigned long long)item->base, (unsigned long long)item->pages);
}

static void items(struct audit *audit)
{
    struct attributes table;
    struct descriptor item, before = {0};
    struct map map;

    if (!map_need(audit, &map) || !attributes_need(audit, &table))
        return;
    for (size_t i = 0; i < table.count; i++) {
        attributes_at(&table, i, &item);
        if (!is_runtime(&item))
            continue; /* others are to be ignored */
        if (!audit_afford(audit, map.count))
            return;
        item_ask(audit, &map, &item);
        if (item.base < before.end)
            audit_fail_at(audit, item.offset, item.base,
                          "0x%llx overlaps or precedes the one before",
                          (unsigned long long)item.base);
        before = item;
    }
}

static const struct audit_check checks[] = {
    {61, AUDIT_HIGH, AUDIT_HIGH, false, "memory attributes table covers runtime memory",
     "UEFI 2.11, 4.6.3", "every runtime descriptor described completely",
     "Build the table from the final map, after the last runtime allocation.", coverage},
    {62, AUDIT_HIGH, AUDIT_HIGH, false, "entries of the memory attributes table",
     "UEFI 2.11, 4.6.3", "RO or XP in each, sorted, none across two descriptors",
     "Align runtime images' sections to 4 KiB, so that code and data can be divided.", items},
};

AUDIT_FAMILY(audit_attributes, "attributes", checks);

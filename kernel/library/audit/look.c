/* How checks look into a record: maps, page tables, images, registers, tables. */
#include "library/align.h"
#include "library/audit/check.h"
#include "library/bytes.h"
#include "library/string.h"

bool type_is_for_use(uint32_t type)
{
    return (type >= TYPE_LOADER_CODE && type <= TYPE_BOOT_DATA) || type == TYPE_FREE ||
           type == TYPE_ACPI_RECLAIM;
}

/* ---- memory maps ---- */

void map_load(const struct record_entry *entry, struct map *map)
{
    size_t size;

    map->entry = *entry;
    map->descriptors = record_load(entry, &map->head, sizeof(map->head), &size);
    if (map->head.map_size < size)
        size = (size_t)map->head.map_size;
    bool sane = map->head.descriptor_size >= 40 && map->head.descriptor_size <= 4096;
    map->count = sane ? size / (size_t)map->head.descriptor_size : 0;
}

void map_descriptor(const struct map *map, size_t index, struct descriptor *descriptor)
{
    size_t at = index * (size_t)map->head.descriptor_size;
    const uint8_t *bytes = map->descriptors + at;
    uint64_t size;

    descriptor->type = load32(bytes);
    descriptor->base = load64(bytes + 8);
    descriptor->pages = load64(bytes + 24);
    descriptor->attributes = load64(bytes + 32);
    descriptor->offset = map->entry.offset + (uint64_t)(bytes - map->entry.bytes);
    descriptor->wraps = __builtin_mul_overflow(descriptor->pages, PAGE, &size) ||
                        __builtin_add_overflow(descriptor->base, size, &descriptor->end);
    if (descriptor->wraps)
        descriptor->end = UINT64_MAX;
}

static bool map_usable(struct audit *audit, const struct record_entry *entry, struct map *map)
{
    map_load(entry, map);
    if (map->count > 0)
        return true;
    audit_not_known(audit, "the memory map has no descriptors that can be read (see check 1)");
    return false;
}

bool map_need(struct audit *audit, struct map *map)
{
    struct record_entry entry;

    if (record_find_last(audit->record, RECORD_MAP_EXIT, &entry))
        return map_usable(audit, &entry, map);
    return map_need_first(audit, map);
}

bool map_need_first(struct audit *audit, struct map *map)
{
    struct record_entry entry;

    return audit_need(audit, RECORD_MAP_FIRST, &entry) && map_usable(audit, &entry, map);
}

bool map_find(const struct map *map, uint64_t address, struct descriptor *descriptor)
{
    for (size_t i = 0; i < map->count; i++) {
        map_descriptor(map, i, descriptor);
        if (descriptor->base <= address && address < descriptor->end)
            return true;
    }
    return false;
}

bool map_meets(const struct map *map, uint64_t base, uint64_t size, struct descriptor *descriptor)
{
    uint64_t end;

    if (__builtin_add_overflow(base, size, &end))
        end = UINT64_MAX;
    for (size_t i = 0; i < map->count; i++) {
        map_descriptor(map, i, descriptor);
        if (type_is_for_use(descriptor->type) && descriptor->base < end && base < descriptor->end)
            return true;
    }
    return false;
}

/* ---- page tables ---- */

bool page_tables_need(struct audit *audit, struct page_tables *tables)
{
    struct record_entry entry;
    size_t size;

    if (!audit_need(audit, RECORD_PAGE_TABLES, &entry))
        return false;
    tables->runs = record_load(&entry, &tables->head, sizeof(tables->head), &size);
    tables->count = size / sizeof(struct record_page_run);
    tables->offset = entry.offset + sizeof(tables->head);
    return true;
}

void page_run(const struct page_tables *tables, size_t index, struct record_page_run *run)
{
    memcpy(run, tables->runs + index * sizeof(*run), sizeof(*run));
}

bool page_find(const struct page_tables *tables, uint64_t linear, struct record_page_run *run)
{
    size_t low = 0, high = tables->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        page_run(tables, middle, run);
        if (linear < run->linear)
            high = middle;
        else if ((linear - run->linear) / PAGE < run->pages)
            return true;
        else
            low = middle + 1;
    }
    return false;
}

/* ---- images ---- */

void image_name(const struct record_entry *entry, char *name, size_t size)
{
    struct record_image image;
    size_t left;
    const uint8_t *tail = record_load(entry, &image, sizeof(image), &left);
    size_t length = image.name_size < left ? image.name_size : left;

    length = length < size - 1 ? length : size - 1;
    memcpy(name, tail, length);
    name[length] = '\0';
    printable(name);
}

bool image_find(const struct record *record, uint64_t address, char *name, size_t size)
{
    struct record_entry entry = {0};
    struct record_image image;

    while (record_next_of(record, RECORD_IMAGE, &entry)) {
        (void)record_load(&entry, &image, sizeof(image), NULL);
        if (image.base <= address && address - image.base < image.size) {
            image_name(&entry, name, size);
            return true;
        }
    }
    name[0] = '\0';
    return false;
}

void audit_fail_at(struct audit *audit, uint64_t offset, uint64_t address, const char *format, ...)
{
    struct audit_finding *finding = audit->finding;
    va_list arguments;

    va_start(arguments, format);
    audit_fail_list(audit, offset, format, arguments);
    va_end(arguments);
    if (finding->count <= AUDIT_PLACES) {
        struct audit_place *place = &finding->places[finding->count - 1];
        (void)image_find(audit->record, address, place->image, sizeof(place->image));
    }
}

bool image_ours(const struct record *record, struct record_entry *entry, struct record_image *image)
{
    *entry = (struct record_entry){0};
    while (record_next_of(record, RECORD_IMAGE, entry)) {
        (void)record_load(entry, image, sizeof(*image), NULL);
        if (image->flags & RECORD_IMAGE_OURS)
            return true;
    }
    return false;
}

bool recorded_section(const struct record_entry *entry, size_t index, struct section *section)
{
    struct record_image image;
    size_t left, at;
    const uint8_t *tail = record_load(entry, &image, sizeof(image), &left);

    at = (size_t)align_up(image.name_size, RECORD_ALIGNMENT) + index * 40;
    if (index >= image.section_count || at > left || left - at < 40)
        return false;
    memcpy(section->name, tail + at, 8);
    section->name[8] = '\0';
    section->size = load32(tail + at + 8);
    section->base = image.base + load32(tail + at + 12);
    section->characteristics = load32(tail + at + 36);
    return true;
}

/* ---- registers ---- */

bool msr_find(const struct record_entry *entry, uint32_t index, uint64_t *value)
{
    struct record_msrs msrs;
    struct record_msr msr;
    size_t size;
    const uint8_t *items = record_load(entry, &msrs, sizeof(msrs), &size);

    for (size_t at = 0; sizeof(msr) <= size - at; at += sizeof(msr)) {
        memcpy(&msr, items + at, sizeof(msr));
        if (msr.index == index && !msr.faulted) {
            *value = msr.value;
            return true;
        }
    }
    return false;
}

bool cpuid_find(const struct record *record, uint32_t leaf, struct record_cpuid *answer)
{
    struct record_entry entry;

    if (!record_find(record, RECORD_CPUID, &entry))
        return false;
    for (size_t at = 0; sizeof(*answer) <= entry.size - at; at += sizeof(*answer)) {
        memcpy(answer, entry.bytes + at, sizeof(*answer));
        if (answer->leaf == leaf)
            return true;
    }
    return false;
}

unsigned physical_bits(const struct record *record)
{
    struct record_cpuid answer;

    if (!cpuid_find(record, 0x80000008, &answer))
        return 0;
    unsigned bits = answer.eax & 0xff;
    return bits >= 32 && bits <= 52 ? bits : 0;
}

/* ---- tables ---- */

void acpi_load(const struct record_entry *entry, struct acpi_view *view)
{
    view->bytes = record_load(entry, &view->head, sizeof(view->head), &view->size);
    view->offset = entry->offset + (uint64_t)(view->bytes - entry->bytes);
    if (view->size > view->head.length)
        view->size = view->head.length;
}

bool acpi_next(const struct record *record, const char *signature, struct record_entry *entry,
               struct acpi_view *view)
{
    while (record_next_of(record, RECORD_ACPI_TABLE, entry)) {
        acpi_load(entry, view);
        if (signature == NULL || (view->size >= 4 && memcmp(view->bytes, signature, 4) == 0))
            return true;
    }
    return false;
}

bool acpi_find(const struct record *record, const char *signature, struct acpi_view *view)
{
    struct record_entry entry = {0};

    return acpi_next(record, signature, &entry, view);
}

bool configuration_find(const struct record *record, const uint8_t guid[16], uint64_t *address)
{
    struct record_entry entry;
    struct record_configuration item;

    if (!record_find(record, RECORD_CONFIGURATION, &entry))
        return false;
    for (size_t at = 0; sizeof(item) <= entry.size - at; at += sizeof(item)) {
        memcpy(&item, entry.bytes + at, sizeof(item));
        if (memcmp(item.guid, guid, 16) == 0) {
            *address = item.address;
            return true;
        }
    }
    return false;
}

const uint8_t *vendor_table(const struct record *record, const uint8_t guid[16], size_t *size,
                            uint64_t *offset)
{
    struct record_entry entry = {0};
    struct record_vendor_table table;

    while (record_next_of(record, RECORD_VENDOR_TABLE, &entry)) {
        const uint8_t *bytes = record_load(&entry, &table, sizeof(table), size);
        *offset = entry.offset + (uint64_t)(bytes - entry.bytes);
        if (memcmp(table.guid, guid, 16) == 0)
            return bytes;
    }
    return NULL;
}

#include "library/acpi_list.h"

#include <linux/errno.h>

#include "library/bytes.h"
#include "library/format.h"
#include "library/string.h"

enum {
    SIGNATURE_SIZE = 4,
    LENGTH = 4,
    FACS_SIZE = 64, /* ACPI 6.5, 5.2.10: at least; it has no checksum */
    BERT_REGION_LENGTH = 36,
    BERT_REGION_ADDRESS = 40,
    BERT_SIZE = 48,
    SCAN_MAXIMUM = 4096, /* entries of the root that are looked at */
};

struct filling {
    const struct acpi_root *root;
    struct acpi_listed *list;
    size_t capacity, count;
};

static const uint8_t *view(const struct acpi_root *root, uint64_t physical, size_t size)
{
    if (!physical || !size || physical > UINT64_MAX - size)
        return NULL;
    return root->memory.map(root->memory.context, physical, size);
}

static void name_set(char *name, const uint8_t *signature)
{
    for (size_t i = 0; i < SIGNATURE_SIZE; i++) {
        char letter = (char)signature[i];
        bool usual = (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
        name[i] = usual ? letter : '_';
    }
    name[SIGNATURE_SIZE] = '\0';
}

static void add(struct filling *filling, uint64_t physical, uint32_t least)
{
    const uint8_t *header = view(filling->root, physical, least);
    uint32_t size = header ? load32(header + LENGTH) : 0;

    if (filling->count == filling->capacity || size < least || size > ACPI_TABLE_SIZE_MAX)
        return;
    const uint8_t *bytes = view(filling->root, physical, size);
    if (!bytes)
        return;
    struct acpi_listed *table = &filling->list[filling->count++];
    *table = (struct acpi_listed){.bytes = bytes, .size = size};
    name_set(table->name, bytes);
}

static void add_named_by_fadt(struct filling *filling)
{
    struct acpi_table table;
    struct acpi_fadt fadt;
    const char *reason;

    if (acpi_table_find(filling->root, "FACP", &table) || acpi_fadt_parse(&table, &fadt, &reason))
        return;
    add(filling, fadt.dsdt, ACPI_HEADER_SIZE);
    add(filling, fadt.facs, FACS_SIZE);
}

/* Those of one signature are numbered, from 1 on, if there are several. */
static void number(struct acpi_listed *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned before = 0, after = 0;
        for (size_t j = 0; j < count; j++)
            if (memcmp(list[i].name, list[j].name, SIGNATURE_SIZE) == 0)
                *(j < i ? &before : &after) += 1;
        if (before + after > 1)
            format_string(list[i].name + SIGNATURE_SIZE, sizeof(list[i].name) - SIGNATURE_SIZE,
                          "%u", before + 1);
    }
}

/* Linux's kernfs lists names by their hash: fs/kernfs/dir.c, kernfs_name_hash(). */
static uint32_t listing_order(const char *name)
{
    const uint64_t golden_ratio = 0x61c8864680b583eb;
    uint64_t hash = 0;

    for (; *name; name++) {
        uint64_t letter = (uint8_t)*name;
        hash = (hash + (letter << 4) + (letter >> 4)) * 11;
    }
    return (uint32_t)(hash * golden_ratio >> 32) & 0x7fffffff;
}

static void sort(struct acpi_listed *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        list[i].order = listing_order(list[i].name);
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && list[j - 1].order > list[j].order; j--) {
            struct acpi_listed other = list[j];
            list[j] = list[j - 1];
            list[j - 1] = other;
        }
}

size_t acpi_list(const struct acpi_root *root, struct acpi_listed *list, size_t capacity)
{
    struct filling filling = {.root = root, .list = list, .capacity = capacity};

    for (uint32_t i = 0; i < root->entry_count && i < SCAN_MAXIMUM; i++) {
        const uint8_t *entry = root->entries + (size_t)i * root->entry_size;
        add(&filling, root->entry_size == 8 ? load64(entry) : load32(entry), ACPI_HEADER_SIZE);
    }
    add_named_by_fadt(&filling);
    number(list, filling.count);
    sort(list, filling.count);
    return filling.count;
}

int acpi_list_errors(const struct acpi_root *root, struct acpi_listed *errors)
{
    struct acpi_table table;

    if (acpi_table_find(root, "BERT", &table) || table.size < BERT_SIZE)
        return -ENOENT;
    uint32_t size = load32(table.bytes + BERT_REGION_LENGTH);
    const uint8_t *bytes = size > ACPI_TABLE_SIZE_MAX
                               ? NULL
                               : view(root, load64(table.bytes + BERT_REGION_ADDRESS), size);
    if (!bytes)
        return -ENOENT;
    *errors = (struct acpi_listed){.name = "BERT", .bytes = bytes, .size = size};
    return 0;
}

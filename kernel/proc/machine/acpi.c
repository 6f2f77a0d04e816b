/* acpi.c: /sys/firmware/acpi, where acpidump(8) reads the tables: Linux's
 * Documentation/ABI/testing/sysfs-firmware-acpi. */
#include <asm/errno.h>
#include <linux/stat.h>

#include "firmware/programs/tables.h"
#include "library/string.h"
#include "proc/machine/machine.h"

/* number[0] is that of the table. */
typedef const struct acpi_listed *listing(size_t index);

static int listed_show(listing *list, const struct pseudo_key *key, struct text *text)
{
    const struct acpi_listed *table = list(key->number[0]);

    text_append(text, table->bytes, table->size);
    return 0;
}

static void listed_attributes(listing *list, const struct pseudo_key *key,
                              struct pseudo_attributes *attributes)
{
    attributes->size = list(key->number[0])->size;
}

static int listed_find(listing *list, const char *name, struct pseudo_key *child_key)
{
    const struct acpi_listed *table;

    for (size_t i = 0; (table = list(i)); i++) {
        if (strcmp(table->name, name) == 0) {
            child_key->number[0] = i;
            return 0;
        }
    }
    return -ENOENT;
}

static bool listed_next(listing *list, uint64_t *position, struct pseudo_name *name)
{
    const struct acpi_listed *table = list(*position);

    if (!table)
        return false;
    ++*position;
    string_copy(name->text, table->name, sizeof(name->text));
    name->type = S_IFREG;
    return true;
}

/* The two directories, of tables and of what they point to. */
#define LISTING(kind, list)                                                                        \
    static int kind##_show(const struct pseudo_key *key, struct text *text)                        \
    {                                                                                              \
        return listed_show(list, key, text);                                                       \
    }                                                                                              \
    static void kind##_attributes(const struct pseudo_key *key,                                    \
                                  struct pseudo_attributes *attributes)                            \
    {                                                                                              \
        listed_attributes(list, key, attributes);                                                  \
    }                                                                                              \
    static struct pseudo_node kind##_node = {                                                      \
        .mode = S_IFREG | 0400, .show = kind##_show, .attributes = kind##_attributes};             \
    static int kind##_find(const struct pseudo_key *key, const char *name,                         \
                           struct pseudo_key *child_key, struct pseudo_node **child)               \
    {                                                                                              \
        (void)key;                                                                                 \
        *child = &kind##_node;                                                                     \
        return listed_find(list, name, child_key);                                                 \
    }                                                                                              \
    static bool kind##_next(const struct pseudo_key *key, uint64_t *position,                      \
                            struct pseudo_name *name)                                              \
    {                                                                                              \
        (void)key;                                                                                 \
        return listed_next(list, position, name);                                                  \
    }
LISTING(table, firmware_acpi_table)
LISTING(data, firmware_acpi_data)

/* Nothing is loaded after boot: that takes ACPI's interpreter. */
static struct pseudo_node table_directories[] = {
    {.name = "data", .mode = S_IFDIR | 0755, .find = data_find, .next = data_next},
    {.name = "dynamic", .mode = S_IFDIR | 0755},
};
static struct pseudo_node acpi_directories[] = {
    {.name = "tables",
     .mode = S_IFDIR | 0755,
     .children = table_directories,
     .child_count = array_length(table_directories),
     .find = table_find,
     .next = table_next},
};
static struct pseudo_node acpi_directory = {
    .name = "acpi",
    .mode = S_IFDIR | 0755,
    .children = acpi_directories,
    .child_count = array_length(acpi_directories),
};

void machine_acpi_add(void)
{
    if (firmware_acpi_table(0))
        pseudo_add(&sys_firmware_directory, &acpi_directory, 1);
}

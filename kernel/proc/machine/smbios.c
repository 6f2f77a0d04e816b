/* smbios.c: /sys/firmware/dmi, where dmidecode(8) and lscpu(1) read SMBIOS's tables, and
 * /sys/class/dmi/id, the strings of it that others look for (Linux's drivers/firmware/dmi-id.c). */
#include <asm/errno.h>
#include <linux/stat.h>

#include "firmware/programs/tables.h"
#include "library/smbios_tables.h"
#include "library/string.h"
#include "proc/machine/machine.h"

static int anchor_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_append(text, firmware_smbios()->anchor, firmware_smbios()->anchor_size);
    return 0;
}

static int structures_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_append(text, firmware_smbios()->structures, firmware_smbios()->structures_size);
    return 0;
}

static void anchor_attributes(const struct pseudo_key *key, struct pseudo_attributes *attributes)
{
    (void)key;
    attributes->size = firmware_smbios()->anchor_size;
}

static void structures_attributes(const struct pseudo_key *key,
                                  struct pseudo_attributes *attributes)
{
    (void)key;
    attributes->size = firmware_smbios()->structures_size;
}

static struct pseudo_node table_files[] = {
    {.name = "DMI",
     .mode = S_IFREG | 0400,
     .show = structures_show,
     .attributes = structures_attributes},
    {.name = "smbios_entry_point",
     .mode = S_IFREG | 0400,
     .show = anchor_show,
     .attributes = anchor_attributes},
};
static struct pseudo_node dmi_directories[] = {
    {.name = "tables",
     .mode = S_IFDIR | 0755,
     .children = table_files,
     .child_count = array_length(table_files)},
};
static struct pseudo_node dmi_directory = {
    .name = "dmi",
    .mode = S_IFDIR | 0755,
    .children = dmi_directories,
    .child_count = array_length(dmi_directories),
};

/* ---- /sys/class/dmi/id ---- */

/* Structures and fields: SMBIOS 3.7, 7.1 to 7.4. */
enum {
    BIOS,
    SYSTEM,
    BOARD,
    CHASSIS,
};
static const struct id_file {
    const char *name;
    uint8_t type, field;
    uint32_t mode;
} id_files[] = {
    {"bios_vendor", BIOS, 4, 0444},       {"bios_version", BIOS, 5, 0444},
    {"bios_date", BIOS, 8, 0444},         {"sys_vendor", SYSTEM, 4, 0444},
    {"product_name", SYSTEM, 5, 0444},    {"product_version", SYSTEM, 6, 0444},
    {"product_serial", SYSTEM, 7, 0400},  {"product_sku", SYSTEM, 25, 0444},
    {"product_family", SYSTEM, 26, 0444}, {"board_vendor", BOARD, 4, 0444},
    {"board_name", BOARD, 5, 0444},       {"board_version", BOARD, 6, 0444},
    {"board_serial", BOARD, 7, 0400},     {"board_asset_tag", BOARD, 8, 0444},
    {"chassis_vendor", CHASSIS, 4, 0444}, {"chassis_version", CHASSIS, 6, 0444},
    {"chassis_serial", CHASSIS, 7, 0400}, {"chassis_asset_tag", CHASSIS, 8, 0444},
};

static int id_string(const struct id_file *file, const char **string)
{
    const struct firmware_smbios *smbios = firmware_smbios();

    return smbios_string(smbios->structures, smbios->structures_size, file->type, file->field,
                         string);
}

static int id_show(const struct pseudo_key *key, struct text *text)
{
    const char *string;
    int length = id_string(&id_files[key->number[0]], &string);

    if (length > 0)
        text_append(text, string, (size_t)length);
    text_append(text, "\n", 1);
    return 0;
}

static void id_attributes(const struct pseudo_key *key, struct pseudo_attributes *attributes)
{
    attributes->mode = id_files[key->number[0]].mode;
}

static struct pseudo_node id_node = {
    .mode = S_IFREG | 0444, .show = id_show, .attributes = id_attributes};

static int id_find(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                   struct pseudo_node **child)
{
    const char *string;

    (void)key;
    for (size_t i = 0; i < array_length(id_files); i++) {
        if (strcmp(id_files[i].name, name) == 0 && id_string(&id_files[i], &string) >= 0) {
            child_key->number[0] = i;
            *child = &id_node;
            return 0;
        }
    }
    return -ENOENT;
}

static bool id_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    const char *string;

    (void)key;
    while (*position < array_length(id_files) && id_string(&id_files[*position], &string) < 0)
        ++*position;
    if (*position >= array_length(id_files))
        return false;
    string_copy(name->text, id_files[(*position)++].name, sizeof(name->text));
    name->type = S_IFREG;
    return true;
}

static struct pseudo_node class_directories[] = {
    {.name = "id", .mode = S_IFDIR | 0755, .find = id_find, .next = id_next},
};
static struct pseudo_node class_directory = {
    .name = "dmi",
    .mode = S_IFDIR | 0755,
    .children = class_directories,
    .child_count = array_length(class_directories),
};

void machine_smbios_add(void)
{
    if (!firmware_smbios()->anchor_size)
        return;
    pseudo_add(&sys_firmware_directory, &dmi_directory, 1);
    pseudo_add(&sys_class_directory, &class_directory, 1);
}

/* efi.c: /sys/firmware/efi: Linux's Documentation/ABI/testing/sysfs-firmware-efi and
 * sysfs-firmware-efi-runtime-map. */
#include <asm/errno.h>
#include <linux/stat.h>

#include "firmware/programs/tables.h"
#include "firmware/runtime_space.h"
#include "library/format.h"
#include "proc/machine/machine.h"

static int vendor_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "0x%lx\n", firmware_addresses()->vendor);
    return 0;
}

static int runtime_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "0x%lx\n", firmware_addresses()->runtime_services);
    return 0;
}

static int configuration_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "0x%lx\n", firmware_addresses()->configuration);
    return 0;
}

static void text_table(struct text *text, const char *name, paddr_t address)
{
    if (address)
        text_print(text, "%s=0x%lx\n", name, address);
}

static int tables_show(const struct pseudo_key *key, struct text *text)
{
    const struct firmware_addresses *addresses = firmware_addresses();

    (void)key;
    text_table(text, "ACPI20", addresses->acpi2);
    text_table(text, "ACPI", addresses->acpi1);
    text_table(text, "SMBIOS3", addresses->smbios3);
    text_table(text, "SMBIOS", addresses->smbios);
    return 0;
}

/* ---- runtime-map: number[0] is that of the range in the memory map ---- */

static bool is_runtime(const struct memory_range *range)
{
    return range->attributes & MEMORY_ATTRIBUTE_RUNTIME;
}

/* Number `wanted` of the runtime ranges; NULL: no more. */
static const struct memory_range *runtime_range(uint64_t wanted)
{
    const struct memory_range *range;

    for (size_t i = 0; (range = runtime_space_range(i)); i++)
        if (is_runtime(range) && wanted-- == 0)
            return range;
    return NULL;
}

static int type_show(const struct pseudo_key *key, struct text *text)
{
    text_print(text, "0x%x\n", runtime_range(key->number[0])->type);
    return 0;
}

static int address_show(const struct pseudo_key *key, struct text *text)
{
    text_print(text, "0x%lx\n", runtime_range(key->number[0])->base);
    return 0;
}

static int pages_show(const struct pseudo_key *key, struct text *text)
{
    text_print(text, "0x%lx\n", runtime_range(key->number[0])->size / PAGE_SIZE);
    return 0;
}

static int range_attributes_show(const struct pseudo_key *key, struct text *text)
{
    text_print(text, "0x%lx\n", runtime_range(key->number[0])->attributes);
    return 0;
}

/* The firmware runs at its physical addresses. */
static struct pseudo_node range_files[] = {
    {.name = "attribute", .mode = S_IFREG | 0400, .show = range_attributes_show},
    {.name = "num_pages", .mode = S_IFREG | 0400, .show = pages_show},
    {.name = "phys_addr", .mode = S_IFREG | 0400, .show = address_show},
    {.name = "type", .mode = S_IFREG | 0400, .show = type_show},
    {.name = "virt_addr", .mode = S_IFREG | 0400, .show = address_show},
};
static struct pseudo_node range_directory = {
    .mode = S_IFDIR | 0755, .children = range_files, .child_count = array_length(range_files)};

static int range_find(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                      struct pseudo_node **child)
{
    uint32_t number;

    (void)key;
    if (!proc_parse_number(name, &number) || !runtime_range(number))
        return -ENOENT;
    child_key->number[0] = number;
    *child = &range_directory;
    return 0;
}

static bool range_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    (void)key;
    if (!runtime_range(*position))
        return false;
    format_string(name->text, sizeof(name->text), "%lu", (*position)++);
    name->type = S_IFDIR;
    return true;
}

static struct pseudo_node efi_files[] = {
    {.name = "config_table", .mode = S_IFREG | 0444, .show = configuration_show},
    {.name = "efivars", .mode = S_IFDIR | 0555}, /* efivarfs is mounted here */
    PSEUDO_TEXT("fw_platform_size", "64\n"),
    {.name = "fw_vendor", .mode = S_IFREG | 0444, .show = vendor_show},
    {.name = "runtime", .mode = S_IFREG | 0444, .show = runtime_show},
    {.name = "runtime-map", .mode = S_IFDIR | 0755, .find = range_find, .next = range_next},
    {.name = "systab", .mode = S_IFREG | 0400, .show = tables_show},
};
static struct pseudo_node efi_directory = {
    .name = "efi",
    .mode = S_IFDIR | 0755,
    .children = efi_files,
    .child_count = array_length(efi_files),
};

void machine_efi_add(void)
{
    if (firmware_addresses())
        pseudo_add(&sys_firmware_directory, &efi_directory, 1);
}

#include "firmware/programs/tables.h"

#include <asm/errno.h>
#include <efi.h>

#include "cpu/log.h"
#include "firmware/runtime_space.h"
#include "library/memory_map.h"
#include "library/smbios_tables.h"
#include "memory/heap.h"

/* The largest table of structures that the 32-bit anchor can tell is 64 KiB. */
#define STRUCTURES_MAXIMUM (1U << 20)

/* All constant after boot. */
static struct acpi_listed *acpi_tables;
static size_t acpi_table_count;
static struct acpi_listed acpi_errors;
static struct firmware_smbios smbios;
static struct firmware_addresses addresses;
static bool has_system_table;

static int find_acpi_tables(const struct acpi_root *acpi)
{
    acpi_tables = heap_allocate(ACPI_LISTED_MAXIMUM * sizeof(acpi_tables[0]));
    if (!acpi_tables)
        return -ENOMEM;
    acpi_table_count = acpi_list(acpi, acpi_tables, ACPI_LISTED_MAXIMUM);
    acpi_list_errors(acpi, &acpi_errors);
    return 0;
}

static int smbios_read(paddr_t address)
{
    const char *reason = "the SMBIOS anchor lies in no memory of the firmware's";
    struct smbios_anchor anchor;
    size_t size = SMBIOS_ANCHOR_MAXIMUM;
    const uint8_t *bytes = runtime_space_table(address, &size);

    if (!bytes || smbios_anchor_parse(bytes, size, &anchor, &reason)) {
        log_write(LOG_WARNING, "firmware: %s", reason);
        return -EINVAL;
    }
    size_t length = anchor.length < STRUCTURES_MAXIMUM ? anchor.length : STRUCTURES_MAXIMUM;
    smbios.structures = runtime_space_table(anchor.base, &length);
    if (!smbios.structures) {
        log_write(LOG_WARNING, "firmware: SMBIOS's structures lie in no memory of the firmware's");
        return -EINVAL;
    }
    smbios.structures_size = smbios_structures_size(smbios.structures, length, anchor.count);
    smbios.anchor = bytes;
    smbios.anchor_size = anchor.size;
    return 0;
}

/* The 64-bit anchor is preferred, as Linux prefers it. */
static void find_smbios(const struct handoff_tables *tables)
{
    if (!tables->smbios3 || smbios_read(tables->smbios3))
        if (tables->smbios)
            smbios_read(tables->smbios);
}

static void find_addresses(const struct handoff_tables *tables)
{
    const EFI_SYSTEM_TABLE *system =
        runtime_space_view_reserved(tables->system_table, sizeof(*system));

    if (!system)
        return;
    addresses = (struct firmware_addresses){
        .acpi2 = tables->acpi2,
        .acpi1 = tables->acpi1,
        .smbios3 = tables->smbios3,
        .smbios = tables->smbios,
        .vendor = (paddr_t)system->FirmwareVendor,
        .runtime_services = (paddr_t)system->RuntimeServices,
        .configuration = (paddr_t)system->ConfigurationTable,
    };
    has_system_table = true;
}

int firmware_tables_initialize(const struct handoff_tables *tables, const struct acpi_root *acpi)
{
    find_addresses(tables);
    find_smbios(tables);
    return acpi ? find_acpi_tables(acpi) : 0;
}

const struct acpi_listed *firmware_acpi_table(size_t index)
{
    return index < acpi_table_count ? &acpi_tables[index] : NULL;
}

const struct acpi_listed *firmware_acpi_data(size_t index)
{
    return index == 0 && acpi_errors.size ? &acpi_errors : NULL;
}

const struct firmware_smbios *firmware_smbios(void)
{
    return &smbios;
}

const struct firmware_addresses *firmware_addresses(void)
{
    return has_system_table ? &addresses : NULL;
}

#include "firmware/acpi_devices.h"

#include "cpu/interrupt_controller.h"
#include "library/acpi.h"

#define DEVICE_MAXIMUM 64
#define ECAM_BUS_SHIFT 20 /* a bus has 1 MiB (PCI Express base specification 6.0, 7.2.2) */

static struct device_range {
    const char *name;
    paddr_t base;
    size_t size;
} devices[DEVICE_MAXIMUM]; /* constant after boot */
static size_t device_count;

static void add(const char *name, paddr_t base, size_t size)
{
    if (base && base <= UINT64_MAX - size && device_count < DEVICE_MAXIMUM)
        devices[device_count++] = (struct device_range){name, base, size};
}

static void add_ecam(const struct acpi_root *acpi)
{
    struct acpi_table table;
    struct acpi_ecam ecam;

    if (acpi_table_find(acpi, "MCFG", &table))
        return;
    for (uint32_t i = 0; acpi_ecam_at(&table, i, &ecam) == 0; i++)
        add("PCI configuration space", ecam.base + ((paddr_t)ecam.first_bus << ECAM_BUS_SHIFT),
            (size_t)(ecam.last_bus - ecam.first_bus + 1) << ECAM_BUS_SHIFT);
}

static void add_interrupt_controllers(const struct acpi_root *acpi)
{
    struct acpi_table table;
    struct acpi_madt madt;
    struct acpi_madt_entry entry;
    const char *reason;

    if (acpi_table_find(acpi, "APIC", &table) || acpi_madt_start(&madt, &table, &reason))
        return;
    while (acpi_madt_next(&madt, &entry) == 1)
        if (entry.kind == ACPI_MADT_IO_APIC)
            add("an I/O APIC", entry.io_apic.address, PAGE_SIZE);
}

void acpi_devices_initialize(const struct acpi_root *acpi)
{
    struct acpi_table table;
    struct acpi_hpet hpet;
    const char *reason;

    add("the local APIC", local_apic_address(), PAGE_SIZE);
    if (!acpi)
        return;
    add_ecam(acpi);
    add_interrupt_controllers(acpi);
    if (!acpi_table_find(acpi, "HPET", &table) && !acpi_hpet_parse(&table, &hpet, &reason))
        add("the HPET", hpet.address.address, PAGE_SIZE);
}

const char *acpi_devices_name(paddr_t address)
{
    for (size_t i = 0; i < device_count; i++)
        if (address - devices[i].base < devices[i].size)
            return devices[i].name;
    return NULL;
}

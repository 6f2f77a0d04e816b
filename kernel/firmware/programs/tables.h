/*
 * tables.h: the tables that the firmware left, for programs: ACPI's, SMBIOS's, UEFI's. They lie
 * where the firmware put them, in memory that nobody uses for anything else, and are read there.
 */
#ifndef BATON_FIRMWARE_PROGRAMS_TABLES_H
#define BATON_FIRMWARE_PROGRAMS_TABLES_H

#include <handoff.h>

#include "library/acpi_list.h"
#include "library/types.h"

/*
 * Finds them; once, at boot, by a thread, after runtime_services_initialize(). `acpi` NULL: there
 * are no ACPI tables. 0 or -ENOMEM: then there are none for programs.
 */
int firmware_tables_initialize(const struct handoff_tables *tables, const struct acpi_root *acpi);

/* What follows is constant after boot, and asked in any context. */

/* Table number `index` in Linux's order; NULL: no more. */
const struct acpi_listed *firmware_acpi_table(size_t index);
/* What tables point to and programs read as well; NULL: no more. */
const struct acpi_listed *firmware_acpi_data(size_t index);

/* SMBIOS's anchor and structures; sizes are 0 where there are none. */
struct firmware_smbios {
    const uint8_t *anchor, *structures;
    size_t anchor_size, structures_size;
};
const struct firmware_smbios *firmware_smbios(void);

/* Addresses of UEFI's system table and of what it names; 0: not there. */
struct firmware_addresses {
    paddr_t acpi2, acpi1, smbios3, smbios;
    paddr_t vendor, runtime_services, configuration;
};
/* NULL: there is no system table. */
const struct firmware_addresses *firmware_addresses(void);

#endif

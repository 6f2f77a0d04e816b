/*
 * acpi_devices.h: device memory that no memory map has to tell, for ACPI's tables do: PCI's
 * configuration space (MCFG), interrupt controllers (MADT), the HPET. For what the firmware may be
 * lent (runtime_space.h).
 */
#ifndef BATON_FIRMWARE_ACPI_DEVICES_H
#define BATON_FIRMWARE_ACPI_DEVICES_H

#include "library/types.h"

struct acpi_root;

/* Once, at boot; NULL: there are no tables. */
void acpi_devices_initialize(const struct acpi_root *acpi);
/* What lies at a physical address, in a word for the log; NULL: no device of ACPI's. Any context.
 */
const char *acpi_devices_name(paddr_t address);

#endif

/*
 * acpi_ports.h: the ports of ACPI's fixed hardware, where the firmware has told their place and
 * forgotten to turn them on.
 */
#ifndef BATON_FIRMWARE_ACPI_PORTS_H
#define BATON_FIRMWARE_ACPI_PORTS_H

struct acpi_root;

/*
 * Turns them on if the chip set is one that we know and has them off, and corrects where the FADT
 * says they are (acpi->port_base); says so on the log. Once, at boot, before their first use (the
 * PM timer is one of them); NULL: there are no tables.
 */
void acpi_ports_open(struct acpi_root *acpi);

#endif

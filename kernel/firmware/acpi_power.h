/*
 * acpi_power.h: what ACPI's fixed hardware (ACPI 6.5, 4.8) does for the machine's end: the mode in
 * which it works, the state S5, the reset register. Without ACPI's interpreter: \_S5_ is looked up
 * in the tables (library/aml.h), the method \_PTS is not run.
 */
#ifndef BATON_FIRMWARE_ACPI_POWER_H
#define BATON_FIRMWARE_ACPI_POWER_H

#include "library/types.h"

struct acpi_root;

/* Finds registers and values. Once, at boot, by a thread; NULL: there are no tables. What cannot be
   had is logged. */
void acpi_power_initialize(const struct acpi_root *acpi);

/* The machine has no PM1 registers, and its firmware is the better way to restart. */
bool acpi_hardware_reduced(void);

/*
 * Hands the events over from the firmware (4.8.2.5): the SMI command, and a bounded wait until it
 * has answered. True: they are ours, now or already. Any context.
 */
bool acpi_mode_enter(void);

/* Is there a way into S5, and a reset register? */
bool acpi_has_power_off(void);
bool acpi_has_reset(void);
/* Asks for them; the machine may take a while to obey. Any context. */
void acpi_power_off(void);
void acpi_reset(void);

#endif

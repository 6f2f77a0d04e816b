/*
 * power_button.h: the power button, where ACPI has it as a fixed feature, a bit of the PM1 event
 * registers (ACPI 6.5, 4.8.2.2.1.1). Buttons that only the interpreter finds are left alone.
 */
#ifndef BATON_FIRMWARE_POWER_BUTTON_H
#define BATON_FIRMWARE_POWER_BUTTON_H

#include <stdbool.h>

struct acpi_root;

/*
 * After acpi_power_initialize(). Puts the machine into ACPI mode if the firmware has not, disables
 * all of its events but this one, and connects ACPI's interrupt: from then on a press calls
 * machine_button_pressed(). Once, at boot, by a thread. `acpi` NULL: there are no tables. What
 * cannot be had is logged and left out.
 */
void power_button_initialize(const struct acpi_root *acpi);

/* Was it pressed since the last call? cpu_hooks.power_button_pressed: after a panic. */
bool power_button_pressed(void);

#endif

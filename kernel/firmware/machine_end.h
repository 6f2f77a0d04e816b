/* machine_end.h: power off and restart, by whichever way works. */
#ifndef BATON_FIRMWARE_MACHINE_END_H
#define BATON_FIRMWARE_MACHINE_END_H

/*
 * Once, at boot, after acpi_power_initialize() and runtime_services_initialize(). Of the kernel's
 * options `reboot=` names the way to restart that is tried first, as on Linux by its first letter:
 * acpi, kbd, efi, pci, triple.
 */
void machine_end_initialize(const char *options);

/* The power goes off, the machine starts again; for reboot(2). They stop the other processors and
   return when nothing has worked. Any context, no lock held. */
void machine_power_off(void);
void machine_restart(void);

#endif

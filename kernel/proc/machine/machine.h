/* machine.h: what programs see of the machine below: its firmware, PCI, processors. */
#ifndef BATON_PROC_MACHINE_MACHINE_H
#define BATON_PROC_MACHINE_MACHINE_H

#include "proc/proc.h"

/* /sys/bus (pci.c). */
extern struct pseudo_node sys_bus_directory;
/* In the directory of each processor (caches.c). */
extern struct pseudo_node sys_caches_directory;

/* At boot, once: the parts, each to its place. */
void machine_acpi_add(void);              /* acpi.c: /sys/firmware/acpi */
void machine_smbios_add(void);            /* smbios.c: /sys/firmware/dmi, /sys/class/dmi */
void machine_efi_add(void);               /* efi.c: /sys/firmware/efi */
void machine_handoff_add(void);           /* handoff.c: /sys/firmware/handoff */
void machine_usb_add(void);               /* usb.c: /sys/bus/usb, /sys/devices/usb */
void machine_pci_add(void);               /* pci.c: /sys/bus/pci, /proc/bus/pci */
void machine_security_add(void);          /* security.c: securityfs */
void machine_variables_add(void);         /* variables.c: efivarfs */
void machine_processor_devices_add(void); /* processor_devices.c: /dev/cpu */

#endif

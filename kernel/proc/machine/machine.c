/* machine.c: the parts, each to its place. */
#include "proc/machine/machine.h"

void proc_machine_initialize(void)
{
    machine_acpi_add();
    machine_smbios_add();
    machine_efi_add();
    machine_variables_add();
    machine_security_add();
    machine_handoff_add();
    machine_pci_add();
    machine_usb_add();
    machine_processor_devices_add();
}

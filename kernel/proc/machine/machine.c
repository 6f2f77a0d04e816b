/* machine.c: /sys/firmware, and the parts of it. */
#include "proc/machine/machine.h"

#include <linux/stat.h>

struct pseudo_node sys_firmware_directory = {.name = "firmware", .mode = S_IFDIR | 0755};

void proc_machine_initialize(void)
{
    pseudo_add(&sys_root, &sys_firmware_directory, 1);
    machine_acpi_add();
    machine_smbios_add();
    machine_efi_add();
    machine_handoff_add();
}

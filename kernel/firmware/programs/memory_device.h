/* memory_device.h: /dev/mem, mem(4). */
#ifndef BATON_FIRMWARE_PROGRAMS_MEMORY_DEVICE_H
#define BATON_FIRMWARE_PROGRAMS_MEMORY_DEVICE_H

/*
 * At boot, after runtime_services_initialize(). Memory that the firmware has for itself can be
 * read, by who has CAP_SYS_RAWIO: runtime and boot services, ACPI's tables. All else is EPERM, also
 * to write: memory of programs and of the kernel, and device memory, of which reading may have
 * effects. Nobody can open
 * it in a kernel that is locked down. 0 or -EBUSY.
 */
int memory_device_initialize(void);

#endif

/*
 * runtime_services.h: the firmware's services that outlive boot services
 * (UEFI 2.10, chapter 8), called in an address space of their own.
 *
 * That space holds the kernel's half and, where the firmware expects them
 * (SetVirtualAddressMap is not called), the memory map's runtime ranges; nothing
 * else of physical memory is there for the firmware to touch.
 */
#ifndef BATON_FIRMWARE_RUNTIME_SERVICES_H
#define BATON_FIRMWARE_RUNTIME_SERVICES_H

#include "library/memory_map.h"
#include "library/types.h"

/*
 * Builds the space and checks the tables (UEFI 2.10, 4.2). Once, at boot, by a thread; may sleep.
 * `ranges` stay where they are.
 * 0, -ENODEV (no usable tables), -ENOMEM; then reboot(2) can only halt.
 */
int runtime_services_initialize(paddr_t system_table, const struct memory_range *ranges,
                                size_t range_count);

/* What reboot(2) calls (process/hooks.h). They return when they cannot: without runtime services,
   or when the firmware refuses. Any context. */
void firmware_power_off(void);
void firmware_restart(void);

#endif

/*
 * runtime_services.h: the firmware's services that outlive boot services (UEFI 2.10, chapter 8):
 * one at a time, each in an address space of its own (runtime_space.h), on a stack of its own, and
 * contained (cpu/contained_call.h). What goes wrong in one is said on the log, and the call fails.
 *
 * SetVirtualAddressMap is not called: the firmware runs at its physical addresses. UpdateCapsule
 * and QueryCapsuleCapabilities are not offered.
 */
#ifndef BATON_FIRMWARE_RUNTIME_SERVICES_H
#define BATON_FIRMWARE_RUNTIME_SERVICES_H

#include <handoff.h>

#include "library/memory_map.h"
#include "library/types.h"

struct acpi_root;

/*
 * Builds the space and checks the tables (UEFI 2.10, 4.2). Once, at boot, by a thread; may sleep.
 * `ranges` stay where they are; `acpi` NULL: there are no tables. 0, -ENODEV (no usable tables),
 * -ENOMEM; then all services fail.
 */
int runtime_services_initialize(const struct handoff_tables *tables, const struct acpi_root *acpi,
                                const struct memory_range *ranges, size_t range_count);

/* ---- the machine's end ---- */

/*
 * Takes the turn at the services for good, so that nobody who is stopped now holds it. In a thread
 * it waits for it. False: there are no services, or an interrupt's handler finds one being called.
 */
bool runtime_services_take(void);

enum runtime_reset {
    RUNTIME_RESET_COLD = 0,
    RUNTIME_RESET_SHUTDOWN = 2,
};
/* ResetSystem, by who has taken the turn. It returns when it failed, and says why. */
void runtime_reset(enum runtime_reset type);

#endif

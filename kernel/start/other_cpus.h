/* other_cpus.h: the processors that the firmware did not boot on. */
#ifndef BATON_START_OTHER_CPUS_H
#define BATON_START_OTHER_CPUS_H

#include "library/acpi.h"

/*
 * Starts the CPUs that the MADT names, one after another, up to `most` in all (maxcpus=).
 * Called by a thread on the boot CPU; may sleep. One that does not come up is reported and left.
 */
void other_cpus_start(const struct acpi_root *acpi, uint32_t most);

/* For tests, before: each CPU is held back so long (ms) when it has begun. */
void other_cpus_hold_back(uint64_t milliseconds);

#endif

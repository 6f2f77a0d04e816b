/*
 * calibration.h: how fast the time stamp counter and the local APIC's timer run, against a clock
 * that is believed because it runs and another one agrees with it, not because it is there.
 */
#ifndef BATON_CPU_CALIBRATION_H
#define BATON_CPU_CALIBRATION_H

#include "library/types.h"

struct acpi_root;

struct calibration {
    uint64_t tsc_frequency, apic_frequency; /* Hz; never 0 */
};

/*
 * Asks HPET, ACPI's PM timer and CPUID, and the 8254 if no two of these agree; each for a bounded
 * time (10 ms if it runs, some tenths of a second if it stands still). Says on the log which was
 * taken and which are not to be believed. Interrupts off, once, at boot. `map` maps registers.
 */
struct calibration calibrate(const struct acpi_root *acpi, void *(*map)(paddr_t base, size_t size));

#endif

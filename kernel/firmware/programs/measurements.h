/* measurements.h: what the firmware and the loader measured into the TPM, for programs. */
#ifndef BATON_FIRMWARE_PROGRAMS_MEASUREMENTS_H
#define BATON_FIRMWARE_PROGRAMS_MEASUREMENTS_H

#include <handoff.h>
#include <stddef.h>

/*
 * At boot, once, after runtime_services_initialize(): puts the loader's copy of the event log and
 * what the firmware added since together, and gives the copy's memory back.
 */
void measurements_initialize(const struct handoff_measurements *measurements);

/* The whole log (library/event_log.h); constant after boot. NULL: there is none. */
const void *measurements_log(size_t *size);

#endif

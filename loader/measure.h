/*
 * measure.h: measured boot: what is loaded and not measured by the firmware itself goes into the
 * TPM's PCRs, all banks, before it is used, and the event log goes on to the kernel.
 *
 * Which PCR, which event: as systemd-boot, systemd-stub and Linux's EFI stub do (systemd's
 * TPM2_PCR_MEASUREMENTS, UAPI.7), so that what knows them knows us; what they do not have stands in
 * README.md. Without a TPM 2.0 nothing is measured; one that fails is said, once, and the boot goes
 * on: who seals secrets to PCRs does not get them then.
 */
#ifndef BATON_LOADER_MEASURE_H
#define BATON_LOADER_MEASURE_H

#include <handoff.h>

#include "firmware.h"

/* PCR 5: what chooses: loader.conf, and the boot entry, by its path. */
void measure_settings(const void *text, uint64_t size);
void measure_entry(const char *path, const void *text, uint64_t size);

/* PCR 4: a kernel's file that the firmware does not load, by its path. */
void measure_kernel(const char *path, const void *bytes, uint64_t size);

/* PCR 9: all of the initrd as it was read, each file padded to a multiple of 4. */
void measure_initrd(const void *bytes, uint64_t size);

/* PCR 12: options that are no section of a unified image. */
void measure_options(const char *options);

/* PCR 11: the sections of our own file, if it is a unified kernel image. Then kernel and initrd are
   measured by that, and by nothing else. */
void measure_sections(void);

/*
 * The event log, a copy, with all that was measured up to now, and where the firmware writes what
 * it measures from now on. Nothing where there is no log, or none that can be read (it is said).
 */
void measure_log_take(struct handoff_measurements *measurements);

#endif

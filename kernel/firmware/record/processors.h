/*
 * processors.h: P6: each processor that the firmware names: whether and when it woke, and registers
 * that have to be the same on all of them, as the firmware left them.
 */
#ifndef BATON_FIRMWARE_RECORD_PROCESSORS_H
#define BATON_FIRMWARE_RECORD_PROCESSORS_H

#include <handoff_record.h>

#include "library/types.h"

/* What a processor notes of itself. */
struct processor_notes;

/* For one that is to be woken; NULL: nothing is to be recorded, or there is no memory. Never freed
   while it may come. */
struct processor_notes *handoff_record_notes_make(void);

/* By the processor itself, before it changes any of its registers; no lock. NULL: nothing. */
void handoff_record_notes_take(struct processor_notes *notes);

/* By who woke it at the time `asked` (TSC), once it is known what came of it (RECORD_PROCESSOR_*).
 */
void handoff_record_processor(struct processor_notes *notes, uint32_t apic_id, uint32_t result,
                              uint64_t asked);

/* The one that runs. */
void handoff_record_boot_processor(uint32_t apic_id);

#endif

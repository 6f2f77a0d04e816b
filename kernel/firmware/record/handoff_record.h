/*
 * handoff_record.h: the record of this machine's handoff (include/handoff_record.h). The loader
 * began it; the kernel appends what it sees, and shows it in /sys/firmware/handoff
 * (proc/handoff.c).
 *
 * With `report` or `audit` among the options its memory stays, and everything is recorded. Without,
 * what there is by then moves to as much memory as it needs, and the rest goes back.
 */
#ifndef BATON_FIRMWARE_RECORD_HANDOFF_RECORD_H
#define BATON_FIRMWARE_RECORD_HANDOFF_RECORD_H

#include <handoff.h>

#include "library/record/record.h"
#include "library/types.h"

/*
 * Takes what the loader has recorded. At boot, once, when the direct map is there. A record that
 * cannot be gone on with is left out, with a line.
 */
void handoff_record_take(const struct handoff_range *range);

/* Whether everything is to be recorded; before the next function that is not yet decided: true. */
bool handoff_record_wanted(void);

/* Decides that, at boot, by a thread; what is not needed goes back. */
void handoff_record_settle(bool wanted);

/* Appends a structure, and what follows it; nothing if there is no record. By a thread, or at boot
   before there are others. */
void handoff_record_append(uint16_t kind, const void *fixed, size_t fixed_size, const void *tail,
                           size_t tail_size);

/*
 * The writer, for who fills an entry in place; NULL: there is no record, or nothing is to be
 * recorded any more. To be given back by handoff_record_unlock(), also then. May sleep.
 */
struct record_writer *handoff_record_lock(void);
void handoff_record_unlock(void);

/* Its finished bytes, `*size` of them, until handoff_record_unlock(); NULL: there is none. */
const void *handoff_record_view_locked(size_t *size);

/* The same for a look at what was recorded so far, unsealed: a firmware has thousands of variables,
   and each call that faults looks. False: there is no record. handoff_record_unlock() in any case.
 */
bool handoff_record_look_locked(struct record *record);

#endif

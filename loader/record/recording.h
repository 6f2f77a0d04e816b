/*
 * recording.h: the record of this handoff (include/handoff_record.h), as the loader writes it. It
 * begins in a static part, for what is seen before the first allocation, and goes on in a buffer
 * that the kernel gets. What finds no room is counted, and stops nothing.
 */
#ifndef BATON_LOADER_RECORD_RECORDING_H
#define BATON_LOADER_RECORD_RECORDING_H

#include <handoff.h>
#include <library/record/record.h>

#include "firmware.h"

/* For all that record; firmware calls may not be made between the final map and the exit, and none
 * of this makes one. */
extern struct record_writer recording;

/* Begins the record in the static part. */
void recording_begin(void);

/*
 * Goes on in a buffer of RECORD_BUFFER_SIZE, of the loader's memory, and says where it is. An error
 * was said.
 */
EFI_STATUS recording_move(struct handoff_range *range);

/* Appends a structure and what follows it. */
void recording_append(uint16_t kind, const void *fixed, size_t fixed_size, const void *tail,
                      size_t tail_size);

#endif

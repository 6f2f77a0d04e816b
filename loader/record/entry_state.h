/* entry_state.h: P0 and P1: the processor at the loader's first instruction, and memory before the
 * first allocation. */
#ifndef BATON_LOADER_RECORD_ENTRY_STATE_H
#define BATON_LOADER_RECORD_ENTRY_STATE_H

#include "firmware.h"

/*
 * Begins the record, and records how the processor and memory were left. Makes one firmware call,
 * GetMemoryMap, through the real table. To be called before any other firmware call.
 */
void recording_entry(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

/* Whether the firmware's page tables map all of these bytes, of which a record could hold as many:
 * what a table points to may be anywhere. */
bool recording_can_read(uint64_t address, uint64_t size);

/* How many bytes from there on they map, up to as many as a record could hold. */
uint64_t recording_readable(uint64_t address);

/* Whether the firmware's page tables map all of this memory, however long it is. */
bool recording_is_mapped(uint64_t address, uint64_t size);

/* Whether `count` services, whose addresses lie one behind the other from there on, are there. */
bool recording_can_call(const void *services, size_t count);

/* The memory map once more, if the static part had no room for it. */
void recording_map_retry(void);

#endif

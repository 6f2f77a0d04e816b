/* memory_protection.h: what the firmware's page tables let be executed (rule 9). */
#ifndef BATON_LOADER_MEMORY_PROTECTION_H
#define BATON_LOADER_MEMORY_PROTECTION_H

#include "firmware.h"

/* Whether the firmware's page tables, with `root` in CR3, let a page be executed (SDM volume
 * 3A, 4.6). */
bool memory_is_executable(uint64_t root, unsigned levels, const void *page);

/*
 * Makes whole pages of EfiLoaderCode executable and no more writable, where the firmware has a
 * protocol for it; where it has none, such memory is executable. Prints its own failure.
 */
EFI_STATUS memory_make_code(void *memory, uint64_t size);

/* The reverse, before the memory is given back. */
void memory_make_data(void *memory, uint64_t size);

#endif

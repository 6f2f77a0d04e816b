/* memory_protection.h: what the firmware's page tables let be executed (rule 9). */
#ifndef BATON_LOADER_MEMORY_PROTECTION_H
#define BATON_LOADER_MEMORY_PROTECTION_H

#include "firmware.h"

/*
 * Makes whole pages of EfiLoaderCode executable and no more writable, where the firmware has a
 * protocol for it; where it has none, such memory is executable. Prints its own failure.
 */
EFI_STATUS memory_make_code(void *memory, uint64_t size);

/* The reverse, before the memory is given back. */
void memory_make_data(void *memory, uint64_t size);

#endif

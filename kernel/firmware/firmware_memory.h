/*
 * firmware_memory.h: reading what the firmware has left, wherever its memory map has it: ACPI's and
 * SMBIOS's tables lie in reserved memory on many machines, their anchors among the BIOS's pages
 * below 1 MiB, which some maps leave out.
 */
#ifndef BATON_FIRMWARE_FIRMWARE_MEMORY_H
#define BATON_FIRMWARE_FIRMWARE_MEMORY_H

#include "library/memory_map.h"
#include "library/types.h"

/*
 * The bytes at a physical address, if all of them are in one range of a memory map that holds
 * memory or is reserved; NULL otherwise, or when there is no room. Only to be read. They stay: what
 * the direct map does not show is mapped for good, the same bytes once. At boot, by one thread.
 */
const void *firmware_memory_view(const struct memory_range *ranges, size_t count, paddr_t address,
                                 size_t size);

#endif

/*
 * crc32.h: the CRC-32 of IEEE 802.3, as UEFI's tables (UEFI 2.11, 4.2) and the
 * record of the handoff have it. Pure; any context.
 */
#ifndef BATON_LIBRARY_CRC32_H
#define BATON_LIBRARY_CRC32_H

#include <stddef.h>
#include <stdint.h>

/*
 * The CRC of size bytes. before: 0, or the CRC of what stands in front of them,
 * so that a sequence of parts gives the CRC of the whole.
 */
uint32_t crc32(uint32_t before, const void *bytes, size_t size);

#endif

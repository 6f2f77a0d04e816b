/*
 * smbios_tables.h: the System Management BIOS's tables (SMBIOS specification 3.7, chapters 5 and
 * 6): the anchor by which they are found, and the structures behind one another.
 *
 * Pure: no allocation, no lock; no length in them is trusted.
 */
#ifndef BATON_LIBRARY_SMBIOS_TABLES_H
#define BATON_LIBRARY_SMBIOS_TABLES_H

#include <stddef.h>
#include <stdint.h>

/* The largest anchor: of the 32-bit kind 31 bytes, of the 64-bit kind 24 now (5.2.1, 5.2.2). */
#define SMBIOS_ANCHOR_MAXIMUM 32

/* The entry point. */
struct smbios_anchor {
    size_t size;     /* its own bytes */
    uint64_t base;   /* physical, of the structures */
    uint32_t length; /* bytes of them; at most so many in the 64-bit kind */
    uint16_t count;  /* how many there are; 0: one of type 127 ends them */
};

/*
 * Reads an anchor "_SM3_" or "_SM_" at the beginning of `size` bytes. 0, or -EINVAL with *reason:
 * none, cut off, or a checksum is wrong.
 */
int smbios_anchor_parse(const uint8_t *bytes, size_t size, struct smbios_anchor *anchor,
                        const char **reason);

/* How many of the `size` bytes the structures take, as far as they are whole: up to the end that
   the anchor's count, or the structure of type 127, tells. */
size_t smbios_structures_size(const uint8_t *bytes, size_t size, uint16_t count);

/*
 * The string that the byte at `field` of the first structure of this type numbers (6.1.3), in
 * structures of `size` bytes as smbios_structures_size() told: its length, 0 where there is no such
 * string, and *string, which is not terminated. -ENOENT: no such structure, or none with this
 * field.
 */
int smbios_string(const uint8_t *bytes, size_t size, uint8_t type, uint8_t field,
                  const char **string);

#endif

/*
 * memory_attributes.h: the firmware's table of which parts of its runtime images are code and which
 * are data (EFI_MEMORY_ATTRIBUTES_TABLE, UEFI 2.10, 4.6.4).
 *
 * Pure: no allocation, no lock; nothing in the table is trusted.
 */
#ifndef BATON_LIBRARY_MEMORY_ATTRIBUTES_H
#define BATON_LIBRARY_MEMORY_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_attributes {
    const uint8_t *entries;
    uint32_t count;
    uint32_t entry_size; /* bytes from one to the next */
};

/*
 * Checks the table's head; `size` is how many bytes there are at most, the table itself does not
 * say. 0, or -EINVAL with *reason.
 */
int memory_attributes_start(const uint8_t *bytes, size_t size, struct memory_attributes *table,
                            const char **reason);

struct memory_attributes_entry {
    uint64_t base; /* physical, page-aligned */
    uint64_t size; /* bytes, whole pages, not 0; base + size does not pass 2^64 */
    bool writable, executable;
};

/*
 * Entry number index. 0; -ENOENT: no such entry; -EINVAL: it describes no runtime memory, none at
 * all, or says that memory is both writable and executable, which protects nothing
 * (ignore it, go on with the next).
 */
int memory_attributes_at(const struct memory_attributes *table, uint32_t index,
                         struct memory_attributes_entry *entry);

#endif

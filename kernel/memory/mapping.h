/*
 * mapping.h: changes of regions, for system_calls.c. Within the memory room
 * only; the others see address_space.h.
 */
#ifndef BATON_MEMORY_MAPPING_H
#define BATON_MEMORY_MAPPING_H

#include "memory/address_space.h"

/* ---- with the space's mutex held ---- */

/* Maps what `wanted` describes (start to file_end), replacing what is there. 0 or -ENOMEM: then
   nothing has changed. A reference to its object is taken. */
int address_space_map_locked(struct address_space *space, const struct region *wanted);
int address_space_unmap_locked(struct address_space *space, vaddr_t start, size_t size);
/* Do the limits permit `size` more bytes of a region with these flags? [start, start+size) would
   be replaced. */
bool address_space_may_grow(struct address_space *space, vaddr_t start, size_t size,
                            unsigned flags);
/* May `pages` more be locked (RLIMIT_MEMLOCK)? 0, -EPERM: nobody may lock anything, -ENOMEM. */
int address_space_may_lock(struct address_space *space, uint64_t pages);
/* Touches all pages: for writing where that gives private memory, or anyhow if `write`; lets the
   mutex go for a while when memory ends. 0,
   -ENOMEM (also a hole), -EINVAL where the region forbids it, -EFAULT behind a file's end, or
   -EINTR when the thread must end. */
int address_space_populate_locked(struct address_space *space, vaddr_t start, vaddr_t end,
                                  bool write);

/* ---- without ---- */

/* mremap(2): the address, or an error as there. */
ssize_t address_space_remap(struct address_space *space, vaddr_t address, size_t old_size,
                            size_t new_size, int flags, vaddr_t target);

#endif

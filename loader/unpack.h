/* unpack.h: compressed archives. */
#ifndef BATON_LOADER_UNPACK_H
#define BATON_LOADER_UNPACK_H

#include <library/archive.h>

#include "pieces.h"

/*
 * Unpacks the one archive of that format that begins at bytes[*offset], and moves *offset behind
 * it. Prints its own failure, which names `path`, and returns the status; `unpacked` then holds a
 * part.
 */
EFI_STATUS unpack(const char *path, enum archive_format format, const uint8_t *bytes, uint64_t size,
                  uint64_t *offset, struct pieces *unpacked);

/* Gives back what unpack() needs. */
void unpack_end(void);

#endif

/* pieces.h: bytes that come one after the other, and nobody knows how many: memory grows with them.
 */
#ifndef BATON_LOADER_PIECES_H
#define BATON_LOADER_PIECES_H

#include <bsd/sys/queue.h>

#include "firmware.h"

struct piece;

struct pieces {
    STAILQ_HEAD(, piece) list;
    const char *what; /* for the message when there is not enough memory */
    uint64_t size;    /* bytes in all */
};

void pieces_begin(struct pieces *pieces, const char *what);

/* Each prints its own failure and returns the status. More than 4 GiB are never taken. */
EFI_STATUS pieces_append(struct pieces *pieces, const void *bytes, uint64_t size);

/* Appends zeros up to a multiple of `alignment`, at most 8. */
EFI_STATUS pieces_align(struct pieces *pieces, uint64_t alignment);

/* All bytes as one, in new pages; the pieces are given back. */
EFI_STATUS pieces_join(struct pieces *pieces, void **memory);

#endif

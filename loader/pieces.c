#include "pieces.h"

#include <library/align.h>
#include <library/string.h>

#include "failure.h"
#include "pages.h"

#define PIECE_PAGES_SIZE (UINT64_C(4) << 20)

struct piece {
    STAILQ_ENTRY(piece) next;
    uint64_t used;
    uint8_t bytes[];
};

#define PIECE_CAPACITY (PIECE_PAGES_SIZE - sizeof(struct piece))

void pieces_begin(struct pieces *pieces, const char *what)
{
    *pieces = (struct pieces){.what = what};
    STAILQ_INIT(&pieces->list);
}

/* The last piece, if there is room in it, or a new one. */
static EFI_STATUS room_find(struct pieces *pieces, struct piece **piece)
{
    EFI_STATUS status;

    *piece = STAILQ_LAST(&pieces->list, piece, next);
    if (*piece && (*piece)->used < PIECE_CAPACITY)
        return EFI_SUCCESS;
    status = pages_allocate_unset(PIECE_PAGES_SIZE, pieces->what, (void **)piece);
    if (EFI_ERROR(status))
        return status;
    (*piece)->used = 0;
    STAILQ_INSERT_TAIL(&pieces->list, *piece, next);
    return EFI_SUCCESS;
}

EFI_STATUS pieces_append(struct pieces *pieces, const void *bytes, uint64_t size)
{
    const uint8_t *from = bytes;

    if (size > UINT32_MAX - pieces->size)
        return failure(EFI_BAD_BUFFER_SIZE, "%s: more than 4 GiB", pieces->what);
    while (size) {
        struct piece *piece;
        EFI_STATUS status = room_find(pieces, &piece);
        uint64_t part;

        if (EFI_ERROR(status))
            return status;
        part = size < PIECE_CAPACITY - piece->used ? size : PIECE_CAPACITY - piece->used;
        memcpy(piece->bytes + piece->used, from, part);
        piece->used += part;
        pieces->size += part;
        from += part;
        size -= part;
    }
    return EFI_SUCCESS;
}

EFI_STATUS pieces_align(struct pieces *pieces, uint64_t alignment)
{
    static const uint8_t zeros[8];

    return pieces_append(pieces, zeros, align_up(pieces->size, alignment) - pieces->size);
}

EFI_STATUS pieces_join(struct pieces *pieces, void **memory)
{
    struct piece *piece;
    uint8_t *to;
    EFI_STATUS status = pages_allocate(pieces->size, pieces->what, memory);

    if (EFI_ERROR(status))
        return status;
    to = *memory;
    while ((piece = STAILQ_FIRST(&pieces->list))) {
        STAILQ_REMOVE_HEAD(&pieces->list, next);
        memcpy(to, piece->bytes, piece->used);
        to += piece->used;
        pages_free(piece);
    }
    return EFI_SUCCESS;
}

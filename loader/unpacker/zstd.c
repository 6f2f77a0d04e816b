/* zstd.c: RFC 8878, by libzstd: one frame. */
#include <zstd.h>

#include "format.h"

/* Whether there is more; `left` is what ZSTD_decompressStream() returned. */
static bool step(struct unpacker_job *job, ZSTD_DStream *stream, ZSTD_inBuffer *in, uint8_t *piece,
                 size_t *left)
{
    ZSTD_outBuffer out = {.dst = piece, .size = PIECE_SIZE};
    size_t before = in->pos;

    *left = ZSTD_decompressStream(stream, &out, in);
    if (!job->host->write(piece, out.pos))
        return false;
    if (ZSTD_isError(*left))
        return unpack_failure(job, ZSTD_getErrorName(*left));
    if (*left && in->pos == before && out.pos == 0)
        return unpack_failure(job, REASON_TRUNCATED);
    return true;
}

bool zstd_unpack(struct unpacker_job *job, uint8_t *piece)
{
    ZSTD_inBuffer in = {.src = job->bytes, .size = job->size};
    ZSTD_DStream *stream = ZSTD_createDStream();
    size_t left = 1;
    bool well = stream || unpack_failure(job, REASON_MEMORY);

    while (well && left)
        well = step(job, stream, &in, piece, &left);
    job->consumed = in.pos;
    ZSTD_freeDStream(stream);
    return well;
}

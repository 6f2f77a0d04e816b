/* xz.c: the .xz file format, by liblzma: any check, any filter. */
#include <lzma.h>

#include "format.h"

static bool step(struct unpacker_job *job, lzma_stream *stream, uint8_t *piece, lzma_ret *status)
{
    stream->next_out = piece;
    stream->avail_out = PIECE_SIZE;
    *status = lzma_code(stream, LZMA_FINISH);
    return job->host->write(piece, PIECE_SIZE - stream->avail_out);
}

static const char *reason(lzma_ret status)
{
    switch (status) {
    case LZMA_BUF_ERROR:
        return REASON_TRUNCATED;
    case LZMA_MEM_ERROR:
        return REASON_MEMORY;
    case LZMA_MEMLIMIT_ERROR:
        return "needs more than 192 MiB to be unpacked";
    case LZMA_OPTIONS_ERROR:
        return "has options that liblzma does not know";
    default:
        return "its data are corrupt";
    }
}

bool xz_unpack(struct unpacker_job *job, uint8_t *piece)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_ret status = lzma_stream_decoder(&stream, MEMORY_LIMIT, 0);
    bool taken = true;

    stream.next_in = job->bytes;
    stream.avail_in = job->size;
    while (status == LZMA_OK && taken)
        taken = step(job, &stream, piece, &status);
    job->consumed = job->size - stream.avail_in;
    lzma_end(&stream);
    return taken && (status == LZMA_STREAM_END || unpack_failure(job, reason(status)));
}

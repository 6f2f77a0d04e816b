/* gzip.c: RFC 1952, by zlib. */
#define ZLIB_CONST /* next_in is not written through */
#include <zlib.h>

#include "format.h"

enum { GZIP_WRAPPER = 16 }; /* zlib.h, inflateInit2: a gzip header, and its checksum is checked */

static bool step(struct unpacker_job *job, z_stream *stream, uint8_t *piece, int *status)
{
    stream->next_out = piece;
    stream->avail_out = PIECE_SIZE;
    *status = inflate(stream, Z_NO_FLUSH);
    return job->host->write(piece, PIECE_SIZE - stream->avail_out);
}

static const char *reason(int status, const z_stream *stream)
{
    if (status == Z_BUF_ERROR)
        return REASON_TRUNCATED;
    if (status == Z_MEM_ERROR)
        return REASON_MEMORY;
    return stream->msg ? stream->msg : "is not what gzip writes";
}

bool gzip_unpack(struct unpacker_job *job, uint8_t *piece)
{
    z_stream stream = {.next_in = job->bytes, .avail_in = (uInt)job->size};
    int status = inflateInit2(&stream, GZIP_WRAPPER + MAX_WBITS);
    bool taken = true;

    while (status == Z_OK && taken)
        taken = step(job, &stream, piece, &status);
    job->consumed = job->size - stream.avail_in;
    const char *wrong = status == Z_STREAM_END ? NULL : reason(status, &stream);
    inflateEnd(&stream);
    return taken && (!wrong || unpack_failure(job, wrong));
}

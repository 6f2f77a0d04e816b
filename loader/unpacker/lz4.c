/* lz4.c: frames of lz4, and its older format, by liblz4. */
#include <lz4.h>
#include <lz4frame.h>

#include "format.h"

/* ---- frames: lz4_Frame_format.md ---- */

static bool step(struct unpacker_job *job, LZ4F_dctx *context, uint8_t *piece, size_t *left)
{
    size_t out = PIECE_SIZE, in = job->size - job->consumed;

    *left = LZ4F_decompress(context, piece, &out, job->bytes + job->consumed, &in, NULL);
    if (LZ4F_isError(*left))
        return unpack_failure(job, LZ4F_getErrorName(*left));
    job->consumed += in;
    if (!job->host->write(piece, out))
        return false;
    if (*left && in == 0 && out == 0)
        return unpack_failure(job, REASON_TRUNCATED);
    return true;
}

bool lz4_unpack(struct unpacker_job *job, uint8_t *piece)
{
    LZ4F_dctx *context;
    size_t left = 1;

    job->consumed = 0;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return unpack_failure(job, REASON_MEMORY);
    bool well = true;
    while (well && left)
        well = step(job, context, piece, &left);
    LZ4F_freeDecompressionContext(context);
    return well;
}

/* ---- the older format: blocks of up to 8 MiB, each behind its size, and no end but the next thing
 *      that is no size of a block (lz4_Frame_format.md, "Legacy frame") ---- */

enum { MAGIC_SIZE = 4, SIZE_SIZE = 4, BLOCK_SIZE = 8 << 20 };

static uint32_t load_size(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool block_unpack(struct unpacker_job *job, uint32_t size, void *block)
{
    const char *from = (const char *)job->bytes + job->consumed;

    if (size > job->size - job->consumed)
        return unpack_failure(job, REASON_TRUNCATED);
    int unpacked = LZ4_decompress_safe(from, block, (int)size, BLOCK_SIZE);
    if (unpacked < 0)
        return unpack_failure(job, "its data are corrupt");
    job->consumed += size;
    return job->host->write(block, (size_t)unpacked);
}

static bool blocks_unpack(struct unpacker_job *job, void *block)
{
    while (job->size - job->consumed >= SIZE_SIZE) {
        uint32_t size = load_size(job->bytes + job->consumed);

        if (size == 0 || size > LZ4_COMPRESSBOUND(BLOCK_SIZE))
            return true;
        job->consumed += SIZE_SIZE;
        if (!block_unpack(job, size, block))
            return false;
    }
    return true;
}

bool lz4_legacy_unpack(struct unpacker_job *job)
{
    void *block = job->host->allocate(BLOCK_SIZE);

    if (!block)
        return unpack_failure(job, REASON_MEMORY);
    job->consumed = MAGIC_SIZE;
    bool well = blocks_unpack(job, block);
    job->host->release(block);
    return well;
}

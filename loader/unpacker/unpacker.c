/* unpacker.c: takes a job and gives it to the format's own file. */
#include "format.h"

bool unpack_failure(struct unpacker_job *job, const char *reason)
{
    job->reason = reason;
    return false;
}

static bool job_do(struct unpacker_job *job, uint8_t *piece)
{
    switch (job->format) {
    case ARCHIVE_GZIP:
        return gzip_unpack(job, piece);
    case ARCHIVE_XZ:
        return xz_unpack(job, piece);
    case ARCHIVE_ZSTD:
        return zstd_unpack(job, piece);
    case ARCHIVE_LZ4:
        return lz4_unpack(job, piece);
    case ARCHIVE_LZ4_LEGACY:
        return lz4_legacy_unpack(job);
    default:
        return unpack_failure(job, "nothing here unpacks that format");
    }
}

bool UNPACKER_ABI unpacker_start(struct unpacker_job *job)
{
    uint8_t *piece = job->host->allocate(PIECE_SIZE);

    job->reason = NULL;
    if (!piece)
        return unpack_failure(job, REASON_MEMORY);
    bool well = job_do(job, piece);
    job->host->release(piece);
    return well;
}

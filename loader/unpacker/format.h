/* format.h: one function a format, over a library; and what they share. */
#ifndef BATON_LOADER_UNPACKER_FORMAT_H
#define BATON_LOADER_UNPACKER_FORMAT_H

#include "unpacker.h"

/* What is unpacked goes to the host in pieces of this size: bytes. */
#define PIECE_SIZE 65536

/* What a library may take to unpack: 65 MiB are needed for `xz -9`, 128 MiB for `zstd --ultra -22`.
 */
#define MEMORY_LIMIT (UINT64_C(192) << 20)

#define REASON_TRUNCATED "is truncated"
#define REASON_MEMORY    "there is not enough memory to unpack it"

/* Each unpacks job->bytes through `piece`, of PIECE_SIZE bytes, and sets job->consumed; false on a
 * failure, with job->reason. All memory is given back. */
bool gzip_unpack(struct unpacker_job *job, uint8_t *piece);
bool xz_unpack(struct unpacker_job *job, uint8_t *piece);
bool zstd_unpack(struct unpacker_job *job, uint8_t *piece);
bool lz4_unpack(struct unpacker_job *job, uint8_t *piece);
bool lz4_legacy_unpack(struct unpacker_job *job);

/* Sets the reason; false. */
bool unpack_failure(struct unpacker_job *job, const char *reason);

/* The one job there is: takes it and returns whether it was done. */
bool UNPACKER_ABI unpacker_start(struct unpacker_job *job);

#endif

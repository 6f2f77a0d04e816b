/* The input's first byte chooses a format; the rest is an archive. All memory has to come back. */
#include "../../loader/unpacker/format.h"
#include "fuzz.h"

#include <stdlib.h>

enum { OUTPUT_LIMIT = 1 << 20 };

static size_t written;
static int held;

static void *UNPACKER_ABI host_allocate(size_t size)
{
    held++;
    return malloc(size);
}

static void UNPACKER_ABI host_release(void *memory)
{
    held--;
    free(memory);
}

static bool UNPACKER_ABI host_write(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++) /* so that a sanitizer sees what is not there */
        sum += at[i];
    written += size + sum * 0;
    return written <= OUTPUT_LIMIT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct unpacker_host host = {host_allocate, host_release, host_write};
    static const enum archive_format formats[] = {ARCHIVE_GZIP, ARCHIVE_XZ, ARCHIVE_ZSTD,
                                                  ARCHIVE_LZ4, ARCHIVE_LZ4_LEGACY};

    if (size < 5)
        return 0;
    struct unpacker_job job = {
        .host = &host, .format = formats[data[0] % 5], .bytes = data + 1, .size = size - 1};
    written = 0;
    bool done = unpacker_start(&job);
    require(held == 0);
    require(job.consumed <= job.size);
    require(done ? !job.reason : job.reason || written > OUTPUT_LIMIT);
    return 0;
}

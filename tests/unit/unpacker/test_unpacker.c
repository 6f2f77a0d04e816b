/* Each format: what comes out, what is left, what is wrong; and no memory is lost. */
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "test.h"
#include "unpacker/format.h"

enum { PLAIN_SIZE = 300000, PACKED_SIZE = 400000 };

static uint8_t plain[PLAIN_SIZE];
static uint8_t packed[PACKED_SIZE];
static size_t packed_size;

/* ---- a host ---- */

static struct {
    uint8_t bytes[PLAIN_SIZE];
    size_t size;
    size_t write_limit; /* then write() says stop */
    int allocations_left, held;
} host;

static void *UNPACKER_ABI host_allocate(size_t size)
{
    if (host.allocations_left-- <= 0)
        return NULL;
    host.held++;
    return malloc(size);
}

static void UNPACKER_ABI host_release(void *memory)
{
    host.held--;
    free(memory);
}

static bool UNPACKER_ABI host_write(const void *bytes, size_t size)
{
    if (size > host.write_limit - host.size)
        return false;
    memcpy(host.bytes + host.size, bytes, size);
    host.size += size;
    return true;
}

static const struct unpacker_host functions = {host_allocate, host_release, host_write};

static void host_begin(void)
{
    memset(&host, 0, sizeof(host));
    host.write_limit = sizeof(host.bytes);
    host.allocations_left = 1000;
}

/* ---- the libraries' other halves ---- */

static void pack_gzip(void)
{
    z_stream stream = {
        .next_in = plain, .avail_in = PLAIN_SIZE, .next_out = packed, .avail_out = PACKED_SIZE};

    deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    expect_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed_size = stream.total_out;
    deflateEnd(&stream);
}

static void pack_xz(void)
{
    packed_size = 0;
    expect_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, plain, PLAIN_SIZE, packed,
                                         &packed_size, PACKED_SIZE),
                 LZMA_OK);
}

static void pack_zstd(void)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();

    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    packed_size = ZSTD_compress2(context, packed, PACKED_SIZE, plain, PLAIN_SIZE);
    ZSTD_freeCCtx(context);
}

static void pack_lz4(void)
{
    LZ4F_preferences_t preferences = {.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled};

    packed_size = LZ4F_compressFrame(packed, PACKED_SIZE, plain, PLAIN_SIZE, &preferences);
}

static void pack_lz4_legacy(void)
{
    memcpy(packed, "\x02\x21\x4c\x18", 4);
    int size =
        LZ4_compress_default((const char *)plain, (char *)packed + 8, PLAIN_SIZE, PACKED_SIZE - 8);
    put32(packed + 4, (uint32_t)size);
    packed_size = 8 + (size_t)size;
}

static const struct {
    enum archive_format format;
    const char *name;
    void (*pack)(void);
    bool has_checksum;
} formats[] = {
    {ARCHIVE_GZIP, "gzip", pack_gzip, true},
    {ARCHIVE_XZ, "xz", pack_xz, true},
    {ARCHIVE_ZSTD, "zstd", pack_zstd, true},
    {ARCHIVE_LZ4, "lz4", pack_lz4, true},
    {ARCHIVE_LZ4_LEGACY, "lz4 -l", pack_lz4_legacy, false},
};

/* ---- cases ---- */

static struct unpacker_job job;

/* Unpacks a copy of the first `size` bytes. */
static bool unpack(enum archive_format format, size_t size)
{
    uint8_t *copy =
        malloc(size ? size : 1); /* of that size: AddressSanitizer sees a read behind it */

    memcpy(copy, packed, size);
    job = (struct unpacker_job){.host = &functions, .format = format, .bytes = copy, .size = size};
    bool done = unpacker_start(&job);
    expect_equal(host.held, 0);
    expect(job.consumed <= size);
    free(copy);
    return done;
}

static void test_whole(enum archive_format format, const char *name)
{
    test_case("%s: comes out as it went in", name);
    host_begin();
    expect(unpack(format, packed_size));
    expect_equal(job.consumed, packed_size);
    expect_equal(host.size, PLAIN_SIZE);
    expect(!memcmp(host.bytes, plain, PLAIN_SIZE));

    test_case("%s: what lies behind it is left", name);
    host_begin();
    memset(packed + packed_size, 0, 4);
    memcpy(packed + packed_size + 4, "070701 and so on", 16);
    expect(unpack(format, packed_size + 20));
    expect_equal(job.consumed, packed_size);
    expect_equal(host.size, PLAIN_SIZE);
}

static void test_truncated(enum archive_format format, const char *name)
{
    test_case("%s: truncated anywhere", name);
    for (size_t size = 9; size < packed_size;
         size += size < 40 || packed_size - size < 40 ? 1 : 1999) {
        host_begin();
        expect(!unpack(format, size));
        expect(job.reason && strlen(job.reason) > 0);
        expect(host.size < PLAIN_SIZE || packed_size - size < 40);
    }
}

static void test_corrupt(enum archive_format format, const char *name)
{
    test_case("%s: a byte changed anywhere", name);
    for (size_t at = 4; at < packed_size; at += at < 40 || packed_size - at < 40 ? 1 : 1999) {
        host_begin();
        packed[at] ^= 0x55;
        bool done = unpack(format, packed_size);
        packed[at] ^= 0x55;
        /* A header may have bytes that say nothing; the contents are right then. */
        expect(done ? !memcmp(host.bytes, plain, PLAIN_SIZE) : job.reason != NULL || host.size > 0);
    }
}

static void test_memory(enum archive_format format, const char *name)
{
    test_case("%s: each allocation fails in turn", name);
    for (int count = 0;; count++) {
        host_begin();
        host.allocations_left = count;
        if (unpack(format, packed_size))
            break;
        expect(count < 100 && job.reason != NULL);
    }

    test_case("%s: whoever takes it says stop", name);
    host_begin();
    host.write_limit = 1000;
    expect(!unpack(format, packed_size));
    expect(job.reason == NULL);
}

int main(void)
{
    uint32_t random = 1;

    /* Half of it can be compressed. */
    for (size_t i = 0; i < PLAIN_SIZE; i++) {
        random = random * 1664525 + 1013904223;
        plain[i] = i / 1000 % 2 ? (uint8_t)(random >> 24) : (uint8_t)(i / 100);
    }
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        formats[i].pack();
        test_whole(formats[i].format, formats[i].name);
        test_truncated(formats[i].format, formats[i].name);
        if (formats[i].has_checksum)
            test_corrupt(formats[i].format, formats[i].name);
        test_memory(formats[i].format, formats[i].name);
    }
    test_case("a format that nothing unpacks");
    host_begin();
    expect(!unpack(ARCHIVE_BZIP2, packed_size));
    expect(job.reason != NULL);
    return test_end();
}

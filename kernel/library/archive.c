#include "library/archive.h"

#include "library/string.h"

/* The formats' own specifications; the last three as Linux knows them (lib/decompress.c). */
static const struct {
    enum archive_format format;
    const char *name;
    uint8_t size;
    uint8_t magic[6];
} formats[] = {
    {ARCHIVE_CPIO, "cpio", 5, "07070"}, /* "070701", "070702" */
    {ARCHIVE_GZIP, "gzip", 2, "\x1f\x8b"},
    {ARCHIVE_XZ, "xz", 6,
     "\xfd"
     "7zXZ"},
    {ARCHIVE_ZSTD, "zstd", 4, "\x28\xb5\x2f\xfd"},
    {ARCHIVE_LZ4, "lz4", 4, "\x04\x22\x4d\x18"},
    {ARCHIVE_LZ4_LEGACY, "lz4", 4, "\x02\x21\x4c\x18"},
    {ARCHIVE_BZIP2, "bzip2", 3, "BZh"},
    {ARCHIVE_LZMA, "lzma", 3, "\x5d\0"},
    {ARCHIVE_LZOP, "lzop", 4, "\x89LZO"},
};

enum archive_format archive_find(const void *bytes, size_t size, size_t *offset)
{
    const uint8_t *at = bytes;

    while (*offset < size && at[*offset] == 0)
        (*offset)++;
    if (*offset == size)
        return ARCHIVE_END;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (formats[i].size <= size - *offset &&
            memcmp(at + *offset, formats[i].magic, formats[i].size) == 0)
            return formats[i].format;
    }
    return ARCHIVE_UNKNOWN;
}

const char *archive_format_name(enum archive_format format)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (formats[i].format == format)
            return formats[i].name;
    }
    return format == ARCHIVE_END ? "nothing" : "an unknown format";
}

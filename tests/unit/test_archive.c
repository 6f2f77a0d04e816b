/* What an archive begins with. */
#include "library/archive.h"
#include "test.h"

#include <string.h>

static void expect_found(const char *bytes, size_t size, size_t from, enum archive_format format,
                         size_t at)
{
    size_t offset = from;

    expect_equal(archive_find(test_copy(bytes, size), size, &offset), format);
    expect_equal(offset, at);
}

int main(void)
{
    static const struct {
        const char *name, *bytes;
        size_t size;
        enum archive_format format;
    } formats[] = {
        {"cpio", "070701", 6, ARCHIVE_CPIO},
        {"cpio", "070702", 6, ARCHIVE_CPIO},
        {"gzip", "\x1f\x8b\x08", 3, ARCHIVE_GZIP},
        {"xz", "\xfd\x37\x7a\x58\x5a\0", 6, ARCHIVE_XZ},
        {"zstd", "\x28\xb5\x2f\xfd", 4, ARCHIVE_ZSTD},
        {"lz4", "\x04\x22\x4d\x18", 4, ARCHIVE_LZ4},
        {"lz4", "\x02\x21\x4c\x18", 4, ARCHIVE_LZ4_LEGACY},
        {"bzip2", "BZh9", 4, ARCHIVE_BZIP2},
        {"lzma", "\x5d\0\0\x80", 4, ARCHIVE_LZMA},
        {"lzop", "\x89LZO", 4, ARCHIVE_LZOP},
    };

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        char padded[16] = {0};

        test_case("%s, format %d", formats[i].name, formats[i].format);
        expect_found(formats[i].bytes, formats[i].size, 0, formats[i].format, 0);
        expect_string(archive_format_name(formats[i].format), formats[i].name);
        memcpy(padded + 7, formats[i].bytes, formats[i].size);
        expect_found(padded, 7 + formats[i].size, 2, formats[i].format, 7);
        /* Cut in the middle it is nothing that is known. */
        expect_found(formats[i].bytes, 1, 0, ARCHIVE_UNKNOWN, 0);
    }

    test_case("zeros to the end");
    expect_found("", 0, 0, ARCHIVE_END, 0);
    expect_found("\0\0\0", 3, 1, ARCHIVE_END, 3);
    test_case("what nobody knows");
    expect_found("\0hello", 6, 0, ARCHIVE_UNKNOWN, 1);
    expect(strlen(archive_format_name(ARCHIVE_UNKNOWN)) > 0);
    expect(strlen(archive_format_name(ARCHIVE_END)) > 0);
    return test_end();
}

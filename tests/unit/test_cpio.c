/* newc archives, alone and several in one buffer. */
#include "library/cpio.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

/* An archive as it is built. */
static struct {
    uint8_t bytes[65536];
    size_t size;
} buffer;

struct fields {
    const char *magic;
    uint32_t inode, mode, user, group, links, modified;
    uint32_t device_major, device_minor, special_major, special_minor;
    uint32_t checksum;
};
static const struct fields plain = {.magic = "070701",
                                    .inode = 7,
                                    .mode = S_IFREG | 0644,
                                    .user = 1000,
                                    .group = 100,
                                    .links = 1,
                                    .modified = 0x65000000};

static void add(const void *bytes, size_t size)
{
    memcpy(buffer.bytes + buffer.size, bytes, size);
    buffer.size += size;
}

static void add_zeros(size_t count)
{
    memset(buffer.bytes + buffer.size, 0, count);
    buffer.size += count;
}

static void add_entry(struct fields fields, const char *path, const void *data, size_t size)
{
    char header[111];

    snprintf(header, sizeof(header), "%s%08X%08X%08X%08X%08x%08x%08x%08x%08x%08x%08x%08x%08x",
             fields.magic, fields.inode, fields.mode, fields.user, fields.group, fields.links,
             fields.modified, (unsigned)size, fields.device_major, fields.device_minor,
             fields.special_major, fields.special_minor, (unsigned)strlen(path) + 1,
             fields.checksum);
    add(header, 110);
    add(path, strlen(path) + 1);
    add_zeros(-buffer.size & 3);
    add(data, size);
    add_zeros(-buffer.size & 3);
}

static void add_trailer(void)
{
    add_entry((struct fields){.magic = "070701"}, "TRAILER!!!", "", 0);
}

static struct cpio_reader reader;
static struct cpio_entry entry;

static void start(void)
{
    cpio_start(&reader, test_copy(buffer.bytes, buffer.size), buffer.size);
}

static void expect_end(void)
{
    expect_equal(cpio_next(&reader, &entry), 0);
    expect_equal(cpio_next(&reader, &entry), 0);
    expect(reader.reason == NULL);
}

/* The error is named, and stays. */
static void expect_error(const char *reason, size_t offset)
{
    for (int i = 0; i < 2; i++) {
        expect_equal(cpio_next(&reader, &entry), -EINVAL);
        expect(reader.reason != NULL && strstr(reader.reason, reason) != NULL);
        expect_equal(reader.error_offset, offset);
    }
}

static void test_good(void)
{
    test_case("empty buffer");
    buffer.size = 0;
    start();
    expect_end();

    test_case("zeros alone");
    add_zeros(513);
    start();
    expect_end();

    test_case("empty archive");
    buffer.size = 0;
    add_trailer();
    start();
    expect_end();
    expect_equal(reader.archive, 1);

    test_case("file, directory, link, device");
    buffer.size = 0;
    struct fields device = plain;
    device.mode = S_IFCHR | 0600;
    device.special_major = 5;
    device.special_minor = 1;
    device.device_major = 8;
    device.device_minor = 3;
    struct fields directory = plain, link = plain;
    directory.mode = S_IFDIR | 01777;
    link.mode = S_IFLNK | 0777;
    add_entry(directory, ".", "", 0);
    add_entry(plain, "etc/hostname", "baton\n", 6);
    add_entry(link, "bin/sh", "busybox", 7);
    add_entry(device, "dev/console", "", 0);
    add_trailer();
    add_zeros(400);
    start();
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_string(entry.path, ".");
    expect_equal(entry.mode, S_IFDIR | 01777);
    expect_equal(entry.size, 0);
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_string(entry.path, "etc/hostname");
    expect_equal(entry.path_length, 12);
    expect_equal(entry.size, 6);
    expect(memcmp(entry.data, "baton\n", 6) == 0);
    expect_equal(entry.user, 1000);
    expect_equal(entry.group, 100);
    expect_equal(entry.inode, 7);
    expect_equal(entry.links, 1);
    expect_equal(entry.modified, 0x65000000);
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_equal(entry.mode, S_IFLNK | 0777);
    expect(entry.size == 7 && memcmp(entry.data, "busybox", 7) == 0);
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_equal(entry.special_major, 5);
    expect_equal(entry.special_minor, 1);
    expect_equal(entry.device_major, 8);
    expect_equal(entry.device_minor, 3);
    expect_end();

    static const uint32_t types[] = {S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK};
    for (size_t i = 0; i < array_length(types); i++) {
        test_case("file type 0%o", types[i]);
        struct fields fields = plain;
        fields.mode = types[i] | 0600;
        buffer.size = 0;
        add_entry(fields, "x", "", 0);
        add_trailer();
        start();
        expect_equal(cpio_next(&reader, &entry), 1);
        expect_end();
    }
}

static void test_skip(void)
{
    test_case("skipping one archive, whatever lies behind it");
    buffer.size = 0;
    add_entry(plain, "a", "1", 1);
    add_trailer();
    size_t end = buffer.size;
    add("\x1f\x8b and so on", 12);
    start();
    expect_equal(cpio_skip_archive(&reader), 0);
    expect_equal(reader.offset, end);
    expect_equal(cpio_skip_archive(&reader), -EINVAL);
    expect_equal(reader.error_offset, end);

    test_case("skipping an archive without a trailer");
    buffer.size = 0;
    add_entry(plain, "a", "1", 1);
    start();
    expect_equal(cpio_skip_archive(&reader), -EINVAL);
    expect(strstr(reader.reason, "trailer") != NULL);
}

static void test_several(void)
{
    test_case("three archives with zeros between them, one empty");
    buffer.size = 0;
    add_entry(plain, "a", "1", 1);
    add_trailer();
    add_zeros(512 - buffer.size % 512);
    add_trailer();
    add_entry(plain, "b", "22", 2);
    add_trailer();
    start();
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_string(entry.path, "a");
    expect_equal(entry.archive, 0);
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_string(entry.path, "b");
    expect_equal(entry.archive, 2);
    expect_end();

    test_case("hard links: the data comes with the last");
    buffer.size = 0;
    struct fields link = plain;
    link.links = 3;
    add_entry(link, "first", "", 0);
    add_entry(link, "second", "", 0);
    add_entry(link, "third", "data", 4);
    add_trailer();
    start();
    for (int i = 0; i < 3; i++) {
        expect_equal(cpio_next(&reader, &entry), 1);
        expect_equal(entry.links, 3);
        expect_equal(entry.inode, 7);
        expect_equal(entry.size, i == 2 ? 4 : 0);
    }
    expect_end();

    test_case("archive with checksums");
    buffer.size = 0;
    struct fields sum = plain;
    sum.magic = "070702";
    sum.checksum = 'a' + 'b' + 0xff;
    add_entry(sum, "sum", "ab\xff", 3);
    add_trailer();
    start();
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_end();

    test_case("wrong checksum");
    buffer.size = 0;
    sum.checksum++;
    add_entry(sum, "sum", "ab\xff", 3);
    add_trailer();
    start();
    expect_error("checksum", 0);

    test_case("\"070701\" has no checksum");
    buffer.size = 0;
    sum.magic = "070701";
    add_entry(sum, "sum", "ab\xff", 3);
    add_trailer();
    start();
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_end();

    test_case("trailer without the padding behind it");
    buffer.size = 0;
    add_trailer();
    buffer.size -= 3; /* 110 + 11 bytes and 3 of padding */
    start();
    expect_end();
}

static void test_paths(void)
{
    static char path[CPIO_PATH_MAX + 1];

    memset(path, 'p', sizeof(path));
    test_case("longest path");
    buffer.size = 0;
    path[CPIO_PATH_MAX - 1] = '\0';
    add_entry(plain, path, "", 0);
    add_trailer();
    start();
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_equal(entry.path_length, CPIO_PATH_MAX - 1);
    expect_end();

    test_case("path too long");
    buffer.size = 0;
    path[CPIO_PATH_MAX - 1] = 'p';
    path[CPIO_PATH_MAX] = '\0';
    add_entry(plain, path, "", 0);
    start();
    expect_error("longer than 4096", 0);

    test_case("empty path");
    buffer.size = 0;
    add_entry(plain, "", "", 0);
    start();
    expect_error("a path is empty", 0);

    test_case("path without its NUL");
    buffer.size = 0;
    add_entry(plain, "ab", "", 0);
    buffer.bytes[112] = 'c';
    start();
    expect_error("NUL", 0);

    test_case("path with a NUL in it");
    buffer.size = 0;
    add_entry(plain, "abc", "", 0);
    buffer.bytes[111] = 0;
    start();
    expect_error("NUL", 0);
}

static void test_links(void)
{
    static char target[CPIO_PATH_MAX];
    static const struct {
        size_t size;
        bool good;
    } sizes[] = {{0, false}, {1, true}, {CPIO_PATH_MAX - 1, true}, {CPIO_PATH_MAX, false}};
    struct fields link = plain;

    link.mode = S_IFLNK | 0777;
    memset(target, 't', sizeof(target));
    for (size_t i = 0; i < array_length(sizes); i++) {
        test_case("symbolic link with a target of %zu bytes", sizes[i].size);
        buffer.size = 0;
        add_entry(link, "link", target, sizes[i].size);
        add_trailer();
        start();
        if (sizes[i].good)
            expect_equal(cpio_next(&reader, &entry), 1);
        else
            expect_error("target", 0);
    }
    test_case("symbolic link with a NUL in its target");
    buffer.size = 0;
    add_entry(link, "link", "a\0b", 3);
    start();
    expect_error("target holds a NUL", 0);
}

static void test_hostile(void)
{
    test_case("no cpio at all");
    buffer.size = 0;
    add("\x1f\x8b\x08 compressed", 14);
    add_zeros(200);
    start();
    expect_error("no newc header", 0);

    test_case("old binary format");
    buffer.size = 0;
    add("070707", 6);
    add_zeros(200);
    start();
    expect_error("no newc header", 0);

    test_case("rubbish behind an entry");
    buffer.size = 0;
    add_entry(plain, "a", "1", 1);
    size_t offset = buffer.size;
    add("\1\2\3\4", 4);
    add_zeros(200);
    start();
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_error("no newc header", offset);

    test_case("archive at an odd offset");
    buffer.size = 0;
    add_zeros(2);
    add("070701", 6);
    start();
    expect_error("multiple of 4", 2);

    test_case("no trailer");
    buffer.size = 0;
    add_entry(plain, "a", "1", 1);
    start();
    expect_equal(cpio_next(&reader, &entry), 1);
    expect_error("trailer", buffer.size);

    test_case("not a digit");
    for (size_t i = 6; i < 110; i++) {
        static const char bad[] = "/:@G`g \xff";
        buffer.size = 0;
        add_entry(plain, "a", "1", 1);
        buffer.bytes[i] = (uint8_t)bad[i % 8];
        start();
        expect_error("hexadecimal", 0);
    }

    test_case("unknown file type");
    struct fields fields = plain;
    fields.mode = 0644;
    buffer.size = 0;
    add_entry(fields, "a", "", 0);
    start();
    expect_error("file type", 0);

    test_case("size of 4 GiB");
    buffer.size = 0;
    add_entry(plain, "a", "1", 1);
    memcpy(buffer.bytes + 54, "ffffffff", 8);
    start();
    expect_error("middle of an entry", 0);

    test_case("path size of 4 GiB");
    buffer.size = 0;
    add_entry(plain, "a", "1", 1);
    memcpy(buffer.bytes + 94, "FFFFFFFF", 8);
    start();
    expect_error("longer than 4096", 0);

    test_case("archive cut off at every byte");
    buffer.size = 0;
    add_entry(plain, "some/path", "contents", 8);
    size_t second = buffer.size;
    add_entry(plain, "other", "", 0);
    size_t third = buffer.size;
    add_trailer();
    size_t whole = buffer.size - 3; /* the last padding may be missing */
    for (buffer.size = 1; buffer.size < whole; buffer.size++) {
        int result;
        start();
        while ((result = cpio_next(&reader, &entry)) > 0) {
        }
        expect_equal(result, -EINVAL);
        size_t at = buffer.size < second ? 0 : buffer.size < third ? second : third;
        expect_equal(reader.error_offset, at);
    }
}

int main(void)
{
    test_good();
    test_skip();
    test_several();
    test_paths();
    test_links();
    test_hostile();
    return test_end();
}

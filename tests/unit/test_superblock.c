/* What file systems in memory say of themselves. */
#include <errno.h>
#include <string.h>

#include "library/superblock.h"
#include "test.h"

#define SIZE (1 << 20)
static uint8_t disk[SIZE];
static uint64_t size, unreadable; /* an offset; UINT64_MAX: all can be read */
static struct superblock found;

static int read_bytes(void *context, uint64_t offset, void *bytes, size_t count)
{
    (void)context;
    expect(offset <= size && count <= size - offset);
    if (unreadable >= offset && unreadable < offset + count)
        return -EIO;
    memcpy(bytes, disk + offset, count);
    return 0;
}

static int look(void)
{
    static struct superblock_work work;
    const struct superblock_source source = {.read = read_bytes, .size = size};

    memset(&found, 0x5a, sizeof(found));
    return superblock_read(&source, &work, &found);
}

static void expect_is(const char *uuid, const char *label)
{
    expect(look() == 0);
    expect_string(found.uuid, uuid);
    expect_string(found.label, label);
}

static void reset(void)
{
    memset(disk, 0, sizeof(disk));
    size = SIZE;
    unreadable = UINT64_MAX;
}

static void put(size_t at, const char *text)
{
    memcpy(disk + at, text, strlen(text));
}

static void put_uuid(size_t at)
{
    for (uint8_t i = 0; i < 16; i++)
        disk[at + i] = (uint8_t)(0x10 * i + 0xf - i);
}
#define UUID "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"

static void test_nothing(void)
{
    test_case("nothing");
    reset();
    expect_is("", "");
    for (size = 0; size < 4096; size += 511)
        expect_is("", "");
}

static void test_simple(void)
{
    static const struct {
        size_t magic_at;
        const char *magic;
        size_t uuid_at, label_at, label_size;
    } kinds[] = {
        {1080, "\x53\xef", 1128, 1144, 16},
        {0, "XFSB", 32, 108, 12},
        {0x10040, "_BHRfS_M", 0x10020, 0x1012b, 128},
        {4086, "SWAPSPACE2", 1036, 1052, 16},
    };

    test_case("those with both at a place of their own");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        reset();
        put(kinds[i].magic_at, kinds[i].magic);
        expect_is("", "");
        put_uuid(kinds[i].uuid_at);
        expect_is(UUID, "");
        put(kinds[i].label_at, "A label  ");
        expect_is(UUID, "A label");
        /* As long as it can be: what lies behind is not of it. */
        memset(disk + kinds[i].label_at, 'x', kinds[i].label_size + 1);
        expect(look() == 0);
        expect(strlen(found.label) == kinds[i].label_size);
        size = kinds[i].label_at + 1; /* it ends in the middle */
        expect_is("", "");
        size = SIZE;
        unreadable = kinds[i].uuid_at;
        expect(look() == -EIO);
        expect_string(found.uuid, "");
    }
}

static void test_ntfs(void)
{
    test_case("NTFS");
    reset();
    put(3, "NTFS    ");
    expect_is("", "");
    put64(disk + 0x48, UINT64_C(0x0123456789abcdef));
    expect_is("0123456789ABCDEF", "");
    unreadable = 3;
    expect(look() == -EIO);
}

static void test_exfat(void)
{
    static const uint16_t units[] = {'S', 0xe9, 0x20ac, 0xd800, 1, ' '};

    test_case("exFAT");
    reset();
    put(3, "EXFAT   ");
    put32(disk + 100, 0x1234abcd);
    expect_is("1234-ABCD", ""); /* nothing else makes sense */
    disk[108] = 9;
    disk[109] = 3;
    put32(disk + 88, 256); /* sectors */
    put32(disk + 96, 5);   /* cluster */
    size_t root = 256 * 512 + 3 * 4096;
    expect_is("1234-ABCD", "");
    disk[root + 32] = 0x83;
    disk[root + 33] = sizeof(units) / sizeof(units[0]);
    memcpy(disk + root + 34, units, sizeof(units));
    expect_is("1234-ABCD", "S\xc3\xa9\xe2\x82\xac??");
    disk[root + 33] = 12; /* longer than there is room */
    expect_is("1234-ABCD", "");
    put32(disk + 96, 0xffffffff);
    expect_is("", "");
    put32(disk + 96, 5);
    unreadable = root;
    expect(look() == -EIO);
}

/* Of 512 bytes a sector, one sector a cluster. */
static void make_fat(unsigned bits)
{
    uint32_t sectors = bits == 12 ? 2000 : 0;

    reset();
    disk[0] = 0xeb;
    put16(disk + 510, 0xaa55);
    put16(disk + 11, 512);
    disk[13] = 1;
    put16(disk + 14, 2);
    disk[16] = 1;
    if (bits == 12) {
        put16(disk + 17, 32); /* entries of the root */
        put16(disk + 19, (uint16_t)sectors);
        put16(disk + 22, 6);
        put32(disk + 39, 0xcafe0123);
    } else {
        put32(disk + 32, 70000);
        put32(disk + 36, 550);
        put32(disk + 44, 2);
        put32(disk + 67, 0xcafe0123);
        size = UINT64_C(70000) * 512;
    }
}

static void test_fat(void)
{
    test_case("FAT");
    make_fat(12);
    put(43, "NOT THIS   ");
    expect_is("CAFE-0123", "");
    size_t root = (2 + 6) * 512;
    put(root, "\xe5LD LABEL  \x08");
    put(root + 32, "A\0B");
    disk[root + 32 + 11] = 0x0f; /* a piece of a long name */
    put(root + 64, "FILE    TXT\x20");
    put(root + 96, "DIRECTORY  \x18");
    expect_is("CAFE-0123", "");
    put(root + 512, "MY  VOLUME \x28");
    memset(disk + root + 128, 0xe5, 384);
    expect_is("CAFE-0123", "MY  VOLUME");
    memset(disk + root, 0xe5, 1024); /* full, without one */
    expect_is("CAFE-0123", "");
    put32(disk + 39, 0);
    expect_is("", "");
    unreadable = root + 512;
    expect(look() == -EIO);
    unreadable = 0;
    expect(look() == -EIO);
    make_fat(32);
    put((2 + 550) * 512, "WIDE       \x08");
    expect_is("CAFE-0123", "WIDE");
}

static void test_iso(void)
{
    size_t at = 16 * 2048;

    test_case("ISO 9660");
    reset();
    put(at, "\1CD001\1");
    memset(disk + at + 40, ' ', 32);
    put(at + 40, "DISC 1");
    expect_is("", "DISC 1");
    put(at + 813, "2026120107300099");
    put(at + 830, "0000000000000000");
    expect_is("2026-12-01-07-30-00-99", "DISC 1");
    put(at + 830, "2027010203040506");
    expect_is("2027-01-02-03-04-05-06", "DISC 1");
    put(at + 830, "20270102030405/:");
    expect_is("2026-12-01-07-30-00-99", "DISC 1");
    size = at + 820;
    expect_is("", "");
    size = SIZE;
    unreadable = at + 830;
    expect(look() == -EIO);
}

int main(void)
{
    test_nothing();
    test_simple();
    test_ntfs();
    test_exfat();
    test_fat();
    test_iso();
    return test_end();
}

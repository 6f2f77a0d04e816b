/* What a disk in memory says of its parts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "library/crc32.h"
#include "library/partition_table.h"
#include "test.h"

#define BLOCKS 4096
static uint8_t disk[BLOCKS * 4096];
static uint32_t block_size;
static uint64_t unreadable; /* 0: all can be read */
static struct partition_table table;

static int read_blocks(void *context, uint64_t block, void *buffer, uint32_t count)
{
    (void)context;
    if (unreadable && block == unreadable)
        return -EIO;
    expect(block < BLOCKS && count <= BLOCKS - block);
    memcpy(buffer, disk + block * block_size, (size_t)count * block_size);
    return 0;
}

static int parse(void)
{
    const struct partition_source source = {
        .read = read_blocks, .block_size = block_size, .block_count = BLOCKS};
    void *buffer = malloc(PARTITION_BUFFER_SIZE);
    int error = partition_table_read(&source, buffer, &table);

    free(buffer);
    return error;
}

static void reset(uint32_t size)
{
    memset(disk, 0, sizeof(disk));
    block_size = size;
    unreadable = 0;
}

static void put_entry(uint64_t block, unsigned index, uint8_t type, uint32_t first, uint32_t count)
{
    uint8_t *sector = disk + block * block_size;
    uint8_t *entry = sector + 446 + 16 * index;

    entry[4] = type;
    put32(entry + 8, first);
    put32(entry + 12, count);
    put16(sector + 510, 0xaa55);
}

static void put_gpt_entry(uint64_t entries, unsigned index, uint64_t first, uint64_t last,
                          const char *name)
{
    uint8_t *entry = disk + entries * block_size + 128 * (size_t)index;

    memset(entry, 0x11 + (int)index, 32);
    put64(entry + 32, first);
    put64(entry + 40, last);
    for (unsigned i = 0; name[i] && i < 36; i++)
        put16(entry + 56 + 2 * i, (uint8_t)name[i]);
}

static void seal_header(uint64_t own, uint64_t entries)
{
    uint8_t *header = disk + own * block_size;

    memcpy(header, "EFI PART", 8);
    put32(header + 8, 0x10000);
    put32(header + 12, 92);
    put64(header + 24, own);
    put64(header + 32, own == 1 ? BLOCKS - 1 : 1);
    put64(header + 40, 34);
    put64(header + 48, BLOCKS - 34);
    memset(header + 56, 0xab, 16);
    put64(header + 72, entries);
    put32(header + 80, 128);
    put32(header + 84, 128);
    put32(header + 88, crc32(0, disk + entries * block_size, 128 * 128));
    put32(header + 16, 0);
    put32(header + 16, crc32(0, header, 92));
}

static void make_gpt(uint32_t size)
{
    reset(size);
    put_entry(0, 0, 0xee, 1, BLOCKS - 1);
    put_gpt_entry(2, 0, 40, 99, "EFI system");
    put_gpt_entry(2, 2, 100, 1000, "data");
    seal_header(1, 2);
    uint64_t backup = BLOCKS - 1 - 128 * 128 / size;
    memcpy(disk + backup * size, disk + 2UL * size, 128 * 128);
    seal_header(BLOCKS - 1, backup);
}

static void test_mbr(void)
{
    test_case("no table");
    reset(512);
    expect_equal(parse(), 0);
    expect_equal(table.kind, PARTITION_TABLE_NONE);

    test_case("an MBR with two");
    put_entry(0, 0, 0x0c, 63, 1000);
    put_entry(0, 2, 0x83, 2048, 2000);
    put32(disk + 440, 0xdeadbeef);
    expect_equal(parse(), 0);
    expect_equal(table.kind, PARTITION_TABLE_MBR);
    expect_equal(table.signature, 0xdeadbeef);
    expect_equal(table.count, 2);
    expect_equal(table.partitions[0].first, 63);
    expect_equal(table.partitions[1].number, 3);
    expect_equal(table.partitions[1].type, 0x83);

    test_case("one that ends behind the disk, and one that begins there");
    put_entry(0, 0, 0x0c, 63, BLOCKS);
    put_entry(0, 1, 0x0c, BLOCKS, 1);
    expect_equal(parse(), 0);
    expect_equal(table.count, 1);

    test_case("a boot sector's code is no table");
    disk[446] = 0x33;
    expect_equal(parse(), 0);
    expect_equal(table.kind, PARTITION_TABLE_NONE);

    test_case("logical ones");
    reset(512);
    put_entry(0, 0, 0x83, 10, 10);
    put_entry(0, 1, 0x05, 100, 1000);
    put_entry(100, 0, 0x83, 10, 50);
    put_entry(100, 1, 0x05, 200, 100);
    put_entry(300, 0, 0x82, 20, 30);
    expect_equal(parse(), 0);
    expect_equal(table.count, 4);
    expect_equal(table.partitions[1].count, 2); /* of the extended one, what a boot loader needs */
    expect_equal(table.partitions[2].number, 5);
    expect_equal(table.partitions[2].first, 110);
    expect_equal(table.partitions[3].number, 6);
    expect_equal(table.partitions[3].first, 320);
    expect_equal(table.partitions[3].type, 0x82);

    test_case("a chain in a circle, one out of the disk, and one that cannot be read");
    put_entry(300, 1, 0x0f, 0, 100);
    expect_equal(parse(), 0);
    expect_equal(table.count, 4);
    put_entry(300, 1, 0x0f, 1U << 31, 100);
    expect_equal(parse(), 0);
    expect_equal(table.count, 4);
    unreadable = 300;
    expect_equal(parse(), -EIO);
    put16(disk + 300 * 512 + 510, 0);
    unreadable = 0;
    expect_equal(parse(), 0);
    expect_equal(table.count, 3);
}

static void test_gpt(void)
{
    char guid[GUID_TEXT_SIZE];

    for (uint32_t size = 512; size <= 4096; size *= 8) {
        test_case("a GPT, blocks of %u bytes", size);
        make_gpt(size);
        expect_equal(parse(), 0);
        expect_equal(table.kind, PARTITION_TABLE_GPT);
        expect(!table.from_backup);
        expect_equal(table.count, 2);
        expect_equal(table.partitions[0].count, 60);
        expect_string(table.partitions[0].name, "EFI system");
        expect_equal(table.partitions[1].number, 3);
        guid_text(table.partitions[1].guid, guid);
        expect_string(guid, "13131313-1313-1313-1313-131313131313");
    }

    test_case("the copy, where the header or the entries are damaged");
    disk[block_size + 40]++;
    expect_equal(parse(), 0);
    expect(table.from_backup);
    expect_equal(table.count, 2);
    make_gpt(512);
    disk[2 * 512 + 60]++;
    expect_equal(parse(), 0);
    expect(table.from_backup);
    expect_string(table.partitions[0].name, "EFI system");

    test_case("both are damaged");
    disk[(BLOCKS - 1) * 512 + 16]++;
    expect_equal(parse(), 0);
    expect_equal(table.kind, PARTITION_TABLE_MBR);
    expect_equal(table.partitions[0].type, 0xee);

    test_case("without a protective MBR there is no GPT");
    make_gpt(512);
    disk[450] = 0x83;
    expect_equal(parse(), 0);
    expect_equal(table.kind, PARTITION_TABLE_MBR);

    test_case("what cannot be read");
    make_gpt(512);
    unreadable = 1;
    expect_equal(parse(), -EIO);
    unreadable = 2;
    expect_equal(parse(), -EIO);

    test_case("entries outside what is usable, and backwards");
    make_gpt(512);
    put_gpt_entry(2, 0, 20, 99, "x");
    put_gpt_entry(2, 1, 99, 98, "y");
    put_gpt_entry(2, 2, 100, BLOCKS - 2, "z");
    seal_header(1, 2);
    expect_equal(parse(), 0);
    expect(!table.from_backup);
    expect_equal(table.count, 0);
}

/* A header that is sealed, but says what cannot be. */
static void expect_refused(size_t offset, uint64_t value, size_t size)
{
    make_gpt(512);
    memset(disk + (BLOCKS - 1) * 512, 0, 512);
    memcpy(disk + 512 + offset, &value, size);
    put32(disk + 512 + 16, 0);
    uint32_t header_size = offset == 12 ? 92 : 92;
    put32(disk + 512 + 16, crc32(0, disk + 512, header_size));
    expect_equal(parse(), 0);
    expect_equal(table.kind, PARTITION_TABLE_MBR);
}

static void test_gpt_lies(void)
{
    test_case("headers that lie");
    expect_refused(12, 91, 4);
    expect_refused(12, 513, 4);
    expect_refused(24, 2, 8);
    expect_refused(40, 1UL << 40, 8);
    expect_refused(48, BLOCKS, 8);
    expect_refused(72, BLOCKS - 1, 8);
    expect_refused(72, UINT64_MAX, 8);
    expect_refused(80, UINT32_MAX, 4);
    expect_refused(84, 0, 4);
    expect_refused(84, 192, 4);
    expect_refused(84, 8192, 4);
    expect_refused(88, 1, 4);
}

static void put_name(const uint16_t *units, unsigned count)
{
    uint8_t *name = disk + 2 * 512 + 56;

    memset(name, 0, 72);
    for (unsigned i = 0; i < count; i++)
        put16(name + 2 * i, units[i]);
    seal_header(1, 2);
    expect_equal(parse(), 0);
}

static void test_names(void)
{
    static const uint16_t mixed[] = {'a', 0xe4, 0x20ac, 0xd83d, 0xde00, 'b'};
    static const uint16_t halves[] = {0xd83d, 'x', 0xde00, 7, 0xd83d};
    uint16_t longest[36];

    test_case("names");
    make_gpt(512);
    put_name(mixed, 6);
    expect_string(table.partitions[0].name, "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"
                                            "b");
    put_name(halves, 5);
    expect_string(table.partitions[0].name, "?x???");
    for (unsigned i = 0; i < 36; i++)
        longest[i] = 0x20ac;
    put_name(longest, 36);
    expect_equal(strlen(table.partitions[0].name), 108);
    longest[35] = 0xd83d;
    put_name(longest, 36);
    expect_equal(strlen(table.partitions[0].name), 106);
}

int main(void)
{
    test_mbr();
    test_gpt();
    test_gpt_lies();
    test_names();
    return test_end();
}

/* The firmware's table of runtime code and data. */
#include "library/memory_attributes.h"
#include "test.h"

#include <errno.h>
#include <string.h>

enum {
    CODE = 5,
    DATA = 6,
    RUNTIME_DATA_XP = 0x4000,
    RUNTIME_CODE_RO = 0x20000,
};

static uint8_t bytes[16 + 3 * 48];
static struct memory_attributes table;
static struct memory_attributes_entry entry;
static const char *reason;

static void head(uint32_t version, uint32_t count, uint32_t size)
{
    put32(bytes, version);
    put32(bytes + 4, count);
    put32(bytes + 8, size);
    put32(bytes + 12, 0);
}

static void descriptor(unsigned index, uint32_t type, uint64_t base, uint64_t pages,
                       uint64_t attribute)
{
    uint8_t *at = bytes + 16 + (size_t)index * 48;

    memset(at, 0, 48);
    put32(at, type);
    put64(at + 8, base);
    put64(at + 24, pages);
    put64(at + 32, attribute | 1ULL << 63);
}

static int start(size_t size)
{
    return memory_attributes_start(test_copy(bytes, size), size, &table, &reason);
}

static void test_good(void)
{
    test_case("code, data, and the end");
    head(2, 2, 48);
    descriptor(0, CODE, 0x7e000000, 3, RUNTIME_CODE_RO);
    descriptor(1, CODE, 0x7e003000, 1, RUNTIME_DATA_XP);
    expect_equal(start(sizeof(bytes)), 0);
    expect_equal(memory_attributes_at(&table, 0, &entry), 0);
    expect_equal(entry.base, 0x7e000000);
    expect_equal(entry.size, 0x3000);
    expect(entry.executable && !entry.writable);
    expect_equal(memory_attributes_at(&table, 1, &entry), 0);
    expect(!entry.executable && entry.writable);
    expect_equal(memory_attributes_at(&table, 2, &entry), -ENOENT);

    test_case("constants");
    descriptor(0, DATA, 0x1000, 1, RUNTIME_CODE_RO | RUNTIME_DATA_XP);
    expect_equal(start(sizeof(bytes)), 0);
    expect_equal(memory_attributes_at(&table, 0, &entry), 0);
    expect(!entry.executable && !entry.writable);

    test_case("an empty table");
    head(1, 0, 40);
    expect_equal(start(16), 0);
    expect_equal(memory_attributes_at(&table, 0, &entry), -ENOENT);
}

static void test_heads(void)
{
    static const struct {
        const char *name;
        uint32_t version, count, size;
        size_t bytes;
    } heads[] = {
        {"version 0", 0, 1, 48, sizeof(bytes)},
        {"version 3", 3, 1, 48, sizeof(bytes)},
        {"descriptors too small", 1, 1, 32, sizeof(bytes)},
        {"descriptors too large", 1, 1, 8192, sizeof(bytes)},
        {"descriptors of an odd size", 1, 1, 44, sizeof(bytes)},
        {"one too many", 1, 4, 48, sizeof(bytes)},
        {"very many", 1, UINT32_MAX, 48, sizeof(bytes)},
        {"cut", 1, 3, 48, sizeof(bytes) - 1},
        {"no head", 1, 0, 48, 15},
    };

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        test_case("refused: %s", heads[i].name);
        head(heads[i].version, heads[i].count, heads[i].size);
        expect_equal(start(heads[i].bytes), -EINVAL);
    }
}

static void test_entries(void)
{
    static const struct {
        const char *name;
        uint32_t type;
        uint64_t base, pages, attribute;
    } entries[] = {
        {"usable memory", 7, 0x1000, 1, RUNTIME_CODE_RO},
        {"nothing", CODE, 0x1000, 0, RUNTIME_CODE_RO},
        {"unaligned", CODE, 0x1800, 1, RUNTIME_CODE_RO},
        {"beyond the end", CODE, 0x1000, UINT64_MAX >> 12, RUNTIME_CODE_RO},
        {"overflowing", CODE, 0x1000, UINT64_MAX, RUNTIME_CODE_RO},
        {"writable and executable", CODE, 0x1000, 1, 0},
    };

    head(1, 1, 48);
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        test_case("ignored: %s", entries[i].name);
        descriptor(0, entries[i].type, entries[i].base, entries[i].pages, entries[i].attribute);
        expect_equal(start(sizeof(bytes)), 0);
        expect_equal(memory_attributes_at(&table, 0, &entry), -EINVAL);
    }
}

int main(void)
{
    test_good();
    test_heads();
    test_entries();
    return test_end();
}

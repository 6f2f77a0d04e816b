/* The first page tables: what is mapped, to where, with which permissions, from how many frames. */
#include <stdlib.h>
#include <string.h>

#include "page_table.h"
#include "test.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define DATA (PAGE_PRESENT | PAGE_WRITABLE | PAGE_NO_EXECUTE)
#define CODE PAGE_PRESENT

#define ADDRESS UINT64_C(0x000ffffffffff000)

static struct page_table table;
static void *pool;

static void start(uint64_t frames, bool gigabyte)
{
    pool = aligned_alloc(4096, frames * 4096);
    memset(pool, 0, frames * 4096);
    page_table_begin(&table, (uintptr_t)pool, frames, gigabyte);
}

/* The entry that a processor would use for the address, and how much it covers; 0: none. */
static uint64_t walk(uint64_t address, uint64_t *size)
{
    const uint64_t *entries = table.root;

    for (int level = 4; level >= 1; level--) {
        int shift = 12 + 9 * (level - 1);
        uint64_t entry = entries[address >> shift & 511];

        *size = UINT64_C(1) << shift;
        if (!(entry & PAGE_PRESENT))
            return 0;
        if (level == 1 || (entry & PAGE_LARGE))
            return entry;
        entries = (const uint64_t *)(uintptr_t)(entry & ADDRESS);
    }
    return 0;
}

static bool maps(uint64_t virtual_address, uint64_t physical, uint64_t flags)
{
    uint64_t size, entry = walk(virtual_address, &size);
    uint64_t base = entry & ADDRESS & ~(size - 1);

    return entry && base + (virtual_address & (size - 1)) == physical &&
           (entry & (PAGE_PRESENT | PAGE_WRITABLE | PAGE_NO_EXECUTE)) == flags;
}

static bool unmapped(uint64_t address)
{
    uint64_t size;

    return walk(address, &size) == 0;
}

static bool identity_map(uint64_t start, uint64_t end)
{
    struct page_table_range range = {start, end, 0, DATA};

    return page_table_map(&table, &range);
}

static void test_sizes(void)
{
    uint64_t size;

    test_case("1 GiB pages where they fit, smaller ones at the edges");
    start(16, true);
    expect(identity_map(GIB - 4 * KIB, 3 * GIB + 2 * MIB + 4 * KIB));
    expect(maps(GIB - 1, GIB - 1, DATA) && unmapped(GIB - 4 * KIB - 1));
    walk(GIB, &size);
    expect(size == GIB);
    expect(maps(2 * GIB + 12345, 2 * GIB + 12345, DATA));
    walk(3 * GIB, &size);
    expect(size == 2 * MIB);
    walk(3 * GIB + 2 * MIB, &size);
    expect(size == 4 * KIB);
    expect(unmapped(3 * GIB + 2 * MIB + 4 * KIB));
    free(pool);

    test_case("without 1 GiB pages");
    start(16, false);
    expect(identity_map(0, 2 * GIB));
    walk(GIB, &size);
    expect(size == 2 * MIB);
    expect(maps(2 * GIB - 1, 2 * GIB - 1, DATA) && unmapped(2 * GIB));
    free(pool);
}

static void test_order(void)
{
    struct page_table_range jump = {GIB + 5 * MIB, GIB + 5 * MIB + 4 * KIB, 0, CODE};

    test_case("what is mapped first keeps its permissions");
    start(16, true);
    expect(page_table_map(&table, &jump));
    expect(identity_map(0, 4 * GIB));
    expect(maps(jump.start, jump.start, CODE));
    expect(maps(jump.start - 1, jump.start - 1, DATA));
    expect(maps(jump.end, jump.end, DATA));
    expect(maps(3 * GIB, 3 * GIB, DATA));

    test_case("mapping again changes nothing and takes no frame");
    uint64_t next = table.next;
    expect(identity_map(0, 4 * GIB));
    expect(identity_map(7 * MIB, 9 * MIB));
    expect(table.next == next);
    expect(maps(jump.start, jump.start, CODE));
    free(pool);
}

static void test_kernel(void)
{
    uint64_t base = UINT64_C(0xffffffffbfe00000), physical = 0x1234567000;
    struct page_table_range text = {base, base + 2 * MIB, physical - base, CODE};
    struct page_table_range data = {base + 2 * MIB, base + 2 * MIB + 8 * KIB, physical - base,
                                    DATA};
    struct page_table_range top = {UINT64_C(0xfffffffffffff000), 0, 0x6000, DATA};

    test_case("the kernel: high addresses, physical memory at any page");
    start(16, true);
    expect(page_table_map(&table, &text) && page_table_map(&table, &data));
    expect(maps(base, physical, CODE));
    expect(maps(base + 2 * MIB - 1, physical + 2 * MIB - 1, CODE));
    expect(maps(base + 2 * MIB, physical + 2 * MIB, DATA));
    expect(unmapped(base + 2 * MIB + 8 * KIB) && unmapped(base - 1));

    test_case("the last page of all");
    expect(page_table_map(&table, &top));
    expect(maps(top.start, 0x5000, DATA) && unmapped(0));
    free(pool);
}

static void test_empty_pool(void)
{
    test_case("an empty pool is an error, an empty range is not");
    start(3, false);
    expect(identity_map(0, 0));
    expect(!identity_map(4 * KIB, 2 * MIB));
    free(pool);
}

/* A pseudo-random number below `limit` (xorshift). */
static uint64_t random_below(uint64_t limit)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}

/* Ranges as a firmware map has them: in any order, touching, with gaps, of any size. */
static size_t random_ranges(struct page_table_range *ranges, size_t count, bool shuffled)
{
    uint64_t address = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t unit = (uint64_t[]){4 * KIB, 64 * KIB, 2 * MIB, GIB}[random_below(4)];

        if (random_below(2))
            address += random_below(8) * unit;
        ranges[i] = (struct page_table_range){address, 0, 0, DATA};
        address += (1 + random_below(10)) * unit;
        ranges[i].end = address;
    }
    for (size_t i = 0; i < count && shuffled; i++) {
        size_t other = random_below(count);
        struct page_table_range range = ranges[i];

        ranges[i] = ranges[other];
        ranges[other] = range;
    }
    return count;
}

/* One map: counted, built with just that many frames, looked up. */
static void count_round(bool gigabyte, bool shuffled)
{
    static struct page_table_range ranges[100];
    struct page_table_counter counter = {0};
    size_t count = random_ranges(ranges, 1 + random_below(100), shuffled);

    for (size_t i = 0; i < count; i++)
        page_table_count(&counter, &ranges[i], gigabyte);
    start(counter.frames, gigabyte);
    for (size_t i = 0; i < count; i++)
        expect(page_table_map(&table, &ranges[i]));
    for (size_t i = 0; i < count; i++) {
        uint64_t middle = ranges[i].start + random_below(ranges[i].end - ranges[i].start);

        expect(maps(ranges[i].start, ranges[i].start, DATA));
        expect(maps(middle, middle, DATA));
        expect(maps(ranges[i].end - 1, ranges[i].end - 1, DATA));
    }
    /* In ascending order the bound is exact. */
    if (!shuffled)
        expect(table.next == table.end);
    free(pool);
}

static void test_count(void)
{
    for (int kind = 0; kind < 4; kind++) {
        test_case("100 random maps, %s 1 GiB pages, %s: enough frames are counted",
                  kind & 1 ? "with" : "without", kind & 2 ? "in any order" : "ascending");
        for (int round = 0; round < 100; round++)
            count_round(kind & 1, kind & 2);
    }
}

int main(void)
{
    test_sizes();
    test_order();
    test_kernel();
    test_empty_pool();
    test_count();
    return test_end();
}

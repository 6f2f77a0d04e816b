/* What CPUID says of caches. */
#include "library/cache_description.h"
#include "test.h"

static struct cache_description cache;

static void expect_cache(unsigned level, enum cache_type type, unsigned size, unsigned ways,
                         unsigned sets)
{
    expect_equal(cache.level, level);
    expect_equal(cache.type, type);
    expect_equal(cache.size, size);
    expect_equal(cache.ways, ways);
    expect_equal(cache.sets, sets);
    expect_equal(cache.line, 64);
    expect_equal(cache.partitions, 1);
}

int main(void)
{
    test_case("leaf 4: 32 KiB of data, 16 MiB that sixteen share");
    expect(cache_of_leaf((uint32_t[]){0x121, 0x01c0003f, 63, 1}, &cache));
    expect_cache(1, CACHE_DATA, 32 << 10, 8, 64);
    expect_equal(cache.sharers, 1);
    expect(cache_of_leaf((uint32_t[]){0x3c163, 0x03c0003f, 16383, 6}, &cache));
    expect_cache(3, CACHE_UNIFIED, 16 << 20, 16, 16384);
    expect_equal(cache.sharers, 16);

    test_case("no more, and a type that is not known");
    expect(!cache_of_leaf((uint32_t[]){0, 0, 0, 0}, &cache));
    expect(!cache_of_leaf((uint32_t[]){4, 0, 0, 0}, &cache));

    /* What QEMU's processor says, and Debian's kernel shows of it. */
    const uint32_t first[] = {0x40020140, 0x40020140}, second[] = {0x02008140, 0x00808140};

    test_case("the leaves of older processors of AMD");
    expect(cache_of_old_leaves(first, second, 0, &cache));
    expect_cache(1, CACHE_DATA, 64 << 10, 2, 512);
    expect(cache_of_old_leaves(first, second, 1, &cache));
    expect_cache(1, CACHE_INSTRUCTION, 64 << 10, 2, 512);
    expect(cache_of_old_leaves(first, second, 2, &cache));
    expect_cache(2, CACHE_UNIFIED, 512 << 10, 16, 512);
    expect(cache_of_old_leaves(first, second, 3, &cache));
    expect_cache(3, CACHE_UNIFIED, 16 << 20, 16, 16384);
    expect_equal(cache.sharers, 0);
    expect(!cache_of_old_leaves(first, second, 4, &cache));

    test_case("fully associative, and none");
    const uint32_t full[] = {0x04ff0140, 0x00020140}, none[] = {0, 0x00008100};
    expect(cache_of_old_leaves(full, none, 0, &cache));
    expect_cache(1, CACHE_DATA, 4 << 10, 64, 1);
    expect(!cache_of_old_leaves(full, none, 1, &cache));
    expect(!cache_of_old_leaves(full, none, 2, &cache));
    expect(!cache_of_old_leaves(full, none, 3, &cache));
    return test_end();
}

#include "library/cache_description.h"

#include "library/types.h"

/* `count` bits from bit `first` on. */
static uint32_t bits(uint32_t value, unsigned first, unsigned count)
{
    return value >> first & ((1U << count) - 1);
}

bool cache_of_leaf(const uint32_t registers[4], struct cache_description *cache)
{
    uint32_t a = registers[0], b = registers[1];

    if (bits(a, 0, 5) == CACHE_NONE || bits(a, 0, 5) > CACHE_UNIFIED)
        return false;
    *cache = (struct cache_description){
        .type = (enum cache_type)bits(a, 0, 5),
        .level = (uint8_t)bits(a, 5, 3),
        .sharers = bits(a, 14, 12) + 1,
        .line = bits(b, 0, 12) + 1,
        .partitions = bits(b, 12, 10) + 1,
        .ways = bits(b, 22, 10) + 1,
        .sets = registers[2] + 1,
    };
    cache->size = (uint64_t)cache->line * cache->partitions * cache->ways * cache->sets;
    return true;
}

/* Fn8000_0006's codes; of the first level the number itself is told, where it is one of these. */
static uint32_t ways_of(uint32_t code, uint32_t lines)
{
    static const uint8_t ways[] = {[1] = 1,   [2] = 2,   [4] = 4,   [6] = 8,   [8] = 16,
                                   [10] = 32, [11] = 48, [12] = 64, [13] = 96, [14] = 128};

    return code < sizeof(ways) && ways[code] ? ways[code] : lines;
}

/* A table's row: which cache an index means, and how its register tells size and ways. */
bool cache_of_old_leaves(const uint32_t first[2], const uint32_t second[2], unsigned index,
                         struct cache_description *cache)
{
    const uint64_t kilobyte = 1024;
    bool far = index >= 2;
    uint32_t value = index > 3 ? 0 : far ? second[index - 2] : first[index];
    uint64_t size = !far         ? bits(value, 24, 8) * kilobyte
                    : index == 2 ? bits(value, 16, 16) * kilobyte
                                 : bits(value, 18, 14) * 512 * kilobyte;
    uint32_t line = bits(value, 0, 8);

    if (!line || size < line)
        return false;
    uint32_t lines = (uint32_t)(size / line);
    uint32_t ways = ways_of(far ? bits(value, 12, 4) : bits(value, 16, 8), lines);
    *cache = (struct cache_description){
        .level = index < 2 ? 1 : (uint8_t)index,
        .type = index == 0   ? CACHE_DATA
                : index == 1 ? CACHE_INSTRUCTION
                             : CACHE_UNIFIED,
        .line = line,
        .partitions = far ? bits(value, 8, 4) : bits(value, 8, 8),
        .ways = ways,
        .sets = lines / ways,
        .size = size,
        .sharers = index == 3 ? 0 : 1,
    };
    return true;
}

/* The firmware's memory map. */
#include "library/memory_map.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

enum {
    RESERVED,
    LOADER_CODE,
    LOADER_DATA,
    BOOT_CODE,
    BOOT_DATA,
    RUNTIME_CODE,
    RUNTIME_DATA,
    CONVENTIONAL,
    UNUSABLE,
    ACPI_RECLAIM,
    ACPI_NVS,
    MMIO,
    MMIO_PORT,
    PAL_CODE,
    PERSISTENT,
    UNACCEPTED,
};

#define WB      MEMORY_ATTRIBUTE_WB
#define UC      MEMORY_ATTRIBUTE_UC
#define RUNTIME MEMORY_ATTRIBUTE_RUNTIME
#define MIB     0x100000

struct descriptor {
    uint32_t type;
    uint64_t base, pages, attributes;
};

enum {
    RANGES_MAX = 20000,
};
static struct memory_range ranges[RANGES_MAX];
static struct memory_map_findings findings;

/* Lays the descriptors out as OVMF does, 48 bytes apart with rubbish between. */
static int parse_with(const struct descriptor *descriptors, size_t count, size_t step,
                      unsigned physical_bits)
{
    uint8_t *map = malloc(count * step);

    memset(map, 0xa5, count * step);
    for (size_t i = 0; i < count; i++) {
        put32(map + i * step, descriptors[i].type);
        put64(map + i * step + 8, descriptors[i].base);
        put64(map + i * step + 24, descriptors[i].pages);
        put64(map + i * step + 32, descriptors[i].attributes);
    }
    int result =
        memory_map_parse(map, count * step, step, 1, physical_bits, ranges, RANGES_MAX, &findings);
    free(map);
    return result;
}

#define PARSE(...)                                                                                 \
    parse_with((const struct descriptor[]){__VA_ARGS__},                                           \
               sizeof((const struct descriptor[]){__VA_ARGS__}) / sizeof(struct descriptor), 48,   \
               40)

static bool expect_range(int index, uint64_t base, uint64_t end, enum memory_kind kind)
{
    const struct memory_range *range = &ranges[index];
    return expect_equal(range->base, base) && expect_equal(range->base + range->size, end) &&
           expect_string(memory_kind_name(range->kind), memory_kind_name(kind));
}

static void test_kinds(void)
{
    static const struct {
        uint32_t type;
        uint64_t attributes;
        enum memory_kind kind;
    } cases[] = {
        {RESERVED, WB, MEMORY_RESERVED},
        {LOADER_CODE, WB, MEMORY_LOADER},
        {LOADER_DATA, WB | UC, MEMORY_LOADER},
        {BOOT_CODE, WB, MEMORY_BOOT_SERVICES},
        {BOOT_DATA, WB, MEMORY_BOOT_SERVICES},
        {RUNTIME_CODE, WB | RUNTIME, MEMORY_RUNTIME_CODE},
        {RUNTIME_DATA, WB | RUNTIME, MEMORY_RUNTIME_DATA},
        {RUNTIME_DATA, WB, MEMORY_RUNTIME_DATA},
        {CONVENTIONAL, WB, MEMORY_USABLE},
        {CONVENTIONAL, 0xf, MEMORY_USABLE},
        {CONVENTIONAL, WB | MEMORY_ATTRIBUTE_MORE_RELIABLE, MEMORY_USABLE},
        {CONVENTIONAL, UC, MEMORY_UNCACHED},
        {CONVENTIONAL, 0, MEMORY_UNCACHED},
        {CONVENTIONAL, WB | MEMORY_ATTRIBUTE_SP, MEMORY_SPECIAL_PURPOSE},
        {CONVENTIONAL, WB | MEMORY_ATTRIBUTE_NV, MEMORY_PERSISTENT},
        {CONVENTIONAL, WB | RUNTIME, MEMORY_RUNTIME_DATA},
        {BOOT_DATA, UC, MEMORY_UNCACHED},
        {BOOT_DATA, WB | RUNTIME, MEMORY_RUNTIME_DATA},
        {UNUSABLE, WB, MEMORY_RESERVED},
        {ACPI_RECLAIM, WB, MEMORY_ACPI_TABLES},
        {ACPI_NVS, WB, MEMORY_ACPI_NVS},
        {MMIO, UC | RUNTIME, MEMORY_DEVICE},
        {MMIO_PORT, UC, MEMORY_DEVICE},
        {PAL_CODE, WB, MEMORY_RESERVED},
        {PERSISTENT, WB, MEMORY_PERSISTENT},
        {UNACCEPTED, WB, MEMORY_UNACCEPTED},
        {16, WB, MEMORY_RESERVED},
        {0x70000000, WB, MEMORY_RESERVED},
        {0xffffffff, WB, MEMORY_RESERVED},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("type %u with attributes %llx is %s", cases[i].type,
                  (unsigned long long)cases[i].attributes, memory_kind_name(cases[i].kind));
        expect_equal(PARSE({cases[i].type, 0x1000000, 16, cases[i].attributes}), 1);
        expect_range(0, 0x1000000, 0x1010000, cases[i].kind);
        expect_equal(ranges[0].type, cases[i].type);
        expect_equal(ranges[0].attributes, cases[i].attributes);
        expect_equal(findings.unknown_type, cases[i].type > UNACCEPTED);
    }

    test_case("only conventional memory is usable, below 1 MiB apart");
    expect_equal(PARSE({CONVENTIONAL, 0, 0xa0, WB}, {LOADER_DATA, 0xa0000, 0x10, WB},
                       {CONVENTIONAL, 0xb0000, 0x100, WB}),
                 5);
    expect_range(0, 0, 0x1000, MEMORY_PAGE_ZERO);
    expect_range(1, 0x1000, 0xa0000, MEMORY_LOW);
    expect_range(2, 0xa0000, 0xb0000, MEMORY_LOADER);
    expect_range(3, 0xb0000, MIB, MEMORY_LOW);
    expect_range(4, MIB, 0x1b0000, MEMORY_USABLE);

    test_case("page 0 is never boot services' or the loader's");
    expect_equal(PARSE({BOOT_DATA, 0, 2, WB}), 2);
    expect_range(0, 0, 0x1000, MEMORY_PAGE_ZERO);
    expect_range(1, 0x1000, 0x2000, MEMORY_BOOT_SERVICES);
    expect_equal(PARSE({LOADER_DATA, 0, 1, WB}), 1);
    expect_range(0, 0, 0x1000, MEMORY_PAGE_ZERO);

    test_case("kind names");
    for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
        expect(memory_kind_name((enum memory_kind)kind)[0] != '\0');
    expect_string(memory_kind_name(MEMORY_KIND_COUNT), "unknown");
}

static void test_merging(void)
{
    test_case("neighbours of one kind, type and attributes are one range");
    expect_equal(PARSE({CONVENTIONAL, 0x200000, 0x100, WB}, {CONVENTIONAL, 0x300000, 0x100, WB},
                       {CONVENTIONAL, 0x400000, 0x100, WB | UC}, {BOOT_CODE, 0x500000, 1, WB},
                       {BOOT_DATA, 0x501000, 1, WB}),
                 4);
    expect_range(0, 0x200000, 0x400000, MEMORY_USABLE);
    expect_range(1, 0x400000, 0x500000, MEMORY_USABLE);
    expect_range(2, 0x500000, 0x501000, MEMORY_BOOT_SERVICES);
    expect_range(3, 0x501000, 0x502000, MEMORY_BOOT_SERVICES);
    expect_equal(findings.overlapping, 0);
    expect_equal(findings.unsorted, 0);
    expect_equal(findings.descriptors, 5);

    test_case("unsorted descriptors");
    expect_equal(PARSE({CONVENTIONAL, 0x400000, 0x100, WB}, {CONVENTIONAL, 0x200000, 0x100, WB},
                       {CONVENTIONAL, 0x300000, 0x100, WB}),
                 1);
    expect_range(0, 0x200000, 0x500000, MEMORY_USABLE);
    expect_equal(findings.unsorted, 1);

    test_case("holes stay holes");
    expect_equal(PARSE({CONVENTIONAL, 0x200000, 1, WB}, {CONVENTIONAL, 0x202000, 1, WB}), 2);

    test_case("zero-length descriptors are ignored");
    expect_equal(PARSE({RESERVED, 0x200000, 0, WB}, {CONVENTIONAL, 0x200000, 1, WB},
                       {RESERVED, 0x200800, 0, WB}),
                 1);
    expect_range(0, 0x200000, 0x201000, MEMORY_USABLE);
    expect_equal(findings.zero_length, 2);

    test_case("nothing but zero-length descriptors");
    expect_equal(PARSE({CONVENTIONAL, 0, 0, WB}), 0);
}

static void test_overlaps(void)
{
    test_case("the more restrictive kind wins, first or last");
    expect_equal(PARSE({CONVENTIONAL, 0x200000, 0x100, WB}, {RESERVED, 0x210000, 0x10, 0}), 3);
    expect_range(0, 0x200000, 0x210000, MEMORY_USABLE);
    expect_range(1, 0x210000, 0x220000, MEMORY_RESERVED);
    expect_range(2, 0x220000, 0x300000, MEMORY_USABLE);
    expect_equal(findings.overlapping, 1);
    expect_equal(PARSE({RESERVED, 0x210000, 0x10, 0}, {CONVENTIONAL, 0x200000, 0x100, WB}), 3);
    expect_range(1, 0x210000, 0x220000, MEMORY_RESERVED);

    test_case("half overlaps");
    expect_equal(PARSE({CONVENTIONAL, 0x200000, 0x20, WB}, {RUNTIME_DATA, 0x210000, 0x20, WB},
                       {CONVENTIONAL, 0x228000, 0x20, WB}),
                 3);
    expect_range(0, 0x200000, 0x210000, MEMORY_USABLE);
    expect_range(1, 0x210000, 0x230000, MEMORY_RUNTIME_DATA);
    expect_range(2, 0x230000, 0x248000, MEMORY_USABLE);

    test_case("two of one kind: the first one's type stays");
    expect_equal(PARSE({BOOT_DATA, 0x200000, 1, WB}, {BOOT_CODE, 0x200000, 1, WB}), 1);
    expect_equal(ranges[0].type, BOOT_DATA);
    expect_equal(findings.unsorted, 0);

    test_case("the same range twice keeps the attributes of both");
    expect_equal(PARSE({CONVENTIONAL, 0x200000, 1, WB | UC}, {CONVENTIONAL, 0x200000, 1, WB}), 1);
    expect_equal(ranges[0].attributes, WB);

    test_case("three on top of each other");
    expect_equal(PARSE({MMIO, 0x200000, 1, UC}, {BOOT_DATA, 0x200000, 2, WB},
                       {CONVENTIONAL, 0x200000, 3, WB}),
                 3);
    expect_range(0, 0x200000, 0x201000, MEMORY_DEVICE);
    expect_range(1, 0x201000, 0x202000, MEMORY_BOOT_SERVICES);
    expect_range(2, 0x202000, 0x203000, MEMORY_USABLE);
}

static void test_hostile_ranges(void)
{
    const uint64_t end = UINT64_C(1) << 40;

    test_case("unaligned RAM is made smaller");
    expect_equal(PARSE({CONVENTIONAL, 0x200800, 3, WB}), 1);
    expect_range(0, 0x201000, 0x203000, MEMORY_USABLE);
    expect_equal(findings.unaligned, 1);
    test_case("unaligned RAM that is not write-back is made smaller, too");
    expect_equal(PARSE({CONVENTIONAL, 0x200800, 3, UC}), 1);
    expect_range(0, 0x201000, 0x203000, MEMORY_UNCACHED);
    test_case("one unaligned page of RAM is nothing");
    expect_equal(PARSE({CONVENTIONAL, 0x200001, 1, WB}), 0);
    test_case("unaligned reserved memory is made larger");
    expect_equal(PARSE({RESERVED, 0x200800, 3, WB}), 1);
    expect_range(0, 0x200000, 0x204000, MEMORY_RESERVED);

    test_case("length that wraps: RAM is ignored");
    expect_equal(PARSE({CONVENTIONAL, 0x200000, 0x10000000000000, WB}), 0);
    expect_equal(findings.overflowing, 1);
    test_case("end that wraps: RAM is ignored");
    expect_equal(PARSE({CONVENTIONAL, 0xfffffffffffff000, 2, WB}), 0);
    expect_equal(findings.overflowing, 1);
    test_case("end that wraps: reserved memory reaches to the limit");
    expect_equal(PARSE({RESERVED, 0x200000, ~0ULL, WB}), 1);
    expect_range(0, 0x200000, end, MEMORY_RESERVED);
    test_case("end that wraps beyond the limit");
    expect_equal(PARSE({RESERVED, 0xfffffffffffff000, 2, WB}), 0);

    test_case("beyond the CPU's addresses: cut off");
    expect_equal(PARSE({CONVENTIONAL, end - 0x2000, 4, WB}), 1);
    expect_range(0, end - 0x2000, end, MEMORY_USABLE);
    expect_equal(findings.beyond_limit, 1);
    test_case("up to the CPU's last address: nothing to find");
    expect_equal(PARSE({CONVENTIONAL, end - 0x2000, 2, WB}), 1);
    expect_equal(findings.beyond_limit, 0);
    test_case("all beyond the CPU's addresses: ignored");
    expect_equal(PARSE({CONVENTIONAL, end, 4, WB}, {RESERVED, end + 0x800, 1, 0}), 0);
    expect_equal(findings.beyond_limit, 2);
    test_case("reserved memory that ends unaligned at the limit");
    expect_equal(PARSE({RESERVED, end - 0x800, 1, 0}), 1);
    expect_range(0, end - 0x1000, end, MEMORY_RESERVED);
}

static void test_arguments(void)
{
    static const struct descriptor one = {CONVENTIONAL, 0x200000, 16, WB};
    static const size_t good_steps[] = {40, 48, 56, 4096};
    static uint8_t map[4096];

    for (size_t i = 0; i < array_length(good_steps); i++) {
        test_case("descriptors %zu bytes apart", good_steps[i]);
        expect_equal(parse_with(&one, 1, good_steps[i], 40), 1);
    }

    static const struct {
        const char *name;
        uint64_t map_size, descriptor_size;
        unsigned physical_bits;
        size_t capacity;
        int result;
    } cases[] = {
        {"descriptor size 0", 480, 0, 40, 100, -EINVAL},
        {"descriptor size 32", 480, 32, 40, 100, -EINVAL},
        {"descriptor size 44", 440, 44, 40, 100, -EINVAL},
        {"descriptor size 2^63", 480, 1ULL << 63, 40, 100, -EINVAL},
        {"no descriptors", 0, 48, 40, 100, -EINVAL},
        {"half a descriptor more", 500, 48, 40, 100, 0},
        {"less than a descriptor", 40, 48, 40, 100, -EINVAL},
        {"map of 2^64-16 bytes", ~0ULL - 15, 48, 40, 100, -EINVAL},
        {"map of more than 16 MiB", 48 * 349526, 48, 40, 100, -EINVAL},
        {"too few physical bits", 480, 48, 31, 100, -EINVAL},
        {"too many physical bits", 480, 48, 53, 100, -EINVAL},
        {"not enough room", 480, 48, 40, 23, -ENOSPC},
        {"just enough room", 480, 48, 40, 24, 0},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("%s", cases[i].name);
        expect_equal(memory_map_parse(map, cases[i].map_size, cases[i].descriptor_size, 1,
                                      cases[i].physical_bits, ranges, cases[i].capacity, NULL),
                     cases[i].result);
    }

    test_case("room that a map needs");
    expect_equal(memory_map_capacity(480, 48), 24);
    expect_equal(memory_map_capacity(480, 39), 0);
    expect_equal(memory_map_capacity(17 * MIB, 48), 0);

    static const unsigned bits[] = {32, 52};
    for (size_t i = 0; i < array_length(bits); i++) {
        test_case("%u physical bits", bits[i]);
        expect_equal(parse_with(&(struct descriptor){RESERVED, 0, ~0ULL, 0}, 1, 48, bits[i]), 1);
        expect_range(0, 0, UINT64_C(1) << bits[i], MEMORY_RESERVED);
    }

    test_case("largest map");
    static uint8_t largest[16 * MIB];
    expect_equal(memory_map_capacity(16 * MIB, 64), 32 * MIB / 64 + 4);
    expect_equal(memory_map_parse(largest, 16 * MIB, 4096, 1, 40, ranges, RANGES_MAX, NULL), 0);
    expect_equal(memory_map_parse(largest, 16 * MIB + 64, 64, 1, 40, ranges, RANGES_MAX, NULL),
                 -EINVAL);

    test_case("unknown version is a finding");
    expect_equal(memory_map_parse(map, 480, 48, 2, 40, ranges, 24, &findings), 0);
    expect_equal(findings.unknown_version, 1);
}

static void test_find(void)
{
    test_case("the range of an address");
    int count = PARSE({CONVENTIONAL, 0x200000, 1, WB}, {RESERVED, 0x201000, 1, WB},
                      {CONVENTIONAL, 0x203000, 1, WB});
    expect_equal(count, 3);
    expect(memory_map_find(ranges, 3, 0x1fffff) == NULL);
    expect(memory_map_find(ranges, 3, 0x200000) == &ranges[0]);
    expect(memory_map_find(ranges, 3, 0x200fff) == &ranges[0]);
    expect(memory_map_find(ranges, 3, 0x201000) == &ranges[1]);
    expect(memory_map_find(ranges, 3, 0x202000) == NULL);
    expect(memory_map_find(ranges, 3, 0x203fff) == &ranges[2]);
    expect(memory_map_find(ranges, 3, 0x204000) == NULL);
    expect(memory_map_find(ranges, 0, 0) == NULL);
}

static void test_many(void)
{
    enum {
        COUNT = 4000,
    };
    static struct descriptor descriptors[COUNT];

    test_case("4000 descriptors from high to low, every second one reserved");
    for (int i = 0; i < COUNT; i++)
        descriptors[i] = (struct descriptor){i % 2 ? RESERVED : CONVENTIONAL,
                                             (uint64_t)(COUNT - i) * MIB, 0x100, WB};
    expect_equal(parse_with(descriptors, COUNT, 48, 40), COUNT);
    for (int i = 0; i < COUNT; i++)
        expect_range(i, (uint64_t)(i + 1) * MIB, (uint64_t)(i + 2) * MIB,
                     i % 2 ? MEMORY_USABLE : MEMORY_RESERVED);

    test_case("4000 descriptors one inside the other: the most pieces");
    for (int i = 0; i < COUNT; i++)
        descriptors[i] =
            (struct descriptor){i % 2 ? RESERVED : RUNTIME_CODE, MIB + (uint64_t)i * 0x1000,
                                (uint64_t)(2 * (COUNT - i)), WB};
    int count = parse_with(descriptors, COUNT, 48, 40);
    expect_equal(count, 3); /* reserved wins everywhere but at the rim */
    expect_range(1, MIB + 0x1000, MIB + 7999 * 0x1000, MEMORY_RESERVED);
}

static bool is_below_2_mib(uint64_t base, uint64_t size)
{
    return base + size <= 2 * MIB;
}

static void test_uncached(void)
{
    uint64_t left;

    test_case("memory without the attribute is judged by who knows better");
    expect_equal(PARSE({CONVENTIONAL, MIB, 0x100, 0}, {CONVENTIONAL, 4 * MIB, 0x100, 0},
                       {CONVENTIONAL, 0x8000, 1, 0}),
                 3);
    expect_equal(memory_map_judge_uncached(ranges, 3, is_below_2_mib, &left), MIB + 0x1000);
    expect_equal(left, MIB);
    expect_range(0, 0x8000, 0x9000, MEMORY_LOW);
    expect_range(1, MIB, 2 * MIB, MEMORY_USABLE);
    expect_range(2, 4 * MIB, 5 * MIB, MEMORY_UNCACHED);
}

static void test_words(void)
{
    char text[MEMORY_MAP_FINDINGS_TEXT];

    test_case("nothing is wrong: no words");
    memory_map_findings_text(&(struct memory_map_findings){.descriptors = 5}, text, sizeof(text));
    expect_string(text, "");
    test_case("what is wrong, in words");
    memory_map_findings_text(&(struct memory_map_findings){.zero_length = 2, .unsorted = 3}, text,
                             sizeof(text));
    expect_string(text, "2 empty, 3 unsorted");
    struct memory_map_findings all;
    memset(&all, 0xff, sizeof(all));
    memory_map_findings_text(&all, text, sizeof(text));
    expect_equal(strlen(text) < sizeof(text) - 1, 1);
    test_case("what the loader has to map");
    expect_equal(memory_kind_is_mapped(MEMORY_UNCACHED), 1);
    expect_equal(memory_kind_is_mapped(MEMORY_UNACCEPTED), 0);
}

int main(void)
{
    test_uncached();
    test_words();
    test_kinds();
    test_merging();
    test_overlaps();
    test_hostile_ranges();
    test_arguments();
    test_find();
    test_many();
    return test_end();
}

/* test_memory_type.c: what the memory type range registers say of a range. */
#include "library/memory_type.h"
#include "test.h"

enum { UNCACHED, WRITE_COMBINING, WRITE_THROUGH = 4, WRITE_BACK = 6 };
#define GIB     UINT64_C(0x40000000)
#define ENABLED UINT64_C(0x800)
#define FIXED   UINT64_C(0x400)
#define BITS    40

static uint64_t mask_of(uint64_t size)
{
    return ((UINT64_C(1) << BITS) - size) | 0x800;
}

static void expect_type(const struct memory_type_registers *registers, uint64_t base, uint64_t size,
                        bool write_back)
{
    expect_equal(memory_type_is_write_back(registers, BITS, base, size), write_back);
}

int main(void)
{
    test_case("registers that are off: nothing is cached");
    struct memory_type_registers none = {.default_type = WRITE_BACK};
    expect_type(&none, 0, GIB, false);

    test_case("write-back by default, with a hole");
    struct memory_type_registers hole = {
        .default_type = ENABLED | WRITE_BACK,
        .base = {3 * GIB | UNCACHED},
        .mask = {mask_of(GIB)},
        .variable_count = 1,
    };
    expect_type(&hole, 0, 3 * GIB, true);
    expect_type(&hole, 0, 3 * GIB + 4096, false);
    expect_type(&hole, 4 * GIB, 60 * GIB, true);
    expect_type(&hole, 4 * GIB - 4096, GIB, false);

    test_case("uncached by default, memory in two pieces");
    struct memory_type_registers pieces = {
        .default_type = ENABLED | UNCACHED,
        .base = {0 | WRITE_BACK, 2 * GIB | WRITE_BACK, 4 * GIB | WRITE_BACK},
        .mask = {mask_of(2 * GIB), mask_of(GIB), mask_of(GIB) & ~UINT64_C(0x800)},
        .variable_count = 3,
    };
    expect_type(&pieces, 0, 3 * GIB, true);
    expect_type(&pieces, 3 * GIB, 4096, false);
    expect_type(&pieces, 4 * GIB, 4096, false);

    test_case("of several ranges every one has to be write-back");
    struct memory_type_registers several = {
        .default_type = ENABLED | UNCACHED,
        .base = {0 | WRITE_BACK, GIB | WRITE_THROUGH, 0 | WRITE_BACK},
        .mask = {mask_of(2 * GIB), mask_of(GIB), mask_of(4 * GIB)},
        .variable_count = 3,
    };
    expect_type(&several, 0, GIB, true);
    expect_type(&several, GIB, 4096, false);
    expect_type(&several, 2 * GIB, 2 * GIB, true);

    test_case("below 1 MiB the fixed ranges");
    struct memory_type_registers fixed = {.default_type = ENABLED | FIXED | WRITE_BACK};
    fixed.fixed[0] = UINT64_C(0x0606060606060606); /* to 512 KiB */
    fixed.fixed[1] = UINT64_C(0x0606060606060606); /* to 640 KiB */
    fixed.fixed[3] = UINT64_C(0x0006060606060606); /* 0xc0000 to 0xc7000 */
    expect_type(&fixed, 0, 0xa0000, true);
    expect_type(&fixed, 0, 0xa1000, false);
    expect_type(&fixed, 0xc0000, 0x7000, true);
    expect_type(&fixed, 0xc0000, 0x8000, false);
    expect_type(&fixed, 0x100000, GIB, true);
    test_case("without fixed ranges the variable ones");
    fixed.default_type &= ~FIXED;
    expect_type(&fixed, 0, GIB, true);

    test_case("beyond the processor's addresses");
    expect_type(&hole, UINT64_C(1) << BITS, 4096, false);
    expect_type(&hole, (UINT64_C(1) << BITS) - 4096, 8192, false);
    return test_end();
}

/* The inline helpers: align.h, bitmap.h, bytes.h, hash.h. */
#include "library/align.h"
#include "library/bitmap.h"
#include "library/bytes.h"
#include "library/hash.h"
#include "test.h"

static void test_align(void)
{
    test_case("align");
    expect_equal(align_down(0x1fff, 0x1000), 0x1000);
    expect_equal(align_down(0, 0x1000), 0);
    expect_equal(align_up(0x1001, 0x1000), 0x2000);
    expect_equal(align_up(0x1000, 0x1000), 0x1000);
    expect_equal(align_up(0, 0x1000), 0);
    expect(is_aligned(0x2000, 0x1000));
    expect(!is_aligned(0x2001, 0x1000));
    expect(is_power_of_two(1));
    expect(is_power_of_two(1ULL << 63));
    expect(!is_power_of_two(0));
    expect(!is_power_of_two(12));
    expect(!align_up_overflows(~0ULL - 0xfff, 0x1000));
    expect(align_up_overflows(~0ULL - 0xffe, 0x1000));
    expect_equal(align_up(~0ULL - 0xfff, 0x1000), ~0ULL - 0xfff);
}

static void test_bitmap(void)
{
    enum {
        BITS = 200,
    };
    uint64_t words[BITMAP_WORDS(BITS)] = {0};

    test_case("bitmap");
    expect_equal(BITMAP_WORDS(0), 0);
    expect_equal(BITMAP_WORDS(1), 1);
    expect_equal(BITMAP_WORDS(64), 1);
    expect_equal(BITMAP_WORDS(65), 2);
    expect_equal(bitmap_next_set(words, BITS, 0), BITS);
    expect_equal(bitmap_next_clear(words, BITS, 0), 0);
    static const size_t bits[] = {0, 63, 64, 127, 199};
    for (size_t i = 0; i < 5; i++)
        bitmap_set(words, bits[i]);
    size_t at = 0;
    for (size_t i = 0; i < 5; i++, at++) {
        at = bitmap_next_set(words, BITS, at);
        expect_equal(at, bits[i]);
        expect(bitmap_test(words, at));
    }
    expect_equal(bitmap_next_set(words, BITS, at), BITS);
    expect_equal(bitmap_next_set(words, 199, 128), 199);
    bitmap_clear(words, 64);
    expect(!bitmap_test(words, 64));
    expect(bitmap_test(words, 63));

    test_case("bitmap: the next clear bit");
    for (size_t i = 0; i < BITS; i++)
        bitmap_set(words, i);
    expect_equal(bitmap_next_clear(words, BITS, 0), BITS);
    bitmap_clear(words, 130);
    expect_equal(bitmap_next_clear(words, BITS, 0), 130);
    expect_equal(bitmap_next_clear(words, BITS, 131), BITS);
    expect_equal(bitmap_next_clear(words, 130, 0), 130);
    expect_equal(bitmap_next_clear(words, BITS, BITS), BITS);
}

static void test_bytes(void)
{
    static const uint8_t bytes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

    test_case("little-endian numbers at odd addresses");
    expect_equal(load16(bytes + 1), 0x0201);
    expect_equal(load32(bytes + 1), 0x04030201);
    expect_equal(load64(bytes + 1), 0x0807060504030201);
}

static void test_hash(void)
{
    test_case("hashes of near things are far apart");
    for (int bit = 0; bit < 64; bit++) {
        int changed = __builtin_popcountll(hash_number(1) ^ hash_number(1 ^ 1ULL << bit));
        expect(changed >= 12 && changed <= 52);
    }
    expect(hash_bytes("a", 1, 0) != hash_bytes("b", 1, 0));
    expect(hash_bytes("a", 1, 0) != hash_bytes("a", 1, 1));
    expect(hash_bytes("a", 1, 0) != hash_bytes("a", 2, 0));
    expect(hash_bytes("", 0, 0) == hash_bytes("x", 0, 0));
}

int main(void)
{
    test_align();
    test_bitmap();
    test_bytes();
    test_hash();
    return test_end();
}

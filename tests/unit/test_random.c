/* ChaCha20 and the generator on it. */
#include "library/random.h"
#include "test.h"

#include <string.h>

static void test_block(void)
{
    /* RFC 8439, 2.3.2. */
    static const uint8_t nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0};
    static const uint8_t expected[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    uint8_t key[32], block[64];

    test_case("the block of RFC 8439, 2.3.2");
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    random_block(key, 1, nonce, block);
    expect(memcmp(block, expected, 64) == 0);

    /* RFC 8439, A.1, test vector 1: everything 0. */
    static const uint8_t start[8] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90};
    static const uint8_t zeros[32];
    test_case("the block of RFC 8439, A.1");
    random_block(zeros, 0, zeros, block);
    expect(memcmp(block, start, 8) == 0);
}

static void test_generate(void)
{
    uint8_t key[32] = {1}, same[32] = {1}, old[32], output[300], again[300];

    test_case("the same key gives the same bytes, and the key changes");
    memcpy(old, key, 32);
    random_generate(key, output, 300);
    random_generate(same, again, 300);
    expect(memcmp(output, again, 300) == 0);
    expect(memcmp(key, same, 32) == 0);
    expect(memcmp(key, old, 32) != 0);

    test_case("the next bytes and the key are others");
    random_generate(key, again, 300);
    expect(memcmp(output, again, 300) != 0);
    expect(memcmp(output, key, 32) != 0);

    test_case("every size, and nothing behind it");
    for (size_t size = 0; size < sizeof(output); size++) {
        uint8_t longer[32] = {2}, shorter[32] = {2};
        memset(output, 0xee, sizeof(output));
        random_generate(longer, again, sizeof(again));
        random_generate(shorter, output, size);
        expect(memcmp(output, again, size) == 0);
        expect(output[size] == 0xee);
        expect(memcmp(longer, shorter, 32) == 0);
    }

    test_case("nothing asked for: the key changes all the same");
    memcpy(old, key, 32);
    random_generate(key, NULL, 0);
    expect(memcmp(key, old, 32) != 0);
}

static void test_mix(void)
{
    static const uint8_t zeros[100];
    uint8_t a[32] = {0}, b[32] = {0};

    test_case("mixing changes the key, also with zeros or nothing");
    random_mix(a, zeros, 8);
    expect(memcmp(a, zeros, 32) != 0);
    random_mix(b, NULL, 0);
    expect(memcmp(b, zeros, 32) != 0);
    expect(memcmp(a, b, 32) != 0);

    test_case("one bit of a long input counts");
    uint8_t input[100] = {0};
    memset(a, 0, 32);
    memset(b, 0, 32);
    random_mix(a, input, 100);
    input[99] = 1;
    random_mix(b, input, 100);
    expect(memcmp(a, b, 32) != 0);
}

int main(void)
{
    test_block();
    test_generate();
    test_mix();
    return test_end();
}

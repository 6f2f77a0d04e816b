/* SHA-256, with the examples of FIPS 180-4 and lengths round a block's end. */
#include "../test.h"
#include "library/sha256.h"

#include <stdio.h>
#include <string.h>

static const char *digest_of(const char *first, const char *second)
{
    static char text[2 * SHA256_SIZE + 1];
    uint8_t digest[SHA256_SIZE];

    sha256(first, strlen(first), second, strlen(second), digest);
    for (unsigned i = 0; i < SHA256_SIZE; i++)
        sprintf(text + 2 * i, "%02x", digest[i]);
    return text;
}

int main(void)
{
    static const char blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

    test_case("the examples of FIPS 180-4");
    expect_string(digest_of("abc", ""),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_string(digest_of("", ""),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_string(digest_of(blocks, ""),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");

    test_case("two parts are one behind the other");
    expect_string(digest_of("a", "bc"),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    uint8_t whole[SHA256_SIZE], parts[SHA256_SIZE], bytes[200] = {1, 2, 3};
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        sha256(bytes, size, NULL, 0, whole);
        sha256(bytes, size / 2, bytes + size / 2, size - size / 2, parts);
        expect(memcmp(whole, parts, sizeof(whole)) == 0);
    }
    return test_end();
}

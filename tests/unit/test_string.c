/*
 * Memory and strings, with every size and alignment that has a case of its own.
 * The source is included under other names, for the C library has these.
 */
#define memcpy  baton_memcpy
#define memmove baton_memmove
#define memset  baton_memset
#define memcmp  baton_memcmp
#define memchr  baton_memchr
#define strlen  baton_strlen
#define strnlen baton_strnlen
#define strcmp  baton_strcmp
#define strncmp baton_strncmp
#define strchr  baton_strchr
#define strrchr baton_strrchr
#include "../../kernel/library/string.c"

#include "library/hash.h"
#include "test.h"
#include <errno.h>

enum {
    SIZE_MAX_TESTED = 100,
    AREA = 256,
};

static uint8_t area[AREA], expected[AREA];

static void areas_fill(void)
{
    for (int i = 0; i < AREA; i++)
        area[i] = expected[i] = (uint8_t)(i * 7 + 3);
}

static void expect_areas_equal(void)
{
    for (int i = 0; i < AREA; i++) {
        if (!expect_equal(area[i], expected[i]))
            return;
    }
}

static void test_copies(void)
{
    test_case("memcpy of every size and alignment");
    for (size_t size = 0; size <= SIZE_MAX_TESTED; size++) {
        for (size_t shift = 0; shift < 8; shift++) {
            areas_fill();
            for (size_t i = 0; i < size; i++)
                expected[128 + shift + i] = expected[1 + i];
            expect(memcpy(area + 128 + shift, area + 1, size) == area + 128 + shift);
            expect_areas_equal();
        }
    }

    test_case("memmove of every size and distance, both ways");
    for (size_t size = 0; size <= SIZE_MAX_TESTED; size++) {
        for (size_t to = 60; to < 110; to++) {
            uint8_t bytes[SIZE_MAX_TESTED];
            areas_fill();
            for (size_t i = 0; i < size; i++)
                bytes[i] = expected[85 + i];
            for (size_t i = 0; i < size; i++)
                expected[to + i] = bytes[i];
            expect(memmove(area + to, area + 85, size) == area + to);
            expect_areas_equal();
        }
    }

    test_case("memset of every size and alignment");
    for (size_t size = 0; size <= SIZE_MAX_TESTED; size++) {
        for (size_t shift = 0; shift < 8; shift++) {
            areas_fill();
            for (size_t i = 0; i < size; i++)
                expected[8 + shift + i] = 0xa5;
            expect(memset(area + 8 + shift, 0x7a5, size) == area + 8 + shift);
            expect_areas_equal();
        }
    }

    test_case("a page and a megabyte");
    static uint8_t from[1 << 20], to[1 << 20];
    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (uint8_t)hash_number(i);
    memcpy(to, from, 4096);
    expect_equal(memcmp(to, from, 4096), 0);
    expect_equal(to[4096], 0);
    memcpy(to, from, sizeof(to));
    expect_equal(memcmp(to, from, sizeof(to)), 0);
}

static void test_comparisons(void)
{
    uint8_t left[40], right[40];

    test_case("memcmp: the first difference at every place");
    for (size_t size = 0; size <= sizeof(left); size++) {
        memset(left, 'a', sizeof(left));
        memset(right, 'a', sizeof(right));
        expect_equal(memcmp(left, right, size), 0);
        for (size_t at = 0; at < size; at++) {
            memset(right, 'a', sizeof(right));
            right[at] = 0xff;
            if (at + 1 < size)
                right[at + 1] = 0;
            expect(memcmp(left, right, size) < 0);
            expect(memcmp(right, left, size) > 0);
            expect_equal(memcmp(left, right, at), 0);
        }
    }

    test_case("strcmp, strncmp");
    expect_equal(strcmp("", ""), 0);
    expect_equal(strcmp("abc", "abc"), 0);
    expect(strcmp("abc", "abd") < 0);
    expect(strcmp("abc", "ab") > 0);
    expect(strcmp("ab", "abc") < 0);
    expect(strcmp("\xff", "a") > 0);
    expect_equal(strncmp("abc", "abd", 2), 0);
    expect(strncmp("abc", "abd", 3) < 0);
    expect_equal(strncmp("ab", "ab", 10), 0);
    expect(strncmp("ab", "abc", 10) < 0);
    expect_equal(strncmp("x", "y", 0), 0);
}

static void test_searches(void)
{
    static const char text[] = "a/b/c";

    test_case("memchr, strchr, strrchr");
    expect(memchr(text, '/', 5) == text + 1);
    expect(memchr(text, '/', 1) == NULL);
    expect(memchr(text, '\0', 6) == text + 5);
    expect(memchr(text, 'c' + 256, 5) == text + 4);
    expect(memchr(text, 'x', 0) == NULL);
    expect(strchr(text, '/') == text + 1);
    expect(strchr(text, 'x') == NULL);
    expect(strchr(text, '\0') == text + 5);
    expect(strrchr(text, '/') == text + 3);
    expect(strrchr(text, 'x') == NULL);
    expect(strrchr(text, '\0') == text + 5);

    test_case("strlen, strnlen");
    expect_equal(strlen(""), 0);
    expect_equal(strlen(text), 5);
    expect_equal(strnlen(text, 3), 3);
    expect_equal(strnlen(text, 5), 5);
    expect_equal(strnlen(text, 100), 5);
    expect_equal(strnlen(test_copy("xyz", 3), 3), 3);
    expect_equal(strnlen("x", 0), 0);
}

static void test_string_copy(void)
{
    char buffer[6] = "-----";

    test_case("string_copy");
    expect_equal(string_copy(buffer, "abc", 6), 3);
    expect_string(buffer, "abc");
    expect_equal(string_copy(buffer, "abcde", 6), 5);
    expect_string(buffer, "abcde");
    expect_equal(string_copy(buffer, "abcdef", 6), -ENAMETOOLONG);
    expect_string(buffer, "abcde");
    expect_equal(string_copy(buffer, "", 1), 0);
    expect_string(buffer, "");
    expect_equal(string_copy(buffer, "x", 1), -ENAMETOOLONG);
    expect_string(buffer, "");
    expect_equal(string_copy(NULL, "x", 0), -ENAMETOOLONG);
}

int main(void)
{
    test_copies();
    test_comparisons();
    test_searches();
    test_string_copy();
    return test_end();
}

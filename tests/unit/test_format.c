/* Formatting, compared with the C library's where both promise the same. */
#include "library/format.h"
#include "test.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define expect_format(expected, ...)                                                               \
    do {                                                                                           \
        char text[256];                                                                            \
        int length = format_string(text, sizeof(text), __VA_ARGS__);                               \
        expect_string(text, expected);                                                             \
        expect_equal(length, strlen(expected));                                                    \
    } while (0)

#define expect_as_libc(...)                                                                        \
    do {                                                                                           \
        char theirs[256];                                                                          \
        snprintf(theirs, sizeof(theirs), __VA_ARGS__);                                             \
        expect_format(theirs, __VA_ARGS__);                                                        \
    } while (0)

static void test_numbers(void)
{
    test_case("int");
    static const int ints[] = {0, 1, -1, 42, 1234567890, INT_MIN, INT_MAX};
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        expect_as_libc("%d|%5d|%-12d|%012d", ints[i], ints[i], ints[i], ints[i]);
        expect_as_libc("%u|%x|%X|%o", ints[i], ints[i], ints[i], ints[i]);
        expect_as_libc("%+d|% d|%08x", ints[i], ints[i], ints[i]);
    }

    test_case("long, long long, size_t, intmax_t, ptrdiff_t");
    static const long longs[] = {0, 1, -1, 1234567890123456789, LONG_MIN, LONG_MAX};
    for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++) {
        expect_as_libc("%ld|%lu|%lx|%016lx", longs[i], longs[i], longs[i], longs[i]);
        expect_as_libc("%lld|%llx", (long long)longs[i], (long long)longs[i]);
        expect_as_libc("%zu|%zx", (size_t)longs[i], (size_t)longs[i]);
        expect_as_libc("%jd|%td", (intmax_t)longs[i], (ptrdiff_t)longs[i]);
        expect_as_libc("%" PRIx64 "|%" PRId64, (uint64_t)longs[i], (int64_t)longs[i]);
    }

    test_case("an argument behind each length is read from its place");
    expect_as_libc("%d %ld %d %lld %d %zu %d", 1, 2L, 3, 4LL, 5, (size_t)6, 7);
    expect_as_libc("%lx %x %lx", ULONG_MAX, UINT_MAX, ULONG_MAX);

    test_case("width and precision from arguments");
    expect_as_libc("%*d|%.*s|%.3s", 7, 42, 2, "abc", "abcdef");

    test_case("alternative forms");
    expect_as_libc("%#x|%#X", 0x1f, 0x1f);
}

static void test_others(void)
{
    test_case("strings and characters");
    expect_as_libc("%s|%10s|%-10s|%c%c", "text", "right", "left", 'a', 'b');
    expect_as_libc("100%%");
    expect_as_libc("%s", "");
    expect_format("null", "%s", (char *)NULL);

    test_case("a string without a NUL, by precision");
    expect_format("abc", "%.*s", 3, (char *)test_copy("abc", 3));

    test_case("pointers are 16 digits");
    expect_format("ffffffff80001234", "%p", (void *)0xffffffff80001234);
    expect_format("0000000000000000", "%p", NULL);
}

static void test_bounds(void)
{
    char buffer[8];

    test_case("text longer than the buffer");
    memset(buffer, 'x', 8);
    expect_equal(format_string(buffer, 4, "%s", "abcdef"), 6);
    expect_string(buffer, "abc");
    expect_equal(buffer[4], 'x');

    test_case("buffer of one byte and of none");
    memset(buffer, 'x', 8);
    expect_equal(format_string(buffer, 1, "%s", "abcdef"), 6);
    expect_equal(buffer[0], '\0');
    expect_equal(buffer[1], 'x');
    buffer[0] = 'x';
    expect_equal(format_string(buffer, 0, "%s", "abcdef"), 6);
    expect_equal(buffer[0], 'x');
    expect_equal(format_string(NULL, 0, "%d", 12345), 5);

    test_case("text longer than stb's own buffer");
    static char source[3000], text[3000];
    memset(source, 'y', sizeof(source) - 1);
    expect_equal(format_string(text, sizeof(text), "%s", source), 2999);
    expect(memcmp(text, source, 3000) == 0);
    expect_equal(format_string(text, 1000, "%s", source), 2999);
    expect_equal(strlen(text), 999);
    expect_equal(format_string(text, (size_t)INT_MAX + 10, "%s", "fits"), 4);
    expect_string(text, "fits");

    test_case("a width larger than stb's own buffer");
    expect_equal(format_string(text, sizeof(text), "%1500d", 7), 1500);
    expect_equal(strlen(text), 1500);
    expect_equal(text[1499], '7');
}

int main(void)
{
    test_numbers();
    test_others();
    test_bounds();
    return test_end();
}

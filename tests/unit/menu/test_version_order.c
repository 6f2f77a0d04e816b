/* Versions, in systemd's order. */
#include "library/menu/version_order.h"

#include "../test.h"

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

/* From old to new. systemd-analyze compare-versions (252) says the same of each two. */
static const char *const ascending[] = {
    "~1",
    "",
    "ab",
    "abb",
    "abc",
    "0001",
    "002",
    "12",
    "122",
    "122.9",
    "123~rc1",
    "123",
    "123-a",
    "123-a.1",
    "123-a1",
    "123-a1.1",
    "123-3",
    "123-3.1",
    "123^patch1",
    "123^1",
    "123.a-1",
    "123.1-1",
    "123a-1",
    "124",
    "99999999999999999999998",
    "99999999999999999999999",
};

static void test_order(void)
{
    for (size_t i = 0; i < array_length(ascending); i++) {
        test_case("\"%s\" and those after it", ascending[i]);
        expect_equal(version_compare(ascending[i], ascending[i]), 0);
        for (size_t j = i + 1; j < array_length(ascending); j++) {
            expect(version_compare(ascending[i], ascending[j]) < 0);
            expect(version_compare(ascending[j], ascending[i]) > 0);
        }
    }
}

/* The examples of the version format specification that systemd answers alike. */
static void test_specification(void)
{
    static const struct {
        const char *left;
        int order;
        const char *right;
    } examples[] = {
        {"11", 0, "11"},
        {"systemd-123", 0, "systemd-123"},
        {"bar-123", -1, "foo-123"},
        {"123a", 1, "123"},
        {"123.a", 1, "123"},
        {"123.a", -1, "123.b"},
        {"123a", 1, "123.a"},
        {"11\xce\xb1", 0, "11\xce\xb2"},
        {"A", -1, "a"},
        {"", -1, "0"},
        {"0.", 1, "0"},
        {"0.0", 1, "0"},
        {"1_", 0, "1"},
        {"_1", 0, "1"},
        {"1_", -1, "1.2"},
        {"1_2_3", 1, "1.3.3"},
        {"1+", 0, "1"},
        {"+1", 0, "1"},
        {"1+", -1, "1.2"},
        {"1+2+3", 1, "1.3.3"},
        {"0123", 0, "123"},
        {"6.1.0-9", -1, "6.1.0-13"},
        /* What is skipped where a word begins is none behind a mark. */
        {"a-1..2", 1, "a-_92"},
        {"x-a2", 1, "x-_9"},
        {"1-_", -1, "1-a"},
        {"0a", 1, "alpha"},
    };

    for (size_t i = 0; i < array_length(examples); i++) {
        int order = version_compare(examples[i].left, examples[i].right);

        test_case("\"%s\" and \"%s\"", examples[i].left, examples[i].right);
        expect_equal((order > 0) - (order < 0), examples[i].order);
    }
}

int main(void)
{
    test_order();
    test_specification();
    return test_end();
}

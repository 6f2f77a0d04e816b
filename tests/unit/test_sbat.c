/* Which generations of a program are revoked. */
#include "library/sbat.h"
#include "test.h"

#include <string.h>

#define OURS                                                                                       \
    "sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\n"                                     \
    "baton,2,Baton,baton,0.1,https://example.org/baton\n"                                          \
    "baton.vendor,7,Vendor\n"

static void test_levels(void)
{
    static const struct {
        const char *section, *level, *revoked; /* NULL: it is not */
    } cases[] = {
        {OURS, "sbat,1,2022052400\ngrub,3\n", NULL},
        {OURS, "", NULL},
        {"", "sbat,1\nbaton,9\n", NULL},
        {OURS, "sbat,1\nbaton,2\n", NULL},
        {OURS, "sbat,1\nbaton,3\n", "baton"},
        {OURS, "sbat,2\n", "sbat"},
        {OURS, "baton.vendor,8", "baton.vendor"},
        {OURS, "bato,9\nbaton.,9\nbatonx,9\n", NULL},
        {OURS, "BATON,9\n", NULL},
        {OURS, "grub,1\r\nbaton,3\r\n", "baton"},
        {OURS, "baton,4294967294\n", NULL}, /* does not fit: no line that wants anything */
        {OURS, "baton,400000000\n", "baton"},
        {OURS, "baton\nbaton,\n,9\nbaton,x\n", NULL},
        {"baton\nbaton,x,Baton\n", "baton,1\n", "baton"},
        {"baton,99999999999,Baton\n", "baton,1\n", "baton"},
        {"baton,2\nbaton,1\n", "baton,2\n", "baton"},
        {"baton,2,", "baton,3", "baton"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *section = cases[i].section, *level = cases[i].level;
        char name[SBAT_NAME_MAX] = "";

        test_case("level %zu", i);
        expect_equal(sbat_is_revoked(section, strlen(section), level, strlen(level), name),
                     cases[i].revoked != NULL);
        expect_string(name, cases[i].revoked ? cases[i].revoked : "");
    }
}

static void test_ends(void)
{
    char longest[100], name[SBAT_NAME_MAX];

    test_case("a text ends at its NUL");
    expect(!sbat_is_revoked("baton,1\n\0", 9, "sbat,1\n\0baton,2\n", 16, name));
    expect(!sbat_is_revoked("sbat,1\n\0baton,1\n", 16, "baton,2\n", 8, name));
    test_case("a long name is cut");
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 90, ",1", 3);
    char level[sizeof(longest)];
    memcpy(level, longest, sizeof(level));
    level[91] = '2';
    expect(sbat_is_revoked(longest, sizeof(longest), level, sizeof(level), name));
    expect_equal(strlen(name), SBAT_NAME_MAX - 1);
}

int main(void)
{
    test_levels();
    test_ends();
    return test_end();
}

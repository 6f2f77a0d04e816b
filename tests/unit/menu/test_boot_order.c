/* Which entry comes first, what it is called, which one starts. */
#include "library/menu/boot_order.h"

#include "../test.h"
#include "library/menu/pattern.h"

#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

static void test_count(void)
{
    static const struct {
        const char *name, *identifier, *next;
        bool counted;
        uint32_t left, done;
    } names[] = {
        {"baton.conf", "baton.conf", "", false, 0, 0},
        {"a+3.conf", "a.conf", "a+2-1.conf", true, 3, 0},
        {"a+2-1.conf", "a.conf", "a+1-2.conf", true, 2, 1},
        {"a+1-2.conf", "a.conf", "a+0-3.conf", true, 1, 2},
        {"a+0-3.conf", "a.conf", "", true, 0, 3},
        {"4.14.11-300.fc27.x86_64+3.conf", "4.14.11-300.fc27.x86_64.conf",
         "4.14.11-300.fc27.x86_64+2-1.conf", true, 3, 0},
        {"a+b+3.conf", "a+b.conf", "a+b+2-1.conf", true, 3, 0},
        {"a+.conf", "a+.conf", "", false, 0, 0},
        {"a+3-.conf", "a+3-.conf", "", false, 0, 0},
        {"a+-3.conf", "a+-3.conf", "", false, 0, 0},
        {"a+3x.conf", "a+3x.conf", "", false, 0, 0},
        {"a+4294967295.conf", "a.conf", "a+4294967294-1.conf", true, 4294967295, 0},
        {"a+4294967296.conf", "a+4294967296.conf", "", false, 0, 0},
        {"a+1-4294967295.conf", "a.conf", "a+0-4294967295.conf", true, 1, 4294967295},
        {"+3.conf", "+3.conf", "", false, 0, 0},
        {"A.CONF", "A.CONF", "", false, 0, 0},
    };

    for (size_t i = 0; i < array_length(names); i++) {
        char identifier[BOOT_FILE_NAME_MAX], next[BOOT_FILE_NAME_MAX];
        struct boot_count count;

        test_case("count of %s", names[i].name);
        expect(boot_count_parse(names[i].name, ".conf", identifier, &count));
        expect_string(identifier, names[i].identifier);
        expect_equal(count.counted, names[i].counted);
        expect_equal(count.left, names[i].left);
        expect_equal(count.done, names[i].done);
        expect_equal(boot_count_next(names[i].name, ".conf", next), *names[i].next != '\0');
        if (*names[i].next)
            expect_string(next, names[i].next);
    }
}

static void test_count_refused(void)
{
    char identifier[BOOT_FILE_NAME_MAX], longest[BOOT_FILE_NAME_MAX + 1], next[BOOT_FILE_NAME_MAX];
    struct boot_count count;

    test_case("names that are no entry");
    expect(!boot_count_parse("", ".conf", identifier, &count));
    expect(!boot_count_parse(".conf", ".conf", identifier, &count));
    expect(!boot_count_parse("a.efi", ".conf", identifier, &count));
    expect(!boot_count_parse("conf", ".conf", identifier, &count));
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 250, ".conf", 6);
    expect(boot_count_parse(longest, ".conf", identifier, &count));
    memcpy(longest + 251, ".conf", 6);
    expect(!boot_count_parse(longest, ".conf", identifier, &count));
    static const char *const others[] = {"._baton.conf", ".hidden.conf", "auto-windows.conf",
                                         "Auto-x+3.conf"};
    for (size_t i = 0; i < array_length(others); i++) {
        test_case("no entry's name: %s", others[i]);
        expect(!boot_count_parse(others[i], ".conf", identifier, &count));
    }
    expect(boot_count_parse("auto.conf", ".conf", identifier, &count));
    test_case("a name that would become too long");
    memcpy(longest + 247, "+9.conf", 8);
    expect(!boot_count_next(longest, ".conf", next));
}

static void test_pattern(void)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"baton.conf", "baton.conf", true},
        {"BATON.conf", "baton.CONF", true},
        {"*", "", true},
        {"*", "anything", true},
        {"0123-*", "0123-6.1.0.conf", true},
        {"0123-*", "0124-6.1.0.conf", false},
        {"*.conf", "a.conf.conf", true},
        {"a*b*c", "axxbyybzzc", true},
        {"a*b*c", "axxbyybzz", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"[abc]x", "bx", true},
        {"[a-c]x", "Cx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[^a-c]x", "ax", false},
        {"[]]x", "]x", true},
        {"[a-]x", "-x", true},
        {"[abc", "[abc", true},
        {"[", "[", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"a\\", "a\\", true},
        {"**a", "ba", true},
    };

    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("pattern \"%s\" of \"%s\"", cases[i].pattern, cases[i].name);
        expect_equal(pattern_matches(cases[i].pattern, cases[i].name), cases[i].matches);
    }
}

/* ---- order ---- */

#define NAME(identifier, title, version, machine, key, ...)                                        \
    &(struct boot_name)                                                                            \
    {                                                                                              \
        identifier, title, version, machine, key, __VA_ARGS__                                      \
    }
#define PLAIN(identifier, ...) NAME(identifier, "", "", "", "", __VA_ARGS__)

static void test_sort(void)
{
    /* As they are to be shown; "r" before "p", as the newer of two names. */
    const struct boot_name *const shown[] = {
        NAME("z.conf", "", "", "", "arch", {0}, false),
        NAME("n.conf", "", "6.10", "1", "debian", {0}, false),
        NAME("o.conf", "", "6.9", "1", "debian", {0}, false),
        NAME("r.conf", "", "7", "2", "debian", {0}, false),
        NAME("p.conf", "", "7", "2", "debian", {0}, false),
        PLAIN("f-11.conf", {0}, false),
        PLAIN("f-9.conf", {0}, false),
        PLAIN("c.conf", {true, 2, 0}, false),
        PLAIN("c.conf", {true, 1, 0}, false),
        PLAIN("c.conf", {true, 1, 4}, false),
        NAME("b.conf", "", "", "", "arch", {true, 0, 1}, false),
        PLAIN("a.conf", {true, 0, 3}, false),
        PLAIN("auto-windows", {0}, true),
        PLAIN("auto-reboot-to-firmware-setup", {0}, true),
    };
    enum { COUNT = array_length(shown), AUTOMATIC = 2, FILES = COUNT - AUTOMATIC };
    const struct boot_name *names[COUNT];

    static const size_t steps[] = {1, 5, 7, 11}; /* so that each file is met once */

    for (size_t k = 0; k < array_length(steps); k++) {
        size_t step = steps[k];

        test_case("a directory that lists files %zu apart", step);
        for (size_t i = 0; i < AUTOMATIC; i++)
            names[i] = shown[FILES + i];
        for (size_t i = 0; i < FILES; i++)
            names[AUTOMATIC + i] = shown[(i + 1) * step % FILES];
        boot_names_sort(names, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            expect_string(names[i]->identifier, shown[i]->identifier);
    }
}

/* What systemd's own test of its order has (test-bootspec.c): a, b without keys; c, cx, d with. */
static void test_systemd(void)
{
    const struct boot_name *names[] = {
        NAME("a-10.conf", "", "10", "dd235d", "", {0}, false),
        NAME("a-5.conf", "", "5", "dd235d", "", {0}, false),
        NAME("b.conf", "", "3", "b75451", "", {0}, false),
        NAME("c.conf", "", "5", "309de6", "xxxx", {0}, false),
        NAME("cx.conf", "", "10", "309de6", "xxxx", {0}, false),
        NAME("d.conf", "", "100", "81c6e3", "kkkk", {0}, false),
    };
    static const char *const shown[] = {"d.conf", "cx.conf",   "c.conf",
                                        "b.conf", "a-10.conf", "a-5.conf"};

    test_case("systemd's example");
    boot_names_sort(names, array_length(names));
    for (size_t i = 0; i < array_length(names); i++)
        expect_string(names[i]->identifier, shown[i]);
}

/* What the Boot Loader Specification's rules of sorting say, with its names. */
static void test_documented(void)
{
#define FEDORA  "6a9857a393724b7a981ebb5b8495b9ea"
#define MACHINE "4098b3f648d74c13b1f04ccfba7798e8"
    const struct boot_name *const shown[] = {
        /* 2: by sort-key, machine-id, then the newer version */
        NAME("z.conf", "", "", MACHINE, "debian", {0}, false),
        NAME("a.conf", "", "3.8.0-2.fc19.x86_64", MACHINE, "fedora", {0}, false),
        NAME("b.conf", "", "3.8.0-10.fc19.x86_64", FEDORA, "fedora", {0}, false),
        NAME(FEDORA "-3.8.0-2.fc19.x86_64.conf", "", "3.8.0-2.fc19.x86_64", FEDORA, "fedora", {0},
             false),
        NAME("c.conf", "", "3.7.2-201.fc18.x86_64", FEDORA, "fedora", {true, 3, 0}, false),
        /* 3: those without a sort-key come later; 4: by the file's name, the newer first */
        PLAIN(MACHINE "-3.7.2-201.fc18.x86_64.efi", {0}, false), /* 4098 is newer than 6 */
        PLAIN(FEDORA "-3.8.0-2.fc19.x86_64.efi", {0}, false),
        PLAIN(FEDORA "-3.7.2-201.fc18.x86_64.efi", {true, 2, 1}, false),
        /* 1: bad ones come last */
        NAME("d.conf", "", "9", MACHINE, "debian", {true, 0, 3}, false),
    };
    enum { COUNT = array_length(shown) };
    const struct boot_name *names[COUNT];

    test_case("the specification's rules");
    for (size_t i = 0; i < COUNT; i++)
        names[i] = shown[(i * 2 + 1) % COUNT];
    boot_names_sort(names, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        expect_string(names[i]->identifier, shown[i]->identifier);
}

static void test_titles(void)
{
    const struct boot_name *names[] = {
        NAME("a.conf", "Baton", "", "", "", {0}, false),
        NAME("b.conf", "Debian", "6.1", "", "", {0}, false),
        NAME("c.conf", "Debian", "6.2", "", "", {0}, false),
        PLAIN("d.conf", {0}, false),
        NAME("e.conf", "Arch", "1", "0123456789", "", {0}, false),
        NAME("f.conf", "Arch", "1", "abcdefabcd", "", {0}, false),
        NAME("g.conf", "Twin", "", "", "", {0}, false),
        NAME("h.conf", "Twin", "", "", "", {0}, false),
    };
    static const char *const titles[] = {
        "Baton",         "Debian (6.1)",        "Debian (6.2)",
        "d.conf",        "Arch (1) (01234567)", "Arch (1) (abcdefab)",
        "Twin (g.conf)", "Twin (h.conf)",
    };

    for (size_t i = 0; i < array_length(names); i++) {
        char title[BOOT_TITLE_MAX];

        test_case("title of %s", names[i]->identifier);
        boot_name_title(names, array_length(names), i, title);
        expect_string(title, titles[i]);
    }
}

static void test_choice(void)
{
    const struct boot_name *names[] = {
        PLAIN("b-2.conf", {0}, false),          PLAIN("b-1.conf", {0}, false),
        PLAIN("a-2.conf", {true, 0, 1}, false), PLAIN("a-1.conf", {true, 0, 3}, false),
        PLAIN("auto-windows", {0}, true),
    };

    test_case("the default's pattern");
    expect_equal(boot_names_find(names, 5, "b-*"), 0);
    expect_equal(boot_names_find(names, 5, "B-1.conf"), 1);
    expect_equal(boot_names_find(names, 5, "b-1"), 1);
    expect_equal(boot_names_find(names, 5, "a-*"), 2);
    expect_equal(boot_names_find(names, 5, "?-*"), 0);
    expect_equal(boot_names_find(names, 5, "auto-windows"), 4);
    expect_equal(boot_names_find(names, 5, "c*"), SIZE_MAX);
    test_case("the default's pattern: one that is not bad goes first");
    expect_equal(boot_names_find(names + 1, 3, "*1*"), 0);
    test_case("nobody chose");
    expect_equal(boot_names_first(names, 5), 0);
    expect_equal(boot_names_first(names + 2, 3), 0);
    expect_equal(boot_names_first(names + 4, 1), 0);
}

int main(void)
{
    test_count();
    test_count_refused();
    test_pattern();
    test_sort();
    test_systemd();
    test_documented();
    test_titles();
    test_choice();
    return test_end();
}

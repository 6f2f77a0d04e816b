/* The kernel's options line. */
#include "library/options.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

/* The words of a line as "key|value;", a bare word as "key;". */
static const char *words(const char *line)
{
    static char text[512];
    struct option option;
    size_t length = 0;

    text[0] = '\0';
    while (options_next(&line, &option)) {
        length += (size_t)sprintf(text + length, "%.*s", (int)option.key_length, option.key);
        if (option.value != NULL)
            length +=
                (size_t)sprintf(text + length, "|%.*s", (int)option.value_length, option.value);
        length += (size_t)sprintf(text + length, ";");
    }
    return text;
}

static void test_words(void)
{
    static const struct {
        const char *line, *expected;
    } cases[] = {
        {"", ""},
        {" \t\n ", ""},
        {"quiet", "quiet;"},
        {"  quiet  splash ", "quiet;splash;"},
        {"init=/bin/sh mem=1G", "init|/bin/sh;mem|1G;"},
        {"a=", "a|;"},
        {"=a", "=a;"},
        {"=", "=;"},
        {"a=b=c", "a|b=c;"},
        {"a=\"b c\" d", "a|b c;d;"},
        {"\"a=b c\" d", "a|b c;d;"},
        {"\"a b\"", "a b;"},
        {"\"\"", ";"},
        {"\"", ";"},
        {"a=\"", "a|;"},
        {"a=\"\"", "a|;"},
        {"a=\"b c", "a|b c;"},
        {"\"a b", "a b;"},
        {"a\"b c\"d=e", "a\"b c\"d|e;"},
        {"a=b\"c d\"e", "a|b\"c d\"e;"},
        {"init=/x -- single word=1", "init|/x;--;single;word|1;"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("words of [%s]", cases[i].line);
        expect_string(words(test_copy(cases[i].line, strlen(cases[i].line) + 1)),
                      cases[i].expected);
    }
}

static void test_init_arguments(void)
{
    test_case("what belongs to init");
    expect_string(options_for_init("quiet -- single a=b"), " single a=b");
    expect_string(options_for_init("quiet --"), "");
    expect_string(options_for_init("quiet"), "");
    expect_string(options_for_init(""), "");
    expect_string(options_for_init("x=\"a -- b\" -- c -- d"), " c -- d");
    expect_string(options_for_init("---"), "");
    expect_string(options_for_init("ab - -- c"), " c");
}

static void test_find(void)
{
    struct option option;
    char buffer[8];

    test_case("the last one wins, '-' and '_' are the same");
    expect(options_find("init=/a init=/b", "init", &option));
    expect(option.value_length == 2 && memcmp(option.value, "/b", 2) == 0);
    expect(options_find("max-cpus=1", "max_cpus", &option));
    expect(options_find("max_cpus=1", "max-cpus", &option));
    expect(!options_find("init=/a", "ini", &option));
    expect(!options_find("init=/a", "initx", &option));
    expect(!options_find("quiet -- init=/a", "init", &option));

    test_case("flags");
    static const struct {
        const char *line;
        bool set;
    } flags[] = {
        {"f", true},      {"f=1", true},  {"f=y", true},    {"f=yes", true}, {"f=on", true},
        {"f=true", true}, {"f=0", false}, {"f=off", false}, {"f=", false},   {"f f=0", false},
        {"f=0 f", true},  {"g", false},   {"-- f", false},  {"f=10", false},
    };
    for (size_t i = 0; i < array_length(flags); i++)
        expect_equal(options_flag(flags[i].line, "f"), flags[i].set);

    test_case("what is asked for, with or without a value");
    expect(options_asked("f", "f") && options_asked("f=emp", "f") && options_asked("f=1", "f"));
    expect(!options_asked("g", "f") && !options_asked("f=0", "f") && !options_asked("f=off", "f"));
    expect(!options_asked("f=emp f=no", "f") && !options_asked("-- f", "f"));

    test_case("strings");
    expect_equal(options_string("init=/a init=/bin/sh", "init", buffer, 8), 0);
    expect_string(buffer, "/bin/sh");
    expect_equal(options_string("init=/bin/bash", "init", buffer, 8), -ENAMETOOLONG);
    expect_string(buffer, "");
    expect_equal(options_string("init=1234567", "init", buffer, 8), 0);
    expect_equal(options_string("init=12345678", "init", buffer, 8), -ENAMETOOLONG);
    expect_equal(options_string("init=", "init", buffer, 1), 0);
    expect_equal(options_string("init=", "init", NULL, 0), -ENAMETOOLONG);
    expect_equal(options_string("init", "init", buffer, 8), -ENOENT);
    expect_equal(options_string("", "init", buffer, 8), -ENOENT);
}

static void test_numbers(void)
{
    static const struct {
        const char *line;
        int error;
        uint64_t value;
    } cases[] = {
        {"mem=0", 0, 0},
        {"mem=1", 0, 1},
        {"mem=128M", 0, 128 << 20},
        {"mem=1g", 0, 1 << 30},
        {"mem=4K", 0, 4096},
        {"mem=2T", 0, 2ULL << 40},
        {"mem=3p", 0, 3ULL << 50},
        {"mem=15E", 0, 15ULL << 60},
        {"mem=16E", -ERANGE, 0},
        {"mem=0x10", 0, 16},
        {"mem=0XfFk", 0, 255 << 10},
        {"mem=0xa", 0, 10},
        {"mem=00", 0, 0},
        {"mem=010", 0, 8},
        {"mem=18446744073709551615", 0, ~0ULL},
        {"mem=18446744073709551616", -ERANGE, 0},
        {"mem=99999999999999999999999", -ERANGE, 0},
        {"mem=0xffffffffffffffff", 0, ~0ULL},
        {"mem=0x10000000000000000", -ERANGE, 0},
        {"mem=\"7\"", 0, 7},
        {"mem=1 mem=2", 0, 2},
        {"mem=", -EINVAL, 0},
        {"mem=x", -EINVAL, 0},
        {"mem=M", -EINVAL, 0},
        {"mem=-1", -EINVAL, 0},
        {"mem=+1", -EINVAL, 0},
        {"mem=1MB", -EINVAL, 0},
        {"mem=1q", -EINVAL, 0},
        {"mem=08", -EINVAL, 0},
        {"mem=0x", -EINVAL, 0},
        {"mem=0xg", -EINVAL, 0},
        {"mem=1@", -EINVAL, 0},
        {"mem", -ENOENT, 0},
        {"memory=1", -ENOENT, 0},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        uint64_t value = 0;
        test_case("number of [%s]", cases[i].line);
        expect_equal(options_number(cases[i].line, "mem", &value), cases[i].error);
        expect_equal(value, cases[i].value);
    }
}

int main(void)
{
    test_words();
    test_init_arguments();
    test_find();
    test_numbers();
    return test_end();
}

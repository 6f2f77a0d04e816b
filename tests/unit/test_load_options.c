/* LoadOptions of an EFI image, as good and bad firmware passes them. */
#include "library/load_options.h"
#include "test.h"

#include <errno.h>
#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

static char text[64];

static int parse(const void *bytes, size_t size)
{
    memset(text, 'x', sizeof(text));
    return load_options_parse(test_copy(bytes, size), size, text, sizeof(text));
}

/* ASCII as UTF-16 behind what is in bytes, with the NUL. */
static size_t wide_add(uint8_t *bytes, size_t size, const char *ascii)
{
    do {
        bytes[size++] = (uint8_t)*ascii;
        bytes[size++] = 0;
    } while (*ascii++ != '\0');
    return size;
}

static void test_texts(void)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"quiet", "quiet"},
        {"  quiet  init=/x \t", "quiet  init=/x"},
        {"BOOTX64.EFI quiet", "quiet"},
        {"\\EFI\\BOOT\\bootx64.efi", ""},
        {"x.efi  a b", "a b"},
        {".efi a", ".efi a"},
        {"quiet x.efi", "quiet x.efi"},
        {"   ", ""},
    };
    uint8_t bytes[256];

    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("text [%s]", cases[i].text);
        expect_equal(parse(bytes, wide_add(bytes, 0, cases[i].text)), strlen(cases[i].expected));
        expect_string(text, cases[i].expected);
    }
}

static void test_load_option(void)
{
    uint8_t bytes[256] = {1, 0, 0, 0, 8, 0};
    size_t size;

    test_case("a whole EFI_LOAD_OPTION: its optional data");
    size = wide_add(bytes, 6, "Baton");
    memcpy(bytes + size, "\x04\x01\x04\x00\x7f\xff\x04\x00", 8);
    size += 8;
    size_t end = wide_add(bytes, size, "quiet");
    expect_equal(parse(bytes, end), 5);
    expect_string(text, "quiet");

    test_case("a whole EFI_LOAD_OPTION without optional data");
    expect_equal(parse(bytes, size), 0);
    expect_string(text, "");

    test_case("a whole EFI_LOAD_OPTION cut off at every byte");
    for (size_t cut = 0; cut < end; cut++) {
        int result = parse(bytes, cut);
        expect(result == 0 || result == -EINVAL);
        expect_string(text, "");
    }

    test_case("a device path longer than the data");
    put16(bytes + 4, 0xffff);
    expect_equal(parse(bytes, end), -EINVAL);
    test_case("a device path of 0 bytes");
    put16(bytes + 4, 0);
    expect_equal(parse(bytes, end), -EINVAL);
}

static void test_rubbish(void)
{
    uint8_t bytes[256];
    size_t size = wide_add(bytes, 0, "quiet");

    test_case("nothing");
    expect_equal(parse(NULL, 0), 0);
    expect_string(text, "");
    test_case("odd size");
    expect_equal(parse(bytes, size - 1), -EINVAL);
    test_case("no end");
    expect_equal(parse(bytes, size - 2), -EINVAL);
    expect_string(text, "");
    test_case("one byte");
    expect_equal(parse("x", 1), -EINVAL);
    test_case("ASCII");
    expect_equal(parse("quiet\0", 6), -EINVAL);
    test_case("control character");
    bytes[2] = 7;
    expect_equal(parse(bytes, size), -EINVAL);
    test_case("not ASCII");
    put16(bytes + 2, 0x20ac);
    expect_equal(parse(bytes, size), -EINVAL);
    test_case("what comes after the NUL does not matter");
    size = wide_add(bytes, 0, "a");
    put16(bytes + size, 0xffff);
    expect_equal(parse(bytes, size + 2), 1);
    expect_string(text, "a");

    test_case("longest text");
    char longest[65];
    memset(longest, 'l', 64);
    longest[63] = '\0';
    expect_equal(parse(bytes, wide_add(bytes, 0, longest)), 63);
    test_case("text too long");
    longest[63] = 'l';
    longest[64] = '\0';
    expect_equal(parse(bytes, wide_add(bytes, 0, longest)), -ENAMETOOLONG);
    expect_string(text, "");
}

static void test_entries(void)
{
    static const struct {
        const char *text, *path, *rest;
        bool certain;
    } cases[] = {
        {"debug", "\\loader\\entries\\debug.conf", "", false},
        {"  debug \t nokaslr quiet", "\\loader\\entries\\debug.conf", "nokaslr quiet", false},
        {"debug.conf quiet", "\\loader\\entries\\debug.conf", "quiet", true},
        {"Debug.CONF", "\\loader\\entries\\Debug.CONF", "", true},
        {".conf x", "\\loader\\entries\\.conf.conf", "x", false},
        {"/my/debug.conf x", "/my/debug.conf", "x", true},
        {"\\my\\debug", "\\my\\debug.conf", "", false},
    };
    static const char *const none[] = {"", "  ", "init=/x", "debug=1.conf x"};
    struct load_options_entry entry;
    char longer[300];

    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("entry of [%s]", cases[i].text);
        expect(load_options_entry(cases[i].text, &entry));
        expect_string(entry.path, cases[i].path);
        expect_string(entry.rest, cases[i].rest);
        expect_equal(entry.certain, cases[i].certain);
    }
    for (size_t i = 0; i < array_length(none); i++) {
        test_case("no entry in [%s]", none[i]);
        expect(!load_options_entry(none[i], &entry));
    }
    test_case("names that are too long");
    memset(longer, 'l', sizeof(longer));
    longer[299] = '\0';
    expect(!load_options_entry(longer, &entry));
    longer[240] = '\0';
    expect(!load_options_entry(longer, &entry));
}

int main(void)
{
    test_texts();
    test_load_option();
    test_rubbish();
    test_entries();
    return test_end();
}

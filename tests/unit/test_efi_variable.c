/* Names of UEFI variables as files, and what may be in those that UEFI defines. */
#include "library/efi_variable.h"
#include "test.h"

#include <string.h>

#define GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c"

static struct efi_variable_name name;
static char text[EFI_VARIABLE_FILE_NAME];

static void units_set(const char *string)
{
    memset(name.units, 0, sizeof(name.units));
    for (size_t i = 0; string[i]; i++)
        name.units[i] = (uint8_t)string[i];
}

static void global(const char *string)
{
    expect(efi_variable_name_parse("X-" GLOBAL, &name));
    units_set(string);
}

static void test_names(void)
{
    static const uint8_t bytes[] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                    0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};

    test_case("a file's name and the variable's");
    expect(efi_variable_name_parse("BootOrder-" GLOBAL, &name));
    expect(memcmp(name.vendor, bytes, sizeof(bytes)) == 0);
    expect_equal(name.units[0], 'B');
    expect_equal(name.units[8], 'r');
    expect_equal(name.units[9], 0);
    expect(efi_variable_file_name(&name, text));
    expect_string(text, "BootOrder-" GLOBAL);

    test_case("capital digits, and hyphens in the name");
    expect(efi_variable_name_parse("a-b--8BE4DF61-93CA-11D2-AA0D-00E098032B8C", &name));
    expect(efi_variable_file_name(&name, text));
    expect_string(text, "a-b--" GLOBAL);

    test_case("names that are none");
    expect(!efi_variable_name_parse("", &name));
    expect(!efi_variable_name_parse("BootOrder", &name));
    expect(!efi_variable_name_parse("-" GLOBAL, &name));
    expect(!efi_variable_name_parse(GLOBAL, &name));
    expect(!efi_variable_name_parse("B_" GLOBAL, &name));
    expect(!efi_variable_name_parse("B-8be4df61093ca-11d2-aa0d-00e098032b8c", &name));
    expect(!efi_variable_name_parse("B-8be4df61-93ca-11d2-aa0d-00e098032b8g", &name));
    expect(!efi_variable_name_parse("B-gbe4df61-93ca-11d2-aa0d-00e098032b8c", &name));

    test_case("slashes, and letters of other scripts");
    global("a/b");
    expect(efi_variable_file_name(&name, text));
    expect_string(text, "a!b-" GLOBAL);
    global("");
    const uint16_t units[] = {0xe9, 0x20ac, 0xd83d, 0xde00, 0};
    memcpy(name.units, units, sizeof(units));
    expect(efi_variable_file_name(&name, text));
    expect_string(text, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80-" GLOBAL);

    test_case("halves of surrogate pairs");
    static const uint16_t halves[][3] = {{0xd83d, 0, 0}, {0xde00, 0xd83d, 0}, {0xd83d, 'a', 0}};
    for (size_t i = 0; i < 3; i++) {
        memcpy(name.units, halves[i], sizeof(halves[i]));
        expect(!efi_variable_file_name(&name, text));
    }

    test_case("empty, and as long as a file's name may be, and longer");
    global("");
    expect(!efi_variable_file_name(&name, text));
    for (size_t i = 0; i < 218; i++)
        name.units[i] = 'x';
    expect(efi_variable_file_name(&name, text));
    expect_equal(strlen(text), 255);
    expect(efi_variable_name_parse(text, &name));
    name.units[218] = 'x';
    expect(!efi_variable_file_name(&name, text));
    for (size_t i = 0; i < EFI_VARIABLE_NAME_UNITS; i++)
        name.units[i] = 'x';
    expect(!efi_variable_file_name(&name, text));

    test_case("equal and not");
    struct efi_variable_name other;
    global("Lang");
    other = name;
    expect(efi_variable_name_equal(&name, &other));
    other.units[4] = 'x';
    other.units[5] = 0;
    expect(!efi_variable_name_equal(&name, &other));
    other = name;
    other.vendor[15]++;
    expect(!efi_variable_name_equal(&name, &other));
}

static bool removable(const char *string)
{
    global(string);
    return efi_variable_is_removable(&name);
}

static void test_removable(void)
{
    test_case("what can be removed without asking twice");
    expect(removable("BootOrder") && removable("Boot0001") && removable("BootNext"));
    expect(removable("BootCurrent") && removable("DriverOrder") && removable("Driver0000"));
    expect(removable("Lang") && removable("Timeout") && removable("ConInDev"));
    test_case("and what not");
    expect(!removable("PK") && !removable("KEK") && !removable("SetupMode"));
    expect(!removable("LangCodes") && !removable("Lan") && !removable("bootOrder"));
    test_case("of other vendors");
    expect(efi_variable_name_parse("Boot0001-8be4df61-93ca-11d2-aa0d-00e098032b8d", &name));
    expect(!efi_variable_is_removable(&name));
    expect(efi_variable_name_parse("dump-cfc8fc79-be2e-4ddc-97f0-9f98bfe298a0", &name));
    expect(!efi_variable_is_removable(&name));
    expect(efi_variable_name_parse("dump-cffc6552-f539-4e4f-a5f8-08ea4f8c1755", &name));
    expect(efi_variable_is_removable(&name));
}

static bool sane(const char *string, const void *value, size_t size)
{
    global(string);
    return efi_variable_value_is_sane(&name, test_copy(value, size), size);
}

/* One load option: attributes, length of paths, "A", the end of a path. */
static const uint8_t option[] = {1, 0, 0, 0, 4, 0, 'A', 0, 0, 0, 0x7f, 0xff, 4, 0, 'x'};

static void test_values(void)
{
    uint8_t changed[sizeof(option)];

    test_case("numbers and orders");
    expect(sane("Timeout", "\0\0", 2) && !sane("Timeout", "\0", 1) && !sane("BootNext", "abc", 3));
    expect(sane("BootOrder", "abcd", 4) && sane("BootOrder", "", 0));
    expect(!sane("BootOrder", "abc", 3) && !sane("DriverOrder", "a", 1));
    test_case("text");
    expect(sane("Lang", "eng", 4) && !sane("Lang", "eng", 3) && !sane("PlatformLang", "\xc3", 2));
    test_case("load options");
    expect(sane("Boot0001", option, sizeof(option)));
    expect(sane("Driver00fF", option, sizeof(option)));
    for (size_t size = 0; size < sizeof(option) - 1; size++)
        expect(!sane("Boot0001", option, size));
    memcpy(changed, option, sizeof(option));
    changed[4] = 6;
    expect(!sane("Boot0001", changed, sizeof(changed)));
    changed[4] = 3;
    expect(!sane("Boot0001", changed, sizeof(changed)));
    changed[4] = 4;
    changed[12] = 3;
    expect(!sane("Boot0001", changed, sizeof(changed)));
    changed[12] = 5;
    expect(!sane("Boot0001", changed, sizeof(changed)));
    test_case("names that only begin so");
    expect(sane("BootCurrent", "a", 1) && sane("Boot", "a", 1) && sane("Boot12", "a", 1));
    expect(!sane("Boot00011", option, sizeof(option)));
    test_case("device paths");
    expect(sane("ConIn", option + 10, 4) && !sane("ConOut", option + 10, 3));
    expect(sane("ConIn", "\1\1\6\0\0\0\x7f\xff\4\0", 10) && !sane("ErrOut", "\1\1\6\0\0\0", 6));
    expect(!sane("ConInDev", "\1\1\0\0\0\0", 6));
    test_case("what nobody defines");
    expect(sane("OsIndications", "a", 1) && sane("Anything", "a", 1));
}

int main(void)
{
    test_names();
    test_removable();
    test_values();
    return test_end();
}

/* Heads of PE images in memory. */
#include "library/pe_image.h"
#include "test.h"

#include <string.h>

enum {
    PE = 0x80, /* where the PE header is */
    SIZE = 0x600,
    DEBUG = 0x400,
    CODEVIEW = 0x440,
};

static uint8_t bytes[SIZE];
static struct pe_image image;

/* An image as EDK2 links it, whose record of the given signature names a file. */
static void make(const char *signature, size_t head, const char *path)
{
    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, "MZ", 2);
    put32(bytes + 60, PE);
    memcpy(bytes + PE, "PE\0\0", 4);
    put16(bytes + PE + 24, 0x20b);
    put32(bytes + PE + 24 + 56, SIZE);
    put32(bytes + PE + 24 + 108, 16);
    put32(bytes + PE + 24 + 112 + 48, DEBUG);
    put32(bytes + PE + 24 + 112 + 52, 2 * 28);
    put32(bytes + DEBUG + 12, 4);
    put32(bytes + DEBUG + 28 + 12, 2);
    put32(bytes + DEBUG + 28 + 20, CODEVIEW);
    memcpy(bytes + CODEVIEW, signature, 4);
    memcpy(bytes + CODEVIEW + head, path, strlen(path));
}

static bool read(size_t size)
{
    return pe_image_read(test_copy(bytes, size), size, &image);
}

static void test_names(void)
{
    static const struct {
        const char *signature;
        size_t head;
        const char *path, *name;
    } cases[] = {
        {"NB10", 16, "/build/Runtime/DEBUG/ResetSystemRuntimeDxe.dll", "ResetSystemRuntimeDxe"},
        {"RSDS", 24, "d:\\build\\Variable.efi.pdb", "Variable.efi"},
        {"MTOC", 20, "Plain", "Plain"},
        {"NB10", 16, "", ""},
        {"NB10", 16, ".hidden", ".hidden"},
        {"NB10", 16, "a\x01 b.dll", "ab"},
        {"NB10", 16, "0123456789012345678901234567890123456789abc",
         "012345678901234567890123456789012345678"},
        {"XX10", 16, "no.dll", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_case("%s: %s", cases[i].signature, cases[i].path);
        make(cases[i].signature, cases[i].head, cases[i].path);
        expect(read(SIZE));
        expect_equal(image.size, SIZE);
        expect_string(image.name, cases[i].name);
    }
}

static void test_cut(void)
{
    test_case("of every size");
    make("NB10", 16, "/a.dll");
    for (size_t size = 0; size <= SIZE; size++) {
        bool there = size >= PE + 24 + 112 + 48 + 8;
        expect_equal(read(size), there);
    }
    test_case("a size smaller than what can be read");
    put32(bytes + PE + 24 + 56, CODEVIEW + 4);
    expect(read(SIZE));
    expect_string(image.name, "");
    test_case("a debug directory that is not there");
    make("NB10", 16, "/a.dll");
    put32(bytes + PE + 24 + 112 + 48, UINT32_MAX);
    expect(read(SIZE));
    expect_string(image.name, "");
    test_case("a record that is not there");
    make("NB10", 16, "/a.dll");
    put32(bytes + DEBUG + 28 + 20, UINT32_MAX - 2);
    expect(read(SIZE));
    expect_string(image.name, "");
    test_case("no directories");
    make("NB10", 16, "/a.dll");
    put32(bytes + PE + 24 + 108, 6);
    expect(read(SIZE));
    expect_string(image.name, "");
}

static void test_refused(void)
{
    test_case("no MZ");
    make("NB10", 16, "a");
    bytes[0] = 'N';
    expect(!read(SIZE));
    test_case("no PE");
    make("NB10", 16, "a");
    bytes[PE] = 'N';
    expect(!read(SIZE));
    test_case("32 bits");
    make("NB10", 16, "a");
    put16(bytes + PE + 24, 0x10b);
    expect(!read(SIZE));
    test_case("a header that is not there");
    make("NB10", 16, "a");
    put32(bytes + 60, UINT32_MAX);
    expect(!read(SIZE));
}

/* ---- sections ---- */

enum {
    TABLE = PE + 24 + 240,
    HEADER = 40,
};

static void section_add(unsigned number, const char *name, uint32_t virtual_size, uint32_t raw_size)
{
    uint8_t *header = bytes + TABLE + HEADER * number;

    memcpy(header, name, strnlen(name, 8));
    put32(header + 8, virtual_size);
    put32(header + 12, 0x1000 * (number + 1));
    put32(header + 16, raw_size);
    put32(header + 20, 0x400 + 0x200 * number);
    put16(bytes + PE + 6, (uint16_t)(number + 1));
}

static void test_sections(void)
{
    struct pe_section section;

    make("NB10", 16, "/a.dll");
    put16(bytes + PE + 20, 240);
    section_add(0, ".linux", 5, 0x200);
    section_add(1, ".initrd", 0x300, 0x200);
    section_add(2, ".initrd", 7, 0x200);
    section_add(3, ".digests", 9, 0x200); /* eight characters, no NUL */

    test_case("a section by its name");
    expect(pe_section_find(test_copy(bytes, SIZE), SIZE, ".linux", 0, &section));
    expect_equal(section.address, 0x1000);
    expect_equal(section.size, 5);
    expect_equal(section.offset, 0x400);
    expect(pe_section_find(bytes, SIZE, ".digests", 0, &section));
    test_case("no more of it than the file has");
    expect(pe_section_find(bytes, SIZE, ".initrd", 0, &section));
    expect_equal(section.size, 0x200);
    test_case("several of one name");
    expect(pe_section_find(bytes, SIZE, ".initrd", 1, &section));
    expect_equal(section.size, 7);
    expect(!pe_section_find(bytes, SIZE, ".initrd", 2, &section));
    test_case("names that are none");
    expect(!pe_section_find(bytes, SIZE, ".lin", 0, &section));
    expect(!pe_section_find(bytes, SIZE, ".linuxx", 0, &section));
    test_case("a table that is cut");
    expect(
        !pe_section_find(test_copy(bytes, TABLE + HEADER), TABLE + HEADER, ".initrd", 0, &section));
    test_case("no image");
    expect(!pe_section_find(bytes, 10, ".linux", 0, &section));
}

int main(void)
{
    test_names();
    test_cut();
    test_sections();
    test_refused();
    return test_end();
}

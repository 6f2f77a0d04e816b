/* All tables of a made-up physical memory, by Linux's names and in its order. */
#include "library/acpi_list.h"
#include "test.h"

#include <errno.h>
#include <string.h>

enum {
    BASE = 0x10000,
    SIZE = 0x4000,
    XSDT = BASE + 0x100,
    TABLES = BASE + 0x1000, /* 0x100 apart */
    FACS = BASE + 0x3000,
    REGION = BASE + 0x3100,
};

static uint8_t memory[SIZE];
static struct acpi_listed list[8];

static const void *map(void *context, uint64_t physical, size_t size)
{
    (void)context;
    if (physical < BASE || physical > BASE + SIZE || size > BASE + SIZE - physical)
        return NULL;
    return memory + (physical - BASE);
}

static struct acpi_root root = {.memory = {.map = map}, .entry_size = 8};

static uint8_t *at(uint64_t physical)
{
    return memory + (physical - BASE);
}

static uint64_t place(unsigned index)
{
    return TABLES + 0x100 * (uint64_t)index;
}

static void checksum_set(uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    bytes[9] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[9] = (uint8_t)-sum;
}

static void table_set(uint64_t physical, const char *signature, uint32_t size)
{
    memcpy(at(physical), signature, 4);
    put32(at(physical) + 4, size);
    at(physical)[8] = 3;
    checksum_set(at(physical), size);
}

static void entry_set(unsigned index, uint64_t physical)
{
    put64(at(XSDT) + 8 * (size_t)index, physical);
    if (root.entry_count <= index)
        root.entry_count = index + 1;
}

static void table_add(const char *signature, uint32_t size)
{
    unsigned index = root.entry_count;

    table_set(place(index), signature, size);
    entry_set(index, place(index));
}

static void reset(void)
{
    memset(memory, 0, sizeof(memory));
    root.entries = at(XSDT);
    root.entry_count = 0;
}

/* The names in their order, with blanks between. */
static const char *names(size_t capacity)
{
    static char text[128];
    size_t count = acpi_list(&root, list, capacity);

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(text, list[i].name);
        strcat(text, " ");
    }
    return text;
}

static void test_names(void)
{
    /* What Debian's kernel 6.1 lists of the tables of QEMU 7.2's q35. */
    test_case("in the order of Linux's listing, with DSDT and FACS");
    reset();
    table_add("FACP", 244);
    put64(at(place(0)) + 140, place(9));
    put64(at(place(0)) + 132, FACS);
    checksum_set(at(place(0)), 244);
    table_set(place(9), "DSDT", 40);
    table_set(FACS, "FACS", 64);
    table_add("APIC", 120);
    table_add("HPET", 56);
    table_add("MCFG", 60);
    table_add("WAET", 40);
    expect_string(names(8), "MCFG APIC WAET DSDT FACP HPET FACS ");
    expect_equal(list[0].size, 60);
    expect(list[0].bytes == at(place(3)));
    expect_equal(list[6].size, 64);

    test_case("no more than there is room for");
    expect_equal(acpi_list(&root, list, 2), 2);

    test_case("several of one signature are numbered");
    reset();
    table_add("SSDT", 40);
    table_add("APIC", 44);
    table_add("SSDT", 41);
    names(8);
    for (unsigned i = 0; i < 3; i++)
        if (list[i].size != 44)
            expect_string(list[i].name, list[i].size == 40 ? "SSDT1" : "SSDT2");

    test_case("strange letters of a signature");
    reset();
    table_add("a/\377Z", 40);
    expect_string(names(8), "___Z ");
}

static void test_faults(void)
{
    test_case("a wrong checksum is no reason to hide a table");
    reset();
    table_add("APIC", 44);
    at(place(0))[40]++;
    expect_string(names(8), "APIC ");

    test_case("impossible lengths, and no memory");
    reset();
    table_add("APIC", 44);
    put32(at(place(0)) + 4, 35);
    table_add("HPET", 56);
    put32(at(place(1)) + 4, SIZE);
    table_add("MCFG", 60);
    put32(at(place(2)) + 4, UINT32_MAX);
    entry_set(3, 0);
    entry_set(4, UINT64_MAX - 10);
    entry_set(5, 0x500000);
    expect_string(names(8), "");

    test_case("an RSDT");
    reset();
    table_set(place(0), "APIC", 44);
    put32(at(XSDT), (uint32_t)place(0));
    root.entry_size = 4;
    root.entry_count = 1;
    expect_string(names(8), "APIC ");
    root.entry_size = 8;
}

static void test_errors(void)
{
    struct acpi_listed errors;

    test_case("the boot error region of a BERT");
    reset();
    expect_equal(acpi_list_errors(&root, &errors), -ENOENT);
    table_add("BERT", 48);
    put32(at(place(0)) + 36, 0x40);
    put64(at(place(0)) + 40, REGION);
    checksum_set(at(place(0)), 48);
    expect_equal(acpi_list_errors(&root, &errors), 0);
    expect_string(errors.name, "BERT");
    expect_equal(errors.size, 0x40);
    expect(errors.bytes == at(REGION));

    test_case("a region that is nowhere, empty, or endless");
    put64(at(place(0)) + 40, 0x500000);
    checksum_set(at(place(0)), 48);
    expect_equal(acpi_list_errors(&root, &errors), -ENOENT);
    put64(at(place(0)) + 40, REGION);
    put32(at(place(0)) + 36, 0);
    checksum_set(at(place(0)), 48);
    expect_equal(acpi_list_errors(&root, &errors), -ENOENT);
    put32(at(place(0)) + 36, UINT32_MAX);
    checksum_set(at(place(0)), 48);
    expect_equal(acpi_list_errors(&root, &errors), -ENOENT);
}

int main(void)
{
    test_names();
    test_faults();
    test_errors();
    return test_end();
}

/* ACPI tables in a made-up physical memory. */
#include "library/acpi.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

enum {
    MEMORY_BASE = 0x10000,
    MEMORY_SIZE = 0x4000,
    RSDP = MEMORY_BASE,
    XSDT = MEMORY_BASE + 0x100,
    RSDT = MEMORY_BASE + 0x200,
    TABLES = MEMORY_BASE + 0x1000, /* 0x400 apart */
};

/* What map gives is on the heap, so that AddressSanitizer sees a read beyond its end. */
static uint8_t *memory;
static const char *reason;
static struct acpi_root root;
static struct acpi_table table;

static const void *map(void *context, uint64_t physical, size_t size)
{
    (void)context;
    if (physical < MEMORY_BASE || physical > MEMORY_BASE + MEMORY_SIZE ||
        size > MEMORY_BASE + MEMORY_SIZE - physical)
        return NULL;
    return memory + (physical - MEMORY_BASE);
}

static uint8_t *at(uint64_t physical)
{
    return memory + (physical - MEMORY_BASE);
}

static void checksum_set(uint8_t *bytes, size_t size, size_t where)
{
    uint8_t sum = 0;

    bytes[where] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[where] = (uint8_t)-sum;
}

static void table_set(uint64_t physical, const char *signature, uint32_t size)
{
    memcpy(at(physical), signature, 4);
    put32(at(physical) + 4, size);
    at(physical)[8] = 3;
    checksum_set(at(physical), size, 9);
}

static void rsdp_set(uint8_t revision, uint64_t xsdt, uint32_t rsdt)
{
    uint8_t *rsdp = at(RSDP);

    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, "BATON ", 6);
    rsdp[15] = revision;
    put32(rsdp + 16, rsdt);
    put32(rsdp + 20, 36);
    put64(rsdp + 24, xsdt);
    checksum_set(rsdp, 20, 8);
    checksum_set(rsdp, 36, 32);
}

/* RSDP revision 2, an XSDT of three tables, an RSDT of the first two. */
static void memory_reset(void)
{
    free(memory);
    memory = calloc(1, MEMORY_SIZE);
    rsdp_set(2, XSDT, RSDT);
    for (int i = 0; i < 3; i++)
        put64(at(XSDT) + 36 + 8 * i, TABLES + 0x400 * (uint64_t)i);
    table_set(XSDT, "XSDT", 36 + 3 * 8);
    for (int i = 0; i < 2; i++)
        put32(at(RSDT) + 36 + 4 * i, TABLES + 0x400 * (uint32_t)i);
    table_set(RSDT, "RSDT", 36 + 2 * 4);
    table_set(TABLES, "FACP", 276);
    table_set(TABLES + 0x400, "APIC", 44);
    table_set(TABLES + 0x800, "HPET", 56);
}

static int find_root(void)
{
    static const struct acpi_memory acpi_memory = {.map = map};
    reason = NULL;
    return acpi_root_find(&acpi_memory, RSDP, &root, &reason);
}

static void expect_reason(const char *part)
{
    expect(reason != NULL && strstr(reason, part) != NULL);
}

static void test_root(void)
{
    static const struct acpi_memory acpi_memory = {.map = map};

    memory_reset();
    test_case("XSDT");
    expect_equal(find_root(), 0);
    expect_equal(root.revision, 2);
    expect_equal(root.entry_size, 8);
    expect_equal(root.entry_count, 3);
    expect_string(root.oem, "BATON ");

    test_case("tables by index");
    expect_equal(acpi_table_at(&root, 1, &table, &reason), 0);
    expect_string(table.signature, "APIC");
    expect_equal(table.physical, TABLES + 0x400);
    expect_equal(table.size, 44);
    expect_equal(table.revision, 3);
    expect_equal(acpi_table_at(&root, 3, &table, &reason), -ENOENT);
    expect_equal(acpi_table_at(&root, ~0u, &table, &reason), -ENOENT);

    test_case("tables by signature");
    expect_equal(acpi_table_find(&root, "HPET", &table), 0);
    expect_equal(table.physical, TABLES + 0x800);
    expect_equal(acpi_table_find(&root, "MCFG", &table), -ENOENT);

    test_case("a table by its address");
    expect_equal(acpi_table_read(&root, TABLES + 0x400, &table, &reason), 0);
    expect_string(table.signature, "APIC");
    expect_equal(acpi_table_read(&root, 0, &table, &reason), -EINVAL);

    test_case("ACPI 1: RSDT");
    rsdp_set(0, XSDT, RSDT);
    expect_equal(find_root(), 0);
    expect_equal(root.revision, 0);
    expect_equal(root.entry_size, 4);
    expect_equal(root.entry_count, 2);
    expect_equal(acpi_table_at(&root, 0, &table, &reason), 0);
    expect_string(table.signature, "FACP");
    expect_equal(acpi_table_find(&root, "APIC", &table), 0);

    test_case("broken XSDT: the RSDT stands in");
    memory_reset();
    at(XSDT)[40]++;
    expect_equal(find_root(), 0);
    expect_equal(root.entry_size, 4);
    rsdp_set(2, 0, RSDT);
    expect_equal(find_root(), 0);
    expect_equal(root.entry_size, 4);

    test_case("XSDT and RSDT with wrong checksums: the XSDT");
    memory_reset();
    at(XSDT)[9]++;
    at(RSDT)[9]++;
    expect_equal(find_root(), 0);
    expect_equal(root.entry_size, 8);
    expect_equal(root.checksum_wrong, true);

    test_case("ACPI 1: RSDT with a wrong checksum");
    rsdp_set(0, XSDT, RSDT);
    expect_equal(find_root(), 0);
    expect_equal(root.entry_size, 4);
    expect_equal(root.checksum_wrong, true);
    memory_reset();

    test_case("RSDT where an XSDT should be");
    memory_reset();
    rsdp_set(2, RSDT, 0);
    expect_equal(find_root(), -EINVAL);

    test_case("no RSDP");
    expect_equal(acpi_root_find(&acpi_memory, 0, &root, &reason), -EINVAL);
    expect_equal(acpi_root_find(&acpi_memory, ~0ULL - 4, &root, &reason), -EINVAL);
    expect_equal(acpi_root_find(&acpi_memory, MEMORY_BASE + MEMORY_SIZE - 10, &root, &reason),
                 -EINVAL);
    expect_reason("no memory");

    test_case("RSDP whose second half is not there");
    memory_reset();
    memcpy(at(MEMORY_BASE + MEMORY_SIZE - 20), at(RSDP), 20);
    expect_equal(acpi_root_find(&acpi_memory, MEMORY_BASE + MEMORY_SIZE - 20, &root, &reason),
                 -EINVAL);
    expect_reason("reaches where no memory is");

    static const struct {
        const char *name;
        size_t offset;
        uint8_t value;
        bool fix_first, fix_second; /* the checksums */
        const char *reason;
    } corruptions[] = {
        {"signature", 3, 'x', true, true, "signature"},
        {"checksum", 9, 'x', false, false, "wrong checksum"},
        {"extended checksum", 35, 1, false, false, "extended checksum"},
        {"length 20", 20, 20, true, true, "impossible length"},
        {"length of 1 MiB", 22, 0x10, true, false, "impossible length"},
    };
    for (size_t i = 0; i < array_length(corruptions); i++) {
        test_case("RSDP with a wrong %s", corruptions[i].name);
        memory_reset();
        at(RSDP)[corruptions[i].offset] = corruptions[i].value;
        if (corruptions[i].fix_first)
            checksum_set(at(RSDP), 20, 8);
        if (corruptions[i].fix_second)
            checksum_set(at(RSDP), 36, 32);
        expect_equal(find_root(), -EINVAL);
        expect_reason(corruptions[i].reason);
    }

    test_case("RSDP longer than memory");
    memory_reset();
    uint64_t end = MEMORY_BASE + MEMORY_SIZE - 36;
    memcpy(at(end), at(RSDP), 36);
    put32(at(end) + 20, 37);
    expect_equal(acpi_root_find(&acpi_memory, end, &root, &reason), -EINVAL);
    expect_reason("reaches where no memory is");
}

static void test_tables(void)
{
    static const struct {
        const char *name;
        uint64_t address;
        uint32_t length;
        const char *reason;
    } cases[] = {
        {"null", 0, 0, "no memory"},
        {"outside memory", 0x7fff0000, 0, "no memory"},
        {"above 4 GiB", TABLES + 0x100000000, 0, "no memory"},
        {"at the end of 64 bits", ~0ULL - 10, 0, "no memory"},
        {"with half a header in memory", MEMORY_BASE + MEMORY_SIZE - 20, 0, "no memory"},
        {"with the length 0", TABLES, 0, "impossible length"},
        {"with the length 35", TABLES, 35, "impossible length"},
        {"with the length 2^32-1", TABLES, ~0u, "impossible length"},
        {"longer than memory", TABLES, MEMORY_SIZE, "reaches where no memory is"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("table %s", cases[i].name);
        memory_reset();
        put64(at(XSDT) + 36, cases[i].address);
        table_set(XSDT, "XSDT", 36 + 3 * 8);
        put32(at(TABLES) + 4, cases[i].length);
        expect_equal(find_root(), 0);
        expect_equal(acpi_table_at(&root, 0, &table, &reason), -EINVAL);
        expect_reason(cases[i].reason);
        expect_equal(acpi_table_find(&root, "HPET", &table), 0);
    }

    test_case("table with a wrong checksum is passed over for the next");
    memory_reset();
    table_set(TABLES, "HPET", 56);
    at(TABLES)[50]++;
    expect_equal(find_root(), 0);
    expect_equal(acpi_table_at(&root, 0, &table, &reason), 0);
    expect_equal(table.checksum_wrong, true);
    expect_equal(acpi_table_find(&root, "HPET", &table), 0);
    expect_equal(table.physical, TABLES + 0x800);
    expect_equal(table.checksum_wrong, false);

    test_case("table with a wrong checksum is taken where there is no other");
    at(TABLES + 0x800)[0] = 'x';
    expect_equal(acpi_table_find(&root, "HPET", &table), 0);
    expect_equal(table.physical, TABLES);
    expect_equal(table.checksum_wrong, true);
}

/* A table whose bytes are a heap block of exactly its size. */
static struct acpi_table table_of(const char *signature, const void *bytes, size_t size)
{
    struct acpi_table made = {.bytes = test_copy(bytes, size), .size = size};
    memcpy(made.signature, signature, 4);
    return made;
}

static uint8_t madt_bytes[512];
static size_t madt_size;

static void madt_reset(void)
{
    memset(madt_bytes, 0, sizeof(madt_bytes));
    put32(madt_bytes + 36, 0xfee00000);
    put32(madt_bytes + 40, 1);
    madt_size = 44;
}

static uint8_t *madt_add(uint8_t type, uint8_t length)
{
    uint8_t *entry = madt_bytes + madt_size;

    entry[0] = type;
    entry[1] = length;
    madt_size += length;
    return entry;
}

static struct acpi_madt madt;
static struct acpi_madt_entry entry;

static int madt_start(void)
{
    struct acpi_table made = table_of("APIC", madt_bytes, madt_size);
    reason = NULL;
    return acpi_madt_start(&madt, &made, &reason);
}

static void madt_fill(void)
{
    uint8_t *bytes;

    bytes = madt_add(0, 8); /* local APIC, enabled */
    bytes[2] = 1;
    bytes[3] = 2;
    put32(bytes + 4, 3);
    bytes = madt_add(0, 8); /* local APIC, can be switched on */
    bytes[3] = 3;
    put32(bytes + 4, 2);
    madt_add(0, 8)[3] = 0xff; /* the reserved identifier */
    bytes = madt_add(1, 12);  /* I/O APIC */
    bytes[2] = 9;
    put32(bytes + 4, 0xfec00000);
    put32(bytes + 8, 24);
    bytes = madt_add(2, 10); /* override: the PIT at input 2 */
    put32(bytes + 4, 2);
    bytes = madt_add(2, 10); /* override: level, low */
    bytes[3] = 9;
    put32(bytes + 4, 9);
    put16(bytes + 8, 15);
    bytes = madt_add(2, 10); /* override of a bus that there is not */
    bytes[2] = 1;
    bytes = madt_add(2, 10); /* override of an interrupt that there is not */
    bytes[3] = 16;
    bytes = madt_add(3, 8); /* NMI source: edge, high */
    put16(bytes + 2, 5);
    put32(bytes + 4, 21);
    bytes = madt_add(4, 6); /* local NMI of every processor at LINT1 */
    bytes[2] = 0xff;
    put16(bytes + 3, 15);
    bytes[5] = 1;
    bytes = madt_add(4, 6); /* at an input that there is not */
    bytes[5] = 2;
    bytes = madt_add(5, 12); /* another address of the local APICs */
    put64(bytes + 4, 0x123456789000);
    bytes = madt_add(9, 16); /* x2APIC */
    put32(bytes + 4, 300);
    put32(bytes + 8, 1);
    put32(bytes + 12, 301);
    put32(madt_add(9, 16) + 4, ~0u); /* reserved identifier */
    bytes = madt_add(10, 12);        /* x2APIC NMI */
    put16(bytes + 2, 5);
    put32(bytes + 4, 301);
    bytes = madt_add(10, 12); /* at an input that there is not */
    bytes[8] = 2;
    madt_add(0x7f, 2); /* of an unknown kind */
    madt_add(0x10, 16);
}

static void test_madt(void)
{
    madt_reset();
    test_case("empty MADT");
    expect_equal(madt_start(), 0);
    expect_equal(madt.local_apic_address, 0xfee00000);
    expect(madt.has_8259);
    expect_equal(acpi_madt_next(&madt, &entry), 0);

    test_case("MADT of every kind of entry");
    madt_fill();
    expect_equal(madt_start(), 0);
    expect_equal(madt.local_apic_address, 0x123456789000);
    expect_equal(acpi_madt_next(&madt, &entry), 1);
    expect_equal(entry.kind, ACPI_MADT_PROCESSOR);
    expect_equal(entry.processor.apic_id, 2);
    expect_equal(entry.processor.uid, 1);
    expect(entry.processor.enabled && !entry.processor.online_capable && !entry.processor.x2apic);
    expect_equal(acpi_madt_next(&madt, &entry), 1);
    expect_equal(entry.processor.apic_id, 3);
    expect(!entry.processor.enabled && entry.processor.online_capable);
    expect_equal(acpi_madt_next(&madt, &entry), 1);
    expect_equal(entry.kind, ACPI_MADT_IO_APIC);
    expect_equal(entry.io_apic.id, 9);
    expect_equal(entry.io_apic.address, 0xfec00000);
    expect_equal(entry.io_apic.first_interrupt, 24);
    expect_equal(acpi_madt_next(&madt, &entry), 1);
    expect_equal(entry.kind, ACPI_MADT_OVERRIDE);
    expect_equal(entry.override.source, 0);
    expect_equal(entry.override.interrupt, 2);
    expect_equal(entry.override.polarity, ACPI_POLARITY_BUS);
    expect_equal(entry.override.trigger, ACPI_TRIGGER_BUS);
    expect_equal(acpi_madt_next(&madt, &entry), 1);
    expect_equal(entry.override.source, 9);
    expect_equal(entry.override.polarity, ACPI_POLARITY_LOW);
    expect_equal(entry.override.trigger, ACPI_TRIGGER_LEVEL);
    expect_equal(acpi_madt_next(&madt, &entry), 1);
    expect_equal(entry.kind, ACPI_MADT_NMI_SOURCE);
    expect_equal(entry.nmi_source.polarity, ACPI_POLARITY_HIGH);
    expect_equal(entry.nmi_source.trigger, ACPI_TRIGGER_EDGE);
    expect_equal(entry.nmi_source.interrupt, 21);
    expect_equal(acpi_madt_next(&madt, &entry), 1);
    expect_equal(entry.kind, ACPI_MADT_LOCAL_NMI);
    expect_equal(entry.local_nmi.uid, ACPI_ALL_PROCESSORS);
    expect_equal(entry.local_nmi.polarity, ACPI_POLARITY_LOW);
    expect_equal(entry.local_nmi.trigger, ACPI_TRIGGER_LEVEL);
    expect_equal(entry.local_nmi.input, 1);
    expect_equal(acpi_madt_next(&madt, &entry), 1);
    expect_equal(entry.processor.apic_id, 300);
    expect_equal(entry.processor.uid, 301);
    expect(entry.processor.enabled && entry.processor.x2apic);
    expect_equal(acpi_madt_next(&madt, &entry), 1);
    expect_equal(entry.kind, ACPI_MADT_LOCAL_NMI);
    expect_equal(entry.local_nmi.uid, 301);
    expect_equal(entry.local_nmi.polarity, ACPI_POLARITY_HIGH);
    expect_equal(entry.local_nmi.trigger, ACPI_TRIGGER_EDGE);
    expect_equal(acpi_madt_next(&madt, &entry), 0);
    expect_equal(acpi_madt_next(&madt, &entry), 0);

    test_case("MADT cut off at every byte");
    size_t whole = madt_size;
    for (madt_size = 0; madt_size < whole; madt_size++) {
        int error = madt_start();
        expect(error == 0 || error == -EINVAL);
        while (error == 0 && acpi_madt_next(&madt, &entry) > 0) {
        }
    }

    static const uint8_t types[] = {0, 1, 2, 3, 4, 5, 9, 10, 0x20};
    static const uint8_t lengths[] = {8, 12, 10, 8, 6, 12, 16, 12, 2};
    for (size_t i = 0; i < array_length(types); i++) {
        test_case("MADT entry of type %u, one byte too short", types[i]);
        madt_reset();
        madt_add(types[i], (uint8_t)(lengths[i] - 1));
        expect_equal(madt_start(), -EINVAL);
        expect_reason("impossible length");
    }
    test_case("MADT entry of length 0");
    madt_reset();
    madt_add(0x20, 0);
    madt_size += 8;
    expect_equal(madt_start(), -EINVAL);
    test_case("MADT entry longer than the table");
    madt_reset();
    madt_add(0, 8)[1] = 9;
    expect_equal(madt_start(), -EINVAL);
    test_case("MADT that is too short");
    madt_size = 43;
    expect_equal(madt_start(), -EINVAL);
    test_case("not a MADT");
    struct acpi_table other = table_of("FACP", madt_bytes, 44);
    expect_equal(acpi_madt_start(&madt, &other, &reason), -EINVAL);
}

/* A FADT of ACPI 2 without its header. */
static void fadt_make(uint8_t bytes[276])
{
    memset(bytes, 0, 276);
    put32(bytes + 36, 0x1000);
    put32(bytes + 40, 0x2000);
    put16(bytes + 46, 9);
    put32(bytes + 48, 0xb2);
    bytes[52] = 2;
    put32(bytes + 56, 0x600);
    put32(bytes + 64, 0x604);
    put32(bytes + 76, 0x608);
    bytes[88] = 4;
    bytes[89] = 2;
    bytes[91] = 4;
    put32(bytes + 80, 0x620);
    bytes[92] = 16;
    bytes[108] = 0x32;
    put16(bytes + 109, 3);
    put32(bytes + 112, 1 << 8 | 1 << 10);
    bytes[116] = ACPI_SPACE_PORT;
    bytes[117] = 8;
    put64(bytes + 120, 0xcf9);
    bytes[128] = 6;
    put64(bytes + 140, 0x123456789000);
    bytes[208] = ACPI_SPACE_MEMORY;
    bytes[209] = 32;
    bytes[211] = 3;
    put64(bytes + 212, 0xfed80800);
    bytes[244] = ACPI_SPACE_PORT;
    put64(bytes + 248, 0x700);
    put64(bytes + 260, 0x701);
}

static void test_fadt(void)
{
    uint8_t bytes[276];
    struct acpi_table made;
    struct acpi_fadt fadt;

    fadt_make(bytes);
    test_case("FADT of ACPI 2");
    made = table_of("FACP", bytes, sizeof(bytes));
    expect_equal(acpi_fadt_parse(&made, &fadt, &reason), 0);
    expect_equal(fadt.sci_interrupt, 9);
    expect_equal(fadt.smi_command, 0xb2);
    expect_equal(fadt.acpi_enable, 2);
    expect_equal(fadt.pm1a_event.address, 0x600);
    expect_equal(fadt.pm1a_event.space, ACPI_SPACE_PORT);
    expect_equal(fadt.pm1a_event.bit_width, 32);
    expect_equal(fadt.pm1b_event.address, 0);
    expect_equal(fadt.pm1a_control.address, 0x604);
    expect_equal(fadt.pm1a_control.bit_width, 16);
    expect_equal(fadt.timer.address, 0xfed80800);
    expect_equal(fadt.timer.space, ACPI_SPACE_MEMORY);
    expect_equal(fadt.timer.access_size, 3);
    expect_equal(fadt.general_event[0].address, 0x620);
    expect_equal(fadt.general_event[0].bit_width, 128);
    expect_equal(fadt.general_event[1].address, 0);
    expect(fadt.fixed_power_button);
    expect(fadt.timer_32_bit);
    expect(fadt.has_reset);
    expect_equal(fadt.reset_register.address, 0xcf9);
    expect_equal(fadt.reset_value, 6);
    expect_equal(fadt.century, 0x32);
    expect_equal(fadt.boot_architecture, 3);
    expect_equal(fadt.dsdt, 0x123456789000);
    expect_equal(fadt.facs, 0x1000);
    expect(!fadt.hardware_reduced);
    expect_equal(fadt.sleep_control.space, ACPI_SPACE_PORT);
    expect_equal(fadt.sleep_control.address, 0x700);
    expect_equal(fadt.sleep_status.address, 0x701);

    test_case("FADT of ACPI 1: ports only, no reset");
    made = table_of("FACP", bytes, 116);
    expect_equal(acpi_fadt_parse(&made, &fadt, &reason), 0);
    expect_equal(fadt.timer.address, 0x608);
    expect_equal(fadt.timer.bit_width, 32);
    expect(!fadt.has_reset);
    expect_equal(fadt.sleep_control.address, 0);
    expect_equal(fadt.dsdt, 0x2000);

    test_case("FADT of every length");
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        made = table_of("FACP", bytes, size);
        expect_equal(acpi_fadt_parse(&made, &fadt, &reason), size < 116 ? -EINVAL : 0);
    }

    test_case("not a FADT");
    made = table_of("APIC", bytes, sizeof(bytes));
    expect_equal(acpi_fadt_parse(&made, &fadt, &reason), -EINVAL);
}

/* The FADT as table number 0, its ports from `base` on. */
static void fadt_install(uint32_t base, size_t size)
{
    memory_reset();
    fadt_make(at(TABLES));
    put32(at(TABLES) + 56, base);
    put32(at(TABLES) + 64, base + 4);
    put32(at(TABLES) + 76, base + 8);
    put32(at(TABLES) + 80, base + 0x20);
    table_set(TABLES, "FACP", (uint32_t)size);
    expect_equal(find_root(), 0);
}

static void test_fadt_ports(void)
{
    struct acpi_fadt fadt;
    const uint32_t ACPI_1 = 116;

    test_case("FADT of a root: ports as they are told");
    fadt_install(0x600, ACPI_1);
    expect_equal(acpi_fadt_find(&root, &fadt, &reason), 0);
    expect_equal(fadt.pm1a_event.address, 0x600);
    expect_equal(fadt.pm1a_control.address, 0x604);
    expect_equal(fadt.pm1b_control.address, 0);
    expect_equal(fadt.timer.address, 0x608);

    test_case("FADT with ports among the system board's: none");
    fadt_install(0, ACPI_1);
    expect_equal(acpi_fadt_find(&root, &fadt, &reason), 0);
    expect_equal(fadt.pm1a_event.address, 0);
    expect_equal(fadt.pm1a_control.address, 0);
    expect_equal(fadt.timer.address, 0);
    expect_equal(fadt.general_event[0].address, 0);

    test_case("FADT with ports that are the serial line's or PCI's: none");
    for (const uint32_t *port = (const uint32_t[]){0x2e8, 0x2f8, 0x3e8, 0x3f8, 0xcf8, 0}; *port;
         port++) {
        fadt_install(*port, ACPI_1);
        expect_equal(acpi_fadt_find(&root, &fadt, &reason), 0);
        expect_equal(fadt.pm1a_event.address, 0);
        expect_equal(fadt.pm1a_control.address, 0);
    }

    test_case("FADT whose ports are told from zero, with a base");
    fadt_install(0, ACPI_1);
    root.port_base = 0xe400;
    expect_equal(acpi_fadt_find(&root, &fadt, &reason), 0);
    expect_equal(fadt.pm1a_event.address, 0xe400);
    expect_equal(fadt.pm1a_control.address, 0xe404);
    expect_equal(fadt.pm1b_control.address, 0);
    expect_equal(fadt.timer.address, 0xe408);
    expect_equal(fadt.general_event[0].address, 0xe420);
    expect_equal(fadt.general_event[1].address, 0);

    test_case("FADT of a root that is too short, or not there");
    fadt_install(0x600, ACPI_1 - 1);
    expect_equal(acpi_fadt_find(&root, &fadt, &reason), -EINVAL);
    expect_reason("too short");
    memcpy(at(TABLES), "xACP", 4);
    expect_equal(acpi_fadt_find(&root, &fadt, &reason), -EINVAL);
    expect_reason("none");
}

static void test_fadt_without(void)
{
    uint8_t bytes[276];
    struct acpi_table made;
    struct acpi_fadt fadt;

    fadt_make(bytes);
    test_case("FADT without a timer");
    bytes[91] = 3;
    made = table_of("FACP", bytes, sizeof(bytes));
    expect_equal(acpi_fadt_parse(&made, &fadt, &reason), 0);
    expect_equal(fadt.timer.address, 0);

    test_case("FADT whose power button is a device");
    put32(bytes + 112, 1 << 4 | 1 << 8 | 1 << 10);
    made = table_of("FACP", bytes, sizeof(bytes));
    expect_equal(acpi_fadt_parse(&made, &fadt, &reason), 0);
    expect(!fadt.fixed_power_button);

    test_case("FADT with a null reset register");
    put64(bytes + 120, 0);
    made = table_of("FACP", bytes, sizeof(bytes));
    expect_equal(acpi_fadt_parse(&made, &fadt, &reason), 0);
    expect(!fadt.has_reset);

    test_case("FADT of reduced hardware");
    put32(bytes + 112, 1 << 20);
    made = table_of("FACP", bytes, sizeof(bytes));
    expect_equal(acpi_fadt_parse(&made, &fadt, &reason), 0);
    expect(fadt.hardware_reduced);
    expect(!fadt.fixed_power_button);
    expect_equal(fadt.pm1a_event.address, 0);
    expect_equal(fadt.smi_command, 0);
}

static void test_hpet(void)
{
    uint8_t bytes[56] = {0};
    struct acpi_hpet hpet;

    put32(bytes + 36, 0x8086a201);
    put64(bytes + 44, 0xfed00000);
    bytes[52] = 1;
    put16(bytes + 53, 100);

    test_case("HPET");
    struct acpi_table made = table_of("HPET", bytes, sizeof(bytes));
    expect_equal(acpi_hpet_parse(&made, &hpet, &reason), 0);
    expect_equal(hpet.address.address, 0xfed00000);
    expect_equal(hpet.block_id, 0x8086a201);
    expect_equal(hpet.number, 1);
    expect_equal(hpet.minimum_tick, 100);

    test_case("HPET that is too short");
    made = table_of("HPET", bytes, 55);
    expect_equal(acpi_hpet_parse(&made, &hpet, &reason), -EINVAL);
    test_case("HPET in a port");
    bytes[40] = ACPI_SPACE_PORT;
    made = table_of("HPET", bytes, sizeof(bytes));
    expect_equal(acpi_hpet_parse(&made, &hpet, &reason), -EINVAL);
    test_case("HPET nowhere");
    bytes[40] = ACPI_SPACE_MEMORY;
    put64(bytes + 44, 0);
    made = table_of("HPET", bytes, sizeof(bytes));
    expect_equal(acpi_hpet_parse(&made, &hpet, &reason), -EINVAL);
    test_case("not an HPET");
    made = table_of("APIC", bytes, sizeof(bytes));
    expect_equal(acpi_hpet_parse(&made, &hpet, &reason), -EINVAL);
}

static void test_mcfg(void)
{
    uint8_t bytes[44 + 32] = {0};
    struct acpi_ecam ecam;

    put64(bytes + 44, 0xb0000000);
    bytes[44 + 11] = 0xff;
    put64(bytes + 60, 0xc0000000);
    put16(bytes + 60 + 8, 1);
    bytes[60 + 10] = 2;
    bytes[60 + 11] = 1;

    test_case("MCFG");
    struct acpi_table made = table_of("MCFG", bytes, sizeof(bytes));
    expect_equal(acpi_ecam_at(&made, 0, &ecam), 0);
    expect_equal(ecam.base, 0xb0000000);
    expect_equal(ecam.segment, 0);
    expect_equal(ecam.first_bus, 0);
    expect_equal(ecam.last_bus, 0xff);
    test_case("MCFG with an entry of no buses, and at no place");
    expect_equal(acpi_ecam_at(&made, 1, &ecam), -EINVAL);
    put64(bytes + 44, 0);
    made = table_of("MCFG", bytes, sizeof(bytes));
    expect_equal(acpi_ecam_at(&made, 0, &ecam), -EINVAL);
    test_case("MCFG's end");
    expect_equal(acpi_ecam_at(&made, 2, &ecam), -ENOENT);
    made = table_of("MCFG", bytes, sizeof(bytes) - 1);
    expect_equal(acpi_ecam_at(&made, 1, &ecam), -ENOENT);
    made = table_of("MCFG", bytes, 43);
    expect_equal(acpi_ecam_at(&made, 0, &ecam), -EINVAL);
    test_case("not an MCFG");
    made = table_of("APIC", bytes, sizeof(bytes));
    expect_equal(acpi_ecam_at(&made, 0, &ecam), -EINVAL);
}

static void test_dmar(void)
{
    /* a unit, a reserved region, a unit (VT-d specification 4.1, 8.3 and 8.4) */
    uint8_t bytes[48 + 16 + 24 + 16] = {0};
    uint64_t registers = 0;

    put32(bytes + 48, 16 << 16);
    put64(bytes + 56, 0xfed90000);
    put32(bytes + 64, 24 << 16 | 1);
    put32(bytes + 88, 16 << 16);
    put64(bytes + 96, 0xfed91000);
    test_case("DMAR");
    struct acpi_table made = table_of("DMAR", bytes, sizeof(bytes));
    expect_equal(acpi_remapping_unit_at(&made, 0, &registers), 0);
    expect_equal(registers, 0xfed90000);
    expect_equal(acpi_remapping_unit_at(&made, 1, &registers), 0);
    expect_equal(registers, 0xfed91000);
    expect_equal(acpi_remapping_unit_at(&made, 2, &registers), -ENOENT);
    test_case("DMAR that is cut off, within a structure and behind one");
    made = table_of("DMAR", bytes, sizeof(bytes) - 1);
    expect_equal(acpi_remapping_unit_at(&made, 1, &registers), -EINVAL);
    made = table_of("DMAR", bytes, 88 + 3);
    expect_equal(acpi_remapping_unit_at(&made, 1, &registers), -ENOENT);
    test_case("DMAR of structures without a length, too short, at no place");
    put32(bytes + 64, 1);
    made = table_of("DMAR", bytes, sizeof(bytes));
    expect_equal(acpi_remapping_unit_at(&made, 1, &registers), -EINVAL);
    put32(bytes + 48, 15 << 16);
    made = table_of("DMAR", bytes, sizeof(bytes));
    expect_equal(acpi_remapping_unit_at(&made, 0, &registers), -EINVAL);
    put32(bytes + 48, 16 << 16);
    put64(bytes + 56, 0);
    made = table_of("DMAR", bytes, sizeof(bytes));
    expect_equal(acpi_remapping_unit_at(&made, 0, &registers), -EINVAL);
    test_case("not a DMAR");
    made = table_of("APIC", bytes, sizeof(bytes));
    expect_equal(acpi_remapping_unit_at(&made, 0, &registers), -EINVAL);
}

int main(void)
{
    test_root();
    test_tables();
    test_madt();
    test_fadt();
    test_fadt_ports();
    test_fadt_without();
    test_hpet();
    test_mcfg();
    test_dmar();
    free(memory);
    return test_end();
}

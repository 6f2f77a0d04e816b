/*
 * The input is physical memory from 0x1000 on with the RSDP at its beginning,
 * and once more a single table. Checksums would keep the fuzzer out, so the
 * tables are tried as they come and again with their checksums put right.
 */
#include "fuzz.h"
#include "library/acpi_list.h"
#include "library/processor_list.h"

#include <errno.h>
#include <string.h>

enum {
    BASE = 0x1000,
};

struct memory {
    const uint8_t *bytes;
    size_t size;
};

static const void *map(void *context, uint64_t physical, size_t size)
{
    const struct memory *memory = context;

    if (physical < BASE || physical - BASE > memory->size ||
        size > memory->size - (physical - BASE))
        return NULL;
    return memory->bytes + (physical - BASE);
}

static void madt_walk(const struct acpi_table *table)
{
    struct acpi_madt madt;
    struct acpi_madt_entry entry;
    const char *reason = NULL;
    size_t steps = 0;

    if (acpi_madt_start(&madt, table, &reason) != 0) {
        require(reason != NULL);
        return;
    }
    while (acpi_madt_next(&madt, &entry) > 0) {
        require(++steps <= table->size / 2);
        require(entry.kind <= ACPI_MADT_LOCAL_NMI);
        require(entry.kind != ACPI_MADT_OVERRIDE || entry.override.source < 16);
        require(entry.kind != ACPI_MADT_LOCAL_NMI || entry.local_nmi.input < 2);
    }
}

/* No identifier is given twice, none is one's own or out of reach. */
static void processors_read(const struct acpi_table *table, uint32_t greatest)
{
    uint32_t apic_ids[8];
    struct processor_list list = {.apic_ids = apic_ids, .room = 8};
    struct acpi_madt madt;
    const char *reason = NULL;

    if (acpi_madt_start(&madt, table, &reason) != 0)
        return;
    processor_list_read(&list, &madt, 1, greatest);
    require(list.count <= 8);
    for (uint32_t i = 0; i < list.count; i++) {
        require(apic_ids[i] != 1 && apic_ids[i] <= greatest);
        for (uint32_t j = 0; j < i; j++)
            require(apic_ids[i] != apic_ids[j]);
    }
}

static void table_parse(const struct acpi_table *table)
{
    struct acpi_fadt fadt;
    struct acpi_hpet hpet;
    struct acpi_ecam ecam;
    uint64_t registers;
    const char *reason = NULL;

    madt_walk(table);
    processors_read(table, 254);
    processors_read(table, UINT32_MAX - 1);
    if (acpi_fadt_parse(table, &fadt, &reason) == 0)
        require(!fadt.has_reset || fadt.reset_register.address != 0);
    if (acpi_hpet_parse(table, &hpet, &reason) == 0)
        require(hpet.address.address != 0);
    for (uint32_t i = 0; acpi_ecam_at(table, i, &ecam) == 0; i++)
        require(ecam.first_bus <= ecam.last_bus);
    for (uint32_t i = 0; acpi_remapping_unit_at(table, i, &registers) == 0; i++)
        require(registers != 0 && i < table->size / 16);
}

/* All that is listed lies in memory and has a name of its own. */
static void list_check(const struct acpi_root *root, const uint8_t *data, size_t size)
{
    struct acpi_listed list[16];
    size_t count = acpi_list(root, list, 16);

    require(count <= 16);
    for (size_t i = 0; i < count; i++) {
        require(list[i].bytes >= data && list[i].size <= (size_t)(data + size - list[i].bytes));
        for (size_t j = 0; j < i; j++)
            require(strcmp(list[i].name, list[j].name) != 0);
    }
    if (acpi_list_errors(root, &list[0]) == 0)
        require(list[0].bytes >= data && list[0].size <= (size_t)(data + size - list[0].bytes));
}

static void root_walk(const uint8_t *data, size_t size)
{
    struct memory memory = {data, size};
    struct acpi_memory acpi_memory = {map, &memory};
    struct acpi_root root;
    struct acpi_table table;
    const char *reason = NULL;

    if (acpi_root_find(&acpi_memory, BASE, &root, &reason) != 0) {
        require(reason != NULL);
        return;
    }
    require((size_t)root.entry_count * root.entry_size <= size);
    for (uint32_t i = 0; i < root.entry_count; i++) {
        int error = acpi_table_at(&root, i, &table, &reason);
        require(error == 0 || error == -EINVAL);
        if (error == 0) {
            require(table.bytes >= data && table.size <= (size_t)(data + size - table.bytes));
            table_parse(&table);
        }
    }
    acpi_table_find(&root, "APIC", &table);
    struct acpi_fadt fadt;
    root.port_base = 0xe400;
    acpi_fadt_find(&root, &fadt, &reason);
    list_check(&root, data, size);
}

static void checksum_set(uint8_t *bytes, size_t size, size_t where)
{
    uint8_t sum = 0;

    bytes[where] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[where] = (uint8_t)-sum;
}

/* Last the RSDP's, from high to low, for a sum may lie in what another covers. */
static void checksums_set(uint8_t *bytes, size_t size)
{
    static const char signatures[] = "APICFACPHPETMCFGDMARXSDTRSDT";

    for (size_t at = size & ~(size_t)3; at >= 36; at -= 4) {
        uint32_t length;
        if (at + 36 > size)
            continue;
        memcpy(&length, bytes + at + 4, 4);
        for (const char *signature = signatures; *signature != '\0'; signature += 4) {
            if (memcmp(bytes + at, signature, 4) == 0 && length >= 36 && length <= size - at)
                checksum_set(bytes + at, length, 9);
        }
    }
    if (size >= 36) {
        checksum_set(bytes, 20, 8);
        checksum_set(bytes, 36, 32);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    root_walk(data, size);
    uint8_t *copy = malloc(size);
    if (size > 0)
        memcpy(copy, data, size);
    checksums_set(copy, size);
    root_walk(copy, size);
    free(copy);

    if (size >= ACPI_HEADER_SIZE) {
        struct acpi_table table = {.bytes = data, .size = size};
        memcpy(table.signature, data, 4);
        table_parse(&table);
    }
    return 0;
}

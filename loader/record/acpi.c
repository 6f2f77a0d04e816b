/* acpi.c: RSDP, XSDT, RSDT and every table that they and the FADT name, raw (ACPI 6.5, 5.2). */
#include <library/bytes.h>
#include <library/string.h>

#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"

enum {
    HEADER = 36,
    TABLES_MAXIMUM = 256,      /* of one root: a broken one may name as many as it likes */
    TABLE_KEPT = 128 * 1024,   /* bytes of one */
    TABLE_SUMMED = 1024 * 1024 /* longer ones are taken as broken */
};

static uint8_t sum_of(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    return sum;
}

static void append(uint16_t kind, uint64_t address, uint32_t length, uint8_t named_by,
                   const uint8_t *bytes, size_t summed, size_t kept)
{
    const struct record_acpi head = {
        .address = address, .length = length, .sum = sum_of(bytes, summed), .named_by = named_by};

    recording_append(kind, &head, sizeof head, bytes, kept);
}

/* The FACS has no checksum (5.2.10): its sum means nothing. */
static const uint8_t *record_table(uint64_t address, uint8_t named_by)
{
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)address;
    uint32_t length;

    if (!address || !recording_can_read(address, HEADER))
        return NULL;
    length = load32(bytes + 4);
    if (length < HEADER || length > TABLE_SUMMED || !recording_can_read(address, length)) {
        append(RECORD_ACPI_TABLE, address, length, named_by, bytes, HEADER, HEADER);
        return NULL;
    }
    append(RECORD_ACPI_TABLE, address, length, named_by, bytes, length,
           length < TABLE_KEPT ? length : TABLE_KEPT);
    return bytes;
}

/* 5.2.9: FIRMWARE_CTRL, DSDT, X_FIRMWARE_CTRL, X_DSDT: the 64-bit ones count where there are some.
 */
static void record_fadt(const uint8_t *fadt)
{
    uint32_t length = load32(fadt + 4);
    uint64_t facs = length >= 44 ? load32(fadt + 36) : 0;
    uint64_t dsdt = length >= 44 ? load32(fadt + 40) : 0;

    if (length >= 148 && load64(fadt + 132))
        facs = load64(fadt + 132);
    if (length >= 148 && load64(fadt + 140))
        dsdt = load64(fadt + 140);
    record_table(facs, RECORD_ACPI_BY_FADT);
    record_table(dsdt, RECORD_ACPI_BY_FADT);
}

/* Whether there is such a root; `follow`: its tables too. */
static bool record_root(uint64_t address, size_t entry_size, uint8_t named_by, bool follow)
{
    const uint8_t *root = record_table(address, RECORD_ACPI_BY_RSDP);
    size_t count = root ? (load32(root + 4) - HEADER) / entry_size : 0;

    for (size_t i = 0; follow && i < count && i < TABLES_MAXIMUM; i++) {
        const uint8_t *entry = root + HEADER + i * entry_size;
        const uint8_t *table =
            record_table(entry_size == 8 ? load64(entry) : load32(entry), named_by);

        if (table && memcmp(table, "FACP", 4) == 0)
            record_fadt(table);
    }
    return root != NULL;
}

/* 5.2.5.3. Returns whether the tables of some root have been recorded. */
static bool record_pointer(const EFI_GUID *guid, uint8_t named_by, bool followed)
{
    enum { RSDP_1 = 20, RSDP_2 = 36 };
    const uint8_t *rsdp = configuration_table(guid);
    uint64_t address = (uintptr_t)rsdp;
    uint32_t length = RSDP_1;

    if (!rsdp || !recording_can_read(address, RSDP_1))
        return followed;
    if (rsdp[15] >= 2 && recording_can_read(address, RSDP_2))
        length = load32(rsdp + 20) < RSDP_2 ? RSDP_2 : load32(rsdp + 20);
    if (length > EFI_PAGE_SIZE || !recording_can_read(address, length))
        length = RSDP_1;
    append(RECORD_ACPI_ROOT, address, length, named_by, rsdp, RSDP_1, length);
    if (length >= RSDP_2 && record_root(load64(rsdp + 24), 8, RECORD_ACPI_BY_XSDT, !followed))
        followed = true;
    return record_root(load32(rsdp + 16), 4, RECORD_ACPI_BY_RSDT, !followed) || followed;
}

void record_acpi(void)
{
    static const EFI_GUID acpi_2 = ACPI_20_TABLE_GUID, acpi_1 = ACPI_TABLE_GUID;
    bool followed = record_pointer(&acpi_2, RECORD_ACPI_BY_GUID_2, false);

    record_pointer(&acpi_1, RECORD_ACPI_BY_GUID_1, followed);
}

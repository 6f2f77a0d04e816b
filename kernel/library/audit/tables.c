/* Configuration tables of UEFI itself: 48, 59, 60 (UEFI 2.11, 4.6 and 23.4). */
#include "library/audit/check.h"
#include "library/bytes.h"
#include "library/string.h"

static void configuration(struct audit *audit)
{
    struct record_configuration left, right;
    struct record_entry entry;

    if (!audit_need(audit, RECORD_CONFIGURATION, &entry))
        return;
    for (size_t at = 0; sizeof(left) <= entry.size - at; at += sizeof(left)) {
        memcpy(&left, entry.bytes + at, sizeof(left));
        if (left.address == 0)
            audit_fail(audit, entry.offset + at, "the table %08x-... is at NULL",
                       load32(left.guid));
        for (size_t before = 0; before < at; before += sizeof(right)) {
            if (!audit_afford(audit, 1))
                return;
            memcpy(&right, entry.bytes + before, sizeof(right));
            if (memcmp(left.guid, right.guid, 16) == 0)
                audit_fail(audit, entry.offset + at, "the table %08x-... is there twice",
                           load32(left.guid));
        }
    }
}

/* ---- 59: EFI_SYSTEM_RESOURCE_TABLE (UEFI 2.11, 23.4) ---- */

static void resource_ask(struct audit *audit, const uint8_t *resource, uint64_t offset)
{
    static const uint8_t zero[16];

    if (memcmp(resource, zero, 16) == 0)
        audit_fail(audit, offset, "a resource without a class");
    if (load32(resource + 16) > 3)
        audit_fail(audit, offset + 16, "resource %08x-... of type %u", load32(resource),
                   load32(resource + 16));
    if (load32(resource + 24) > load32(resource + 20))
        audit_fail(audit, offset + 20, "resource %08x-...: version %u, the lowest supported is %u",
                   load32(resource), load32(resource + 20), load32(resource + 24));
}

static void resources(struct audit *audit)
{
    static const uint8_t guid[16] =
        GUID(0xb122a263, 0x3661, 0x4f68, 0x99, 0x29, 0x78, 0xf8, 0xb0, 0xd6, 0x21, 0x80);
    struct record_entry entry;
    uint64_t address, offset;
    size_t size;

    if (!audit_need(audit, RECORD_CONFIGURATION, &entry))
        return;
    if (!configuration_find(audit->record, guid, &address)) {
        audit_not_applicable(audit, "there is no ESRT");
        return;
    }
    const uint8_t *table = vendor_table(audit->record, guid, &size, &offset);
    if (table == NULL || size < 16) {
        audit_not_known(audit, "the ESRT's bytes were not recorded");
        return;
    }
    uint32_t count = load32(table), maximum = load32(table + 4);
    if (load64(table + 8) != 1)
        audit_fail(audit, offset + 8, "version %llu", (unsigned long long)load64(table + 8));
    if (maximum != 0 && count > maximum)
        audit_fail(audit, offset, "%u resources, at most %u", count, maximum);
    for (size_t i = 0; i < count && 16 + (i + 1) * 40 <= size; i++)
        resource_ask(audit, table + 16 + i * 40, offset + 16 + i * 40);
}

/* ---- 60: EFI_RT_PROPERTIES_TABLE (UEFI 2.11, 4.6.2 and 8.1) ---- */

enum {
    ALL_SERVICES = 0x3fff,
};

/* The bit of a service, by the offset of its pointer: they are in the table's order. */
static uint32_t service_bit(uint32_t service)
{
    static const uint8_t bits[] = {0, 1, 2, 3, 7, 8, 4, 5, 6, 9, 10, 11, 12, 13};
    uint32_t offset = service & 0xffff;

    if (service >> 16 != RECORD_RUNTIME || offset < 24 || offset % 8 != 0 ||
        (offset - 24) / 8 >= sizeof(bits))
        return 0;
    return 1U << bits[(offset - 24) / 8];
}

static uint32_t services_said(struct audit *audit)
{
    static const uint8_t guid[16] =
        GUID(0xeb66918a, 0x7eef, 0x402a, 0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9);
    uint64_t offset;
    size_t size;
    const uint8_t *table = vendor_table(audit->record, guid, &size, &offset);

    if (table == NULL || size < 8)
        return ALL_SERVICES;
    if (load16(table) != 1 || load16(table + 2) != 8)
        audit_fail(audit, offset, "version %u, length %u: have to be 1 and 8", load16(table),
                   load16(table + 2));
    return load32(table + 4);
}

static void services(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_runtime_call call;

    if (!audit_need(audit, RECORD_RUNTIME_CALL, &entry))
        return;
    uint32_t said = services_said(audit);
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_RUNTIME_CALL, &entry)) {
        (void)record_load(&entry, &call, sizeof(call), NULL);
        uint32_t bit = service_bit(call.service);
        if (bit == 0 || (call.flags & RECORD_CALL_FAULTED))
            continue;
        bool unsupported = call.status == EFI_UNSUPPORTED;
        if (unsupported == ((said & bit) != 0))
            audit_fail(audit, entry.offset, "the service at 0x%x is %ssupported, and gave %s",
                       call.service & 0xffff, said & bit ? "" : "not ",
                       status_text(call.status).text);
    }
}

static const struct audit_check checks[] = {
    {48, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "configuration tables", "UEFI 2.11, 4.6 and 4.6.1",
     "each type once at most, none at NULL",
     "Remove a table with InstallConfigurationTable(Guid, NULL), do not set its pointer to NULL.",
     configuration},
    {59, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "ESRT", "UEFI 2.11, 23.4",
     "version 1, no more resources than room, types 0 to 3, a version that is supported",
     "Check what each FMP driver reports.", resources},
    {60, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "RT_PROPERTIES against what services answer",
     "UEFI 2.11, 4.6.2 and 8.1", "EFI_UNSUPPORTED from exactly those services that it excludes",
     "Publish EFI_RT_PROPERTIES_TABLE with the services that work after the exit.", services},
};

AUDIT_FAMILY(audit_tables, "tables", checks);

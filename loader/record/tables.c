/* tables.c: the firmware's own tables (UEFI 2.11, chapter 4), and those of configuration tables
 * that the audit reads. */
#include <library/bytes.h>
#include <library/string.h>

#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"

static void record_service_table(uint16_t kind, const EFI_TABLE_HEADER *header)
{
    if (recording_can_read((uintptr_t)header, sizeof *header))
        record_memory(kind, (uintptr_t)header, header->HeaderSize);
}

static void record_configuration(void)
{
    const EFI_SYSTEM_TABLE *system = firmware.system;
    size_t count = firmware_table_count();
    struct record_configuration *entries =
        record_reserve(&recording, RECORD_CONFIGURATION, 0, count * sizeof *entries);

    for (size_t i = 0; entries && i < count; i++) {
        memcpy(entries[i].guid, &system->ConfigurationTable[i].VendorGuid, 16);
        entries[i].address = (uintptr_t)system->ConfigurationTable[i].VendorTable;
    }
}

/* How many bytes a table has, by what stands at its begin. */
typedef uint64_t table_length(const uint8_t *bytes);

/* UEFI 2.11, 4.6.3: version, entries, size of one. */
static uint64_t attributes_length(const uint8_t *bytes)
{
    return 16 + (uint64_t)load32(bytes + 4) * load32(bytes + 8);
}

/* 4.6.2: version, length. */
static uint64_t properties_length(const uint8_t *bytes)
{
    return load16(bytes + 2);
}

/* 23.4: resources, of 40 bytes each. */
static uint64_t resources_length(const uint8_t *bytes)
{
    return 16 + UINT64_C(40) * load32(bytes);
}

static void record_vendor_table(const EFI_GUID *guid, table_length *length_of)
{
    enum { HEAD = 16 };
    const uint8_t *bytes = configuration_table(guid);
    struct record_vendor_table head = {.address = (uintptr_t)bytes};

    if (!bytes || !recording_can_read(head.address, HEAD))
        return;
    memcpy(head.guid, guid, sizeof head.guid);
    head.length = length_of(bytes);
    recording_append(RECORD_VENDOR_TABLE, &head, sizeof head, bytes,
                     recording_can_read(head.address, head.length) ? head.length : HEAD);
}

void record_tables(void)
{
    static const EFI_GUID attributes = {
        0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}};
    static const EFI_GUID properties = {
        0xeb66918a, 0x7eef, 0x402a, {0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9}};
    static const EFI_GUID resources = {
        0xb122a263, 0x3661, 0x4f68, {0x99, 0x29, 0x78, 0xf8, 0xb0, 0xd6, 0x21, 0x80}};

    record_service_table(RECORD_SYSTEM_TABLE, &firmware.system->Hdr);
    record_service_table(RECORD_BOOT_SERVICES, &firmware.system->BootServices->Hdr);
    record_service_table(RECORD_RUNTIME_SERVICES, &firmware.system->RuntimeServices->Hdr);
    record_configuration();
    record_vendor_table(&attributes, attributes_length);
    record_vendor_table(&properties, properties_length);
    record_vendor_table(&resources, resources_length);
}

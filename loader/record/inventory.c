#include "record/inventory.h"

#include <library/string.h>

#include "record/entry_state.h"
#include "record/recording.h"

const void *configuration_table(const EFI_GUID *guid)
{
    const EFI_SYSTEM_TABLE *system = firmware.system;

    for (size_t i = 0, count = firmware_table_count(); i < count; i++) {
        if (memcmp(&system->ConfigurationTable[i].VendorGuid, guid, sizeof *guid) == 0)
            return system->ConfigurationTable[i].VendorTable;
    }
    return NULL;
}

void record_memory(uint16_t kind, uint64_t address, uint64_t length)
{
    const struct record_bytes head = {.address = address, .length = length};
    bool readable = recording_can_read(address, length);

    recording_append(kind, &head, sizeof head, (const void *)(uintptr_t)address,
                     readable ? length : 0);
}

/* UEFI 2.11, 10.3.1: nodes with their length, up to the end of the whole path. */
size_t device_path_size(const EFI_DEVICE_PATH *path)
{
    enum { PATH_MAXIMUM = 4096, WHOLE = 0xff };
    size_t size = 0;

    while (path && size < PATH_MAXIMUM &&
           recording_can_read((uintptr_t)path + size, sizeof *path)) {
        const EFI_DEVICE_PATH *node = (const EFI_DEVICE_PATH *)((const uint8_t *)path + size);
        size_t length = node->Length[0] | (size_t)node->Length[1] << 8;

        if (length < sizeof *node || !recording_can_read((uintptr_t)node, length))
            return 0;
        size += length;
        if ((node->Type & 0x7f) == END_DEVICE_PATH_TYPE && node->SubType == WHOLE)
            return size;
    }
    return 0;
}

size_t handle_path(EFI_HANDLE handle, const EFI_DEVICE_PATH **path)
{
    static const EFI_GUID device_path = EFI_DEVICE_PATH_PROTOCOL_GUID;

    *path = firmware_protocol(handle, &device_path);
    return device_path_size(*path);
}

static void record_firmware(void)
{
    CHAR16 vendor[FIRMWARE_VENDOR_MAX];
    const EFI_SYSTEM_TABLE *system = firmware.system;
    const struct record_firmware head = {.firmware_revision = system->FirmwareRevision,
                                         .uefi_revision = system->Hdr.Revision};
    size_t length = firmware_vendor(vendor);

    recording_append(RECORD_FIRMWARE, &head, sizeof head, vendor,
                     system->FirmwareVendor ? sizeof *vendor * (length + 1) : 0);
}

static void record_load_options(void)
{
    enum { OPTIONS_MAXIMUM = 4096 };
    const EFI_LOADED_IMAGE_PROTOCOL *image = firmware.loaded_image;
    size_t size = image->LoadOptions ? image->LoadOptionsSize : 0;

    if (size > OPTIONS_MAXIMUM)
        size = OPTIONS_MAXIMUM;
    recording_append(RECORD_LOAD_OPTIONS, NULL, 0, image->LoadOptions,
                     recording_can_read((uintptr_t)image->LoadOptions, size) ? size : 0);
}

static void record_random(void)
{
    static const EFI_GUID rng_protocol = EFI_RNG_PROTOCOL_GUID;
    struct record_random entry = {0};
    EFI_RNG_PROTOCOL *rng = firmware_locate(&rng_protocol, &entry.locate_status);
    uint8_t bytes[32];

    if (rng && recording_can_call(&rng->GetRNG, 1))
        entry.status = rng->GetRNG(rng, NULL, sizeof bytes, bytes);
    recording_append(RECORD_RANDOM, &entry, sizeof entry, NULL, 0);
}

void recording_inventory(void)
{
    record_firmware();
    record_load_options();
    record_random();
    record_tables();
    record_acpi();
    record_smbios();
    record_images();
    record_protection();
    record_screens();
    record_variables();
    record_tpm();
    record_pci();
    record_handles();
}

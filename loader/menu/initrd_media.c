#include "menu/initrd_media.h"

#include <library/align.h>
#include <library/string.h>

#include "failure.h"
#include "pages.h"
#include "processor.h"
#include "volume.h"

enum {
    ALIGNMENT = 4
}; /* of an archive behind another (Documentation/driver-api/early-userspace) */

/* UEFI 2.10, 13.2: EFI_LOAD_FILE2_PROTOCOL, which gnu-efi does not name. */
struct load_file {
    EFI_STATUS(EFIAPI *load)
    (struct load_file *this, EFI_DEVICE_PATH *path, BOOLEAN boot_policy, UINTN *size, void *buffer);
};
static const EFI_GUID load_file2 = {
    0x4006c0c1, 0xfcb3, 0x403e, {0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d}};
static const EFI_GUID device_path_guid = DEVICE_PATH_PROTOCOL;

static const struct {
    VENDOR_DEVICE_PATH vendor;
    EFI_DEVICE_PATH end;
} __attribute__((packed)) media_path = {
    {{MEDIA_DEVICE_PATH, MEDIA_VENDOR_DP, {sizeof(VENDOR_DEVICE_PATH), 0}},
     {0x5568e427, 0x68fc, 0x4f3d, {0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68}}},
    {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}},
};

/* What is offered; there is one at a time. */
static struct {
    EFI_HANDLE handle; /* NULL: nothing is */
    uint8_t *memory;
    uint64_t size;
} media;

static EFI_STATUS EFIAPI media_load(struct load_file *this, EFI_DEVICE_PATH *path,
                                    BOOLEAN boot_policy, UINTN *size, void *buffer)
{
    bool fits = buffer && size && *size >= media.size;

    direction_clear();
    (void)this;
    (void)path;
    if (boot_policy)
        return EFI_UNSUPPORTED;
    if (!size)
        return EFI_INVALID_PARAMETER;
    *size = media.size;
    if (!fits)
        return EFI_BUFFER_TOO_SMALL;
    memcpy(buffer, media.memory, media.size);
    return EFI_SUCCESS;
}

static struct load_file media_protocol = {media_load};

static EFI_STATUS files_read(struct volume *volume, const struct boot_entry *entry)
{
    static struct volume_file files[BOOT_ENTRY_INITRDS_MAX];
    uint32_t open = 0;
    uint64_t offset = 0;
    EFI_STATUS status = EFI_SUCCESS;

    media.size = 0;
    for (; open < entry->initrd_count && !EFI_ERROR(status); open++) {
        status = volume_file_open(volume, entry->initrds[open], &files[open]);
        if (EFI_ERROR(status))
            break;
        media.size += align_up(files[open].size, ALIGNMENT);
    }
    if (!EFI_ERROR(status))
        status = pages_allocate(media.size, "the initrd", (void **)&media.memory);
    for (uint32_t i = 0; i < open; i++) {
        if (!EFI_ERROR(status))
            status = volume_file_read(&files[i], media.memory + offset);
        offset += align_up(files[i].size, ALIGNMENT);
        volume_file_close(&files[i]);
    }
    return status;
}

EFI_STATUS initrd_media_offer(EFI_HANDLE device, const struct boot_entry *entry)
{
    struct volume volume;
    EFI_STATUS status;

    if (entry->initrd_count == 0)
        return EFI_SUCCESS;
    status = volume_open_on(device, &volume);
    if (EFI_ERROR(status))
        return status;
    status = files_read(&volume, entry);
    volume_close(&volume);
    if (EFI_ERROR(status))
        return status;
    status = firmware.boot->InstallMultipleProtocolInterfaces(
        &media.handle, &device_path_guid, &media_path, &load_file2, &media_protocol, NULL);
    if (EFI_ERROR(status)) {
        media.handle = NULL;
        return failure(status, "cannot offer the initrd");
    }
    return status;
}

void initrd_media_withdraw(void)
{
    if (!media.handle)
        return;
    firmware.boot->UninstallMultipleProtocolInterfaces(media.handle, &device_path_guid, &media_path,
                                                       &load_file2, &media_protocol, NULL);
    pages_free(media.memory);
    media.handle = NULL;
    media.memory = NULL;
}

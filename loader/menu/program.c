#include "menu/program.h"

#include <library/string.h>

#include "failure.h"
#include "menu/initrd_media.h"
#include "pages.h"
#include "text.h"

/*
 * The device path of a file: that of its volume, a node with the path, the end (UEFI 2.10,
 * 10.3.5.4). The caller frees it.
 */
static EFI_STATUS path_build(EFI_HANDLE device, const char *file, EFI_DEVICE_PATH **built)
{
    static const EFI_GUID device_path = DEVICE_PATH_PROTOCOL;
    const EFI_DEVICE_PATH *volume = firmware_protocol(device, &device_path), *end = volume;
    size_t length = strlen(file) + 1;
    UINTN node_size = sizeof(EFI_DEVICE_PATH) + length * sizeof(CHAR16), volume_size;
    FILEPATH_DEVICE_PATH *node;
    EFI_STATUS status;

    if (!volume)
        return EFI_NOT_FOUND;
    while (!IsDevicePathEnd(end) && (size_t)DevicePathNodeLength(end) >= sizeof *end)
        end = NextDevicePathNode(end);
    volume_size = (UINTN)((const uint8_t *)end - (const uint8_t *)volume);
    status = firmware.boot->AllocatePool(EfiLoaderData, volume_size + node_size + sizeof *end,
                                         (void **)built);
    if (EFI_ERROR(status))
        return status;
    memcpy(*built, volume, volume_size);
    node = (FILEPATH_DEVICE_PATH *)((uint8_t *)*built + volume_size);
    node->Header.Type = MEDIA_DEVICE_PATH;
    node->Header.SubType = MEDIA_FILEPATH_DP;
    SetDevicePathNodeLength(&node->Header, node_size);
    text_widen_path(file, node->PathName, length);
    *NextDevicePathNode(&node->Header) =
        (EFI_DEVICE_PATH){END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}};
    return EFI_SUCCESS;
}

static EFI_STATUS program_load(EFI_HANDLE device, const char *path, EFI_HANDLE *image)
{
    EFI_DEVICE_PATH *device_path;
    EFI_STATUS status = path_build(device, path, &device_path);

    if (!EFI_ERROR(status)) {
        status = firmware.boot->LoadImage(FALSE, firmware.image, device_path, NULL, 0, image);
        firmware.boot->FreePool(device_path);
    }
    if (status == EFI_SECURITY_VIOLATION || status == EFI_ACCESS_DENIED)
        return failure(status, "%s: Secure Boot is on, and nobody it trusts has signed this file",
                       path);
    if (EFI_ERROR(status))
        return failure(status, "%s: cannot be loaded", path);
    return status;
}

/* In UTF-16, with a NUL (Linux's stub wants one). */
static EFI_STATUS options_give(EFI_HANDLE image, const char *options)
{
    static const EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_LOADED_IMAGE_PROTOCOL *loaded = firmware_protocol(image, &loaded_image);
    size_t length = strlen(options) + 1;
    CHAR16 *wide;
    EFI_STATUS status;

    if (!*options || !loaded)
        return EFI_SUCCESS;
    status = pages_allocate(length * sizeof *wide, "the program's options", (void **)&wide);
    if (EFI_ERROR(status))
        return status;
    text_widen(options, wide, length);
    loaded->LoadOptions = wide;
    loaded->LoadOptionsSize = (UINT32)(length * sizeof *wide);
    return status;
}

EFI_STATUS program_start(EFI_HANDLE device, const char *path, const char *options,
                         const struct boot_entry *entry)
{
    EFI_HANDLE image;
    EFI_STATUS status = program_load(device, path, &image);

    if (EFI_ERROR(status))
        return status;
    status = options_give(image, options);
    if (!EFI_ERROR(status) && entry)
        status = initrd_media_offer(entry);
    if (EFI_ERROR(status))
        firmware.boot->UnloadImage(image);
    else
        status = firmware.boot->StartImage(image, NULL, NULL);
    initrd_media_withdraw();
    return status;
}

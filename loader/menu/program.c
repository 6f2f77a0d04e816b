#include "menu/program.h"

#include <library/string.h>

#include "failure.h"
#include "measure.h"
#include "menu/initrd_media.h"
#include "pages.h"
#include "text.h"
#include "trust.h"

/* Who loads and starts programs: the firmware, or shim (from 16 on: SHIM_IMAGE_LOADER), which also
   believes what a machine owner's keys signed. */
struct image_services {
    EFI_IMAGE_LOAD load;
    EFI_IMAGE_START start;
    EFI_EXIT exit;
    EFI_IMAGE_UNLOAD unload;
};

static struct image_services services_find(void)
{
    static const EFI_GUID shim_image_loader = {
        0x1f492041, 0xfadb, 0x4e59, {0x9e, 0x57, 0x7c, 0xaf, 0xe7, 0x3a, 0x55, 0xab}};
    EFI_BOOT_SERVICES *boot = firmware.boot;
    const struct image_services *shims = firmware_locate(&shim_image_loader, NULL);

    if (shims)
        return *shims;
    return (struct image_services){boot->LoadImage, boot->StartImage, boot->Exit,
                                   boot->UnloadImage};
}

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

static EFI_STATUS program_load(const struct image_services *services, EFI_HANDLE device,
                               const char *path, EFI_HANDLE *image)
{
    EFI_DEVICE_PATH *device_path;
    EFI_STATUS status = path_build(device, path, &device_path);

    if (!EFI_ERROR(status)) {
        status = services->load(FALSE, firmware.image, device_path, NULL, 0, image);
        firmware.boot->FreePool(device_path);
    }
    if (status == EFI_SECURITY_VIOLATION || status == EFI_ACCESS_DENIED)
        return failure(status,
                       "%s: Secure Boot is on, and nobody it trusts has signed this file, or it "
                       "was revoked: sign it with an enrolled key, or turn Secure Boot off",
                       path);
    if (EFI_ERROR(status))
        return failure(status, "%s: cannot be loaded", path);
    return status;
}

/* In UTF-16, with a NUL (Linux's stub wants one). */
static EFI_STATUS options_give(EFI_LOADED_IMAGE_PROTOCOL *loaded, const char *options)
{
    size_t length = strlen(options) + 1;
    CHAR16 *wide;
    EFI_STATUS status;

    if (!*options)
        return EFI_SUCCESS;
    status = pages_allocate(length * sizeof *wide, "the program's options", (void **)&wide);
    if (EFI_ERROR(status))
        return status;
    length = text_widen(options, wide, length);
    loaded->LoadOptions = wide;
    loaded->LoadOptionsSize = (UINT32)(length * sizeof *wide);
    measure_options(options);
    return status;
}

/* Everything that it is given before it runs. */
static EFI_STATUS program_prepare(EFI_HANDLE image, EFI_HANDLE device, const char *path,
                                  const char *options, const struct boot_entry *entry)
{
    static const EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_LOADED_IMAGE_PROTOCOL *loaded = firmware_protocol(image, &guid);
    EFI_STATUS status;

    if (!loaded)
        return failure(EFI_UNSUPPORTED, "%s: the firmware does not say where it lies", path);
    status = trust_check_generation(path, loaded);
    if (!EFI_ERROR(status))
        status = options_give(loaded, options);
    if (!EFI_ERROR(status) && entry)
        status = initrd_media_offer(device, entry);
    return status;
}

/* A program that fails may have said nothing. EFI_ABORTED is a person's wish. */
static EFI_STATUS program_run(const struct image_services *services, EFI_HANDLE image,
                              const char *path)
{
    EFI_STATUS status = services->start(image, NULL, NULL);

    if (EFI_ERROR(status) && status != EFI_ABORTED)
        return failure(status, "%s: this program has failed", path);
    return status;
}

EFI_STATUS program_start(EFI_HANDLE device, const char *path, const char *options,
                         const struct boot_entry *entry)
{
    struct image_services services = services_find();
    EFI_HANDLE image;
    EFI_STATUS status = program_load(&services, device, path, &image);

    if (EFI_ERROR(status))
        return status;
    status = program_prepare(image, device, path, options, entry);
    if (EFI_ERROR(status))
        services.unload(image);
    else
        status = program_run(&services, image, path);
    initrd_media_withdraw();
    return status;
}

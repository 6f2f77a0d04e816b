#include "firmware.h"

#include "failure.h"
#include "record/calls.h"

struct firmware firmware;

EFI_STATUS firmware_attach(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    static const EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;

    firmware.image = image;
    firmware.system = system;
    firmware.boot = recording_calls(system->BootServices);

    /* Rule 22: the boot manager armed a watchdog that resets after five minutes (UEFI 2.10, 7.5):
     * a message that waits for a person must not end in a reset. */
    firmware.boot->SetWatchdogTimer(0, 0, 0, NULL);

    firmware.loaded_image = firmware_protocol(image, &loaded_image);
    if (!firmware.loaded_image)
        return failure(EFI_UNSUPPORTED, "the firmware does not say where BOOTX64.EFI came from");
    return EFI_SUCCESS;
}

void *firmware_protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
    void *interface = NULL;

    if (!handle)
        return NULL;
    if (EFI_ERROR(firmware.boot->HandleProtocol(handle, (EFI_GUID *)guid, &interface)))
        return NULL;
    return interface;
}

size_t firmware_handles(const EFI_GUID *guid, EFI_HANDLE **handles)
{
    UINTN count = 0;

    *handles = NULL;
    if (EFI_ERROR(
            firmware.boot->LocateHandleBuffer(ByProtocol, (EFI_GUID *)guid, NULL, &count, handles)))
        return 0;
    return count;
}

/* The length of a node of a path that goes on behind it; 0: it is the end, or none. */
static size_t node_length(const EFI_DEVICE_PATH *node)
{
    size_t length = (size_t)DevicePathNodeLength(node);

    return IsDevicePathEndType(node) || length < sizeof *node ? 0 : length;
}

/* Adds the part of the path that a node has (UEFI 2.10, 10.3.5.4). */
static bool path_add(const EFI_DEVICE_PATH *node, char *path, size_t room, size_t *length)
{
    const CHAR16 *name = ((const FILEPATH_DEVICE_PATH *)node)->PathName;
    size_t units = (node_length(node) - sizeof *node) / sizeof *name;

    for (size_t i = 0; i < units && name[i]; i++) {
        if (*length + 1 >= room || name[i] > '~')
            return false;
        path[(*length)++] = (char)name[i];
    }
    return true;
}

bool firmware_own_path(char *path, size_t room)
{
    const EFI_DEVICE_PATH *node = firmware.loaded_image->FilePath;
    size_t length = 0;

    for (unsigned nodes = 0; node && nodes < 64 && node_length(node); nodes++) {
        if (DevicePathType(node) == MEDIA_DEVICE_PATH &&
            DevicePathSubType(node) == MEDIA_FILEPATH_DP && !path_add(node, path, room, &length))
            return false;
        node = (const EFI_DEVICE_PATH *)((const uint8_t *)node + node_length(node));
    }
    path[length] = '\0';
    return length > 0;
}

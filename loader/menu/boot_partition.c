#include "menu/boot_partition.h"

#include <library/string.h>

/* EFI_PARTITION_INFO_PROTOCOL (UEFI 2.10, 13.18), which gnu-efi does not name; of a GPT partition.
 */
struct partition_information {
    uint32_t revision, type;
    uint8_t system, reserved[7];
    EFI_GUID partition_type; /* the entry of the GPT begins with it */
} __attribute__((packed));

enum { TYPE_GPT = 2 };

static const EFI_GUID extended_boot_loader = {
    0xbc13c2ff, 0x59e6, 0x4262, {0xa3, 0x52, 0xb2, 0x75, 0xfd, 0x6f, 0x71, 0x72}};

static bool is_boot_partition(EFI_HANDLE volume)
{
    static const EFI_GUID guid = {
        0x8cf2f62c, 0xbc9b, 0x4821, {0x80, 0x8d, 0xec, 0x9e, 0xc4, 0x21, 0xa1, 0xa0}};
    const struct partition_information *information = firmware_protocol(volume, &guid);

    return information && information->type == TYPE_GPT &&
           memcmp(&information->partition_type, &extended_boot_loader,
                  sizeof extended_boot_loader) == 0;
}

/* Bytes of a volume's path up to the node that says which partition it is; 0: it has none. */
static size_t disk_size(const EFI_DEVICE_PATH *path)
{
    const EFI_DEVICE_PATH *node = path;

    for (unsigned nodes = 0; node && nodes < 64 && !IsDevicePathEnd(node); nodes++) {
        if ((size_t)DevicePathNodeLength(node) < sizeof *node)
            return 0;
        if (DevicePathType(node) == MEDIA_DEVICE_PATH &&
            DevicePathSubType(node) == MEDIA_HARDDRIVE_DP)
            return (size_t)((const uint8_t *)node - (const uint8_t *)path);
        node = NextDevicePathNode(node);
    }
    return 0;
}

static bool same_disk(EFI_HANDLE left, EFI_HANDLE right)
{
    static const EFI_GUID device_path = DEVICE_PATH_PROTOCOL;
    const EFI_DEVICE_PATH *one = firmware_protocol(left, &device_path);
    const EFI_DEVICE_PATH *other = firmware_protocol(right, &device_path);
    size_t size = disk_size(one);

    return size && size == disk_size(other) && memcmp(one, other, size) == 0;
}

EFI_HANDLE boot_partition_find(void)
{
    static const EFI_GUID simple_file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_HANDLE own = firmware.loaded_image->DeviceHandle, *volumes, found = NULL;
    size_t count = firmware_handles(&simple_file_system, &volumes);

    for (size_t i = 0; i < count && !found; i++) {
        if (volumes[i] != own && is_boot_partition(volumes[i]) && same_disk(volumes[i], own))
            found = volumes[i];
    }
    if (count)
        firmware.boot->FreePool(volumes);
    return found;
}

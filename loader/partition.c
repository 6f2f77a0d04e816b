#include "partition.h"

#include <library/string.h>

#include "firmware.h"
#include "record/entry_state.h"

/* A hard drive's node (UEFI 2.10, 10.3.5.1, table 10.50); numbers may lie anywhere. */
enum {
    NODE_SIZE = 42,
    NUMBER = 4,
    SIGNATURE = 24,
    SIGNATURE_KIND = 41,
};

/* The last node of a partition in a path that begins here; NULL: there is none, or no end. */
static const uint8_t *partition_node(const uint8_t *path)
{
    enum { PATH_MAXIMUM = 4096, NODE_MINIMUM = 4 };
    const uint8_t *found = NULL;

    for (size_t at = 0; path && at < PATH_MAXIMUM;) {
        const uint8_t *node = path + at;
        size_t length;

        if (!recording_can_read((uintptr_t)node, NODE_MINIMUM))
            return NULL;
        length = node[2] | (size_t)node[3] << 8;
        if (length < NODE_MINIMUM || !recording_can_read((uintptr_t)node, length))
            return NULL;
        if ((node[0] & 0x7f) == END_DEVICE_PATH_TYPE)
            return found;
        if (node[0] == MEDIA_DEVICE_PATH && node[1] == MEDIA_HARDDRIVE_DP && length >= NODE_SIZE)
            found = node;
        at += length;
    }
    return NULL;
}

void partition_find(struct handoff_partition *partition)
{
    static const EFI_GUID device_path = EFI_DEVICE_PATH_PROTOCOL_GUID;
    const uint8_t *node =
        partition_node(firmware_protocol(firmware.loaded_image->DeviceHandle, &device_path));

    memset(partition, 0, sizeof *partition);
    if (!node || (node[SIGNATURE_KIND] != HANDOFF_PARTITION_MBR &&
                  node[SIGNATURE_KIND] != HANDOFF_PARTITION_GUID))
        return;
    partition->kind = node[SIGNATURE_KIND];
    memcpy(&partition->number, node + NUMBER, sizeof partition->number);
    memcpy(partition->signature, node + SIGNATURE, sizeof partition->signature);
}

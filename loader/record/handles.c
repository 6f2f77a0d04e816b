/* handles.c: every handle with its protocols and its device path; block devices. */
#include <library/align.h>
#include <library/string.h>

#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"

static bool names_are_there(EFI_GUID **protocols, UINTN count)
{
    if (!count || count > UINT16_MAX ||
        !recording_can_read((uintptr_t)protocols, count * sizeof *protocols))
        return false;
    for (UINTN i = 0; i < count; i++) {
        if (!recording_can_read((uintptr_t)protocols[i], sizeof **protocols))
            return false;
    }
    return true;
}

static void record_handle(EFI_HANDLE handle)
{
    struct record_handle head = {.handle = (uintptr_t)handle};
    const EFI_DEVICE_PATH *path;
    EFI_GUID **protocols;
    UINTN count = 0;
    uint8_t *to;

    if (EFI_ERROR(firmware.boot->ProtocolsPerHandle(handle, &protocols, &count)) ||
        !names_are_there(protocols, count))
        return;
    head.protocol_count = (uint32_t)count;
    head.path_size = (uint32_t)handle_path(handle, &path);
    to = record_reserve(&recording, RECORD_HANDLE, 0,
                        sizeof head + count * sizeof(EFI_GUID) + head.path_size);
    if (to) {
        memcpy(to, &head, sizeof head);
        to += sizeof head;
        for (UINTN i = 0; i < count; i++, to += sizeof(EFI_GUID))
            memcpy(to, protocols[i], sizeof(EFI_GUID));
        if (head.path_size)
            memcpy(to, path, head.path_size);
    }
    firmware.boot->FreePool(protocols);
}

static uint32_t media_flags(const EFI_BLOCK_IO_MEDIA *media)
{
    return (media->RemovableMedia ? 1 : 0) | (media->MediaPresent ? 2 : 0) |
           (media->LogicalPartition ? 4 : 0) | (media->ReadOnly ? 8 : 0) |
           (media->WriteCaching ? 16 : 0);
}

static void record_block_device(EFI_HANDLE handle)
{
    static const EFI_GUID block_io = EFI_BLOCK_IO_PROTOCOL_GUID;
    const EFI_BLOCK_IO_PROTOCOL *block = firmware_protocol(handle, &block_io);
    struct record_block_device head = {.handle = (uintptr_t)handle};
    const EFI_DEVICE_PATH *path;

    if (!block || !recording_can_read((uintptr_t)block->Media, sizeof *block->Media))
        return;
    head.last_block = block->Media->LastBlock;
    head.block_size = block->Media->BlockSize;
    head.media_id = block->Media->MediaId;
    head.flags = media_flags(block->Media);
    head.path_size = (uint32_t)handle_path(handle, &path);
    recording_append(RECORD_BLOCK_DEVICE, &head, sizeof head, path, head.path_size);
}

void record_handles(void)
{
    static const EFI_GUID block_io = EFI_BLOCK_IO_PROTOCOL_GUID;
    EFI_HANDLE *handles;
    size_t count = firmware_handles(&block_io, &handles);

    for (size_t i = 0; i < count; i++)
        record_block_device(handles[i]);
    if (count)
        firmware.boot->FreePool(handles);
    count = firmware_handles(NULL, &handles);
    for (size_t i = 0; i < count; i++)
        record_handle(handles[i]);
    if (count)
        firmware.boot->FreePool(handles);
}

/* screens.c: graphics outputs in their present modes, with EDID (UEFI 2.11, 12.9). */
#include <library/string.h>

#include "framebuffer.h"
#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"

/* UEFI 2.11, 12.9.2.4: EFI_EDID_ACTIVE_PROTOCOL; gnu-efi does not name it. */
struct edid {
    UINT32 size;
    UINT8 *bytes;
};

static void record_screen(EFI_HANDLE handle, const EFI_GRAPHICS_OUTPUT_PROTOCOL *output)
{
    enum { EDID_MAXIMUM = 1024 };
    static const EFI_GUID edid_active = {
        0xbd8c1056, 0x9f36, 0x44ec, {0x92, 0xa8, 0xa6, 0x33, 0x7f, 0x81, 0x79, 0x86}};
    const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode = output->Mode;
    const struct edid *edid = firmware_protocol(handle, &edid_active);
    struct record_screen entry = {.handle = (uintptr_t)handle};

    if (!recording_can_read((uintptr_t)mode, sizeof *mode) ||
        !recording_can_read((uintptr_t)mode->Info, sizeof *mode->Info))
        return;
    entry.framebuffer_base = mode->FrameBufferBase;
    entry.framebuffer_size = mode->FrameBufferSize;
    framebuffer_device(mode->FrameBufferBase, &entry.bar_base, &entry.bar_size);
    entry.flags = handle == firmware.system->ConsoleOutHandle ? RECORD_SCREEN_CONSOLE : 0;
    entry.mode = mode->Mode;
    entry.mode_count = mode->MaxMode;
    entry.width = mode->Info->HorizontalResolution;
    entry.height = mode->Info->VerticalResolution;
    entry.stride = mode->Info->PixelsPerScanLine;
    entry.pixel_format = mode->Info->PixelFormat;
    entry.red_mask = mode->Info->PixelInformation.RedMask;
    entry.green_mask = mode->Info->PixelInformation.GreenMask;
    entry.blue_mask = mode->Info->PixelInformation.BlueMask;
    entry.reserved_mask = mode->Info->PixelInformation.ReservedMask;
    if (edid && edid->size <= EDID_MAXIMUM &&
        recording_can_read((uintptr_t)edid->bytes, edid->size))
        entry.edid_size = edid->size;
    recording_append(RECORD_SCREEN, &entry, sizeof entry, edid ? edid->bytes : NULL,
                     entry.edid_size);
}

void record_screens(void)
{
    static const EFI_GUID graphics_output = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    const struct record_screen none = {.flags = RECORD_SCREEN_NONE};
    EFI_HANDLE *handles;
    size_t count = firmware_handles(&graphics_output, &handles);

    for (size_t i = 0; i < count; i++) {
        const EFI_GRAPHICS_OUTPUT_PROTOCOL *output =
            firmware_protocol(handles[i], &graphics_output);

        if (output)
            record_screen(handles[i], output);
    }
    if (count)
        firmware.boot->FreePool(handles);
    else
        recording_append(RECORD_SCREEN, &none, sizeof none, NULL, 0);
}

#include "framebuffer.h"

#include <library/memory_map.h>
#include <library/pixel.h>

#include "console.h"
#include "firmware.h"
#include "page_table.h"
#include "processor.h"
#include "record/entry_state.h"

static bool mode_linear(const EFI_GRAPHICS_OUTPUT_PROTOCOL *output)
{
    const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode = output->Mode;

    /* Rule 16: BLT-only means no framebuffer, whatever its base says. */
    return recording_is_mapped((uintptr_t)mode, sizeof *mode) &&
           recording_is_mapped((uintptr_t)mode->Info, sizeof *mode->Info) &&
           mode->Info->PixelFormat < PixelBltOnly && mode->FrameBufferBase &&
           mode->Info->HorizontalResolution && mode->Info->VerticalResolution &&
           mode->Info->PixelsPerScanLine >= mode->Info->HorizontalResolution;
}

/*
 * Rule 16: of several graphics outputs the one on the console's handle is what the person looks
 * at; where that one only mirrors several (EDK2's console splitter), the first linear one. The mode
 * stays as it was found, so there is nothing to read again after SetMode.
 */
static EFI_GRAPHICS_OUTPUT_PROTOCOL *output_choose(void)
{
    static const EFI_GUID graphics_output = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *chosen =
        firmware_protocol(firmware.system->ConsoleOutHandle, &graphics_output);
    EFI_HANDLE *handles;
    size_t count;

    if (chosen && mode_linear(chosen))
        return chosen;
    chosen = NULL;
    count = firmware_handles(&graphics_output, &handles);
    for (size_t i = 0; i < count && !chosen; i++) {
        EFI_GRAPHICS_OUTPUT_PROTOCOL *output = firmware_protocol(handles[i], &graphics_output);

        if (output && mode_linear(output))
            chosen = output;
    }
    if (count)
        firmware.boot->FreePool(handles);
    return chosen;
}

/* QWORD address space descriptor (ACPI 6.4, 6.4.3.5.1), as GetBarAttributes gives it. */
struct address_space {
    uint8_t tag; /* 0x8a, or 0x79 for the end */
    uint16_t length;
    uint8_t resource_type; /* 0: memory */
    uint8_t flags[2];
    uint64_t granularity;
    uint64_t first; /* address */
    uint64_t last;
    uint64_t translation;
    uint64_t size; /* bytes */
} __attribute__((packed));
_Static_assert(offsetof(struct address_space, size) == 38, "ACPI 6.4, table 6.49");

/* Whether an address lies in this base address register; where that begins, how long it is. */
static bool register_holds(EFI_PCI_IO_PROTOCOL *device, uint8_t index, uint64_t base,
                           uint64_t *bar_base, uint64_t *bar_size)
{
    struct address_space *space = NULL;
    bool holds;

    if (EFI_ERROR(device->GetBarAttributes(device, index, NULL, (void **)&space)) ||
        !recording_can_read((uintptr_t)space, sizeof *space))
        return false;
    holds = space->tag == 0x8a && space->resource_type == 0 && base >= space->first &&
            base - space->first < space->size;
    if (holds) {
        *bar_base = space->first;
        *bar_size = space->size;
    }
    firmware.boot->FreePool(space);
    return holds;
}

bool framebuffer_device(uint64_t base, uint64_t *bar_base, uint64_t *bar_size)
{
    static const EFI_GUID pci_io = EFI_PCI_IO_PROTOCOL_GUID;
    EFI_HANDLE *handles;
    size_t count = firmware_handles(&pci_io, &handles);
    bool found = false;

    for (size_t i = 0; i < count && !found; i++) {
        EFI_PCI_IO_PROTOCOL *device = firmware_protocol(handles[i], &pci_io);
        bool tells = device && recording_can_call(&device->GetBarAttributes, 1);

        for (uint8_t index = 0; tells && index < 6 && !found; index++)
            found = register_holds(device, index, base, bar_base, bar_size);
    }
    if (count)
        firmware.boot->FreePool(handles);
    return found;
}

/* Bytes that the graphics card's own registers say there are from `base` on; 0: unknown. */
static uint64_t device_rest(uint64_t base)
{
    uint64_t bar_base, bar_size;

    return framebuffer_device(base, &bar_base, &bar_size) ? bar_size - (base - bar_base) : 0;
}

static void refuse(struct handoff_framebuffer *framebuffer, const char *reason)
{
    console_print("loader: no framebuffer: %s\n", reason);
    *framebuffer = (struct handoff_framebuffer){0};
}

/*
 * Rule 17: the end of the framebuffer may not be there: its lines have to fit into what the
 * firmware says of its size, and that into the card's registers, where some tell of them.
 */
static const char *size_problem(const struct handoff_framebuffer *framebuffer)
{
    uint64_t lines = (uint64_t)framebuffer->stride * 4 * framebuffer->height;
    uint64_t rest = device_rest(framebuffer->base);
    uint64_t end = UINT64_C(1) << physical_address_bits();

    if (end > PAGE_TABLE_IDENTITY_END)
        end = PAGE_TABLE_IDENTITY_END;
    if (framebuffer->base + framebuffer->size > end)
        return "it lies beyond the processor's addresses";
    return rest && lines > rest ? "it exceeds the card's memory" : NULL;
}

/* The size of a pixel is told by the highest bit of all masks (UEFI 2.10, 12.9.2.1, example). */
static bool pixel_of_32_bits(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode)
{
    const EFI_PIXEL_BITMASK *masks = &mode->PixelInformation;

    return mode->PixelFormat != PixelBitMask ||
           (masks->RedMask | masks->GreenMask | masks->BlueMask | masks->ReservedMask) >> 24;
}

void framebuffer_judge(struct handoff_framebuffer *framebuffer, const struct memory_range *ranges,
                       size_t count)
{
    const char *problem;

    if (framebuffer->format == HANDOFF_PIXEL_NONE)
        return;
    problem = framebuffer_overlaps(framebuffer, ranges, count);
    if (problem)
        refuse(framebuffer, problem);
}

void framebuffer_find(struct handoff_framebuffer *framebuffer)
{
    static const uint32_t formats[] = {
        [PixelRedGreenBlueReserved8BitPerColor] = HANDOFF_PIXEL_RGB,
        [PixelBlueGreenRedReserved8BitPerColor] = HANDOFF_PIXEL_BGR,
        [PixelBitMask] = HANDOFF_PIXEL_MASK,
    };
    EFI_GRAPHICS_OUTPUT_PROTOCOL *output = output_choose();
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode;
    struct pixel_format pixel;
    const char *problem;

    *framebuffer = (struct handoff_framebuffer){0};
    if (!output)
        return;
    mode = output->Mode->Info;
    framebuffer->base = output->Mode->FrameBufferBase;
    framebuffer->size = output->Mode->FrameBufferSize;
    framebuffer->width = mode->HorizontalResolution;
    framebuffer->height = mode->VerticalResolution;
    framebuffer->stride = mode->PixelsPerScanLine; /* rule 15: it is not the width */
    framebuffer->format = formats[mode->PixelFormat];
    if (mode->PixelFormat == PixelBitMask) {
        framebuffer->red_mask = mode->PixelInformation.RedMask;
        framebuffer->green_mask = mode->PixelInformation.GreenMask;
        framebuffer->blue_mask = mode->PixelInformation.BlueMask;
    }
    problem = framebuffer_check(framebuffer);
    if (!problem && !pixel_of_32_bits(mode))
        problem = "its pixels are not of 32 bits";
    if (!problem && pixel_format_find(framebuffer, &pixel))
        problem = "its pixels are none that can be drawn";
    if (!problem)
        problem = size_problem(framebuffer);
    if (problem)
        refuse(framebuffer, problem);
}

/*
 * screen.c: a screen that is not as it is said to be: `screen FIELD VALUE` on every graphics
 * output, `screen-null mode|information` for none of that. The firmware's own console draws as it
 * always did.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

static EFI_GUID graphics_output = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;

static void field_set(EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode, const char *name, uint64_t value)
{
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = mode->Info;

    if (strcmp(name, "base") == 0)
        mode->FrameBufferBase = value;
    else if (strcmp(name, "size") == 0)
        mode->FrameBufferSize = value;
    else if (strcmp(name, "width") == 0)
        info->HorizontalResolution = value;
    else if (strcmp(name, "height") == 0)
        info->VerticalResolution = value;
    else if (strcmp(name, "stride") == 0)
        info->PixelsPerScanLine = value;
    else if (strcmp(name, "format") == 0)
        info->PixelFormat = value;
    else if (strcmp(name, "red") == 0)
        info->PixelInformation.RedMask = value;
    else if (strcmp(name, "green") == 0)
        info->PixelInformation.GreenMask = value;
    else if (strcmp(name, "blue") == 0)
        info->PixelInformation.BlueMask = value;
    else if (strcmp(name, "reserved") == 0)
        info->PixelInformation.ReservedMask = value;
    else
        report("screen: no field %s\n", name);
}

static void mode_change(EFI_GRAPHICS_OUTPUT_PROTOCOL *output)
{
    if (!output->Mode || !output->Mode->Info)
        return;
    for (const struct order *order = NULL; (order = order_next(order, "screen"));)
        field_set(output->Mode, order->words[1], order_number(order, 2));
    for (const struct order *order = NULL; (order = order_next(order, "screen-null"));) {
        if (strcmp(order->words[1], "mode") == 0)
            output->Mode = NULL;
        else
            output->Mode->Info = NULL;
    }
}

void screen_install(void)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *output;
    EFI_HANDLE *handles;
    UINTN count = 0;

    if (!order_next(NULL, "screen") && !order_next(NULL, "screen-null"))
        return;
    if (EFI_ERROR(
            real_boot.LocateHandleBuffer(ByProtocol, &graphics_output, NULL, &count, &handles)))
        return;
    for (UINTN i = 0; i < count; i++) {
        if (!EFI_ERROR(real_boot.HandleProtocol(handles[i], &graphics_output, (void **)&output)))
            mode_change(output);
    }
}

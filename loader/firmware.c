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

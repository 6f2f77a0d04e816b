#include "firmware.h"

#include <library/string.h>

#include "failure.h"
#include "record/calls.h"
#include "record/entry_state.h"

struct firmware firmware;

static EFI_STATUS EFIAPI refuse(void)
{
    return EFI_UNSUPPORTED;
}

/* A copy of a table of services, in which none is missing. Rule 31: what lies nowhere is refused in
   its place. */
static void services_copy(const void *given, void *copy, size_t size)
{
    void **service = (void **)((uint8_t *)copy + sizeof(EFI_TABLE_HEADER));
    size_t count = (size - sizeof(EFI_TABLE_HEADER)) / sizeof *service;

    if (recording_is_mapped((uintptr_t)given, size))
        memcpy(copy, given, size);
    for (size_t i = 0; i < count; i++) {
        if (!recording_can_call(&service[i], 1))
            service[i] = (void *)refuse;
    }
}

static bool shows_text(const SIMPLE_TEXT_OUTPUT_INTERFACE *output)
{
    enum { RESET_AND_OUTPUT = 2 };

    return recording_can_call(output, RESET_AND_OUTPUT);
}

/* What can show a message: the console, or what else there is. NULL: nothing. */
static SIMPLE_TEXT_OUTPUT_INTERFACE *console_find(const EFI_SYSTEM_TABLE *system)
{
    static const EFI_GUID text_output = SIMPLE_TEXT_OUTPUT_PROTOCOL;
    SIMPLE_TEXT_OUTPUT_INTERFACE *other;

    if (shows_text(system->ConOut))
        return system->ConOut;
    if (shows_text(system->StdErr))
        return system->StdErr;
    other = firmware_locate(&text_output, NULL);
    return shows_text(other) ? other : NULL;
}

static SIMPLE_INPUT_INTERFACE *keyboard_find(const EFI_SYSTEM_TABLE *system)
{
    enum { RESET_AND_READ = 2 };

    return recording_can_call(system->ConIn, RESET_AND_READ) ? system->ConIn : NULL;
}

EFI_STATUS firmware_attach(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    static const EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    static EFI_BOOT_SERVICES boot;
    static EFI_RUNTIME_SERVICES runtime;

    services_copy(system->BootServices, &boot, sizeof boot);
    services_copy(system->RuntimeServices, &runtime, sizeof runtime);
    firmware.image = image;
    firmware.system = system;
    firmware.boot = recording_calls(&boot);
    firmware.runtime = &runtime;
    firmware.console = console_find(system);
    firmware.keyboard = keyboard_find(system);

    /* Rule 22: the boot manager armed a watchdog that resets after five minutes (UEFI 2.10, 7.5):
     * a message that waits for a person must not end in a reset. */
    firmware.boot->SetWatchdogTimer(0, 0, 0, NULL);

    firmware.loaded_image = firmware_protocol(image, &loaded_image);
    if (!firmware.loaded_image)
        return failure(EFI_UNSUPPORTED, "the firmware does not say where BOOTX64.EFI came from");
    return EFI_SUCCESS;
}

/* Rule 31: a pointer of the firmware's may lead nowhere. NULL: it does. */
static void *there(void *interface)
{
    return recording_is_mapped((uintptr_t)interface, sizeof(void *)) ? interface : NULL;
}

void *firmware_protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
    void *interface = NULL;

    if (!handle)
        return NULL;
    if (EFI_ERROR(firmware.boot->HandleProtocol(handle, (EFI_GUID *)guid, &interface)))
        return NULL;
    return there(interface);
}

void *firmware_locate(const EFI_GUID *guid, EFI_STATUS *status)
{
    void *interface = NULL;
    EFI_STATUS answer = firmware.boot->LocateProtocol((EFI_GUID *)guid, NULL, &interface);

    if (status)
        *status = answer;
    return EFI_ERROR(answer) ? NULL : there(interface);
}

/* More than any firmware has is a lie. */
#define HANDLES_MAXIMUM 65536

static bool handles_are_there(EFI_HANDLE *handles, UINTN count)
{
    return handles && count <= HANDLES_MAXIMUM &&
           recording_is_mapped((uintptr_t)handles, count * sizeof *handles);
}

size_t firmware_handles(const EFI_GUID *guid, EFI_HANDLE **handles)
{
    UINTN count = 0;

    *handles = NULL;
    if (EFI_ERROR(firmware.boot->LocateHandleBuffer(guid ? ByProtocol : AllHandles,
                                                    (EFI_GUID *)guid, NULL, &count, handles)))
        return 0;
    return handles_are_there(*handles, count) ? count : 0;
}

size_t firmware_table_count(void)
{
    const EFI_SYSTEM_TABLE *system = firmware.system;
    size_t count = system->NumberOfTableEntries;

    return count <= SIZE_MAX / sizeof *system->ConfigurationTable &&
                   recording_is_mapped((uintptr_t)system->ConfigurationTable,
                                       count * sizeof *system->ConfigurationTable)
               ? count
               : 0;
}

size_t firmware_vendor(CHAR16 vendor[FIRMWARE_VENDOR_MAX])
{
    const CHAR16 *given = firmware.system->FirmwareVendor;
    size_t length = 0;

    for (; given && length < FIRMWARE_VENDOR_MAX - 1; length++) {
        if (!recording_is_mapped((uintptr_t)&given[length], sizeof *given) || !given[length])
            break;
        vendor[length] = given[length];
    }
    vendor[length] = 0;
    return length;
}

/* The length of a node of a path that goes on behind it; 0: it is the end, or none. */
static size_t node_length(const EFI_DEVICE_PATH *node)
{
    size_t length;

    if (!recording_can_read((uintptr_t)node, sizeof *node) || IsDevicePathEndType(node))
        return 0;
    length = (size_t)DevicePathNodeLength(node);
    return length >= sizeof *node && recording_can_read((uintptr_t)node, length) ? length : 0;
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

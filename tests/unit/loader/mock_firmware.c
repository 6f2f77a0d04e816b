#include "mock_firmware.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "console.h"
#include "failure.h"
#include "record/entry_state.h"

struct mock_firmware mock;
struct firmware firmware;
struct handoff_entry_state start_state;
struct call_flags call_flags;

static EFI_BOOT_SERVICES boot_services;
static EFI_RUNTIME_SERVICES runtime_services;
static EFI_SYSTEM_TABLE system_table;

/* Rule 1: after the first exit only GetMemoryMap and ExitBootServices may be called. */
static void note_call(void)
{
    mock.calls_after_exit += mock.exit_tried;
}

static EFI_STATUS allocate_pages(EFI_ALLOCATE_TYPE type, EFI_MEMORY_TYPE memory_type, UINTN pages,
                                 EFI_PHYSICAL_ADDRESS *memory)
{
    note_call();
    if (type != AllocateAnyPages || memory_type != EfiLoaderData)
        return EFI_INVALID_PARAMETER;
    if (mock.allocations_left == 0)
        return EFI_OUT_OF_RESOURCES;
    mock.allocations_left--;
    mock.pages_taken++;
    if (mock.low_pages > 0) {
        *memory = (EFI_PHYSICAL_ADDRESS)mock.low_pages-- * 0x1000;
        return EFI_SUCCESS;
    }
    *memory = (uintptr_t)aligned_alloc(4096, pages * 4096);
    return EFI_SUCCESS;
}

static EFI_STATUS free_pages(EFI_PHYSICAL_ADDRESS memory, UINTN pages)
{
    (void)pages;
    note_call();
    mock.pages_given_back++;
    if (memory >= 0x100000)
        free((void *)(uintptr_t)memory);
    return EFI_SUCCESS;
}

static EFI_STATUS allocate_pool(EFI_MEMORY_TYPE type, UINTN size, VOID **buffer)
{
    note_call();
    if (type != EfiLoaderData)
        return EFI_INVALID_PARAMETER;
    if (mock.allocations_left == 0)
        return EFI_OUT_OF_RESOURCES;
    mock.allocations_left--;
    mock.pool_taken++;
    *buffer = malloc(size);
    return EFI_SUCCESS;
}

static EFI_STATUS free_pool(VOID *buffer)
{
    note_call();
    mock.pool_given_back++;
    free(buffer);
    return EFI_SUCCESS;
}

static EFI_STATUS get_memory_map(UINTN *size, EFI_MEMORY_DESCRIPTOR *map, UINTN *key,
                                 UINTN *descriptor_size, UINT32 *version)
{
    UINTN needed = mock.descriptors * mock.descriptor_size;
    UINTN room = *size;

    mock.map_calls++;
    *size = needed;
    *key = 0xbad; /* rule 4: the key of a call that fails is rubbish */
    *descriptor_size = mock.descriptor_size;
    *version = EFI_MEMORY_DESCRIPTOR_VERSION;
    if (mock.map_calls == mock.map_fails_at)
        return EFI_DEVICE_ERROR;
    if (room < needed)
        return EFI_BUFFER_TOO_SMALL;
    memset(map, 0xee, needed);
    for (size_t i = 0; i < mock.descriptors; i++)
        memcpy((uint8_t *)map + i * mock.descriptor_size, &mock.map[i], sizeof mock.map[i]);
    *key = mock.key;
    return EFI_SUCCESS;
}

static EFI_STATUS exit_boot_services(EFI_HANDLE image, UINTN key)
{
    (void)image;
    mock.exit_calls++;
    mock.exit_tried = true;
    if (mock.exit_status)
        return mock.exit_status;
    if (mock.stale_keys > 0) {
        /* A timer freed something: the map has one more descriptor and another key. */
        mock.stale_keys--;
        mock.key++;
        if (mock.descriptors < MOCK_DESCRIPTORS)
            mock.map[mock.descriptors++] = mock.map[0];
    }
    return key == mock.key ? EFI_SUCCESS : EFI_INVALID_PARAMETER;
}

static EFI_STATUS revoked_give(UINT32 *attributes, UINTN *size, VOID *data)
{
    size_t length = strlen(mock.revoked);

    if (*size < length)
        return EFI_BUFFER_TOO_SMALL;
    *size = length;
    *attributes = mock.revoked_attributes;
    memcpy(data, mock.revoked, length);
    return EFI_SUCCESS;
}

/* There are two variables: SecureBoot and SbatLevel. */
static EFI_STATUS get_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 *attributes, UINTN *size,
                               VOID *data)
{
    (void)vendor;
    if (name[1] == 'b')
        return mock.revoked ? revoked_give(attributes, size, data) : EFI_NOT_FOUND;
    if (!mock.secure_boot)
        return EFI_NOT_FOUND;
    *size = 1;
    *(uint8_t *)data = 1;
    return EFI_SUCCESS;
}

void mock_firmware_start(void)
{
    memset(&mock, 0, sizeof mock);
    mock.descriptor_size = sizeof(EFI_MEMORY_DESCRIPTOR) + 8;
    mock.key = 77;
    mock.allocations_left = -1;
    mock.read_limit = mock.read_piece = ~(UINTN)0;
    mock.read_ends_at = UINT64_MAX;
    boot_services.AllocatePages = allocate_pages;
    boot_services.FreePages = free_pages;
    boot_services.AllocatePool = allocate_pool;
    boot_services.FreePool = free_pool;
    boot_services.GetMemoryMap = get_memory_map;
    boot_services.ExitBootServices = exit_boot_services;
    firmware.boot = &boot_services;
    runtime_services.GetVariable = get_variable;
    firmware.loaded_image = &mock.image;
    firmware.runtime = &runtime_services;
    system_table = (EFI_SYSTEM_TABLE){0};
    firmware.system = &system_table;
}

/* The file, and the volume, whose Open gives the file. */
static EFI_FILE_PROTOCOL file_protocol, root_protocol;

static EFI_STATUS file_open(EFI_FILE_HANDLE root, EFI_FILE_HANDLE *handle, CHAR16 *name,
                            UINT64 mode, UINT64 attributes)
{
    (void)root, (void)attributes;
    if (mode != EFI_FILE_MODE_READ || name[0] != '\\' || !mock.file)
        return EFI_NOT_FOUND;
    mock.file_position = 0;
    mock.files_open++;
    *handle = &file_protocol;
    return EFI_SUCCESS;
}

static EFI_STATUS file_close(EFI_FILE_HANDLE handle)
{
    mock.files_open -= handle == &file_protocol;
    return EFI_SUCCESS;
}

static EFI_STATUS file_get_info(EFI_FILE_HANDLE handle, EFI_GUID *type, UINTN *size, VOID *buffer)
{
    UINTN needed = sizeof(EFI_FILE_INFO) + 24;
    UINTN room = *size;

    (void)handle, (void)type;
    *size = needed;
    if (room < needed)
        return EFI_BUFFER_TOO_SMALL;
    memset(buffer, 0, needed);
    ((EFI_FILE_INFO *)buffer)->FileSize = mock.file_size;
    return EFI_SUCCESS;
}

static EFI_STATUS file_read(EFI_FILE_HANDLE handle, UINTN *size, VOID *buffer)
{
    uint64_t end = mock.file_size < mock.read_ends_at ? mock.file_size : mock.read_ends_at;
    UINTN wanted = *size;

    (void)handle;
    if (wanted > mock.largest_read)
        mock.largest_read = wanted;
    if (wanted > mock.read_limit)
        return EFI_DEVICE_ERROR;
    if (wanted > mock.read_piece)
        wanted = mock.read_piece;
    if (wanted > end - mock.file_position)
        wanted = end - mock.file_position;
    memcpy(buffer, mock.file + mock.file_position, wanted);
    mock.file_position += wanted;
    *size = wanted;
    return EFI_SUCCESS;
}

EFI_FILE_HANDLE mock_volume(void)
{
    file_protocol.Close = root_protocol.Close = file_close;
    file_protocol.GetInfo = file_get_info;
    file_protocol.Read = file_read;
    root_protocol.Open = file_open;
    return &root_protocol;
}

void mock_interface_add(uintptr_t handle, EFI_GUID guid, void *interface)
{
    mock.interfaces[mock.interfaces_count++] = (struct mock_interface){handle, guid, interface};
}

void *firmware_protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
    for (size_t i = 0; i < mock.interfaces_count; i++) {
        const struct mock_interface *entry = &mock.interfaces[i];

        if (entry->handle == (uintptr_t)handle && memcmp(&entry->guid, guid, sizeof *guid) == 0)
            return entry->interface;
    }
    return NULL;
}

/* There is one system table, with as many tables as it says; all memory is there. */
size_t firmware_table_count(void)
{
    return firmware.system->NumberOfTableEntries;
}

bool recording_can_call(const void *services, size_t count)
{
    (void)count;
    return services;
}

bool recording_can_read(uint64_t address, uint64_t size)
{
    return recording_is_mapped(address, size);
}

bool recording_is_mapped(uint64_t address, uint64_t size)
{
    return address && size;
}

size_t firmware_handles(const EFI_GUID *guid, EFI_HANDLE **handles)
{
    size_t count = 0;

    *handles = NULL;
    for (size_t i = 0; i < mock.interfaces_count; i++) {
        if (memcmp(&mock.interfaces[i].guid, guid, sizeof *guid) != 0)
            continue;
        if (!*handles)
            allocate_pool(EfiLoaderData, MOCK_INTERFACES * sizeof **handles, (void **)handles);
        (*handles)[count++] = (EFI_HANDLE)mock.interfaces[i].handle;
    }
    return count;
}

void *firmware_locate(const EFI_GUID *guid, EFI_STATUS *status)
{
    void *interface = NULL;
    EFI_STATUS answer = firmware.boot->LocateProtocol((EFI_GUID *)guid, NULL, &interface);

    if (status)
        *status = answer;
    return EFI_ERROR(answer) ? NULL : interface;
}

void console_print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(mock.console_text, sizeof mock.console_text, format, arguments);
    va_end(arguments);
}

EFI_STATUS failure(EFI_STATUS status, const char *format, ...)
{
    va_list arguments;

    mock.failures++;
    mock.failure_status = status;
    va_start(arguments, format);
    vsnprintf(mock.failure_text, sizeof mock.failure_text, format, arguments);
    va_end(arguments);
    return status;
}

_Noreturn void failure_halt(const struct handoff_framebuffer *framebuffer, const char *message,
                            EFI_STATUS status, unsigned attempts)
{
    (void)framebuffer;
    (void)status;
    mock.halt_attempts = attempts;
    mock.halt_text = message;
    longjmp(mock.halted, 1);
}

#include "record/calls.h"

#include <library/string.h>

#include "processor.h"
#include "record/recording.h"

static EFI_BOOT_SERVICES *real;
static bool recorded;

static void note(size_t offset, uint64_t before, EFI_STATUS status, const uint64_t arguments[4])
{
    struct record_call entry = {.service = RECORD_SERVICE(RECORD_BOOT, (uint32_t)offset),
                                .status = status,
                                .before = before,
                                .after = tsc_read()};

    memcpy(entry.arguments, arguments, sizeof entry.arguments);
    recording_append(RECORD_CALL, &entry, sizeof entry, NULL, 0);
}

#define ADDRESS(pointer) ((uint64_t)(uintptr_t)(pointer))

/* A protocol, by the first half of its GUID. */
static uint64_t guid_half(const EFI_GUID *guid)
{
    uint64_t half = 0;

    if (guid)
        memcpy(&half, guid, sizeof half);
    return half;
}

/*
 * A service with the same parameters, that makes the call and notes it. What is noted is worth
 * more once the call has been made: an address that it gave, say.
 */
#define RECORDED(function, member, parameters, call, ...)                                          \
    static EFI_STATUS EFIAPI function parameters                                                   \
    {                                                                                              \
        uint64_t before = tsc_read();                                                              \
        EFI_STATUS status = real->member call;                                                     \
                                                                                                   \
        note(offsetof(EFI_BOOT_SERVICES, member), before, status, (uint64_t[4]){__VA_ARGS__});     \
        return status;                                                                             \
    }

RECORDED(allocate_pages, AllocatePages,
         (EFI_ALLOCATE_TYPE type, EFI_MEMORY_TYPE memory, UINTN pages, EFI_PHYSICAL_ADDRESS *base),
         (type, memory, pages, base), type, memory, pages, *base)
RECORDED(free_pages, FreePages, (EFI_PHYSICAL_ADDRESS base, UINTN pages), (base, pages), base,
         pages)
RECORDED(get_memory_map, GetMemoryMap,
         (UINTN * size, EFI_MEMORY_DESCRIPTOR *map, UINTN *key, UINTN *step, UINT32 *version),
         (size, map, key, step, version), *size, ADDRESS(map), *key, *step)
RECORDED(allocate_pool, AllocatePool, (EFI_MEMORY_TYPE type, UINTN size, void **pool),
         (type, size, pool), type, size, EFI_ERROR(status) ? 0 : ADDRESS(*pool))
RECORDED(free_pool, FreePool, (void *pool), (pool), ADDRESS(pool))
RECORDED(create_event, CreateEvent,
         (UINT32 type, EFI_TPL level, EFI_EVENT_NOTIFY notify, void *context, EFI_EVENT *event),
         (type, level, notify, context, event), type, level,
         EFI_ERROR(status) ? 0 : ADDRESS(*event))
RECORDED(close_event, CloseEvent, (EFI_EVENT event), (event), ADDRESS(event))
RECORDED(set_timer, SetTimer, (EFI_EVENT event, EFI_TIMER_DELAY type, UINT64 time),
         (event, type, time), ADDRESS(event), type, time)
RECORDED(wait_for_event, WaitForEvent, (UINTN count, EFI_EVENT *events, UINTN *index),
         (count, events, index), count, ADDRESS(*events), *index)
RECORDED(handle_protocol, HandleProtocol, (EFI_HANDLE handle, EFI_GUID *guid, void **interface),
         (handle, guid, interface), ADDRESS(handle), guid_half(guid),
         EFI_ERROR(status) ? 0 : ADDRESS(*interface))
RECORDED(locate_protocol, LocateProtocol, (EFI_GUID * guid, void *registration, void **interface),
         (guid, registration, interface), guid_half(guid),
         EFI_ERROR(status) ? 0 : ADDRESS(*interface))
RECORDED(locate_handle_buffer, LocateHandleBuffer,
         (EFI_LOCATE_SEARCH_TYPE type, EFI_GUID *guid, void *key, UINTN *count,
          EFI_HANDLE **handles),
         (type, guid, key, count, handles), type, guid_half(guid), EFI_ERROR(status) ? 0 : *count)
RECORDED(protocols_per_handle, ProtocolsPerHandle,
         (EFI_HANDLE handle, EFI_GUID ***protocols, UINTN *count), (handle, protocols, count),
         ADDRESS(handle), EFI_ERROR(status) ? 0 : *count)
RECORDED(exit_boot_services, ExitBootServices, (EFI_HANDLE image, UINTN key), (image, key),
         ADDRESS(image), key)
RECORDED(stall, Stall, (UINTN microseconds), (microseconds), microseconds)
RECORDED(set_watchdog_timer, SetWatchdogTimer,
         (UINTN seconds, UINT64 code, UINTN size, CHAR16 *data), (seconds, code, size, data),
         seconds, code, size)

EFI_BOOT_SERVICES *recording_calls(EFI_BOOT_SERVICES *boot)
{
    static EFI_BOOT_SERVICES table;

    real = boot;
    recorded = true;
    memcpy(&table, boot, sizeof table);
    table.AllocatePages = allocate_pages;
    table.FreePages = free_pages;
    table.GetMemoryMap = get_memory_map;
    table.AllocatePool = allocate_pool;
    table.FreePool = free_pool;
    table.CreateEvent = create_event;
    table.CloseEvent = close_event;
    table.SetTimer = set_timer;
    table.WaitForEvent = wait_for_event;
    table.HandleProtocol = handle_protocol;
    table.LocateProtocol = locate_protocol;
    table.LocateHandleBuffer = locate_handle_buffer;
    table.ProtocolsPerHandle = protocols_per_handle;
    table.ExitBootServices = exit_boot_services;
    table.Stall = stall;
    table.SetWatchdogTimer = set_watchdog_timer;
    return &table;
}

void recording_calls_stop(void)
{
    recorded = false;
    firmware.boot = real;
}

void recording_file_read(const struct file_read *read, EFI_STATUS status)
{
    const struct record_file_read entry = {.status = status,
                                           .offset = read->offset,
                                           .asked = read->asked,
                                           .got = read->got,
                                           .left = read->left};

    if (recorded)
        recording_append(RECORD_FILE_READ, &entry, sizeof entry, read->path, strlen(read->path));
}

/* services.c: calls of services that change nothing, for what they answer; the clock beside
 * GetTime; variables as they are seen after the exit. */
#include "cpu/clock.h"
#include "cpu/registers.h"
#include "firmware/record/handoff_record.h"
#include "firmware/record/runtime.h"
#include "firmware/runtime_calls.h"
#include "library/align.h"
#include "library/sha256.h"
#include "library/string.h"
#include "memory/heap.h"
#include "thread/preemption.h"

enum {
    NAME_SIZE = 2048,
    DATA_SIZE = 256 * 1024,
    VARIABLES_MAXIMUM = 2048, /* a firmware whose enumeration does not end is left there */
};

/* ---- the clock (MC146818A data sheet) ---- */

static uint8_t clock_register(uint8_t index)
{
    port_write8(0x70, index);
    return port_read8(0x71);
}

static void record_battery_clock(void)
{
    enum { STATUS_A = 10, UPDATING = 0x80, TRIES = 100000, CENTURY = 0x32 };
    struct record_cmos entry = {0};
    unsigned tries = 0;

    while (clock_register(STATUS_A) & UPDATING && ++tries < TRIES)
        cpu_relax();
    entry.updating = tries == TRIES;
    for (size_t i = 0; i < sizeof(entry.registers); i++)
        entry.registers[i] = clock_register((uint8_t)i);
    entry.century = clock_register(CENTURY);
    if (entry.century != 0x19 && entry.century != 0x20 && entry.century != 0x21)
        entry.century = 0; /* that register is something else here */
    handoff_record_append(RECORD_CMOS_TIME, &entry, sizeof(entry), NULL, 0);
}

static void try_time(void)
{
    EFI_TIME time;
    BOOLEAN enabled, pending;

    record_battery_clock();
    for (int i = 0; i < 3; i++)
        runtime_get_time(&time, NULL);
    runtime_get_wakeup_time(&enabled, &pending, &time);
}

/* ---- variables ---- */

struct seen {
    CHAR16 *name, *before;
    void *data;
    struct record_variable_list list;
};

static void record_variable(struct seen *seen, UINTN name_size, EFI_GUID *vendor)
{
    struct record_variable entry = {.name_size = (uint32_t)name_size};
    UINTN size = DATA_SIZE;
    UINT32 attributes = 0;

    memcpy(entry.guid, vendor, sizeof(entry.guid));
    entry.status = runtime_get_variable(seen->name, vendor, &attributes, &size, seen->data);
    entry.attributes = attributes;
    entry.data_size = (uint32_t)size;
    if (!entry.status)
        sha256(seen->data, size, NULL, 0, entry.sha256);
    handoff_record_append(RECORD_RUNTIME_VARIABLE, &entry, sizeof(entry), seen->name, name_size);
}

/* One step; false at the end. */
static bool next_variable(struct seen *seen, EFI_GUID *vendor)
{
    UINTN size = NAME_SIZE;

    memcpy(seen->before, seen->name, NAME_SIZE);
    EFI_GUID vendor_before = *vendor;
    seen->list.status = runtime_get_next_variable_name(&size, seen->name, vendor);
    if (seen->list.status)
        return false;
    if (seen->list.count++ && !memcmp(seen->before, seen->name, size) &&
        !memcmp(&vendor_before, vendor, sizeof(*vendor))) {
        seen->list.repeated = 1;
        return false;
    }
    record_variable(seen, size <= NAME_SIZE ? size : NAME_SIZE, vendor);
    return seen->list.count < VARIABLES_MAXIMUM;
}

static void list_variables(struct seen *seen)
{
    const UINT32 kept =
        EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;
    struct record_variable_list *list = &seen->list;
    EFI_GUID vendor = {0};
    UINT64 storage = 0, left = 0, largest = 0;

    list->limit = VARIABLES_MAXIMUM;
    while (next_variable(seen, &vendor))
        thread_preemption_point();
    list->query_status = runtime_query_variable_info(kept, &storage, &left, &largest);
    list->maximum_storage = storage;
    list->remaining_storage = left;
    list->maximum_size = largest;
    handoff_record_append(RECORD_VARIABLE_LIST, list, sizeof(*list), NULL, 0);
}

static void try_variables(void)
{
    struct seen seen = {.name = heap_allocate_zeroed(NAME_SIZE),
                        .before = heap_allocate(NAME_SIZE),
                        .data = heap_allocate(DATA_SIZE)};

    if (seen.name && seen.before && seen.data)
        list_variables(&seen);
    heap_free(seen.data);
    heap_free(seen.before);
    heap_free(seen.name);
}

/* A variable that is not there is deleted: EFI_NOT_FOUND, or whatever says that nobody can. */
static void try_deleting(void)
{
    static CHAR16 name[] = {'B', 'a', 't', 'o', 'n', 'N', 'o', 't', 'T', 'h', 'e', 'r', 'e', 0};
    static EFI_GUID vendor = {
        0x3c0ff8a5, 0x2a5b, 0x4a39, {0x8d, 0x6e, 0x11, 0x5e, 0x0d, 0x4a, 0x77, 0x21}};
    const UINT32 attributes =
        EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;

    runtime_set_variable(name, &vendor, attributes, 0, NULL);
}

static void record_clock(void)
{
    const struct record_clock entry = {.tsc_hz = clock_tsc_frequency()};

    handoff_record_append(RECORD_CLOCK, &entry, sizeof(entry), NULL, 0);
}

void handoff_record_try_services(void)
{
    if (!handoff_record_wanted())
        return;
    record_clock();
    try_time();
    try_variables();
    try_deleting();
}

void handoff_record_try_again(void)
{
    static CHAR16 name[NAME_SIZE / sizeof(CHAR16)];
    UINT64 storage, left, largest;
    BOOLEAN enabled, pending;
    EFI_GUID vendor = {0};
    UINTN size = NAME_SIZE;
    EFI_TIME time;

    runtime_get_time(&time, NULL);
    runtime_get_wakeup_time(&enabled, &pending, &time);
    runtime_get_next_variable_name(&size, name, &vendor);
    size = 0;
    runtime_get_variable(name, &vendor, NULL, &size, NULL);
    runtime_query_variable_info(EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS,
                                &storage, &left, &largest);
    try_deleting();
}

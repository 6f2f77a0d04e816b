#include "firmware/runtime_services.h"

#include <asm/errno.h>

#include "cpu/call.h"
#include "cpu/clock.h"
#include "cpu/contained_call.h"
#include "cpu/cpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/processor_state.h"
#include "cpu/registers.h"
#include "firmware/parcels.h"
#include "firmware/record/runtime.h"
#include "firmware/runtime_calls.h"
#include "firmware/runtime_space.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "thread/mutex.h"
#include "thread/thread.h"
#include "thread/timer.h"

/* UEFI 2.10, 2.3.4 asks for 4 KiB; some firmware wants more. A guard page lies below it. */
#define STACK_SIZE 65536

/* Writing to flash takes seconds at worst; a machine that is told to end does so at once. */
#define PATIENCE       (30 * NANOSECONDS_PER_SECOND)
#define RESET_PATIENCE (5 * NANOSECONDS_PER_SECOND)

/* Constant after boot. NULL: there are none. */
static const EFI_RUNTIME_SERVICES *services;
static char *stack;

static const void *spoilt_reset; /* a test's, instead of the service */

static struct mutex turn;     /* guards what is below, the space, and the services themselves */
static struct timer alarm;    /* on the CPU that makes the call */
static struct timer watch;    /* on another one, should the call have turned interrupts off */
static bool ticks_come;       /* constant after boot: no such watch is needed */
static uint32_t said_changed; /* what of the processor services have changed so far */

/* One call, for who resolves its faults. */
struct service_call {
    struct contained_call contained;
    const char *name;
};

/* ---- tables ---- */

static bool table_is(const EFI_TABLE_HEADER *header, uint64_t signature)
{
    return header && header->Signature == signature;
}

static const EFI_RUNTIME_SERVICES *find_services(paddr_t system_table)
{
    const EFI_SYSTEM_TABLE *system = runtime_space_view_reserved(system_table, sizeof(*system));
    if (!system || !table_is(&system->Hdr, EFI_SYSTEM_TABLE_SIGNATURE))
        return NULL;
    const EFI_RUNTIME_SERVICES *found =
        runtime_space_view_reserved((paddr_t)system->RuntimeServices, sizeof(*found));
    return found && table_is(&found->Hdr, EFI_RUNTIME_SERVICES_SIGNATURE) ? found : NULL;
}

/* Its interrupt is all that is wanted of it: contained_call_tick(). */
static void alarm_expired(struct timer *timer)
{
    (void)timer;
}

#define WATCH_EVERY (NANOSECONDS_PER_SECOND / 10)

static void watch_expired(struct timer *timer)
{
    contained_call_watch();
    timer_arm(timer, clock_now() + WATCH_EVERY);
}

int runtime_services_initialize(const struct handoff_tables *tables, const struct acpi_root *acpi,
                                const struct memory_range *ranges, size_t range_count)
{
    mutex_initialize(&turn, MUTEX_FIRMWARE);
    timer_initialize(&alarm, alarm_expired);
    timer_initialize(&watch, watch_expired);
    int error = runtime_space_initialize(tables, acpi, ranges, range_count);
    if (error)
        return error;
    stack = heap_allocate(STACK_SIZE);
    if (!stack || parcels_initialize())
        return -ENOMEM;
    ticks_come = interrupt_nmi_ticks_come();
    services = find_services(tables->system_table);
    if (!services)
        return -ENODEV;
    log_write(LOG_NOTICE, "firmware: runtime services in an address space of their own");
    return 0;
}

/* ---- calls ---- */

static bool resolve(struct contained_call *contained, const struct trap_frame *frame,
                    vaddr_t address)
{
    struct service_call *call = container_of(contained, struct service_call, contained);
    bool mended = runtime_space_fault(call->name, frame, address);

    if (mended)
        handoff_record_fault(frame, address, false);
    return mended;
}

/* What ended it, by service, place, address and what lies there. */
static void say_end(const struct service_call *call, enum contained_end end)
{
    const struct contained_call *contained = &call->contained;
    char where[160], what[160] = "";

    runtime_space_describe(contained->trap.rip, where, sizeof(where));
    if (end == CONTAINED_LATE) {
        log_write(LOG_ERROR, "firmware: %s took too long and was ended, at %s", call->name, where);
        return;
    }
    if (contained->trap.vector == TRAP_PAGE_FAULT)
        runtime_space_describe(contained->address, what, sizeof(what));
    log_write(LOG_ERROR, "firmware: %s failed: %s, code %#lx%s%s, at %s", call->name,
              trap_name(contained->trap.vector), contained->trap.code, what[0] ? ", of " : "", what,
              where);
}

/* The calling thread's root is the firmware's meanwhile (invariant 1), and its own again after. */
static enum contained_end call_there(struct service_call *call)
{
    struct thread *thread = thread_current();
    paddr_t root = thread->page_table_root;
    struct cpu_set *root_cpus = thread->root_cpus;

    thread_set_root(runtime_root, NULL);
    enum contained_end end = contained_call(&call->contained);
    thread_set_root(root, root_cpus);
    runtime_space_close();
    return end;
}

/* What is called: for the log, and for the record, where it stands in the table (0: nowhere). */
struct service {
    const char *name;
    uint32_t offset;
};

/* With how it was and what came of it, for the record of the handoff. */
static enum contained_end call_recorded(struct service_call *call, uint32_t offset)
{
    struct runtime_call_notes notes = {.service = offset, .stack = stack, .stack_size = STACK_SIZE};

    handoff_record_call_begins(stack, STACK_SIZE);
    notes.before = tsc_read();
    notes.end = call_there(call);
    notes.after = tsc_read();
    if (notes.end == CONTAINED_TRAPPED)
        handoff_record_fault(&call->contained.trap, call->contained.address, true);
    handoff_record_call(&call->contained, &notes);
    return notes.end;
}

static void watch_begin(void *deadline)
{
    timer_arm(&watch, *(uint64_t *)deadline);
}

/* On any other CPU, where no NMI ticks on this one. At the machine's end the others have stopped,
   and one of them watches by itself (cpu_stop_others()). */
static void watch_from_elsewhere(uint64_t deadline)
{
    if (ticks_come)
        return;
    CPU_SET_FOREACH (number, &cpu_online) {
        const struct cpu_set other = cpu_set_of(number);
        if (number == cpu_current()->number)
            continue;
        cpu_call(&other, watch_begin, &deadline);
        return;
    }
}

/* Once for each thing that some service changes. */
static void say_changes(const struct service_call *call)
{
    uint32_t new = call->contained.changed & ~said_changed;
    char names[160];

    said_changed |= new;
    if (new)
        log_write(LOG_WARNING, "firmware: %s changed %s: put back", call->name,
                  processor_state_names(new, names, sizeof(names)));
}

/* By who has the turn. */
static EFI_STATUS call_now(const struct service *service, const void *function,
                           const struct arguments *given, uint64_t patience)
{
    struct service_call call = {
        .name = service->name,
        .contained = {.function = (vaddr_t)function,
                      .stack_top = (vaddr_t)stack + STACK_SIZE,
                      .stack_size = STACK_SIZE,
                      .deadline = clock_now() + patience,
                      .resolve = resolve},
    };

    memcpy(call.contained.arguments, given->value, sizeof(given->value));
    timer_arm(&alarm, call.contained.deadline);
    enum contained_end end = call_recorded(&call, service->offset);
    timer_cancel(&alarm);
    say_changes(&call);
    if (end == CONTAINED_RETURNED)
        return call.contained.result;
    say_end(&call, end);
    return EFI_DEVICE_ERROR;
}

/* What it is given lies in parcels meanwhile, and comes back if it returned. */
static EFI_STATUS call_with_parcels(const struct service *service, const void *function,
                                    const struct argument given[CONTAINED_ARGUMENTS],
                                    uint64_t patience)
{
    struct arguments arguments;

    if (parcels_pack(given, &arguments))
        return EFI_OUT_OF_RESOURCES;
    watch_from_elsewhere(clock_now() + patience);
    EFI_STATUS status = call_now(service, function, &arguments, patience);
    timer_cancel(&watch);
    parcels_unpack(given, &arguments);
    return status;
}

static EFI_STATUS call_in_turn(const struct service *service, const void *function,
                               const struct argument given[CONTAINED_ARGUMENTS], uint64_t patience)
{
    if (!function)
        return EFI_UNSUPPORTED;
    mutex_acquire(&turn);
    EFI_STATUS status = call_with_parcels(service, function, given, patience);
    mutex_release(&turn);
    return status;
}

/* A member of the table, which the firmware may change; NULL: there is none. */
#define SERVICE(member) (services ? (const void *)services->member : NULL)
#define CALL(member, ...)                                                                          \
    call_in_turn(&(const struct service){#member, offsetof(EFI_RUNTIME_SERVICES, member)},         \
                 SERVICE(member), (const struct argument[CONTAINED_ARGUMENTS]){__VA_ARGS__},       \
                 PATIENCE)
#define NUMBER(number)                                                                             \
    {                                                                                              \
        (uint64_t)(number), 0                                                                      \
    }
#define BYTES(pointer, size)                                                                       \
    {                                                                                              \
        (uint64_t)(pointer), (pointer) ? (size) : 0                                                \
    }
#define POINTER(pointer) BYTES(pointer, sizeof(*(pointer)))

/* Of a name that ends (UEFI 2.10, 8.2.1), with its end. */
static size_t name_size(const CHAR16 *name)
{
    size_t units = 0;

    while (name[units])
        units++;
    return (units + 1) * sizeof(*name);
}

/* UEFI 2.10, 8.3.1. */
static bool time_can_be(const EFI_TIME *time)
{
    return time->Year >= 1900 && time->Year <= 9999 && time->Month >= 1 && time->Month <= 12 &&
           time->Day >= 1 && time->Day <= 31 && time->Hour < 24 && time->Minute < 60 &&
           time->Second < 60 && time->Nanosecond < NANOSECONDS_PER_SECOND;
}

EFI_STATUS runtime_get_time(EFI_TIME *time, EFI_TIME_CAPABILITIES *capabilities)
{
    EFI_STATUS status = CALL(GetTime, POINTER(time), POINTER(capabilities));

    if (status || time_can_be(time))
        return status;
    log_write(LOG_WARNING, "firmware: GetTime gives a time that cannot be: %u-%u-%u %u:%u:%u",
              time->Year, time->Month, time->Day, time->Hour, time->Minute, time->Second);
    return EFI_DEVICE_ERROR;
}

EFI_STATUS runtime_get_wakeup_time(BOOLEAN *enabled, BOOLEAN *pending, EFI_TIME *time)
{
    return CALL(GetWakeupTime, POINTER(enabled), POINTER(pending), POINTER(time));
}

EFI_STATUS runtime_set_time(EFI_TIME *time)
{
    return CALL(SetTime, POINTER(time));
}

/* Success with more than there was room for is none: who asked would read on behind its buffer. */
EFI_STATUS runtime_get_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 *attributes, UINTN *size,
                                void *data)
{
    UINTN room = *size;
    EFI_STATUS status = CALL(GetVariable, BYTES(name, name_size(name)), POINTER(vendor),
                             POINTER(attributes), POINTER(size), BYTES(data, room));

    return !status && *size > room ? EFI_DEVICE_ERROR : status;
}

/* The name ends within its room (of one character at least), whatever the firmware wrote and said:
   Linux goes by the end, too. */
EFI_STATUS runtime_get_next_variable_name(UINTN *size, CHAR16 *name, EFI_GUID *vendor)
{
    UINTN room = *size;
    EFI_STATUS status =
        CALL(GetNextVariableName, POINTER(size), BYTES(name, room), POINTER(vendor));

    if (EFI_ERROR(status))
        return status;
    name[room / sizeof(*name) - 1] = 0;
    if (*size > room)
        *size = room;
    return status;
}

EFI_STATUS runtime_set_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 attributes, UINTN size,
                                void *data)
{
    return CALL(SetVariable, BYTES(name, name_size(name)), POINTER(vendor), NUMBER(attributes),
                NUMBER(size), BYTES(data, size));
}

EFI_STATUS runtime_query_variable_info(UINT32 attributes, UINT64 *storage, UINT64 *left,
                                       UINT64 *largest)
{
    return CALL(QueryVariableInfo, NUMBER(attributes), POINTER(storage), POINTER(left),
                POINTER(largest));
}

/* Its map is not copied: the firmware only reads it, and it may be long. */
EFI_STATUS runtime_set_virtual_address_map(UINTN size, UINTN step, UINT32 version,
                                           EFI_MEMORY_DESCRIPTOR *map)
{
    return CALL(SetVirtualAddressMap, NUMBER(size), NUMBER(step), NUMBER(version), NUMBER(map));
}

/* EDK2 does not give this one pointer its new address: nobody should call it again. */
EFI_STATUS runtime_set_virtual_address_map_again(UINTN size, UINTN step, UINT32 version,
                                                 EFI_MEMORY_DESCRIPTOR *map)
{
    const struct service service = {"SetVirtualAddressMap",
                                    offsetof(EFI_RUNTIME_SERVICES, SetVirtualAddressMap)};
    const struct argument arguments[CONTAINED_ARGUMENTS] = {NUMBER(size), NUMBER(step),
                                                            NUMBER(version), NUMBER(map)};
    uintptr_t function = (uintptr_t)SERVICE(SetVirtualAddressMap);

    if (function < RUNTIME_VIRTUAL_OFFSET)
        function += RUNTIME_VIRTUAL_OFFSET;
    return call_in_turn(&service, (const void *)function, arguments, PATIENCE);
}

#ifdef DEBUG_CHECKS
EFI_STATUS runtime_misbehave(const void *function, uint64_t argument, uint64_t patience)
{
    const struct argument arguments[CONTAINED_ARGUMENTS] = {NUMBER(argument)};

    return call_in_turn(&(const struct service){.name = "a test"}, function, arguments, patience);
}

void runtime_spoil_reset(const void *function)
{
    spoilt_reset = function;
}
#endif

int runtime_status_error(EFI_STATUS status)
{
    switch (status) {
    case EFI_SUCCESS:
        return 0;
    case EFI_INVALID_PARAMETER:
        return -EINVAL;
    case EFI_OUT_OF_RESOURCES:
        return -ENOSPC;
    case EFI_WRITE_PROTECTED:
        return -EROFS;
    case EFI_SECURITY_VIOLATION:
        return -EACCES;
    case EFI_NOT_FOUND:
        return -ENOENT;
    case EFI_UNSUPPORTED:
        return -EOPNOTSUPP;
    case EFI_BUFFER_TOO_SMALL:
        return -ERANGE;
    default:
        return -EIO;
    }
}

/* ---- the machine's end ---- */

bool runtime_services_take(void)
{
    if (!services)
        return false;
    if (cpu_current()->interrupt_depth)
        return mutex_try_acquire(&turn);
    mutex_acquire(&turn);
    return true;
}

void runtime_reset(enum runtime_reset type)
{
    const void *function = spoilt_reset ? spoilt_reset : SERVICE(ResetSystem);
    if (!function)
        return;
    EFI_STATUS status = call_now(&(const struct service){.name = "ResetSystem"}, function,
                                 &(const struct arguments){{type}}, RESET_PATIENCE);
    log_write(LOG_WARNING, "firmware: ResetSystem returned (status %#lx)", status);
}

/* Runtime services as the kernel called them: 63 to 68 (UEFI 2.11, chapter 8). */
#include "library/audit/check.h"
#include "library/bytes.h"
#include "library/string.h"

enum {
    GET_TIME = RECORD_SERVICE(RECORD_RUNTIME, 24),
    SET_VIRTUAL_ADDRESS_MAP = RECORD_SERVICE(RECORD_RUNTIME, 56),
};

static const char *service_name(uint32_t service)
{
    const char *name = record_service_name(service);

    return name != NULL ? name : "a service";
}

static bool call_next(const struct record *record, uint16_t kind, struct record_entry *entry,
                      struct record_runtime_call *call)
{
    if (!record_next_of(record, kind, entry))
        return false;
    (void)record_load(entry, call, sizeof(*call), NULL);
    return true;
}

/* ---- 63, 64: faults ---- */

static void fault_ask(struct audit *audit, const struct record_entry *entry)
{
    struct record_runtime_fault fault;

    (void)record_load(entry, &fault, sizeof(fault), NULL);
    fault.image[sizeof(fault.image) - 1] = '\0';
    printable(fault.image);
    bool known = fault.image[0] != '\0';
    audit_fail_in(audit, entry->offset, fault.image,
                  "%s: vector %u at %s0x%llx, address 0x%llx (%s)", service_name(fault.service),
                  fault.vector, known ? "image+" : "",
                  (unsigned long long)(known ? fault.rip - fault.image_base : fault.rip),
                  (unsigned long long)fault.address,
                  fault.memory_type == UINT32_MAX ? "not in the map"
                                                  : record_memory_type_name(fault.memory_type));
}

static void faults(struct audit *audit, uint16_t calls, uint16_t kind)
{
    struct record_entry entry = {0};
    struct record_runtime_call call;

    if (!audit_need(audit, calls, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, kind, &entry))
        fault_ask(audit, &entry);
    entry = (struct record_entry){0};
    bool told = record_count(audit->record, kind) > 0;
    while (!told && call_next(audit->record, calls, &entry, &call)) {
        if (call.flags & RECORD_CALL_FAULTED)
            audit_fail(audit, entry.offset, "%s was given up", service_name(call.service));
    }
}

static void services_fault(struct audit *audit)
{
    faults(audit, RECORD_RUNTIME_CALL, RECORD_RUNTIME_FAULT);
}

static void services_fault_virtual(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_runtime_call call;
    unsigned moved = 0;

    faults(audit, RECORD_VIRTUAL_CALL, RECORD_VIRTUAL_FAULT);
    while (call_next(audit->record, RECORD_VIRTUAL_CALL, &entry, &call)) {
        if (call.service != SET_VIRTUAL_ADDRESS_MAP)
            continue;
        if (call.flags & RECORD_CALL_FAULTED) { /* said already, and it has no status */
            moved++;
            continue;
        }
        if (moved++ == 0 ? call.status != 0 : call.status != EFI_UNSUPPORTED)
            audit_fail(audit, entry.offset, "SetVirtualAddressMap gave %s, called the %s time",
                       status_text(call.status).text, moved == 1 ? "first" : "second");
    }
}

/* ---- 65: GetTime (UEFI 2.11, 8.3.1) ---- */

struct clock {
    unsigned year, month, day, hour, minute, second;
    uint32_t nanosecond;
    int16_t zone;
};

static struct clock clock_load(const uint8_t *bytes)
{
    return (struct clock){.year = load16(bytes),
                          .month = bytes[2],
                          .day = bytes[3],
                          .hour = bytes[4],
                          .minute = bytes[5],
                          .second = bytes[6],
                          .nanosecond = load32(bytes + 8),
                          .zone = (int16_t)load16(bytes + 12)};
}

static bool leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool in_range(const struct clock *clock)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (clock->month < 1 || clock->month > 12)
        return false;
    unsigned last = days[clock->month - 1] + (clock->month == 2 && leap(clock->year));
    return clock->year >= 1900 && clock->year <= 9999 && clock->day >= 1 && clock->day <= last &&
           clock->hour <= 23 && clock->minute <= 59 && clock->second <= 59 &&
           clock->nanosecond <= 999999999 &&
           (clock->zone == 2047 || (clock->zone >= -1440 && clock->zone <= 1440));
}

/* Seconds since 1900, of a time that is in range. */
static int64_t seconds(const struct clock *clock)
{
    static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = clock->year - 1900;
    /* Leap years from 1900 to the year before; 1900 itself was none. */
    int64_t leaps = past == 0 ? 0 : (past - 1) / 4 - (past - 1) / 100 + (past + 299) / 400;
    int64_t days = past * 365 + leaps + before[clock->month - 1] +
                   (clock->month > 2 && leap(clock->year)) + clock->day - 1;

    return ((days * 24 + clock->hour) * 60 + clock->minute) * 60 + clock->second;
}

static unsigned from_bcd(uint8_t value, bool binary)
{
    return binary ? value : (value >> 4) * 10U + (value & 15);
}

/* The battery clock's registers (Motorola MC146818): bh's bit 2 binary, bit 1 24 hours. */
static struct clock cmos_load(const struct record_cmos *cmos)
{
    const uint8_t *registers = cmos->registers;
    bool binary = registers[11] & 4, whole_day = registers[11] & 2;
    unsigned hour = from_bcd(registers[4] & (whole_day ? 0xff : 0x7f), binary);
    unsigned century = cmos->century != 0 ? from_bcd(cmos->century, binary) : 20;

    if (!whole_day)
        hour = hour % 12 + (registers[4] & 0x80 ? 12 : 0);
    return (struct clock){.year = century * 100 + from_bcd(registers[9], binary),
                          .month = from_bcd(registers[8], binary),
                          .day = from_bcd(registers[7], binary),
                          .hour = hour,
                          .minute = from_bcd(registers[2], binary),
                          .second = from_bcd(registers[0], binary)};
}

/* What the two tell was read within a second or two; 10 s are taken as the same. */
static void against_cmos(struct audit *audit, int64_t told, uint64_t offset)
{
    struct record_entry entry;
    struct record_cmos cmos;

    if (!record_find(audit->record, RECORD_CMOS_TIME, &entry))
        return;
    (void)record_load(&entry, &cmos, sizeof(cmos), NULL);
    struct clock battery = cmos_load(&cmos);
    if (cmos.updating || !in_range(&battery))
        return;
    int64_t difference = told - seconds(&battery);
    if (difference > 10 || difference < -10)
        audit_fail(audit, offset, "GetTime is %lld s away from the battery clock",
                   (long long)difference);
}

static void get_time(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_runtime_call call;
    int64_t before = INT64_MIN;
    bool any = false;

    if (!audit_need(audit, RECORD_RUNTIME_CALL, &entry))
        return;
    entry = (struct record_entry){0};
    while (call_next(audit->record, RECORD_RUNTIME_CALL, &entry, &call)) {
        if (call.service != GET_TIME || call.status != 0 || (call.flags & RECORD_CALL_FAULTED) ||
            entry.size < sizeof(call) + 16)
            continue;
        uint64_t offset = entry.offset + sizeof(call);
        struct clock clock = clock_load(entry.bytes + sizeof(call));
        if (!in_range(&clock)) {
            audit_fail(audit, offset, "%u-%u-%u %u:%u:%u.%09u, zone %d", clock.year, clock.month,
                       clock.day, clock.hour, clock.minute, clock.second, clock.nanosecond,
                       clock.zone);
            continue;
        }
        if (seconds(&clock) < before)
            audit_fail(audit, offset, "the clock went back by %lld s",
                       (long long)(before - seconds(&clock)));
        if (!any)
            against_cmos(audit, seconds(&clock), offset);
        before = seconds(&clock);
        any = true;
    }
    if (!any)
        audit_not_known(audit, "no call of GetTime that succeeded was recorded");
}

/* ---- 66, 67: variables (UEFI 2.11, 8.2) ---- */

enum {
    RUNTIME_ACCESS = 4,
};

static void enumeration(struct audit *audit)
{
    struct record_entry entry, variable_entry = {0};
    struct record_variable variable;
    struct record_variable_list list;

    if (!audit_need(audit, RECORD_VARIABLE_LIST, &entry))
        return;
    (void)record_load(&entry, &list, sizeof(list), NULL);
    if (list.status == EFI_UNSUPPORTED) {
        audit_not_applicable(audit, "variables are not supported after the exit");
        return;
    }
    if (list.status != EFI_NOT_FOUND)
        audit_fail(audit, entry.offset, "it ended with 0x%llx after %llu names",
                   (unsigned long long)list.status, (unsigned long long)list.count);
    if (list.repeated)
        audit_fail(audit, entry.offset, "a name came twice");
    if (list.query_status != 0)
        return;
    if (list.remaining_storage > list.maximum_storage || list.maximum_size > list.maximum_storage)
        audit_fail(audit, entry.offset, "storage %llu, remaining %llu, largest variable %llu",
                   (unsigned long long)list.maximum_storage,
                   (unsigned long long)list.remaining_storage,
                   (unsigned long long)list.maximum_size);
    while (record_next_of(audit->record, RECORD_RUNTIME_VARIABLE, &variable_entry)) {
        (void)record_load(&variable_entry, &variable, sizeof(variable), NULL);
        /* A volatile one may be larger: the limit is that of its own kind. */
        if ((variable.attributes & 1) && variable.data_size > list.maximum_size)
            audit_fail(audit, variable_entry.offset, "a variable of %u bytes", variable.data_size);
    }
}

/* Whether two variables have the same GUID and name. */
static bool same_variable(const struct record_entry *left, const struct record_entry *right)
{
    struct record_variable one, other;
    size_t left_size, right_size;
    const uint8_t *left_name = record_load(left, &one, sizeof(one), &left_size);
    const uint8_t *right_name = record_load(right, &other, sizeof(other), &right_size);

    return one.name_size == other.name_size && one.name_size <= left_size &&
           one.name_size <= right_size && memcmp(one.guid, other.guid, 16) == 0 &&
           memcmp(left_name, right_name, one.name_size) == 0;
}

/* What boot services told of it, if they did. */
static bool hidden_before(struct audit *audit, const struct record_entry *entry)
{
    struct record_entry before = {0};
    struct record_variable variable;

    while (record_next_of(audit->record, RECORD_VARIABLE, &before) && audit_afford(audit, 1)) {
        (void)record_load(&before, &variable, sizeof(variable), NULL);
        if (same_variable(&before, entry))
            return variable.status == 0 && !(variable.attributes & RUNTIME_ACCESS);
    }
    return false;
}

static void boot_only(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_variable variable;

    if (!audit_need(audit, RECORD_VARIABLE_LIST, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_RUNTIME_VARIABLE, &entry)) {
        (void)record_load(&entry, &variable, sizeof(variable), NULL);
        if (variable.status == 0 &&
            (!(variable.attributes & RUNTIME_ACCESS) || hidden_before(audit, &entry)))
            audit_fail(audit, entry.offset, "a variable of %u bytes, attributes 0x%x",
                       variable.data_size, variable.attributes);
    }
}

/* ---- 68: what a call has to leave alone (UEFI 2.11, 2.3.4 and 2.3.4.2) ---- */

static void preserved(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_runtime_call call;

    if (!audit_need(audit, RECORD_RUNTIME_CALL, &entry))
        return;
    entry = (struct record_entry){0};
    while (call_next(audit->record, RECORD_RUNTIME_CALL, &entry, &call)) {
        const char *name = service_name(call.service);
        if (call.flags & RECORD_CALL_FAULTED)
            continue;
        if (call.changed != 0)
            audit_fail(audit, entry.offset, "%s changed registers: mask 0x%x", name, call.changed);
        if (call.flags & RECORD_CALL_DIRECTION)
            audit_fail(audit, entry.offset, "%s left the direction flag set", name);
        if (call.flags & RECORD_CALL_INTERRUPTS)
            audit_fail(audit, entry.offset, "%s changed the interrupt flag", name);
        if ((call.flags & RECORD_CALL_STACK_KNOWN) && call.stack_used > 4096)
            audit_fail(audit, entry.offset, "%s used %u bytes of stack", name, call.stack_used);
    }
}

static const struct audit_check checks[] = {
    {63, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "runtime services stay in their memory",
     "UEFI 2.11, 8.1 and 2.3.4", "no fault, no access outside of ranges with EFI_MEMORY_RUNTIME",
     "Look up image and offset in the map file: a pointer to boot-services memory, or a device "
     "whose window is not in the map as runtime MMIO.",
     services_fault},
    {64, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "the same after SetVirtualAddressMap",
     "UEFI 2.11, 8.4.1", "no fault; a second call gives EFI_UNSUPPORTED",
     "Convert every pointer that a runtime driver keeps in the event "
     "EFI_EVENT_VIRTUAL_ADDRESS_CHANGE.",
     services_fault_virtual},
    {65, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "GetTime", "UEFI 2.11, 8.3.1",
     "a time in range that does not go back, and agrees with the battery clock",
     "Wait for the end of an update of the clock before it is read.", get_time},
    {66, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "enumeration of variables",
     "UEFI 2.11, 8.2.2 and 8.2.4", "it ends with EFI_NOT_FOUND, no name twice, sizes that fit",
     "Check GetNextVariableName after variables were deleted.", enumeration},
    {67, AUDIT_HIGH, AUDIT_HIGH, false, "variables of boot services are hidden", "UEFI 2.11, 8.2.1",
     "only variables with EFI_VARIABLE_RUNTIME_ACCESS",
     "Filter by attribute once boot services have ended.", boot_only},
    {68, AUDIT_HIGH, AUDIT_HIGH, false, "what a runtime call leaves alone",
     "UEFI 2.11, 2.3.4 and 2.3.4.2",
     "preserved registers, direction flag, interrupt flag; at most 4 KiB of stack",
     "Look for assembly without its epilogue, and for large buffers on the stack.", preserved},
};

AUDIT_FAMILY(audit_runtime, "runtime", checks);

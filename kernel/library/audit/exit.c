/* The exit itself: 22 to 26, 32, 33 (UEFI 2.11, 7.4.6). */
#include "library/audit/check.h"
#include "library/bytes.h"
#include "library/crc32.h"
#include "library/string.h"

static bool attempt_next(const struct record *record, struct record_entry *entry,
                         struct record_exit *attempt)
{
    if (!record_next_of(record, RECORD_EXIT_ATTEMPT, entry))
        return false;
    (void)record_load(entry, attempt, sizeof(*attempt), NULL);
    return true;
}

/* Descriptors of one map that are not in the other. */
static size_t map_difference(struct audit *audit, const struct map *map, const struct map *other)
{
    struct descriptor left, right;
    size_t count = 0;

    for (size_t i = 0; i < map->count; i++) {
        map_descriptor(map, i, &left);
        bool found = false;
        for (size_t k = 0; k < other->count && !found; k++) {
            if (!audit_afford(audit, 1))
                return count;
            map_descriptor(other, k, &right);
            found = left.base == right.base && left.pages == right.pages &&
                    left.type == right.type && left.attributes == right.attributes;
        }
        count += !found;
    }
    return count;
}

/* The map of an attempt is the last one before it. */
static void retries(struct audit *audit)
{
    struct record_entry entry;
    struct record_exit attempt;
    struct map before = {0}, now = {0};

    if (!audit_need(audit, RECORD_EXIT_ATTEMPT, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next(audit->record, &entry)) {
        if (entry.kind == RECORD_MAP_EXIT)
            map_load(&entry, &now);
        if (entry.kind != RECORD_EXIT_ATTEMPT)
            continue;
        (void)record_load(&entry, &attempt, sizeof(attempt), NULL);
        if (attempt.attempt > 1)
            audit_fail(audit, entry.offset,
                       "attempt %u; since the one before %zu descriptors went, %zu came",
                       attempt.attempt, map_difference(audit, &before, &now),
                       map_difference(audit, &now, &before));
        before = now;
    }
}

/* The last attempt's; false: there is none. */
static bool last_attempt(struct audit *audit, struct record_entry *entry,
                         struct record_exit *attempt)
{
    if (!audit_need(audit, RECORD_EXIT_ATTEMPT, entry))
        return false;
    (void)record_find_last(audit->record, RECORD_EXIT_ATTEMPT, entry);
    (void)record_load(entry, attempt, sizeof(*attempt), NULL);
    return true;
}

static void never_ends(struct audit *audit)
{
    struct record_entry entry;
    struct record_exit attempt;

    if (!last_attempt(audit, &entry, &attempt))
        return;
    if (attempt.status != 0 || attempt.map_status != 0)
        audit_fail(audit, entry.offset, "the last of %u attempts gave %s", attempt.attempt,
                   status_text(attempt.status).text);
}

static void status_allowed(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_exit attempt;

    if (!audit_need(audit, RECORD_EXIT_ATTEMPT, &entry))
        return;
    entry = (struct record_entry){0};
    while (attempt_next(audit->record, &entry, &attempt)) {
        if (attempt.map_status == 0 && attempt.status != 0 &&
            attempt.status != EFI_INVALID_PARAMETER)
            audit_fail(audit, entry.offset, "%s at attempt %u", status_text(attempt.status).text,
                       attempt.attempt);
    }
}

static void map_fails(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_exit attempt;

    if (!audit_need(audit, RECORD_EXIT_ATTEMPT, &entry))
        return;
    entry = (struct record_entry){0};
    while (attempt_next(audit->record, &entry, &attempt)) {
        if (attempt.map_status != 0)
            audit_fail(audit, entry.offset, "GetMemoryMap gave %s before attempt %u",
                       status_text(attempt.map_status).text, attempt.attempt);
    }
}

/* ---- 26: the system table afterwards (UEFI 2.11, 4.2, 4.3 and 7.4.6) ---- */

struct pointer {
    const char *name;
    size_t offset;
};

static void crc_ask(struct audit *audit, const uint8_t *table, uint32_t size, uint64_t offset)
{
    static const uint8_t zero[4];
    uint32_t crc = crc32(crc32(0, table, 16), zero, 4);

    crc = crc32(crc, table + 20, size - 20);
    if (crc != load32(table + 16))
        audit_fail(audit, offset + 16, "CRC32 0x%08x, the bytes give 0x%08x", load32(table + 16),
                   crc);
}

static void system_table(struct audit *audit)
{
    static const struct pointer pointers[] = {
        {"ConsoleInHandle", 40},     {"ConIn", 48},  {"ConsoleOutHandle", 56}, {"ConOut", 64},
        {"StandardErrorHandle", 72}, {"StdErr", 80}, {"BootServices", 96},
    };
    struct record_entry entry;
    struct record_bytes head;
    size_t size;

    if (!audit_need(audit, RECORD_SYSTEM_TABLE_AFTER, &entry))
        return;
    const uint8_t *table = record_load(&entry, &head, sizeof(head), &size);
    uint64_t offset = entry.offset + sizeof(head);
    if (size < 120) {
        audit_not_known(audit, "the system table was recorded in part");
        return;
    }
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
        uint64_t value = load64(table + pointers[i].offset);
        if (value != 0)
            audit_fail(audit, offset + pointers[i].offset, "%s is 0x%llx", pointers[i].name,
                       (unsigned long long)value);
    }
    uint32_t header_size = load32(table + 12);
    if (header_size < 24 || header_size > size)
        audit_fail(audit, offset + 12, "HeaderSize %u", header_size);
    else
        crc_ask(audit, table, header_size, offset);
}

/* ---- 32, 33 ---- */

enum {
    SET_WATCHDOG_TIMER = RECORD_SERVICE(RECORD_BOOT, 0x100),
    WATCHDOG_SECONDS = 300, /* UEFI 2.11, 7.5.1 and 3.1.2: what the boot manager sets */
};

/* Seconds that the watchdog was last set to; 0: off. */
static uint64_t watchdog_seconds(const struct record *record)
{
    struct record_entry entry = {0};
    struct record_call call;
    uint64_t seconds = WATCHDOG_SECONDS;

    while (record_next_of(record, RECORD_CALL, &entry)) {
        (void)record_load(&entry, &call, sizeof(call), NULL);
        if (call.service == SET_WATCHDOG_TIMER && call.status == 0)
            seconds = call.arguments[0];
    }
    return seconds;
}

static bool exited(const struct record *record)
{
    struct record_entry entry = {0};
    struct record_exit attempt;

    while (attempt_next(record, &entry, &attempt)) {
        if (attempt.status == 0 && attempt.map_status == 0)
            return true;
    }
    return false;
}

static void watchdog(struct audit *audit)
{
    uint64_t seconds = watchdog_seconds(audit->record);
    struct record_observation seen = {0};
    struct record_still_running running;
    struct record_entry entry;

    if (!exited(audit->record)) {
        audit_not_known(audit, "the record ends before the exit");
        return;
    }
    if (record_find(audit->record, RECORD_OBSERVATION, &entry))
        (void)record_load(&entry, &seen, sizeof(seen), NULL);
    if (seen.what == RECORD_SAW_RESET) {
        audit_fail(audit, entry.offset,
                   "the machine reset itself %llu s after its start; the "
                   "watchdog was set to %llu s",
                   (unsigned long long)seen.nanoseconds / 1000000000, (unsigned long long)seconds);
        return;
    }
    if (!record_find_last(audit->record, RECORD_STILL_RUNNING, &entry)) {
        audit_not_known(audit, "the record does not tell how long the machine ran");
        return;
    }
    (void)record_load(&entry, &running, sizeof(running), NULL);
    if (seconds != 0 && running.nanoseconds / 1000000000 <= seconds)
        audit_not_known(audit, "it ran for %llu s, and the watchdog was set to %llu s",
                        (unsigned long long)running.nanoseconds / 1000000000,
                        (unsigned long long)seconds);
}

static void exit_time(struct audit *audit)
{
    struct record_entry entry, clock_entry;
    struct record_exit attempt;
    struct record_clock clock;

    if (!last_attempt(audit, &entry, &attempt) || !audit_need(audit, RECORD_CLOCK, &clock_entry))
        return;
    (void)record_load(&clock_entry, &clock, sizeof(clock), NULL);
    if (clock.tsc_hz < 1000 || attempt.after < attempt.before) {
        audit_not_known(audit, "the TSC's rate or the exit's times make no sense");
        return;
    }
    uint64_t milliseconds = (attempt.after - attempt.before) / (clock.tsc_hz / 1000);
    if (milliseconds > 1000)
        audit_fail(audit, entry.offset, "ExitBootServices took %llu ms",
                   (unsigned long long)milliseconds);
}

static const struct audit_check checks[] = {
    {22, AUDIT_HIGH, AUDIT_HIGH, false, "attempts at the exit", "UEFI 2.11, 7.4.6",
     "the first ExitBootServices takes the key",
     "Look for an event or timer that allocates between GetMemoryMap and ExitBootServices; the "
     "two maps' difference says what.",
     retries},
    {23, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "the exit ends", "UEFI 2.11, 7.4.6",
     "ExitBootServices succeeds in the end",
     "Look for a handler of ExitBootServices events that allocates each time.", never_ends},
    {24, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "status of the exit", "UEFI 2.11, 7.4.6",
     "EFI_SUCCESS or EFI_INVALID_PARAMETER", "Return no other status.", status_allowed},
    {25, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "GetMemoryMap between attempts", "UEFI 2.11, 7.4.6",
     "EFI_SUCCESS with a buffer that is large enough",
     "After a refused exit GetMemoryMap has to go on working.", map_fails},
    {26, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "system table after the exit",
     "UEFI 2.11, 7.4.6, 4.2 and 4.3", "console and boot-services fields NULL, CRC32 right",
     "Clear the seven fields in ExitBootServices and compute the CRC again.", system_table},
    {32, AUDIT_HIGH, AUDIT_HIGH, false, "the watchdog is quiet after the exit", "UEFI 2.11, 7.5.1",
     "no reset: the watchdog is for boot services only",
     "Stop the watchdog timer in ExitBootServices.", watchdog},
    {33, AUDIT_LOW, AUDIT_LOW, false, "time of the exit",
     "no specification; 1 s is this audit's limit", "at most 1,000 ms",
     "Time each handler of ExitBootServices events.", exit_time},
};

AUDIT_FAMILY(audit_exit, "exit", checks);

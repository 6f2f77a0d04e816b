/* Runs the checks, in the order of their numbers, and counts what came out. */
#include "library/audit/audit.h"

#include "library/audit/check.h"
#include "library/format.h"
#include "library/string.h"

static const struct audit_family *const families[] = {
    &audit_map,        &audit_map_use, &audit_exit,   &audit_machine_state, &audit_processor,
    &audit_protection, &audit_tables,  &audit_acpi,   &audit_smbios,        &audit_attributes,
    &audit_runtime,    &audit_trust,   &audit_loader,
};

static void judge(struct audit *audit, const struct audit_check *check, const char *family,
                  struct audit_finding *finding)
{
    bool emp = audit->profile == AUDIT_EMP;

    memset(finding, 0, sizeof(*finding));
    finding->check = check;
    finding->family = family;
    finding->severity = emp ? check->severity_emp : check->severity;
    finding->result = AUDIT_PASS;
    audit->finding = finding;
    audit->steps = 0;
    if (check->beyond_minimal && audit->profile == AUDIT_MINIMAL)
        audit_not_applicable(audit, "the profile does not ask for it");
    else
        check->run(audit);
}

void audit_run(const struct record *record, const struct record *baseline,
               enum audit_profile profile, struct audit_finding findings[AUDIT_CHECKS])
{
    struct audit audit = {.record = record, .baseline = baseline, .profile = profile};

    audit.physical_bits = physical_bits(record);

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        for (size_t k = 0; k < families[i]->count; k++) {
            const struct audit_check *check = &families[i]->checks[k];
            judge(&audit, check, families[i]->name, &findings[check->number - 1]);
        }
    }
}

size_t audit_count(const struct audit_finding findings[AUDIT_CHECKS], enum audit_severity at_least)
{
    size_t count = 0;

    for (size_t i = 0; i < AUDIT_CHECKS; i++)
        count += findings[i].result == AUDIT_FAIL && findings[i].severity >= at_least;
    return count;
}

const char *audit_severity_name(enum audit_severity severity)
{
    static const char *const names[AUDIT_SEVERITIES] = {"L", "M", "H", "C"};

    return names[severity];
}

const char *audit_severity_word(enum audit_severity severity)
{
    static const char *const words[AUDIT_SEVERITIES] = {"low", "medium", "high", "critical"};

    return words[severity];
}

const char *audit_result_name(enum audit_result result)
{
    static const char *const names[AUDIT_RESULTS] = {"pass", "fail", "not applicable", "not known"};

    return names[result];
}

const char *audit_profile_name(enum audit_profile profile)
{
    static const char *const names[AUDIT_PROFILES] = {"minimal", "uefi", "emp"};

    return names[profile];
}

/* ---- answers ---- */

static void fail_list(struct audit *audit, uint64_t offset, const char *format, va_list arguments)
{
    struct audit_finding *finding = audit->finding;

    finding->result = AUDIT_FAIL;
    if (finding->count++ >= AUDIT_PLACES)
        return;
    struct audit_place *place = &finding->places[finding->count - 1];
    /* A field that an older version's shorter entry does not have lies nowhere. */
    place->offset = offset < audit->record->header.size ? offset : AUDIT_NO_OFFSET;
    format_string_list(place->found, sizeof(place->found), format, arguments);
    printable(place->found);
}

void audit_fail(struct audit *audit, uint64_t offset, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fail_list(audit, offset, format, arguments);
    va_end(arguments);
}

void audit_fail_at(struct audit *audit, uint64_t offset, uint64_t address, const char *format, ...)
{
    struct audit_finding *finding = audit->finding;
    va_list arguments;

    va_start(arguments, format);
    fail_list(audit, offset, format, arguments);
    va_end(arguments);
    if (finding->count <= AUDIT_PLACES) {
        struct audit_place *place = &finding->places[finding->count - 1];
        (void)image_find(audit->record, address, place->image, sizeof(place->image));
    }
}

static void answer(struct audit *audit, enum audit_result result, const char *format,
                   va_list arguments)
{
    struct audit_finding *finding = audit->finding;

    if (finding->result == AUDIT_FAIL)
        return;
    finding->result = result;
    format_string_list(finding->why, sizeof(finding->why), format, arguments);
}

void audit_not_known(struct audit *audit, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    answer(audit, AUDIT_NOT_KNOWN, format, arguments);
    va_end(arguments);
}

void audit_not_applicable(struct audit *audit, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    answer(audit, AUDIT_NOT_APPLICABLE, format, arguments);
    va_end(arguments);
}

bool audit_afford(struct audit *audit, uint64_t steps)
{
    audit->steps += steps;
    if (audit->steps <= AUDIT_STEPS)
        return true;
    audit_not_known(audit, "the record has too much of it to compare all");
    return false;
}

bool audit_need(struct audit *audit, uint16_t kind, struct record_entry *entry)
{
    const char *name = record_kind_name(kind);

    if (record_find(audit->record, kind, entry))
        return true;
    audit_not_known(audit, "the record has no %s%s", name != NULL ? name : "such entry",
                    audit->record->header.lost_entries > 0 ? "; it was full" : "");
    return false;
}

/* Runs the checks, in the order of their numbers, and counts what came out. */
#include "library/audit/audit.h"

#include "library/audit/check.h"
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

bool audit_profile_find(const char *name, enum audit_profile *profile)
{
    for (int i = 0; i < AUDIT_PROFILES; i++) {
        if (strcmp(name, audit_profile_name((enum audit_profile)i)) == 0) {
            *profile = (enum audit_profile)i;
            return true;
        }
    }
    return false;
}

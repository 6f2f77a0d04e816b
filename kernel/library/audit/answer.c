/* How checks answer: pass, fail with a place, not applicable, not known. */
#include "library/audit/check.h"
#include "library/format.h"
#include "library/string.h"

void printable(char *text)
{
    for (; *text != '\0'; text++)
        *text = *text >= ' ' && *text < 0x7f ? *text : '?';
}

void audit_fail_list(struct audit *audit, uint64_t offset, const char *format, va_list arguments)
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
    audit_fail_list(audit, offset, format, arguments);
    va_end(arguments);
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

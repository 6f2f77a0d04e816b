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

void audit_fail_in(struct audit *audit, uint64_t offset, const char *image, const char *format, ...)
{
    struct audit_finding *finding = audit->finding;
    va_list arguments;

    va_start(arguments, format);
    audit_fail_list(audit, offset, format, arguments);
    va_end(arguments);
    if (finding->count <= AUDIT_PLACES) {
        struct audit_place *place = &finding->places[finding->count - 1];
        format_string(place->image, sizeof(place->image), "%s", image);
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

/* ---- words for what is found ---- */

struct words status_text(uint64_t status)
{
    const char *name = record_status_name(status);
    struct words words;

    if (name != NULL)
        format_string(words.text, sizeof(words.text), "%s", name);
    else
        format_string(words.text, sizeof(words.text), "0x%llx", (unsigned long long)status);
    return words;
}

/* In the largest unit of which there is one, with a digit behind the point where that is not 0. */
struct words pages_text(uint64_t pages)
{
    static const char units[][4] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB"};
    unsigned unit = 0, shift = 0;
    struct words words;

    for (; unit + 1 < sizeof(units) / sizeof(units[0]) && pages >> (8 + 10 * unit) != 0; unit++)
        shift = 8 + 10 * unit;
    unsigned long long whole = unit == 0 ? pages * 4 : pages >> shift;
    unsigned tenths = unit == 0 ? 0 : (unsigned)(pages >> (shift - 4) & 15) * 10 / 16;
    if (tenths != 0)
        format_string(words.text, sizeof(words.text), "%llu.%u %s", whole, tenths, units[unit]);
    else
        format_string(words.text, sizeof(words.text), "%llu %s", whole, units[unit]);
    return words;
}

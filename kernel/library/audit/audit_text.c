/* Findings as lines for a person: what fails, the worst first, and then what is not known. */
#include "library/audit/audit.h"
#include "library/format.h"
#include "library/string.h"

struct lines {
    audit_line_function *emit;
    void *context;
};

static void line(struct lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void line(struct lines *lines, const char *format, ...)
{
    char text[AUDIT_LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    format_string_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    lines->emit(lines->context, text);
}

static void failed(struct lines *lines, const struct audit_finding *finding)
{
    const struct audit_check *check = finding->check;
    uint32_t kept = finding->count < AUDIT_PLACES ? finding->count : AUDIT_PLACES;

    line(lines, "%s %02u %s", audit_severity_name(finding->severity), check->number, check->title);
    for (uint32_t i = 0; i < kept; i++)
        line(lines, "     %s%s%s", finding->places[i].found,
             finding->places[i].image[0] != '\0' ? "  in " : "", finding->places[i].image);
    if (finding->count > kept)
        line(lines, "     and %u more", finding->count - kept);
    line(lines, "     expected: %s (%s)", check->expected, check->section);
    line(lines, "     do: %s", check->advice);
}

static size_t count_results(const struct audit_finding findings[AUDIT_CHECKS],
                            enum audit_result result)
{
    size_t count = 0;

    for (size_t i = 0; i < AUDIT_CHECKS; i++)
        count += findings[i].result == result;
    return count;
}

void audit_write_text(const struct audit_finding findings[AUDIT_CHECKS], audit_line_function *emit,
                      void *context)
{
    struct lines lines = {emit, context};

    for (int severity = AUDIT_CRITICAL; severity >= AUDIT_LOW; severity--) {
        for (size_t i = 0; i < AUDIT_CHECKS; i++) {
            if (findings[i].result == AUDIT_FAIL && (int)findings[i].severity == severity)
                failed(&lines, &findings[i]);
        }
    }
    for (size_t i = 0; i < AUDIT_CHECKS; i++) {
        if (findings[i].result == AUDIT_NOT_KNOWN)
            line(&lines, "? %02u %s: %s", findings[i].check->number, findings[i].check->title,
                 findings[i].why);
    }
    line(&lines, "%zu fail, %zu pass, %zu not applicable, %zu not known",
         count_results(findings, AUDIT_FAIL), count_results(findings, AUDIT_PASS),
         count_results(findings, AUDIT_NOT_APPLICABLE), count_results(findings, AUDIT_NOT_KNOWN));
}

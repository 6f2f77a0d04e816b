/* What fails as a QR code, for a machine out of which nothing else comes but its picture. */
#include "library/audit/audit.h"
#include "library/format.h"
#include "library/qr_code.h"
#include "library/string.h"

/* "Baton handoff b985cc61: C64 H30", the worst first; what finds no room is a +. */
size_t audit_code_text(const struct audit_finding findings[AUDIT_CHECKS], const uint8_t boot[16],
                       char text[AUDIT_CODE_SIZE])
{
    const size_t room = AUDIT_CODE_SIZE - sizeof(" +");
    size_t length =
        (size_t)format_string(text, AUDIT_CODE_SIZE, "Baton handoff %02x%02x%02x%02x:", boot[0],
                              boot[1], boot[2], boot[3]);

    if (audit_count(findings, AUDIT_LOW) == 0)
        return length + (size_t)format_string(text + length, AUDIT_CODE_SIZE - length, " 0");
    for (int severity = AUDIT_CRITICAL; severity >= AUDIT_LOW; severity--) {
        for (size_t i = 0; i < AUDIT_CHECKS; i++) {
            const struct audit_finding *finding = &findings[i];
            if (finding->result != AUDIT_FAIL || (int)finding->severity != severity)
                continue;
            if (length + sizeof("C64") > room)
                return length + (size_t)format_string(text + length, sizeof(" +"), " +");
            length += (size_t)format_string(text + length, AUDIT_CODE_SIZE - length, " %s%02u",
                                            audit_severity_name(finding->severity),
                                            finding->check->number);
        }
    }
    return length;
}

/* Two rows of modules as one line of characters. A console writes light on dark, and so what is
 * light is drawn: U+2588, its upper half U+2580, its lower half U+2584. */
static void draw_line(const struct qr_code *code, int row, char line[AUDIT_LINE_SIZE])
{
    static const char *const blocks[] = {" ", "\xe2\x96\x84", "\xe2\x96\x80", "\xe2\x96\x88"};
    size_t length = 0;

    for (int column = -QR_QUIET; column < QR_SIZE + QR_QUIET; column++) {
        unsigned light =
            2U * !qr_code_dark(code, column, row) + !qr_code_dark(code, column, row + 1);
        length +=
            (size_t)format_string(line + length, AUDIT_LINE_SIZE - length, "%s", blocks[light]);
    }
}

void audit_write_code(const struct audit_finding findings[AUDIT_CHECKS], const uint8_t boot[16],
                      audit_line_function *emit, void *context)
{
    char text[AUDIT_CODE_SIZE], line[AUDIT_LINE_SIZE];
    struct qr_code code;

    if (!qr_code_make(&code, text, audit_code_text(findings, boot, text)))
        return;
    for (int row = -QR_QUIET; row < QR_SIZE + QR_QUIET; row += 2) {
        draw_line(&code, row, line);
        emit(context, line);
    }
    emit(context, text);
}

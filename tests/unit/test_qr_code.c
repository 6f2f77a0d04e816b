/* test_qr_code.c: QR codes. That a reader reads them is tested with zbarimg
 * (tests/handoff/code.py). */
#include "library/qr_code.h"

#include <stdio.h>
#include <string.h>

#include "library/audit/audit.h"
#include "library/crc32.h"
#include "test.h"

static void expect_finder(const struct qr_code *code, int left, int top)
{
    static const char *const rows[] = {"#######", "#     #", "# ### #", "# ### #",
                                       "# ### #", "#     #", "#######"};

    for (int row = 0; row < 7; row++)
        for (int column = 0; column < 7; column++)
            expect_equal(qr_code_dark(code, left + column, top + row), rows[row][column] == '#');
}

static void patterns(void)
{
    struct qr_code code;

    test_case("patterns are where a reader looks for them");
    expect(qr_code_make(&code, "patterns", 8));
    expect_finder(&code, 0, 0);
    expect_finder(&code, QR_SIZE - 7, 0);
    expect_finder(&code, 0, QR_SIZE - 7);
    for (int i = 8; i < QR_SIZE - 8; i++) {
        expect_equal(qr_code_dark(&code, i, 6), i % 2 == 0);
        expect_equal(qr_code_dark(&code, 6, i), i % 2 == 0);
    }
    expect(qr_code_dark(&code, 30, 30) && !qr_code_dark(&code, 29, 30));
    expect(qr_code_dark(&code, 28, 28) && qr_code_dark(&code, 8, QR_SIZE - 8));
    test_case("outside of it all is light");
    expect(!qr_code_dark(&code, -1, 0) && !qr_code_dark(&code, 0, -1));
    expect(!qr_code_dark(&code, QR_SIZE, 0) && !qr_code_dark(&code, 0, QR_SIZE));
}

static void lengths(void)
{
    char text[QR_TEXT_MAXIMUM + 1];
    struct qr_code code, other;

    test_case("texts of every length, and none that is longer");
    memset(text, 'x', sizeof(text));
    for (size_t length = 0; length <= QR_TEXT_MAXIMUM; length++) {
        expect(qr_code_make(&code, text, length));
        if (length > 0) {
            expect(qr_code_make(&other, text, length - 1));
            expect(memcmp(&code, &other, sizeof(code)) != 0);
        }
    }
    expect(!qr_code_make(&code, text, sizeof(text)));
}

/* As zbarimg read them when this was written. */
static void known(void)
{
    static const char text[] = "Baton handoff 01234567: C64 H30";
    struct qr_code code;

    test_case("a code that was read is still made like that");
    expect(qr_code_make(&code, text, strlen(text)));
    expect_equal(crc32(0, (const uint8_t *)code.rows, sizeof(code.rows)), 0xd3ccd6a6);
}

/* ---- what of an audit is shown ---- */

static struct audit_check checks[AUDIT_CHECKS];
static struct audit_finding findings[AUDIT_CHECKS];
static const uint8_t boot[16] = {0xb9, 0x85, 0xcc, 0x61};
static unsigned lines;
static char last[AUDIT_LINE_SIZE];

static void take_line(void *context, const char *line)
{
    (void)context;
    lines++;
    snprintf(last, sizeof(last), "%s", line);
}

static const char *audit_text(size_t failing)
{
    static char text[AUDIT_CODE_SIZE];

    for (size_t i = 0; i < AUDIT_CHECKS; i++) {
        checks[i] = (struct audit_check){.number = (uint8_t)(i + 1)};
        findings[i] = (struct audit_finding){
            .check = &checks[i],
            .severity = i % 2 ? AUDIT_CRITICAL : AUDIT_LOW,
            .result = i < failing ? AUDIT_FAIL : AUDIT_PASS,
        };
    }
    expect_equal(audit_code_text(findings, boot, text), strlen(text));
    return text;
}

static void audits(void)
{
    test_case("nothing fails");
    expect_string(audit_text(0), "Baton handoff b985cc61: 0");
    test_case("the worst first");
    expect_string(audit_text(3), "Baton handoff b985cc61: C02 L01 L03");
    test_case("more than there is room for");
    const char *text = audit_text(AUDIT_CHECKS);
    expect(strlen(text) < AUDIT_CODE_SIZE && strcmp(text + strlen(text) - 2, " +") == 0);
    test_case("as lines, with the text below");
    audit_text(3);
    audit_write_code(findings, boot, take_line, NULL);
    expect_equal(lines, (QR_SIZE + 2 * QR_QUIET + 1) / 2 + 1);
    expect_string(last, "Baton handoff b985cc61: C02 L01 L03");
}

int main(void)
{
    patterns();
    lengths();
    known();
    audits();
    return test_end();
}

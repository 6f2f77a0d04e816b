/* test_qr_code.c: QR codes. That a reader reads them is tested with zbarimg
 * (tests/handoff/code.py). */
#include "library/qr_code.h"

#include <string.h>

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

int main(void)
{
    patterns();
    lengths();
    known();
    return test_end();
}

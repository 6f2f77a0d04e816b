/* The terminal's screen: what bytes make of its cells. */
#include "library/screen/screen.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 10
#define ROWS    4

static struct screen screen;
static struct screen_cell *cells;

static void begin(const char *name)
{
    test_case("%s", name);
    free(cells);
    /* Exactly as large as the grid, so that AddressSanitizer sees a write beyond it. */
    cells = malloc(COLUMNS * ROWS * sizeof(*cells));
    screen_initialize(&screen, cells, COLUMNS, ROWS);
}

static void put(const char *text)
{
    screen_write(&screen, text, strlen(text));
}

/* The rows with '|' between them; '?' for what is not ASCII; no blanks at the ends. */
static const char *shown(void)
{
    static char text[2 * COLUMNS * ROWS];
    size_t length = 0;

    for (unsigned row = 0; row < ROWS; row++) {
        size_t end = length;

        for (unsigned column = 0; column < COLUMNS; column++) {
            uint16_t code = screen_row(&screen, row)[column].code;

            text[length++] = code < 128 ? (char)code : '?';
            if (code != ' ')
                end = length;
        }
        length = end;
        text[length++] = row + 1 < ROWS ? '|' : '\0';
    }
    return text;
}

static const char *reply(void)
{
    static char text[SCREEN_REPLY_SIZE + 1];

    text[screen_take_reply(&screen, text)] = '\0';
    return text;
}

static struct screen_cell cell(unsigned row, unsigned column)
{
    return screen_row(&screen, row)[column];
}

static void test_text(void)
{
    begin("text and newlines");
    put("ab\r\ncd\nef");
    expect_string(shown(), "ab|cd|  ef|");
    expect_equal(screen.row, 2);
    expect_equal(screen.column, 4);

    begin("the last line scrolls");
    put("1\r\n2\r\n3\r\n4\r\n5");
    expect_string(shown(), "2|3|4|5");

    begin("a full line wraps with the next character only");
    put("0123456789");
    expect_equal(screen.row, 0);
    put("A");
    expect_string(shown(), "0123456789|A||");

    begin("without autowrap the last column is overwritten");
    put("\033[?7l0123456789AB");
    expect_string(shown(), "012345678B|||");

    begin("backspace, tab, bell, delete");
    put("ab\bc\tX\a\177Y");
    expect_string(shown(), "ac      XY|||");
    put("\b\b\b\b\b\b\b\b\b\b\b\b\b\tZ\t\t!");
    expect_string(shown(), "ac      Z!|||");

    begin("vertical tab and form feed are line feeds");
    put("a\vb\fc");
    expect_string(shown(), "a| b|  c|");

    begin("newline mode");
    put("\033[20ha\nb\033[20l\nc");
    expect_string(shown(), "a|b| c|");
}

static void test_utf8(void)
{
    begin("two, three and four bytes");
    put("\xc3\xa4\xe2\x94\x80\xf0\x9f\x98\x80");
    expect_equal(cell(0, 0).code, 0xe4);
    expect_equal(cell(0, 1).code, 0x2500);
    expect_equal(cell(0, 2).code, 0xfffd);
    expect_equal(screen.column, 3);

    begin("bytes that are not UTF-8");
    put("\xff\xc3(\x80\xc0\xe0\x80\x80\xed\xa0\x80!");
    expect_equal(cell(0, 0).code, 0xfffd);
    expect_equal(cell(0, 1).code, 0xfffd);
    expect_equal(cell(0, 2).code, '(');

    begin("a character that is cut off by a control");
    put("\xe2\x94\r\nx");
    expect_string(shown(), "?|x||");

    begin("marks that combine take no cell");
    put("e\xcc\x81x");
    expect_string(shown(), "ex|||");
}

static void test_cursor(void)
{
    begin("absolute places are clamped");
    put("\033[2;3Ha\033[99;99Hb\033[0;0Hc\033[Hd\033[4d\033[5Ge\033[f!");
    expect_equal(cell(1, 2).code, 'a');
    expect_equal(cell(3, 9).code, 'b');
    expect_equal(cell(3, 4).code, 'e');
    expect_equal(cell(0, 0).code, '!');

    begin("relative moves");
    put("\033[2B\033[3Ca\033[A\033[2Db\033[9A\033[9D\033[c");
    expect_equal(cell(2, 3).code, 'a');
    expect_equal(cell(1, 2).code, 'b');
    expect_equal(screen.row, 0);
    expect_equal(screen.column, 0);
    put("\033[2E@\033[F#\033[3`$\033[a%\033[e&");
    expect_equal(cell(2, 0).code, '@');
    expect_equal(cell(1, 2).code, '$');
    expect_equal(cell(1, 4).code, '%');
    expect_equal(cell(2, 5).code, '&');

    begin("save and restore");
    put("\033[2;2H\033[31m\0337\033[H\033[0m\0338x\033[s\033[H\033[uy");
    expect_equal(cell(1, 1).code, 'x');
    expect_equal(cell(1, 1).foreground, 1);
    expect_equal(cell(1, 2).code, 'y');

    begin("index, next line, reverse index");
    put("a\033Db\033Ec\033M\033M\033Md");
    expect_string(shown(), " d|a| b|c");

    begin("tab stops");
    put("\033[3g\t|\r\033[5G\033H\r\t+\033[2G\033[Z-\033[5G\033[g\r\t*\033[I\033[9Z");
    expect_equal(cell(0, 4).code, '+');
    expect_equal(cell(0, 0).code, '-');
    expect_equal(cell(0, 9).code, '*');
    expect_equal(screen.column, 0);

    begin("visible cursor and cursor keys");
    put("\033[?25l\033[?1h");
    expect(!screen.cursor_visible && screen.application_cursor);
    put("\033[?25;1h\033[?1l");
    expect(screen.cursor_visible && !screen.application_cursor);
}

static void fill(void)
{
    put("\033[Haaaaaaaaaa\r\nbbbbbbbbbb\r\ncccccccccc\r\ndddddddddd");
}

static void test_erase(void)
{
    begin("parts of a line");
    fill();
    put("\033[1;4H\033[K\033[2;4H\033[1K\033[3;4H\033[2K\033[4;4H\033[3X");
    expect_string(shown(), "aaa|    bbbbbb||ddd   dddd");

    begin("parts of the screen");
    fill();
    put("\033[3;4H\033[J");
    expect_string(shown(), "aaaaaaaaaa|bbbbbbbbbb|ccc|");
    fill();
    put("\033[2;4H\033[1J");
    expect_string(shown(), "|    bbbbbb|cccccccccc|dddddddddd");
    put("\033[2J");
    expect_string(shown(), "|||");

    begin("erased cells keep the background");
    put("\033[44m\033[K");
    expect_equal(cell(0, 5).background, 4);

    begin("insert and delete characters");
    put("abcdef\033[3G\033[2@\033[5;5H\033[1;1H\033[P");
    expect_string(shown(), "b  cdef|||");
    put("\033[99@\033[99P");
    expect_string(shown(), "|||");

    begin("insert mode");
    put("abc\r\033[4hX\033[4lY");
    expect_string(shown(), "XYbc|||");

    begin("insert and delete lines");
    fill();
    put("\033[2;1H\033[L");
    expect_string(shown(), "aaaaaaaaaa||bbbbbbbbbb|cccccccccc");
    put("\033[2M");
    expect_string(shown(), "aaaaaaaaaa|cccccccccc||");
    put("\033[99L\033[99M");
    expect_string(shown(), "aaaaaaaaaa|||");
}

static void test_regions(void)
{
    begin("a region scrolls alone");
    fill();
    put("\033[2;3r\033[3;1H\nx");
    expect_string(shown(), "aaaaaaaaaa|cccccccccc|x|dddddddddd");
    put("\033[2;1H\033My");
    expect_string(shown(), "aaaaaaaaaa|y|cccccccccc|dddddddddd");
    put("\033[S\033[S\033[T");
    expect_string(shown(), "aaaaaaaaaa|||dddddddddd");

    begin("below the region nothing scrolls");
    fill();
    put("\033[1;2r\033[4;1H\n\nz\033[4;1H\033[L\033[M");
    expect_string(shown(), "aaaaaaaaaa|bbbbbbbbbb|cccccccccc|zddddddddd");

    begin("moves stop at the region's edges");
    put("\033[2;3r\033[2;1H\033[9Aa\033[9Bb");
    expect_equal(cell(1, 0).code, 'a');
    expect_equal(cell(2, 1).code, 'b');

    begin("places relative to the region");
    put("\033[2;3r\033[?6hx\033[9;1Hy\033[6n");
    expect_equal(cell(1, 0).code, 'x');
    expect_equal(cell(2, 0).code, 'y');
    expect_string(reply(), "\033[2;2R");

    begin("regions that are none");
    fill();
    put("\033[3;2r\033[9;9r\033[4;1H\n");
    expect_string(shown(), "bbbbbbbbbb|cccccccccc|dddddddddd|");
}

static void test_colours(void)
{
    static const struct {
        const char *sequence;
        uint8_t foreground, background;
    } cases[] = {
        {"", 7, 0},
        {"\033[31m", 1, 0},
        {"\033[1;31;44m", 9, 4},
        {"\033[1;22;31m", 1, 0},
        {"\033[95;106m", 13, 14},
        {"\033[7m", 0, 7},
        {"\033[7;27m", 7, 0},
        {"\033[31;39;41;49m", 7, 0},
        {"\033[31m\033[m", 7, 0},
        {"\033[2m", 8, 0},
        {"\033[4m", 14, 0},
        {"\033[21;24m", 7, 0},
        {"\033[5;25;6m", 7, 0},
        {"\033[8m", 0, 0},
        {"\033[8;28m", 7, 0},
        {"\033[38;5;3m", 3, 0},
        {"\033[38;5;231m", 15, 0},
        {"\033[38;5;196m", 1, 0},
        {"\033[48;5;232m", 7, 0},
        {"\033[48;2;255;255;255m", 7, 15},
        {"\033[38:5:2m", 2, 0},
        {"\033[38;5m", 7, 0},
        {"\033[38m", 7, 0},
        {"\033[38;5;999;1m", 15, 0},
        {"\033[999m", 7, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[64];

        snprintf(name, sizeof(name), "colours %zu: %s", i,
                 cases[i].sequence[0] ? cases[i].sequence + 1 : "none");
        begin(name);
        put(cases[i].sequence);
        put("x");
        expect_equal(cell(0, 0).foreground, cases[i].foreground);
        expect_equal(cell(0, 0).background, cases[i].background);
    }
}

static void test_replies(void)
{
    begin("what it answers");
    put("ab\033[6n");
    expect_string(reply(), "\033[1;3R");
    put("\033[5n");
    expect_string(reply(), "\033[0n");
    put("\033[c\033Z\033[1c\033[>c");
    expect_string(reply(), "\033[?6c\033[?6c");
    for (unsigned i = 0; i < 100; i++)
        put("\033[5n");
    expect(strlen(reply()) <= SCREEN_REPLY_SIZE);
    expect_string(reply(), "");
}

static void test_oddities(void)
{
    begin("strings are swallowed");
    put("a\033]0;title\ab\033Pdata\033\\c\033_x\033\033\\d\033^x\030e");
    expect_string(shown(), "abcde|||");

    begin("unknown and broken sequences show nothing");
    put("a\033[1 qb\033[?999hc\033[99;99yd\033%Ge\033>f\033[1;\030g\033[\x80h\033[<1;2Mi");
    expect_string(shown(), "abcdefghi|||");

    begin("an escape in a sequence begins a new one");
    put("\033[1\033[2Cx");
    expect_string(shown(), "  x|||");

    begin("controls inside a sequence act at once");
    put("ab\033[\r2Cx");
    expect_string(shown(), "abx|||");

    begin("too many parameters, too large numbers");
    put("\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18ma\033[99999999999999Bb");
    expect_equal(cell(0, 0).code, 'a');
    expect_equal(cell(3, 1).code, 'b');

    begin("line drawing");
    put("\033(0lqk\033(Bq\016x\017x");
    expect_equal(cell(0, 0).code, 0x250c);
    expect_equal(cell(0, 1).code, 0x2500);
    expect_equal(cell(0, 2).code, 0x2510);
    expect_equal(cell(0, 3).code, 'q');
    expect_equal(cell(0, 4).code, 0x2502);
    expect_equal(cell(0, 5).code, 'x');

    begin("repeat, fill, reset");
    put("\033[5bab\033[3b");
    expect_string(shown(), "abbbb|||");
    put("\033[9999b");
    put("\033#8");
    expect_equal(cell(3, 9).code, 'E');
    put("\033#3\033[31mx\033c");
    expect_string(shown(), "|||");
    expect_equal(screen.style.foreground, 7);

    begin("changed rows are told");
    screen.changed_top = screen.changed_end = 0;
    put("\033[3;1Hx");
    expect_equal(screen.changed_top, 2);
    expect_equal(screen.changed_end, 3);
    put("\033[1;1Hx");
    expect_equal(screen.changed_top, 0);
    expect_equal(screen.changed_end, 3);
}

static void test_tiny(void)
{
    struct screen_cell *one = malloc(sizeof(*one));
    static const char text[] = "ab\r\n\t\033[L\033[M\033[@\033[P\033[2;9r\033[S\033M\033[Jx";

    test_case("a screen of one cell");
    screen_initialize(&screen, one, 1, 1);
    screen_write(&screen, text, sizeof(text) - 1);
    expect_equal(one->code, 'x');
    free(one);
}

int main(void)
{
    test_text();
    test_utf8();
    test_cursor();
    test_erase();
    test_regions();
    test_colours();
    test_replies();
    test_oddities();
    test_tiny();
    free(cells);
    return test_end();
}

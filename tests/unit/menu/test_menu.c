/* What keys do to the menu, and how it looks. */
#include "library/menu/menu.h"

#include "../test.h"
#include "library/menu/loader_settings.h"

#include <stdio.h>
#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

static const struct menu_item three[] = {
    {"Baton", false, true},
    {"Debian GNU/Linux 12 (bookworm)", false, true},
    {"UEFI firmware settings", false, false},
};
static const char *const facts[] = {"Firmware   EDK II", "Memory     512 MiB"};

static struct menu menu;
static struct screen_cell cells[SCREEN_COLUMNS_MAXIMUM * SCREEN_ROWS_MAXIMUM];

static void begin(uint32_t timeout)
{
    menu_begin(&menu, three, array_length(three), 0, timeout);
    menu.heading = "Baton 1.0";
    menu.editor = true;
    menu.facts = facts;
    menu.fact_count = array_length(facts);
    menu_resize(&menu, 80, 25);
}

/* A row of the picture, as far as it is ASCII, without the blanks at its end. */
static const char *row_text(uint16_t row)
{
    static char text[SCREEN_COLUMNS_MAXIMUM + 1];
    size_t end = 0;

    menu_draw(&menu, cells);
    for (uint16_t column = 0; column < menu.columns; column++) {
        uint16_t code = cells[row * menu.columns + column].code;

        text[column] = code < 0x80 ? (char)code : '?';
        if (code != ' ')
            end = column + 1U;
    }
    text[end] = '\0';
    return text;
}

static void test_list(void)
{
    test_case("moving stays inside the list");
    begin(5);
    expect_equal(menu_input(&menu, MENU_KEY_UP), MENU_NOTHING);
    expect_equal(menu.selected, 0);
    menu_input(&menu, MENU_KEY_DOWN);
    expect_equal(menu.selected, 1);
    menu_input(&menu, MENU_KEY_END);
    menu_input(&menu, 'j');
    expect_equal(menu.selected, 2);
    menu_input(&menu, 'k');
    expect_equal(menu.selected, 1);
    menu_input(&menu, MENU_KEY_HOME);
    expect_equal(menu.selected, 0);
    menu_input(&menu, MENU_KEY_PAGE_DOWN);
    expect_equal(menu.selected, 2);
    menu_input(&menu, MENU_KEY_PAGE_UP);
    expect_equal(menu.selected, 0);

    static const struct {
        uint32_t key;
        enum menu_action action;
    } keys[] = {
        {MENU_KEY_ENTER, MENU_START},
        {MENU_KEY_RIGHT, MENU_START},
        {'e', MENU_EDIT},
        {'E', MENU_EDIT},
        {'d', MENU_SET_DEFAULT},
        {'+', MENU_SET_TIMEOUT},
        {'-', MENU_SET_TIMEOUT},
        {'r', MENU_RESOLUTION},
        {'f', MENU_SETUP},
        {'q', MENU_FIRMWARE},
        {MENU_KEY_ESCAPE, MENU_FIRMWARE},
        {'b', MENU_RESTART},
        {'o', MENU_POWER_OFF},
        {'x', MENU_NOTHING},
        {'0', MENU_NOTHING},
        {'4', MENU_NOTHING},
        {0x20ac, MENU_NOTHING},
        {MENU_KEY_DELETE, MENU_NOTHING},
    };
    for (size_t i = 0; i < array_length(keys); i++) {
        test_case("key 0x%x", keys[i].key);
        begin(5);
        expect_equal(menu_input(&menu, keys[i].key), keys[i].action);
    }

    test_case("a number starts its entry");
    begin(5);
    expect_equal(menu_input(&menu, '2'), MENU_START);
    expect_equal(menu.selected, 1);

    test_case("the default moves");
    begin(5);
    menu_input(&menu, MENU_KEY_DOWN);
    expect_equal(menu_input(&menu, 'd'), MENU_SET_DEFAULT);
    expect_equal(menu.chosen, 1);
}

static void test_edit_refused(void)
{
    test_case("an entry without options");
    begin(5);
    menu_input(&menu, MENU_KEY_END);
    expect_equal(menu_input(&menu, 'e'), MENU_NOTHING);
    expect_string(row_text(22), "   This entry has no options.");
    menu_input(&menu, MENU_KEY_UP);
    expect_string(row_text(22), "");

    test_case("editing that is turned off");
    begin(5);
    menu.editor = false;
    expect_equal(menu_input(&menu, 'e'), MENU_NOTHING);
    expect(strstr(row_text(22), "cannot be edited") != NULL);
    expect(strstr(row_text(23), "edit") == NULL);
}

static void type(const char *text)
{
    while (*text)
        menu_input(&menu, (uint8_t)*text++);
}

static void test_line(void)
{
    test_case("the options are typed, moved through, deleted");
    begin(5);
    menu_edit(&menu, "quiet");
    type(" audit");
    expect_string(menu.line, "quiet audit");
    menu_input(&menu, MENU_KEY_HOME);
    menu_input(&menu, MENU_KEY_DELETE);
    menu_input(&menu, MENU_KEY_RIGHT);
    menu_input(&menu, MENU_KEY_BACKSPACE);
    menu_input(&menu, MENU_KEY_BACKSPACE); /* there is nothing before the cursor */
    expect_string(menu.line, "iet audit");
    menu_input(&menu, MENU_KEY_END);
    menu_input(&menu, MENU_KEY_DELETE);
    menu_input(&menu, MENU_KEY_LEFT);
    type("X");
    expect_string(menu.line, "iet audiXt");
    menu_input(&menu, 'K' - '@');
    expect_string(menu.line, "iet audiX");
    menu_input(&menu, MENU_KEY_LEFT);
    menu_input(&menu, 'U' - '@');
    expect_string(menu.line, "X");
    menu_input(&menu, 0xe4); /* options are ASCII */
    expect_string(menu.line, "X");
    expect_equal(menu_input(&menu, MENU_KEY_ENTER), MENU_START_EDITED);

    test_case("Escape leads back to the list");
    menu_input(&menu, MENU_KEY_ESCAPE);
    expect_equal(menu.page, MENU_LIST);

    test_case("a line of several rows");
    begin(5);
    char options[200];
    memset(options, 'a', sizeof(options));
    options[150] = 'b';
    options[199] = '\0';
    menu_edit(&menu, options);
    expect_equal(strlen(row_text(4)), 3 + 74);
    expect_equal(row_text(6)[3 + 2], 'b');
    uint16_t column, row;
    expect(menu_cursor(&menu, &column, &row));
    expect_equal(column, 3 + 199 - 148);
    expect_equal(row, 6);
    menu_input(&menu, MENU_KEY_UP);
    expect_equal(menu.cursor, 125);
    menu_input(&menu, MENU_KEY_DOWN);
    expect_equal(menu.cursor, 199);
    menu_input(&menu, MENU_KEY_DOWN);
    expect_equal(menu.cursor, 199);
}

static void test_line_full(void)
{
    static char options[BOOT_ENTRY_OPTIONS_MAX + 10];

    test_case("a line that is full takes no more, and scrolls");
    memset(options, 'a', sizeof(options) - 1);
    begin(5);
    menu_edit(&menu, options);
    expect_equal(strlen(menu.line), BOOT_ENTRY_OPTIONS_MAX - 1);
    type("x");
    expect_equal(strlen(menu.line), BOOT_ENTRY_OPTIONS_MAX - 1);
    expect_string(row_text(22), "   There is no room for more.");
    expect(menu.first > 0);
    uint16_t column, row;
    menu_cursor(&menu, &column, &row);
    expect(row >= 4 && row < 21);
    menu_input(&menu, MENU_KEY_HOME);
    expect_equal(menu.first, 0);
}

static void test_time(void)
{
    test_case("the time goes by");
    begin(2);
    for (int i = 0; i < 19; i++)
        expect_equal(menu_tick(&menu), MENU_NOTHING);
    expect_string(row_text(22), "   Baton starts in 1 s");
    expect_equal(menu_tick(&menu), MENU_START);

    test_case("a key ends the countdown");
    begin(2);
    menu_input(&menu, 'x');
    for (int i = 0; i < 100; i++)
        expect_equal(menu_tick(&menu), MENU_NOTHING);
    expect_string(row_text(22), "");

    test_case("menu-force waits for ever");
    begin(MENU_TIMEOUT_FOREVER);
    for (int i = 0; i < 100; i++)
        expect_equal(menu_tick(&menu), MENU_NOTHING);

    test_case("years are as good as for ever");
    begin(429496730); /* times 10 it is 4 more than 32 bits hold */
    for (int i = 0; i < 100; i++)
        expect_equal(menu_tick(&menu), MENU_NOTHING);
    expect(menu.alone);

    test_case("+ and - change it");
    begin(1);
    menu_input(&menu, '+');
    expect_equal(menu.timeout, 2);
    expect_string(row_text(22), "   From now on the menu waits 2 s.");
    menu_input(&menu, '-');
    menu_input(&menu, '-');
    menu_input(&menu, '-');
    expect_equal(menu.timeout, 0);
    expect(strstr(row_text(22), "hidden") != NULL);
    begin(3600);
    menu_input(&menu, '+');
    expect_equal(menu.timeout, 3600);
    begin(MENU_TIMEOUT_FOREVER);
    menu_input(&menu, '+');
    expect_equal(menu.timeout, 1);
}

static void test_picture(void)
{
    test_case("the list");
    begin(5);
    expect_string(row_text(1), "   Baton 1.0");
    expect_string(row_text(4), "   Baton   default");
    expect_string(row_text(5), "   Debian GNU/Linux 12 (bookworm)");
    expect_string(row_text(6), "   UEFI firmware settings");
    expect_string(row_text(22), "   Baton starts in 5 s");
    expect_string(row_text(23), "   Enter start   e edit   m machine   h more keys");
    expect_equal(cells[4 * 80 + 3].background, cells[4 * 80 + 70].background);
    expect(cells[4 * 80 + 3].background != cells[5 * 80 + 3].background);

    test_case("the machine, the keys, and back");
    menu_input(&menu, 'm');
    expect_string(row_text(1), "   Baton 1.0   This machine");
    expect_string(row_text(5), "   Memory     512 MiB");
    expect_string(row_text(23), "   Escape back");
    menu_input(&menu, 'x');
    menu_input(&menu, '?');
    expect_string(row_text(1), "   Baton 1.0   Keys");
    expect_string(row_text(14), "   b                restart");
    menu_input(&menu, 'h');
    expect_equal(menu.page, MENU_LIST);
}

static void test_sizes(void)
{
    static struct menu_item many[500];
    static char titles[500][24];

    for (size_t i = 0; i < array_length(many); i++) {
        snprintf(titles[i], sizeof(titles[i]), "Entry %zu", i + 1);
        many[i] = (struct menu_item){titles[i], i > 490, true};
    }

    test_case("500 entries scroll, and say so at the edge");
    menu_begin(&menu, many, 500, 250, 5);
    menu_resize(&menu, 80, 25);
    expect_string(row_text((uint16_t)(4 + 250 - menu.first)) + 3, "Entry 251   default");
    expect_equal(cells[4 * 80].code, 0x2191);
    expect_equal(cells[20 * 80].code, 0x2193);
    menu_input(&menu, MENU_KEY_PAGE_DOWN);
    expect_string(row_text(20) + 3, "Entry 268");
    menu_input(&menu, MENU_KEY_END);
    expect_string(row_text(20) + 3, "Entry 500   failed");
    expect(cells[20 * 80].code != 0x2193);
    menu_input(&menu, MENU_KEY_HOME);
    expect_string(row_text(4) + 3, "Entry 1");

    test_case("a screen that becomes smaller");
    menu_input(&menu, MENU_KEY_END);
    menu_resize(&menu, MENU_COLUMNS_MINIMUM, MENU_ROWS_MINIMUM);
    expect_string(row_text(MENU_ROWS_MINIMUM - 5) + 3, "Entry 500   failed");

    test_case("a chosen one that is not there");
    menu_begin(&menu, many, 3, 7, 5);
    expect_equal(menu.selected, 0);
}

static void test_text(void)
{
    const struct menu_item items[] = {
        {"Gr\xc3\xbc\xc3\x9f \xe2\x82\xac", false, true},
        {"\xff\xfe bad \xf0\x9f\x98\x80 \xc3", false, true},
        {"a title that is much longer than forty columns are", false, true},
    };

    test_case("UTF-8, and what is none");
    menu_begin(&menu, items, 3, 2, 5);
    menu_draw(&menu, cells);
    expect_equal(cells[4 * 40 + 5].code, 0xfc);
    expect_equal(cells[4 * 40 + 8].code, 0x20ac);
    expect_equal(cells[5 * 40 + 3].code, 0xfffd);
    expect_equal(cells[5 * 40 + 10].code, 0xfffd);
    expect_equal(cells[5 * 40 + 12].code, 0xfffd);

    test_case("a long title leaves room for the countdown, and for what the entry is");
    expect_string(row_text(9), "   a title that is muc? starts in 5 s");
    expect_string(row_text(6), "   a title that is much lo?   default");
    expect_equal(cells[6 * 40 + 26].code, 0x2026);
    test_case("a title that just fits");
    const struct menu_item fitting = {"abcdefghijklmnopqrstuvwxyz01234567", false, true};
    menu_begin(&menu, &fitting, 1, 0, MENU_TIMEOUT_FOREVER);
    menu.chosen = 1;
    expect_string(row_text(4), "   abcdefghijklmnopqrstuvwxyz01234567");
}

static void test_story(void)
{
    test_case("why something did not start");
    menu_tell(&menu, "loader: reading /x.conf\n"
                     "baton loader: /a/path: it is not there, and that is a pity, which is said "
                     "in more than one row: not found\n\nPress a key.\n");
    menu.heading = "Baton 1.0";
    menu_resize(&menu, 80, 25);
    expect_string(row_text(1), "   Baton 1.0   It did not start");
    expect_string(row_text(4), "   loader: reading /x.conf");
    expect_string(row_text(5),
                  "   baton loader: /a/path: it is not there, and that is a pity, which is said");
    expect_string(row_text(6), "   in more than one row: not found");
    expect_string(row_text(7), "");
    expect_string(row_text(8), "   Press a key.");
    expect_string(row_text(23), "   Any key back");
    expect(cells[5 * 80 + 3].foreground != cells[4 * 80 + 3].foreground);
    expect_equal(cells[5 * 80 + 3].foreground, cells[6 * 80 + 3].foreground);
    expect_equal(menu_tick(&menu), MENU_NOTHING);

    test_case("a long one: its end is seen, a long word is cut, no control character is drawn");
    menu_tell(&menu, "1\n2\n3\n4\n5\nabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\a\n6");
    expect_string(row_text(4), "?  5");
    expect_string(row_text(5), "   abcdefghijklmnopqrstuvwxyzabcdefgh");
    expect_string(row_text(6), "   ijklmnopqrstuvwxyz");
    expect_string(row_text(7), "   6");

    test_case("nothing was said");
    menu_tell(&menu, "");
    expect_string(row_text(4), "");
}

int main(void)
{
    test_list();
    test_edit_refused();
    test_line();
    test_line_full();
    test_time();
    test_picture();
    test_sizes();
    test_text();
    test_story();
    return test_end();
}

#include "library/menu/menu.h"

#include "library/format.h"
#include "library/menu/loader_settings.h"
#include "library/menu/text_row.h"
#include "library/string.h"

enum {
    TENTHS = 10, /* of a second */
    HEAD = 4,
    FOOT = 4,               /* rows around the page */
    MARGIN = 3,             /* columns on both sides of a row */
    TIMEOUT_MAXIMUM = 3600, /* seconds that + can reach */
};

const struct menu_help menu_keys[] = {
    {"Up, Down, k, j", "move; Home, End, Page Up, Page Down as well"},
    {"Enter, Right", "start the selected entry"},
    {"1 to 9", "start that entry"},
    {"e", "edit the options, for this start only"},
    {"d", "start this entry by default from now on"},
    {"+, -", "wait longer or shorter before the default starts"},
    {"r", "the screen's next resolution"},
    {"m", "what this machine is"},
    {"f", "the firmware's setup"},
    {"q, Escape", "back to the firmware"},
    {"b", "restart"},
    {"o", "power off"},
};
const size_t menu_key_count = sizeof(menu_keys) / sizeof(*menu_keys);

void menu_begin(struct menu *menu, const struct menu_item *items, size_t count, size_t chosen,
                uint32_t timeout)
{
    *menu = (struct menu){
        .items = items,
        .count = count,
        .heading = "",
        .selected = chosen < count ? chosen : 0,
        .chosen = chosen < count ? chosen : 0,
        .alone = true,
        .timeout = timeout,
        .tenths =
            timeout < MENU_TIMEOUT_DISABLED / TENTHS ? timeout * TENTHS : MENU_TIMEOUT_FOREVER,
    };
    menu_resize(menu, MENU_COLUMNS_MINIMUM, MENU_ROWS_MINIMUM);
}

void menu_tell(struct menu *menu, const char *story)
{
    *menu = (struct menu){
        .page = MENU_STORY,
        .story = story,
        .heading = "",
        .tenths = MENU_TIMEOUT_FOREVER,
    };
    menu_resize(menu, MENU_COLUMNS_MINIMUM, MENU_ROWS_MINIMUM);
}

/* ---- what of a page is seen ---- */

uint16_t menu_body_rows(const struct menu *menu)
{
    return menu->rows - HEAD - FOOT;
}

uint16_t menu_line_width(const struct menu *menu)
{
    return menu->columns - 2 * MARGIN;
}

size_t menu_page_rows(const struct menu *menu)
{
    switch (menu->page) {
    case MENU_LIST:
        return menu->count;
    case MENU_LINE:
        return strlen(menu->line) / menu_line_width(menu) + 1;
    case MENU_MACHINE:
        return menu->fact_count;
    case MENU_STORY:
        return text_row_count(menu->story, menu_line_width(menu));
    default:
        return menu_key_count;
    }
}

/* The row that has to be seen. */
static size_t row_of_interest(const struct menu *menu)
{
    if (menu->page == MENU_LIST)
        return menu->selected;
    if (menu->page == MENU_LINE)
        return menu->cursor / menu_line_width(menu);
    if (menu->page == MENU_STORY)
        return menu_page_rows(menu);
    return menu->first;
}

static void page_follow(struct menu *menu)
{
    size_t row = row_of_interest(menu), body = menu_body_rows(menu), rows = menu_page_rows(menu);

    if (menu->first > row)
        menu->first = row;
    if (row - menu->first >= body)
        menu->first = row - body + 1;
    if (menu->first + body > rows)
        menu->first = rows > body ? rows - body : 0;
}

void menu_resize(struct menu *menu, uint16_t columns, uint16_t rows)
{
    menu->columns = columns;
    menu->rows = rows;
    page_follow(menu);
}

static void page_turn(struct menu *menu, enum menu_page page)
{
    menu->page = page;
    menu->first = 0;
    page_follow(menu);
}

void menu_say(struct menu *menu, const char *text)
{
    format_string(menu->note_text, sizeof(menu->note_text), "%s", text);
    menu->note = menu->note_text;
}

/* ---- moving ---- */

/* Where a key leads in 0..last; false: it is no key that moves. */
static bool key_moves(uint32_t key, size_t at, size_t last, size_t page, size_t *to)
{
    switch (key) {
    case MENU_KEY_UP:
    case 'k':
        *to = at > 0 ? at - 1 : 0;
        return true;
    case MENU_KEY_DOWN:
    case 'j':
        *to = at < last ? at + 1 : last;
        return true;
    case MENU_KEY_PAGE_UP:
        *to = at > page ? at - page : 0;
        return true;
    case MENU_KEY_PAGE_DOWN:
        *to = last - at > page ? at + page : last;
        return true;
    case MENU_KEY_HOME:
        *to = 0;
        return true;
    case MENU_KEY_END:
        *to = last;
        return true;
    default:
        return false;
    }
}

/* ---- the list ---- */

static void timeout_change(struct menu *menu, int change)
{
    uint32_t timeout = menu->timeout == MENU_TIMEOUT_FOREVER ? 0 : menu->timeout;

    if (change > 0 ? timeout < TIMEOUT_MAXIMUM : timeout > 0)
        timeout += (uint32_t)change;
    menu->timeout = timeout;
    format_string(menu->note_text, sizeof(menu->note_text),
                  timeout ? "From now on the menu waits %u s."
                          : "From now on the menu is hidden; hold a key to see it.",
                  timeout);
    menu->note = menu->note_text;
}

static enum menu_action edit_begin(struct menu *menu)
{
    if (!menu->editor)
        menu_say(menu, "Options cannot be edited on this machine.");
    else if (!menu->items[menu->selected].editable)
        menu_say(menu, "This entry has no options.");
    else
        return MENU_EDIT;
    return MENU_NOTHING;
}

static enum menu_action number_start(struct menu *menu, size_t number)
{
    if (number > menu->count)
        return MENU_NOTHING;
    menu->selected = number - 1;
    page_follow(menu);
    return MENU_START;
}

/* Keys that do not move; small letters. */
static enum menu_action list_command(struct menu *menu, uint32_t key)
{
    switch (key) {
    case MENU_KEY_ENTER:
    case MENU_KEY_RIGHT:
        return MENU_START;
    case 'e':
        return edit_begin(menu);
    case 'd':
        menu->chosen = menu->selected;
        return MENU_SET_DEFAULT;
    case '+':
    case '-':
        timeout_change(menu, key == '+' ? 1 : -1);
        return MENU_SET_TIMEOUT;
    case 'r':
        return MENU_RESOLUTION;
    case 'm':
        page_turn(menu, MENU_MACHINE);
        return MENU_NOTHING;
    case 'h':
    case '?':
        page_turn(menu, MENU_KEYS);
        return MENU_NOTHING;
    case 'f':
        return MENU_SETUP;
    case 'q':
    case MENU_KEY_ESCAPE:
        return MENU_FIRMWARE;
    case 'b':
        return MENU_RESTART;
    case 'o':
        return MENU_POWER_OFF;
    default:
        return key >= '1' && key <= '9' ? number_start(menu, key - '0') : MENU_NOTHING;
    }
}

static enum menu_action list_input(struct menu *menu, uint32_t key)
{
    if (key >= 'A' && key <= 'Z')
        key += 'a' - 'A';
    if (!key_moves(key, menu->selected, menu->count - 1, menu_body_rows(menu), &menu->selected))
        return list_command(menu, key);
    page_follow(menu);
    return MENU_NOTHING;
}

/* ---- the edited line ---- */

static void line_insert(struct menu *menu, char character)
{
    size_t length = strlen(menu->line);

    if (length + 1 >= sizeof(menu->line)) {
        menu_say(menu, "There is no room for more.");
        return;
    }
    memmove(menu->line + menu->cursor + 1, menu->line + menu->cursor, length - menu->cursor + 1);
    menu->line[menu->cursor++] = character;
}

static void line_delete(struct menu *menu)
{
    char *at = menu->line + menu->cursor;

    if (*at)
        memmove(at, at + 1, strlen(at));
}

static void line_move(struct menu *menu, uint32_t key)
{
    size_t length = strlen(menu->line), width = menu_line_width(menu);

    switch (key) {
    case MENU_KEY_LEFT:
        menu->cursor -= menu->cursor > 0;
        break;
    case MENU_KEY_RIGHT:
        menu->cursor += menu->cursor < length;
        break;
    case MENU_KEY_UP:
        menu->cursor -= menu->cursor >= width ? width : 0;
        break;
    case MENU_KEY_DOWN:
        menu->cursor += length - menu->cursor >= width ? width : 0;
        break;
    case MENU_KEY_HOME:
        menu->cursor = 0;
        break;
    case MENU_KEY_END:
        menu->cursor = length;
        break;
    default:
        break;
    }
}

/* Control-U and Control-K, as a shell has them: up to the cursor, from it on. */
enum {
    ERASE_BEFORE = 'U' - '@',
    ERASE_BEHIND = 'K' - '@',
};

static void line_change(struct menu *menu, uint32_t key)
{
    if (key >= ' ' && key <= '~') {
        line_insert(menu, (char)key);
    } else if (key == MENU_KEY_BACKSPACE && menu->cursor > 0) {
        menu->cursor--;
        line_delete(menu);
    } else if (key == MENU_KEY_DELETE) {
        line_delete(menu);
    } else if (key == ERASE_BEFORE) {
        memmove(menu->line, menu->line + menu->cursor, strlen(menu->line + menu->cursor) + 1);
        menu->cursor = 0;
    } else if (key == ERASE_BEHIND) {
        menu->line[menu->cursor] = '\0';
    } else {
        line_move(menu, key);
    }
}

static enum menu_action line_input(struct menu *menu, uint32_t key)
{
    if (key == MENU_KEY_ENTER)
        return MENU_START_EDITED;
    if (key == MENU_KEY_ESCAPE) {
        page_turn(menu, MENU_LIST);
        return MENU_NOTHING;
    }
    line_change(menu, key);
    page_follow(menu);
    return MENU_NOTHING;
}

void menu_edit(struct menu *menu, const char *options)
{
    format_string(menu->line, sizeof(menu->line), "%s", options);
    menu->cursor = strlen(menu->line);
    page_turn(menu, MENU_LINE);
}

/* ---- pages that are only read ---- */

/* Whatever does not move leads back. */
static enum menu_action page_input(struct menu *menu, uint32_t key)
{
    size_t body = menu_body_rows(menu), rows = menu_page_rows(menu);
    size_t last = rows > body ? rows - body : 0;

    if (!key_moves(key, menu->first, last, body, &menu->first))
        page_turn(menu, MENU_LIST);
    return MENU_NOTHING;
}

enum menu_action menu_input(struct menu *menu, uint32_t key)
{
    menu->tenths = MENU_TIMEOUT_FOREVER; /* somebody is there */
    menu->alone = false;
    menu->note = NULL;
    switch (menu->page) {
    case MENU_LIST:
        return list_input(menu, key);
    case MENU_LINE:
        return line_input(menu, key);
    default:
        return page_input(menu, key);
    }
}

enum menu_action menu_tick(struct menu *menu)
{
    if (menu->tenths == MENU_TIMEOUT_FOREVER)
        return MENU_NOTHING;
    if (menu->tenths > 0)
        menu->tenths--;
    return menu->tenths == 0 ? MENU_START : MENU_NOTHING;
}

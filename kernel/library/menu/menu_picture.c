/*
 * menu_picture.c: how the menu looks: a heading, a page, and a foot that says what happens next and
 * which keys there are.
 */
#include "library/format.h"
#include "library/menu/loader_settings.h"
#include "library/menu/menu.h"
#include "library/menu/text_row.h"
#include "library/string.h"
#include "library/utf8.h"

/* Colours of screen_palette. */
enum colour {
    BLACK = 0,
    CHOSEN = 4, /* what is selected, as a background */
    TEXT = 7,
    DIM = 8,
    ACCENT = 14,
    WARNING = 11,
    BRIGHT = 15,
};

enum {
    HEAD_ROW = 1, /* the title's row; a rule and an empty row follow */
    BODY_ROW = 4,
    INDENT = 3,
};

/* A row in the making. */
struct pen {
    struct screen_cell *row;
    uint16_t at, end; /* columns: the next, and the first that may not be written */
    uint8_t foreground, background;
};

static struct pen pen_at(const struct menu *menu, struct screen_cell *cells, uint16_t row,
                         uint16_t column, uint8_t foreground)
{
    return (struct pen){cells + (size_t)row * menu->columns, column,
                        (uint16_t)(menu->columns - INDENT + 1), foreground, BLACK};
}

static void pen_put(struct pen *pen, uint16_t code)
{
    if (pen->at < pen->end)
        pen->row[pen->at++] = (struct screen_cell){code, pen->foreground, pen->background};
}

/* The next character of UTF-8 text, moved over; the font's are of 16 bits. */
static uint16_t code_take(const char **text)
{
    uint32_t code = utf8_take(text);

    return code < 0x10000 ? (uint16_t)code : UTF8_NONE;
}

static void pen_write(struct pen *pen, const char *text)
{
    while (*text)
        pen_put(pen, code_take(&text));
}

/* As much as fits before `end`, and a sign that there is more. */
static void pen_write_cut(struct pen *pen, const char *text, uint16_t end)
{
    uint16_t last = pen->end;

    pen->end = end < last ? end : last;
    while (*text) {
        uint16_t code = code_take(&text);

        pen_put(pen, *text && pen->at + 1 == pen->end ? 0x2026 : code);
    }
    pen->end = last;
}

static void pen_fill(struct pen *pen)
{
    while (pen->at < pen->end)
        pen_put(pen, ' ');
}

/* ---- the parts ---- */

static void rule_draw(const struct menu *menu, struct screen_cell *cells, uint16_t row)
{
    struct pen pen = pen_at(menu, cells, row, INDENT - 1, DIM);

    while (pen.at < pen.end)
        pen_put(&pen, 0x2500); /* a line of box drawing */
}

static void page_name_write(const struct menu *menu, struct pen *pen)
{
    static const char *const names[] = {
        [MENU_LIST] = "",
        [MENU_LINE] = "   Options of ",
        [MENU_MACHINE] = "   This machine",
        [MENU_KEYS] = "   Keys",
        [MENU_STORY] = "   It did not start",
    };

    pen_write(pen, names[menu->page]);
    if (menu->page == MENU_LINE)
        pen_write_cut(pen, menu->items[menu->selected].title, (uint16_t)(pen->end - 1));
}

static void head_draw(const struct menu *menu, struct screen_cell *cells)
{
    struct pen pen = pen_at(menu, cells, HEAD_ROW, INDENT, BRIGHT);

    pen_write(&pen, menu->heading);
    pen.foreground = ACCENT;
    page_name_write(menu, &pen);
    rule_draw(menu, cells, HEAD_ROW + 1);
}

static void item_draw(const struct menu *menu, struct screen_cell *cells, uint16_t row,
                      size_t index)
{
    const struct menu_item *item = &menu->items[index];
    bool selected = index == menu->selected;
    struct pen pen = pen_at(menu, cells, row, INDENT - 1, item->bad ? DIM : TEXT);

    if (selected) {
        pen.foreground = item->bad ? TEXT : BRIGHT;
        pen.background = CHOSEN;
    }
    const char *bad = item->bad ? "   failed" : "";
    const char *chosen = index == menu->chosen ? "   default" : "";

    /* Long titles are cut: what the entry is has to be seen. */
    pen_put(&pen, ' ');
    pen_write_cut(&pen, item->title, (uint16_t)(pen.end - 1 - strlen(bad) - strlen(chosen)));
    pen_write(&pen, bad);
    pen.foreground = selected ? BRIGHT : ACCENT;
    pen_write(&pen, chosen);
    if (selected)
        pen_fill(&pen);
}

static void line_draw(const struct menu *menu, struct screen_cell *cells, uint16_t row,
                      size_t index)
{
    size_t width = menu_line_width(menu), at = index * width, length = strlen(menu->line);
    struct pen pen = pen_at(menu, cells, row, INDENT, BRIGHT);

    for (size_t i = at; i < length && i < at + width; i++)
        pen_put(&pen, (uint8_t)menu->line[i]);
}

static void help_draw(const struct menu *menu, struct screen_cell *cells, uint16_t row,
                      size_t index)
{
    enum { KEY_WIDTH = 17 };
    struct pen pen = pen_at(menu, cells, row, INDENT, ACCENT);

    pen_write(&pen, menu_keys[index].key);
    pen.at = INDENT + KEY_WIDTH;
    pen.foreground = TEXT;
    pen_write(&pen, menu_keys[index].meaning);
}

static void fact_draw(const struct menu *menu, struct screen_cell *cells, uint16_t row,
                      size_t index)
{
    struct pen pen = pen_at(menu, cells, row, INDENT, ACCENT);
    const char *fact = menu->facts[index];

    /* A name, blanks, what there is to say. */
    while (*fact && !(fact[0] == ' ' && fact[1] == ' '))
        pen_put(&pen, code_take(&fact));
    pen.foreground = TEXT;
    pen_write_cut(&pen, fact, (uint16_t)(pen.end - 1));
}

static void story_draw(const struct menu *menu, struct screen_cell *cells, uint16_t row,
                       size_t index)
{
    static const char reason[] = MENU_STORY_REASON;
    struct text_row text = text_row_begin(menu->story);
    struct pen pen = pen_at(menu, cells, row, INDENT, TEXT);

    for (size_t i = 0; i <= index; i++)
        text_row_next(&text, menu_line_width(menu));
    if (strncmp(text.line, reason, sizeof(reason) - 1) == 0)
        pen.foreground = BRIGHT;
    for (size_t i = 0; i < text.length; i++)
        pen_put(&pen, text.text[i] >= ' ' ? (uint8_t)text.text[i] : ' ');
}

static void body_draw(const struct menu *menu, struct screen_cell *cells)
{
    static void (*const draw[])(const struct menu *, struct screen_cell *, uint16_t, size_t) = {
        [MENU_LIST] = item_draw, [MENU_LINE] = line_draw,   [MENU_MACHINE] = fact_draw,
        [MENU_KEYS] = help_draw, [MENU_STORY] = story_draw,
    };
    size_t rows = menu_page_rows(menu), body = menu_body_rows(menu);

    for (size_t row = 0; row < body && menu->first + row < rows; row++)
        draw[menu->page](menu, cells, (uint16_t)(BODY_ROW + row), menu->first + row);
    /* More above, more below: arrows at the edge. */
    if (menu->first > 0)
        cells[BODY_ROW * menu->columns + 0] = (struct screen_cell){0x2191, ACCENT, BLACK};
    if (menu->first + body < rows)
        cells[(BODY_ROW + body - 1) * menu->columns] = (struct screen_cell){0x2193, ACCENT, BLACK};
}

/* ---- the foot ---- */

static void pen_write_key(struct pen *pen, const char *key, const char *meaning)
{
    pen->foreground = ACCENT;
    pen_write(pen, key);
    pen->foreground = TEXT;
    pen_write(pen, " ");
    pen_write(pen, meaning);
    pen_write(pen, "   ");
}

static void keys_draw(const struct menu *menu, struct screen_cell *cells, uint16_t row)
{
    struct pen pen = pen_at(menu, cells, row, INDENT, TEXT);

    if (menu->page == MENU_LINE) {
        pen_write_key(&pen, "Enter", "start");
        pen_write_key(&pen, "Escape", "back");
        pen_write_key(&pen, "Ctrl-U, Ctrl-K", "erase");
    } else if (menu->page == MENU_LIST) {
        pen_write_key(&pen, "Enter", "start");
        if (menu->editor)
            pen_write_key(&pen, "e", "edit");
        pen_write_key(&pen, "m", "machine");
        pen_write_key(&pen, "h", "more keys");
    } else {
        pen_write_key(&pen, menu->page == MENU_STORY ? "Any key" : "Escape", "back");
    }
}

static void countdown_draw(const struct menu *menu, struct pen *pen)
{
    char seconds[32];

    format_string(seconds, sizeof(seconds), " starts in %u s", (menu->tenths + 9) / 10);
    /* The title is cut first: how long there is must be seen. */
    pen_write_cut(pen, menu->items[menu->selected].title,
                  (uint16_t)(pen->end - 1 - strlen(seconds)));
    pen_write(pen, seconds);
}

static void foot_draw(const struct menu *menu, struct screen_cell *cells)
{
    struct pen pen = pen_at(menu, cells, (uint16_t)(menu->rows - 3), INDENT, WARNING);

    rule_draw(menu, cells, (uint16_t)(menu->rows - 4));
    if (menu->note)
        pen_write(&pen, menu->note);
    else if (menu->tenths != MENU_TIMEOUT_FOREVER && menu->page == MENU_LIST)
        countdown_draw(menu, &pen);
    else if (menu->page == MENU_LINE)
        pen_write(&pen, "For this start only.");
    keys_draw(menu, cells, (uint16_t)(menu->rows - 2));
}

void menu_draw(const struct menu *menu, struct screen_cell *cells)
{
    for (size_t i = 0; i < (size_t)menu->columns * menu->rows; i++)
        cells[i] = (struct screen_cell){' ', TEXT, BLACK};
    head_draw(menu, cells);
    body_draw(menu, cells);
    foot_draw(menu, cells);
}

bool menu_cursor(const struct menu *menu, uint16_t *column, uint16_t *row)
{
    size_t width = menu_line_width(menu);

    *column = (uint16_t)(INDENT + menu->cursor % width);
    *row = (uint16_t)(BODY_ROW + menu->cursor / width - menu->first);
    return menu->page == MENU_LINE;
}

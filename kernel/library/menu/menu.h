/*
 * menu.h: the menu of boot entries: what a key does to it, and how it looks, as a grid of cells
 * that the loader shows on screens and on serial lines.
 *
 * Pure: no firmware, no allocation, no lock. The caller gives keys and time, shows the picture, and
 * does what menu_input() and menu_tick() say.
 */
#ifndef BATON_LIBRARY_MENU_MENU_H
#define BATON_LIBRARY_MENU_MENU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "library/boot_entry.h"
#include "library/screen/screen.h"

#define MENU_COLUMNS_MINIMUM 40
#define MENU_ROWS_MINIMUM    12

/* A character that was typed, or one of these. */
enum menu_key {
    MENU_KEY_ENTER = 0x110000, /* above Unicode */
    MENU_KEY_ESCAPE,
    MENU_KEY_UP,
    MENU_KEY_DOWN,
    MENU_KEY_LEFT,
    MENU_KEY_RIGHT,
    MENU_KEY_HOME,
    MENU_KEY_END,
    MENU_KEY_PAGE_UP,
    MENU_KEY_PAGE_DOWN,
    MENU_KEY_BACKSPACE,
    MENU_KEY_DELETE,
};

/* What the caller is to do. */
enum menu_action {
    MENU_NOTHING,      /* the picture may have changed, no more */
    MENU_START,        /* the selected entry, with its own options */
    MENU_START_EDITED, /* …with those in menu->line */
    MENU_EDIT,         /* call menu_edit() with the selected entry's options */
    MENU_SET_DEFAULT,  /* the selected entry is the one that starts from now on */
    MENU_SET_TIMEOUT,  /* menu->timeout is what holds from now on */
    MENU_RESOLUTION,   /* the screen's next mode; then menu_resize() */
    MENU_FIRMWARE,     /* back to who started the loader */
    MENU_SETUP,        /* restart into the firmware's setup */
    MENU_RESTART,
    MENU_POWER_OFF,
};

struct menu_item {
    const char *title; /* UTF-8; constant while the menu is there */
    bool bad;          /* no try is left */
    bool editable;     /* it has options that can be changed */
};

/* What the menu shows. */
enum menu_page {
    MENU_LIST,
    MENU_LINE,    /* the options, to be edited */
    MENU_MACHINE, /* what the machine is */
    MENU_KEYS,
    MENU_STORY, /* what was said before something did not start */
};

/* Everything is the menu's own, but for what menu_begin() was given. */
struct menu {
    const struct menu_item *items;
    size_t count;             /* at least 1 */
    const char *const *facts; /* lines about the machine, UTF-8 */
    size_t fact_count;
    const char *heading; /* "Baton 1.0" */
    const char *story;   /* of the page of that name */
    bool editor;         /* options may be edited */

    uint16_t columns, rows;
    enum menu_page page;
    size_t selected, chosen; /* chosen: what starts by itself */
    size_t first;            /* row of the page that is shown first */
    uint32_t tenths;         /* of a second, until it starts; MENU_TIMEOUT_FOREVER: not by itself */
    bool alone;              /* no key was pressed since it began */
    uint32_t timeout;        /* seconds, as loader_settings.h says */
    const char *note;        /* said at the foot until the next key; NULL: nothing */
    char note_text[80];
    size_t cursor; /* in line */
    char line[BOOT_ENTRY_OPTIONS_MAX];
};

/*
 * Begins at the list with `chosen` selected. `timeout` in seconds, MENU_TIMEOUT_FOREVER: it waits
 * for a person. `menu` is then for the other functions only.
 */
void menu_begin(struct menu *menu, const struct menu_item *items, size_t count, size_t chosen,
                uint32_t timeout);

/* A menu that is one page only: lines of text, of which the end is seen. ASCII, constant while the
   menu is there; lines that say why it did not start begin with MENU_STORY_REASON. */
#define MENU_STORY_REASON "baton loader: "
void menu_tell(struct menu *menu, const char *story);

/* The grid, at least MENU_COLUMNS_MINIMUM by MENU_ROWS_MINIMUM, at most SCREEN_…_MAXIMUM. */
void menu_resize(struct menu *menu, uint16_t columns, uint16_t rows);

/* A key: a code point or an enum menu_key. */
enum menu_action menu_input(struct menu *menu, uint32_t key);

/* A tenth of a second went by. MENU_START when the time is over. */
enum menu_action menu_tick(struct menu *menu);

/* Shows the options for editing; they are cut at the line's size. */
void menu_edit(struct menu *menu, const char *options);

/* Says something at the foot, until the next key; ASCII, 79 characters. */
void menu_say(struct menu *menu, const char *text);

/* Fills columns * rows cells. menu_picture.c. */
void menu_draw(const struct menu *menu, struct screen_cell *cells);

/* Where the cursor is to be shown, if it is (the edited line). */
bool menu_cursor(const struct menu *menu, uint16_t *column, uint16_t *row);

/* ---- for menu_picture.c ---- */

/* Rows between head and foot. */
uint16_t menu_body_rows(const struct menu *menu);
size_t menu_page_rows(const struct menu *menu);
/* Characters of a row of the edited line. */
uint16_t menu_line_width(const struct menu *menu);

struct menu_help {
    const char *key, *meaning;
};
extern const struct menu_help menu_keys[];
extern const size_t menu_key_count;

#endif

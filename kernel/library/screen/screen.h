/*
 * screen.h: a terminal's screen: a grid of cells, and the state machine that
 * turns bytes (UTF-8, control characters, ECMA-48 escape sequences as a VT100
 * and Linux's console understand them, console_codes(4)) into changes of it.
 *
 * Pure: no lock, no allocation, any context; the owner gives the memory and
 * draws the cells. No byte sequence can make it write outside the grid.
 */
#ifndef BATON_LIBRARY_SCREEN_SCREEN_H
#define BATON_LIBRARY_SCREEN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCREEN_COLUMNS_MAXIMUM    512
#define SCREEN_ROWS_MAXIMUM       512
#define SCREEN_PARAMETERS_MAXIMUM 16
#define SCREEN_REPLY_SIZE         64

/* One character. Colours are 0 to 15, as in `screen_palette`. */
struct screen_cell {
    uint16_t code; /* Unicode, the basic multilingual plane */
    uint8_t foreground;
    uint8_t background;
};

/* 0xrrggbb of the sixteen colours. */
extern const uint32_t screen_palette[16];

/* How new characters look (ECMA-48, 8.3.117 SGR). */
struct screen_style {
    uint8_t foreground, background;
    bool bold, dim, underline, blink, reverse, invisible;
};

/* What ESC 7 keeps. */
struct screen_position {
    uint16_t column, row;
    struct screen_style style;
    bool origin_relative;
    bool graphics;
};

enum screen_state {
    SCREEN_GROUND,
    SCREEN_ESCAPE,       /* after ESC */
    SCREEN_INTERMEDIATE, /* after ESC and one of SPACE to '/' */
    SCREEN_CONTROL,      /* after ESC [ */
    SCREEN_STRING,       /* ESC ] P _ ^ X: ignored up to BEL or ESC \ */
    SCREEN_STRING_ESCAPE,
};

struct screen {
    struct screen_cell *cells; /* rows * columns, row after row; the owner's memory */
    uint16_t columns, rows;

    uint16_t column, row; /* of the cursor */
    bool wrap_pending;    /* the last column was written: the next character wraps */
    struct screen_style style;
    struct screen_position saved;
    uint16_t region_top, region_end; /* rows that scroll: [top, end) */
    uint8_t tab_stops[SCREEN_COLUMNS_MAXIMUM / 8];
    bool autowrap, insert, origin_relative, newline_returns, cursor_visible;
    bool application_cursor; /* DECCKM: for the keyboard */
    bool graphics;           /* DEC special graphics: line drawing by letters */
    uint16_t last_code;      /* for REP */

    enum screen_state state;
    char intermediate;
    char prefix;  /* of a control sequence: one of < = > ?, or 0 */
    bool too_odd; /* a control sequence that is read to its end and ignored */
    uint8_t parameter_count;
    uint16_t parameters[SCREEN_PARAMETERS_MAXIMUM];

    uint32_t code_point; /* UTF-8 in the making */
    uint32_t code_least; /* the least that is not an overlong form */
    uint8_t code_missing;

    /* Rows [changed_top, changed_end) hold cells that changed since the owner cleared this. */
    uint16_t changed_top, changed_end;
    /* What the terminal answers (cursor position, attributes): taken by screen_take_reply(). */
    uint8_t reply_size;
    char reply[SCREEN_REPLY_SIZE];
};

/* Starts with an empty screen. `columns` and `rows`: 1 to the maximum. */
void screen_initialize(struct screen *screen, struct screen_cell *cells, uint16_t columns,
                       uint16_t rows);

void screen_write(struct screen *screen, const char *bytes, size_t size);

/* Moves the answers to `to` (SCREEN_REPLY_SIZE bytes); how many bytes. */
size_t screen_take_reply(struct screen *screen, char *to);

static inline struct screen_cell *screen_row(const struct screen *screen, uint16_t row)
{
    return screen->cells + (size_t)row * screen->columns;
}

#endif

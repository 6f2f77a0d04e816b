/*
 * cells.h: the grid of a screen and its cursor, for the files of this folder: what control
 * characters and sequences are made of. Rows and columns are clamped where a line says so; else the
 * caller's are inside the grid.
 */
#ifndef BATON_LIBRARY_SCREEN_CELLS_H
#define BATON_LIBRARY_SCREEN_CELLS_H

#include "library/screen/screen.h"

#define SCREEN_DEFAULT_FOREGROUND 7
#define SCREEN_DEFAULT_BACKGROUND 0
#define SCREEN_BRIGHT             8
#define SCREEN_REPLACEMENT        0xfffd /* for what is no character (Unicode, U+FFFD) */

extern const struct screen_style screen_default_style; /* style.c */

/* ---- cells ---- */

/* Cells [from, end) of a row, whole rows [top, end): spaces with the style's background. */
void screen_erase(struct screen *screen, uint16_t row, uint16_t from, uint16_t end);
void screen_erase_rows(struct screen *screen, uint16_t top, uint16_t end);
/* The whole grid with one character, in the default style. */
void screen_fill(struct screen *screen, uint16_t code);
/* Moves rows [top, end) by `count` or as far as there are, erasing what comes free. */
void screen_scroll_up(struct screen *screen, uint16_t top, uint16_t end, uint16_t count);
void screen_scroll_down(struct screen *screen, uint16_t top, uint16_t end, uint16_t count);
/* Opens empty cells at the cursor, or takes some out; what leaves the row is lost. */
void screen_insert_cells(struct screen *screen, uint16_t count);
void screen_delete_cells(struct screen *screen, uint16_t count);
/* Writes a character at the cursor, in the present style, and moves on. */
void screen_put_code(struct screen *screen, uint32_t code);

/* ---- the cursor ---- */

/* To a place that is clamped to the screen, or to the scrolling region. */
void screen_move_cursor(struct screen *screen, int column, int row);
/* By so many rows; stops at the region's edge when it starts inside (VT100, CUU and CUD). */
void screen_move_rows(struct screen *screen, int count);
/* A row down or up; at the region's edge it scrolls. */
void screen_line_feed(struct screen *screen);
void screen_reverse_line_feed(struct screen *screen);
void screen_carriage_return(struct screen *screen);
void screen_tab_forward(struct screen *screen);
void screen_tab_backward(struct screen *screen);
/* ESC 7 and ESC 8. */
void screen_save_position(struct screen *screen);
void screen_restore_position(struct screen *screen);

/* ---- style.c ---- */

/* SGR (ECMA-48, 8.3.117), by the parameters that were read. */
void screen_style_set(struct screen *screen);

#endif

/* cells.c: see cells.h. Colours stand in the cells as they will look; a style has words for them.
 */
#include "library/screen/cells.h"

#include "library/string.h"

#define COLOUR_DIM       8
#define COLOUR_UNDERLINE 14

/* ---- cells ---- */

static void mark_changed(struct screen *screen, uint16_t top, uint16_t end)
{
    if (screen->changed_top == screen->changed_end) {
        screen->changed_top = top;
        screen->changed_end = end;
        return;
    }
    if (top < screen->changed_top)
        screen->changed_top = top;
    if (end > screen->changed_end)
        screen->changed_end = end;
}

/* A character as it will look: the style's words become colours. */
static struct screen_cell styled_cell(const struct screen_style *style, uint16_t code)
{
    uint8_t foreground = style->foreground;
    uint8_t background = style->background;

    if (style->underline)
        foreground = COLOUR_UNDERLINE;
    else if (style->dim)
        foreground = COLOUR_DIM;
    if (style->bold)
        foreground |= SCREEN_BRIGHT;
    if (style->reverse) {
        uint8_t swapped = foreground;

        foreground = background;
        background = swapped;
    }
    if (style->invisible)
        foreground = background;
    return (struct screen_cell){code, foreground, background};
}

/* Erased cells take the background, and nothing else of the style. */
static struct screen_cell empty_cell(const struct screen *screen)
{
    return (struct screen_cell){' ', SCREEN_DEFAULT_FOREGROUND, screen->style.background};
}

void screen_erase(struct screen *screen, uint16_t row, uint16_t from, uint16_t end)
{
    struct screen_cell empty = empty_cell(screen);
    struct screen_cell *cells = screen_row(screen, row);

    for (uint16_t column = from; column < end; column++)
        cells[column] = empty;
    mark_changed(screen, row, row + 1);
}

void screen_erase_rows(struct screen *screen, uint16_t top, uint16_t end)
{
    for (uint16_t row = top; row < end; row++)
        screen_erase(screen, row, 0, screen->columns);
}

void screen_fill(struct screen *screen, uint16_t code)
{
    struct screen_cell cell = styled_cell(&screen_default_style, code);

    for (size_t i = 0; i < (size_t)screen->columns * screen->rows; i++)
        screen->cells[i] = cell;
    mark_changed(screen, 0, screen->rows);
}

/* Moves rows [top, end) up by `count`, erasing what comes free at the end. */
void screen_scroll_up(struct screen *screen, uint16_t top, uint16_t end, uint16_t count)
{
    if (count > end - top)
        count = end - top;
    memmove(screen_row(screen, top), screen_row(screen, top + count),
            (size_t)(end - top - count) * screen->columns * sizeof(struct screen_cell));
    mark_changed(screen, top, end);
    screen_erase_rows(screen, end - count, end);
}

void screen_scroll_down(struct screen *screen, uint16_t top, uint16_t end, uint16_t count)
{
    if (count > end - top)
        count = end - top;
    memmove(screen_row(screen, top + count), screen_row(screen, top),
            (size_t)(end - top - count) * screen->columns * sizeof(struct screen_cell));
    mark_changed(screen, top, end);
    screen_erase_rows(screen, top, top + count);
}

/* Opens `count` empty cells at the cursor; what leaves the row is lost. */
void screen_insert_cells(struct screen *screen, uint16_t count)
{
    struct screen_cell *cells = screen_row(screen, screen->row);
    uint16_t rest = screen->columns - screen->column;

    if (count > rest)
        count = rest;
    memmove(cells + screen->column + count, cells + screen->column,
            (rest - count) * sizeof(struct screen_cell));
    screen_erase(screen, screen->row, screen->column, screen->column + count);
}

void screen_delete_cells(struct screen *screen, uint16_t count)
{
    struct screen_cell *cells = screen_row(screen, screen->row);
    uint16_t rest = screen->columns - screen->column;

    if (count > rest)
        count = rest;
    memmove(cells + screen->column, cells + screen->column + count,
            (rest - count) * sizeof(struct screen_cell));
    screen_erase(screen, screen->row, screen->columns - count, screen->columns);
}

/* ---- the cursor ---- */

/* Moves to a place that is clamped to the screen, or to the scrolling region. */
void screen_move_cursor(struct screen *screen, int column, int row)
{
    int top = screen->origin_relative ? screen->region_top : 0;
    int end = screen->origin_relative ? screen->region_end : screen->rows;

    screen->column = column < 0 ? 0 : column >= screen->columns ? screen->columns - 1 : column;
    screen->row = row < top ? top : row >= end ? end - 1 : row;
    screen->wrap_pending = false;
}

/* Relative moves stop at the region's edge when they start inside it (VT100, CUU and CUD). */
void screen_move_rows(struct screen *screen, int count)
{
    int row = screen->row + count;

    if (screen->row >= screen->region_top && row < screen->region_top)
        row = screen->region_top;
    if (screen->row < screen->region_end && row >= screen->region_end)
        row = screen->region_end - 1;
    screen_move_cursor(screen, screen->column, row);
}

void screen_line_feed(struct screen *screen)
{
    screen->wrap_pending = false;
    if (screen->row + 1 == screen->region_end)
        screen_scroll_up(screen, screen->region_top, screen->region_end, 1);
    else if (screen->row + 1 < screen->rows)
        screen->row++;
}

void screen_reverse_line_feed(struct screen *screen)
{
    screen->wrap_pending = false;
    if (screen->row == screen->region_top)
        screen_scroll_down(screen, screen->region_top, screen->region_end, 1);
    else if (screen->row > 0)
        screen->row--;
}

void screen_carriage_return(struct screen *screen)
{
    screen->column = 0;
    screen->wrap_pending = false;
}

static bool tab_stop_at(const struct screen *screen, uint16_t column)
{
    return screen->tab_stops[column / 8] & (1 << column % 8);
}

void screen_tab_forward(struct screen *screen)
{
    while (screen->column + 1 < screen->columns) {
        screen->column++;
        if (tab_stop_at(screen, screen->column))
            break;
    }
}

void screen_tab_backward(struct screen *screen)
{
    screen->wrap_pending = false;
    while (screen->column > 0) {
        screen->column--;
        if (tab_stop_at(screen, screen->column))
            break;
    }
}

void screen_save_position(struct screen *screen)
{
    screen->saved = (struct screen_position){
        .column = screen->column,
        .row = screen->row,
        .style = screen->style,
        .origin_relative = screen->origin_relative,
        .graphics = screen->graphics,
    };
}

void screen_restore_position(struct screen *screen)
{
    screen->style = screen->saved.style;
    screen->origin_relative = screen->saved.origin_relative;
    screen->graphics = screen->saved.graphics;
    screen_move_cursor(screen, screen->saved.column, screen->saved.row);
}

/* ---- characters ---- */

/* DEC special graphics, 0x60 to 0x7e (VT100 User Guide, table 3-9). */
static const uint16_t graphics_codes[] = {
    0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518,
    0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524,
    0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

/* Marks that change the character before them take no cell of their own, nor do joiners. */
static bool code_is_zero_width(uint32_t code)
{
    return (code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0xfe00 && code <= 0xfe0f) || code == 0xfeff;
}

void screen_put_code(struct screen *screen, uint32_t code)
{
    if (code_is_zero_width(code))
        return;
    if (screen->graphics && code >= 0x60 && code <= 0x7e)
        code = graphics_codes[code - 0x60];
    if (code > UINT16_MAX)
        code = SCREEN_REPLACEMENT;
    if (screen->wrap_pending) {
        screen_carriage_return(screen);
        screen_line_feed(screen);
    }
    if (screen->insert)
        screen_insert_cells(screen, 1);
    screen_row(screen, screen->row)[screen->column] = styled_cell(&screen->style, code);
    mark_changed(screen, screen->row, screen->row + 1);
    screen->last_code = code;
    if (screen->column + 1 < screen->columns)
        screen->column++;
    else
        screen->wrap_pending = screen->autowrap;
}

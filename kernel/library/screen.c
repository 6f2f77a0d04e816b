/*
 * screen.c: see screen.h. The sequences are those of ECMA-48 (5th edition) and
 * of DEC's VT100 User Guide, as far as console_codes(4) lists them. Bytes go
 *
 *   screen_write → put_byte → (UTF-8) put_code, control_character
 *                           → escape, control_sequence
 */
#include "library/screen.h"

#include "library/format.h"
#include "library/string.h"

#define ESCAPE             0x1b
#define DELETE             0x7f
#define REPLACEMENT        0xfffd
#define DEFAULT_FOREGROUND 7
#define DEFAULT_BACKGROUND 0
#define BRIGHT             8
#define COLOUR_DIM         8
#define COLOUR_UNDERLINE   14

/* Chosen so that each is legible on black, also blue. */
const uint32_t screen_palette[16] = {
    0x000000, 0xcd3131, 0x22b14c, 0xc4a000, 0x4a78d0, 0xb05fc0, 0x11a8cd, 0xd0d0d0,
    0x767676, 0xff5f5f, 0x5fe07f, 0xffe066, 0x7fa8ff, 0xe08cf0, 0x5fd7ff, 0xffffff,
};

static const struct screen_style default_style = {
    .foreground = DEFAULT_FOREGROUND,
    .background = DEFAULT_BACKGROUND,
};

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
        foreground |= BRIGHT;
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
    return (struct screen_cell){' ', DEFAULT_FOREGROUND, screen->style.background};
}

static void erase(struct screen *screen, uint16_t row, uint16_t from, uint16_t end)
{
    struct screen_cell empty = empty_cell(screen);
    struct screen_cell *cells = screen_row(screen, row);

    for (uint16_t column = from; column < end; column++)
        cells[column] = empty;
    mark_changed(screen, row, row + 1);
}

static void erase_rows(struct screen *screen, uint16_t top, uint16_t end)
{
    for (uint16_t row = top; row < end; row++)
        erase(screen, row, 0, screen->columns);
}

/* Moves rows [top, end) up by `count`, erasing what comes free at the end. */
static void scroll_up(struct screen *screen, uint16_t top, uint16_t end, uint16_t count)
{
    if (count > end - top)
        count = end - top;
    memmove(screen_row(screen, top), screen_row(screen, top + count),
            (size_t)(end - top - count) * screen->columns * sizeof(struct screen_cell));
    mark_changed(screen, top, end);
    erase_rows(screen, end - count, end);
}

static void scroll_down(struct screen *screen, uint16_t top, uint16_t end, uint16_t count)
{
    if (count > end - top)
        count = end - top;
    memmove(screen_row(screen, top + count), screen_row(screen, top),
            (size_t)(end - top - count) * screen->columns * sizeof(struct screen_cell));
    mark_changed(screen, top, end);
    erase_rows(screen, top, top + count);
}

/* Opens `count` empty cells at the cursor; what leaves the row is lost. */
static void insert_cells(struct screen *screen, uint16_t count)
{
    struct screen_cell *cells = screen_row(screen, screen->row);
    uint16_t rest = screen->columns - screen->column;

    if (count > rest)
        count = rest;
    memmove(cells + screen->column + count, cells + screen->column,
            (rest - count) * sizeof(struct screen_cell));
    erase(screen, screen->row, screen->column, screen->column + count);
}

static void delete_cells(struct screen *screen, uint16_t count)
{
    struct screen_cell *cells = screen_row(screen, screen->row);
    uint16_t rest = screen->columns - screen->column;

    if (count > rest)
        count = rest;
    memmove(cells + screen->column, cells + screen->column + count,
            (rest - count) * sizeof(struct screen_cell));
    erase(screen, screen->row, screen->columns - count, screen->columns);
}

/* ---- the cursor ---- */

/* Moves to a place that is clamped to the screen, or to the scrolling region. */
static void move_cursor(struct screen *screen, int column, int row)
{
    int top = screen->origin_relative ? screen->region_top : 0;
    int end = screen->origin_relative ? screen->region_end : screen->rows;

    screen->column = column < 0 ? 0 : column >= screen->columns ? screen->columns - 1 : column;
    screen->row = row < top ? top : row >= end ? end - 1 : row;
    screen->wrap_pending = false;
}

/* Relative moves stop at the region's edge when they start inside it (VT100, CUU and CUD). */
static void move_rows(struct screen *screen, int count)
{
    int row = screen->row + count;

    if (screen->row >= screen->region_top && row < screen->region_top)
        row = screen->region_top;
    if (screen->row < screen->region_end && row >= screen->region_end)
        row = screen->region_end - 1;
    move_cursor(screen, screen->column, row);
}

static void line_feed(struct screen *screen)
{
    screen->wrap_pending = false;
    if (screen->row + 1 == screen->region_end)
        scroll_up(screen, screen->region_top, screen->region_end, 1);
    else if (screen->row + 1 < screen->rows)
        screen->row++;
}

static void reverse_line_feed(struct screen *screen)
{
    screen->wrap_pending = false;
    if (screen->row == screen->region_top)
        scroll_down(screen, screen->region_top, screen->region_end, 1);
    else if (screen->row > 0)
        screen->row--;
}

static void carriage_return(struct screen *screen)
{
    screen->column = 0;
    screen->wrap_pending = false;
}

static bool tab_stop_at(const struct screen *screen, uint16_t column)
{
    return screen->tab_stops[column / 8] & (1 << column % 8);
}

static void tab_forward(struct screen *screen)
{
    while (screen->column + 1 < screen->columns) {
        screen->column++;
        if (tab_stop_at(screen, screen->column))
            break;
    }
}

static void tab_backward(struct screen *screen)
{
    screen->wrap_pending = false;
    while (screen->column > 0) {
        screen->column--;
        if (tab_stop_at(screen, screen->column))
            break;
    }
}

static void save_position(struct screen *screen)
{
    screen->saved = (struct screen_position){
        .column = screen->column,
        .row = screen->row,
        .style = screen->style,
        .origin_relative = screen->origin_relative,
        .graphics = screen->graphics,
    };
}

static void restore_position(struct screen *screen)
{
    screen->style = screen->saved.style;
    screen->origin_relative = screen->saved.origin_relative;
    screen->graphics = screen->saved.graphics;
    move_cursor(screen, screen->saved.column, screen->saved.row);
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

static void put_code(struct screen *screen, uint32_t code)
{
    if (code_is_zero_width(code))
        return;
    if (screen->graphics && code >= 0x60 && code <= 0x7e)
        code = graphics_codes[code - 0x60];
    if (code > UINT16_MAX)
        code = REPLACEMENT;
    if (screen->wrap_pending) {
        carriage_return(screen);
        line_feed(screen);
    }
    if (screen->insert)
        insert_cells(screen, 1);
    screen_row(screen, screen->row)[screen->column] = styled_cell(&screen->style, code);
    mark_changed(screen, screen->row, screen->row + 1);
    screen->last_code = code;
    if (screen->column + 1 < screen->columns)
        screen->column++;
    else
        screen->wrap_pending = screen->autowrap;
}

/* C0 (ECMA-48, 8.2.1). They act in the middle of an escape sequence, too. */
static void control_character(struct screen *screen, unsigned char byte)
{
    switch (byte) {
    case '\b':
        if (screen->column > 0)
            screen->column--;
        screen->wrap_pending = false;
        break;
    case '\t':
        tab_forward(screen);
        break;
    case '\n':
    case '\v':
    case '\f':
        line_feed(screen);
        if (screen->newline_returns)
            carriage_return(screen);
        break;
    case '\r':
        carriage_return(screen);
        break;
    case 0x0e: /* SO */
        screen->graphics = true;
        break;
    case 0x0f: /* SI */
        screen->graphics = false;
        break;
    case 0x18: /* CAN */
    case 0x1a: /* SUB */
        screen->state = SCREEN_GROUND;
        break;
    case ESCAPE:
        screen->state = SCREEN_ESCAPE;
        break;
    }
}

/* ---- control sequences: ESC [ parameters final ---- */

static uint16_t parameter(const struct screen *screen, unsigned index, uint16_t otherwise)
{
    if (index >= screen->parameter_count || screen->parameters[index] == 0)
        return otherwise;
    return screen->parameters[index];
}

static void reply(struct screen *screen, const char *text)
{
    size_t size = strlen(text);

    if (size > (size_t)SCREEN_REPLY_SIZE - screen->reply_size)
        return;
    memcpy(screen->reply + screen->reply_size, text, size);
    screen->reply_size += size;
}

/* DSR (ECMA-48, 8.3.35). */
static void report_status(struct screen *screen)
{
    char text[24];

    if (screen->parameters[0] == 5) {
        reply(screen, "\033[0n");
    } else if (screen->parameters[0] == 6) {
        unsigned row = screen->row - (screen->origin_relative ? screen->region_top : 0);

        format_string(text, sizeof(text), "\033[%u;%uR", row + 1, screen->column + 1u);
        reply(screen, text);
    }
}

static void erase_in_display(struct screen *screen)
{
    switch (screen->parameters[0]) {
    case 0:
        erase(screen, screen->row, screen->column, screen->columns);
        erase_rows(screen, screen->row + 1, screen->rows);
        break;
    case 1:
        erase_rows(screen, 0, screen->row);
        erase(screen, screen->row, 0, screen->column + 1);
        break;
    case 2:
    case 3:
        erase_rows(screen, 0, screen->rows);
        break;
    }
}

static void erase_in_line(struct screen *screen)
{
    switch (screen->parameters[0]) {
    case 0:
        erase(screen, screen->row, screen->column, screen->columns);
        break;
    case 1:
        erase(screen, screen->row, 0, screen->column + 1);
        break;
    case 2:
        erase(screen, screen->row, 0, screen->columns);
        break;
    }
}

static void insert_lines(struct screen *screen, uint16_t count)
{
    if (screen->row < screen->region_top || screen->row >= screen->region_end)
        return;
    scroll_down(screen, screen->row, screen->region_end, count);
    carriage_return(screen);
}

static void delete_lines(struct screen *screen, uint16_t count)
{
    if (screen->row < screen->region_top || screen->row >= screen->region_end)
        return;
    scroll_up(screen, screen->row, screen->region_end, count);
    carriage_return(screen);
}

static void set_region(struct screen *screen)
{
    uint16_t top = parameter(screen, 0, 1);
    uint16_t end = parameter(screen, 1, screen->rows);

    if (end > screen->rows)
        end = screen->rows;
    if (top >= end)
        return;
    screen->region_top = top - 1;
    screen->region_end = end;
    move_cursor(screen, 0, screen->origin_relative ? screen->region_top : 0);
}

static void set_mode(struct screen *screen, bool value)
{
    for (unsigned i = 0; i < screen->parameter_count; i++) {
        uint16_t mode = screen->parameters[i];

        if (screen->prefix == 0 && mode == 4) {
            screen->insert = value;
        } else if (screen->prefix == 0 && mode == 20) {
            screen->newline_returns = value;
        } else if (screen->prefix == '?' && mode == 1) {
            screen->application_cursor = value;
        } else if (screen->prefix == '?' && mode == 6) {
            screen->origin_relative = value;
            move_cursor(screen, 0, value ? screen->region_top : 0);
        } else if (screen->prefix == '?' && mode == 7) {
            screen->autowrap = value;
        } else if (screen->prefix == '?' && mode == 25) {
            screen->cursor_visible = value;
        }
    }
}

/* The one of the sixteen colours that is nearest to an RGB value. */
static uint8_t nearest_colour(unsigned red, unsigned green, unsigned blue)
{
    unsigned best = UINT32_MAX;
    uint8_t colour = 0;

    for (uint8_t i = 0; i < 16; i++) {
        int r = (int)(screen_palette[i] >> 16) - (int)red;
        int g = (int)(screen_palette[i] >> 8 & 0xff) - (int)green;
        int b = (int)(screen_palette[i] & 0xff) - (int)blue;
        unsigned distance = r * r + g * g + b * b;

        if (distance < best) {
            best = distance;
            colour = i;
        }
    }
    return colour;
}

/* One of xterm's 256: sixteen, a cube of 6x6x6, 24 greys. */
static uint8_t indexed_colour(uint16_t index)
{
    static const uint8_t steps[] = {0, 95, 135, 175, 215, 255};

    if (index < 16)
        return index;
    if (index < 232) {
        index -= 16;
        return nearest_colour(steps[index / 36], steps[index / 6 % 6], steps[index % 6]);
    }
    unsigned grey = 8 + (index - 232) * 10;
    return nearest_colour(grey, grey, grey);
}

/* SGR 38 and 48: ;5;index or ;2;red;green;blue. Returns how many parameters it took. */
static unsigned extended_colour(const struct screen *screen, unsigned index, uint8_t *colour)
{
    const uint16_t *parameters = screen->parameters + index;
    unsigned left = screen->parameter_count - index;

    if (left >= 3 && parameters[1] == 5) {
        if (parameters[2] < 256)
            *colour = indexed_colour(parameters[2]);
        return 3;
    }
    if (left >= 5 && parameters[1] == 2) {
        *colour = nearest_colour(parameters[2] & 0xff, parameters[3] & 0xff, parameters[4] & 0xff);
        return 5;
    }
    return left;
}

/* SGR (ECMA-48, 8.3.117). */
static void set_style(struct screen *screen)
{
    struct screen_style *style = &screen->style;

    for (unsigned i = 0; i < screen->parameter_count; i++) {
        uint16_t value = screen->parameters[i];

        switch (value) {
        case 0:
            *style = default_style;
            break;
        case 1:
            style->bold = true;
            break;
        case 2:
            style->dim = true;
            break;
        case 4:
            style->underline = true;
            break;
        case 5:
            style->blink = true;
            break;
        case 7:
            style->reverse = true;
            break;
        case 8:
            style->invisible = true;
            break;
        case 21:
            style->underline = true;
            break;
        case 22:
            style->bold = style->dim = false;
            break;
        case 24:
            style->underline = false;
            break;
        case 25:
            style->blink = false;
            break;
        case 27:
            style->reverse = false;
            break;
        case 28:
            style->invisible = false;
            break;
        case 30 ... 37:
            style->foreground = value - 30;
            break;
        case 38:
            i += extended_colour(screen, i, &style->foreground) - 1;
            break;
        case 39:
            style->foreground = DEFAULT_FOREGROUND;
            break;
        case 40 ... 47:
            style->background = value - 40;
            break;
        case 48:
            i += extended_colour(screen, i, &style->background) - 1;
            break;
        case 49:
            style->background = DEFAULT_BACKGROUND;
            break;
        case 90 ... 97:
            style->foreground = value - 90 + BRIGHT;
            break;
        case 100 ... 107:
            style->background = value - 100 + BRIGHT;
            break;
        }
    }
}

static void repeat_last(struct screen *screen, uint16_t count)
{
    unsigned most = (unsigned)screen->columns * screen->rows;

    if (screen->last_code == 0)
        return;
    if (count > most)
        count = most;
    while (count--)
        put_code(screen, screen->last_code);
}

static void clear_tab_stops(struct screen *screen)
{
    if (screen->parameters[0] == 0)
        screen->tab_stops[screen->column / 8] &= ~(1 << screen->column % 8);
    else if (screen->parameters[0] == 3)
        memset(screen->tab_stops, 0, sizeof(screen->tab_stops));
}

static void tab_many(struct screen *screen, void (*tab)(struct screen *screen), uint16_t count)
{
    if (count > screen->columns)
        count = screen->columns;
    while (count--)
        tab(screen);
}

static void erase_characters(struct screen *screen, uint16_t count)
{
    uint16_t rest = screen->columns - screen->column;

    erase(screen, screen->row, screen->column, screen->column + (count < rest ? count : rest));
}

/* Sequences that have one of < = > ? before the parameters: private ones. */
static void private_sequence(struct screen *screen, char final)
{
    if (screen->prefix == '?' && (final == 'h' || final == 'l'))
        set_mode(screen, final == 'h');
}

static void control_sequence(struct screen *screen, char final)
{
    uint16_t count = parameter(screen, 0, 1);
    int top = screen->origin_relative ? screen->region_top : 0;

    if (screen->prefix) {
        private_sequence(screen, final);
        return;
    }
    switch (final) {
    case '@': /* ICH */
        insert_cells(screen, count);
        break;
    case 'A': /* CUU */
        move_rows(screen, -count);
        break;
    case 'B': /* CUD */
    case 'e': /* VPR */
        move_rows(screen, count);
        break;
    case 'C': /* CUF */
    case 'a': /* HPR */
        move_cursor(screen, screen->column + count, screen->row);
        break;
    case 'D': /* CUB */
        move_cursor(screen, screen->column - count, screen->row);
        break;
    case 'E': /* CNL */
        move_rows(screen, count);
        carriage_return(screen);
        break;
    case 'F': /* CPL */
        move_rows(screen, -count);
        carriage_return(screen);
        break;
    case 'G': /* CHA */
    case '`': /* HPA */
        move_cursor(screen, count - 1, screen->row);
        break;
    case 'H': /* CUP */
    case 'f': /* HVP */
        move_cursor(screen, parameter(screen, 1, 1) - 1, top + count - 1);
        break;
    case 'I': /* CHT */
        tab_many(screen, tab_forward, count);
        break;
    case 'J': /* ED */
        erase_in_display(screen);
        break;
    case 'K': /* EL */
        erase_in_line(screen);
        break;
    case 'L': /* IL */
        insert_lines(screen, count);
        break;
    case 'M': /* DL */
        delete_lines(screen, count);
        break;
    case 'P': /* DCH */
        delete_cells(screen, count);
        break;
    case 'S': /* SU */
        scroll_up(screen, screen->region_top, screen->region_end, count);
        break;
    case 'T': /* SD */
        scroll_down(screen, screen->region_top, screen->region_end, count);
        break;
    case 'X': /* ECH */
        erase_characters(screen, count);
        break;
    case 'Z': /* CBT */
        tab_many(screen, tab_backward, count);
        break;
    case 'b': /* REP */
        repeat_last(screen, count);
        break;
    case 'c': /* DA: "I am a VT102" */
        if (screen->parameters[0] == 0)
            reply(screen, "\033[?6c");
        break;
    case 'd': /* VPA */
        move_cursor(screen, screen->column, top + count - 1);
        break;
    case 'g': /* TBC */
        clear_tab_stops(screen);
        break;
    case 'h': /* SM */
        set_mode(screen, true);
        break;
    case 'l': /* RM */
        set_mode(screen, false);
        break;
    case 'm': /* SGR */
        set_style(screen);
        break;
    case 'n': /* DSR */
        report_status(screen);
        break;
    case 'r': /* DECSTBM */
        set_region(screen);
        break;
    case 's':
        save_position(screen);
        break;
    case 'u':
        restore_position(screen);
        break;
    }
}

static void control_begin(struct screen *screen)
{
    screen->state = SCREEN_CONTROL;
    screen->prefix = 0;
    screen->too_odd = false;
    screen->parameter_count = 1;
    memset(screen->parameters, 0, sizeof(screen->parameters));
}

static void control_digit(struct screen *screen, unsigned digit)
{
    uint16_t *value = &screen->parameters[screen->parameter_count - 1];

    /* Larger than any screen is large enough. */
    *value = *value > 999 ? 9999 : *value * 10 + digit;
}

/* One byte between ESC [ and the end (ECMA-48, 5.4). */
static void control_byte(struct screen *screen, unsigned char byte)
{
    if (byte >= '0' && byte <= '9') {
        control_digit(screen, byte - '0');
    } else if (byte == ';' || byte == ':') {
        if (screen->parameter_count < SCREEN_PARAMETERS_MAXIMUM)
            screen->parameter_count++;
        else
            screen->too_odd = true;
    } else if (byte >= '<' && byte <= '?') {
        screen->prefix = byte;
    } else if (byte >= ' ' && byte <= '/') {
        screen->too_odd = true;
    } else {
        screen->state = SCREEN_GROUND;
        if (byte >= '@' && byte <= '~' && !screen->too_odd)
            control_sequence(screen, byte);
    }
}

/* ---- escape sequences ---- */

static void reset(struct screen *screen)
{
    screen->style = default_style;
    screen->region_top = 0;
    screen->region_end = screen->rows;
    screen->autowrap = true;
    screen->insert = false;
    screen->origin_relative = false;
    screen->newline_returns = false;
    screen->cursor_visible = true;
    screen->application_cursor = false;
    screen->graphics = false;
    screen->last_code = 0;
    screen->state = SCREEN_GROUND;
    screen->code_missing = 0;
    memset(screen->tab_stops, 1, sizeof(screen->tab_stops));
    erase_rows(screen, 0, screen->rows);
    move_cursor(screen, 0, 0);
    save_position(screen);
}

static void escape_byte(struct screen *screen, unsigned char byte)
{
    screen->state = SCREEN_GROUND;
    switch (byte) {
    case '[':
        control_begin(screen);
        break;
    case ']':
    case 'P':
    case '^':
    case '_':
    case 'X':
        screen->state = SCREEN_STRING;
        break;
    case ' ' ... '/':
        screen->state = SCREEN_INTERMEDIATE;
        screen->intermediate = byte;
        break;
    case '7':
        save_position(screen);
        break;
    case '8':
        restore_position(screen);
        break;
    case 'D': /* IND */
        line_feed(screen);
        break;
    case 'E': /* NEL */
        line_feed(screen);
        carriage_return(screen);
        break;
    case 'H': /* HTS */
        screen->tab_stops[screen->column / 8] |= 1 << screen->column % 8;
        break;
    case 'M': /* RI */
        reverse_line_feed(screen);
        break;
    case 'Z': /* DECID */
        reply(screen, "\033[?6c");
        break;
    case 'c': /* RIS */
        reset(screen);
        break;
    }
}

/* DECALN: a screen full of E, for aligning the tube. */
static void fill_with_e(struct screen *screen)
{
    struct screen_cell cell = styled_cell(&default_style, 'E');

    for (size_t i = 0; i < (size_t)screen->columns * screen->rows; i++)
        screen->cells[i] = cell;
    mark_changed(screen, 0, screen->rows);
    move_cursor(screen, 0, 0);
}

static void intermediate_byte(struct screen *screen, unsigned char byte)
{
    screen->state = SCREEN_GROUND;
    if (screen->intermediate == '(')
        screen->graphics = byte == '0';
    else if (screen->intermediate == '#' && byte == '8')
        fill_with_e(screen);
}

/* ---- bytes ---- */

/* UTF-8 (RFC 3629); a byte that does not fit shows as the replacement character. */
static void ground_byte(struct screen *screen, unsigned char byte)
{
    if (screen->code_missing) {
        if ((byte & 0xc0) == 0x80) {
            screen->code_point = screen->code_point << 6 | (byte & 0x3f);
            if (--screen->code_missing)
                return;
            bool surrogate = screen->code_point >= 0xd800 && screen->code_point <= 0xdfff;
            bool bad = screen->code_point < screen->code_least || surrogate;
            put_code(screen, bad ? REPLACEMENT : screen->code_point);
            return;
        }
        screen->code_missing = 0;
        put_code(screen, REPLACEMENT);
    }
    if (byte < 0x80) {
        put_code(screen, byte);
    } else if (byte >= 0xc2 && byte <= 0xdf) {
        screen->code_point = byte & 0x1f;
        screen->code_least = 0x80;
        screen->code_missing = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
        screen->code_point = byte & 0x0f;
        screen->code_least = 0x800;
        screen->code_missing = 2;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        screen->code_point = byte & 0x07;
        screen->code_least = 0x10000;
        screen->code_missing = 3;
    } else {
        put_code(screen, REPLACEMENT);
    }
}

static void string_byte(struct screen *screen, unsigned char byte)
{
    if (byte == '\a' || byte == 0x18 || byte == 0x1a ||
        (screen->state == SCREEN_STRING_ESCAPE && byte == '\\'))
        screen->state = SCREEN_GROUND;
    else
        screen->state = byte == ESCAPE ? SCREEN_STRING_ESCAPE : SCREEN_STRING;
}

static void put_byte(struct screen *screen, unsigned char byte)
{
    if (screen->state == SCREEN_STRING || screen->state == SCREEN_STRING_ESCAPE) {
        string_byte(screen, byte);
        return;
    }
    if (byte < 0x20 || byte == DELETE) {
        if (screen->code_missing) {
            screen->code_missing = 0;
            put_code(screen, REPLACEMENT);
        }
        control_character(screen, byte);
        return;
    }
    switch (screen->state) {
    case SCREEN_ESCAPE:
        escape_byte(screen, byte);
        break;
    case SCREEN_INTERMEDIATE:
        intermediate_byte(screen, byte);
        break;
    case SCREEN_CONTROL:
        control_byte(screen, byte);
        break;
    default:
        ground_byte(screen, byte);
        break;
    }
}

void screen_initialize(struct screen *screen, struct screen_cell *cells, uint16_t columns,
                       uint16_t rows)
{
    memset(screen, 0, sizeof(*screen));
    screen->cells = cells;
    screen->columns = columns;
    screen->rows = rows;
    reset(screen);
}

void screen_write(struct screen *screen, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        put_byte(screen, bytes[i]);
}

size_t screen_take_reply(struct screen *screen, char *to)
{
    size_t size = screen->reply_size;

    memcpy(to, screen->reply, size);
    screen->reply_size = 0;
    return size;
}

/*
 * screen.c: see screen.h. The sequences are those of ECMA-48 (5th edition) and
 * of DEC's VT100 User Guide, as far as console_codes(4) lists them. Bytes go
 *
 *   screen_write → put_byte → (UTF-8) screen_put_code, control_character
 *                           → escape, control_sequence
 */
#include "library/screen/screen.h"

#include "library/format.h"
#include "library/screen/cells.h"
#include "library/string.h"

#define ESCAPE 0x1b
#define DELETE 0x7f
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
        screen_tab_forward(screen);
        break;
    case '\n':
    case '\v':
    case '\f':
        screen_line_feed(screen);
        if (screen->newline_returns)
            screen_carriage_return(screen);
        break;
    case '\r':
        screen_carriage_return(screen);
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
        screen_erase(screen, screen->row, screen->column, screen->columns);
        screen_erase_rows(screen, screen->row + 1, screen->rows);
        break;
    case 1:
        screen_erase_rows(screen, 0, screen->row);
        screen_erase(screen, screen->row, 0, screen->column + 1);
        break;
    case 2:
    case 3:
        screen_erase_rows(screen, 0, screen->rows);
        break;
    }
}

static void erase_in_line(struct screen *screen)
{
    switch (screen->parameters[0]) {
    case 0:
        screen_erase(screen, screen->row, screen->column, screen->columns);
        break;
    case 1:
        screen_erase(screen, screen->row, 0, screen->column + 1);
        break;
    case 2:
        screen_erase(screen, screen->row, 0, screen->columns);
        break;
    }
}

static void insert_lines(struct screen *screen, uint16_t count)
{
    if (screen->row < screen->region_top || screen->row >= screen->region_end)
        return;
    screen_scroll_down(screen, screen->row, screen->region_end, count);
    screen_carriage_return(screen);
}

static void delete_lines(struct screen *screen, uint16_t count)
{
    if (screen->row < screen->region_top || screen->row >= screen->region_end)
        return;
    screen_scroll_up(screen, screen->row, screen->region_end, count);
    screen_carriage_return(screen);
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
    screen_move_cursor(screen, 0, screen->origin_relative ? screen->region_top : 0);
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
            screen_move_cursor(screen, 0, value ? screen->region_top : 0);
        } else if (screen->prefix == '?' && mode == 7) {
            screen->autowrap = value;
        } else if (screen->prefix == '?' && mode == 25) {
            screen->cursor_visible = value;
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
        screen_put_code(screen, screen->last_code);
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

    screen_erase(screen, screen->row, screen->column,
                 screen->column + (count < rest ? count : rest));
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
        screen_insert_cells(screen, count);
        break;
    case 'A': /* CUU */
        screen_move_rows(screen, -count);
        break;
    case 'B': /* CUD */
    case 'e': /* VPR */
        screen_move_rows(screen, count);
        break;
    case 'C': /* CUF */
    case 'a': /* HPR */
        screen_move_cursor(screen, screen->column + count, screen->row);
        break;
    case 'D': /* CUB */
        screen_move_cursor(screen, screen->column - count, screen->row);
        break;
    case 'E': /* CNL */
        screen_move_rows(screen, count);
        screen_carriage_return(screen);
        break;
    case 'F': /* CPL */
        screen_move_rows(screen, -count);
        screen_carriage_return(screen);
        break;
    case 'G': /* CHA */
    case '`': /* HPA */
        screen_move_cursor(screen, count - 1, screen->row);
        break;
    case 'H': /* CUP */
    case 'f': /* HVP */
        screen_move_cursor(screen, parameter(screen, 1, 1) - 1, top + count - 1);
        break;
    case 'I': /* CHT */
        tab_many(screen, screen_tab_forward, count);
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
        screen_delete_cells(screen, count);
        break;
    case 'S': /* SU */
        screen_scroll_up(screen, screen->region_top, screen->region_end, count);
        break;
    case 'T': /* SD */
        screen_scroll_down(screen, screen->region_top, screen->region_end, count);
        break;
    case 'X': /* ECH */
        erase_characters(screen, count);
        break;
    case 'Z': /* CBT */
        tab_many(screen, screen_tab_backward, count);
        break;
    case 'b': /* REP */
        repeat_last(screen, count);
        break;
    case 'c': /* DA: "I am a VT102" */
        if (screen->parameters[0] == 0)
            reply(screen, "\033[?6c");
        break;
    case 'd': /* VPA */
        screen_move_cursor(screen, screen->column, top + count - 1);
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
        screen_style_set(screen);
        break;
    case 'n': /* DSR */
        report_status(screen);
        break;
    case 'r': /* DECSTBM */
        set_region(screen);
        break;
    case 's':
        screen_save_position(screen);
        break;
    case 'u':
        screen_restore_position(screen);
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
    screen->style = screen_default_style;
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
    screen_erase_rows(screen, 0, screen->rows);
    screen_move_cursor(screen, 0, 0);
    screen_save_position(screen);
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
        screen_save_position(screen);
        break;
    case '8':
        screen_restore_position(screen);
        break;
    case 'D': /* IND */
        screen_line_feed(screen);
        break;
    case 'E': /* NEL */
        screen_line_feed(screen);
        screen_carriage_return(screen);
        break;
    case 'H': /* HTS */
        screen->tab_stops[screen->column / 8] |= 1 << screen->column % 8;
        break;
    case 'M': /* RI */
        screen_reverse_line_feed(screen);
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
    screen_fill(screen, 'E');
    screen_move_cursor(screen, 0, 0);
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
            screen_put_code(screen, bad ? SCREEN_REPLACEMENT : screen->code_point);
            return;
        }
        screen->code_missing = 0;
        screen_put_code(screen, SCREEN_REPLACEMENT);
    }
    if (byte < 0x80) {
        screen_put_code(screen, byte);
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
        screen_put_code(screen, SCREEN_REPLACEMENT);
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
            screen_put_code(screen, SCREEN_REPLACEMENT);
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

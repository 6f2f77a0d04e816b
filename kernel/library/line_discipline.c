/*
 * line_discipline.c: see line_discipline.h. Where POSIX leaves something open,
 * this does what Linux's default discipline does (termios(3), and behaviour
 * measured there).
 */
#include "library/line_discipline.h"

#include <asm/signal.h>

#include "library/string.h"

#define DELETE 0x7f
#define MARK   0xff /* begins a marked byte under PARMRK */

/* ---- small questions ---- */

static bool input_flag(const struct line_discipline *line, tcflag_t flag)
{
    return line->settings.c_iflag & flag;
}

static bool output_flag(const struct line_discipline *line, tcflag_t flag)
{
    return line->settings.c_oflag & flag;
}

static bool local_flag(const struct line_discipline *line, tcflag_t flag)
{
    return line->settings.c_lflag & flag;
}

/* Is `byte` this control character? 0 means that there is none (_POSIX_VDISABLE). */
static bool is_control(const struct line_discipline *line, unsigned index, uint8_t byte)
{
    return byte && line->settings.c_cc[index] == byte;
}

static bool is_unprintable(uint8_t byte)
{
    return byte < 0x20 || byte == DELETE;
}

/* Not the first byte of a UTF-8 character? */
static bool is_continuation(const struct line_discipline *line, uint8_t byte)
{
    return input_flag(line, IUTF8) && (byte & 0xc0) == 0x80;
}

static bool is_word_part(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_' || byte >= 0xa0;
}

static uint8_t *input_at(struct line_discipline *line, uint32_t position)
{
    return &line->input[position % LINE_INPUT_SIZE];
}

static uint32_t input_used(const struct line_discipline *line)
{
    return line->head - line->tail;
}

static bool bit_test(const uint64_t *bits, uint32_t position)
{
    position %= LINE_INPUT_SIZE;
    return bits[position / 64] >> position % 64 & 1;
}

static void bit_write(uint64_t *bits, uint32_t position, bool value)
{
    uint64_t bit = UINT64_C(1) << position % 64;

    position %= LINE_INPUT_SIZE;
    if (value)
        bits[position / 64] |= bit;
    else
        bits[position / 64] &= ~bit;
}

/* ---- output ---- */

/* One byte through OPOST; returns how many were written to `to`. */
static size_t output_byte(struct line_discipline *line, uint8_t byte, uint8_t *to)
{
    switch (byte) {
    case '\n':
        if (output_flag(line, ONLRET))
            line->column = 0;
        if (!output_flag(line, ONLCR))
            break;
        line->column = 0;
        to[0] = '\r';
        to[1] = '\n';
        return 2;
    case '\r':
        if (output_flag(line, ONOCR) && line->column == 0)
            return 0;
        if (output_flag(line, OCRNL)) {
            byte = '\n';
            if (!output_flag(line, ONLRET))
                break;
        }
        line->column = 0;
        break;
    case '\t': {
        uint32_t spaces = 8 - line->column % 8;

        line->column += spaces;
        if ((line->settings.c_oflag & TABDLY) != XTABS)
            break;
        memset(to, ' ', spaces);
        return spaces;
    }
    case '\b':
        if (line->column > 0)
            line->column--;
        break;
    default:
        if (is_unprintable(byte))
            break;
        if (output_flag(line, OLCUC) && byte >= 'a' && byte <= 'z')
            byte -= 'a' - 'A';
        if (!is_continuation(line, byte))
            line->column++;
        break;
    }
    to[0] = byte;
    return 1;
}

size_t line_process_output(struct line_discipline *line, const uint8_t *from, size_t size,
                           uint8_t *to, size_t room, size_t *made)
{
    size_t taken = 0;

    *made = 0;
    if (!output_flag(line, OPOST)) {
        taken = size < room ? size : room;
        memcpy(to, from, taken);
        *made = taken;
        return taken;
    }
    while (taken < size && room - *made >= LINE_OUTPUT_EXPANSION)
        *made += output_byte(line, from[taken++], to + *made);
    return taken;
}

/* ---- echo ---- */

static void echo_raw(struct line_discipline *line, uint8_t byte)
{
    uint8_t bytes[LINE_OUTPUT_EXPANSION] = {byte};
    size_t size = output_flag(line, OPOST) ? output_byte(line, byte, bytes) : 1;

    line->output(line, bytes, size);
}

static void echo(struct line_discipline *line, uint8_t byte)
{
    if (local_flag(line, ECHOCTL) && is_unprintable(byte) && byte != '\t') {
        echo_raw(line, '^');
        byte ^= 0x40;
    }
    echo_raw(line, byte);
}

static void echo_string(struct line_discipline *line, const char *string)
{
    while (*string)
        echo_raw(line, *string++);
}

static void reprint_end(struct line_discipline *line)
{
    if (line->reprinting) {
        echo_raw(line, '/');
        line->reprinting = false;
    }
}

/*
 * Where the cursor stands when the line is shown up to `end`. Of a long line
 * only the end is looked at: this runs with interrupts off, once for each tab
 * that is erased, and such a line's columns have been wrapped by the screen.
 */
static uint32_t column_at(struct line_discipline *line, uint32_t end)
{
    const uint32_t most = 256;
    uint32_t column = line->line_column;
    uint32_t position = end - line->lines_end > most ? end - most : line->lines_end;

    for (; position != end; position++) {
        uint8_t byte = *input_at(line, position);

        if (byte == '\t')
            column += 8 - column % 8;
        else if (is_unprintable(byte))
            column += local_flag(line, ECHOCTL) ? 2 : 0;
        else if (!is_continuation(line, byte))
            column++;
    }
    return column;
}

/* ---- the input buffer ---- */

/*
 * When a line is too long its last byte makes room, so that the newline always
 * finds a place (as on Linux).
 */
static void put(struct line_discipline *line, uint8_t byte, bool ends_line, bool end_marker)
{
    if (input_used(line) >= LINE_INPUT_SIZE - 1) {
        if (!line_canonical(line) || line->lines_end != line->tail)
            return;
        line->head--;
    }
    *input_at(line, line->head) = byte;
    bit_write(line->line_ends, line->head, ends_line);
    bit_write(line->end_markers, line->head, end_marker);
    line->head++;
    line->end_marker_count += end_marker;
    if (ends_line)
        line->lines_end = line->head;
}

/* A byte that could be taken for the beginning of a mark is doubled (PARMRK). */
static void put_data(struct line_discipline *line, uint8_t byte, bool ends_line)
{
    if (byte == MARK && input_flag(line, PARMRK) && !input_flag(line, ISTRIP))
        put(line, byte, false, false);
    put(line, byte, ends_line, false);
}

void line_flush(struct line_discipline *line)
{
    line->tail = line->lines_end = line->head;
    line->end_marker_count = 0;
    line->literal_next = false;
    line->reprinting = false;
}

/* ---- editing ---- */

static void erase_echo(struct line_discipline *line, uint8_t byte, uint32_t bytes, bool one)
{
    if (local_flag(line, ECHOPRT)) {
        if (!line->reprinting) {
            echo_raw(line, '\\');
            line->reprinting = true;
        }
        echo(line, byte);
        for (uint32_t i = 1; i < bytes; i++)
            echo_raw(line, *input_at(line, line->head + i));
        return;
    }
    if (one && !local_flag(line, ECHOE)) {
        echo(line, line->settings.c_cc[VERASE]);
        return;
    }
    if (byte == '\t') {
        /* A tab is as wide as what is left to the next stop. */
        for (uint32_t width = 8 - column_at(line, line->head) % 8; width; width--)
            echo_raw(line, '\b');
        return;
    }
    if (is_unprintable(byte)) {
        if (!local_flag(line, ECHOCTL))
            return;
        echo_string(line, "\b \b");
    }
    echo_string(line, "\b \b");
}

/* Takes one character (of one or several bytes) off the line. False: the line is empty. */
static bool last_character(struct line_discipline *line, uint8_t *byte, uint32_t *bytes)
{
    uint32_t position = line->head;

    do {
        if (position == line->lines_end)
            return false;
        *byte = *input_at(line, --position);
    } while (is_continuation(line, *byte));
    *bytes = line->head - position;
    return true;
}

static void erase_character(struct line_discipline *line, uint8_t byte, uint32_t bytes, bool one)
{
    line->head -= bytes;
    if (local_flag(line, ECHO))
        erase_echo(line, byte, bytes, one);
}

static void erase_one(struct line_discipline *line)
{
    uint8_t byte;
    uint32_t bytes;

    if (last_character(line, &byte, &bytes))
        erase_character(line, byte, bytes, true);
}

static void erase_word(struct line_discipline *line)
{
    uint8_t byte;
    uint32_t bytes;
    bool in_word = false;

    while (last_character(line, &byte, &bytes)) {
        if (is_word_part(byte))
            in_word = true;
        else if (in_word)
            break;
        erase_character(line, byte, bytes, false);
    }
}

static void erase_line(struct line_discipline *line)
{
    uint8_t byte;
    uint32_t bytes;

    if (local_flag(line, ECHO) && local_flag(line, ECHOK) && local_flag(line, ECHOKE) &&
        local_flag(line, ECHOE)) {
        while (last_character(line, &byte, &bytes))
            erase_character(line, byte, bytes, false);
        return;
    }
    line->head = line->lines_end;
    if (!local_flag(line, ECHO))
        return;
    reprint_end(line);
    echo(line, line->settings.c_cc[VKILL]);
    if (local_flag(line, ECHOK))
        echo_raw(line, '\n');
}

static void reprint(struct line_discipline *line)
{
    reprint_end(line);
    echo(line, line->settings.c_cc[VREPRINT]);
    echo_raw(line, '\n');
    line->line_column = line->column;
    for (uint32_t position = line->lines_end; position != line->head; position++)
        echo(line, *input_at(line, position));
}

/* ---- stopping and starting output ---- */

static void output_stop(struct line_discipline *line)
{
    if (line->stopped)
        return;
    line->stopped = true;
    line->flow(line);
}

static void output_start(struct line_discipline *line)
{
    if (!line->stopped || line->held)
        return;
    line->stopped = false;
    line->flow(line);
}

void line_hold(struct line_discipline *line, bool hold)
{
    if (hold == line->held)
        return;
    line->held = hold;
    if (hold)
        output_stop(line);
    else
        output_start(line);
}

/* ---- what a typed byte means ---- */

static bool input_flow(struct line_discipline *line, uint8_t byte)
{
    if (!input_flag(line, IXON))
        return false;
    if (is_control(line, VSTART, byte)) {
        output_start(line);
        return true;
    }
    if (is_control(line, VSTOP, byte)) {
        output_stop(line);
        return true;
    }
    if (input_flag(line, IXANY))
        output_start(line);
    return false;
}

static bool input_signal(struct line_discipline *line, uint8_t byte)
{
    int signal;

    if (!local_flag(line, ISIG))
        return false;
    if (is_control(line, VINTR, byte))
        signal = SIGINT;
    else if (is_control(line, VQUIT, byte))
        signal = SIGQUIT;
    else if (is_control(line, VSUSP, byte))
        signal = SIGTSTP;
    else
        return false;
    bool flush = !local_flag(line, NOFLSH);

    if (flush)
        line_flush(line);
    if (input_flag(line, IXON))
        output_start(line);
    line->signal(line, signal, flush);
    if (local_flag(line, ECHO))
        echo(line, byte);
    return true;
}

static void literal_begin(struct line_discipline *line)
{
    line->literal_next = true;
    if (local_flag(line, ECHO)) {
        reprint_end(line);
        if (local_flag(line, ECHOCTL))
            echo_string(line, "^\b");
    }
}

/* Echo of a byte that stays in the line. */
static void echo_kept(struct line_discipline *line, uint8_t byte)
{
    if (!local_flag(line, ECHO))
        return;
    if (line->head == line->lines_end)
        line->line_column = line->column;
    echo(line, byte);
}

static void echo_typed(struct line_discipline *line, uint8_t byte)
{
    if (local_flag(line, ECHO))
        reprint_end(line);
    echo_kept(line, byte);
}

/* Canonical mode's own characters. True: the byte is dealt with. */
static bool input_canonical(struct line_discipline *line, uint8_t byte)
{
    bool extended = local_flag(line, IEXTEN);

    if (is_control(line, VERASE, byte)) {
        erase_one(line);
    } else if (is_control(line, VKILL, byte)) {
        erase_line(line);
    } else if (extended && is_control(line, VWERASE, byte)) {
        erase_word(line);
    } else if (extended && is_control(line, VLNEXT, byte)) {
        literal_begin(line);
        return true;
    } else if (extended && local_flag(line, ECHO) && is_control(line, VREPRINT, byte)) {
        reprint(line);
        return true;
    } else if (byte == '\n') {
        if (local_flag(line, ECHO) || local_flag(line, ECHONL))
            echo_raw(line, byte);
        put(line, byte, true, false);
        return true;
    } else if (is_control(line, VEOF, byte)) {
        put(line, 0, true, true);
        return true;
    } else if (is_control(line, VEOL, byte) || (extended && is_control(line, VEOL2, byte))) {
        echo_kept(line, byte);
        put_data(line, byte, true);
        return true;
    } else {
        return false;
    }
    if (line->head == line->lines_end && local_flag(line, ECHO))
        reprint_end(line);
    return true;
}

static void input_byte(struct line_discipline *line, uint8_t byte)
{
    if (input_flag(line, ISTRIP))
        byte &= 0x7f;
    if (input_flag(line, IUCLC) && local_flag(line, IEXTEN) && byte >= 'A' && byte <= 'Z')
        byte += 'a' - 'A';
    if (local_flag(line, EXTPROC)) {
        put(line, byte, false, false);
        return;
    }
    if (line->literal_next) {
        line->literal_next = false;
        echo_typed(line, byte);
        put_data(line, byte, false);
        return;
    }
    if (input_flow(line, byte) || input_signal(line, byte))
        return;
    if (byte == '\r') {
        if (input_flag(line, IGNCR))
            return;
        if (input_flag(line, ICRNL))
            byte = '\n';
    } else if (byte == '\n' && input_flag(line, INLCR)) {
        byte = '\r';
    }
    if (line_canonical(line) && input_canonical(line, byte))
        return;
    echo_typed(line, byte);
    put_data(line, byte, false);
}

/* Does every byte go straight through? */
static bool input_is_plain(const struct line_discipline *line)
{
    if (local_flag(line, EXTPROC))
        return !input_flag(line, ISTRIP | IUCLC);
    const tcflag_t input = ISTRIP | INLCR | IGNCR | ICRNL | IUCLC | IXON | PARMRK;
    const tcflag_t local = ICANON | ISIG | ECHO;

    return !(line->settings.c_iflag & input) && !(line->settings.c_lflag & local) &&
           !line->literal_next;
}

static size_t input_plain(struct line_discipline *line, const uint8_t *bytes, size_t size)
{
    size_t room = LINE_INPUT_SIZE - 1 - input_used(line);
    size_t count = size < room ? size : room;
    size_t first = LINE_INPUT_SIZE - line->head % LINE_INPUT_SIZE;

    if (first > count)
        first = count;
    memcpy(input_at(line, line->head), bytes, first);
    memcpy(line->input, bytes + first, count - first);
    line->head += count;
    return count;
}

bool line_accepts(const struct line_discipline *line)
{
    /* A byte may need three places (PARMRK). */
    if (input_used(line) + 3 < LINE_INPUT_SIZE)
        return true;
    return line_canonical(line) && line->lines_end == line->tail;
}

size_t line_input(struct line_discipline *line, const uint8_t *bytes, size_t size)
{
    size_t taken = 0;

    if (input_is_plain(line))
        return input_plain(line, bytes, size);
    while (taken < size && line_accepts(line))
        input_byte(line, bytes[taken++]);
    return taken;
}

void line_input_break(struct line_discipline *line)
{
    if (input_flag(line, IGNBRK))
        return;
    if (input_flag(line, BRKINT)) {
        line_flush(line);
        line->signal(line, SIGINT, true);
        return;
    }
    if (input_flag(line, PARMRK)) {
        put(line, MARK, false, false);
        put(line, 0, false, false);
    }
    put(line, 0, false, false);
}

/* ---- reading ---- */

size_t line_readable(const struct line_discipline *line)
{
    if (!line_canonical(line))
        return input_used(line);
    return line->lines_end - line->tail - line->end_marker_count;
}

bool line_ready(const struct line_discipline *line)
{
    return (line_canonical(line) ? line->lines_end : line->head) != line->tail;
}

static size_t read_line(struct line_discipline *line, uint8_t *to, size_t size, bool *ended)
{
    size_t count = 0;

    while (line->tail != line->lines_end && !*ended) {
        bool marker = bit_test(line->end_markers, line->tail);

        /* An end of file right behind the last byte that fits is not left for the next read. */
        if (count == size && !marker)
            break;
        *ended = bit_test(line->line_ends, line->tail);
        if (marker)
            line->end_marker_count--;
        else
            to[count++] = *input_at(line, line->tail);
        line->tail++;
    }
    return count;
}

size_t line_read(struct line_discipline *line, uint8_t *to, size_t size, bool *ended)
{
    *ended = false;
    if (line_canonical(line))
        return read_line(line, to, size, ended);
    size_t count = input_used(line) < size ? input_used(line) : size;

    for (size_t i = 0; i < count; i++)
        to[i] = *input_at(line, line->tail++);
    /* In this mode nothing is a line that could be edited. */
    line->lines_end = line->tail;
    return count;
}

/* ---- settings ---- */

void line_set(struct line_discipline *line, const struct termios2 *settings)
{
    bool was_canonical = line_canonical(line), could_stop = input_flag(line, IXON);

    line->settings = *settings;
    if (could_stop && !input_flag(line, IXON))
        output_start(line);
    if (was_canonical == line_canonical(line))
        return;
    line->literal_next = false;
    line->reprinting = false;
    memset(line->line_ends, 0, sizeof(line->line_ends));
    memset(line->end_markers, 0, sizeof(line->end_markers));
    line->end_marker_count = 0;
    line->lines_end = line->tail;
    if (line_canonical(line) && input_used(line)) {
        /* What came before counts as one line. */
        bit_write(line->line_ends, line->head - 1, true);
        line->lines_end = line->head;
    }
}

void line_initialize(struct line_discipline *line,
                     void (*output)(struct line_discipline *, const uint8_t *, size_t),
                     void (*signal)(struct line_discipline *, int, bool),
                     void (*flow)(struct line_discipline *))
{
    /* termios(3) and stty(1)'s "sane". */
    static const struct termios2 sane = {
        .c_iflag = ICRNL | IXON,
        .c_oflag = OPOST | ONLCR,
        .c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
        .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .c_cc = {[VINTR] = 'C' & 0x1f,
                 [VQUIT] = '\\' & 0x1f,
                 [VERASE] = DELETE,
                 [VKILL] = 'U' & 0x1f,
                 [VEOF] = 'D' & 0x1f,
                 [VMIN] = 1,
                 [VSTART] = 'Q' & 0x1f,
                 [VSTOP] = 'S' & 0x1f,
                 [VSUSP] = 'Z' & 0x1f,
                 [VREPRINT] = 'R' & 0x1f,
                 [VDISCARD] = 'O' & 0x1f,
                 [VWERASE] = 'W' & 0x1f,
                 [VLNEXT] = 'V' & 0x1f},
        .c_ispeed = 115200,
        .c_ospeed = 115200,
    };

    memset(line, 0, sizeof(*line));
    line->settings = sane;
    line->output = output;
    line->signal = signal;
    line->flow = flow;
}

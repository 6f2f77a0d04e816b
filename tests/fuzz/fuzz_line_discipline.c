/*
 * The input is a script of what happens to a terminal: settings change, bytes
 * are typed, programs read and write. All flags of termios are tried.
 */
#include "fuzz.h"
#include "library/line_discipline.h"

#include <string.h>

enum action {
    TYPE,
    SET_INPUT,
    SET_OUTPUT,
    SET_LOCAL,
    SET_CHARACTER,
    READ,
    WRITE,
    BREAK,
    FLUSH,
    ACTIONS,
};

static size_t echoed;

static void output(struct line_discipline *line, const uint8_t *bytes, size_t size)
{
    (void)line;
    (void)bytes;
    require(size <= LINE_OUTPUT_EXPANSION);
    echoed += size;
}

static void signal(struct line_discipline *line, int number, bool flush)
{
    (void)line;
    (void)flush;
    require(number > 0 && number < 32);
}

static void line_require(const struct line_discipline *line)
{
    uint32_t used = line->head - line->tail;

    require(used < LINE_INPUT_SIZE);
    require(line_readable(line) <= used);
    require(line->lines_end - line->tail <= used);
    require(line_ready(line) || line_readable(line) == 0);
    require(line_accepts(line) || line_ready(line));
}

static void line_read_some(struct line_discipline *line, size_t size)
{
    uint8_t *bytes = malloc(size);
    size_t readable = line_readable(line);
    bool ended;

    size_t got = line_read(line, bytes, size, &ended);
    require(got <= size && got <= readable);
    require(line_canonical(line) || !ended);
    free(bytes);
}

static void flow(struct line_discipline *line)
{
    (void)line;
}

static void line_write_some(struct line_discipline *line, const uint8_t *from, size_t size,
                            size_t room)
{
    uint8_t *to = malloc(room);
    size_t made;

    size_t taken = line_process_output(line, from, size, to, room, &made);
    require(taken <= size && made <= room);
    require(taken == size || room < LINE_OUTPUT_EXPANSION || made > 0 || room - made < 8);
    free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line_discipline *line = malloc(sizeof(*line));
    struct termios2 settings;

    echoed = 0;
    line_initialize(line, output, signal, flow);
    while (size >= 2) {
        enum action action = data[0] % ACTIONS;
        size_t count = data[1];
        data += 2;
        size -= 2;
        settings = line->settings;
        size_t part = count < size ? count : size;
        switch (action) {
        case TYPE:
            require(line_input(line, data, part) <= part);
            data += part;
            size -= part;
            break;
        case SET_INPUT:
            settings.c_iflag ^= 1u << count % 16;
            line_set(line, &settings);
            break;
        case SET_OUTPUT:
            settings.c_oflag ^= 1u << count % 16;
            line_set(line, &settings);
            break;
        case SET_LOCAL:
            settings.c_lflag ^= 1u << count % 17;
            line_set(line, &settings);
            break;
        case SET_CHARACTER:
            if (size > 0)
                settings.c_cc[count % NCCS] = data[0];
            line_set(line, &settings);
            break;
        case READ:
            line_read_some(line, count * 16);
            break;
        case WRITE:
            line_write_some(line, data, part, part + count / 8);
            break;
        case BREAK:
            line_input_break(line);
            break;
        default:
            line_flush(line);
            break;
        }
        line_require(line);
    }
    free(line);
    return 0;
}

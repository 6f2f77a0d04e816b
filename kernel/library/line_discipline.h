/*
 * line_discipline.h: what a terminal does to the bytes that pass through it
 * (POSIX, chapter 11 "General Terminal Interface"; termios(3)): line editing,
 * echo, signals from the keyboard, flow control, newlines.
 *
 * Pure: no lock, no allocation, any context. The owner guards it with a lock
 * and gives two functions that are called under it.
 */
#ifndef BATON_LIBRARY_LINE_DISCIPLINE_H
#define BATON_LIBRARY_LINE_DISCIPLINE_H

#include <asm/termbits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_INPUT_SIZE 4096 /* MAX_CANON and one more, as Linux's N_TTY_BUF_SIZE */

struct line_discipline {
    struct termios2 settings;

    /* What was typed and not yet read: a ring, positions count up for ever. */
    uint8_t input[LINE_INPUT_SIZE];
    uint64_t line_ends[LINE_INPUT_SIZE / 64];   /* bit: this byte ends a line */
    uint64_t end_markers[LINE_INPUT_SIZE / 64]; /* bit: …and is not a byte, but an end of file */
    uint32_t end_marker_count;                  /* bits set from tail to head */
    uint32_t tail;                              /* next to be read */
    uint32_t lines_end;                         /* behind the last complete line */
    uint32_t head;                              /* where the next byte goes */

    uint32_t column;      /* of the cursor, as far as one knows */
    uint32_t line_column; /* where the line that is being typed began */
    bool literal_next;    /* VLNEXT was typed */
    bool reprinting;      /* ECHOPRT: between \ and / */
    bool stopped;         /* output waits: VSTOP was typed, or line_hold() */
    bool held;            /* …and only line_hold() lets it go on */

    /* Echo, ready for the device; what does not fit is lost. */
    void (*output)(struct line_discipline *line, const uint8_t *bytes, size_t size);
    /* SIGINT, SIGQUIT or SIGTSTP was typed; output that waits is to be dropped if `flush`. */
    void (*signal)(struct line_discipline *line, int signal, bool flush);
    /* Output was stopped, or goes on; `stopped` says which. */
    void (*flow)(struct line_discipline *line);
};

/* As a terminal is when it is first opened: line editing and echo. */
void line_initialize(struct line_discipline *line,
                     void (*output)(struct line_discipline *, const uint8_t *, size_t),
                     void (*signal)(struct line_discipline *, int, bool),
                     void (*flow)(struct line_discipline *));

/* Takes new settings over: what was typed stays readable when the mode changes. */
void line_set(struct line_discipline *line, const struct termios2 *settings);

/* May the device deliver a byte now? False: what is there has to be read first. */
bool line_accepts(const struct line_discipline *line);
/* Bytes that came from the device; returns how many were taken before the buffer was full. */
size_t line_input(struct line_discipline *line, const uint8_t *bytes, size_t size);
/* The line was broken, or a byte came damaged (POSIX 11.2.2: IGNBRK, BRKINT, PARMRK, INPCK). */
void line_input_break(struct line_discipline *line);

/* Bytes that a read would get now: in canonical mode only complete lines. */
size_t line_readable(const struct line_discipline *line);
/* Is there something for a reader, be it only an end of file? */
bool line_ready(const struct line_discipline *line);
/* Bytes for a reader. *ended: in canonical mode, the end of a line or file was among them. */
size_t line_read(struct line_discipline *line, uint8_t *to, size_t size, bool *ended);
/* Stops output, whatever is typed, until it is let go (tcflow(3): TCOOFF, TCOON). */
void line_hold(struct line_discipline *line, bool hold);
/* Drops what was typed. */
void line_flush(struct line_discipline *line);

/*
 * Turns a program's output into the device's: takes bytes from `from` while
 * the result surely fits into `room`; returns how many were taken, *made how
 * many were written to `to`.
 */
size_t line_process_output(struct line_discipline *line, const uint8_t *from, size_t size,
                           uint8_t *to, size_t room, size_t *made);
#define LINE_OUTPUT_EXPANSION 8 /* one byte becomes at most that many: a tab */

/* Lines are edited here: not when whoever is at the other side does so (EXTPROC, ioctl_tty(2)). */
static inline bool line_canonical(const struct line_discipline *line)
{
    return (line->settings.c_lflag & (ICANON | EXTPROC)) == ICANON;
}

#endif

/*
 * log.h: the kernel log: records of one text each, numbered from 0 on, kept in memory; readers
 * know a record by its number. Below a level it is also written to sinks at once (serial port,
 * screen): the log knows none of them by name.
 */
#ifndef BATON_CPU_LOG_H
#define BATON_CPU_LOG_H

#include <stdarg.h>

#include "library/types.h"

/* The numbers are those of syslog(2). */
enum log_level {
    LOG_ERROR = 3,   /* something is broken and someone should look */
    LOG_WARNING = 4, /* odd, handled */
    LOG_NOTICE = 5,  /* a milestone of the boot */
    LOG_DEBUG = 7,   /* not on the consoles */
};

/* Who speaks (syslog(3)). */
enum log_facility {
    LOG_KERNEL = 0,
    LOG_USER = 1, /* a program, through /dev/kmsg */
};

#define LOG_TEXT_SIZE 1024 /* bytes of a record's text at most */

struct log_record {
    uint64_t sequence; /* its number */
    uint64_t time;     /* ns since boot */
    uint16_t size;     /* of the text, which has no NUL and no newline at its end */
    uint8_t level;     /* 0 to 7; enum log_level */
    uint32_t facility; /* enum log_facility, or any that a program named */
};

/*
 * Writes one record; on the consoles it is "[seconds.micros] text". May be called
 * from anywhere, interrupts on or off, with any lock held but a sink's own.
 */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_write_list(enum log_level level, const char *format, va_list arguments);
/* The same, of a text as it is; what exceeds LOG_TEXT_SIZE is cut. */
void log_append(uint32_t facility, unsigned level, const char *text, size_t size);

/* A sink writes bytes somewhere at once; called with interrupts off, one at a time. */
struct log_sink {
    void (*write)(struct log_sink *sink, const char *text, size_t size);
    struct log_sink *next;
};

/* Records with a smaller number of level than this go to the sinks (syslog(2), action 8). */
unsigned log_console_level(void);
void log_set_console_level(unsigned level);
/* From now on sinks get warnings and errors only. */
void log_quiet(void);
/* Adds a sink and replays to it what is kept and would go to sinks now. The caller keeps the
   storage for ever. */
void log_sink_add(struct log_sink *sink);

/* The oldest record that is kept; the number that the next one will have. */
uint64_t log_first(void);
uint64_t log_end(void);
/* The oldest record from number `sequence` on, its text in `text` (LOG_TEXT_SIZE bytes). False:
   there is none yet. */
bool log_read(uint64_t sequence, struct log_record *record, char *text);

/* "[seconds.micros] " as it stands in front of a record's text; its length. */
#define LOG_TIME_SIZE 32
size_t log_format_time(uint64_t time, char text[LOG_TIME_SIZE]);

/*
 * Asks that cpu_hooks.log_wake be called, once, when a record comes; is there one from number
 * `sequence` on already? It is called in an interrupt of its own, so that it may take any lock that
 * is taken with interrupts off.
 */
bool log_await(uint64_t sequence);
/* Takes that interrupt. At boot, before the first log_await(). */
void log_initialize(void);

/* From now on take no lock: the other CPUs have been stopped (panic). */
void log_enter_panic(void);
/* Has that been called? Then sinks take no lock either. */
bool log_in_panic(void);

#endif

/*
 * log.h: the kernel log. Lines go into a ring in memory and to every sink that
 * was registered (serial port, screen): the log knows none of them by name.
 */
#ifndef BATON_CPU_LOG_H
#define BATON_CPU_LOG_H

#include <stdarg.h>

#include "library/types.h"

enum log_level {
    LOG_ERROR,   /* something is broken and someone should look */
    LOG_WARNING, /* odd, handled */
    LOG_NOTICE,  /* a milestone of the boot */
    LOG_DEBUG,   /* only with the option `debug` */
};

/*
 * Writes one line, without the newline: "[seconds.micros] text". May be called
 * from anywhere, interrupts on or off, with any lock held but a sink's own.
 */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_write_list(enum log_level level, const char *format, va_list arguments);

/* A sink writes bytes somewhere at once; called with interrupts off, under the log's lock. */
struct log_sink {
    void (*write)(struct log_sink *sink, const char *text, size_t size);
    enum log_level level; /* lines above this level are not written to it */
    struct log_sink *next;
};

/* From now on sinks get warnings and errors only; the ring still gets all. */
void log_quiet(void);
/* Adds a sink and replays the ring to it, unless it is to be quiet. The caller keeps the storage
   for ever. */
void log_sink_add(struct log_sink *sink);

/*
 * Copies up to `size` bytes of the ring from position `*position` on (bytes
 * since boot; moved forward to the oldest byte that is still there); returns
 * the number of bytes and advances the position.
 */
size_t log_read(uint64_t *position, char *buffer, size_t size);

/* From now on take no lock: the other CPUs have been stopped (panic). */
void log_enter_panic(void);
/* Has that been called? Then sinks take no lock either. */
bool log_in_panic(void);

#endif

#include "cpu/log.h"

#include "cpu/clock.h"
#include "cpu/spinlock.h"
#include "library/format.h"
#include "library/string.h"

#define RING_SIZE 65536 /* bytes, a power of two */

static struct spinlock lock =
    SPINLOCK_RANKED(LOCK_LOG); /* guards all below; taken with interrupts off */
static char ring[RING_SIZE];
static uint64_t written; /* bytes since boot */
static struct log_sink *sinks;
static bool quiet;
static bool in_panic; /* atomic */

static bool log_lock(void)
{
    bool enabled = interrupts_save();
    if (!log_in_panic())
        spinlock_acquire(&lock);
    return enabled;
}

static void log_unlock(bool enabled)
{
    if (!log_in_panic())
        spinlock_release(&lock);
    interrupts_restore(enabled);
}

static void ring_append(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ring[(written + i) % RING_SIZE] = text[i];
    written += size;
}

void log_write_list(enum log_level level, const char *format, va_list arguments)
{
    char line[512];
    uint64_t now = clock_now();
    int size = format_string(line, sizeof(line), "[%5lu.%06lu] ", now / NANOSECONDS_PER_SECOND,
                             now % NANOSECONDS_PER_SECOND / 1000);
    size += format_string_list(line + size, sizeof(line) - size, format, arguments);
    if (size > (int)sizeof(line) - 2)
        size = sizeof(line) - 2;
    line[size++] = '\n';

    bool enabled = log_lock();
    ring_append(line, size);
    for (struct log_sink *sink = sinks; sink; sink = sink->next)
        if (level <= (quiet ? LOG_WARNING : sink->level))
            sink->write(sink, line, size);
    log_unlock(enabled);
}

void log_write(enum log_level level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_write_list(level, format, arguments);
    va_end(arguments);
}

static size_t ring_read(uint64_t *position, char *buffer, size_t size)
{
    size_t copied = 0;

    if (written > RING_SIZE && *position < written - RING_SIZE)
        *position = written - RING_SIZE;
    while (copied < size && *position < written)
        buffer[copied++] = ring[(*position)++ % RING_SIZE];
    return copied;
}

void log_sink_add(struct log_sink *sink)
{
    char part[256];
    uint64_t position = 0;
    size_t size;
    bool enabled = log_lock();

    while (!quiet && (size = ring_read(&position, part, sizeof(part))))
        sink->write(sink, part, size);
    sink->next = sinks;
    sinks = sink;
    log_unlock(enabled);
}

void log_quiet(void)
{
    bool enabled = log_lock();

    quiet = true;
    log_unlock(enabled);
}

size_t log_read(uint64_t *position, char *buffer, size_t size)
{
    bool enabled = log_lock();
    size_t copied = ring_read(position, buffer, size);
    log_unlock(enabled);
    return copied;
}

void log_enter_panic(void)
{
    __atomic_store_n(&in_panic, true, __ATOMIC_RELEASE);
}

bool log_in_panic(void)
{
    return __atomic_load_n(&in_panic, __ATOMIC_ACQUIRE);
}

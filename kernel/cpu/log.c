#include "cpu/log.h"

#include "cpu/clock.h"
#include "cpu/hooks.h"
#include "cpu/interrupt_controller.h"
#include "cpu/spinlock.h"
#include "library/format.h"
#include "library/string.h"

#define RING_SIZE    65536 /* bytes of text, a power of two */
#define RECORD_COUNT 1024  /* a power of two */

/* Where a record's text lies: bytes since boot, of which the last RING_SIZE are kept. */
struct place {
    uint64_t position;
    struct log_record record;
};

/* Both are taken with interrupts off. Who adds a record holds `sinks_lock` until the consoles have
   it, which takes as long as they take; `lock` only while the records are looked at or changed, so
   that readers wait for no console. */
static struct spinlock sinks_lock = SPINLOCK_RANKED(LOCK_LOG_SINKS);
static char line[LOG_TIME_SIZE + LOG_TEXT_SIZE + 1]; /* what sinks are given; sinks_lock */
static struct log_sink *sinks;                       /* sinks_lock */
static unsigned console_level = LOG_DEBUG;           /* atomic */

static struct spinlock lock = SPINLOCK_RANKED(LOCK_LOG); /* guards what follows */
static char ring[RING_SIZE];
static uint64_t written; /* bytes since boot */
static struct place places[RECORD_COUNT];
static uint64_t first, end; /* numbers of the oldest record and behind the newest */
static bool awaited;        /* log_await() */

static bool in_panic; /* atomic: takes no lock any more */

static bool take(struct spinlock *which)
{
    bool enabled = interrupts_save();
    if (!log_in_panic())
        spinlock_acquire(which);
    return enabled;
}

static void release(struct spinlock *which, bool enabled)
{
    if (!log_in_panic())
        spinlock_release(which);
    interrupts_restore(enabled);
}

/* ---- records; the lock is held ---- */

static struct place *place_of(uint64_t sequence)
{
    return &places[sequence % RECORD_COUNT];
}

/* Gives up the oldest records until one with so much text fits. */
static void make_room(size_t size)
{
    while (first != end &&
           (end - first == RECORD_COUNT || written + size - place_of(first)->position > RING_SIZE))
        first++;
}

static const struct place *record_add(uint32_t facility, unsigned level, const char *text,
                                      size_t size)
{
    make_room(size);
    struct place *place = place_of(end);

    *place = (struct place){
        .position = written,
        .record = {end, clock_now(), (uint16_t)size, (uint8_t)level, facility},
    };
    for (size_t i = 0; i < size; i++)
        ring[(written + i) % RING_SIZE] = text[i];
    written += size;
    end++;
    return place;
}

static void copy_text(const struct place *place, char *text)
{
    for (size_t i = 0; i < place->record.size; i++)
        text[i] = ring[(place->position + i) % RING_SIZE];
}

/* ---- sinks; sinks_lock is held ---- */

size_t log_format_time(uint64_t time, char text[LOG_TIME_SIZE])
{
    return format_string(text, LOG_TIME_SIZE, "[%5lu.%06lu] ", time / NANOSECONDS_PER_SECOND,
                         time % NANOSECONDS_PER_SECOND / 1000);
}

/* Puts the record into `line`, as consoles show it, unless it is not for them; its length. Lock
   held. */
static size_t line_make(const struct place *place)
{
    if (place->record.level >= log_console_level())
        return 0;
    size_t size = log_format_time(place->record.time, line);

    copy_text(place, line + size);
    size += place->record.size;
    line[size++] = '\n';
    return size;
}

static void sinks_write(size_t size)
{
    for (struct log_sink *sink = sinks; sink && size; sink = sink->next)
        sink->write(sink, line, size);
}

/* ---- writing ---- */

void log_append(uint32_t facility, unsigned level, const char *text, size_t size)
{
    if (size > LOG_TEXT_SIZE)
        size = LOG_TEXT_SIZE;
    while (size && text[size - 1] == '\n')
        size--;
    bool enabled = take(&sinks_lock);
    take(&lock);
    size_t line_size = line_make(record_add(facility, level, text, size));
    if (awaited) {
        /* Whoever logs may hold any lock: the wake-up comes when they have let go of it. */
        awaited = false;
        local_apic_send_self(VECTOR_LOG);
    }
    release(&lock, false);
    sinks_write(line_size);
    release(&sinks_lock, enabled);
}

void log_write_list(enum log_level level, const char *format, va_list arguments)
{
    char text[512];
    int size = format_string_list(text, sizeof(text), format, arguments);

    if (size > (int)sizeof(text) - 1)
        size = sizeof(text) - 1;
    log_append(LOG_KERNEL, level, text, size);
}

void log_write(enum log_level level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_write_list(level, format, arguments);
    va_end(arguments);
}

void log_sink_add(struct log_sink *sink)
{
    bool enabled = take(&sinks_lock); /* so nobody adds a record */

    for (uint64_t sequence = first; sequence != end; sequence++) {
        take(&lock);
        size_t size = line_make(place_of(sequence));
        release(&lock, false);
        if (size)
            sink->write(sink, line, size);
    }
    sink->next = sinks;
    sinks = sink;
    release(&sinks_lock, enabled);
}

unsigned log_console_level(void)
{
    return __atomic_load_n(&console_level, __ATOMIC_RELAXED);
}

void log_set_console_level(unsigned level)
{
    __atomic_store_n(&console_level, level, __ATOMIC_RELAXED);
}

void log_quiet(void)
{
    log_set_console_level(LOG_WARNING + 1);
}

/* ---- reading ---- */

uint64_t log_first(void)
{
    bool enabled = take(&lock);
    uint64_t sequence = first;

    release(&lock, enabled);
    return sequence;
}

uint64_t log_end(void)
{
    bool enabled = take(&lock);
    uint64_t sequence = end;

    release(&lock, enabled);
    return sequence;
}

bool log_read(uint64_t sequence, struct log_record *record, char *text)
{
    bool enabled = take(&lock);

    if (sequence < first)
        sequence = first;
    bool found = sequence < end;
    if (found) {
        const struct place *place = place_of(sequence);
        *record = place->record;
        copy_text(place, text);
    }
    release(&lock, enabled);
    return found;
}

bool log_await(uint64_t sequence)
{
    bool enabled = take(&lock);
    bool found = sequence < end;

    awaited = true;
    release(&lock, enabled);
    return found;
}

static void wake_interrupt(void *context, struct trap_frame *frame)
{
    (void)context;
    (void)frame;
    cpu_hooks.log_wake();
}

void log_initialize(void)
{
    interrupt_set_handler(VECTOR_LOG, wake_interrupt, NULL);
}

void log_enter_panic(void)
{
    log_set_console_level(LOG_DEBUG + 1); /* whatever somebody wanted to hear until now */
    __atomic_store_n(&in_panic, true, __ATOMIC_RELEASE);
}

bool log_in_panic(void)
{
    return __atomic_load_n(&in_panic, __ATOMIC_ACQUIRE);
}

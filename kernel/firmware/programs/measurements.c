#include "firmware/programs/measurements.h"

#include "cpu/log.h"
#include "firmware/runtime_space.h"
#include "library/align.h"
#include "library/bytes.h"
#include "library/event_log.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"

#define FINAL_MAXIMUM (1 << 20) /* bytes of a table that is looked at */

static uint8_t *whole; /* constant after boot */
static size_t whole_size;

/* The events that came after the loader took the log; the firmware measures that it ends. */
static const uint8_t *final_events_find(const struct event_log *log,
                                        const struct handoff_measurements *given, size_t *size)
{
    size_t readable = FINAL_MAXIMUM;
    const uint8_t *table =
        given->final_events ? runtime_space_table(given->final_events, &readable) : NULL;

    *size = 0;
    if (!table || readable < EVENT_LOG_FINAL_EVENTS)
        return NULL;
    size_t all = event_log_events_size(log, table + EVENT_LOG_FINAL_EVENTS,
                                       readable - EVENT_LOG_FINAL_EVENTS,
                                       load64(table + EVENT_LOG_FINAL_COUNT));
    if (all < given->final_known) {
        log_write(LOG_WARNING, "tpm: what the firmware measured at its end cannot be read");
        return NULL;
    }
    *size = all - given->final_known;
    return table + EVENT_LOG_FINAL_EVENTS + given->final_known;
}

void measurements_initialize(const struct handoff_measurements *given)
{
    struct event_log log;
    size_t more;

    if (!given->log.size)
        return;
    const uint8_t *bytes = frame_pointer(given->log.base);
    const char *wrong = event_log_begin(&log, bytes, given->log.size);
    if (wrong)
        log_write(LOG_WARNING, "tpm: %s", wrong);
    const uint8_t *final = wrong ? NULL : final_events_find(&log, given, &more);
    if (!final)
        more = 0;
    whole = heap_allocate(given->log.size + more);
    if (whole) {
        memcpy(whole, bytes, given->log.size);
        if (more)
            memcpy(whole + given->log.size, final, more);
        whole_size = given->log.size + more;
    } else {
        log_write(LOG_WARNING, "tpm: too little memory for the event log");
    }
    memory_give_back(given->log.base, align_up(given->log.size, PAGE_SIZE));
}

const void *measurements_log(size_t *size)
{
    *size = whole_size;
    return whole;
}

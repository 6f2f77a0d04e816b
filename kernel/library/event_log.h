/*
 * event_log.h: what was measured into a TPM, event after event: the "crypto agile" log (TCG PC
 * Client Platform Firmware Profile 1.06, 10). Its first event tells which digests the others have.
 *
 * Pure: no allocation, no lock; nothing in the log is trusted.
 */
#ifndef BATON_LIBRARY_EVENT_LOG_H
#define BATON_LIBRARY_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EVENT_LOG_ALGORITHMS_MAXIMUM = 16,
    EVENT_LOG_SHA1 = 4, /* TPM_ALG_ID (TCG Algorithm Registry, 6.10) */
    EVENT_LOG_SHA256 = 0xb,
};

/* The table of final events (TCG EFI Protocol Specification, family 2.0, 7): version, number of
   events, events. */
enum { EVENT_LOG_FINAL_COUNT = 8, EVENT_LOG_FINAL_EVENTS = 16 };

/* A log that is read. The bytes are the caller's and stay. */
struct event_log {
    const uint8_t *bytes;
    size_t size, at; /* at: of the next event */
    uint16_t algorithms[EVENT_LOG_ALGORITHMS_MAXIMUM], sizes[EVENT_LOG_ALGORITHMS_MAXIMUM];
    uint32_t algorithm_count;
};

struct event_log_event {
    size_t at; /* in the log */
    uint32_t pcr, type;
    uint32_t digest_count;
    const uint8_t *digests; /* algorithm and bytes, one behind the other */
    uint32_t data_size;
    const uint8_t *data;
};

/* NULL, and the log stands behind its first event; else what is wrong with that. */
const char *event_log_begin(struct event_log *log, const void *bytes, size_t size);

/* More events of the same digests, without a first one (the table of final events). */
void event_log_go_on(struct event_log *log, const void *bytes, size_t size);

/* The next event. False: none fits in the bytes that are left; there are none if log->at is
   log->size, else log->at is where that event begins. */
bool event_log_next(struct event_log *log, struct event_log_event *event);

/* The event's digest by this algorithm; NULL: it has none. */
const uint8_t *event_log_digest(const struct event_log *log, const struct event_log_event *event,
                                uint16_t algorithm);

/*
 * Bytes of a log that begins in `size` readable bytes and whose last event begins at `last`; 0: it
 * is none, or no event begins there.
 */
size_t event_log_size(struct event_log *log, const void *bytes, size_t size, uint64_t last);

/* Bytes that so many events of the same digests have; 0 if there are fewer, or none. */
size_t event_log_events_size(const struct event_log *log, const void *bytes, size_t size,
                             uint64_t count);

#endif

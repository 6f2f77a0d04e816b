#include "library/event_log.h"

#include "library/bytes.h"
#include "library/string.h"

/* TCG_PCR_EVENT, the first event's form, and TCG_EfiSpecIDEvent in it (10.2.1, 10.4.5.1). */
enum {
    FIRST_TYPE = 4,
    FIRST_SIZE = 28,
    FIRST_DATA = 32,
    SPECIFICATION_SIGNATURE = 16,
    SPECIFICATION_COUNT = 24,
    SPECIFICATION_ALGORITHMS = 28, /* of algorithm and size each */
    EVENT_NO_ACTION = 3,
};

/* TCG_PCR_EVENT2 (10.2.2). */
enum {
    EVENT_TYPE = 4,
    EVENT_DIGESTS = 8,
    EVENT_HEAD = 12,
};

const char *event_log_begin(struct event_log *log, const void *start, size_t size)
{
    const uint8_t *bytes = start, *data = bytes + FIRST_DATA;

    *log = (struct event_log){.bytes = bytes, .size = size};
    if (size < FIRST_DATA + SPECIFICATION_ALGORITHMS ||
        load32(bytes + FIRST_TYPE) != EVENT_NO_ACTION ||
        memcmp(data, "Spec ID Event03", SPECIFICATION_SIGNATURE) != 0)
        return "the log does not begin with the Spec ID event";
    uint32_t data_size = load32(bytes + FIRST_SIZE), count = load32(data + SPECIFICATION_COUNT);
    if (count > EVENT_LOG_ALGORITHMS_MAXIMUM || data_size > size - FIRST_DATA ||
        data_size < SPECIFICATION_ALGORITHMS + 4 * (size_t)count + 1)
        return "the Spec ID event does not hold its algorithms";
    for (uint32_t i = 0; i < count; i++) {
        log->algorithms[i] = load16(data + SPECIFICATION_ALGORITHMS + 4 * (size_t)i);
        log->sizes[i] = load16(data + SPECIFICATION_ALGORITHMS + 4 * (size_t)i + 2);
    }
    log->algorithm_count = count;
    log->at = FIRST_DATA + (size_t)data_size;
    return NULL;
}

void event_log_go_on(struct event_log *log, const void *bytes, size_t size)
{
    log->bytes = bytes;
    log->size = size;
    log->at = 0;
}

static uint16_t digest_size(const struct event_log *log, uint16_t algorithm)
{
    for (uint32_t i = 0; i < log->algorithm_count; i++) {
        if (log->algorithms[i] == algorithm)
            return log->sizes[i];
    }
    return 0;
}

/* Moves *at behind the digest there; false: it does not fit. */
static bool digest_skip(const struct event_log *log, size_t *at)
{
    if (log->size - *at < 2)
        return false;
    uint16_t size = digest_size(log, load16(log->bytes + *at));
    if (size == 0 || log->size - *at - 2 < size)
        return false;
    *at += 2 + (size_t)size;
    return true;
}

bool event_log_next(struct event_log *log, struct event_log_event *event)
{
    const uint8_t *bytes = log->bytes;
    size_t at = log->at;

    if (log->size - at < EVENT_HEAD)
        return false;
    *event = (struct event_log_event){.at = at,
                                      .pcr = load32(bytes + at),
                                      .type = load32(bytes + at + EVENT_TYPE),
                                      .digest_count = load32(bytes + at + EVENT_DIGESTS),
                                      .digests = bytes + at + EVENT_HEAD};
    at += EVENT_HEAD;
    for (uint32_t i = 0; i < event->digest_count; i++) {
        if (!digest_skip(log, &at))
            return false;
    }
    if (log->size - at < 4)
        return false;
    event->data_size = load32(bytes + at);
    event->data = bytes + at + 4;
    if (event->data_size > log->size - at - 4)
        return false;
    log->at = at + 4 + event->data_size;
    return true;
}

const uint8_t *event_log_digest(const struct event_log *log, const struct event_log_event *event,
                                uint16_t algorithm)
{
    const uint8_t *digest = event->digests;

    for (uint32_t i = 0; i < event->digest_count; i++) {
        uint16_t is = load16(digest);

        if (is == algorithm)
            return digest + 2;
        digest += 2 + (size_t)digest_size(log, is);
    }
    return NULL;
}

size_t event_log_size(struct event_log *log, const void *bytes, size_t size, uint64_t last)
{
    struct event_log_event event;

    if (event_log_begin(log, bytes, size))
        return 0;
    if (last == 0)
        return log->at;
    while (log->at <= last) {
        if (!event_log_next(log, &event))
            return 0;
        if (event.at == last)
            return log->at;
    }
    return 0;
}

size_t event_log_events_size(const struct event_log *log, const void *bytes, size_t size,
                             uint64_t count)
{
    struct event_log events = *log;
    struct event_log_event event;

    event_log_go_on(&events, bytes, size);
    for (; count > 0; count--) {
        if (!event_log_next(&events, &event))
            return 0;
    }
    return events.at;
}

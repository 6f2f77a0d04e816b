/* The input is a log, and in its first eight bytes where the last event begins. */
#include "fuzz.h"
#include "library/event_log.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_log_event event;
    struct event_log log;
    uint64_t last;

    if (size < sizeof(last))
        return 0;
    memcpy(&last, data, sizeof(last));
    data += sizeof(last);
    size -= sizeof(last);
    size_t end = event_log_size(&log, data, size, last);
    require(end <= size);
    if (event_log_begin(&log, data, size))
        return 0;
    while (event_log_next(&log, &event)) {
        const uint8_t *digest = event_log_digest(&log, &event, EVENT_LOG_SHA256);

        require(!digest || (digest > data && digest < event.data));
        require(event.data + event.data_size <= data + size);
    }
    require(event_log_events_size(&log, data, size, last) <= size);
    return 0;
}

/* A TPM's event log: its first event, the others, where it ends. */
#include "library/event_log.h"
#include "test.h"

#include <string.h>

enum { SHA1_SIZE = 20, SHA256_BYTES = 32 };

static uint8_t bytes[1024];
static size_t size;
static struct event_log log;

static void put(uint64_t value, size_t width)
{
    memcpy(bytes + size, &value, width);
    size += width;
}

/* TCG_PCR_EVENT with a TCG_EfiSpecIDEvent of so many algorithms: SHA-1, SHA-256, others of 8 bytes.
 */
static void first_put(uint32_t count)
{
    size = 0;
    memset(bytes, 0, sizeof(bytes));
    put(0, 4);
    put(3, 4);
    size += 20;
    put(16 + 12 + 4 * (uint64_t)count + 1, 4);
    memcpy(bytes + size, "Spec ID Event03", 16);
    size += 16 + 8;
    put(count, 4);
    for (uint32_t i = 0; i < count; i++) {
        put(i == 0 ? EVENT_LOG_SHA1 : i == 1 ? EVENT_LOG_SHA256 : 100 + i, 2);
        put(i == 0 ? SHA1_SIZE : i == 1 ? SHA256_BYTES : 8, 2);
    }
    put(0, 1);
}

static void event_put(uint32_t pcr, uint32_t type, const char *data)
{
    put(pcr, 4);
    put(type, 4);
    put(2, 4);
    put(EVENT_LOG_SHA1, 2);
    memset(bytes + size, 1, SHA1_SIZE);
    size += SHA1_SIZE;
    put(EVENT_LOG_SHA256, 2);
    memset(bytes + size, 2, SHA256_BYTES);
    size += SHA256_BYTES;
    put(strlen(data), 4);
    memcpy(bytes + size, data, strlen(data));
    size += strlen(data);
}

static void test_events(void)
{
    struct event_log_event event;

    test_case("two events");
    first_put(2);
    event_put(4, 13, "one");
    event_put(12, 6, "");
    expect(event_log_begin(&log, bytes, size) == NULL);
    expect(event_log_next(&log, &event));
    expect_equal(event.pcr, 4);
    expect_equal(event.type, 13);
    expect_equal(event.data_size, 3);
    expect(memcmp(event.data, "one", 3) == 0);
    expect_equal(event_log_digest(&log, &event, EVENT_LOG_SHA1)[0], 1);
    expect_equal(event_log_digest(&log, &event, EVENT_LOG_SHA256)[0], 2);
    expect(event_log_digest(&log, &event, 12) == NULL);
    expect(event_log_next(&log, &event));
    expect_equal(event.pcr, 12);
    expect(!event_log_next(&log, &event));
    expect_equal(log.at, size);

    test_case("each that is cut off anywhere is none");
    expect(event_log_begin(&log, bytes, size) == NULL);
    size_t first = log.at;
    expect(event_log_next(&log, &event));
    size_t second = log.at;
    for (size_t cut = first; cut < size; cut++) {
        expect(event_log_begin(&log, bytes, cut) == NULL);
        expect_equal(event_log_next(&log, &event), cut >= second);
        expect(!event_log_next(&log, &event));
        expect_equal(log.at, cut >= second ? second : first);
    }
}

static void test_first(void)
{
    test_case("what does not begin with the Spec ID event");
    first_put(2);
    for (size_t cut = 0; cut < size; cut++)
        expect(event_log_begin(&log, bytes, cut) != NULL);
    bytes[32] = 'x';
    expect(event_log_begin(&log, bytes, size) != NULL);
    first_put(2);
    bytes[4] = 4;
    expect(event_log_begin(&log, bytes, size) != NULL);

    test_case("as many algorithms as there may be, and one more");
    first_put(EVENT_LOG_ALGORITHMS_MAXIMUM);
    expect(event_log_begin(&log, bytes, size) == NULL);
    expect_equal(log.algorithm_count, EVENT_LOG_ALGORITHMS_MAXIMUM);
    first_put(EVENT_LOG_ALGORITHMS_MAXIMUM + 1);
    expect(event_log_begin(&log, bytes, size) != NULL);

    test_case("more algorithms than bytes");
    first_put(2);
    bytes[56] = 9;
    expect(event_log_begin(&log, bytes, size) != NULL);
}

static void test_size(void)
{
    test_case("where the last event begins tells where the log ends");
    first_put(2);
    size_t one = size;
    event_put(0, 8, "firmware");
    size_t two = size;
    event_put(4, 13, "kernel");
    expect_equal(event_log_size(&log, bytes, sizeof(bytes), 0), one);
    expect_equal(event_log_size(&log, bytes, sizeof(bytes), one), two);
    expect_equal(event_log_size(&log, bytes, sizeof(bytes), two), size);
    test_case("where no event begins, or none fits, there is no end");
    expect_equal(event_log_size(&log, bytes, sizeof(bytes), one + 1), 0);
    expect_equal(event_log_size(&log, bytes, sizeof(bytes), 32), 0);
    expect_equal(event_log_size(&log, bytes, size - 1, two), 0);
    expect_equal(event_log_size(&log, bytes, 8, 0), 0);
    expect_equal(event_log_size(&log, bytes, sizeof(bytes), UINT64_MAX), 0);

    test_case("a number of events without a first one");
    expect(event_log_begin(&log, bytes, size) == NULL);
    expect_equal(event_log_events_size(&log, bytes + one, size - one, 0), 0);
    expect_equal(event_log_events_size(&log, bytes + one, size - one, 1), two - one);
    expect_equal(event_log_events_size(&log, bytes + one, size - one, 2), size - one);
    expect_equal(event_log_events_size(&log, bytes + one, size - one, 3), 0);
    expect_equal(event_log_events_size(&log, bytes + one, size - one, UINT64_MAX), 0);
}

static void test_digests(void)
{
    struct event_log_event event;

    test_case("a digest of an algorithm that the first event does not name");
    first_put(2);
    put(0, 4);
    put(8, 4);
    put(1, 4);
    put(99, 2);
    put(0, 4);
    expect(event_log_begin(&log, bytes, size) == NULL);
    size_t at = log.at;
    expect(!event_log_next(&log, &event));
    expect_equal(log.at, at);

    test_case("4,294,967,295 digests");
    first_put(2);
    put(0, 4);
    put(8, 4);
    put(UINT32_MAX, 4);
    size = sizeof(bytes);
    expect(event_log_begin(&log, bytes, size) == NULL);
    expect(!event_log_next(&log, &event));
}

int main(void)
{
    test_events();
    test_first();
    test_size();
    test_digests();
    return test_end();
}

/*
 * tpm.c: what the TPM's protocol (TCG EFI Protocol Specification, family 2.0) says of itself, the
 * event log, the events after it was taken, and the PCRs.
 */
#include <library/bytes.h>
#include <library/event_log.h>
#include <library/string.h>

#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"
#include "tcg2.h"

/* ---- the log ---- */

static void record_final_events(const struct event_log *log)
{
    uint64_t table = (uintptr_t)configuration_table(&tcg2_final_events);
    uint64_t events = table + EVENT_LOG_FINAL_EVENTS, count;

    if (!table || !recording_can_read(table, EVENT_LOG_FINAL_EVENTS))
        return;
    count = load64((const void *)(uintptr_t)(table + EVENT_LOG_FINAL_COUNT));
    record_memory(RECORD_TPM_FINAL_LOG, table,
                  EVENT_LOG_FINAL_EVENTS +
                      event_log_events_size(log, (const void *)(uintptr_t)events,
                                            recording_readable(events), count));
}

/* Also of a log that cannot be read to its last event: what is wrong with it is for who reads the
   record. */
static uint64_t log_size(struct event_log *log, uint64_t location, uint64_t last)
{
    enum { SOME = 64 };
    uint64_t readable = recording_readable(location),
             offset = last > location ? last - location : 0;
    uint64_t size = event_log_size(log, (const void *)(uintptr_t)location, readable, offset);

    if (!size)
        size = readable > SOME && offset < readable - SOME ? offset + SOME : readable;
    return size;
}

static void record_log(struct tcg2_protocol *tpm)
{
    struct record_tpm_log head = {.format = TCG2_LOG_FORMAT_2};
    EFI_PHYSICAL_ADDRESS location = 0, last = 0;
    struct event_log log = {0};
    BOOLEAN truncated = 0;
    uint64_t size = 0;

    head.status = tpm->event_log(tpm, TCG2_LOG_FORMAT_2, &location, &last, &truncated);
    head.location = location;
    head.last_entry = last;
    head.truncated = truncated;
    if (!EFI_ERROR(head.status) && location)
        size = log_size(&log, location, last);
    recording_append(RECORD_TPM_LOG, &head, sizeof head, (const void *)(uintptr_t)location, size);
    record_final_events(&log);
}

/* ---- PCRs (TPM 2.0 Library, part 3, 22.4) ---- */

enum {
    SHA256 = 0xb,
    DIGEST = 32,
    PCRS = 24,
    PCRS_A_READ = 8, /* a TPM gives no more at once */
};

static uint32_t big32(const uint8_t *bytes)
{
    return __builtin_bswap32(load32(bytes));
}

/* Eight PCRs from `first` on, to `digests`. False: the answer has another form. */
static bool read_pcrs(struct tcg2_protocol *tpm, unsigned first, uint8_t *digests)
{
    enum { ANSWER_DIGESTS = 24, RESPONSE = 512 };
    uint8_t command[] = {0x80, 1, 0, 0, 0, 20, 0, 0, 1, 0x7e, 0, 0, 0, 1, 0, SHA256, 3, 0, 0, 0};
    static uint8_t response[RESPONSE];

    memset(response, 0, sizeof response);
    command[17 + first / 8] = 0xff;
    if (EFI_ERROR(tpm->submit(tpm, sizeof command, command, sizeof response, response)) ||
        big32(response + 6) != 0 || big32(response + ANSWER_DIGESTS) != PCRS_A_READ)
        return false;
    for (unsigned i = 0; i < PCRS_A_READ; i++)
        memcpy(digests + (size_t)i * DIGEST, response + ANSWER_DIGESTS + 4 + i * (2 + DIGEST) + 2,
               DIGEST);
    return true;
}

static void record_pcrs(struct tcg2_protocol *tpm)
{
    static uint8_t digests[PCRS * DIGEST];
    struct record_pcrs head = {.algorithm = SHA256, .digest_size = DIGEST};

    while (head.count < PCRS && read_pcrs(tpm, head.count, digests + (size_t)head.count * DIGEST))
        head.count += PCRS_A_READ;
    head.status = head.count ? EFI_SUCCESS : EFI_DEVICE_ERROR;
    recording_append(RECORD_PCRS, &head, sizeof head, digests, (size_t)head.count * DIGEST);
}

void record_tpm(void)
{
    enum { CAPABILITY = 36 };
    uint8_t capability[64] __attribute__((aligned(8))) = {CAPABILITY};
    struct record_tpm head = {0};
    struct tcg2_protocol *tpm = tcg2_find(&head.locate_status);

    if (tpm)
        head.capability_status = tpm->capability(tpm, capability);
    recording_append(RECORD_TPM, &head, sizeof head, capability, tpm ? CAPABILITY : 0);
    if (!tpm)
        return;
    record_log(tpm);
    record_pcrs(tpm);
    record_own_digest();
}

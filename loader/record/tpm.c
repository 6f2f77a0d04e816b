/*
 * tpm.c: what the TPM's protocol (TCG EFI Protocol Specification, family 2.0) says of itself, the
 * event log, the events after it was taken, and the PCRs.
 */
#include <library/bytes.h>
#include <library/string.h>

#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"

/* gnu-efi does not name it. */
struct tcg2_protocol {
    EFI_STATUS(EFIAPI *capability)(struct tcg2_protocol *self, void *capability);
    EFI_STATUS(EFIAPI *event_log)
    (struct tcg2_protocol *self, UINT32 format, EFI_PHYSICAL_ADDRESS *location,
     EFI_PHYSICAL_ADDRESS *last, BOOLEAN *truncated);
    void *hash_log_extend_event;
    EFI_STATUS(EFIAPI *submit)
    (struct tcg2_protocol *self, UINT32 size, const void *command, UINT32 room, void *response);
};

enum {
    FORMAT_2 = 2, /* crypto agile */
    ALGORITHMS_MAXIMUM = 16,
    EVENTS_MAXIMUM = 4096,
};

/* ---- the log (PC Client Platform Firmware Profile, 10.2) ---- */

/* Sizes of digests, from the log's first event: TCG_EfiSpecIDEvent (10.4.5.1). */
struct digests {
    uint32_t count;
    uint16_t algorithm[ALGORITHMS_MAXIMUM], size[ALGORITHMS_MAXIMUM];
};

static void read_digests(const uint8_t *log, struct digests *digests)
{
    enum { EVENT = 32, COUNT = EVENT + 24 };

    digests->count = load32(log + COUNT);
    if (digests->count > ALGORITHMS_MAXIMUM)
        digests->count = 0;
    for (uint32_t i = 0; i < digests->count; i++) {
        digests->algorithm[i] = load16(log + COUNT + 4 + 4 * i);
        digests->size[i] = load16(log + COUNT + 6 + 4 * i);
    }
}

static uint16_t digest_size(const struct digests *digests, uint16_t algorithm)
{
    for (uint32_t i = 0; i < digests->count; i++) {
        if (digests->algorithm[i] == algorithm)
            return digests->size[i];
    }
    return 0;
}

/* The end of the TCG_PCR_EVENT2 at an address; 0: it has none. */
static uint64_t event_end(const struct digests *digests, uint64_t at)
{
    enum { HEAD = 12 };
    uint32_t count;

    if (!recording_can_read(at, HEAD))
        return 0;
    count = load32((const void *)(uintptr_t)(at + 8));
    at += HEAD;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t size = recording_can_read(at, 2)
                            ? digest_size(digests, load16((const void *)(uintptr_t)at))
                            : 0;

        if (!size)
            return 0;
        at += 2 + size;
    }
    return recording_can_read(at, 4) ? at + 4 + load32((const void *)(uintptr_t)at) : 0;
}

/* The first event has the old form: PCR, type, a digest of 20 bytes, size, data. */
static uint64_t first_end(uint64_t log)
{
    return log + 32 + load32((const void *)(uintptr_t)(log + 28));
}

static void record_final_events(const struct digests *digests)
{
    enum { HEAD = 16 };
    static const EFI_GUID guid = {
        0x1e2ed096, 0x30e2, 0x4254, {0xbd, 0x89, 0x86, 0x3b, 0xbe, 0xf8, 0x23, 0x25}};
    uint64_t table = (uintptr_t)configuration_table(&guid), end = table + HEAD, left;

    if (!table || !recording_can_read(table, HEAD))
        return;
    left = load64((const void *)(uintptr_t)(table + 8));
    for (unsigned events = 0; events < left && events < EVENTS_MAXIMUM && end; events++)
        end = event_end(digests, end);
    record_memory(RECORD_TPM_FINAL_LOG, table, end > table ? end - table : HEAD);
}

static void record_log(struct tcg2_protocol *tpm)
{
    struct record_tpm_log head = {.format = FORMAT_2};
    EFI_PHYSICAL_ADDRESS location = 0, last = 0;
    struct digests digests = {0};
    BOOLEAN truncated = 0;
    uint64_t end = 0;

    head.status = tpm->event_log(tpm, FORMAT_2, &location, &last, &truncated);
    head.location = location;
    head.last_entry = last;
    head.truncated = truncated;
    if (!EFI_ERROR(head.status) && location && recording_can_read(location, 64)) {
        read_digests((const uint8_t *)(uintptr_t)location, &digests);
        end = last > location ? event_end(&digests, last) : first_end(location);
    }
    recording_append(RECORD_TPM_LOG, &head, sizeof head, (const void *)(uintptr_t)location,
                     end > location && recording_can_read(location, end - location) ? end - location
                                                                                    : 0);
    record_final_events(&digests);
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
    static const EFI_GUID guid = {
        0x607f766c, 0x7455, 0x42be, {0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f}};
    uint8_t capability[64] __attribute__((aligned(8))) = {CAPABILITY};
    struct record_tpm head = {0};
    struct tcg2_protocol *tpm = firmware_locate(&guid, &head.locate_status);

    if (tpm)
        head.capability_status = tpm->capability(tpm, capability);
    recording_append(RECORD_TPM, &head, sizeof head, capability, tpm ? CAPABILITY : 0);
    if (!tpm)
        return;
    record_log(tpm);
    record_pcrs(tpm);
    record_own_digest();
}

/* Secure Boot and TPM: 69, 70. */
#include "library/audit/check.h"
#include "library/bytes.h"
#include "library/event_log.h"
#include "library/sha256.h"
#include "library/string.h"

/* ---- 69: Secure Boot's variables (UEFI 2.11, 3.3 and 32.3) ---- */

static const uint8_t guid_global[16] =
    GUID(0x8be4df61, 0x93ca, 0x11d2, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c);
static const uint8_t guid_security[16] =
    GUID(0xd719b2cb, 0x3d3a, 0x4596, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f);

/* Whether UTF-16 bytes, with their NUL, are this name. */
static bool name_is(const uint8_t *bytes, size_t size, const char *name)
{
    size_t length = strlen(name) + 1;

    if (size != 2 * length)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (load16(bytes + 2 * i) != (uint8_t)name[i])
            return false;
    }
    return true;
}

struct found_variable {
    bool there; /* GetVariable gave it */
    uint32_t size;
    uint8_t value; /* its first byte, where it was kept */
    uint64_t offset;
};

static struct found_variable variable_find(const struct record *record, const uint8_t guid[16],
                                           const char *name)
{
    struct found_variable found = {.offset = AUDIT_NO_OFFSET};
    struct record_entry entry = {0};
    struct record_variable variable;
    size_t size;

    while (record_next_of(record, RECORD_VARIABLE, &entry)) {
        const uint8_t *tail = record_load(&entry, &variable, sizeof(variable), &size);
        if (variable.name_size > size || memcmp(variable.guid, guid, 16) != 0 ||
            !name_is(tail, variable.name_size, name) || variable.status != 0)
            continue;
        size_t data = (variable.name_size + 7) & ~7U;
        found =
            (struct found_variable){.there = true,
                                    .size = variable.data_size,
                                    .value = variable.data_kept > 0 && data < size ? tail[data] : 0,
                                    .offset = entry.offset};
    }
    return found;
}

static void contradiction(struct audit *audit, bool wrong, const struct found_variable *variable,
                          const char *text)
{
    if (wrong)
        audit_fail(audit, variable->offset, "%s", text);
}

static void secure_boot(struct audit *audit)
{
    const struct record *record = audit->record;

    if (!audit_need(audit, RECORD_VARIABLE, &(struct record_entry){0}))
        return;
    struct found_variable setup = variable_find(record, guid_global, "SetupMode");
    struct found_variable secure = variable_find(record, guid_global, "SecureBoot");
    struct found_variable inspect = variable_find(record, guid_global, "AuditMode");
    struct found_variable deployed = variable_find(record, guid_global, "DeployedMode");
    struct found_variable platform_key = variable_find(record, guid_global, "PK");
    struct found_variable forbidden = variable_find(record, guid_security, "dbx");
    if (!setup.there && !secure.there) {
        audit_not_applicable(audit, "there is no Secure Boot");
        return;
    }
    bool has_key = platform_key.there && platform_key.size > 0;
    contradiction(audit, setup.there && setup.value == 0 && !has_key, &setup,
                  "SetupMode is 0 without a PK");
    contradiction(audit, setup.there && setup.value == 1 && has_key, &setup,
                  "SetupMode is 1 with a PK");
    contradiction(audit, secure.value == 1 && setup.value == 1, &secure,
                  "SecureBoot and SetupMode are 1");
    contradiction(audit, inspect.value == 1 && setup.value == 0, &inspect,
                  "AuditMode is 1, SetupMode 0");
    contradiction(audit, inspect.value == 1 && deployed.value == 1, &inspect,
                  "AuditMode and DeployedMode are 1");
    contradiction(audit, deployed.value == 1 && setup.value == 1, &deployed,
                  "DeployedMode and SetupMode are 1");
    contradiction(audit, secure.value == 1 && (!forbidden.there || forbidden.size == 0), &secure,
                  "Secure Boot is on and dbx is empty");
}

/* ---- 70: the event log against the PCRs (TCG PC Client Platform Firmware Profile 1.06) ---- */

enum {
    EVENT_NO_ACTION = 3,
    EVENT_SEPARATOR = 4,
    EVENT_APPLICATION = (int)0x80000003, /* EV_EFI_BOOT_SERVICES_APPLICATION */
    PCRS = 8,
};

/* A log, and where it lies in the record. */
struct log {
    struct event_log events;
    const void *bytes;
    size_t size;
    uint64_t offset;
};

struct replay {
    uint8_t pcrs[PCRS][SHA256_SIZE];
    unsigned separators[PCRS];
    bool ours; /* our image was measured into PCR 4 */
};

/* EV_NO_ACTION is not extended, but may tell the locality that PCR 0 begins with (10.4.5.3). */
static void no_action(struct replay *replay, const struct event_log_event *event)
{
    if (event->data_size >= 17 && memcmp(event->data, "StartupLocality", 16) == 0)
        replay->pcrs[0][SHA256_SIZE - 1] = event->data[16];
}

/* `digest`: the event's SHA-256; NULL: it has none. */
static void extend(struct replay *replay, const struct event_log_event *event,
                   const uint8_t *digest, const uint8_t *our_digest)
{
    if (event->type == EVENT_NO_ACTION) {
        no_action(replay, event);
        return;
    }
    if (event->pcr >= PCRS || digest == NULL)
        return;
    sha256(replay->pcrs[event->pcr], SHA256_SIZE, digest, SHA256_SIZE, replay->pcrs[event->pcr]);
    replay->separators[event->pcr] += event->type == EVENT_SEPARATOR;
    if (event->pcr == 4 && event->type == (uint32_t)EVENT_APPLICATION && our_digest != NULL &&
        memcmp(digest, our_digest, SHA256_SIZE) == 0)
        replay->ours = true;
}

/* The SHA-256 bank's first digests; NULL: not recorded. */
static const uint8_t *bank_find(const struct record *record, uint64_t *offset)
{
    struct record_entry entry = {0};
    struct record_pcrs pcrs;
    size_t size;

    while (record_next_of(record, RECORD_PCRS, &entry)) {
        const uint8_t *digests = record_load(&entry, &pcrs, sizeof(pcrs), &size);
        *offset = entry.offset + sizeof(pcrs);
        if (pcrs.status == 0 && pcrs.algorithm == EVENT_LOG_SHA256 &&
            pcrs.digest_size == SHA256_SIZE && pcrs.count >= PCRS && size >= PCRS * SHA256_SIZE)
            return digests;
    }
    return NULL;
}

static const uint8_t *loader_digest(const struct record *record)
{
    struct record_entry entry = {0};
    struct record_digest digest;
    size_t size;

    while (record_next_of(record, RECORD_LOADER_DIGEST, &entry)) {
        const uint8_t *bytes = record_load(&entry, &digest, sizeof(digest), &size);
        if (digest.algorithm == EVENT_LOG_SHA256 && size >= SHA256_SIZE)
            return bytes;
    }
    return NULL;
}

static void replay_judge(struct audit *audit, const struct replay *replay, const uint8_t *bank,
                         uint64_t offset)
{
    for (unsigned pcr = 0; pcr < PCRS; pcr++) {
        const uint8_t *is = bank + (size_t)pcr * SHA256_SIZE;
        if (memcmp(replay->pcrs[pcr], is, SHA256_SIZE) != 0)
            audit_fail(audit, offset + pcr * SHA256_SIZE,
                       "PCR %u is %02x%02x%02x%02x..., the log gives %02x%02x%02x%02x...", pcr,
                       is[0], is[1], is[2], is[3], replay->pcrs[pcr][0], replay->pcrs[pcr][1],
                       replay->pcrs[pcr][2], replay->pcrs[pcr][3]);
        if (replay->separators[pcr] != 1)
            audit_fail(audit, AUDIT_NO_OFFSET, "PCR %u has %u separators", pcr,
                       replay->separators[pcr]);
    }
}

/* The event's SHA-256, if it has one of the right length. */
static const uint8_t *digest_of(const struct event_log *log, const struct event_log_event *event)
{
    for (uint32_t i = 0; i < log->algorithm_count; i++) {
        if (log->algorithms[i] == EVENT_LOG_SHA256 && log->sizes[i] == SHA256_SIZE)
            return event_log_digest(log, event, EVENT_LOG_SHA256);
    }
    return NULL;
}

static void log_replay(struct audit *audit, struct log *log, const uint8_t *bank, uint64_t offset)
{
    const uint8_t *ours = loader_digest(audit->record);
    const char *wrong = event_log_begin(&log->events, log->bytes, log->size);
    struct replay replay = {0};
    struct event_log_event event;

    if (wrong) {
        audit_fail(audit, log->offset, "%s", wrong);
        return;
    }
    while (event_log_next(&log->events, &event))
        extend(&replay, &event, digest_of(&log->events, &event), ours);
    if (log->events.at != log->size) {
        audit_fail(audit, log->offset + log->events.at, "the event at %zu does not fit",
                   log->events.at);
        return;
    }
    replay_judge(audit, &replay, bank, offset);
    if (ours == NULL)
        audit_not_known(audit, "the loader's own digest was not recorded");
    else if (!replay.ours)
        audit_fail(audit, AUDIT_NO_OFFSET, "the loader's digest is not among PCR 4's events");
}

static void event_log(struct audit *audit)
{
    struct record_tpm_log head;
    struct record_entry entry;
    struct record_tpm tpm;
    struct log log;
    uint64_t offset;

    if (!audit_need(audit, RECORD_TPM, &entry))
        return;
    (void)record_load(&entry, &tpm, sizeof(tpm), NULL);
    if (tpm.locate_status != 0) {
        audit_not_applicable(audit, "there is no TCG2 protocol");
        return;
    }
    const uint8_t *bank = bank_find(audit->record, &offset);
    if (bank == NULL) {
        audit_not_known(audit, "the PCRs of the SHA-256 bank were not recorded");
        return;
    }
    if (!audit_need(audit, RECORD_TPM_LOG, &entry))
        return;
    log = (struct log){.bytes = record_load(&entry, &head, sizeof(head), &log.size)};
    log.size = entry.size > sizeof(head) ? entry.size - sizeof(head) : 0;
    log.offset = entry.offset + sizeof(head);
    if (head.format != 2)
        audit_not_known(audit, "the log has format %u; only the crypto agile one (2) is read",
                        head.format);
    else if (head.truncated)
        audit_fail(audit, entry.offset, "the firmware says that its log is truncated");
    else
        log_replay(audit, &log, bank, offset);
}

static const struct audit_check checks[] = {
    {69, AUDIT_HIGH, AUDIT_HIGH, false, "Secure Boot's variables", "UEFI 2.11, 3.3 and 32.3",
     "PK, SetupMode, SecureBoot, AuditMode, DeployedMode that agree; a dbx when Secure Boot is on",
     "Derive the modes from PK at each boot; ship a current dbx.", secure_boot},
    {70, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "event log against the PCRs",
     "TCG PC Client Platform Firmware Profile 1.06, 10.4",
     "the log replays to PCR 0 to 7; Spec ID event first; a separator each; the loader in PCR 4",
     "Log every measurement that is extended, in its order.", event_log},
};

AUDIT_FAMILY(audit_trust, "trust", checks);

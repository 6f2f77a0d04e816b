#include "firmware/record/findings.h"

#include <asm/errno.h>

#include "cpu/log.h"
#include "firmware/record/canary.h"
#include "firmware/record/handoff_record.h"
#include "library/string.h"
#include "memory/heap.h"

static enum audit_profile chosen = AUDIT_UEFI; /* constant after boot */

void handoff_findings_choose(const char *profile)
{
    if (profile && *profile && !audit_profile_find(profile, &chosen))
        log_write(LOG_WARNING, "audit: there is no profile %s: it is minimal, uefi or emp",
                  profile);
}

enum audit_profile handoff_findings_profile(void)
{
    return chosen;
}

struct audit_finding *handoff_findings(int *error)
{
    struct audit_finding *findings = heap_allocate(AUDIT_CHECKS * sizeof(*findings));
    const char *reason;
    struct record record;
    size_t size;

    *error = -ENOMEM;
    if (!findings)
        return NULL;
    handoff_record_canary_look();
    const void *bytes = handoff_record_view_locked(&size);
    *error = bytes && !record_open(&record, bytes, size, &reason) ? 0 : -ENODATA;
    if (!*error)
        audit_run(&record, NULL, chosen, findings);
    handoff_record_unlock();
    if (!*error)
        return findings;
    heap_free(findings);
    return NULL;
}

static void log_line(void *context, const char *text)
{
    (void)context;
    log_write(LOG_NOTICE, "audit: %s", text);
}

/* The boot's identifier, 0 without a record. */
static void read_boot(uint8_t boot[16])
{
    size_t size;
    const struct record_header *header = handoff_record_view_locked(&size);

    if (header)
        memcpy(boot, header->boot, sizeof(header->boot));
    handoff_record_unlock();
}

void handoff_findings_log(void)
{
    uint8_t boot[16] = {0};
    int error;
    struct audit_finding *findings = handoff_findings(&error);

    if (!findings) {
        log_write(LOG_WARNING, "audit: %s",
                  error == -ENOMEM ? "no memory for it" : "there is no record");
        return;
    }
    read_boot(boot);
    audit_write_text(findings, log_line, NULL);
    audit_write_code(findings, boot, log_line, NULL);
    heap_free(findings);
}

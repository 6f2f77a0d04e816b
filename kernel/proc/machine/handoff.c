/* handoff.c: /sys/firmware/handoff: the record of how the firmware passed control on, raw and as
   JSON, and what the audit finds in it. Only root reads it: it tells where everything lies. */
#include <asm/errno.h>
#include <linux/stat.h>

#include "firmware/record/canary.h"
#include "firmware/record/findings.h"
#include "firmware/record/handoff_record.h"
#include "library/record/record.h"
#include "library/string.h"
#include "memory/heap.h"
#include "proc/machine/machine.h"

static void emit(void *context, const char *bytes, size_t length)
{
    text_append(context, bytes, length);
}

static int record_show(const struct pseudo_key *key, struct text *text)
{
    size_t size = 0;

    (void)key;
    handoff_record_canary_look();
    const void *bytes = handoff_record_view_locked(&size);
    if (bytes)
        text_append(text, bytes, size);
    handoff_record_unlock();
    return bytes ? 0 : -ENODATA;
}

static int record_json_show(const struct pseudo_key *key, struct text *text)
{
    size_t size = 0;
    const char *reason;
    struct record record;

    (void)key;
    handoff_record_canary_look();
    const void *bytes = handoff_record_view_locked(&size);
    int error = bytes ? record_open(&record, bytes, size, &reason) : -ENODATA;

    if (!error)
        record_write_json(&record, emit, text);
    handoff_record_unlock();
    return error;
}

/* ---- what the audit says of it ---- */

static void line(void *context, const char *text)
{
    text_print(context, "%s\n", text);
}

static int audit_show(const struct pseudo_key *key, struct text *text)
{
    int error;
    struct audit_finding *findings = handoff_findings(&error);

    (void)key;
    if (findings)
        audit_write_text(findings, line, text);
    heap_free(findings);
    return error;
}

static int audit_json_show(const struct pseudo_key *key, struct text *text)
{
    int error;
    struct audit_finding *findings = handoff_findings(&error);

    (void)key;
    if (findings)
        audit_write_json(findings, handoff_findings_profile(), emit, text);
    heap_free(findings);
    return error;
}

static struct pseudo_node handoff_files[] = {
    {.name = "audit", .mode = S_IFREG | 0400, .show = audit_show},
    {.name = "audit.json", .mode = S_IFREG | 0400, .show = audit_json_show},
    {.name = "record", .mode = S_IFREG | 0400, .show = record_show},
    {.name = "record.json", .mode = S_IFREG | 0400, .show = record_json_show},
};
static struct pseudo_node handoff_nodes[] = {
    {.name = "handoff",
     .mode = S_IFDIR | 0755,
     .children = handoff_files,
     .child_count = array_length(handoff_files)},
};

void machine_handoff_add(void)
{
    pseudo_add(&sys_firmware_directory, handoff_nodes, array_length(handoff_nodes));
}

/*
 * The audit: every check passes on the clean record and fails on each record
 * that was broken for it (tests/handoff/failures.py); records with entries cut
 * short, and checks' texts.
 */
#include "../test.h"
#include "library/audit/check.h"
#include "library/crc32.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct audit_finding findings[AUDIT_CHECKS];

/* The file of records, as tests/handoff/records.py writes it. */
struct item {
    uint32_t check; /* 0: the clean one */
    uint32_t size;
    char name[72];
};

static uint8_t *file_read(const char *program, size_t *size)
{
    char path[4096];
    const char *slash = strrchr(program, '/');

    snprintf(path, sizeof(path), "%.*s/audit-records.bin",
             slash != NULL ? (int)(slash - program) : 1, slash != NULL ? program : ".");
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    uint8_t *bytes = malloc(16 << 20);
    *size = fread(bytes, 1, 16 << 20, file);
    fclose(file);
    return bytes;
}

static struct record opened(const uint8_t *bytes, size_t size)
{
    struct record record;
    const char *reason = "";

    expect_equal(record_open(&record, bytes, size, &reason), 0);
    return record;
}

static void broken_try(const struct item *item, const uint8_t *bytes, const struct record *clean)
{
    test_case("check %u fails: %s", item->check, item->name);
    struct record record = opened(test_copy(bytes, item->size), item->size);
    expect_equal(record.header.flags, RECORD_SEALED | RECORD_EDITED);
    audit_run(&record, clean, AUDIT_EMP, findings);
    const struct audit_finding *finding = &findings[item->check - 1];
    expect_equal(finding->result, AUDIT_FAIL);
    expect(finding->count > 0 && finding->places[0].found[0] != '\0');
    expect(finding->places[0].offset == AUDIT_NO_OFFSET || finding->places[0].offset < item->size);
}

static void clean_try(const struct record *clean)
{
    test_case("every check passes on the clean record");
    audit_run(clean, clean, AUDIT_EMP, findings);
    for (unsigned i = 0; i < AUDIT_CHECKS; i++) {
        expect_equal(findings[i].check->number, i + 1);
        expect_equal(findings[i].result, AUDIT_PASS);
    }
    expect_equal(audit_count(findings, AUDIT_LOW), 0);

    test_case("every check has its texts");
    for (unsigned i = 0; i < AUDIT_CHECKS; i++) {
        const struct audit_check *check = findings[i].check;
        expect(strlen(check->title) > 3 && strlen(check->section) > 5);
        expect(strlen(check->expected) > 3 && strlen(check->advice) > 10);
        expect(check->severity_emp >= check->severity && check->severity <= AUDIT_CRITICAL);
    }
    expect_string(audit_severity_name(AUDIT_CRITICAL), "C");
    expect_string(audit_result_name(AUDIT_NOT_KNOWN), "not known");
}

/* Every kind of entry cut to every length up to 200 bytes: no check may read beyond it. */
static void shortened(const struct record *clean)
{
    static uint64_t memory[1 << 14];
    static const uint8_t boot[16];
    struct record_entry entry;

    test_case("entries that are cut short");
    for (size_t length = 0; length < 200; length++) {
        struct record_writer writer;
        expect_equal(record_start(&writer, memory, sizeof(memory), "short", boot), 0);
        entry = (struct record_entry){0};
        while (record_next(clean, &entry)) {
            size_t size = entry.size < length ? entry.size : length;
            (void)record_append(&writer, entry.kind, entry.tsc, entry.bytes, size, NULL, 0);
        }
        struct record_header *header = (struct record_header *)memory;
        size_t all = header->size;
        uint8_t *exact = malloc(all);
        memcpy(exact, memory, all);
        struct record record = opened(exact, all);
        audit_run(&record, NULL, AUDIT_UEFI, findings);
        for (unsigned i = 0; i < AUDIT_CHECKS; i++)
            expect((findings[i].result == AUDIT_FAIL) == (findings[i].count > 0));
        free(exact);
    }
}

/* The last entry is too short for the field that is wrong: it fails, and names no bytes. */
static void field_missing(void)
{
    static uint64_t memory[64];
    static const uint8_t boot[16];
    struct record_writer writer;

    test_case("a field that is not in the record has no offset");
    expect_equal(record_start(&writer, memory, sizeof(memory), "old", boot), 0);
    expect_equal(record_append(&writer, RECORD_ENTRY_STATE, 0, "\0\0\0\0\0\0\0", 8, NULL, 0), 0);
    struct record record = opened((uint8_t *)memory, sizeof(memory));
    audit_run(&record, NULL, AUDIT_UEFI, findings);
    expect_equal(findings[34 - 1].result, AUDIT_FAIL);
    for (unsigned i = 0; i < 3; i++)
        expect_equal(findings[34 - 1].places[i].offset, AUDIT_NO_OFFSET);
}

static void full_record(void)
{
    static uint64_t memory[64];
    static const uint8_t boot[16];
    struct record_writer writer;

    test_case("what a full record lacks is not known, and it says so");
    expect_equal(record_start(&writer, memory, sizeof(memory), "full", boot), 0);
    expect_equal(record_append(&writer, RECORD_NOTE, 0, findings, sizeof(findings), NULL, 0),
                 -ENOSPC);
    struct record record = opened((uint8_t *)memory, sizeof(memory));
    audit_run(&record, &record, AUDIT_MINIMAL, findings);
    expect_equal(findings[34 - 1].result, AUDIT_NOT_KNOWN);
    expect_string(findings[34 - 1].why, "the record has no entry_state; it was full");
    expect_equal(findings[44 - 1].result, AUDIT_NOT_APPLICABLE);
    expect_equal(findings[20 - 1].result, AUDIT_NOT_KNOWN);
}

static void write_add(void *context, const char *text, size_t length)
{
    (void)text;
    *(size_t *)context += length;
}

static void told(const struct record *clean)
{
    size_t length = 0;

    test_case("findings as JSON end");
    audit_run(clean, NULL, AUDIT_UEFI, findings);
    audit_write_json(findings, AUDIT_UEFI, write_add, &length);
    expect(length > 20000);
}

/* Lines as they come: the severities' order, and the last line. */
struct heard {
    unsigned severities; /* how often a heading is of another severity than the one before */
    unsigned unknown;    /* lines of checks that are not known */
    char severity, last[AUDIT_LINE_SIZE];
};

static void hear(void *context, const char *line)
{
    struct heard *heard = context;

    if (line[0] >= 'A' && line[0] != heard->severity) {
        heard->severity = line[0];
        heard->severities++;
    }
    heard->unknown += line[0] == '?';
    snprintf(heard->last, sizeof(heard->last), "%s", line);
}

static void told_in_lines(const struct record *clean)
{
    struct heard heard = {0};
    char last[100];

    test_case("findings as lines: the worst first, then what is not known, then the counts");
    audit_run(clean, NULL, AUDIT_UEFI, findings);
    findings[9].result = findings[0].result = AUDIT_FAIL;
    findings[9].severity = AUDIT_CRITICAL;
    findings[9].count = AUDIT_PLACES + 3;
    findings[20].result = AUDIT_NOT_KNOWN;
    strcpy(findings[20].why, "nobody looked");
    unsigned passed = 0, failed = 0;
    for (size_t i = 0; i < AUDIT_CHECKS; i++) {
        passed += findings[i].result == AUDIT_PASS;
        failed += findings[i].result == AUDIT_FAIL;
        if (findings[i].result == AUDIT_FAIL && i != 9)
            findings[i].severity = AUDIT_LOW;
    }
    audit_write_text(findings, hear, &heard);
    expect_equal(heard.severities, 2);
    expect_equal(heard.severity, 'L');
    expect(heard.unknown >= 1);
    snprintf(last, sizeof(last), "%u fail, %u pass, %u not applicable, %u not known", failed,
             passed, AUDIT_CHECKS - failed - passed - heard.unknown, heard.unknown);
    expect_string(heard.last, last);
}

static void profiles_found(void)
{
    enum audit_profile profile = AUDIT_MINIMAL;

    test_case("profiles by their names");
    expect(audit_profile_find("emp", &profile) && profile == AUDIT_EMP);
    expect(audit_profile_find("uefi", &profile) && profile == AUDIT_UEFI);
    expect(!audit_profile_find("em", &profile) && !audit_profile_find("", &profile));
    expect_equal(profile, AUDIT_UEFI);
}

static void words_read(void)
{
    test_case("amounts of pages, and statuses, as words");
    expect_string(pages_text(0).text, "0 KiB");
    expect_string(pages_text(1).text, "4 KiB");
    expect_string(pages_text(255).text, "1020 KiB");
    expect_string(pages_text(256).text, "1 MiB");
    expect_string(pages_text(384).text, "1.5 MiB");
    expect_string(pages_text(UINT64_C(1) << 18).text, "1 GiB");
    expect_string(pages_text(UINT64_MAX).text, "63.9 ZiB");
    expect_string(status_text(UINT64_C(0x8000000000000003)).text, "EFI_UNSUPPORTED");
    expect_string(status_text(UINT64_MAX).text, "0xffffffffffffffff");
}

int main(int count, char **arguments)
{
    size_t size, at = 0;
    uint8_t *file = file_read(count > 0 ? arguments[0] : ".", &size);
    struct item item;
    struct record clean = {0};
    unsigned broken[AUDIT_CHECKS + 1] = {0};

    while (size - at >= sizeof(item)) {
        memcpy(&item, file + at, sizeof(item));
        at += sizeof(item);
        if (item.check != 0) {
            broken_try(&item, file + at, &clean);
        } else {
            test_case("the clean record is one");
            clean = opened(test_copy(file + at, item.size), item.size);
            clean_try(&clean);
        }
        broken[item.check]++;
        at += item.size;
    }
    test_case("each check has a record on which it fails");
    for (unsigned check = 1; check <= AUDIT_CHECKS; check++)
        expect(broken[check] > 0);
    shortened(&clean);
    field_missing();
    full_record();
    profiles_found();
    words_read();
    told(&clean);
    told_in_lines(&clean);
    free(file);
    return test_end();
}

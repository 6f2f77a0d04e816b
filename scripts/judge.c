/*
 * judge record FILE                        the record as JSON
 * judge audit FILE PROFILE [BASELINE]      its findings as JSON
 * judge code FILE                          its findings as a machine's screen shows them: a QR code
 * judge names                              what numbers in them are called, as JSON
 *
 * What scripts/handoff asks of the library (kernel/library/record, audit),
 * compiled for this host. Status 1, with a line on stderr, when a file is no
 * record that can be read; 2 for wrong arguments.
 */
#include "library/audit/audit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIZE_MAXIMUM = 64 * 1024 * 1024,
};

static void emit(void *context, const char *text, size_t length)
{
    fwrite(text, 1, length, context);
}

static int complain(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    return 1;
}

/* The bytes of a file, at most SIZE_MAXIMUM; NULL with errno. They are never freed: records point
 * into them. */
static uint8_t *file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return NULL;
    uint8_t *bytes = malloc(SIZE_MAXIMUM);
    *size = bytes != NULL ? fread(bytes, 1, SIZE_MAXIMUM, file) : 0;
    bool failed = ferror(file);
    int error = errno;
    fclose(file);
    errno = error;
    return failed ? NULL : bytes;
}

static int record_read(const char *path, struct record *record)
{
    const char *reason = NULL;
    size_t size;
    const uint8_t *bytes = file_read(path, &size);

    if (bytes == NULL)
        return complain(path, strerror(errno));
    return record_open(record, bytes, size, &reason) != 0 ? complain(path, reason) : 0;
}

/* ---- names ---- */

static void list_print(const char *title, int count, const char *(*name)(int))
{
    printf("\"%s\":[", title);
    for (int i = 0; i < count; i++)
        printf("%s\"%s\"", i > 0 ? "," : "", name(i));
    printf("],\n");
}

static const char *profile_name(int profile)
{
    return audit_profile_name((enum audit_profile)profile);
}

static const char *severity_name(int severity)
{
    return audit_severity_name((enum audit_severity)severity);
}

static const char *severity_word(int severity)
{
    return audit_severity_word((enum audit_severity)severity);
}

static const char *result_name(int result)
{
    return audit_result_name((enum audit_result)result);
}

static const char *memory_type_name(int type)
{
    return record_memory_type_name((uint32_t)type);
}

static const char *status_name(int status)
{
    const char *name = record_status_name(status == 0 ? 0 : UINT64_C(1) << 63 | (uint64_t)status);

    return name != NULL ? name : "";
}

static const char *cache_type_name(int type)
{
    return record_cache_type_name((unsigned)type);
}

static void classes_print(void)
{
    const char *comma = "";

    printf("\"pci_classes\":{");
    for (uint32_t code = 0; code <= UINT16_MAX; code++) {
        const char *name = record_pci_class_name((uint16_t)code);
        if (name == NULL)
            continue;
        printf("%s\"%u\":\"%s\"", comma, code, name);
        comma = ",";
    }
    printf("},");
}

static void services_print(void)
{
    const char *comma = "";

    printf("\"services\":{");
    for (uint32_t table = RECORD_BOOT; table <= RECORD_PCI_IO; table++) {
        for (uint32_t offset = 0; offset < 512; offset += 8) {
            const char *name = record_service_name(RECORD_SERVICE(table, offset));
            if (name == NULL)
                continue;
            printf("%s\"%u\":\"%s\"", comma, RECORD_SERVICE(table, offset), name);
            comma = ",";
        }
    }
    printf("}}\n");
}

static int names_print(void)
{
    enum {
        MEMORY_TYPES = 16,
        CACHE_TYPES = 8,
        STATUSES = 29,
    };

    printf("{");
    list_print("profiles", AUDIT_PROFILES, profile_name);
    list_print("severities", AUDIT_SEVERITIES, severity_name);
    list_print("severity_words", AUDIT_SEVERITIES, severity_word);
    list_print("results", AUDIT_RESULTS, result_name);
    list_print("memory_types", MEMORY_TYPES, memory_type_name);
    list_print("cache_types", CACHE_TYPES, cache_type_name);
    list_print("statuses", STATUSES, status_name);
    classes_print();
    services_print();
    return 0;
}

/* ---- records ---- */

static int record_print(const char *path)
{
    struct record record;

    if (record_read(path, &record) != 0)
        return 1;
    record_write_json(&record, emit, stdout);
    return 0;
}

static int audit_print(const char *path, enum audit_profile profile, const char *baseline_path)
{
    static struct audit_finding findings[AUDIT_CHECKS];
    struct record record, baseline;

    if (record_read(path, &record) != 0 ||
        (baseline_path != NULL && record_read(baseline_path, &baseline) != 0))
        return 1;
    audit_run(&record, baseline_path != NULL ? &baseline : NULL, profile, findings);
    audit_write_json(findings, profile, emit, stdout);
    return 0;
}

static void line_print(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static int code_print(const char *path)
{
    static struct audit_finding findings[AUDIT_CHECKS];
    struct record record;

    if (record_read(path, &record) != 0)
        return 1;
    audit_run(&record, NULL, AUDIT_UEFI, findings);
    audit_write_code(findings, record.header.boot, line_print, NULL);
    return 0;
}

int main(int count, char **arguments)
{
    enum audit_profile profile = AUDIT_UEFI;

    if (count == 3 && strcmp(arguments[1], "record") == 0)
        return record_print(arguments[2]);
    if ((count == 4 || count == 5) && strcmp(arguments[1], "audit") == 0 &&
        audit_profile_find(arguments[3], &profile))
        return audit_print(arguments[2], profile, count == 5 ? arguments[4] : NULL);
    if (count == 3 && strcmp(arguments[1], "code") == 0)
        return code_print(arguments[2]);
    if (count == 2 && strcmp(arguments[1], "names") == 0)
        return names_print();
    fprintf(stderr, "judge record FILE | judge audit FILE PROFILE [BASELINE] | judge code FILE | "
                    "judge names\n");
    return 2;
}

/*
 * judge record FILE                        the record as JSON
 * judge audit FILE PROFILE [BASELINE]      its findings as JSON
 *
 * What scripts/handoff asks of the library (kernel/library/record, audit),
 * compiled for this host. Status 1, with a line on stderr, when a file is no
 * record that can be read; 2 for wrong arguments.
 */
#include "library/audit/audit.h"

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

/* The record of a file; what was read is never freed, for the record points into it. */
static int record_read(const char *path, struct record *record)
{
    const char *reason = NULL;
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(SIZE_MAXIMUM);

    if (file == NULL || bytes == NULL) {
        if (file != NULL)
            fclose(file);
        free(bytes);
        return complain(path, "cannot be read");
    }
    size_t size = fread(bytes, 1, SIZE_MAXIMUM, file);
    fclose(file);
    if (record_open(record, bytes, size, &reason) != 0) {
        free(bytes);
        return complain(path, reason);
    }
    return 0;
}

static int profile_find(const char *name)
{
    static const char *const names[] = {"minimal", "uefi", "emp"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    return -1;
}

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

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "record") == 0)
        return record_print(arguments[2]);
    if ((count == 4 || count == 5) && strcmp(arguments[1], "audit") == 0 &&
        profile_find(arguments[3]) >= 0)
        return audit_print(arguments[2], (enum audit_profile)profile_find(arguments[3]),
                           count == 5 ? arguments[4] : NULL);
    fprintf(stderr, "judge record FILE | judge audit FILE minimal|uefi|emp [BASELINE]\n");
    return 2;
}

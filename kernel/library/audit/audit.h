/*
 * audit.h: judges the record of a handoff (handoff_record.h): 74 checks, each
 * with its number, severity and the section of the specification it rests on.
 *
 * A pure function of the record, the profile and, for one check, an older
 * record: no allocation, no lock, no state; nothing in a record is trusted.
 * Numbers, severities and results never change meaning: other people's
 * pipelines depend on them. A number is never used again.
 */
#ifndef BATON_LIBRARY_AUDIT_AUDIT_H
#define BATON_LIBRARY_AUDIT_AUDIT_H

#include "library/record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AUDIT_CHECKS = 74,
    AUDIT_PLACES = 8, /* that a finding names; it counts all */
    AUDIT_PROFILES = 3,
    AUDIT_SEVERITIES = 4,
    AUDIT_RESULTS = 4,
};

#define AUDIT_NO_OFFSET UINT64_MAX

enum audit_profile {
    AUDIT_MINIMAL, /* what an operating system needs to start: what is merely missing is no fault */
    AUDIT_UEFI,    /* what the specifications ask for */
    AUDIT_EMP,     /* and the enhanced memory protection of Microsoft and EDK2 */
};

enum audit_severity {
    AUDIT_LOW,      /* worth knowing */
    AUDIT_MEDIUM,   /* some systems stumble over it */
    AUDIT_HIGH,     /* systems fail on it, or a protection is gone */
    AUDIT_CRITICAL, /* memory is lost, or the machine does not start */
};

enum audit_result {
    AUDIT_PASS,
    AUDIT_FAIL,
    AUDIT_NOT_APPLICABLE, /* the machine or the profile has nothing of the kind; why says what */
    AUDIT_NOT_KNOWN,      /* the record does not tell; why says what is missing */
};

struct audit;

struct audit_check {
    uint8_t number;       /* 1 to 74 */
    uint8_t severity;     /* enum audit_severity */
    uint8_t severity_emp; /* in the profile AUDIT_EMP */
    bool beyond_minimal;  /* not applicable in AUDIT_MINIMAL */
    const char *title;    /* what is checked, a few words */
    const char *section;  /* "UEFI 2.11, 7.2.3" */
    const char *expected; /* what should be there */
    const char *advice;   /* to a firmware developer: what to do */
    void (*run)(struct audit *audit);
};

/* Where it fails. */
struct audit_place {
    uint64_t offset; /* of the bytes in the record, or AUDIT_NO_OFFSET */
    char found[112]; /* what is there instead */
    char image[40];  /* the image that it belongs to; "": none */
};

struct audit_finding {
    const struct audit_check *check;
    const char *family; /* "map", "exit", … */
    enum audit_severity severity;
    enum audit_result result;
    uint32_t count; /* places where it fails; the first AUDIT_PLACES are kept */
    char why[96];   /* not applicable, not known: why */
    struct audit_place places[AUDIT_PLACES];
};

/*
 * Runs all checks in the order of their numbers and writes one finding for
 * each to findings. baseline: a record of an older build, or NULL.
 */
void audit_run(const struct record *record, const struct record *baseline,
               enum audit_profile profile, struct audit_finding findings[AUDIT_CHECKS]);

/* How many findings fail at or above a severity. */
size_t audit_count(const struct audit_finding findings[AUDIT_CHECKS], enum audit_severity at_least);

/* "C", "H", "M", "L"; "critical", …; "pass", "fail", "not applicable", "not known"; "minimal", … */
const char *audit_severity_name(enum audit_severity severity);
const char *audit_severity_word(enum audit_severity severity);
const char *audit_result_name(enum audit_result result);
const char *audit_profile_name(enum audit_profile profile);

/* The profile with that name; false: there is none, and *profile stays as it was. */
bool audit_profile_find(const char *name, enum audit_profile *profile);

/* Takes a line, without its end; at most AUDIT_LINE_SIZE bytes with its NUL. */
enum { AUDIT_LINE_SIZE = 512 };
typedef void audit_line_function(void *context, const char *line);

/* Writes what fails, the worst first, with what to do; what is not known; then the counts. */
void audit_write_text(const struct audit_finding findings[AUDIT_CHECKS], audit_line_function *emit,
                      void *context);

/*
 * The same as a picture for a camera: a QR code in lines of block characters (UTF-8), light on
 * dark, and below it the text that is in it: the boot's identifier (record_header.boot) begun, and
 * what fails, the worst first.
 */
void audit_write_code(const struct audit_finding findings[AUDIT_CHECKS], const uint8_t boot[16],
                      audit_line_function *emit, void *context);

/* That text, terminated; returns its length. */
enum { AUDIT_CODE_SIZE = 107 };
size_t audit_code_text(const struct audit_finding findings[AUDIT_CHECKS], const uint8_t boot[16],
                       char text[AUDIT_CODE_SIZE]);

/* Writes the findings as JSON: include/audit.schema.json says how they look. */
void audit_write_json(const struct audit_finding findings[AUDIT_CHECKS], enum audit_profile profile,
                      record_emit_function *emit, void *context);

#endif

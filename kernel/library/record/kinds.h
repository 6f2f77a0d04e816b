/*
 * kinds.h: what each kind's structure holds, as a table, so that it can be
 * told: to JSON, to a reader's page. Only record/ includes it.
 */
#ifndef BATON_LIBRARY_RECORD_KINDS_H
#define BATON_LIBRARY_RECORD_KINDS_H

#include "handoff_record.h"

#include <stddef.h>
#include <stdint.h>

/* How a field is told. */
enum record_form {
    RECORD_FORM_NUMBER, /* 1, 2 or 4 bytes: a number; 8 bytes: "0x…", for JSON has no such numbers
                         */
    RECORD_FORM_GUID,   /* 16 bytes */
    RECORD_FORM_HEX,    /* bytes */
    RECORD_FORM_TEXT,   /* terminated, or filling its place */
    RECORD_FORM_WORDS,  /* numbers of 4 bytes */
    RECORD_FORM_QUADS,  /* numbers of 8 bytes: "0x…" */
};

struct record_field {
    const char *name;
    uint16_t offset;
    uint16_t size;
    enum record_form form;
};

/* What follows the fixed part. */
enum record_tail {
    RECORD_TAIL_NONE,
    RECORD_TAIL_BYTES,       /* told by "raw" */
    RECORD_TAIL_ITEMS,       /* structures, one behind the other */
    RECORD_TAIL_DESCRIPTORS, /* memory descriptors, as far apart as the fixed part says */
    RECORD_TAIL_UTF8,
    RECORD_TAIL_UTF16,
    RECORD_TAIL_QUADS, /* numbers of 8 bytes */
    RECORD_TAIL_IMAGE,
    RECORD_TAIL_HANDLE,
    RECORD_TAIL_VARIABLE,
};

struct record_kind_description {
    uint16_t kind;
    uint16_t size; /* of the fixed part */
    const char *name;
    const struct record_field *fields; /* up to one without a name */
    enum record_tail tail;
    const struct record_field *item; /* of RECORD_TAIL_ITEMS */
    uint16_t item_size;
};

/* NULL: it is not known. */
const struct record_kind_description *record_kind_describe(uint16_t kind);

/* struct record_page_run etc.: the fields of EFI_MEMORY_DESCRIPTOR (UEFI 2.11, 7.2.3). */
extern const struct record_field record_descriptor_fields[];
extern const struct record_field record_section_fields[];

#endif

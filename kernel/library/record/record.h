/*
 * record.h: writes and reads the record of the handoff (handoff_record.h).
 *
 * Pure: no allocation, no lock, memory is the caller's. The reader trusts
 * nothing in the bytes; the writer is told what fits and counts what does not.
 */
#ifndef BATON_LIBRARY_RECORD_RECORD_H
#define BATON_LIBRARY_RECORD_RECORD_H

#include "handoff_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- writing ---- */

/* A record that is being written. Its header in memory is right after every call. */
struct record_writer {
    uint8_t *bytes; /* aligned to RECORD_ALIGNMENT */
    size_t capacity;
    size_t last; /* offset of the last entry's header, 0: there is none */
};

/*
 * Begins an empty record in memory of capacity bytes. build is cut to fit.
 * 0, or -EINVAL: no room for a header, or memory is not aligned.
 */
int record_start(struct record_writer *writer, void *memory, size_t capacity, const char *build,
                 const uint8_t boot[16]);

/*
 * Appends an entry whose payload is fixed_size bytes and, behind them,
 * tail_size bytes (both may be 0; then the pointer may be NULL). 0, or -ENOSPC:
 * there is no room; the header counts the entry and its bytes as lost.
 */
int record_append(struct record_writer *writer, uint16_t kind, uint64_t tsc, const void *fixed,
                  size_t fixed_size, const void *tail, size_t tail_size);

/*
 * The same, but gives back the payload, zeroed, for the caller to fill; NULL:
 * there is no room. record_shorten makes it end earlier, as long as no other
 * entry was appended: what GetMemoryMap gave may be less than was asked for.
 */
void *record_reserve(struct record_writer *writer, uint16_t kind, uint64_t tsc, size_t size);
void record_shorten(struct record_writer *writer, size_t size);

/*
 * Appends the entries of another record that are of one kind, or of any (0), as they are. What
 * finds no room is counted as lost.
 */
struct record;
void record_append_from(struct record_writer *writer, const struct record *record, uint16_t kind);

/* How many bytes the next entry's payload may have; 0: there is no room for one. */
size_t record_room(const struct record_writer *writer);

/*
 * Goes on in larger memory: copies what there is. The old memory is the
 * caller's again. 0, or -EINVAL: it does not fit or is not aligned; then
 * nothing has changed.
 */
int record_move(struct record_writer *writer, void *memory, size_t capacity);

/*
 * Goes on with a record that somebody else has begun in memory of capacity bytes: checks it as
 * record_open does. 0, or its error with *reason; -EINVAL also: the memory is not aligned.
 */
int record_continue(struct record_writer *writer, void *memory, size_t capacity,
                    const char **reason);

/* Bytes in use. */
size_t record_size(const struct record_writer *writer);

/* Marks the record as finished: sets its CRC. Appending breaks the seal. */
void record_seal(struct record_writer *writer);

/* For a reader of what was written so far, which the writer itself vouches for: nothing is checked.
   It holds until more is written. */
void record_look(const struct record_writer *writer, struct record *record);

/* ---- reading ---- */

/* A record whose header and entries are whole. It points into the caller's bytes. */
struct record {
    const uint8_t *bytes;
    struct record_header header;
};

/*
 * Checks the record at the begin of size bytes; what follows it is ignored. 0,
 * or with a *reason that completes the sentence "FILE: …":
 *   -EINVAL    it is no record
 *   -EPROTONOSUPPORT  a newer version, whose entries cannot be walked
 *   -ENODATA   it is cut off
 *   -EBADMSG   it is damaged: CRC, sizes
 * A record that was not sealed (the machine stopped) is taken, without a CRC.
 */
int record_open(struct record *record, const void *bytes, size_t size, const char **reason);

/* An entry; offset is of its payload's first byte in the record. */
struct record_entry {
    uint16_t kind;
    uint16_t version;
    uint32_t size;
    uint64_t tsc;
    uint64_t offset;
    const uint8_t *bytes;
};

/* Takes the next entry, of any kind or of one. Begin with an entry that is all 0. */
bool record_next(const struct record *record, struct record_entry *entry);
bool record_next_of(const struct record *record, uint16_t kind, struct record_entry *entry);

/* The first entry of a kind, and the last one. false: there is none. */
bool record_find(const struct record *record, uint16_t kind, struct record_entry *entry);
bool record_find_last(const struct record *record, uint16_t kind, struct record_entry *entry);

/* How many entries of a kind there are. */
size_t record_count(const struct record *record, uint16_t kind);

/*
 * Copies the entry's fixed part of size bytes to structure; what a shorter
 * entry lacks is 0. Returns the bytes that follow it, of which there are
 * *tail_size (NULL: not wanted).
 */
const uint8_t *record_load(const struct record_entry *entry, void *structure, size_t size,
                           size_t *tail_size);

/* ---- telling ---- */

/* A kind's name as in JSON, "entry_state"; NULL: it is not known. */
const char *record_kind_name(uint16_t kind);

/* EFI_MEMORY_TYPE: "LoaderCode", "a type of an OEM", "unknown". */
const char *record_memory_type_name(uint32_t type);

/* RECORD_SERVICE: "GetTime"; NULL: it is not known. */
const char *record_service_name(uint32_t service);

/* EFI_STATUS: "EFI_NOT_FOUND"; NULL: it is not known. */
const char *record_status_name(uint64_t status);

/* Of MTRRs and PAT: "write-back", "unknown". */
const char *record_cache_type_name(unsigned type);

/* PCI class << 8 | subclass: "VGA controller"; NULL: it is not known. */
const char *record_pci_class_name(uint16_t code);

/* Takes a piece of text that is written. */
typedef void record_emit_function(void *context, const char *text, size_t length);

/* Writes the whole record as JSON: include/record.schema.json says how it looks. */
void record_write_json(const struct record *record, record_emit_function *emit, void *context);

#endif

/*
 * The input is a record. What is taken must be walked to its end, each entry
 * whole and behind the one before; telling it as JSON ends; what was taken is
 * written again, entry by entry, and is then the same record.
 */
#include "fuzz.h"
#include "library/record/record.h"

#include <errno.h>
#include <string.h>

static void count(void *context, const char *text, size_t length)
{
    (void)text;
    *(size_t *)context += length;
}

static void walk(const struct record *record)
{
    struct record_entry entry = {0}, found;
    uint64_t end = record->header.header_size;
    size_t entries = 0;

    while (record_next(record, &entry)) {
        require(entry.offset == end + sizeof(struct record_entry_header));
        require(entry.bytes == record->bytes + entry.offset);
        require(entry.size <= record->header.size - entry.offset);
        end = entry.offset + (entry.size + UINT64_C(7)) / 8 * 8;
        require(record_find(record, entry.kind, &found) && found.offset <= entry.offset);
        require(record_find_last(record, entry.kind, &found) && found.offset >= entry.offset);
        entries++;
    }
    require(end == record->header.size);
    require(entries <= record->header.size / sizeof(struct record_entry_header));
}

static void rewrite(const struct record *record)
{
    static uint64_t memory[1 << 15];
    struct record_writer writer;
    struct record_entry entry = {0}, again = {0};
    struct record copy;
    const char *reason;

    require(record_start(&writer, memory, sizeof(memory), record->header.build,
                         record->header.boot) == 0);
    while (record_next(record, &entry))
        require(record_append(&writer, entry.kind, entry.tsc, entry.bytes, entry.size, NULL, 0) ==
                0);
    record_seal(&writer);
    require(record_open(&copy, memory, sizeof(memory), &reason) == 0);
    entry = (struct record_entry){0};
    while (record_next(record, &entry)) {
        require(record_next(&copy, &again));
        require(again.kind == entry.kind && again.size == entry.size && again.tsc == entry.tsc);
        require(memcmp(again.bytes, entry.bytes, entry.size) == 0);
    }
    require(!record_next(&copy, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record;
    const char *reason = NULL;
    size_t told = 0;

    int error = record_open(&record, data, size, &reason);
    if (error != 0) {
        require(reason != NULL && reason[0] != '\0');
        require(error == -EINVAL || error == -EPROTONOSUPPORT || error == -ENODATA ||
                error == -EBADMSG);
        return 0;
    }
    walk(&record);
    record_write_json(&record, count, &told);
    require(told > 0);
    rewrite(&record);
    return 0;
}

/* Everything is checked once, in record_open; what walks the entries afterwards needs no checks. */
#include "library/align.h"
#include "library/bytes.h"
#include "library/crc32.h"
#include "library/record/record.h"
#include "library/string.h"

#include <linux/errno.h>

static int refuse(int error, const char **reason, const char *why)
{
    *reason = why;
    return error;
}

static bool crc_is_right(const uint8_t *bytes, const struct record_header *header)
{
    static const uint8_t zero[sizeof(header->crc)];
    size_t field = __builtin_offsetof(struct record_header, crc);
    uint32_t crc = crc32(0, bytes, field);

    crc = crc32(crc, zero, sizeof(zero));
    crc = crc32(crc, bytes + field + sizeof(zero), header->size - field - sizeof(zero));
    return crc == header->crc;
}

/* The entry at offset of a record of size bytes; false: it does not lie in it whole. */
static bool entry_at(const uint8_t *bytes, uint64_t size, uint64_t offset,
                     struct record_entry *entry)
{
    struct record_entry_header header;

    if (offset > size || size - offset < sizeof(header))
        return false;
    memcpy(&header, bytes + offset, sizeof(header));
    offset += sizeof(header);
    if (align_up(header.size, RECORD_ALIGNMENT) > size - offset)
        return false;
    *entry = (struct record_entry){.kind = header.kind,
                                   .version = header.version,
                                   .size = header.size,
                                   .tsc = header.tsc,
                                   .offset = offset,
                                   .bytes = bytes + offset};
    return true;
}

static uint64_t entry_end(const struct record_entry *entry)
{
    return entry->offset + align_up(entry->size, RECORD_ALIGNMENT);
}

static bool entries_are_whole(const uint8_t *bytes, const struct record_header *header)
{
    struct record_entry entry;

    for (uint64_t at = header->header_size; at < header->size; at = entry_end(&entry)) {
        if (!entry_at(bytes, header->size, at, &entry))
            return false;
    }
    return true;
}

int record_open(struct record *record, const void *bytes, size_t size, const char **reason)
{
    struct record_header *header = &record->header;

    if (size < sizeof(header->magic) || load64(bytes) != RECORD_MAGIC)
        return refuse(-EINVAL, reason, "is no record of a handoff");
    if (size < sizeof(*header))
        return refuse(-ENODATA, reason, "is cut off within its header");
    memcpy(header, bytes, sizeof(*header));
    if (header->version > RECORD_VERSION)
        return refuse(-EPROTONOSUPPORT, reason,
                      "is a record of a newer version: take a newer Baton");
    if (header->version == 0 || header->header_size < sizeof(*header) ||
        header->header_size % RECORD_ALIGNMENT != 0 || header->size < header->header_size)
        return refuse(-EBADMSG, reason, "is damaged: its header makes no sense");
    if (header->size > size)
        return refuse(-ENODATA, reason, "is cut off: it says that it is longer");
    if ((header->flags & RECORD_SEALED) && !crc_is_right(bytes, header))
        return refuse(-EBADMSG, reason, "is damaged: its CRC does not fit its bytes");
    if (!entries_are_whole(bytes, header))
        return refuse(-EBADMSG, reason, "is damaged: an entry reaches beyond its end");
    header->build[sizeof(header->build) - 1] = '\0';
    record->bytes = bytes;
    return 0;
}

int record_continue(struct record_writer *writer, void *memory, size_t capacity,
                    const char **reason)
{
    struct record record;

    if (!is_aligned((uintptr_t)memory, RECORD_ALIGNMENT)) {
        *reason = "lies at no address for one";
        return -EINVAL;
    }
    int error = record_open(&record, memory, capacity, reason);
    if (error == 0)
        *writer = (struct record_writer){.bytes = memory, .capacity = capacity};
    return error;
}

bool record_next(const struct record *record, struct record_entry *entry)
{
    uint64_t at = entry->offset == 0 ? record->header.header_size : entry_end(entry);

    return entry_at(record->bytes, record->header.size, at, entry);
}

bool record_next_of(const struct record *record, uint16_t kind, struct record_entry *entry)
{
    while (record_next(record, entry)) {
        if (entry->kind == kind)
            return true;
    }
    return false;
}

bool record_find(const struct record *record, uint16_t kind, struct record_entry *entry)
{
    *entry = (struct record_entry){0};
    return record_next_of(record, kind, entry);
}

bool record_find_last(const struct record *record, uint16_t kind, struct record_entry *entry)
{
    struct record_entry next = {0};
    bool found = false;

    while (record_next_of(record, kind, &next)) {
        *entry = next;
        found = true;
    }
    return found;
}

size_t record_count(const struct record *record, uint16_t kind)
{
    struct record_entry entry = {0};
    size_t count = 0;

    while (record_next_of(record, kind, &entry))
        count++;
    return count;
}

const uint8_t *record_load(const struct record_entry *entry, void *structure, size_t size,
                           size_t *tail_size)
{
    size_t there = entry->size < size ? entry->size : size;

    memcpy(structure, entry->bytes, there);
    memset((uint8_t *)structure + there, 0, size - there);
    if (tail_size != NULL)
        *tail_size = entry->size - there;
    return entry->bytes + there;
}

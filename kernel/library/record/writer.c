/* The record's header lies in front of the entries and is kept right: a record of a machine that
 * stops can be read up to its last entry. */
#include "library/align.h"
#include "library/bytes.h"
#include "library/crc32.h"
#include "library/record/record.h"
#include "library/string.h"

#include <linux/errno.h>

static struct record_header *header_of(const struct record_writer *writer)
{
    return (struct record_header *)writer->bytes;
}

static bool memory_fits(const void *memory, size_t capacity, size_t size)
{
    return capacity >= size && is_aligned((uintptr_t)memory, RECORD_ALIGNMENT);
}

int record_start(struct record_writer *writer, void *memory, size_t capacity, const char *build,
                 const uint8_t boot[16])
{
    if (!memory_fits(memory, capacity, sizeof(struct record_header)))
        return -EINVAL;
    *writer = (struct record_writer){.bytes = memory, .capacity = capacity};
    struct record_header *header = header_of(writer);
    *header = (struct record_header){.magic = RECORD_MAGIC,
                                     .version = RECORD_VERSION,
                                     .header_size = sizeof(*header),
                                     .size = sizeof(*header)};
    memcpy(header->boot, boot, sizeof(header->boot));
    memcpy(header->build, build, strnlen(build, sizeof(header->build) - 1));
    return 0;
}

static size_t left(const struct record_writer *writer)
{
    return align_down(writer->capacity - header_of(writer)->size, RECORD_ALIGNMENT);
}

size_t record_room(const struct record_writer *writer)
{
    size_t entry = sizeof(struct record_entry_header);

    return left(writer) > entry ? left(writer) - entry : 0;
}

static void lost(struct record_header *header, size_t size)
{
    header->lost_entries++;
    header->lost_bytes += sizeof(struct record_entry_header) + align_up(size, RECORD_ALIGNMENT);
}

void *record_reserve(struct record_writer *writer, uint16_t kind, uint64_t tsc, size_t size)
{
    struct record_header *header = header_of(writer);

    header->flags &= ~(uint32_t)RECORD_SEALED;
    if (size > record_room(writer) || left(writer) < sizeof(struct record_entry_header) ||
        size > UINT32_MAX) {
        lost(header, size);
        return NULL;
    }
    writer->last = header->size;
    struct record_entry_header *entry = (void *)(writer->bytes + writer->last);
    *entry = (struct record_entry_header){
        .kind = kind, .version = 1, .size = (uint32_t)size, .tsc = tsc};
    memset(entry + 1, 0, align_up(size, RECORD_ALIGNMENT));
    header->size += sizeof(*entry) + align_up(size, RECORD_ALIGNMENT);
    return entry + 1;
}

void record_shorten(struct record_writer *writer, size_t size)
{
    struct record_entry_header *entry = (void *)(writer->bytes + writer->last);

    if (writer->last == 0 || size >= entry->size)
        return;
    memset((uint8_t *)(entry + 1) + size, 0, entry->size - size);
    entry->size = (uint32_t)size;
    header_of(writer)->size = writer->last + sizeof(*entry) + align_up(size, RECORD_ALIGNMENT);
}

int record_append(struct record_writer *writer, uint16_t kind, uint64_t tsc, const void *fixed,
                  size_t fixed_size, const void *tail, size_t tail_size)
{
    uint8_t *payload = record_reserve(writer, kind, tsc, fixed_size + tail_size);

    if (payload == NULL)
        return -ENOSPC;
    if (fixed_size > 0)
        memcpy(payload, fixed, fixed_size);
    if (tail_size > 0)
        memcpy(payload + fixed_size, tail, tail_size);
    return 0;
}

int record_move(struct record_writer *writer, void *memory, size_t capacity)
{
    uint64_t size = header_of(writer)->size;

    if (!memory_fits(memory, capacity, size))
        return -EINVAL;
    memcpy(memory, writer->bytes, size);
    writer->bytes = memory;
    writer->capacity = capacity;
    return 0;
}

size_t record_size(const struct record_writer *writer)
{
    return header_of(writer)->size;
}

void record_look(const struct record_writer *writer, struct record *record)
{
    *record = (struct record){.header = *header_of(writer), .bytes = writer->bytes};
}

void record_seal(struct record_writer *writer)
{
    struct record_header *header = header_of(writer);

    header->flags |= RECORD_SEALED;
    header->crc = 0;
    header->crc = crc32(0, writer->bytes, header->size);
}

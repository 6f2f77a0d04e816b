#include "library/cpio.h"

#include "library/align.h"
#include "library/string.h"
#include <linux/errno.h>
#include <linux/stat.h>

/* cpio(5), "New ASCII Format": a magic and 13 numbers of 8 hexadecimal digits. */
enum {
    MAGIC_SIZE = 6,
    FIELD_SIZE = 8,
    FIELD_COUNT = 13,
    HEADER_SIZE = MAGIC_SIZE + FIELD_COUNT * FIELD_SIZE,
    ALIGNMENT = 4, /* of the data and of the next header, from the archive's beginning */
};

enum field {
    FIELD_INODE,
    FIELD_MODE,
    FIELD_USER,
    FIELD_GROUP,
    FIELD_LINKS,
    FIELD_MODIFIED,
    FIELD_SIZE_OF_DATA,
    FIELD_DEVICE_MAJOR,
    FIELD_DEVICE_MINOR,
    FIELD_SPECIAL_MAJOR,
    FIELD_SPECIAL_MINOR,
    FIELD_SIZE_OF_PATH,
    FIELD_CHECKSUM,
};

static const char trailer[] = "TRAILER!!!";

static int fail(struct cpio_reader *reader, const char *reason)
{
    reader->reason = reason;
    reader->error_offset = reader->offset;
    return -EINVAL;
}

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

static bool fields_read(const uint8_t *digits, uint32_t fields[FIELD_COUNT])
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        fields[i] = 0;
        for (int j = 0; j < FIELD_SIZE; j++) {
            int value = digit_value(*digits++);
            if (value < 0)
                return false;
            fields[i] = fields[i] << 4 | (uint32_t)value;
        }
    }
    return true;
}

/* "070702" has the sum of the contents' bytes, modulo 2^32; "070701" has 0. */
static uint32_t checksum(const uint8_t *data, size_t size)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += data[i];
    return sum;
}

static int entry_check(struct cpio_reader *reader, const struct cpio_entry *entry)
{
    if (strnlen(entry->path, entry->path_length + 1) != entry->path_length)
        return fail(reader, "a path holds a NUL or does not end with one");
    if (entry->path_length == 0)
        return fail(reader, "a path is empty");

    switch (entry->mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return 0;
    case S_IFLNK:
        if (entry->size == 0 || entry->size >= CPIO_PATH_MAX)
            return fail(reader, "a symbolic link's target is empty or too long");
        if (memchr(entry->data, '\0', entry->size) != NULL)
            return fail(reader, "a symbolic link's target holds a NUL");
        return 0;
    default:
        return fail(reader, "an entry has an unknown file type");
    }
}

/* Reads the entry at reader->offset and moves on. 1, or -EINVAL. */
static int entry_read(struct cpio_reader *reader, struct cpio_entry *entry)
{
    const uint8_t *header = reader->bytes + reader->offset;
    size_t left = reader->size - reader->offset;
    uint32_t fields[FIELD_COUNT];

    if (left < HEADER_SIZE)
        return fail(reader, "the archive ends in the middle of a header");
    bool has_checksum = memcmp(header, "070702", MAGIC_SIZE) == 0;
    if (!has_checksum && memcmp(header, "070701", MAGIC_SIZE) != 0)
        return fail(reader, "there is no newc header where one must be");
    if (!fields_read(header + MAGIC_SIZE, fields))
        return fail(reader, "a header holds something that is no hexadecimal digit");

    uint32_t path_size = fields[FIELD_SIZE_OF_PATH];
    if (path_size == 0 || path_size > CPIO_PATH_MAX)
        return fail(reader, "a path is empty or longer than 4096 bytes");
    /* 64 bits hold the sums. Padding may be missing where the buffer ends. */
    uint64_t data_offset = (uint64_t)HEADER_SIZE + path_size;
    if (fields[FIELD_SIZE_OF_DATA] > 0)
        data_offset = align_up(data_offset, ALIGNMENT);
    uint64_t data_end = data_offset + fields[FIELD_SIZE_OF_DATA];
    if (data_end > left)
        return fail(reader, "the archive ends in the middle of an entry");

    *entry = (struct cpio_entry){
        .path = (const char *)header + HEADER_SIZE,
        .path_length = path_size - 1,
        .data = header + data_offset,
        .size = fields[FIELD_SIZE_OF_DATA],
        .archive = reader->archive,
        .inode = fields[FIELD_INODE],
        .links = fields[FIELD_LINKS],
        .mode = fields[FIELD_MODE],
        .user = fields[FIELD_USER],
        .group = fields[FIELD_GROUP],
        .modified = fields[FIELD_MODIFIED],
        .device_major = fields[FIELD_DEVICE_MAJOR],
        .device_minor = fields[FIELD_DEVICE_MINOR],
        .special_major = fields[FIELD_SPECIAL_MAJOR],
        .special_minor = fields[FIELD_SPECIAL_MINOR],
    };
    bool is_trailer =
        path_size == sizeof(trailer) && memcmp(entry->path, trailer, sizeof(trailer)) == 0;
    if (!is_trailer && entry_check(reader, entry) != 0)
        return -EINVAL;
    if (has_checksum && checksum(entry->data, entry->size) != fields[FIELD_CHECKSUM])
        return fail(reader, "an entry's contents do not have its checksum");

    uint64_t next = align_up(data_end, ALIGNMENT);
    reader->offset += next < left ? next : left;
    reader->in_archive = !is_trailer;
    if (is_trailer)
        reader->archive++;
    return 1;
}

/* Passes over the zeros between archives; the next one begins at a multiple of 4. */
static int padding_skip(struct cpio_reader *reader)
{
    while (reader->offset < reader->size && reader->bytes[reader->offset] == 0)
        reader->offset++;
    if (reader->offset < reader->size && !is_aligned(reader->offset, ALIGNMENT))
        return fail(reader, "an archive does not begin at a multiple of 4 bytes");
    return 0;
}

void cpio_start(struct cpio_reader *reader, const void *bytes, size_t size)
{
    *reader = (struct cpio_reader){.bytes = bytes, .size = size};
}

int cpio_next(struct cpio_reader *reader, struct cpio_entry *entry)
{
    while (reader->reason == NULL) {
        if (!reader->in_archive) {
            if (padding_skip(reader) != 0)
                break;
            if (reader->offset == reader->size)
                return 0;
        } else if (reader->offset == reader->size) {
            fail(reader, "the archive ends without its trailer");
            break;
        }
        if (entry_read(reader, entry) > 0 && reader->in_archive)
            return 1;
    }
    return -EINVAL;
}

int cpio_skip_archive(struct cpio_reader *reader)
{
    struct cpio_entry entry;
    uint32_t archive = reader->archive;

    while (reader->reason == NULL && reader->archive == archive) {
        if (reader->offset == reader->size)
            fail(reader, "the archive ends without its trailer");
        else
            entry_read(reader, &entry);
    }
    return reader->reason == NULL ? 0 : -EINVAL;
}

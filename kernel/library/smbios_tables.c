#include "library/smbios_tables.h"

#include <linux/errno.h>
#include <stdbool.h>

#include "library/bytes.h"
#include "library/string.h"

/* The 32-bit anchor (SMBIOS 3.7, 5.2.1), and the intermediate one in it. */
enum {
    ANCHOR_LENGTH = 5,
    ANCHOR_SIZE = 31,
    ANCHOR_SIZE_FIRST = 30, /* the length that version 2.1 gave by mistake */
    MIDDLE = 16,
    MIDDLE_SIZE = 15,
    STRUCTURES_LENGTH = 22,
    STRUCTURES_BASE = 24,
    STRUCTURES_COUNT = 28,
};

/* The 64-bit anchor (5.2.2). */
enum {
    ANCHOR3_LENGTH = 6,
    ANCHOR3_SIZE = 24,
    STRUCTURES3_LENGTH = 12,
    STRUCTURES3_BASE = 16,
};

/* A structure (6.1.2): its formatted part, then strings, then an empty one. */
enum {
    STRUCTURE_LENGTH = 1,
    STRUCTURE_SIZE = 4,
    TYPE_END = 127,
};

static int fail(const char **reason, const char *text)
{
    *reason = text;
    return -EINVAL;
}

static bool sums_to_zero(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

static int parse_64(const uint8_t *bytes, size_t size, struct smbios_anchor *anchor,
                    const char **reason)
{
    if (size < ANCHOR3_SIZE || bytes[ANCHOR3_LENGTH] < ANCHOR3_SIZE ||
        bytes[ANCHOR3_LENGTH] > SMBIOS_ANCHOR_MAXIMUM || bytes[ANCHOR3_LENGTH] > size)
        return fail(reason, "the SMBIOS anchor has an impossible length");
    if (!sums_to_zero(bytes, bytes[ANCHOR3_LENGTH]))
        return fail(reason, "the SMBIOS anchor has a wrong checksum");
    *anchor = (struct smbios_anchor){
        .size = bytes[ANCHOR3_LENGTH],
        .base = load64(bytes + STRUCTURES3_BASE),
        .length = load32(bytes + STRUCTURES3_LENGTH),
    };
    return 0;
}

static int parse_32(const uint8_t *bytes, size_t size, struct smbios_anchor *anchor,
                    const char **reason)
{
    if (size < ANCHOR_SIZE || bytes[ANCHOR_LENGTH] < ANCHOR_SIZE_FIRST ||
        bytes[ANCHOR_LENGTH] > ANCHOR_SIZE)
        return fail(reason, "the SMBIOS anchor has an impossible length");
    if (!sums_to_zero(bytes, bytes[ANCHOR_LENGTH]) || memcmp(bytes + MIDDLE, "_DMI_", 5) != 0 ||
        !sums_to_zero(bytes + MIDDLE, MIDDLE_SIZE))
        return fail(reason, "the SMBIOS anchor has a wrong checksum");
    *anchor = (struct smbios_anchor){
        .size = bytes[ANCHOR_LENGTH],
        .base = load32(bytes + STRUCTURES_BASE),
        .length = load16(bytes + STRUCTURES_LENGTH),
        .count = load16(bytes + STRUCTURES_COUNT),
    };
    return 0;
}

int smbios_anchor_parse(const uint8_t *bytes, size_t size, struct smbios_anchor *anchor,
                        const char **reason)
{
    if (size >= 5 && memcmp(bytes, "_SM3_", 5) == 0)
        return parse_64(bytes, size, anchor, reason);
    if (size >= 4 && memcmp(bytes, "_SM_", 4) == 0)
        return parse_32(bytes, size, anchor, reason);
    return fail(reason, "the SMBIOS anchor has no signature");
}

/* The size of the structure at the beginning of `size` bytes, with its strings; 0: it is cut off.
 */
static size_t structure_size(const uint8_t *bytes, size_t size)
{
    if (size < STRUCTURE_SIZE || bytes[STRUCTURE_LENGTH] < STRUCTURE_SIZE)
        return 0;
    for (size_t end = bytes[STRUCTURE_LENGTH]; end + 2 <= size; end++)
        if (!bytes[end] && !bytes[end + 1])
            return end + 2;
    return 0;
}

size_t smbios_structures_size(const uint8_t *bytes, size_t size, uint16_t count)
{
    size_t done = 0, structure;

    for (uint32_t i = 0; (!count || i < count); i++) {
        structure = structure_size(bytes + done, size - done);
        if (!structure)
            break;
        done += structure;
        if (!count && bytes[done - structure] == TYPE_END)
            break;
    }
    return done;
}

/* String `number` of the structure of `size` bytes. */
static int structure_string(const uint8_t *structure, size_t size, uint8_t number,
                            const char **string)
{
    size_t at = structure[STRUCTURE_LENGTH];

    while (number && structure[at]) {
        size_t start = at;
        while (at < size && structure[at])
            at++;
        if (--number == 0) {
            *string = (const char *)structure + start;
            return (int)(at - start);
        }
        at++;
    }
    return 0;
}

int smbios_string(const uint8_t *bytes, size_t size, uint8_t type, uint8_t field,
                  const char **string)
{
    size_t structure;

    for (size_t at = 0; (structure = structure_size(bytes + at, size - at)); at += structure)
        if (bytes[at] == type)
            return field < bytes[at + STRUCTURE_LENGTH]
                       ? structure_string(bytes + at, structure, bytes[at + field], string)
                       : -ENOENT;
    return -ENOENT;
}

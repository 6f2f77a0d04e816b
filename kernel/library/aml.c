/*
 * aml.c: a block is not walked from its beginning, for that takes the interpreter (how many
 * arguments a method has is known only by its definition). A NameOp with the right name and a
 * package of constants behind it, all inside the block, is not met by accident.
 */
#include "library/aml.h"

#include "library/string.h"

/* ACPI 6.5, 20.2 and table 20.2. */
enum {
    ZERO_OP = 0x00,
    ONE_OP = 0x01,
    NAME_OP = 0x08,
    BYTE_PREFIX = 0x0a,
    WORD_PREFIX = 0x0b,
    DWORD_PREFIX = 0x0c,
    QWORD_PREFIX = 0x0e,
    PACKAGE_OP = 0x12,
    VARIABLE_PACKAGE_OP = 0x13,
    ROOT_CHARACTER = '\\',
    PARENT_PREFIX = '^',
    ONES_OP = 0xff,

    NAME_SIZE = 4,
    SLEEP_TYPE_MAXIMUM = 7,
};

/* What is left to read. After a read beyond the end `failed` is set and zeros come. */
struct cursor {
    const uint8_t *at, *end;
    bool failed;
};

static uint8_t byte_take(struct cursor *cursor)
{
    if (cursor->at == cursor->end) {
        cursor->failed = true;
        return 0;
    }
    return *cursor->at++;
}

/* PkgLength (20.2.4): it counts its own bytes. Narrows the cursor to what the package holds. */
static void package_enter(struct cursor *cursor)
{
    const uint8_t *start = cursor->at;
    uint8_t lead = byte_take(cursor);
    unsigned more = lead >> 6;
    size_t length = more ? lead & 0x0f : lead & 0x3f;

    for (unsigned i = 0; i < more; i++)
        length |= (size_t)byte_take(cursor) << (4 + 8 * i);
    if (cursor->failed || length > (size_t)(cursor->end - start) ||
        length < (size_t)(cursor->at - start)) {
        cursor->failed = true;
        return;
    }
    cursor->end = start + length;
}

/* ComputationalData (20.2.3) of one integer. */
static uint64_t integer_take(struct cursor *cursor)
{
    uint8_t kind = byte_take(cursor);
    unsigned size = 0;
    uint64_t value = 0;

    switch (kind) {
    case ZERO_OP:
    case ONE_OP:
        return kind;
    case ONES_OP:
        return UINT64_MAX;
    case BYTE_PREFIX:
        size = 1;
        break;
    case WORD_PREFIX:
        size = 2;
        break;
    case DWORD_PREFIX:
        size = 4;
        break;
    case QWORD_PREFIX:
        size = 8;
        break;
    default:
        cursor->failed = true; /* a name, a string: to be evaluated */
    }
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)byte_take(cursor) << 8 * i;
    return value;
}

/* The package behind the name. Elements that are not listed are uninitialized (20.2.5.4): PM1b's
   counts as 0 then, as where a maker knows of no PM1b. */
static bool package_read(struct cursor cursor, struct aml_sleep_type *type)
{
    uint8_t kind = byte_take(&cursor);

    if (kind != PACKAGE_OP && kind != VARIABLE_PACKAGE_OP)
        return false;
    package_enter(&cursor);
    uint64_t count = kind == PACKAGE_OP ? byte_take(&cursor) : integer_take(&cursor);
    uint64_t a = integer_take(&cursor);
    uint64_t b = count > 1 && cursor.at != cursor.end ? integer_take(&cursor) : 0;

    if (cursor.failed || count == 0 || a > SLEEP_TYPE_MAXIMUM || b > SLEEP_TYPE_MAXIMUM)
        return false;
    *type = (struct aml_sleep_type){.a = (uint8_t)a, .b = (uint8_t)b};
    return true;
}

bool aml_sleep_type_find(const uint8_t *aml, size_t size, unsigned state,
                         struct aml_sleep_type *type)
{
    const char name[NAME_SIZE] = {'_', 'S', (char)('0' + state), '_'};
    const uint8_t *end = aml + size;

    for (const uint8_t *at = aml; at != end; at++) {
        if (*at != NAME_OP)
            continue;
        const uint8_t *text = at + 1;
        while (text != end && (*text == ROOT_CHARACTER || *text == PARENT_PREFIX))
            text++;
        if ((size_t)(end - text) < NAME_SIZE || memcmp(text, name, NAME_SIZE) != 0)
            continue;
        if (package_read((struct cursor){text + NAME_SIZE, end, false}, type))
            return true;
    }
    return false;
}

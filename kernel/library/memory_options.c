#include "library/memory_options.h"

#include <linux/errno.h>
#include <stddef.h>

#include "library/string.h"
#include "library/types.h"

/* One of the options: a name and, behind "=", a value. Not NUL-terminated. */
struct option {
    const char *name, *value; /* value: NULL: there is none */
    size_t name_length, value_length;
};

static bool is(const struct option *option, const char *name)
{
    return strlen(name) == option->name_length &&
           memcmp(name, option->name, option->name_length) == 0;
}

/* ---- numbers ---- */

static unsigned digit(char character)
{
    if (character >= '0' && character <= '9')
        return (unsigned)(character - '0');
    character |= 0x20;
    return character >= 'a' && character <= 'f' ? (unsigned)(character - 'a') + 10 : UINT32_MAX;
}

/* Digits of this base at the value's beginning; false: none, or too many. */
static bool number(const struct option *option, unsigned base, size_t *used, uint64_t *result)
{
    size_t start = *used;

    for (*result = 0; *used < option->value_length; ++*used) {
        unsigned next = digit(option->value[*used]);
        if (next >= base)
            break;
        if (__builtin_mul_overflow(*result, base, result) ||
            __builtin_add_overflow(*result, next, result))
            return false;
    }
    return *used > start;
}

/* The whole value is a number of this base. */
static bool plain_number(const struct option *option, unsigned base, uint32_t *result)
{
    uint64_t wide = 0;
    size_t used = 0;

    if (!number(option, base, &used, &wide) || used != option->value_length || wide > UINT32_MAX)
        return false;
    *result = (uint32_t)wide;
    return true;
}

/* As Linux's memparse(): 0x and 0 begin other bases, a letter behind it multiplies by 1024s. */
static bool scaled_number(const struct option *option, size_t *used, uint64_t *result)
{
    static const char letters[] = "kmgtpe";
    const char *text = option->value;
    unsigned base = 10;

    *used = 0;
    if (option->value_length > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        *used = 2;
    } else if (option->value_length > 1 && text[0] == '0') {
        base = 8;
    }
    if (!number(option, base, used, result))
        return false;
    for (unsigned i = 0; *used < option->value_length && letters[i]; i++) {
        if ((text[*used] | 0x20) == letters[i]) {
            ++*used;
            return !__builtin_mul_overflow(*result, 1UL << 10 * (i + 1), result);
        }
    }
    return true;
}

/* ---- the options ---- */

static bool parse_size(const struct option *option, uint64_t memory, uint64_t *pages)
{
    uint64_t bytes;
    size_t used;

    if (!scaled_number(option, &used, &bytes))
        return false;
    if (used + 1 == option->value_length && option->value[used] == '%') {
        if (__builtin_mul_overflow(bytes, memory, pages))
            return false;
        *pages /= 100;
        return true;
    }
    *pages = bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
    return used == option->value_length;
}

static bool parse_count(const struct option *option, uint64_t *count)
{
    size_t used;
    return scaled_number(option, &used, count) && used == option->value_length;
}

/* Huge pages and NUMA policies: there are none, what is wished for changes nothing. */
static bool accepted(const struct option *option)
{
    return is(option, "inode32") || is(option, "inode64") || is(option, "huge") ||
           is(option, "mpol");
}

static bool parse_option(const struct option *option, uint64_t memory, struct memory_options *to)
{
    if (is(option, "size"))
        return (to->has_pages = parse_size(option, memory, &to->pages));
    if (is(option, "nr_blocks"))
        return (to->has_pages = parse_count(option, &to->pages));
    if (is(option, "nr_inodes"))
        return (to->has_inodes = parse_count(option, &to->inodes));
    if (is(option, "mode")) {
        to->has_mode = plain_number(option, 8, &to->mode);
        to->mode &= 07777;
        return to->has_mode;
    }
    if (is(option, "uid"))
        return (to->has_user = plain_number(option, 10, &to->user));
    if (is(option, "gid"))
        return (to->has_group = plain_number(option, 10, &to->group));
    return accepted(option);
}

int memory_options_parse(const char *text, uint64_t memory, struct memory_options *options)
{
    *options = (struct memory_options){0};
    while (text && *text) {
        struct option option = {.name = text};
        while (*text && *text != ',' && *text != '=')
            text++;
        option.name_length = (size_t)(text - option.name);
        if (*text == '=') {
            option.value = ++text;
            while (*text && *text != ',')
                text++;
            option.value_length = (size_t)(text - option.value);
        }
        bool empty = !option.value && option.name_length == 0;
        if (!empty && !parse_option(&option, memory, options))
            return -EINVAL;
        if (*text)
            text++;
    }
    return 0;
}

#include "library/menu/boot_count.h"

#include "library/format.h"
#include "library/string.h"
#include "library/text_line.h"

static bool equal_in_any_case(const char *left, const char *right)
{
    for (; *left && ascii_lower(*left) == ascii_lower(*right); right++)
        left++;
    return ascii_lower(*left) == ascii_lower(*right);
}

/* Reads the number at *text and moves behind it. */
static bool number_take(const char **text, uint32_t *number)
{
    const char *digits = *text;
    uint64_t value = 0;

    for (; **text >= '0' && **text <= '9' && value <= UINT32_MAX; (*text)++)
        value = value * 10 + (uint64_t)(**text - '0');
    *number = (uint32_t)value;
    return *text != digits && value <= UINT32_MAX;
}

/* What stands between a '+' and the suffix. */
static bool count_read(const char *text, const char *suffix, struct boot_count *count)
{
    count->done = 0;
    if (!number_take(&text, &count->left))
        return false;
    if (*text == '-') {
        text++;
        if (!number_take(&text, &count->done))
            return false;
    }
    return text == suffix;
}

/* systemd-boot's rule: files that are hidden (macOS puts "._NAME" beside each), and names of
   entries that a loader finds by itself. */
static bool name_is_taken(const char *name)
{
    static const char automatic[] = "auto-";
    size_t same = 0;

    while (automatic[same] && ascii_lower(name[same]) == automatic[same])
        same++;
    return *name == '.' || !automatic[same];
}

bool boot_count_parse(const char *name, const char *suffix, char identifier[BOOT_FILE_NAME_MAX],
                      struct boot_count *count)
{
    size_t length = strnlen(name, BOOT_FILE_NAME_MAX), tail = strlen(suffix);

    *count = (struct boot_count){0};
    if (length >= BOOT_FILE_NAME_MAX || length <= tail || name_is_taken(name) ||
        !equal_in_any_case(name + length - tail, suffix))
        return false;
    memcpy(identifier, name, length + 1);

    char *plus = strrchr(identifier, '+');
    if (!plus || plus == identifier || !count_read(plus + 1, identifier + length - tail, count)) {
        *count = (struct boot_count){0};
        return true;
    }
    count->counted = true;
    memmove(plus, identifier + length - tail, tail + 1);
    return true;
}

bool boot_count_next(const char *name, const char *suffix, char next[BOOT_FILE_NAME_MAX])
{
    char identifier[BOOT_FILE_NAME_MAX];
    struct boot_count count;

    if (!boot_count_parse(name, suffix, identifier, &count) || !count.counted || !count.left)
        return false;

    size_t length = strlen(identifier) - strlen(suffix);
    uint32_t done = count.done < UINT32_MAX ? count.done + 1 : count.done;
    return format_string(next, BOOT_FILE_NAME_MAX, "%.*s+%u-%u%s", (int)length, identifier,
                         count.left - 1, done, identifier + length) < BOOT_FILE_NAME_MAX;
}

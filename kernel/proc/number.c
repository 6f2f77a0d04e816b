/* number.c: numbers in the files of this room, and in their names. */
#include <asm/errno.h>

#include "file/credentials.h"
#include "proc/proc.h"

bool proc_parse_number(const char *text, uint32_t *number)
{
    uint64_t value = 0;

    if (!*text || (*text == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > UINT32_MAX / 10)
            return false;
        value = value * 10 + (*text - '0');
    }
    if (value > UINT32_MAX)
        return false;
    *number = value;
    return true;
}

/* ---- settings ---- */

int proc_setting_check_writer(void)
{
    return credentials_current()->effective_user ? -EPERM : 0;
}

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static int digit_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 'a' - 'A';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : 16;
}

/* An integer in C's notation, to the next space; moves *text behind it. False: none, or it does
   not fit. */
static bool integer_parse(const char **text, int64_t *value)
{
    const char *at = *text;
    bool negative = *at == '-';
    int base = 10;

    at += negative;
    if (*at == '0' && (at[1] == 'x' || at[1] == 'X')) {
        base = 16;
        at += 2;
    } else if (*at == '0') {
        base = 8;
    }
    if (digit_value(*at) >= base)
        return false;
    for (*value = 0; digit_value(*at) < base; at++) {
        *value = *value * base + digit_value(*at);
        if (*value > UINT32_MAX)
            return false;
    }
    if (*at && !is_space(*at))
        return false;
    *text = at;
    if (negative)
        *value = -*value;
    return true;
}

int proc_integers_parse(const char *text, int64_t *values, int count, int64_t minimum,
                        int64_t maximum)
{
    int found = 0;

    for (; found < count; found++) {
        while (is_space(*text))
            text++;
        if (!*text)
            break;
        if (!integer_parse(&text, &values[found]) || values[found] < minimum ||
            values[found] > maximum)
            return -EINVAL;
    }
    while (is_space(*text))
        text++;
    return found && (!*text || found == count) ? found : -EINVAL;
}

int proc_setting_parse(const char *bytes, int64_t minimum, int64_t maximum, int64_t *value)
{
    int error = proc_setting_check_writer();

    if (!error && proc_integers_parse(bytes, value, 1, minimum, maximum) < 0)
        error = -EINVAL;
    return error;
}

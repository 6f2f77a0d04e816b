#include "library/menu/version_order.h"

#include <stdbool.h>
#include <stddef.h>

#include "library/string.h"

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool is_letter(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

/* Anything else parts two words and means no more. */
static const char *skip_separators(const char *version)
{
    while (*version && !is_digit(*version) && !is_letter(*version) && !strchr("~-^.", *version))
        version++;
    return version;
}

/* Who alone has the mark is older; it is taken off both. */
static int mark_compare(const char **left, const char **right, char mark)
{
    bool in_left = **left == mark, in_right = **right == mark;

    *left += in_left && in_right;
    *right += in_left && in_right;
    return in_right - in_left;
}

static size_t segment_length(const char *version, bool is_part(char))
{
    size_t length = 0;

    while (is_part(version[length]))
        length++;
    return length;
}

/* Of two segments: the text first, then the longer one is newer. */
static int letters_compare(const char *left, size_t left_length, const char *right,
                           size_t right_length)
{
    size_t common = left_length < right_length ? left_length : right_length;
    int order = memcmp(left, right, common);

    return order ? order : (left_length > right_length) - (left_length < right_length);
}

/* Numbers of any length: without leading zeroes the longer one is greater; any is newer than none.
 */
static int digits_compare(const char *left, size_t left_length, const char *right,
                          size_t right_length)
{
    if (!left_length || !right_length)
        return (left_length > 0) - (right_length > 0);
    for (; left_length && *left == '0'; left_length--)
        left++;
    for (; right_length && *right == '0'; right_length--)
        right++;
    if (left_length != right_length)
        return left_length < right_length ? -1 : 1;
    return memcmp(left, right, left_length);
}

/* Takes a number off both, or a word; one of them may have none. */
static int segment_compare(const char **left, const char **right)
{
    bool number = is_digit(**left) || is_digit(**right);
    size_t left_length = segment_length(*left, number ? is_digit : is_letter);
    size_t right_length = segment_length(*right, number ? is_digit : is_letter);
    int order = number ? digits_compare(*left, left_length, *right, right_length)
                       : letters_compare(*left, left_length, *right, right_length);

    *left += left_length;
    *right += right_length;
    return order;
}

/* From old to new: 1~rc1, 1, 1-1, 1^fix, 1.1, 1a, 11. Within a turn nothing is skipped, so that a
   mark and a separator behind it stand for a word that is empty. */
int version_compare(const char *left, const char *right)
{
    for (;;) {
        left = skip_separators(left);
        right = skip_separators(right);

        int order = mark_compare(&left, &right, '~');
        if (order != 0)
            return order;
        if (!*left || !*right)
            return (*left != '\0') - (*right != '\0');
        for (const char *mark = "-^."; *mark && order == 0; mark++)
            order = mark_compare(&left, &right, *mark);
        if (order == 0)
            order = segment_compare(&left, &right);
        if (order != 0)
            return order;
    }
}

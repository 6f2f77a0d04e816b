#include "library/menu/version_order.h"

#include <stdbool.h>
#include <stddef.h>

#include "library/string.h"

/* What a part of a version begins with, from old to new: 1~rc1, 1, 1-1, 1^fix, 1.1, 1a, 11. */
enum rank {
    PRERELEASE, /* ~ */
    END,
    RELEASE, /* - */
    PATCH,   /* ^ */
    POINT,   /* . */
    LETTERS,
    DIGITS,
    SEPARATOR, /* anything else: skipped */
};

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool is_letter(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

static enum rank rank_of(char character)
{
    switch (character) {
    case '~':
        return PRERELEASE;
    case '\0':
        return END;
    case '-':
        return RELEASE;
    case '^':
        return PATCH;
    case '.':
        return POINT;
    default:
        return is_letter(character) ? LETTERS : is_digit(character) ? DIGITS : SEPARATOR;
    }
}

static const char *skip_separators(const char *version)
{
    while (rank_of(*version) == SEPARATOR)
        version++;
    return version;
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

/* Numbers of any length: without leading zeroes the longer one is greater. */
static int digits_compare(const char *left, size_t left_length, const char *right,
                          size_t right_length)
{
    for (; left_length && *left == '0'; left_length--)
        left++;
    for (; right_length && *right == '0'; right_length--)
        right++;
    if (left_length != right_length)
        return left_length < right_length ? -1 : 1;
    return memcmp(left, right, left_length);
}

/* Takes a segment of the same kind off both. */
static int segment_compare(const char **left, const char **right, enum rank rank)
{
    size_t left_length = segment_length(*left, rank == DIGITS ? is_digit : is_letter);
    size_t right_length = segment_length(*right, rank == DIGITS ? is_digit : is_letter);
    int order = rank == DIGITS ? digits_compare(*left, left_length, *right, right_length)
                               : letters_compare(*left, left_length, *right, right_length);

    *left += left_length;
    *right += right_length;
    return order;
}

int version_compare(const char *left, const char *right)
{
    for (;;) {
        left = skip_separators(left);
        right = skip_separators(right);

        enum rank rank = rank_of(*left);
        int order = (int)rank - (int)rank_of(*right);

        if (order == 0 && rank >= LETTERS)
            order = segment_compare(&left, &right, rank);
        else if (order == 0 && rank != END) {
            left++;
            right++;
        }
        if (order != 0 || rank == END)
            return order;
    }
}

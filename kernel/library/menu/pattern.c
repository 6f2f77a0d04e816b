#include "library/menu/pattern.h"

#include <stddef.h>

#include "library/text_line.h"

/* Where the class that begins behind '[' ends: its ']'; NULL: it is a '[' like any other. */
static const char *class_end(const char *class)
{
    const char *end = class + (*class == '!' || *class == '^');

    /* A ']' that comes first is one of the class. */
    for (end += *end == ']'; *end && *end != ']'; end++) {
    }
    return *end ? end : NULL;
}

static bool class_holds(const char *class, const char *end, char character)
{
    bool negated = *class == '!' || *class == '^';
    bool found = false;

    for (class += negated; class < end; class ++) {
        bool range = end - class > 2 && class[1] == '-';

        found |= range ? character >= ascii_lower(class[0]) && character <= ascii_lower(class[2])
                       : character == ascii_lower(*class);
        class += range ? 2 : 0;
    }
    return found != negated;
}

/* Does the first part of a pattern, which is no '*', match? Then how long that part is; else 0. */
static size_t part_matches(const char *pattern, char character)
{
    const char *end = *pattern == '[' ? class_end(pattern + 1) : NULL;

    if (character == '\0')
        return 0;
    if (end)
        return class_holds(pattern + 1, end, ascii_lower(character)) ? (size_t)(end + 1 - pattern)
                                                                     : 0;
    if (*pattern == '\\' && pattern[1])
        return ascii_lower(pattern[1]) == ascii_lower(character) ? 2 : 0;
    return *pattern == '?' || ascii_lower(*pattern) == ascii_lower(character);
}

/* Only the last '*' can still be made to take more: all before it have matched already. */
bool pattern_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *taken = name;

    while (*pattern || *name) {
        size_t part;

        if (*pattern == '*') {
            star = pattern++;
            taken = name;
        } else if (*pattern && (part = part_matches(pattern, *name))) {
            pattern += part;
            name++;
        } else if (star && *taken) {
            pattern = star + 1;
            name = ++taken;
        } else {
            return false;
        }
    }
    return true;
}

#include "library/script.h"

#include <linux/errno.h>

#include "library/string.h"

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

/* The first character at or behind `from` that is not blank; `end` if there is none before it. */
static char *skip_blanks(char *from, char *end)
{
    while (from < end && is_blank(*from))
        from++;
    return from;
}

/* The first blank or NUL at or behind `from`, or `end`. */
static char *find_separator(char *from, char *end)
{
    while (from < end && *from && !is_blank(*from))
        from++;
    return from;
}

int script_line_parse(char bytes[SCRIPT_LINE_MAXIMUM], struct script_line *line)
{
    char *behind = bytes + SCRIPT_LINE_MAXIMUM;
    char *end = memchr(bytes, '\n', SCRIPT_LINE_MAXIMUM);

    if (!end) {
        /* A name that nothing ends in these bytes may be cut off. */
        if (find_separator(skip_blanks(bytes + 2, behind), behind) == behind)
            return -ENOEXEC;
        /* An argument may be: its last byte becomes the terminator. */
        end = behind - 1;
    }
    while (end > bytes + 2 && is_blank(end[-1]))
        end--;
    *end = '\0';

    line->interpreter = skip_blanks(bytes + 2, end);
    if (line->interpreter == end)
        return -ENOEXEC;
    /* Linux opens the empty path, which is the working directory, no regular file. */
    if (!*line->interpreter)
        return -EACCES;
    char *separator = find_separator(line->interpreter, end);
    line->argument = NULL;
    if (*separator) {
        char *argument = skip_blanks(separator, end);
        *separator = '\0';
        if (argument < end)
            line->argument = argument;
    }
    return 0;
}

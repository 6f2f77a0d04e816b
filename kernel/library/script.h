/*
 * script.h: the first line of an interpreter script (execve(2), "Interpreter
 * scripts"), by the rules of Linux's fs/binfmt_script.c. Pure; any context.
 */
#ifndef BATON_LIBRARY_SCRIPT_H
#define BATON_LIBRARY_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    SCRIPT_LINE_MAXIMUM = 256, /* "#!" and the newline included; the rest is not looked at */
};

struct script_line {
    char *interpreter;
    char *argument; /* NULL: none. All of the line's rest, spaces inside too */
};

/* Does a file that begins with these bytes name an interpreter? */
static inline bool script_is(const char *bytes, size_t size)
{
    return size >= 2 && bytes[0] == '#' && bytes[1] == '!';
}

/*
 * Finds interpreter and argument in a script's first SCRIPT_LINE_MAXIMUM bytes,
 * behind the file's end zeros, and terminates both in place. 0, or -ENOEXEC:
 * no interpreter, or one whose name may go on behind these bytes; -EACCES: its
 * name is empty, for a NUL comes first.
 */
int script_line_parse(char bytes[SCRIPT_LINE_MAXIMUM], struct script_line *line);

#endif

/*
 * text_line.h: the lines of a small text file that a person or a tool wrote, and their words: boot
 * entries, the loader's settings, os-release.
 *
 * Pure: no allocation, no lock; works on parts of the caller's text, which need no NUL.
 */
#ifndef BATON_LIBRARY_TEXT_LINE_H
#define BATON_LIBRARY_TEXT_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* A letter of ASCII in its small form; anything else as it is. */
static inline char ascii_lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

/* Part of a text. */
struct slice {
    const char *text;
    size_t size; /* bytes */
};

bool slice_is(struct slice slice, const char *string);
/* Without the blanks and tabs at both ends. */
struct slice slice_trim(struct slice slice);
/* Without quotes of one kind round it, if it holds no other of them: "a b", but not "a" "b". */
struct slice slice_unquote(struct slice slice);
/* Takes what comes before the next blank or tab off *line, which is trimmed. */
struct slice slice_take_word(struct slice *line);

/*
 * Takes the first line off *text, without its end (LF or CRLF; the last one needs none). A byte
 * order mark of UTF-8, which editors of other systems put there, is text_skip_mark()'s. False:
 * there is no line left.
 */
bool text_take_line(struct slice *text, struct slice *line);
void text_skip_mark(struct slice *text);

#endif

/*
 * text_row.h: text as rows of a picture, broken at words.
 *
 *     struct text_row row = text_row_begin(text);
 *     while (text_row_next(&row, width)) …
 */
#ifndef BATON_LIBRARY_MENU_TEXT_ROW_H
#define BATON_LIBRARY_MENU_TEXT_ROW_H

#include <stdbool.h>
#include <stddef.h>

struct text_row {
    const char *text; /* what is seen, `length` bytes */
    size_t length;
    const char *line; /* of the text: the line that the row is a part of */
    const char *next;
};

struct text_row text_row_begin(const char *text);

/* The next row, of at most `width` bytes (at least 1); false: there is none. A word that is longer
   is cut; the blank that a row ends at belongs to none. */
bool text_row_next(struct text_row *row, size_t width);

/* How many there are. */
size_t text_row_count(const char *text, size_t width);

#endif

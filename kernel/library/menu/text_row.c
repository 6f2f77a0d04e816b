/* text_row.c: see text_row.h. */
#include "library/menu/text_row.h"

struct text_row text_row_begin(const char *text)
{
    return (struct text_row){.text = text, .line = text, .next = text};
}

static bool ends(char character)
{
    return character == '\0' || character == '\n';
}

static size_t row_length(const char *text, size_t width)
{
    size_t length = 0, blank = 0;

    for (; length < width && !ends(text[length]); length++) {
        if (text[length] == ' ')
            blank = length;
    }
    return ends(text[length]) || text[length] == ' ' || blank == 0 ? length : blank;
}

bool text_row_next(struct text_row *row, size_t width)
{
    const char *text = row->next;

    if (!*text)
        return false;
    if (text == row->line || text[-1] == '\n')
        row->line = text;
    row->text = text;
    row->length = row_length(text, width);
    row->next = text + row->length;
    if (*row->next == ' ' || *row->next == '\n')
        row->next++;
    return true;
}

size_t text_row_count(const char *text, size_t width)
{
    struct text_row row = text_row_begin(text);
    size_t count = 0;

    while (text_row_next(&row, width))
        count++;
    return count;
}

#include "library/text_line.h"

#include "library/string.h"

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

bool slice_is(struct slice slice, const char *string)
{
    return slice.size == strlen(string) && memcmp(slice.text, string, slice.size) == 0;
}

struct slice slice_trim(struct slice slice)
{
    while (slice.size > 0 && is_blank(slice.text[0])) {
        slice.text++;
        slice.size--;
    }
    while (slice.size > 0 && is_blank(slice.text[slice.size - 1]))
        slice.size--;
    return slice;
}

struct slice slice_unquote(struct slice slice)
{
    if (slice.size < 2 || (slice.text[0] != '"' && slice.text[0] != '\'') ||
        memchr(slice.text + 1, slice.text[0], slice.size - 1) != slice.text + slice.size - 1)
        return slice;
    return (struct slice){slice.text + 1, slice.size - 2};
}

struct slice slice_take_word(struct slice *line)
{
    struct slice word = {line->text, 0};

    while (word.size < line->size && !is_blank(word.text[word.size]))
        word.size++;
    line->text += word.size;
    line->size -= word.size;
    *line = slice_trim(*line);
    return word;
}

bool text_take_line(struct slice *text, struct slice *line)
{
    const char *end = text->size ? memchr(text->text, '\n', text->size) : NULL;

    if (text->size == 0)
        return false;
    *line = (struct slice){text->text, end ? (size_t)(end - text->text) : text->size};
    text->text += line->size + (end != NULL);
    text->size -= line->size + (end != NULL);
    if (line->size > 0 && line->text[line->size - 1] == '\r')
        line->size--;
    return true;
}

void text_skip_mark(struct slice *text)
{
    if (text->size >= 3 && memcmp(text->text, "\xef\xbb\xbf", 3) == 0) {
        text->text += 3;
        text->size -= 3;
    }
}

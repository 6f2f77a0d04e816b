/* text.c: text that grows, for the files of /proc and /sys. */
#include <asm/errno.h>

#include "file/pseudo.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"

#define TEXT_MAXIMUM (64UL << 20)

/* Room for `size` more bytes and a NUL? */
static bool text_reserve(struct text *text, size_t size)
{
    size_t needed = text->size + size + 1;

    if (text->failed)
        return false;
    if (needed <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : 512;
    while (capacity < needed)
        capacity *= 2;
    char *bytes =
        capacity <= TEXT_MAXIMUM ? heap_grow(text->bytes, text->capacity, capacity) : NULL;
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void text_append(struct text *text, const void *bytes, size_t size)
{
    if (!text_reserve(text, size))
        return;
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

void text_print(struct text *text, const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    int length = format_string_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    if ((size_t)length < sizeof(line)) {
        text_append(text, line, (size_t)length);
        return;
    }
    if (!text_reserve(text, (size_t)length))
        return;
    va_start(arguments, format);
    format_string_list(text->bytes + text->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)length;
}

void text_append_escaped(struct text *text, const char *string, const char *characters)
{
    for (; *string; string++) {
        if (*string == '\\' || strchr(characters, *string))
            text_print(text, "\\%03o", (unsigned char)*string);
        else
            text_append(text, string, 1);
    }
}

void text_free(struct text *text)
{
    heap_free(text->bytes);
    *text = (struct text){0};
}

#include <library/load_options.h>

#include <linux/errno.h>
#include <stdbool.h>
#include <stdint.h>

#include <library/bytes.h>
#include <library/format.h>
#include <library/string.h>

/* UTF-16 at any alignment. */
struct wide_text {
    const uint8_t *bytes;
    size_t length; /* characters before the NUL */
};

/* The characters up to the first NUL; false when there is none within size bytes. */
static bool wide_text_find(const uint8_t *bytes, size_t size, struct wide_text *text)
{
    for (size_t i = 0; i + 1 < size; i += 2) {
        if (load16(bytes + i) == 0) {
            *text = (struct wide_text){.bytes = bytes, .length = i / 2};
            return true;
        }
    }
    return false;
}

static bool wide_text_printable(const struct wide_text *text)
{
    for (size_t i = 0; i < text->length; i++) {
        uint16_t character = load16(text->bytes + 2 * i);

        if ((character < ' ' || character > '~') && character != '\t')
            return false;
    }
    return true;
}

/*
 * EFI_LOAD_OPTION: 32 bits of attributes, 16 bits length of the device path, a description, the
 * device path, and behind it the optional data that is meant. Recognised by a device path that
 * ends as one does: type 0x7f, subtype 0xff, length 4 (UEFI 2.10, 10.3.1).
 */
static bool load_option_skip(const uint8_t **bytes, size_t *size)
{
    const uint32_t path_end = 0x0004ff7f;
    struct wide_text description;
    size_t path_length, before_path;

    if (*size < 8)
        return false;
    path_length = load16(*bytes + 4);
    if (!wide_text_find(*bytes + 6, *size - 6, &description))
        return false;
    before_path = 6 + 2 * (description.length + 1);
    if (path_length < 4 || path_length > *size - before_path ||
        load32(*bytes + before_path + path_length - 4) != path_end)
        return false;
    *bytes += before_path + path_length;
    *size -= before_path + path_length;
    return true;
}

static size_t spaces_skip(const char *text, size_t at)
{
    while (text[at] == ' ' || text[at] == '\t')
        at++;
    return at;
}

static size_t word_end(const char *text, size_t at)
{
    while (text[at] && text[at] != ' ' && text[at] != '\t')
        at++;
    return at;
}

/* Whether more than the suffix lies between start and end, and ends with it in any case. */
static bool word_ends_with(const char *text, size_t start, size_t end, const char *suffix)
{
    size_t length = strlen(suffix);

    if (end - start <= length)
        return false;
    for (size_t i = 0; i < length; i++) {
        char character = text[end - length + i];

        if (character >= 'A' && character <= 'Z')
            character += 'a' - 'A';
        if (character != suffix[i])
            return false;
    }
    return true;
}

/* Drops the program's name and the white space at both ends. Returns the new length. */
static int text_trim(char *text, size_t length)
{
    size_t start = spaces_skip(text, 0);
    size_t end = word_end(text, start);

    if (word_ends_with(text, start, end, ".efi"))
        start = spaces_skip(text, end);
    while (length > start && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    for (size_t i = start; i < length; i++)
        text[i - start] = text[i];
    text[length - start] = '\0';
    return (int)(length - start);
}

int load_options_parse(const void *options, size_t size, char *text, size_t text_size)
{
    const uint8_t *bytes = options;
    struct wide_text wide;

    text[0] = '\0';
    load_option_skip(&bytes, &size);
    if (size == 0)
        return 0;
    if (size % 2 != 0 || !wide_text_find(bytes, size, &wide) || !wide_text_printable(&wide))
        return -EINVAL;
    if (wide.length >= text_size)
        return -ENAMETOOLONG;
    for (size_t i = 0; i < wide.length; i++)
        text[i] = (char)load16(bytes + 2 * i);
    text[wide.length] = '\0';
    return text_trim(text, wide.length);
}

bool load_options_entry(const char *text, struct load_options_entry *entry)
{
    size_t start = spaces_skip(text, 0);
    size_t end = word_end(text, start);
    bool is_path = false;
    int length;

    for (size_t i = start; i < end; i++) {
        if (text[i] == '=')
            return false;
        is_path |= text[i] == '/' || text[i] == '\\';
    }
    if (end == start || end - start >= sizeof(entry->path))
        return false;
    entry->certain = word_ends_with(text, start, end, ".conf");
    length = format_string(entry->path, sizeof(entry->path), "%s%.*s%s",
                           is_path ? "" : "\\loader\\entries\\", (int)(end - start), text + start,
                           entry->certain ? "" : ".conf");
    entry->rest = text + spaces_skip(text, end);
    return length < (int)sizeof(entry->path);
}

#include "library/boot_entry.h"

#include "library/string.h"
#include <linux/errno.h>
#include <stdbool.h>

/* Part of a line. */
struct slice {
    const char *text;
    size_t size;
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

static bool is_printable(char character)
{
    return character >= ' ' && character <= '~';
}

static bool slice_is(struct slice slice, const char *string)
{
    return slice.size == strlen(string) && memcmp(slice.text, string, slice.size) == 0;
}

static struct slice slice_trim(struct slice slice)
{
    while (slice.size > 0 && is_blank(slice.text[0])) {
        slice.text++;
        slice.size--;
    }
    while (slice.size > 0 && is_blank(slice.text[slice.size - 1]))
        slice.size--;
    return slice;
}

/* Takes what comes before the next blank off the line. */
static struct slice slice_take_word(struct slice *line)
{
    struct slice word = {line->text, 0};

    while (word.size < line->size && !is_blank(word.text[word.size]))
        word.size++;
    line->text += word.size;
    line->size -= word.size;
    *line = slice_trim(*line);
    return word;
}

/* The setters return what is wrong with the value, or NULL. */

static const char *name_set(char name[BOOT_ENTRY_NAME_MAX], struct slice value)
{
    if (value.size >= BOOT_ENTRY_NAME_MAX)
        return "the value is longer than 127 bytes";
    for (size_t i = 0; i < value.size; i++) {
        /* UTF-8 may pass, control characters may not: names are shown to people. */
        if ((unsigned char)value.text[i] < ' ' || value.text[i] == 0x7f)
            return "the value holds a control character";
    }
    memcpy(name, value.text, value.size);
    name[value.size] = '\0';
    return NULL;
}

/* One component of a path, between two slashes. */
static const char *component_check(struct slice component)
{
    if (component.size == 0)
        return "the path has an empty component";
    if (slice_is(component, ".") || slice_is(component, ".."))
        return "the path holds \".\" or \"..\"";
    return NULL;
}

static const char *path_set(char path[BOOT_ENTRY_PATH_MAX], struct slice value)
{
    if (value.size == 0)
        return "there is no path";
    if (value.size >= BOOT_ENTRY_PATH_MAX)
        return "the path is longer than 255 bytes";
    if (value.text[0] != '/')
        return "the path does not begin with a slash";

    struct slice component = {value.text + 1, 0};
    for (size_t i = 1; i < value.size; i++) {
        if (!is_printable(value.text[i]) || value.text[i] == '\\')
            return "the path holds a backslash or something that is not printable ASCII";
        if (value.text[i] != '/') {
            component.size++;
            continue;
        }
        const char *reason = component_check(component);
        if (reason != NULL)
            return reason;
        component = (struct slice){value.text + i + 1, 0};
    }
    memcpy(path, value.text, value.size);
    path[value.size] = '\0';
    return component_check(component);
}

static const char *kernel_set(struct boot_entry *entry, struct slice value)
{
    if (entry->kernel[0] != '\0')
        return "there is a second line \"linux\"";
    return path_set(entry->kernel, value);
}

static const char *initrd_add(struct boot_entry *entry, struct slice value)
{
    if (entry->initrd_count == BOOT_ENTRY_INITRDS_MAX)
        return "there are more than 16 lines \"initrd\"";
    return path_set(entry->initrds[entry->initrd_count++], value);
}

static const char *options_add(struct boot_entry *entry, struct slice value)
{
    size_t length = strlen(entry->options);
    size_t space = length > 0 ? 1 : 0;

    if (value.size == 0)
        return NULL;
    if (length + space + value.size >= BOOT_ENTRY_OPTIONS_MAX)
        return "the options are longer than 4095 bytes";
    for (size_t i = 0; i < value.size; i++) {
        if (!is_printable(value.text[i]))
            return "the options hold something that is not printable ASCII";
    }
    if (space)
        entry->options[length] = ' ';
    memcpy(entry->options + length + space, value.text, value.size);
    entry->options[length + space + value.size] = '\0';
    return NULL;
}

/* The specification names the architectures as UEFI does, in any case. */
static const char *architecture_check(struct slice value)
{
    if (slice_is(value, "x64") || slice_is(value, "X64"))
        return NULL;
    return "the entry is not for x64";
}

static const char *line_parse(struct boot_entry *entry, struct slice line)
{
    line = slice_trim(line);
    if (line.size == 0 || line.text[0] == '#')
        return NULL;

    struct slice key = slice_take_word(&line);
    if (slice_is(key, "title"))
        return name_set(entry->title, line);
    if (slice_is(key, "version"))
        return name_set(entry->version, line);
    if (slice_is(key, "machine-id"))
        return name_set(entry->machine_id, line);
    if (slice_is(key, "sort-key"))
        return name_set(entry->sort_key, line);
    if (slice_is(key, "architecture"))
        return architecture_check(line);
    if (slice_is(key, "linux"))
        return kernel_set(entry, line);
    if (slice_is(key, "initrd"))
        return initrd_add(entry, line);
    if (slice_is(key, "options"))
        return options_add(entry, line);
    return NULL;
}

static int fail(struct boot_entry_error *error, uint32_t line, const char *reason)
{
    *error = (struct boot_entry_error){line, reason};
    return -EINVAL;
}

int boot_entry_parse(const char *text, size_t size, struct boot_entry *entry,
                     struct boot_entry_error *error)
{
    const char *end = text + size;

    memset(entry, 0, sizeof(*entry));
    /* Editors of other systems put a byte order mark before UTF-8 text. */
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    if (size > BOOT_ENTRY_FILE_MAX)
        return fail(error, 0, "the entry is longer than 64 KiB");

    for (uint32_t number = 1; text < end; number++) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *next = line_end != NULL ? line_end + 1 : end;
        if (line_end == NULL)
            line_end = end;
        struct slice line = {text, (size_t)(line_end - text)};
        if (line.size > 0 && line.text[line.size - 1] == '\r')
            line.size--;

        if (line.size > BOOT_ENTRY_LINE_MAX)
            return fail(error, number, "the line is longer than 4096 bytes");
        if (memchr(line.text, '\0', line.size) != NULL)
            return fail(error, number, "the line holds a NUL");
        const char *reason = line_parse(entry, line);
        if (reason != NULL)
            return fail(error, number, reason);
        text = next;
    }
    if (entry->kernel[0] == '\0')
        return fail(error, 0, "there is no line \"linux\"");
    return 0;
}

#include "library/boot_entry.h"

#include <linux/errno.h>
#include <stdbool.h>

#include "library/string.h"
#include "library/text_line.h"

static bool is_printable(char character)
{
    return character >= ' ' && character <= '~';
}

/* What fits, without a part of a character of UTF-8. */
static struct slice name_cut(struct slice value)
{
    if (value.size < BOOT_ENTRY_NAME_MAX)
        return value;
    value.size = BOOT_ENTRY_NAME_MAX - 1;
    while (value.size > 0 && ((unsigned char)value.text[value.size] & 0xc0) == 0x80)
        value.size--;
    return value;
}

static bool is_control(char character)
{
    return (unsigned char)character < ' ' || character == 0x7f;
}

/* The setters return what is wrong with the value, or NULL. */

/* A title that is long or odd is no reason for a system not to start. It is shown to people: UTF-8
   may pass, control characters may not. */
static const char *name_set(char name[BOOT_ENTRY_NAME_MAX], struct slice value)
{
    value = name_cut(value);
    for (size_t i = 0; i < value.size; i++)
        name[i] = is_control(value.text[i]) ? '?' : value.text[i];
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

/* "Paths may be prefixed with a /, but this is optional and has the same effect". */
static const char *path_set(char path[BOOT_ENTRY_PATH_MAX], struct slice value)
{
    if (value.size > 0 && value.text[0] == '/')
        value = (struct slice){value.text + 1, value.size - 1};
    if (value.size == 0)
        return "there is no path";
    if (value.size + 1 >= BOOT_ENTRY_PATH_MAX)
        return "the path is longer than 255 bytes";

    struct slice component = {value.text, 0};
    for (size_t i = 0; i < value.size; i++) {
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
    path[0] = '/';
    memcpy(path + 1, value.text, value.size);
    path[value.size + 1] = '\0';
    return component_check(component);
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
        if (is_control(value.text[i]))
            return "the options hold a control character";
    }
    if (space)
        entry->options[length] = ' ';
    memcpy(entry->options + length + space, value.text, value.size);
    entry->options[length + space + value.size] = '\0';
    return NULL;
}

/* The specification names the architectures as UEFI does, in any case. */
static const char *architecture_check(struct boot_entry *entry, struct slice value)
{
    if (slice_is(value, "x64") || slice_is(value, "X64"))
        return NULL;
    entry->foreign = true;
    return "the entry is not for x64";
}

static const char *line_parse(struct boot_entry *entry, struct slice line)
{
    line = slice_trim(line);
    if (line.size == 0 || line.text[0] == '#')
        return NULL;

    struct slice key = slice_take_word(&line);
    if (line.size == 0)
        return NULL; /* it says nothing */
    line = slice_unquote(line);
    if (slice_is(key, "title"))
        return name_set(entry->title, line);
    if (slice_is(key, "version"))
        return name_set(entry->version, line);
    if (slice_is(key, "machine-id"))
        return name_set(entry->machine_id, line);
    if (slice_is(key, "sort-key"))
        return name_set(entry->sort_key, line);
    if (slice_is(key, "architecture"))
        return architecture_check(entry, line);
    if (slice_is(key, "linux"))
        return path_set(entry->kernel, line);
    if (slice_is(key, "efi") || slice_is(key, "uki"))
        return path_set(entry->program, line);
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

static int entry_check(const struct boot_entry *entry, struct boot_entry_error *error)
{
    if (entry->kernel[0] == '\0' && entry->program[0] == '\0')
        return fail(error, 0, "there is no line \"linux\" or \"efi\"");
    if (entry->kernel[0] != '\0' && entry->program[0] != '\0')
        return fail(error, 0, "there are a line \"linux\" and a line \"efi\"");
    return 0;
}

int boot_entry_parse(const char *text, size_t size, struct boot_entry *entry,
                     struct boot_entry_error *error)
{
    struct slice rest = {text, size}, line;

    memset(entry, 0, sizeof(*entry));
    text_skip_mark(&rest);
    if (size > BOOT_ENTRY_FILE_MAX)
        return fail(error, 0, "the entry is longer than 64 KiB");

    for (uint32_t number = 1; text_take_line(&rest, &line); number++) {
        if (memchr(line.text, '\0', line.size) != NULL)
            return fail(error, number, "the line holds a NUL");
        const char *reason = line_parse(entry, line);
        if (reason != NULL)
            return fail(error, number, reason);
    }
    return entry_check(entry, error);
}

#include "library/menu/os_release.h"

#include <stdbool.h>

#include "library/string.h"
#include "library/text_line.h"

/* The fields that count, by the table below. */
enum field {
    PRETTY_NAME,
    IMAGE_ID,
    NAME,
    ID,
    IMAGE_VERSION,
    VERSION,
    VERSION_ID,
    BUILD_ID,
    FIELD_COUNT,
};

static const char *const field_names[FIELD_COUNT] = {
    [PRETTY_NAME] = "PRETTY_NAME",
    [IMAGE_ID] = "IMAGE_ID",
    [NAME] = "NAME",
    [ID] = "ID",
    [IMAGE_VERSION] = "IMAGE_VERSION",
    [VERSION] = "VERSION",
    [VERSION_ID] = "VERSION_ID",
    [BUILD_ID] = "BUILD_ID",
};

static bool is_quote(char character)
{
    return character == '"' || character == '\'';
}

/* "Assignment values must be enclosed in double or single quotes if they include spaces"; a shell's
   backslash keeps the next character as it is. */
static bool value_read(struct slice value, char text[OS_RELEASE_VALUE_MAX])
{
    size_t length = 0;
    bool quoted =
        value.size >= 2 && is_quote(value.text[0]) && value.text[value.size - 1] == value.text[0];

    if (quoted)
        value = (struct slice){value.text + 1, value.size - 2};
    for (size_t i = 0; i < value.size; i++) {
        if (value.text[i] == '\\' && i + 1 < value.size)
            i++;
        if ((unsigned char)value.text[i] < ' ' || value.text[i] == 0x7f ||
            length + 1 >= OS_RELEASE_VALUE_MAX)
            return false;
        text[length++] = value.text[i];
    }
    text[length] = '\0';
    return true;
}

static void line_read(struct slice line, char fields[FIELD_COUNT][OS_RELEASE_VALUE_MAX])
{
    char value[OS_RELEASE_VALUE_MAX];

    line = slice_trim(line);
    const char *equals = line.size ? memchr(line.text, '=', line.size) : NULL;
    if (!equals || line.text[0] == '#')
        return;

    struct slice name = {line.text, (size_t)(equals - line.text)};
    struct slice rest = {equals + 1, line.size - name.size - 1};
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        if (slice_is(name, field_names[field]) && value_read(rest, value))
            memcpy(fields[field], value, sizeof(value));
    }
}

/* The first of these fields that the text has. */
static void value_choose(char fields[FIELD_COUNT][OS_RELEASE_VALUE_MAX], const enum field *order,
                         size_t count, char value[OS_RELEASE_VALUE_MAX])
{
    value[0] = '\0';
    for (size_t i = 0; i < count && !*value; i++)
        memcpy(value, fields[order[i]], OS_RELEASE_VALUE_MAX);
}

void os_release_parse(const char *text, size_t size, struct os_release *release)
{
    static const enum field titles[] = {PRETTY_NAME, IMAGE_ID, NAME, ID};
    static const enum field versions[] = {IMAGE_VERSION, VERSION, VERSION_ID, BUILD_ID};
    static const enum field sort_keys[] = {IMAGE_ID, ID};
    char fields[FIELD_COUNT][OS_RELEASE_VALUE_MAX] = {{0}};
    struct slice rest = {text, size}, line;

    while (text_take_line(&rest, &line))
        line_read(line, fields);
    value_choose(fields, titles, 4, release->title);
    value_choose(fields, versions, 4, release->version);
    value_choose(fields, sort_keys, 2, release->sort_key);
}

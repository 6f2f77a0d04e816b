#include "library/menu/loader_settings.h"

#include "library/string.h"
#include "library/text_line.h"

#define SETTINGS_SIZE_MAXIMUM 65536

void loader_settings_default(struct loader_settings *settings)
{
    *settings = (struct loader_settings){
        .timeout = MENU_TIMEOUT_UNSET,
        .editor = true,
        .automatic_entries = true,
        .automatic_firmware = true,
    };
}

static bool number_parse(struct slice value, uint32_t maximum, uint32_t *number)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < value.size; i++) {
        if (value.text[i] < '0' || value.text[i] > '9' || sum > maximum)
            return false;
        sum = sum * 10 + (uint64_t)(value.text[i] - '0');
    }
    if (value.size == 0 || sum > maximum)
        return false;
    *number = (uint32_t)sum;
    return true;
}

bool menu_timeout_parse(const char *text, size_t size, uint32_t *timeout)
{
    struct slice value = slice_trim((struct slice){text, size});

    if (slice_is(value, "menu-force"))
        *timeout = MENU_TIMEOUT_FOREVER;
    else if (slice_is(value, "menu-hidden"))
        *timeout = MENU_TIMEOUT_HIDDEN;
    else if (slice_is(value, "menu-disabled"))
        *timeout = MENU_TIMEOUT_DISABLED;
    else
        return number_parse(value, MENU_TIMEOUT_DISABLED - 1, timeout);
    return true;
}

static bool is_one_of(struct slice value, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_is(value, words[i]))
            return true;
    }
    return false;
}

static void boolean_set(bool *setting, struct slice value)
{
    static const char *const yes[] = {"yes", "y", "true", "t", "on", "1"};
    static const char *const no[] = {"no", "n", "false", "f", "off", "0"};

    if (is_one_of(value, yes, sizeof(yes) / sizeof(*yes)))
        *setting = true;
    else if (is_one_of(value, no, sizeof(no) / sizeof(*no)))
        *setting = false;
}

static void entry_set(struct loader_settings *settings, struct slice value)
{
    if (value.size >= sizeof(settings->entry) || memchr(value.text, '\0', value.size))
        return;
    memcpy(settings->entry, value.text, value.size);
    settings->entry[value.size] = '\0';
}

static void console_set(struct loader_settings *settings, struct slice value)
{
    if (slice_is(value, "keep"))
        settings->console_mode = CONSOLE_KEEP;
    else if (slice_is(value, "auto"))
        settings->console_mode = CONSOLE_AUTO;
    else if (slice_is(value, "max"))
        settings->console_mode = CONSOLE_MAX;
    else if (number_parse(value, INT32_MAX, &settings->console_number))
        settings->console_mode = CONSOLE_NUMBER;
}

static void line_read(struct loader_settings *settings, struct slice line)
{
    line = slice_trim(line);
    if (line.size == 0 || line.text[0] == '#')
        return;

    struct slice key = slice_take_word(&line);
    line = slice_unquote(line);
    if (slice_is(key, "timeout"))
        menu_timeout_parse(line.text, line.size, &settings->timeout);
    else if (slice_is(key, "default"))
        entry_set(settings, line);
    else if (slice_is(key, "editor"))
        boolean_set(&settings->editor, line);
    else if (slice_is(key, "auto-entries"))
        boolean_set(&settings->automatic_entries, line);
    else if (slice_is(key, "auto-firmware"))
        boolean_set(&settings->automatic_firmware, line);
    else if (slice_is(key, "console-mode"))
        console_set(settings, line);
}

void loader_settings_parse(const char *text, size_t size, struct loader_settings *settings)
{
    struct slice rest = {text, size < SETTINGS_SIZE_MAXIMUM ? size : SETTINGS_SIZE_MAXIMUM}, line;

    text_skip_mark(&rest);
    while (text_take_line(&rest, &line))
        line_read(settings, line);
}

#include "console.h"

#include <library/format.h>
#include <library/string.h>

#include "firmware.h"

#define STORY_SIZE 2048

static struct {
    char text[STORY_SIZE];
    size_t used;
} story;

void console_story_begin(void)
{
    story.used = 0;
}

const char *console_story(void)
{
    story.text[story.used] = '\0';
    return story.text;
}

/* The oldest line goes. */
static void story_drop_line(void)
{
    size_t line = 0;

    while (line < story.used && story.text[line++] != '\n') {
    }
    story.used -= line;
    memmove(story.text, story.text + line, story.used);
}

static void story_add(const char *text)
{
    size_t length = strlen(text);

    while (story.used + length >= STORY_SIZE)
        story_drop_line();
    memcpy(story.text + story.used, text, length);
    story.used += length;
}

void console_print_arguments(const char *format, va_list arguments)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *output = firmware.console;
    char text[512];
    CHAR16 wide[64];
    size_t used = 0;

    format_string_list(text, sizeof text, format, arguments);
    story_add(text);
    if (!output)
        return;
    for (const char *next = text; *next; next++) {
        if (*next == '\n')
            wide[used++] = '\r';
        wide[used++] = (CHAR16)*next;
        if (used > sizeof wide / sizeof wide[0] - 3 || !next[1]) {
            wide[used] = 0;
            output->OutputString(output, wide);
            used = 0;
        }
    }
}

void console_print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    console_print_arguments(format, arguments);
    va_end(arguments);
}

bool console_has_screen(void)
{
    static const EFI_GUID graphics_output = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_HANDLE *handles;
    size_t count = firmware_handles(&graphics_output, &handles);

    if (count)
        firmware.boot->FreePool(handles);
    return count != 0;
}

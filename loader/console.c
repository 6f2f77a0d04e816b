#include "console.h"

#include <library/format.h>

#include "firmware.h"
#include "keyboard.h"

void console_print_arguments(const char *format, va_list arguments)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *output = firmware.console;
    char text[512];
    CHAR16 wide[64];
    size_t used = 0;

    if (!output)
        return;
    format_string_list(text, sizeof text, format, arguments);
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

/* Keys that were typed before the message is there do not count. A keyboard that is broken gives
   them without end. */
static void keys_forget(struct keyboard *keyboard)
{
    enum { KEYS_MAXIMUM = 256 };
    struct key key;

    for (int keys = 0; keys < KEYS_MAXIMUM && keyboard_read(keyboard, &key); keys++) {
    }
}

void console_wait_for_key(const char *where)
{
    enum { TENTHS = 300 };
    enum keyboard_event event = KEYBOARD_TICK;
    struct keyboard keyboard;
    struct key key;

    if (!keyboard_open(&keyboard))
        return;
    console_print("\nPress a key to return to %s.\n", where);
    keys_forget(&keyboard);
    for (int waited = 0; waited < TENTHS && event == KEYBOARD_TICK; waited++)
        event = keyboard_wait(&keyboard, &key);
    keyboard_close(&keyboard);
}

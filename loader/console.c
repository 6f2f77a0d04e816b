#include "console.h"

#include <library/format.h>

#include "firmware.h"

void console_print_arguments(const char *format, va_list arguments)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *output = firmware.system->ConOut;
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

/* A person is where a screen is: a serial console has no graphics output. */
static bool screen_present(void)
{
    static const EFI_GUID graphics_output = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_HANDLE *handles;
    size_t count = firmware_handles(&graphics_output, &handles);

    if (count)
        firmware.boot->FreePool(handles);
    return count != 0;
}

static bool key_pressed(SIMPLE_INPUT_INTERFACE *input, EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended)
{
    EFI_INPUT_KEY key;
    EFI_KEY_DATA data;

    if (extended && !EFI_ERROR(extended->ReadKeyStrokeEx(extended, &data)))
        return true;
    return input && !EFI_ERROR(input->ReadKeyStroke(input, &key));
}

/*
 * Rule 23: some keyboards answer only through SimpleTextInputEx, others only when they are polled.
 * So a timer ends each wait, and each time both protocols are asked (UEFI 2.10, 12.2 and 12.3).
 */
static void key_wait(SIMPLE_INPUT_INTERFACE *input, EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended,
                     EFI_EVENT timer)
{
    enum { TENTHS = 300 };
    const uint64_t tenth = 1000000; /* in units of 100 ns */
    EFI_EVENT events[3] = {timer};
    UINTN count = 1, index;

    if (input && input->WaitForKey)
        events[count++] = input->WaitForKey;
    if (extended && extended->WaitForKeyEx)
        events[count++] = extended->WaitForKeyEx;

    while (key_pressed(input, extended)) {
        /* Keys that were typed before the message is there do not count. */
    }
    if (EFI_ERROR(firmware.boot->SetTimer(timer, TimerPeriodic, tenth)))
        return;
    for (int waited = 0; waited < TENTHS;) {
        if (EFI_ERROR(firmware.boot->WaitForEvent(count, events, &index)))
            return;
        if (key_pressed(input, extended))
            return;
        /* A shift key alone signals the event and gives no key: only the timer counts. */
        if (index == 0)
            waited++;
    }
}

void console_wait_for_key(void)
{
    static const EFI_GUID input_extended = EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID;
    SIMPLE_INPUT_INTERFACE *input = firmware.system->ConIn;
    EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended =
        firmware_protocol(firmware.system->ConsoleInHandle, &input_extended);
    EFI_EVENT timer;

    if (!screen_present() || (!input && !extended))
        return;
    if (EFI_ERROR(firmware.boot->CreateEvent(EVT_TIMER, TPL_APPLICATION, NULL, NULL, &timer)))
        return;
    console_print("Press a key to return to the firmware.\n");
    key_wait(input, extended, timer);
    firmware.boot->CloseEvent(timer);
}

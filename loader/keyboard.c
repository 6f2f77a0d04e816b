#include "keyboard.h"

#include "record/entry_state.h"

#define TENTH 100000 /* of a second, in microseconds */

static EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended_find(void)
{
    enum { RESET_AND_READ = 2 };
    static const EFI_GUID input_extended = EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID;
    EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended =
        firmware_protocol(firmware.system->ConsoleInHandle, &input_extended);

    return recording_can_call(extended, RESET_AND_READ) ? extended : NULL;
}

/* NULL: there is none. */
static EFI_EVENT tick_begin(void)
{
    const uint64_t period = 10 * TENTH; /* in units of 100 ns */
    EFI_EVENT tick = NULL;

    if (EFI_ERROR(firmware.boot->CreateEvent(EVT_TIMER, TPL_APPLICATION, NULL, NULL, &tick)))
        return NULL;
    if (!EFI_ERROR(firmware.boot->SetTimer(tick, TimerPeriodic, period)))
        return tick;
    firmware.boot->CloseEvent(tick);
    return NULL;
}

bool keyboard_open(struct keyboard *keyboard)
{
    *keyboard = (struct keyboard){.input = firmware.keyboard, .extended = extended_find()};
    if (!keyboard->input && !keyboard->extended)
        return false;
    keyboard->tick = tick_begin();
    return true;
}

void keyboard_close(struct keyboard *keyboard)
{
    if (keyboard->tick)
        firmware.boot->CloseEvent(keyboard->tick);
}

bool keyboard_read(struct keyboard *keyboard, struct key *key)
{
    SIMPLE_INPUT_INTERFACE *input = keyboard->input;
    EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended = keyboard->extended;
    EFI_INPUT_KEY plain;
    EFI_KEY_DATA data;

    if (extended && !EFI_ERROR(extended->ReadKeyStrokeEx(extended, &data))) {
        uint32_t shifts = data.KeyState.KeyShiftState;

        *key = (struct key){data.Key.ScanCode, data.Key.UnicodeChar,
                            (shifts & EFI_SHIFT_STATE_VALID) &&
                                (shifts & (EFI_LEFT_CONTROL_PRESSED | EFI_RIGHT_CONTROL_PRESSED))};
        return key->scan || key->character;
    }
    if (!input || EFI_ERROR(input->ReadKeyStroke(input, &plain)))
        return false;
    *key = (struct key){plain.ScanCode, plain.UnicodeChar, false};
    return key->scan || key->character;
}

/* A shift key alone signals the events and gives no key: only the timer counts. */
enum keyboard_event keyboard_wait(struct keyboard *keyboard, struct key *key)
{
    EFI_EVENT events[3] = {keyboard->tick};
    UINTN count = 1, index = 0;

    if (keyboard->input && keyboard->input->WaitForKey)
        events[count++] = keyboard->input->WaitForKey;
    if (keyboard->extended && keyboard->extended->WaitForKeyEx)
        events[count++] = keyboard->extended->WaitForKeyEx;
    for (;;) {
        if (keyboard_read(keyboard, key))
            return KEYBOARD_KEY;
        if (!keyboard->tick || EFI_ERROR(firmware.boot->WaitForEvent(count, events, &index))) {
            firmware.boot->Stall(TENTH);
            index = 0;
        }
        if (index == 0)
            return keyboard_read(keyboard, key) ? KEYBOARD_KEY : KEYBOARD_TICK;
    }
}

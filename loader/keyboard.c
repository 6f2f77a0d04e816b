#include "keyboard.h"

#define TENTH 1000000 /* of a second, in units of 100 ns */

bool keyboard_open(struct keyboard *keyboard)
{
    static const EFI_GUID input_extended = EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID;

    *keyboard = (struct keyboard){
        .input = firmware.system->ConIn,
        .extended = firmware_protocol(firmware.system->ConsoleInHandle, &input_extended),
    };
    if (!keyboard->input && !keyboard->extended)
        return false;
    if (EFI_ERROR(
            firmware.boot->CreateEvent(EVT_TIMER, TPL_APPLICATION, NULL, NULL, &keyboard->tick)))
        return false;
    if (!EFI_ERROR(firmware.boot->SetTimer(keyboard->tick, TimerPeriodic, TENTH)))
        return true;
    firmware.boot->CloseEvent(keyboard->tick);
    return false;
}

void keyboard_close(struct keyboard *keyboard)
{
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
        if (EFI_ERROR(firmware.boot->WaitForEvent(count, events, &index)))
            return KEYBOARD_BROKEN;
        if (index == 0)
            return keyboard_read(keyboard, key) ? KEYBOARD_KEY : KEYBOARD_TICK;
    }
}

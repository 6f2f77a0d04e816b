/*
 * keyboard.h: keys, while there is a firmware.
 *
 * Rule 23: some keyboards answer only through SimpleTextInputEx, others only when they are polled:
 * both protocols are asked ten times a second (UEFI 2.10, 12.2 and 12.3).
 */
#ifndef BATON_LOADER_KEYBOARD_H
#define BATON_LOADER_KEYBOARD_H

#include "firmware.h"

struct keyboard {
    SIMPLE_INPUT_INTERFACE *input; /* NULL: there is none; so for the next one */
    EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended;
    EFI_EVENT tick; /* ten times a second; NULL: there are no events */
};

struct key {
    uint16_t scan; /* UEFI 2.10, table 12.2; 0: a character */
    uint16_t character;
    bool control; /* a control key was held down, as far as the keyboard says */
};

/* False: there is no keyboard; nothing is to be closed. */
bool keyboard_open(struct keyboard *keyboard);
void keyboard_close(struct keyboard *keyboard);

/* A key that was pressed, if there is one. */
bool keyboard_read(struct keyboard *keyboard, struct key *key);

enum keyboard_event {
    KEYBOARD_KEY,
    KEYBOARD_TICK, /* a tenth of a second went by */
};
enum keyboard_event keyboard_wait(struct keyboard *keyboard, struct key *key);

#endif

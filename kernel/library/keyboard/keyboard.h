/*
 * keyboard.h: from the keys of a PC's keyboards to the bytes that a terminal sends for them:
 * characters in UTF-8, sequences as Linux's console has them (console_codes(4), "linux" in
 * terminfo(5)).
 *
 * Pure: no lock, any context.
 */
#ifndef BATON_LIBRARY_KEYBOARD_KEYBOARD_H
#define BATON_LIBRARY_KEYBOARD_KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "library/keyboard/layout.h"

#define KEYBOARD_BYTES_MAXIMUM 8
#define KEYBOARD_KEYS          256 /* key codes are below */

/* The keys of one keyboard that are down; zeros at first. */
struct key_set {
    uint64_t words[KEYBOARD_KEYS / 64];
};

enum keyboard_modifier {
    LEFT_SHIFT,
    RIGHT_SHIFT,
    LEFT_CONTROL,
    RIGHT_CONTROL,
    LEFT_ALTERNATE,
    RIGHT_ALTERNATE,
    KEYBOARD_MODIFIERS,
};

/* What all keyboards of a machine share. */
struct keyboard_state {
    const struct keyboard_layout *layout;
    uint16_t held[KEYBOARD_MODIFIERS]; /* on how many keyboards */
    bool capitals, numbers;            /* locks */
    uint16_t dead;                     /* what waits for the next character; 0: nothing does */
    bool restart; /* the last key was Delete, with Control and Alternate down */
};

/* Lights, as USB has them (HID Usage Tables 1.12, chapter 11). */
enum {
    KEYBOARD_LED_NUMBERS = 1,
    KEYBOARD_LED_CAPITALS = 2,
};

/*
 * A key (KEY_*) of the keyboard that `held` belongs to goes down, repeats (it is down already) or
 * goes up. Writes what it sends to `bytes` (KEYBOARD_BYTES_MAXIMUM); returns how many bytes.
 * `application_cursor`: DECCKM is set. Control, Alternate and Delete send nothing and set
 * state->restart, until the next key.
 */
size_t keyboard_input(struct keyboard_state *state, struct key_set *held, uint16_t key, bool down,
                      bool application_cursor, uint8_t *bytes);

/* All its keys go up: it is gone. */
void keyboard_release(struct keyboard_state *state, struct key_set *held);

uint8_t keyboard_leds(const struct keyboard_state *state);

/* Does the key repeat while it is down? Modifiers and locks do not. */
bool keyboard_key_repeats(uint16_t key);

#endif

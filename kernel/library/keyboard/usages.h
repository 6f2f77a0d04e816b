/*
 * usages.h: a USB keyboard's usages (HID Usage Tables 1.12, chapter 10: "Keyboard/Keypad Page") as
 * key codes.
 *
 * Pure: no lock, any context.
 */
#ifndef BATON_LIBRARY_KEYBOARD_USAGES_H
#define BATON_LIBRARY_KEYBOARD_USAGES_H

#include <stdint.h>

/* KEY_*; 0: no key that we know. */
uint16_t usage_key(uint8_t usage);

#endif

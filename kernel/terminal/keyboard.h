/* keyboard.h: all keyboards as one: what their keys send goes to the terminal on the screen. */
#ifndef BATON_TERMINAL_KEYBOARD_H
#define BATON_TERMINAL_KEYBOARD_H

#include "library/types.h"

struct keyboard;

/* Takes the layout from the options (keymap=). At boot, before the first keyboard. */
void keyboards_initialize(const char *options);

/* What device/hooks.h asks. Any context but for the removal, which waits for a timer's function: no
   lock held. After it the keyboard's memory is the driver's again. */
void keyboard_added(struct keyboard *keyboard);
void keyboard_removed(struct keyboard *keyboard);
/* A key (KEY_*) goes down or up; a keyboard that repeats by itself says "down" again. No lock. */
void keyboard_key(struct keyboard *keyboard, uint16_t key, bool down);

#endif

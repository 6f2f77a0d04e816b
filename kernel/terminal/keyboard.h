/* keyboard.h: the PS/2 keyboard, behind the i8042 controller or what emulates it. */
#ifndef BATON_TERMINAL_KEYBOARD_H
#define BATON_TERMINAL_KEYBOARD_H

/*
 * Finds the controller, starts the keyboard and connects its interrupt; keys
 * go to screen_terminal. Without a controller nothing happens. Every wait is
 * bounded.
 */
void keyboard_initialize(void);

#endif

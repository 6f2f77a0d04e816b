/* ps2_keyboard.h: the PS/2 keyboard, behind the i8042 controller or what emulates it. */
#ifndef BATON_DEVICE_PS2_KEYBOARD_H
#define BATON_DEVICE_PS2_KEYBOARD_H

/*
 * Finds the controller, starts the keyboard, connects its interrupt and adds it. Without a
 * controller nothing happens. Every wait is bounded. Once, at boot.
 */
void ps2_keyboard_initialize(void);

#endif

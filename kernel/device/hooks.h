/*
 * hooks.h: what this room asks of the rooms above. The table is constant: kernel/start/hooks.c.
 */
#ifndef BATON_DEVICE_HOOKS_H
#define BATON_DEVICE_HOOKS_H

#include "library/types.h"

struct disk;
struct keyboard;
struct usb_device;

extern const struct device_hooks {
    /* disk_add() and disk_remove() of disk.h. */
    int (*disk_add)(struct disk *disk);
    void (*disk_remove)(struct disk *disk);
    /* A USB device came, goes: for its node in /dev. By a thread of the kernel; no lock. */
    void (*usb_added)(const struct usb_device *device);
    void (*usb_removed)(const struct usb_device *device);
    /* A keyboard came; goes (keyboard.h). Before the first interrupt that could tell a key, after
       the last. The removal may wait for a timer's function. */
    void (*keyboard_added)(struct keyboard *keyboard);
    void (*keyboard_removed)(struct keyboard *keyboard);
    /* A key (KEY_*) of it goes down, or down again, or up. Any context, no lock. */
    void (*keyboard_key)(struct keyboard *keyboard, uint16_t key, bool down);
} device_hooks;

#endif

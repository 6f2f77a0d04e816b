/*
 * keyboard.h: a keyboard, whatever it hangs on. Its driver adds it, tells its keys, and removes it,
 * by device_hooks (hooks.h); what keys mean is not this room's business.
 */
#ifndef BATON_DEVICE_KEYBOARD_H
#define BATON_DEVICE_KEYBOARD_H

#include <bsd/sys/queue.h>

#include "library/keyboard/keyboard.h"
#include "library/types.h"
#include "thread/timer.h"

struct keyboard {
    /* The driver fills these, and they stay. */
    bool repeats; /* it repeats keys by itself */
    /* Shows these lights (KEYBOARD_LED_*), soon. A spinlock is held, interrupts are off. */
    void (*set_leds)(struct keyboard *keyboard, uint8_t leds);

    /* Who was given it: terminal/keyboard.c. */
    TAILQ_ENTRY(keyboard) link;
    struct key_set held;
    uint16_t repeating; /* the key that is repeated; 0: none */
    struct timer repeat;
};

#endif

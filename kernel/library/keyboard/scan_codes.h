/*
 * scan_codes.h: what a PS/2 keyboard sends (set 1: IBM PS/2 Technical Reference, "Keyboards"), as
 * key codes.
 *
 * Pure: no lock, any context.
 */
#ifndef BATON_LIBRARY_KEYBOARD_SCAN_CODES_H
#define BATON_LIBRARY_KEYBOARD_SCAN_CODES_H

#include <stdbool.h>
#include <stdint.h>

/* Of one keyboard; zeros at first. */
struct scan_code_state {
    bool extended; /* 0xe0 came */
    uint8_t skip;  /* codes of Pause that are still to come */
};

struct key_event {
    uint16_t key; /* KEY_*; 0: nothing happened */
    bool down;    /* also for each repetition */
};

struct key_event scan_code_event(struct scan_code_state *state, uint8_t code);

#endif

/*
 * keyboard_layout.h: from the keys of a PC keyboard to the bytes that a
 * terminal sends for them: US layout, sequences as Linux's console has them
 * (console_codes(4), "linux" in terminfo(5)).
 *
 * Pure: no lock, any context.
 */
#ifndef BATON_LIBRARY_KEYBOARD_LAYOUT_H
#define BATON_LIBRARY_KEYBOARD_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYBOARD_BYTES_MAXIMUM 8

struct keyboard_state {
    bool left_shift, right_shift;
    bool left_control, right_control;
    bool left_alternate, right_alternate;
    bool capitals, numbers; /* locks */
    bool extended;          /* 0xe0 came */
    bool restart;           /* the last code was Delete, with Control and Alternate down */
    uint8_t skip;           /* codes of Pause that are still to come */
};

/*
 * One code of set 1 (IBM PS/2 Technical Reference, "Keyboards"). Writes what
 * the key sends to `bytes` (KEYBOARD_BYTES_MAXIMUM); returns how many bytes.
 * `application_cursor`: DECCKM is set. Control, Alternate and Delete send nothing and set
 * state->restart, until the next code.
 */
size_t keyboard_input(struct keyboard_state *state, uint8_t code, bool application_cursor,
                      uint8_t *bytes);

#endif

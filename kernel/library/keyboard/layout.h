/*
 * layout.h: which character a key means, by the country that the keyboard was made for.
 *
 * Pure: no lock, any context.
 */
#ifndef BATON_LIBRARY_KEYBOARD_LAYOUT_H
#define BATON_LIBRARY_KEYBOARD_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of a key's characters. */
enum layout_level {
    LAYOUT_PLAIN,
    LAYOUT_SHIFT,
    LAYOUT_GRAPHICS, /* with AltGr */
    LAYOUT_LEVELS,
};

struct keyboard_layout;

/* us, uk (or gb), de, fr; NULL: there is none of that name. `name` need not be terminated. */
const struct keyboard_layout *layout_find(const char *name, size_t length);
/* The one in which a keyboard is that nobody spoke of: us. */
extern const struct keyboard_layout *const layout_default;

/* Is the right one of the Alternate keys AltGr? */
bool layout_has_graphics(const struct keyboard_layout *layout);

/*
 * The character of a key, as Unicode has it; 0: none. A dead key's is the combining character
 * (Unicode, chapter 2.11), which layout_is_dead() knows.
 */
uint16_t layout_character(const struct keyboard_layout *layout, uint16_t key,
                          enum layout_level level);
/* Is the key a letter, for which Caps Lock is Shift? */
bool layout_is_letter(const struct keyboard_layout *layout, uint16_t key);

bool layout_is_dead(uint16_t character);
/* What a dead key is when it stands for itself: ^ for U+0302. */
uint16_t layout_dead_alone(uint16_t dead);
/* What it makes of the next character: ê of e; 0: the two do not go together. */
uint16_t layout_compose(uint16_t dead, uint16_t character);

#endif

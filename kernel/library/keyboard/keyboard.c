/* keyboard.c: see keyboard.h. */
#include "library/keyboard/keyboard.h"

#include <linux/input-event-codes.h>

#include "library/string.h"
#include "library/utf8.h"

static bool shift(const struct keyboard_state *state)
{
    return state->held[LEFT_SHIFT] || state->held[RIGHT_SHIFT];
}

static bool control(const struct keyboard_state *state)
{
    return state->held[LEFT_CONTROL] || state->held[RIGHT_CONTROL];
}

static bool graphics(const struct keyboard_state *state)
{
    return state->held[RIGHT_ALTERNATE] && layout_has_graphics(state->layout);
}

static bool alternate(const struct keyboard_state *state)
{
    return state->held[LEFT_ALTERNATE] ||
           (state->held[RIGHT_ALTERNATE] && !layout_has_graphics(state->layout));
}

/* ---- keys that change what others mean ---- */

static int modifier_of(uint16_t key)
{
    switch (key) {
    case KEY_LEFTSHIFT:
        return LEFT_SHIFT;
    case KEY_RIGHTSHIFT:
        return RIGHT_SHIFT;
    case KEY_LEFTCTRL:
        return LEFT_CONTROL;
    case KEY_RIGHTCTRL:
        return RIGHT_CONTROL;
    case KEY_LEFTALT:
        return LEFT_ALTERNATE;
    case KEY_RIGHTALT:
        return RIGHT_ALTERNATE;
    default:
        return -1;
    }
}

static bool is_lock(uint16_t key)
{
    return key == KEY_CAPSLOCK || key == KEY_NUMLOCK;
}

bool keyboard_key_repeats(uint16_t key)
{
    return modifier_of(key) < 0 && !is_lock(key);
}

static bool key_is_held(const struct key_set *held, uint16_t key)
{
    return held->words[key / 64] >> key % 64 & 1;
}

/* Notes where the key is now; false: it was there before. */
static bool note_key(struct keyboard_state *state, struct key_set *held, uint16_t key, bool down)
{
    int modifier = modifier_of(key);

    if (key_is_held(held, key) == down)
        return false;
    held->words[key / 64] ^= 1UL << key % 64;
    if (modifier >= 0)
        state->held[modifier] += down ? 1 : -1;
    return true;
}

static void toggle_lock(struct keyboard_state *state, uint16_t key)
{
    *(key == KEY_CAPSLOCK ? &state->capitals : &state->numbers) ^= true;
}

uint8_t keyboard_leds(const struct keyboard_state *state)
{
    return (state->numbers ? KEYBOARD_LED_NUMBERS : 0) |
           (state->capitals ? KEYBOARD_LED_CAPITALS : 0);
}

/* ---- keys that send something ---- */

static size_t send(uint8_t *bytes, const char *sequence)
{
    size_t size = strlen(sequence);

    memcpy(bytes, sequence, size);
    return size;
}

static size_t send_cursor(uint8_t *bytes, char letter, bool application)
{
    bytes[0] = '\033';
    bytes[1] = application ? 'O' : '[';
    bytes[2] = letter;
    return 3;
}

/* The block of cursor keys, which are also on the number pad. */
static size_t send_block(uint16_t key, bool application, uint8_t *bytes)
{
    switch (key) {
    case KEY_HOME:
    case KEY_KP7:
        return send(bytes, "\033[1~");
    case KEY_UP:
    case KEY_KP8:
        return send_cursor(bytes, 'A', application);
    case KEY_PAGEUP:
    case KEY_KP9:
        return send(bytes, "\033[5~");
    case KEY_LEFT:
    case KEY_KP4:
        return send_cursor(bytes, 'D', application);
    case KEY_KP5:
        return send(bytes, "\033[G");
    case KEY_RIGHT:
    case KEY_KP6:
        return send_cursor(bytes, 'C', application);
    case KEY_END:
    case KEY_KP1:
        return send(bytes, "\033[4~");
    case KEY_DOWN:
    case KEY_KP2:
        return send_cursor(bytes, 'B', application);
    case KEY_PAGEDOWN:
    case KEY_KP3:
        return send(bytes, "\033[6~");
    case KEY_INSERT:
    case KEY_KP0:
        return send(bytes, "\033[2~");
    case KEY_DELETE:
    case KEY_KPDOT:
        return send(bytes, "\033[3~");
    default:
        return 0;
    }
}

static size_t send_function(uint16_t key, uint8_t *bytes)
{
    static const char *const sequences[] = {
        "\033[[A",  "\033[[B",  "\033[[C",  "\033[[D",  "\033[[E",
        "\033[17~", "\033[18~", "\033[19~", "\033[20~", "\033[21~",
    };

    if (key == KEY_F11)
        return send(bytes, "\033[23~");
    if (key == KEY_F12)
        return send(bytes, "\033[24~");
    return key >= KEY_F1 && key <= KEY_F10 ? send(bytes, sequences[key - KEY_F1]) : 0;
}

/* What Control makes of a character (VT100 User Guide, table 3-5). */
static uint16_t controlled(uint16_t character)
{
    if (character >= '@' && character <= '~')
        return character & 0x1f;
    if (character == ' ' || character == '2')
        return 0;
    if (character >= '3' && character <= '7')
        return character - '3' + 0x1b;
    if (character == '8' || character == '?')
        return 0x7f;
    if (character == '/' || character == '-')
        return 0x1f;
    return character;
}

static size_t send_character(const struct keyboard_state *state, uint16_t character, uint8_t *bytes)
{
    size_t size = 0;

    if (alternate(state))
        bytes[size++] = '\033';
    return size + utf8_encode(control(state) ? controlled(character) : character, bytes + size);
}

/* The character behind a dead key: both become one, or each is sent. A space, and the same key once
   more, stand for the sign alone. */
static size_t send_behind_dead(struct keyboard_state *state, uint16_t character, uint8_t *bytes)
{
    uint16_t dead = state->dead, composed = layout_compose(dead, character);
    size_t size = 0;

    state->dead = 0;
    if (composed)
        return send_character(state, composed, bytes);
    size = utf8_encode(layout_dead_alone(dead), bytes);
    if (character == ' ' || character == dead)
        return size;
    return size + send_character(state, character, bytes + size);
}

static size_t type_character(struct keyboard_state *state, uint16_t character, uint8_t *bytes)
{
    bool dead = layout_is_dead(character);

    if (!character)
        return 0;
    if (dead && control(state))
        character = layout_dead_alone(character);
    else if (dead && state->dead && state->dead != character)
        character = layout_dead_alone(character);
    else if (dead && !state->dead) {
        state->dead = character;
        return 0;
    }
    return state->dead ? send_behind_dead(state, character, bytes)
                       : send_character(state, character, bytes);
}

static size_t type_key(struct keyboard_state *state, uint16_t key, uint8_t *bytes)
{
    bool upper = shift(state) != (state->capitals && layout_is_letter(state->layout, key));
    enum layout_level level = graphics(state) ? LAYOUT_GRAPHICS
                              : upper         ? LAYOUT_SHIFT
                                              : LAYOUT_PLAIN;

    return type_character(state, layout_character(state->layout, key, level), bytes);
}

/* Of the number pad: 7 8 9 - 4 5 6 + 1 2 3 0 . */
static size_t type_pad(struct keyboard_state *state, uint16_t key, bool application, uint8_t *bytes)
{
    static const char numbers[] = "789-456+1230";

    if (key != KEY_KPMINUS && key != KEY_KPPLUS && state->numbers == shift(state))
        return send_block(key, application, bytes);
    if (key == KEY_KPDOT)
        return type_key(state, key, bytes);
    return type_character(state, numbers[key - KEY_KP7], bytes);
}

/* The same on every layout. */
static uint16_t fixed_character(uint16_t key)
{
    switch (key) {
    case KEY_ESC:
        return '\033';
    case KEY_BACKSPACE:
        return 0x7f;
    case KEY_TAB:
        return '\t';
    case KEY_ENTER:
    case KEY_KPENTER:
        return '\r';
    case KEY_KPSLASH:
        return '/';
    case KEY_KPASTERISK:
        return '*';
    default:
        return 0;
    }
}

static size_t key_down(struct keyboard_state *state, uint16_t key, bool application, uint8_t *bytes)
{
    uint16_t fixed = fixed_character(key);
    size_t size;

    if (fixed)
        return type_character(state, fixed, bytes);
    if (key >= KEY_KP7 && key <= KEY_KPDOT)
        return type_pad(state, key, application, bytes);
    size = send_function(key, bytes);
    if (!size)
        size = send_block(key, application, bytes);
    return size ? size : type_key(state, key, bytes);
}

size_t keyboard_input(struct keyboard_state *state, struct key_set *held, uint16_t key, bool down,
                      bool application_cursor, uint8_t *bytes)
{
    bool changed;

    state->restart = false;
    if (key == 0 || key >= KEYBOARD_KEYS)
        return 0;
    changed = note_key(state, held, key, down);
    if (is_lock(key) && down && changed)
        toggle_lock(state, key);
    if (!down || !keyboard_key_repeats(key))
        return 0;
    bool delete = key == KEY_DELETE || key == KEY_KPDOT;
    if (delete &&control(state) && (state->held[LEFT_ALTERNATE] || state->held[RIGHT_ALTERNATE])) {
        state->restart = true;
        return 0;
    }
    return key_down(state, key, application_cursor, bytes);
}

void keyboard_release(struct keyboard_state *state, struct key_set *held)
{
    for (uint16_t key = 0; key < KEYBOARD_KEYS; key++)
        note_key(state, held, key, false);
}

/* scan_codes.c: see scan_codes.h. */
#include "library/keyboard/scan_codes.h"

#include <linux/input-event-codes.h>

enum {
    CODE_UP = 0x80, /* the key went up */
    CODE_EXTENDED = 0xe0,
    CODE_PAUSE = 0xe1, /* five more follow: there is no code for its way up */
    CODES_OF_PAUSE = 5,
};

/* Behind 0xe0. The shifts that a keyboard makes up round its cursor keys are not there. */
static const uint8_t extended_keys[] = {
    [0x1c] = KEY_KPENTER,   [0x1d] = KEY_RIGHTCTRL, [0x35] = KEY_KPSLASH, [0x37] = KEY_SYSRQ,
    [0x38] = KEY_RIGHTALT,  [0x47] = KEY_HOME,      [0x48] = KEY_UP,      [0x49] = KEY_PAGEUP,
    [0x4b] = KEY_LEFT,      [0x4d] = KEY_RIGHT,     [0x4f] = KEY_END,     [0x50] = KEY_DOWN,
    [0x51] = KEY_PAGEDOWN,  [0x52] = KEY_INSERT,    [0x53] = KEY_DELETE,  [0x5b] = KEY_LEFTMETA,
    [0x5c] = KEY_RIGHTMETA, [0x5d] = KEY_COMPOSE,
};

/* Without it: Linux numbered its keys after this set. */
static uint16_t plain_key(uint8_t code)
{
    if (code <= KEY_KPDOT || (code >= KEY_102ND && code <= KEY_F12))
        return code;
    return 0;
}

struct key_event scan_code_event(struct scan_code_state *state, uint8_t code)
{
    bool extended = state->extended;
    uint8_t key = code & ~CODE_UP;

    if (state->skip) {
        state->skip--;
        return (struct key_event){0};
    }
    state->extended = code == CODE_EXTENDED;
    if (code == CODE_PAUSE)
        state->skip = CODES_OF_PAUSE;
    if (code == CODE_EXTENDED || code == CODE_PAUSE)
        return (struct key_event){0};
    if (!extended)
        return (struct key_event){plain_key(key), !(code & CODE_UP)};
    return (struct key_event){key < sizeof(extended_keys) ? extended_keys[key] : 0,
                              !(code & CODE_UP)};
}

/* keyboard_layout.c: see keyboard_layout.h. */
#include "library/keyboard_layout.h"

#include "library/string.h"

/* Codes of set 1; a key that goes up sends its code with the highest bit set. */
enum {
    KEY_UP = 0x80,
    KEY_EXTENDED = 0xe0,
    KEY_PAUSE = 0xe1,
    KEY_BACKSPACE = 0x0e,
    KEY_ENTER = 0x1c,
    KEY_CONTROL = 0x1d,
    KEY_LEFT_SHIFT = 0x2a,
    KEY_SLASH = 0x35,
    KEY_RIGHT_SHIFT = 0x36,
    KEY_ALTERNATE = 0x38,
    KEY_CAPITALS = 0x3a,
    KEY_F1 = 0x3b,
    KEY_F10 = 0x44,
    KEY_NUMBERS = 0x45,
    KEY_PAD_FIRST = 0x47,
    KEY_PAD_LAST = 0x53,
    KEY_DELETE = 0x53, /* also the pad's */
    KEY_F11 = 0x57,
    KEY_F12 = 0x58,
};

static const char plain[] =
    "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static bool shift(const struct keyboard_state *state)
{
    return state->left_shift || state->right_shift;
}

static bool control(const struct keyboard_state *state)
{
    return state->left_control || state->right_control;
}

/* ---- keys that change what others mean ---- */

static bool modifier(struct keyboard_state *state, uint8_t key, bool extended, bool down)
{
    switch (key) {
    case KEY_LEFT_SHIFT:
        /* Extended, it is a shift that the keyboard makes up round the cursor keys. */
        if (!extended)
            state->left_shift = down;
        return true;
    case KEY_RIGHT_SHIFT:
        if (!extended)
            state->right_shift = down;
        return true;
    case KEY_CONTROL:
        *(extended ? &state->right_control : &state->left_control) = down;
        return true;
    case KEY_ALTERNATE:
        *(extended ? &state->right_alternate : &state->left_alternate) = down;
        return true;
    case KEY_CAPITALS:
        state->capitals ^= down;
        return true;
    case KEY_NUMBERS:
        state->numbers ^= down;
        return true;
    default:
        return false;
    }
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

/* The block of cursor keys, which is also the number pad: 7 8 9 - 4 5 6 + 1 2 3 0 . */
static size_t send_pad(uint8_t key, bool application, uint8_t *bytes)
{
    switch (key) {
    case 0x47:
        return send(bytes, "\033[1~"); /* Home */
    case 0x48:
        return send_cursor(bytes, 'A', application);
    case 0x49:
        return send(bytes, "\033[5~"); /* Page Up */
    case 0x4b:
        return send_cursor(bytes, 'D', application);
    case 0x4c:
        return send(bytes, "\033[G");
    case 0x4d:
        return send_cursor(bytes, 'C', application);
    case 0x4f:
        return send(bytes, "\033[4~"); /* End */
    case 0x50:
        return send_cursor(bytes, 'B', application);
    case 0x51:
        return send(bytes, "\033[6~"); /* Page Down */
    case 0x52:
        return send(bytes, "\033[2~"); /* Insert */
    case 0x53:
        return send(bytes, "\033[3~"); /* Delete */
    default:
        return 0;
    }
}

static size_t send_function(uint8_t key, uint8_t *bytes)
{
    static const char *const sequences[] = {
        "\033[[A",  "\033[[B",  "\033[[C",  "\033[[D",  "\033[[E",
        "\033[17~", "\033[18~", "\033[19~", "\033[20~", "\033[21~",
    };

    if (key == KEY_F11)
        return send(bytes, "\033[23~");
    if (key == KEY_F12)
        return send(bytes, "\033[24~");
    return send(bytes, sequences[key - KEY_F1]);
}

/* What Control makes of a character (VT100 User Guide, table 3-5). */
static uint8_t controlled(uint8_t byte)
{
    if (byte >= '@' && byte <= '~')
        return byte & 0x1f;
    if (byte == ' ' || byte == '2')
        return 0;
    if (byte >= '3' && byte <= '7')
        return byte - '3' + 0x1b;
    if (byte == '8' || byte == '?')
        return 0x7f;
    if (byte == '/' || byte == '-')
        return 0x1f;
    return byte;
}

static size_t send_character(const struct keyboard_state *state, uint8_t byte, uint8_t *bytes)
{
    size_t size = 0;

    if (control(state))
        byte = controlled(byte);
    if (state->left_alternate || state->right_alternate)
        bytes[size++] = '\033';
    bytes[size++] = byte;
    return size;
}

static size_t key_down(const struct keyboard_state *state, uint8_t key, bool extended,
                       bool application, uint8_t *bytes)
{
    if (extended && key != KEY_ENTER && key != KEY_SLASH)
        return send_pad(key, application, bytes);
    if (key >= KEY_PAD_FIRST && key <= KEY_PAD_LAST) {
        static const char numbers[] = "789-456+1230.";
        char number = numbers[key - KEY_PAD_FIRST];

        if (state->numbers != shift(state) || number == '-' || number == '+')
            return send_character(state, number, bytes);
        return send_pad(key, application, bytes);
    }
    if ((key >= KEY_F1 && key <= KEY_F10) || key == KEY_F11 || key == KEY_F12)
        return send_function(key, bytes);
    if (key >= sizeof(plain) - 1 || plain[key] == 0)
        return 0;
    bool letter = plain[key] >= 'a' && plain[key] <= 'z';
    bool upper = !extended && shift(state) != (letter && state->capitals);

    return send_character(state, upper ? shifted[key] : plain[key], bytes);
}

size_t keyboard_input(struct keyboard_state *state, uint8_t code, bool application_cursor,
                      uint8_t *bytes)
{
    bool extended = state->extended;
    bool down = !(code & KEY_UP);
    uint8_t key = code & ~KEY_UP;

    state->restart = false;
    if (state->skip) {
        state->skip--;
        return 0;
    }
    if (code == KEY_EXTENDED) {
        state->extended = true;
        return 0;
    }
    state->extended = false;
    if (code == KEY_PAUSE) {
        state->skip = 5;
        return 0;
    }
    if (modifier(state, key, extended, down) || !down)
        return 0;
    if (key == KEY_DELETE && control(state) && (state->left_alternate || state->right_alternate)) {
        state->restart = true;
        return 0;
    }
    return key_down(state, key, extended, application_cursor, bytes);
}

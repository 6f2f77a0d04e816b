/* From keys to bytes: PS/2 codes, USB usages, layouts. */
#include "library/keyboard/keyboard.h"
#include "library/keyboard/scan_codes.h"
#include "library/keyboard/usages.h"
#include "test.h"

#include <linux/input-event-codes.h>
#include <string.h>

static struct keyboard_state state;
static struct key_set held, other_held;
static struct scan_code_state scan_codes;

/* What a row of PS/2 codes sends. */
static const char *send(const char *codes, size_t size, bool application)
{
    static char text[256];
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        struct key_event event = scan_code_event(&scan_codes, (uint8_t)codes[i]);
        length += keyboard_input(&state, &held, event.key, event.down, application,
                                 (uint8_t *)text + length);
    }
    text[length] = '\0';
    return text;
}

#define expect_keys(codes, expected)                                                               \
    expect_string(send((codes), sizeof(codes) - 1, false), (expected))

static void begin(const char *name)
{
    test_case("%s", name);
    memset(&state, 0, sizeof(state));
    memset(&held, 0, sizeof(held));
    memset(&other_held, 0, sizeof(other_held));
    state.layout = layout_default;
}

static void begin_layout(const char *layout, const char *name)
{
    begin(name);
    state.layout = layout_find(layout, strlen(layout));
}

static void test_us(void)
{
    begin("the rows of keys");
    expect_keys("\x01\x29\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e",
                "\033`1234567890-=\177");
    expect_keys("\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x2b", "\tqwertyuiop[]\\");
    expect_keys("\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x28\x1c", "asdfghjkl;'\r");
    expect_keys("\x2c\x2d\x2e\x2f\x30\x31\x32\x33\x34\x35\x39", "zxcvbnm,./ ");

    begin("Control, Alternate and Delete");
    expect_keys("\x1d\x38\xe0\x53", "");
    expect(state.restart);
    expect_keys("\xe0\xd3", "");
    expect(!state.restart);
    expect_keys("\x53", "");
    expect(state.restart);
    expect_keys("\xb8\xe0\x53", "\033[3~");
    expect(!state.restart);

    begin("keys that go up send nothing");
    expect_keys("\x9e\xae\xe0\xc8", "");

    begin("shift");
    expect_keys("\x2a\x1e\x03\xaa\x1e\x36\x1e\x28\xb6\x1e", "A@aA\"a");

    begin("capitals lock");
    expect_keys("\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\xba\x1e", "A1aa");

    begin("control");
    expect_keys("\x1d\x2e\x20\x2b\x9d\x2e", "\003\004\034c");
    expect_keys("\xe0\x1d\x2c\xe0\x9d\x2c", "\032z");
    expect_keys("\x1d\x04\x09\x35\x0c\x0b", "\033\177\037\037"
                                            "0");
    expect_equal(keyboard_input(&state, &held, KEY_SPACE, true, false, (uint8_t[8]){0}), 1);

    begin("alternate");
    expect_keys("\x38\x30\xb8\x30", "\033bb");
    expect_keys("\xe0\x38\x30\xe0\xb8\x30", "\033bb");

    begin("cursor keys");
    expect_keys("\xe0\x48\xe0\x50\xe0\x4d\xe0\x4b", "\033[A\033[B\033[C\033[D");
    expect_string(send("\xe0\x48", 2, true), "\033OA");
    expect_keys("\xe0\x47\xe0\x4f\xe0\x49\xe0\x51\xe0\x52\xe0\x53",
                "\033[1~\033[4~\033[5~\033[6~\033[2~\033[3~");
    expect_keys("\xe0\x2a\xe0\x48\xe0\xc8\xe0\xaa\x1e", "\033[Aa");

    begin("number pad");
    expect_keys("\x48\x4c\x4a\x4e\x37\xe0\x35\xe0\x1c", "\033[A\033[G-+*/\r");
    expect_keys("\x45\xc5\x47\x53\x2a\x48\xaa", "7.\033[A");

    begin("function keys");
    expect_keys("\x3b\x3f\x40\x44\x57\x58", "\033[[A\033[[E\033[17~\033[21~\033[23~\033[24~");

    begin("pause and unknown keys");
    expect_keys("\xe1\x1d\x45\xe1\x9d\xc5\x1e\x54\x7f\xe0\x37\xe0\x5b\x1e", "aa");
}

/* ---- several keyboards ---- */

static size_t press(struct key_set *keys, uint16_t key, bool down)
{
    uint8_t bytes[KEYBOARD_BYTES_MAXIMUM];

    return keyboard_input(&state, keys, key, down, false, bytes);
}

static void test_shared(void)
{
    begin("one keyboard's Shift is another's");
    press(&other_held, KEY_LEFTSHIFT, true);
    expect_keys("\x1e", "A");
    press(&other_held, KEY_LEFTSHIFT, false);
    expect_keys("\x1e", "a");

    begin("Shift on both, released on one");
    press(&held, KEY_LEFTSHIFT, true);
    press(&other_held, KEY_LEFTSHIFT, true);
    press(&held, KEY_LEFTSHIFT, false);
    expect_keys("\x1e", "A");

    begin("a keyboard that goes takes its keys along");
    press(&other_held, KEY_LEFTSHIFT, true);
    press(&other_held, KEY_RIGHTCTRL, true);
    keyboard_release(&state, &other_held);
    expect_keys("\x1e", "a");
    keyboard_release(&state, &other_held);
    expect_equal(state.held[LEFT_SHIFT], 0);

    begin("a repeated Shift is one Shift, a repeated Caps Lock one change");
    expect_keys("\x2a\x2a\x2a\xaa\x1e", "a");
    expect_keys("\x3a\x3a\x1e", "A");
    expect_keys("\xba\x3a\xba\x1e", "a");

    begin("lights");
    expect_equal(keyboard_leds(&state), 0);
    expect_keys("\x3a", "");
    expect_equal(keyboard_leds(&state), KEYBOARD_LED_CAPITALS);
    expect_keys("\x45", "");
    expect_equal(keyboard_leds(&state), KEYBOARD_LED_CAPITALS | KEYBOARD_LED_NUMBERS);

    test_case("what repeats");
    expect(keyboard_key_repeats(KEY_A) && keyboard_key_repeats(KEY_UP));
    expect(!keyboard_key_repeats(KEY_CAPSLOCK) && !keyboard_key_repeats(KEY_RIGHTALT));

    begin("key codes that are none");
    expect_equal(press(&held, 0, true), 0);
    expect_equal(press(&held, KEYBOARD_KEYS, true), 0);
    expect_equal(press(&held, KEY_LEFTMETA, true), 0);
    expect_equal(press(&held, KEYBOARD_KEYS - 1, true), 0);
}

/* ---- layouts ---- */

/* Codes as for send(): the three rows of letters, and the one of digits. */
#define DIGITS       "\x29\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
#define UPPER        "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b"
#define MIDDLE       "\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x28\x2b"
#define LOWER        "\x56\x2c\x2d\x2e\x2f\x30\x31\x32\x33\x34\x35"
#define ALTGR(codes) "\xe0\x38" codes "\xe0\xb8"
#define SHIFT(codes) "\x2a" codes "\xaa"

static void test_layouts(void)
{
    test_case("names");
    expect(layout_find("us", 2) == layout_default);
    expect(layout_find("gb", 2) && layout_find("gb", 2) == layout_find("ukx", 2));
    expect(!layout_find("dvorak", 6) && !layout_find("", 0) && !layout_find("d", 1));

    begin_layout("us", "us");
    expect_keys("\x56" SHIFT("\x56"), "\\|");

    begin_layout("uk", "uk");
    expect_keys(DIGITS, "`1234567890-=");
    expect_keys(SHIFT(DIGITS), "¬!\"£$%^&*()_+");
    expect_keys(MIDDLE LOWER, "asdfghjkl;'#\\zxcvbnm,./");
    expect_keys(SHIFT("\x27\x28\x2b\x56"), ":@~|");
    expect_keys(ALTGR("\x05\x1a") "\x1e", "€ä");

    begin_layout("de", "de");
    expect_keys("\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c", "1234567890ß");
    expect_keys(SHIFT("\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"), "!\"§$%&/()=?");
    expect_keys(UPPER MIDDLE LOWER, "qwertzuiopü+asdfghjklöä#<yxcvbnm,.-");
    expect_keys(SHIFT(UPPER MIDDLE LOWER), "QWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_");
    expect_keys(ALTGR("\x03\x04\x08\x09\x0a\x0b\x0c\x10\x12\x1b\x32\x56"), "²³{[]}\\@€~µ|");
    expect_keys("\x45\xc5\x53\x45\xc5", ",");

    begin_layout("fr", "fr");
    expect_keys(DIGITS, "²&é\"'(-è_çà)=");
    expect_keys(SHIFT(DIGITS), "~1234567890°+");
    expect_keys("\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1b", "azertyuiop$");
    expect_keys(MIDDLE LOWER, "qsdfghjklmù*<wxcvbn,;:!");
    expect_keys(SHIFT(MIDDLE LOWER), "QSDFGHJKLM%µ>WXCVBN?./§");
    expect_keys(ALTGR("\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x12"), "~#{[|`\\^@]}€");
}

static void test_modified(void)
{
    begin_layout("fr", "Caps Lock is for letters");
    expect_keys("\x3a\xba\x03\x32\x10\x27\x3a\xba", "é,AM"); /* é has 2 above it */
    begin_layout("de", "de");
    expect_keys("\x3a\xba\x28\x0c\x02\x33" SHIFT("\x28") "\x3a\xba", "Äß1,ä");

    begin_layout("de", "Control goes by the letter");
    expect_keys("\x1d\x15\x2c\x9d", "\032\031"); /* where z and y are */
    expect_keys("\x1d" ALTGR("\x0c") "\x9d", "\034");
    expect_keys("\x1d\x29\x9d", "\036"); /* ^ is dead without it */
    expect_keys("\x1d\x28\x9d", "ä");

    test_case("the left Alternate is not AltGr");
    expect_keys("\x38\x10\xb8", "\033q");
    expect_keys("\x38\x28\xb8", "\033ä");

    test_case("Control, AltGr and Delete");
    expect_keys("\x1d\xe0\x38\xe0\x53", "");
    expect(state.restart);
}

static void test_dead_keys(void)
{
    begin_layout("de", "dead keys");
    expect_keys("\x29\x12", "ê");
    expect_keys("\x0d\x1e" SHIFT("\x0d") "\x1e", "áà");
    expect_keys("\x0d" SHIFT("\x12"), "É");
    expect_keys("\x3a\xba\x0d\x12\x3a\xba", "É");
    expect_keys("\x29\x39", "^");
    expect_keys("\x29\x29", "^");
    expect_keys("\x29\x10", "^q");
    expect_keys("\x29\x1c", "^\r");
    expect_keys("\x29\x0d", "^´");
    expect_keys("\x29\x38\x10\xb8", "^\033q");
    expect_keys("\x29" ALTGR("\x12"), "^€");
    expect_keys("\x12", "e");
    expect_keys("\x29\xe0\x48\x12", "\033[Aê");

    begin_layout("fr", "fr");
    expect_keys("\x1a\x16" SHIFT("\x1a") "\x16", "ûü");

    test_case("each composed character comes from its base");
    for (uint16_t dead = 0x0300; dead < 0x0370; dead++)
        for (uint16_t base = ' '; base < 0x7f; base++) {
            uint16_t composed = layout_compose(dead, base);
            expect(composed == 0 || (composed >= 0xc0 && composed < 0x180 && layout_is_dead(dead)));
        }
    expect_equal(layout_dead_alone(0x0308), 0xa8);
    expect_equal(layout_dead_alone(0x0304), 0);
    expect(!layout_is_dead('^'));
}

static void test_usages(void)
{
    test_case("usages of USB");
    expect_equal(usage_key(0x00), 0);
    expect_equal(usage_key(0x01), 0); /* too many keys at once */
    expect_equal(usage_key(0x04), KEY_A);
    expect_equal(usage_key(0x1d), KEY_Z);
    expect_equal(usage_key(0x27), KEY_0);
    expect_equal(usage_key(0x28), KEY_ENTER);
    expect_equal(usage_key(0x39), KEY_CAPSLOCK);
    expect_equal(usage_key(0x45), KEY_F12);
    expect_equal(usage_key(0x52), KEY_UP);
    expect_equal(usage_key(0x63), KEY_KPDOT);
    expect_equal(usage_key(0x64), KEY_102ND);
    expect_equal(usage_key(0x66), 0);
    expect_equal(usage_key(0xe0), KEY_LEFTCTRL);
    expect_equal(usage_key(0xe6), KEY_RIGHTALT);
    expect_equal(usage_key(0xe7), KEY_RIGHTMETA);
    expect_equal(usage_key(0xe8), 0);
}

int main(void)
{
    test_us();
    test_shared();
    test_layouts();
    test_modified();
    test_dead_keys();
    test_usages();
    return test_end();
}

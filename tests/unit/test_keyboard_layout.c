/* From keys to bytes. */
#include "library/keyboard_layout.h"
#include "test.h"

#include <string.h>

static struct keyboard_state state;

/* What a row of codes sends. */
static const char *send(const char *codes, size_t size, bool application)
{
    static char text[256];
    size_t length = 0;

    for (size_t i = 0; i < size; i++)
        length += keyboard_input(&state, (uint8_t)codes[i], application, (uint8_t *)text + length);
    text[length] = '\0';
    return text;
}

#define expect_keys(codes, expected)                                                               \
    expect_string(send((codes), sizeof(codes) - 1, false), (expected))

static void begin(const char *name)
{
    test_case("%s", name);
    memset(&state, 0, sizeof(state));
}

int main(void)
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
    expect_equal(keyboard_input(&state, 0x39, false, (uint8_t[8]){0}), 1);

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

    return test_end();
}

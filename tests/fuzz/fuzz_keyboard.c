/* The input is a layout and what a PS/2 keyboard and a USB one send, in turn. */
#include "fuzz.h"
#include "library/keyboard/keyboard.h"
#include "library/keyboard/scan_codes.h"
#include "library/keyboard/usages.h"

static struct keyboard_state state;

static void give(struct key_set *held, uint16_t key, bool down, bool application)
{
    uint8_t *bytes = malloc(KEYBOARD_BYTES_MAXIMUM);

    require(keyboard_input(&state, held, key, down, application, bytes) <= KEYBOARD_BYTES_MAXIMUM);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"us", "uk", "de", "fr"};
    struct scan_code_state codes = {0};
    struct key_set by_codes = {0}, by_usages = {0};

    if (!size)
        return 0;
    state = (struct keyboard_state){.layout = layout_find(names[data[0] % 4], 2)};
    for (size_t i = 1; i < size; i++) {
        struct key_event event = scan_code_event(&codes, data[i]);
        give(&by_codes, event.key, event.down, i % 2);
        if (i + 1 < size)
            give(&by_usages, usage_key(data[i]), data[i + 1] % 2, i % 2);
    }
    keyboard_release(&state, &by_codes);
    keyboard_release(&state, &by_usages);
    for (int i = 0; i < KEYBOARD_MODIFIERS; i++)
        require(state.held[i] == 0);
    return 0;
}

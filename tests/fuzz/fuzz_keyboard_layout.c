/* The input is what a PS/2 keyboard sends. */
#include "fuzz.h"
#include "library/keyboard_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyboard_state state = {0};

    for (size_t i = 0; i < size; i++) {
        uint8_t *bytes = malloc(KEYBOARD_BYTES_MAXIMUM);
        require(keyboard_input(&state, data[i], i % 2, bytes) <= KEYBOARD_BYTES_MAXIMUM);
        free(bytes);
    }
    return 0;
}

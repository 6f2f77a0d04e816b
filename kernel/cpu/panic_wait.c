/* panic_wait.c: see panic_wait.h. */
#include "cpu/panic_wait.h"

#include <stdbool.h>

#include "cpu/hooks.h"
#include "cpu/registers.h"
#include "library/types.h"

/* The 8042 keyboard controller (IBM PS/2 Technical Reference, "Keyboard and auxiliary device
   controller"). */
enum {
    KEYBOARD_DATA = 0x60,
    KEYBOARD_STATUS = 0x64,
    KEYBOARD_COMMAND = 0x64,
    STATUS_OUTPUT_FULL = 0x01,
    STATUS_INPUT_FULL = 0x02,
    STATUS_FROM_MOUSE = 0x20,
    STATUS_ABSENT = 0xff,
    COMMAND_RESET_LINE = 0xfe,
};

/* Scan code set 1, to which the controller translates; left and right keys differ by a prefix. */
enum { CODE_CONTROL = 0x1d, CODE_ALT = 0x38, CODE_DELETE = 0x53, CODE_RELEASED = 0x80 };

/* The reset register of PC chip sets (Intel ICH, "Reset Control Register"). */
enum { RESET_CONTROL = 0xcf9, RESET_SYSTEM = 0x02, RESET_FULL = 0x06 };

#define RESET_PATIENCE 1000000 /* reads of a port, about a second */

/* Keys that are held down. */
struct held {
    bool control, alt;
};

/* Takes one byte of the keyboard's, if there is one; whether that was the third of the three keys.
 */
static bool three_keys(struct held *held)
{
    uint8_t status = port_read8(KEYBOARD_STATUS);

    if (status == STATUS_ABSENT || !(status & STATUS_OUTPUT_FULL))
        return false;
    uint8_t code = port_read8(KEYBOARD_DATA);
    bool pressed = !(code & CODE_RELEASED);
    if (status & STATUS_FROM_MOUSE)
        return false;
    switch (code & ~CODE_RELEASED) {
    case CODE_CONTROL:
        held->control = pressed;
        return false;
    case CODE_ALT:
        held->alt = pressed;
        return false;
    default:
        return code == CODE_DELETE && held->control && held->alt;
    }
}

static void pause_for(unsigned reads)
{
    while (reads--)
        port_read8(KEYBOARD_STATUS);
}

/* What every PC has; nothing of it needs the firmware, which may be what is broken. */
static _Noreturn void restart(void)
{
    port_write8(RESET_CONTROL, RESET_SYSTEM);
    port_write8(RESET_CONTROL, RESET_FULL);
    pause_for(RESET_PATIENCE);
    if (port_read8(KEYBOARD_STATUS) != STATUS_ABSENT)
        port_write8(KEYBOARD_COMMAND, COMMAND_RESET_LINE);
    pause_for(RESET_PATIENCE);
    /* A fault with no table to handle it, nor the fault that comes of it (SDM, volume 3A, 6.15). */
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none;
    __asm__ volatile("lidt %0\n\tud2" : : "m"(none));
    __builtin_unreachable();
}

void panic_wait(void)
{
    struct held held = {0};

    interrupts_disable();
    for (;;) {
        if (three_keys(&held) || cpu_hooks.power_button_pressed())
            restart();
        cpu_relax();
    }
}

/*
 * keyboard.c: the i8042 keyboard controller (IBM PS/2 Technical Reference,
 * "Keyboard and Auxiliary Device Controller").
 */
#include "terminal/keyboard.h"

#include "cpu/clock.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "library/error.h"
#include "library/keyboard_layout.h"
#include "process/reboot.h"
#include "terminal/framebuffer.h"
#include "terminal/screen_terminal.h"
#include "terminal/terminal.h"

#define KEYBOARD_IRQ 1

/* Ports. */
#define DATA    0x60
#define STATUS  0x64 /* read */
#define COMMAND 0x64 /* write */

#define STATUS_OUTPUT_FULL 0x01 /* there is a byte for us */
#define STATUS_INPUT_FULL  0x02 /* it has not taken our last byte yet */
#define STATUS_AUXILIARY   0x20 /* the byte is the mouse's */
#define STATUS_NOTHING     0xff /* no controller */

#define COMMAND_READ_CONFIGURATION  0x20
#define COMMAND_WRITE_CONFIGURATION 0x60
#define COMMAND_DISABLE_AUXILIARY   0xa7
#define COMMAND_DISABLE_KEYBOARD    0xad
#define COMMAND_ENABLE_KEYBOARD     0xae

#define CONFIGURATION_KEYBOARD_INTERRUPT  0x01
#define CONFIGURATION_AUXILIARY_INTERRUPT 0x02
#define CONFIGURATION_KEYBOARD_OFF        0x10
#define CONFIGURATION_TRANSLATE           0x40 /* to set 1 */

#define KEYBOARD_ENABLE 0xf4

/* For an answer: a keyboard resets and tests itself meanwhile. */
#define PATIENCE (NANOSECONDS_PER_SECOND / 4)
/* More bytes than any controller holds. */
#define BYTES_MAXIMUM 32

static struct keyboard_state keyboard; /* the interrupt's own */

static bool wait_status(uint8_t mask, uint8_t wanted)
{
    for (uint64_t until = clock_now() + PATIENCE; clock_now() < until; cpu_relax())
        if ((port_read8(STATUS) & mask) == wanted)
            return true;
    return (port_read8(STATUS) & mask) == wanted;
}

static bool send(uint16_t port, uint8_t byte)
{
    if (!wait_status(STATUS_INPUT_FULL, 0))
        return false;
    port_write8(port, byte);
    return true;
}

static bool receive(uint8_t *byte)
{
    if (!wait_status(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL))
        return false;
    *byte = port_read8(DATA);
    return true;
}

/* Throws away what was typed before anyone listened. */
static void drain(void)
{
    for (unsigned i = 0; i < BYTES_MAXIMUM && port_read8(STATUS) & STATUS_OUTPUT_FULL; i++)
        port_read8(DATA);
}

static bool controller_start(void)
{
    uint8_t configuration;

    if (port_read8(STATUS) == STATUS_NOTHING)
        return false;
    if (!send(COMMAND, COMMAND_DISABLE_KEYBOARD) || !send(COMMAND, COMMAND_DISABLE_AUXILIARY))
        return false;
    drain();
    if (!send(COMMAND, COMMAND_READ_CONFIGURATION) || !receive(&configuration))
        return false;
    configuration |= CONFIGURATION_KEYBOARD_INTERRUPT | CONFIGURATION_TRANSLATE;
    configuration &= ~(CONFIGURATION_AUXILIARY_INTERRUPT | CONFIGURATION_KEYBOARD_OFF);
    if (!send(COMMAND, COMMAND_WRITE_CONFIGURATION) || !send(DATA, configuration))
        return false;
    if (!send(COMMAND, COMMAND_ENABLE_KEYBOARD) || !send(DATA, KEYBOARD_ENABLE))
        return false;
    /* Its acknowledgement, 0xfa; a controller without a keyboard never answers. */
    uint8_t answer;
    return receive(&answer);
}

static void keyboard_interrupt(void *context, struct trap_frame *frame)
{
    (void)context;
    (void)frame;
    for (unsigned i = 0; i < BYTES_MAXIMUM; i++) {
        uint8_t status = port_read8(STATUS);
        uint8_t bytes[KEYBOARD_BYTES_MAXIMUM];

        if (status == STATUS_NOTHING || !(status & STATUS_OUTPUT_FULL))
            break;
        uint8_t code = port_read8(DATA);

        if (status & STATUS_AUXILIARY)
            continue;
        size_t size = keyboard_input(&keyboard, code, framebuffer_application_cursor(), bytes);
        if (size)
            terminal_input(screen_terminal, bytes, size);
        if (keyboard.restart)
            machine_keys_pressed();
    }
}

void keyboard_initialize(void)
{
    if (!controller_start()) {
        log_write(LOG_NOTICE, "keyboard: none behind an i8042");
        return;
    }
    int error = interrupt_connect_isa(KEYBOARD_IRQ, "i8042", keyboard_interrupt, NULL);
    if (error) {
        log_write(LOG_WARNING, "keyboard: no interrupt: %s", error_text(error));
        return;
    }
    /* A byte that is waiting already will raise no edge. */
    drain();
}

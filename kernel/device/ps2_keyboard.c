/*
 * ps2_keyboard.c: the i8042 keyboard controller (IBM PS/2 Technical Reference,
 * "Keyboard and Auxiliary Device Controller").
 */
#include "device/ps2_keyboard.h"

#include "cpu/clock.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "cpu/spinlock.h"
#include "device/hooks.h"
#include "device/keyboard.h"
#include "library/error.h"
#include "library/keyboard/scan_codes.h"

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

#define KEYBOARD_LEDS        0xed
#define KEYBOARD_ENABLE      0xf4
#define KEYBOARD_ACKNOWLEDGE 0xfa

/* For an answer: a keyboard resets and tests itself meanwhile. */
#define PATIENCE (NANOSECONDS_PER_SECOND / 4)
/* To take a byte, with interrupts off; it takes some microseconds. */
#define PATIENCE_SHORT (NANOSECONDS_PER_SECOND / 1000)
/* More bytes than any controller holds. */
#define BYTES_MAXIMUM 32

static struct scan_code_state scan_codes; /* the interrupt's own */

static bool wait_status(uint8_t mask, uint8_t wanted, uint64_t patience)
{
    for (uint64_t until = clock_now() + patience; clock_now() < until; cpu_relax())
        if ((port_read8(STATUS) & mask) == wanted)
            return true;
    return (port_read8(STATUS) & mask) == wanted;
}

static bool send(uint16_t port, uint8_t byte)
{
    if (!wait_status(STATUS_INPUT_FULL, 0, PATIENCE))
        return false;
    port_write8(port, byte);
    return true;
}

static bool receive(uint8_t *byte)
{
    if (!wait_status(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL, PATIENCE))
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

/* ---- lights: a command and its value, each of which the keyboard acknowledges ---- */

static struct {
    struct spinlock lock; /* taken with interrupts off */
    uint8_t wanted;       /* as the keyboard has them; lock */
    uint8_t waiting;      /* the byte that is to be acknowledged; 0: none; lock */
    bool again;           /* others were wanted meanwhile; lock */
} leds = {.lock = SPINLOCK_RANKED(LOCK_KEYBOARD_PORT)};

#define LEDS_VALUE 0xff /* `waiting`: the value, whatever it is */

/* Lock held. A controller that takes no byte has dark lights. */
static void leds_send(uint8_t byte, uint8_t waiting)
{
    bool ready = wait_status(STATUS_INPUT_FULL, 0, PATIENCE_SHORT);

    if (ready)
        port_write8(DATA, byte);
    leds.waiting = ready ? waiting : 0;
}

static void leds_acknowledged(void)
{
    spinlock_acquire(&leds.lock);
    if (leds.waiting == KEYBOARD_LEDS) {
        leds_send(leds.wanted, LEDS_VALUE);
    } else if (leds.waiting) {
        leds.waiting = 0;
        if (leds.again)
            leds_send(KEYBOARD_LEDS, KEYBOARD_LEDS);
        leds.again = false;
    }
    spinlock_release(&leds.lock);
}

/* The keyboard's bits: 1 is Num Lock's light and 2 Caps Lock's; 0 is Scroll Lock's. */
static void set_leds(struct keyboard *keyboard, uint8_t wanted)
{
    (void)keyboard;
    spinlock_acquire(&leds.lock);
    leds.wanted = (uint8_t)(wanted << 1);
    if (leds.waiting)
        leds.again = leds.waiting == LEDS_VALUE;
    else
        leds_send(KEYBOARD_LEDS, KEYBOARD_LEDS);
    spinlock_release(&leds.lock);
}

/* ---- keys ---- */

static struct keyboard ps2_keyboard = {.repeats = true, .set_leds = set_leds};

static void take_code(uint8_t code)
{
    struct key_event event;

    if (code == KEYBOARD_ACKNOWLEDGE) {
        leds_acknowledged();
        return;
    }
    event = scan_code_event(&scan_codes, code);
    if (event.key)
        device_hooks.keyboard_key(&ps2_keyboard, event.key, event.down);
}

static void keyboard_interrupt(void *context, struct trap_frame *frame)
{
    (void)context;
    (void)frame;
    for (unsigned i = 0; i < BYTES_MAXIMUM; i++) {
        uint8_t status = port_read8(STATUS);

        if (status == STATUS_NOTHING || !(status & STATUS_OUTPUT_FULL))
            break;
        uint8_t code = port_read8(DATA);
        if (!(status & STATUS_AUXILIARY))
            take_code(code);
    }
}

void ps2_keyboard_initialize(void)
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
    device_hooks.keyboard_added(&ps2_keyboard);
}

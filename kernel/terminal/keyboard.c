/* keyboard.c: see keyboard.h. What a key sends is library/keyboard/'s. */
#include "terminal/keyboard.h"

#include "cpu/clock.h"
#include "cpu/log.h"
#include "cpu/spinlock.h"
#include "device/keyboard.h"
#include "library/options.h"
#include "process/reboot.h"
#include "terminal/framebuffer.h"
#include "terminal/screen_terminal.h"
#include "terminal/terminal.h"

/* As on Linux (drivers/input/input.c): 33 ms is 30 a second. */
#define REPEAT_DELAY  (250 * NANOSECONDS_PER_SECOND / 1000)
#define REPEAT_PERIOD (33 * NANOSECONDS_PER_SECOND / 1000)

/* Taken with interrupts off; guards what follows, and this room's part of each keyboard. */
static struct spinlock lock = SPINLOCK_RANKED(LOCK_KEYBOARDS);
static struct keyboard_state state;
static TAILQ_HEAD(, keyboard) keyboards = TAILQ_HEAD_INITIALIZER(keyboards);

/* ---- under the lock ---- */

static void show_leds(void)
{
    struct keyboard *keyboard;

    TAILQ_FOREACH(keyboard, &keyboards, link)
    keyboard->set_leds(keyboard, keyboard_leds(&state));
}

/* The last key that went down repeats, until it goes up or another goes down. */
static void note_repeat(struct keyboard *keyboard, uint16_t key, bool down)
{
    if (keyboard->repeats)
        return;
    if (down && keyboard_key_repeats(key)) {
        keyboard->repeating = key;
        timer_arm(&keyboard->repeat, clock_now() + REPEAT_DELAY);
    } else if (keyboard->repeating == key) {
        keyboard->repeating = 0; /* the timer finds nothing to do */
    }
}

/* ---- keys ---- */

struct typed {
    uint8_t bytes[KEYBOARD_BYTES_MAXIMUM];
    size_t size;
    bool restart;
};

/* Lock held. */
static void take_key(struct keyboard *keyboard, uint16_t key, bool down, struct typed *typed)
{
    uint8_t leds = keyboard_leds(&state);

    typed->size = keyboard_input(&state, &keyboard->held, key, down,
                                 framebuffer_application_cursor(), typed->bytes);
    typed->restart = state.restart;
    if (keyboard_leds(&state) != leds)
        show_leds();
}

/* No lock held: who reads is woken. */
static void hand_on(const struct typed *typed)
{
    if (typed->size)
        terminal_input(screen_terminal, typed->bytes, typed->size);
    if (typed->restart)
        machine_keys_pressed();
}

void keyboard_key(struct keyboard *keyboard, uint16_t key, bool down)
{
    struct typed typed;
    bool enabled = spinlock_acquire_save(&lock);

    take_key(keyboard, key, down, &typed);
    note_repeat(keyboard, key, down);
    spinlock_release_restore(&lock, enabled);
    hand_on(&typed);
}

static void repeat_expired(struct timer *timer)
{
    struct keyboard *keyboard = container_of(timer, struct keyboard, repeat);
    struct typed typed = {0};

    spinlock_acquire(&lock);
    if (keyboard->repeating) {
        take_key(keyboard, keyboard->repeating, true, &typed);
        timer_arm(timer, clock_now() + REPEAT_PERIOD);
    }
    spinlock_release(&lock);
    hand_on(&typed);
}

/* ---- coming and going ---- */

void keyboard_added(struct keyboard *keyboard)
{
    timer_initialize(&keyboard->repeat, repeat_expired);
    bool enabled = spinlock_acquire_save(&lock);
    TAILQ_INSERT_TAIL(&keyboards, keyboard, link);
    keyboard->set_leds(keyboard, keyboard_leds(&state));
    spinlock_release_restore(&lock, enabled);
}

void keyboard_removed(struct keyboard *keyboard)
{
    bool enabled = spinlock_acquire_save(&lock);
    TAILQ_REMOVE(&keyboards, keyboard, link);
    keyboard_release(&state, &keyboard->held);
    keyboard->repeating = 0;
    spinlock_release_restore(&lock, enabled);
    timer_cancel(&keyboard->repeat);
}

void keyboards_initialize(const char *options)
{
    struct option option;

    state.layout = layout_default;
    if (!options_find(options, "keymap", &option) || !option.value)
        return;
    const struct keyboard_layout *layout = layout_find(option.value, option.value_length);
    if (layout)
        state.layout = layout;
    else
        log_write(LOG_WARNING, "keymap=%.*s: not known; there are us, uk, de, fr",
                  (int)option.value_length, option.value);
}

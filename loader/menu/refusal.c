#include "menu/refusal.h"

#include "console.h"
#include "keyboard.h"
#include "menu/display.h"

/* Keys that were typed before the message is there do not count. A keyboard that is broken gives
   them without end. */
static void keys_forget(struct keyboard *keyboard)
{
    enum { KEYS_MAXIMUM = 256 };
    struct key key;

    for (int keys = 0; keys < KEYS_MAXIMUM && keyboard_read(keyboard, &key); keys++) {
    }
}

static void key_wait(struct keyboard *keyboard)
{
    enum { TENTHS = 300 };
    enum keyboard_event event = KEYBOARD_TICK;
    struct key key;

    keys_forget(keyboard);
    for (int waited = 0; waited < TENTHS && event == KEYBOARD_TICK; waited++)
        event = keyboard_wait(keyboard, &key);
}

/* False: there is no screen. */
static bool picture_show(struct display *display)
{
    static struct menu menu;

    if (!display_open_screen(display))
        return false;
    menu_tell(&menu, console_story());
    menu.heading = "Baton " BATON_VERSION;
    display_show(display, &menu);
    return true;
}

void refusal_show(const char *where)
{
    struct keyboard keyboard;
    struct display display;
    bool shown;

    if (!keyboard_open(&keyboard))
        return;
    /* Text goes to the screen as well: the picture is drawn over it. */
    console_print("\nPress a key to return to %s.\n", where);
    shown = picture_show(&display);
    key_wait(&keyboard);
    if (shown)
        display_close(&display);
    keyboard_close(&keyboard);
}

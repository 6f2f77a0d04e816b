/* console.c: see console.h. */
#include "terminal/console.h"

#include <linux/errno.h>
#include <linux/major.h>

#include "cpu/log.h"
#include "device/ps2_keyboard.h"
#include "file/device.h"
#include "library/error.h"
#include "library/options.h"
#include "library/string.h"
#include "terminal/framebuffer.h"
#include "terminal/job_control.h"
#include "terminal/keyboard.h"
#include "terminal/pseudo_terminal.h"
#include "terminal/screen_terminal.h"
#include "terminal/serial.h"
#include "terminal/terminal.h"

/* Minor numbers (Linux, Documentation/admin-guide/devices.txt). */
enum {
    MINOR_SCREEN = 0, /* major 4: tty0, the terminal on the screen */
    MINOR_SCREENS = 2,
    MINOR_SERIAL = 64,
    MINOR_OWN = 0,     /* major 5: /dev/tty, the caller's controlling terminal */
    MINOR_CONSOLE = 1, /* /dev/console */
    MINOR_MASTER = 2,  /* /dev/ptmx */
};

/* Written at boot. */
static struct terminal *console_terminal; /* /dev/console */

/* ---- which one is the console ---- */

struct console_choice {
    bool given;
    bool screen;
    int serial; /* port, or -1 */
};

static bool value_is(const struct option *option, const char *text)
{
    return option->value_length == strlen(text) &&
           memcmp(option->value, text, option->value_length) == 0;
}

static void choice_add(struct console_choice *choice, const struct option *option)
{
    static const char prefix[] = "ttyS";
    const size_t length = sizeof(prefix) - 1;

    if (value_is(option, "tty0") || value_is(option, "tty1") || value_is(option, "tty")) {
        choice->screen = choice->given = true;
    } else if (option->value_length > length && memcmp(option->value, prefix, length) == 0 &&
               option->value[length] >= '0' && option->value[length] < '0' + SERIAL_PORT_COUNT) {
        /* What may follow, ",115200n8", is how all ports are set anyway. */
        choice->serial = option->value[length] - '0';
        choice->given = true;
    } else {
        log_write(LOG_WARNING, "option console=%.*s: no such terminal", (int)option->value_length,
                  option->value);
    }
}

static struct console_choice choice_read(const char *options)
{
    struct console_choice choice = {.serial = -1};
    struct option option;

    while (options_next(&options, &option)) {
        if (option.word_length == 2 && memcmp(option.word, "--", 2) == 0)
            break;
        if (option.key_length == 7 && memcmp(option.key, "console", 7) == 0 && option.value)
            choice_add(&choice, &option);
    }
    if (!choice.given)
        choice = (struct console_choice){.screen = true, .serial = 0};
    return choice;
}

/* What a person can see and type on. */
static void log_console(bool serial, bool screen)
{
    const char *name = console_terminal->name;

    if (serial)
        log_write(LOG_NOTICE, "console: %s%s", name, screen ? " and the screen" : "");
    else if (screen)
        log_write(LOG_NOTICE, "console: the screen");
    else
        log_write(LOG_WARNING, "console: %s, and nothing is behind it", name);
}

static void console_choose(const char *options)
{
    struct console_choice choice = choice_read(options);
    struct winsize size = {0};
    bool screen = framebuffer_size(&size.ws_col, &size.ws_row);

    console_terminal = choice.serial >= 0 ? serial_terminal(choice.serial) : screen_terminal;
    if (choice.screen && choice.serial >= 0) {
        screen_terminal = console_terminal;
        if (screen)
            serial_show_on_screen(choice.serial);
    }
    if (screen)
        screen_terminal->size = size;
    log_console(choice.serial >= 0 && serial_present(choice.serial), choice.screen && screen);
}

/* ---- device nodes ---- */

static int open_as(struct terminal *terminal, struct file *file, bool may_control)
{
    int error = terminal_open(terminal, file);

    if (!error && may_control && file->readable && !(file->opened_with & O_NOCTTY))
        terminal_acquire(terminal);
    return error;
}

static int open_numbered(struct inode *inode, struct file *file)
{
    uint32_t minor = device_minor(inode->device);

    if (minor < MINOR_SERIAL)
        return open_as(screen_terminal, file, minor != MINOR_SCREEN);
    return open_as(serial_terminal(minor - MINOR_SERIAL), file, true);
}

/* /dev/console never becomes a controlling terminal by being opened, and survives hang-ups. */
static int open_console(struct file *file)
{
    int error = open_as(console_terminal, file, false);

    if (!error)
        ((struct terminal_file *)file->private)->console = true;
    return error;
}

static int open_own(struct file *file)
{
    struct terminal *terminal = controlling_terminal();

    if (!terminal)
        return -ENXIO;
    int error = open_as(terminal, file, false);
    terminal_release(terminal);
    return error;
}

static int open_alternate(struct inode *inode, struct file *file)
{
    switch (device_minor(inode->device)) {
    case MINOR_OWN:
        return open_own(file);
    case MINOR_CONSOLE:
        return open_console(file);
    default:
        return pseudo_terminal_open_master(file);
    }
}

static const struct file_operations numbered_operations = {.open = open_numbered};
static const struct file_operations alternate_operations = {.open = open_alternate};

static struct device devices[] = {
    {
        .type = DEVICE_CHARACTER,
        .major = TTY_MAJOR,
        .minor = MINOR_SCREEN,
        .minor_count = MINOR_SCREENS,
        .operations = &numbered_operations,
        .name = "tty",
    },
    {
        .type = DEVICE_CHARACTER,
        .major = TTY_MAJOR,
        .minor = MINOR_SERIAL,
        .minor_count = SERIAL_PORT_COUNT,
        .operations = &numbered_operations,
        .name = "ttyS",
    },
    {
        .type = DEVICE_CHARACTER,
        .major = TTYAUX_MAJOR,
        .minor = MINOR_OWN,
        .minor_count = MINOR_MASTER + 1,
        .operations = &alternate_operations,
        .name = "console",
    },
};

int terminals_initialize(const char *options)
{
    screen_terminal_initialize();
    serial_initialize();
    console_choose(options);
    keyboards_initialize(options);
    ps2_keyboard_initialize();
    int error = framebuffer_start_painter();
    if (error)
        log_write(LOG_WARNING, "screen: no thread to paint it: %s", error_text(error));
    error = terminal_start_teller();
    if (error)
        return error;
    for (size_t i = 0; i < array_length(devices); i++) {
        error = device_register(&devices[i]);
        if (error)
            return error;
    }
    return pseudo_terminal_initialize();
}

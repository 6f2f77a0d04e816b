/* settings.c: what ioctl(2) can ask of a terminal: termios(3), ioctl_tty(2). */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/tty.h>

#include "library/string.h"
#include "memory/user_copy.h"
#include "terminal/job_control.h"
#include "terminal/terminal.h"

/* ---- termios ---- */

/* The speed that a code in c_cflag stands for (asm-generic/termbits.h). */
static uint32_t speed_of_code(tcflag_t code, uint32_t other)
{
    static const uint32_t low[] = {0,   50,   75,   110,  134,  150,  200,   300,
                                   600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
    static const uint32_t high[] = {0,       57600,   115200,  230400,  460800,  500000,
                                    576000,  921600,  1000000, 1152000, 1500000, 2000000,
                                    2500000, 3000000, 3500000, 4000000};

    code &= CBAUD;
    if (code == BOTHER)
        return other;
    return code & CBAUDEX ? high[code & 15] : low[code & 15];
}

static void settings_get(struct terminal *terminal, struct termios2 *settings)
{
    bool enabled = terminal_lock(terminal);

    *settings = terminal->line.settings;
    terminal_unlock(terminal, enabled);
}

/* Lock held. */
static void settings_set_locked(struct terminal *terminal, struct termios2 *settings)
{
    struct termios2 before = terminal->line.settings;
    tcflag_t input = settings->c_cflag >> IBSHIFT & CBAUD;

    settings->c_ospeed = speed_of_code(settings->c_cflag, settings->c_ospeed);
    settings->c_ispeed = input ? speed_of_code(input, settings->c_ispeed) : settings->c_ospeed;

    line_set(&terminal->line, settings);
    if (terminal->device->changed)
        terminal->device->changed(terminal, &before);
    if (line_accepts(&terminal->line) && terminal->device->resume)
        terminal->device->resume(terminal);
    terminal_input_done(terminal);
}

/* The forms in which programs give and take settings. */
enum settings_form {
    FORM_TERMIO,   /* struct termio, of System V: TCGETA */
    FORM_TERMIOS,  /* struct termios, the kernel's: TCGETS */
    FORM_TERMIOS2, /* with speeds as numbers: TCGETS2 */
};

static ssize_t settings_out(struct terminal *terminal, enum settings_form form, vaddr_t to)
{
    struct termios2 settings;
    struct termio small = {0};

    settings_get(terminal, &settings);
    switch (form) {
    case FORM_TERMIO:
        small.c_iflag = settings.c_iflag;
        small.c_oflag = settings.c_oflag;
        small.c_cflag = settings.c_cflag;
        small.c_lflag = settings.c_lflag;
        small.c_line = settings.c_line;
        memcpy(small.c_cc, settings.c_cc, NCC);
        return user_put(to, &small);
    case FORM_TERMIOS:
        /* struct termios is how struct termios2 begins. */
        return user_copy_out(to, &settings, sizeof(struct termios));
    default:
        return user_put(to, &settings);
    }
}

/* What a program gives of the settings: all, or what its form has. */
struct settings_given {
    enum settings_form form;
    union {
        struct termio small;
        struct termios2 whole; /* struct termios is how it begins */
    };
};

static int settings_in(struct settings_given *given, vaddr_t from)
{
    switch (given->form) {
    case FORM_TERMIO:
        return user_get(&given->small, from);
    case FORM_TERMIOS:
        return user_copy_in(&given->whole, from, sizeof(struct termios));
    default:
        return user_get(&given->whole, from);
    }
}

/* What the form does not have stays. */
static void settings_merge(struct termios2 *settings, const struct settings_given *given)
{
    const struct termio *small = &given->small;

    switch (given->form) {
    case FORM_TERMIO:
        settings->c_iflag = (settings->c_iflag & 0xffff0000) | small->c_iflag;
        settings->c_oflag = (settings->c_oflag & 0xffff0000) | small->c_oflag;
        settings->c_cflag = (settings->c_cflag & 0xffff0000) | small->c_cflag;
        settings->c_lflag = (settings->c_lflag & 0xffff0000) | small->c_lflag;
        memcpy(settings->c_cc, small->c_cc, NCC);
        break;
    case FORM_TERMIOS:
        memcpy(settings, &given->whole, sizeof(struct termios));
        break;
    default:
        *settings = given->whole;
    }
}

/* Under one hold of the lock: others may set what is not given here. */
static void settings_set(struct terminal *terminal, const struct settings_given *given)
{
    bool enabled = terminal_lock(terminal);
    struct termios2 settings = terminal->line.settings;

    settings_merge(&settings, given);
    settings_set_locked(terminal, &settings);
    terminal_unlock(terminal, enabled);
}

static void flush_input(struct terminal *terminal)
{
    bool enabled = terminal_lock(terminal);

    line_flush(&terminal->line);
    if (terminal->device->discard)
        terminal->device->discard(terminal);
    if (terminal->device->flushed)
        terminal->device->flushed(terminal, true);
    if (terminal->device->resume)
        terminal->device->resume(terminal);
    terminal_unlock(terminal, enabled);
}

static void flush_output(struct terminal *terminal)
{
    bool enabled = terminal_lock(terminal);

    terminal_flush_output_locked(terminal);
    terminal_unlock(terminal, enabled);
}

enum {
    SETTINGS_NOW,
    SETTINGS_DRAIN, /* after all output has left */
    SETTINGS_FLUSH, /* …and without what was typed */
};

static ssize_t settings_change(struct terminal *terminal, enum settings_form form, int when,
                               vaddr_t from)
{
    struct settings_given given = {.form = form};
    ssize_t error = terminal_check_foreground(terminal, SIGTTOU);

    if (error)
        return error;
    error = settings_in(&given, from);
    if (!error && when != SETTINGS_NOW)
        error = terminal_drain(terminal);
    if (error)
        return error;
    if (when == SETTINGS_FLUSH)
        flush_input(terminal);
    settings_set(terminal, &given);
    return 0;
}

/* ---- size ---- */

void terminal_resize(struct terminal *terminal, const struct winsize *size)
{
    bool enabled = terminal_lock(terminal);
    bool changed = memcmp(&terminal->size, size, sizeof(*size));

    terminal->size = *size;
    terminal_unlock(terminal, enabled);
    if (changed)
        terminal_signal(terminal, SIGWINCH);
}

static ssize_t size_get(struct terminal *terminal, vaddr_t to)
{
    bool enabled = terminal_lock(terminal);
    struct winsize size = terminal->size;

    terminal_unlock(terminal, enabled);
    return user_put(to, &size);
}

static ssize_t size_set(struct terminal *terminal, vaddr_t from)
{
    struct winsize size;

    if (user_get(&size, from))
        return -EFAULT;
    terminal_resize(terminal, &size);
    return 0;
}

/* ---- queues and flow ---- */

static ssize_t flush(struct terminal *terminal, vaddr_t which)
{
    ssize_t error = terminal_check_foreground(terminal, SIGTTOU);

    if (error)
        return error;
    if (which != TCIFLUSH && which != TCOFLUSH && which != TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH)
        flush_input(terminal);
    if (which != TCIFLUSH)
        flush_output(terminal);
    return 0;
}

/* tcflow(3): output held or let go; or the other side asked to stop or to go on. */
static ssize_t flow(struct terminal *terminal, vaddr_t action)
{
    ssize_t error = terminal_check_foreground(terminal, SIGTTOU);
    const uint8_t *control = terminal->line.settings.c_cc;
    uint8_t byte;

    if (error)
        return error;
    bool enabled = terminal_lock(terminal);

    switch (action) {
    case TCOOFF:
    case TCOON:
        line_hold(&terminal->line, action == TCOOFF);
        break;
    case TCIOFF:
    case TCION:
        byte = control[action == TCIOFF ? VSTOP : VSTART];
        if (byte)
            terminal_send_locked(terminal, byte);
        break;
    default:
        error = -EINVAL;
    }
    if (terminal_output_ready(terminal))
        terminal->device->start(terminal);
    terminal_unlock(terminal, enabled);
    return error;
}

static ssize_t count_input(struct terminal *terminal, vaddr_t to)
{
    bool enabled = terminal_lock(terminal);
    int count = line_readable(&terminal->line);

    terminal_unlock(terminal, enabled);
    return user_put(to, &count);
}

static ssize_t count_output(struct terminal *terminal, vaddr_t to)
{
    bool enabled = terminal_lock(terminal);
    /* What is in a pseudo-terminal has been sent. */
    int count = terminal->device->pseudo ? 0 : terminal->output_head - terminal->output_tail;

    terminal_unlock(terminal, enabled);
    return user_put(to, &count);
}

/* TCSBRK: a break cannot be told from silence by anything we drive; waiting is what counts. */
static ssize_t send_break(struct terminal *terminal)
{
    ssize_t error = terminal_check_foreground(terminal, SIGTTOU);

    return error ? error : terminal_drain(terminal);
}

/*
 * TIOCSTI: a byte as if it had been typed. To type for whoever else reads the terminal is a way to
 * act as them (setsid(1) is not used by all who should), so it takes privileges, as on Linux with
 * dev.tty.legacy_tiocsti=0.
 */
static ssize_t type(struct terminal *terminal, vaddr_t from)
{
    uint8_t byte;

    if (!credentials_capable(credentials_current(), CAP_SYS_ADMIN))
        return terminal_controls_caller(terminal) ? -EIO : -EPERM;
    if (user_get(&byte, from))
        return -EFAULT;
    terminal_input(terminal, &byte, 1);
    return 0;
}

/* ---- this and that ---- */

static ssize_t exclusive_set(struct terminal *terminal, bool exclusive)
{
    bool enabled = terminal_lock(terminal);

    terminal->exclusive = exclusive;
    terminal_unlock(terminal, enabled);
    return 0;
}

static ssize_t exclusive_get(struct terminal *terminal, vaddr_t to)
{
    int exclusive = terminal->exclusive;

    return user_put(to, &exclusive);
}

static ssize_t discipline_get(vaddr_t to)
{
    int discipline = N_TTY;

    return user_put(to, &discipline);
}

static ssize_t discipline_set(vaddr_t from)
{
    int discipline;

    if (user_get(&discipline, from))
        return -EFAULT;
    return discipline == N_TTY ? 0 : -EINVAL;
}

static ssize_t device_get(struct terminal *terminal, vaddr_t to)
{
    uint32_t device = device_number(terminal->major, terminal->minor);

    return user_put(to, &device);
}

static ssize_t carrier_get(struct terminal *terminal, vaddr_t to)
{
    struct termios2 settings;

    settings_get(terminal, &settings);
    int local = (settings.c_cflag & CLOCAL) != 0;
    return user_put(to, &local);
}

static ssize_t carrier_set(struct terminal *terminal, vaddr_t from)
{
    int local;

    if (user_get(&local, from))
        return -EFAULT;
    bool enabled = terminal_lock(terminal);
    struct termios2 settings = terminal->line.settings;
    settings.c_cflag = local ? settings.c_cflag | CLOCAL : settings.c_cflag & ~CLOCAL;
    settings_set_locked(terminal, &settings);
    terminal_unlock(terminal, enabled);
    return 0;
}

static ssize_t hang_up(struct terminal *terminal)
{
    if (!credentials_capable(credentials_current(), CAP_SYS_ADMIN))
        return -EPERM;
    terminal_hang_up(terminal);
    return 0;
}

ssize_t terminal_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct terminal_file *opened = file->private;
    struct terminal *terminal = opened->terminal;

    if (terminal_file_dead(opened))
        return command == TIOCSPGRP ? -ENOTTY : -EIO;
    switch (command) {
    case TCGETS:
        return settings_out(terminal, FORM_TERMIOS, argument);
    case TCSETS:
        return settings_change(terminal, FORM_TERMIOS, SETTINGS_NOW, argument);
    case TCSETSW:
        return settings_change(terminal, FORM_TERMIOS, SETTINGS_DRAIN, argument);
    case TCSETSF:
        return settings_change(terminal, FORM_TERMIOS, SETTINGS_FLUSH, argument);
    case TCGETS2:
        return settings_out(terminal, FORM_TERMIOS2, argument);
    case TCSETS2:
        return settings_change(terminal, FORM_TERMIOS2, SETTINGS_NOW, argument);
    case TCSETSW2:
        return settings_change(terminal, FORM_TERMIOS2, SETTINGS_DRAIN, argument);
    case TCSETSF2:
        return settings_change(terminal, FORM_TERMIOS2, SETTINGS_FLUSH, argument);
    case TCGETA:
        return settings_out(terminal, FORM_TERMIO, argument);
    case TCSETA:
        return settings_change(terminal, FORM_TERMIO, SETTINGS_NOW, argument);
    case TCSETAW:
        return settings_change(terminal, FORM_TERMIO, SETTINGS_DRAIN, argument);
    case TCSETAF:
        return settings_change(terminal, FORM_TERMIO, SETTINGS_FLUSH, argument);
    case TIOCGWINSZ:
        return size_get(terminal, argument);
    case TIOCSWINSZ:
        return size_set(terminal, argument);
    case TIOCGPGRP:
        return terminal_foreground_get(terminal, false, argument);
    case TIOCSPGRP:
        return terminal_foreground_set(terminal, argument);
    case TIOCGSID:
        return terminal_session_get(terminal, false, argument);
    case TIOCSCTTY:
        return terminal_set_controlling(terminal, file, argument == 1);
    case TIOCNOTTY:
        return terminal_give_up(terminal);
    case TCFLSH:
        return flush(terminal, argument);
    case TCXONC:
        return flow(terminal, argument);
    case TCSBRK:
    case TCSBRKP:
        return send_break(terminal);
    case TIOCINQ:
        return count_input(terminal, argument);
    case TIOCOUTQ:
        return count_output(terminal, argument);
    case TIOCEXCL:
        return exclusive_set(terminal, true);
    case TIOCNXCL:
        return exclusive_set(terminal, false);
    case TIOCGEXCL:
        return exclusive_get(terminal, argument);
    case TIOCGETD:
        return discipline_get(argument);
    case TIOCSETD:
        return discipline_set(argument);
    case TIOCGDEV:
        return device_get(terminal, argument);
    case TIOCGSOFTCAR:
        return carrier_get(terminal, argument);
    case TIOCSSOFTCAR:
        return carrier_set(terminal, argument);
    case TIOCVHANGUP:
        return hang_up(terminal);
    case TIOCSTI:
        return type(terminal, argument);
    default:
        return terminal->device->ioctl ? terminal->device->ioctl(terminal, file, command, argument)
                                       : -ENOTTY;
    }
}

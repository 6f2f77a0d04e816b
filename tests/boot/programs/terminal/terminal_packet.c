/*
 * terminal_packet: what the two sides of a pseudo-terminal tell each other: packet mode, stopping
 * and starting, flushing, counting (ioctl_tty(2), termios(3), pty(7)). Each case has a pair of its
 * own.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>

#include "cases.h"

#ifndef EXTPROC
#define EXTPROC 0200000
#endif

#define STOP  "\023"
#define START "\021"

static int master, slave;

static bool pair_open(void)
{
    char name[32];
    unsigned number = 0;
    int unlocked = 0;

    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) || ioctl(master, TIOCGPTN, &number))
        return false;
    snprintf(name, sizeof(name), "/dev/pts/%u", number);
    slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    return slave >= 0;
}

static bool packet_open(void)
{
    int on = 1;

    return pair_open() && ioctl(master, TIOCPKT, &on) == 0;
}

static bool put(int file, const char *text)
{
    return write(file, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool readable(int file, int milliseconds)
{
    struct pollfd wait = {.fd = file, .events = POLLIN};

    return poll(&wait, 1, milliseconds) == 1 && wait.revents & POLLIN;
}

static bool writable(int file)
{
    struct pollfd wait = {.fd = file, .events = POLLOUT};

    return poll(&wait, 1, 0) == 1 && wait.revents & POLLOUT;
}

/* The next read gives just this. */
static bool gives(int file, const char *expected, size_t size)
{
    char text[4096];

    if (!readable(file, 2000))
        return false;
    ssize_t count = read(file, text, sizeof(text));
    if (count == (ssize_t)size && memcmp(text, expected, size) == 0)
        return true;
    tap_note("read gave %zd bytes, the first one is %#x", count, count > 0 ? text[0] & 0xff : 0);
    return false;
}

static bool gives_text(int file, const char *expected)
{
    return gives(file, expected, strlen(expected));
}

static bool gives_status(int status)
{
    char byte = (char)status;

    return gives(master, &byte, 1);
}

/* Nothing comes, also not soon. */
static bool silent(int file)
{
    return !readable(file, 50);
}

static struct termios settings_of(void)
{
    struct termios settings = {0};

    tcgetattr(slave, &settings);
    return settings;
}

static bool set(const struct termios *settings)
{
    return tcsetattr(slave, TCSANOW, settings) == 0;
}

/* Without line editing, echo and signals. */
static bool make_raw(void)
{
    struct termios settings = settings_of();

    cfmakeraw(&settings);
    return set(&settings);
}

static int count_of(int file, unsigned long command)
{
    int count = -1;

    return ioctl(file, command, &count) ? -1 : count;
}

/* ---- packet mode ---- */

static bool packet_flush(void)
{
    REQUIRE(packet_open());
    REQUIRE(tcflush(slave, TCIFLUSH) == 0 && gives_status(TIOCPKT_FLUSHREAD));
    REQUIRE(tcflush(slave, TCOFLUSH) == 0 && gives_status(TIOCPKT_FLUSHWRITE));
    REQUIRE(tcflush(slave, TCIOFLUSH) == 0);
    REQUIRE(gives_status(TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE));
    struct termios settings = settings_of();
    REQUIRE(tcsetattr(slave, TCSAFLUSH, &settings) == 0 && gives_status(TIOCPKT_FLUSHREAD));
    return true;
}

static bool packet_interrupt(void)
{
    REQUIRE(packet_open() && put(master, "\003"));
    REQUIRE(gives_status(TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE));
    REQUIRE(gives(master, "\0^C", 3));
    return true;
}

static bool packet_stop(void)
{
    REQUIRE(packet_open());
    REQUIRE(tcflow(slave, TCOOFF) == 0 && gives_status(TIOCPKT_STOP));
    REQUIRE(tcflow(slave, TCOOFF) == 0 && silent(master));
    REQUIRE(tcflow(slave, TCOON) == 0 && gives_status(TIOCPKT_START));
    REQUIRE(tcflow(slave, TCOON) == 0 && silent(master));
    REQUIRE(put(master, STOP) && gives_status(TIOCPKT_STOP));
    REQUIRE(put(master, START) && gives_status(TIOCPKT_START));
    REQUIRE(tcflow(slave, TCOOFF) == 0 && tcflow(slave, TCOON) == 0);
    REQUIRE(gives_status(TIOCPKT_START) && silent(master));
    return true;
}

static bool packet_do_stop(void)
{
    REQUIRE(packet_open());
    struct termios settings = settings_of();
    settings.c_iflag &= ~IXON;
    REQUIRE(set(&settings) && gives_status(TIOCPKT_NOSTOP));
    REQUIRE(set(&settings) && silent(master));
    settings.c_iflag |= IXON;
    REQUIRE(set(&settings) && gives_status(TIOCPKT_DOSTOP));
    settings.c_cc[VSTOP] = 'x';
    REQUIRE(set(&settings) && gives_status(TIOCPKT_NOSTOP));
    settings.c_cc[VSTOP] = STOP[0];
    REQUIRE(set(&settings) && gives_status(TIOCPKT_DOSTOP));
    settings.c_iflag &= ~IXON;
    REQUIRE(set(&settings));
    settings.c_iflag |= IXON;
    REQUIRE(set(&settings) && gives_status(TIOCPKT_DOSTOP) && silent(master));
    return true;
}

static bool packet_external(void)
{
    REQUIRE(packet_open());
    struct termios settings = settings_of();
    settings.c_lflag |= EXTPROC;
    REQUIRE(set(&settings) && gives_status(TIOCPKT_IOCTL));
    settings.c_lflag &= ~ECHO;
    REQUIRE(set(&settings) && gives_status(TIOCPKT_IOCTL));
    settings.c_lflag &= ~EXTPROC;
    REQUIRE(set(&settings) && gives_status(TIOCPKT_IOCTL));
    REQUIRE(set(&settings) && silent(master));
    return true;
}

static bool packet_on_and_off(void)
{
    int on = 1, off = 0;

    REQUIRE(packet_open() && count_of(master, TIOCGPKT) == 1);
    REQUIRE(tcflush(slave, TCIFLUSH) == 0 && ioctl(master, TIOCPKT, &on) == 0);
    REQUIRE(gives_status(TIOCPKT_FLUSHREAD));
    REQUIRE(tcflush(slave, TCIFLUSH) == 0 && ioctl(master, TIOCPKT, &off) == 0);
    REQUIRE(count_of(master, TIOCGPKT) == 0 && silent(master));
    REQUIRE(tcflush(slave, TCIFLUSH) == 0 && ioctl(master, TIOCPKT, &on) == 0 && silent(master));
    REQUIRE_ERRNO(ioctl(slave, TIOCPKT, &on), ENOTTY);
    return true;
}

static bool packet_status_first(void)
{
    struct pollfd wait;

    REQUIRE(packet_open());
    REQUIRE(put(slave, "data") && readable(master, 2000) && tcflush(slave, TCIFLUSH) == 0);
    wait = (struct pollfd){.fd = master, .events = POLLIN | POLLPRI};
    REQUIRE(poll(&wait, 1, 0) == 1 && wait.revents == (POLLIN | POLLPRI));
    REQUIRE(gives_status(TIOCPKT_FLUSHREAD));
    REQUIRE(poll(&wait, 1, 0) == 1 && wait.revents == POLLIN);
    REQUIRE(gives(master, "\0data", 5));
    return true;
}

static bool packet_small_read(void)
{
    char byte = 1;

    REQUIRE(packet_open() && put(slave, "data") && readable(master, 2000));
    REQUIRE(read(master, &byte, 1) == 1 && byte == TIOCPKT_DATA);
    REQUIRE(gives(master, "\0data", 5));
    return true;
}

static bool packet_large_read(void)
{
    char packet[2001] = {0}, back[4000];

    memset(packet + 1, 'x', sizeof(packet) - 1);
    REQUIRE(packet_open());
    REQUIRE(write(slave, packet + 1, sizeof(packet) - 1) == sizeof(packet) - 1);
    REQUIRE(EVENTUALLY(count_of(master, FIONREAD) == sizeof(packet) - 1));
    REQUIRE(read(master, back, sizeof(back)) == sizeof(packet));
    REQUIRE(memcmp(packet, back, sizeof(packet)) == 0);
    return true;
}

/* ---- stopping and starting ---- */

static bool stopped_writer(void)
{
    REQUIRE(pair_open() && put(slave, "before") && tcflow(slave, TCOOFF) == 0);
    REQUIRE(!writable(slave));
    REQUIRE_ERRNO(write(slave, "x", 1), EAGAIN);
    REQUIRE(gives_text(master, "before"));
    REQUIRE(tcflow(slave, TCOON) == 0 && writable(slave));
    REQUIRE(put(slave, "after") && gives_text(master, "after"));
    return true;
}

static bool stopped_echo(void)
{
    char text[16];

    REQUIRE(pair_open() && tcflow(slave, TCOOFF) == 0);
    REQUIRE(put(master, "typed") && silent(master));
    /* Linux lets the echo go with the next byte, not before. */
    REQUIRE(tcflow(slave, TCOON) == 0 && put(slave, "x"));
    REQUIRE(EVENTUALLY(count_of(master, FIONREAD) == 6));
    REQUIRE(read(master, text, sizeof(text)) == 6 && memcmp(text, "typedx", 6) == 0);
    return true;
}

/* Waits until what was typed has been dealt with: it is there to be read. */
static bool typed(const char *text)
{
    return put(master, text) && readable(slave, 2000);
}

static bool hold_outlasts_start(void)
{
    REQUIRE(pair_open() && tcflow(slave, TCOOFF) == 0);
    REQUIRE(typed(START "\n"));
    REQUIRE_ERRNO(write(slave, "x", 1), EAGAIN);
    struct termios settings = settings_of();
    settings.c_iflag &= ~IXON;
    REQUIRE(set(&settings));
    REQUIRE_ERRNO(write(slave, "x", 1), EAGAIN);
    return true;
}

static bool hold_ends_stop(void)
{
    REQUIRE(pair_open() && typed(STOP "\n"));
    REQUIRE_ERRNO(write(slave, "x", 1), EAGAIN);
    REQUIRE(tcflow(slave, TCOON) == 0);
    REQUIRE_ERRNO(write(slave, "x", 1), EAGAIN);
    REQUIRE(tcflow(slave, TCOOFF) == 0 && tcflow(slave, TCOON) == 0);
    REQUIRE(put(slave, "x"));
    return true;
}

static bool any_key_starts(void)
{
    REQUIRE(pair_open());
    struct termios settings = settings_of();
    settings.c_iflag |= IXANY;
    settings.c_lflag &= ~ECHO;
    REQUIRE(set(&settings) && typed(STOP "\n"));
    REQUIRE(put(slave, "x"));
    REQUIRE(tcflow(slave, TCOOFF) == 0 && put(master, "y\n"));
    sleep_ms(50);
    REQUIRE_ERRNO(write(slave, "x", 1), EAGAIN);
    return true;
}

static bool settings_start(void)
{
    REQUIRE(pair_open() && typed(STOP "\n"));
    struct termios settings = settings_of();
    REQUIRE(set(&settings));
    REQUIRE_ERRNO(write(slave, "x", 1), EAGAIN);
    settings.c_iflag &= ~IXON;
    REQUIRE(set(&settings) && put(slave, "x"));
    return true;
}

static bool ask_other_side(void)
{
    REQUIRE(pair_open());
    REQUIRE(tcflow(slave, TCIOFF) == 0 && gives_text(master, STOP));
    REQUIRE(tcflow(slave, TCION) == 0 && gives_text(master, START));
    REQUIRE(put(master, STOP) && EVENTUALLY(!writable(slave)));
    REQUIRE(tcflow(slave, TCIOFF) == 0 && gives_text(master, STOP) && !writable(slave));
    REQUIRE(put(master, START) && EVENTUALLY(writable(slave)));
    REQUIRE(tcflow(slave, TCOOFF) == 0 && tcflow(slave, TCIOFF) == 0 && silent(master));
    REQUIRE(tcflow(slave, TCOON) == 0);
    struct termios settings = settings_of();
    settings.c_cc[VSTOP] = _POSIX_VDISABLE;
    REQUIRE(set(&settings));
    REQUIRE(tcflow(slave, TCIOFF) == 0 && silent(master));
    REQUIRE_ERRNO(tcflow(slave, 4), EINVAL);
    return true;
}

/* ---- the master's own queues ---- */

static bool master_flush(void)
{
    REQUIRE(pair_open() && make_raw() && put(master, "typed") && put(slave, "shown"));
    REQUIRE(readable(slave, 2000) && readable(master, 2000));
    REQUIRE(tcflush(master, TCIFLUSH) == 0 && silent(master));
    REQUIRE(tcflush(master, TCOFLUSH) == 0 && gives_text(slave, "typed"));
    REQUIRE(put(master, "typed") && put(slave, "shown") && readable(slave, 2000));
    REQUIRE(readable(master, 2000));
    REQUIRE(tcflush(master, TCIOFLUSH) == 0 && silent(master) && gives_text(slave, "typed"));
    REQUIRE_ERRNO(tcflush(master, 3), EINVAL);
    return true;
}

static bool slave_flush(void)
{
    REQUIRE(pair_open() && make_raw() && put(master, "typed") && put(slave, "shown"));
    REQUIRE(readable(slave, 2000) && readable(master, 2000));
    REQUIRE(tcflush(slave, TCIOFLUSH) == 0 && silent(slave));
    REQUIRE(gives_text(master, "shown")); /* it had been sent */
    return true;
}

static bool master_stop(void)
{
    REQUIRE(pair_open() && make_raw() && tcflow(master, TCOOFF) == 0);
    REQUIRE(!writable(master));
    REQUIRE_ERRNO(write(master, "x", 1), EAGAIN);
    REQUIRE(put(slave, "x") && gives_text(master, "x"));
    REQUIRE(tcflow(master, TCOON) == 0 && writable(master));
    REQUIRE(put(master, "y") && gives_text(slave, "y"));
    REQUIRE_ERRNO(tcflow(master, 4), EINVAL);
    return true;
}

static bool master_asks(void)
{
    REQUIRE(pair_open() && tcflow(master, TCIOFF) == 0);
    REQUIRE(EVENTUALLY(!writable(slave)));
    REQUIRE(tcflow(master, TCION) == 0);
    REQUIRE(EVENTUALLY(writable(slave)));
    return true;
}

static bool master_exclusive(void)
{
    REQUIRE(pair_open() && ioctl(master, TIOCEXCL) == 0);
    REQUIRE(count_of(master, TIOCGEXCL) == 1 && count_of(slave, TIOCGEXCL) == 0);
    REQUIRE(ioctl(slave, TIOCEXCL) == 0 && ioctl(master, TIOCNXCL) == 0);
    REQUIRE(count_of(master, TIOCGEXCL) == 0 && count_of(slave, TIOCGEXCL) == 1);
    return true;
}

static bool counts(void)
{
    REQUIRE(pair_open() && put(master, "line\npart") && readable(slave, 2000));
    REQUIRE(EVENTUALLY(count_of(master, FIONREAD) == 10)); /* the echo, with its \r */
    REQUIRE(count_of(slave, FIONREAD) == 5);
    REQUIRE(count_of(master, TIOCOUTQ) == 0 && count_of(slave, TIOCOUTQ) == 0);
    REQUIRE(put(master, "\004") && EVENTUALLY(count_of(slave, FIONREAD) == 9));
    return true;
}

/* ---- modes ---- */

static bool raw_to_canonical(void)
{
    REQUIRE(pair_open() && make_raw() && put(master, "one\ntwo\nthree"));
    REQUIRE(EVENTUALLY(count_of(slave, FIONREAD) == 13));
    struct termios settings = settings_of();
    settings.c_lflag |= ICANON;
    REQUIRE(set(&settings) && gives_text(slave, "one\ntwo\nthree"));
    REQUIRE(put(master, "four\nfive\n") && EVENTUALLY(count_of(slave, FIONREAD) == 10));
    REQUIRE(gives_text(slave, "four\n") && gives_text(slave, "five\n"));
    return true;
}

/* What was typed in raw mode is one read, and what is typed behind it another. */
static bool raw_then_lines(void)
{
    REQUIRE(pair_open() && make_raw() && put(master, "one\ntwo\n"));
    REQUIRE(EVENTUALLY(count_of(slave, FIONREAD) == 8));
    struct termios settings = settings_of();
    settings.c_lflag |= ICANON;
    REQUIRE(set(&settings) && put(master, "three\n"));
    REQUIRE(EVENTUALLY(count_of(slave, FIONREAD) == 14));
    REQUIRE(gives_text(slave, "one\ntwo\n") && gives_text(slave, "three\n"));
    return true;
}

static bool canonical_to_raw(void)
{
    REQUIRE(pair_open() && put(master, "one\ntwo") && readable(slave, 2000));
    REQUIRE(make_raw() && gives_text(slave, "one\ntwo"));
    return true;
}

static bool external_processing(void)
{
    REQUIRE(pair_open());
    struct termios settings = settings_of();
    settings.c_lflag |= EXTPROC;
    REQUIRE(set(&settings) && put(master, "a\003b\177\r") && gives_text(slave, "a\003b\177\r"));
    REQUIRE(silent(master));
    return true;
}

static bool line_of_bytes(void)
{
    REQUIRE(pair_open());
    struct termios settings = settings_of();
    settings.c_cflag = (settings.c_cflag & ~(CSIZE | CREAD)) | CS5 | PARENB;
    /* tcsetattr(3) of some C libraries fails when not all of it could be done. */
    REQUIRE(ioctl(slave, TCSETS, &settings) == 0);
    settings = settings_of();
    REQUIRE((settings.c_cflag & (CSIZE | CREAD | PARENB)) == (CS8 | CREAD));
    return true;
}

/* ---- commands that take effect or are refused ---- */

static bool typed_by_ioctl(void)
{
    REQUIRE(pair_open());
    REQUIRE(ioctl(slave, TIOCSTI, "x") == 0 && ioctl(slave, TIOCSTI, "\n") == 0);
    REQUIRE(gives_text(slave, "x\n"));
    return true;
}

static bool typed_by_other(void)
{
    REQUIRE(pair_open() && setuid(1000) == 0);
    REQUIRE_ERRNO(ioctl(slave, TIOCSTI, "x"), EPERM);
    return true;
}

static bool refused(void)
{
    int value = 0, discipline = 25; /* nobody's */

    REQUIRE(pair_open());
    REQUIRE_ERRNO(ioctl(slave, TIOCMGET, &value), ENOTTY);
    REQUIRE_ERRNO(ioctl(slave, TIOCMSET, &value), ENOTTY);
    REQUIRE_ERRNO(ioctl(slave, TIOCGPTN, &value), ENOTTY);
    REQUIRE_ERRNO(ioctl(slave, TIOCSIG, SIGINT), ENOTTY);
    REQUIRE_ERRNO(ioctl(slave, TIOCSETD, &discipline), EINVAL);
    REQUIRE_ERRNO(ioctl(master, TIOCSIG, SIGHUP), EINVAL);
    REQUIRE(ioctl(slave, TIOCSBRK) == 0 && ioctl(slave, TIOCCBRK) == 0);
    REQUIRE(ioctl(master, TCSBRK, 0) == 0 && ioctl(slave, TCSBRKP, 1) == 0);
    return true;
}

static const struct test_case cases[] = {
    {"a flush is told", "TIOCPKT", packet_flush},
    {"a signal's flush is told", "TIOCPKT", packet_interrupt},
    {"stop and start are told, the last one only", "TIOCPKT", packet_stop},
    {"whether ^S and ^Q stop and start is told", "TIOCPKT", packet_do_stop},
    {"settings are told under EXTPROC", "TIOCPKT", packet_external},
    {"turning it on forgets what was to be told", "TIOCPKT", packet_on_and_off},
    {"a status comes alone, before the data", "TIOCPKT", packet_status_first},
    {"a read of one byte gives the status", "TIOCPKT", packet_small_read},
    {"a packet is as large as the reader's buffer", "TIOCPKT", packet_large_read},
    {"a stopped terminal takes nothing", "tcflow(3)", stopped_writer},
    {"echo waits while output is stopped", "tcflow(3)", stopped_echo},
    {"TCOOFF is ended by TCOON alone", "tcflow(3)", hold_outlasts_start},
    {"TCOON ends what TCOOFF began", "tcflow(3)", hold_ends_stop},
    {"IXANY: any key starts, but not what TCOOFF stopped", "termios(3)", any_key_starts},
    {"clearing IXON starts", "termios(3)", settings_start},
    {"TCIOFF and TCION send STOP and START, even when stopped", "tcflow(3)", ask_other_side},
    {"the master's input is what the slave wrote", "tcflush(3)", master_flush},
    {"what the slave wrote has been sent", "tcflush(3)", slave_flush},
    {"the master's output can be stopped", "tcflow(3)", master_stop},
    {"the master types STOP and START", "tcflow(3)", master_asks},
    {"each side has its own TIOCEXCL", "ioctl_tty(2)", master_exclusive},
    {"FIONREAD and TIOCOUTQ of both sides", "ioctl_tty(2)", counts},
    {"from raw to canonical: one read", "termios(3)", raw_to_canonical},
    {"lines behind what came raw", "termios(3)", raw_then_lines},
    {"from canonical to raw: what was typed so far", "termios(3)", canonical_to_raw},
    {"EXTPROC: bytes pass as they are", "ioctl_tty(2)", external_processing},
    {"a pseudo-terminal has eight bits and no parity", "pty(7)", line_of_bytes},
    {"TIOCSTI types", "ioctl_tty(2)", typed_by_ioctl},
    {"TIOCSTI: not into somebody else's terminal", "ioctl_tty(2)", typed_by_other},
    {"what a pseudo-terminal does not have", "ioctl_tty(2)", refused},
};

int main(void)
{
    mkdir("/dev/pts", 0755);
    if (access("/dev/pts/ptmx", F_OK) && mount("devpts", "/dev/pts", "devpts", 0, "mode=620,gid=5"))
        tap_note("devpts: %s", strerror(errno));
    signal(SIGINT, SIG_IGN);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

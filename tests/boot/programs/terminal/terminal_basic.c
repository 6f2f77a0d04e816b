/*
 * terminal_basic: terminals as POSIX ("General Terminal Interface"), termios(3), ioctl_tty(2) and
 * pty(7) have them, each on a fresh pseudo-terminal. What a check rests on stands in its name.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "children.h"
#include "tap.h"

static int master, slave;
static char slave_name[32];

/* A new pair; the slave is opened unless only the master is wanted. */
static void pair_open(bool with_slave)
{
    unsigned number = 0;
    int unlocked = 0;

    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    ioctl(master, TIOCSPTLCK, &unlocked);
    ioctl(master, TIOCGPTN, &number);
    snprintf(slave_name, sizeof(slave_name), "/dev/pts/%u", number);
    slave = with_slave ? open(slave_name, O_RDWR | O_NOCTTY) : -1;
}

static void pair_close(void)
{
    close(slave);
    close(master);
}

static void put(int file, const char *text)
{
    if (write(file, text, strlen(text)) != (ssize_t)strlen(text))
        tap_note("write: %s", strerror(errno));
}

/* What can be read within a tenth of a second. */
static const char *got(int file)
{
    static char text[8192];
    struct pollfd wait = {.fd = file, .events = POLLIN};
    size_t size = 0;

    while (size < sizeof(text) - 1 && poll(&wait, 1, 100) > 0 && wait.revents & POLLIN) {
        ssize_t count = read(file, text + size, sizeof(text) - 1 - size);
        if (count <= 0)
            break;
        size += count;
    }
    text[size] = '\0';
    return text;
}

static void check_got(int file, const char *expected, const char *name)
{
    const char *text = got(file);

    if (!tap_ok(strcmp(text, expected) == 0, "%s", name))
        tap_note("got \"%s\", expected \"%s\"", text, expected);
}

static void change(tcflag_t input_on, tcflag_t input_off, tcflag_t local_on, tcflag_t local_off)
{
    struct termios settings;

    tcgetattr(slave, &settings);
    settings.c_iflag = (settings.c_iflag | input_on) & ~input_off;
    settings.c_lflag = (settings.c_lflag | local_on) & ~local_off;
    tcsetattr(slave, TCSANOW, &settings);
}

static void raw(int minimum, int tenths)
{
    struct termios settings;

    tcgetattr(slave, &settings);
    cfmakeraw(&settings);
    settings.c_cc[VMIN] = minimum;
    settings.c_cc[VTIME] = tenths;
    tcsetattr(slave, TCSANOW, &settings);
}

/* ---- opening and closing ---- */

static void test_open(void)
{
    struct stat status;
    unsigned number;
    int locked = 0, file;

    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    if (!tap_ok(master >= 0, "pts(4): opening /dev/ptmx makes a master"))
        return;
    tap_errno(ioctl(master, TIOCGPTN, &number), 0, "ioctl_tty(2): TIOCGPTN");
    snprintf(slave_name, sizeof(slave_name), "/dev/pts/%u", number);
    tap_ok(ioctl(master, TIOCGPTLCK, &locked) == 0 && locked, "TIOCGPTLCK: it begins locked");
    tap_errno(open(slave_name, O_RDWR | O_NOCTTY), EIO, "unlockpt(3): a locked slave: EIO");
    locked = 0;
    tap_errno(ioctl(master, TIOCSPTLCK, &locked), 0, "TIOCSPTLCK");
    slave = open(slave_name, O_RDWR | O_NOCTTY);
    tap_ok(slave >= 0, "pts(4): the slave is in /dev/pts");
    file = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    tap_ok(file >= 0 && isatty(file), "ioctl_tty(2): TIOCGPTPEER");
    close(file);
    tap_ok(fstat(slave, &status) == 0 && S_ISCHR(status.st_mode) && major(status.st_rdev) == 136 &&
               minor(status.st_rdev) == number,
           "pts(4): it is a character device with major number 136");
    tap_ok(stat(slave_name, &status) == 0 && (status.st_mode & 0777) == 0620 &&
               status.st_uid == geteuid(),
           "grantpt(3): it belongs to who opened the master, mode 0620");
    tap_ok(isatty(slave) && isatty(master), "isatty(3): both sides are terminals");
    tap_ok(ttyname(slave) && strcmp(ttyname(slave), slave_name) == 0, "ttyname(3)");
    tap_errno(lseek(slave, 0, SEEK_SET), ESPIPE, "lseek(2): a terminal: ESPIPE");
    tap_errno(pread(slave, &number, 1, 0), ESPIPE, "pread(2): a terminal: ESPIPE");

    put(slave, "left");
    close(slave);
    check_got(master, "left", "pty(7): output stays readable when the slave is closed");
    tap_errno(read(master, &number, 1), EIO, "pty(7): then reading the master: EIO");
    slave = open(slave_name, O_RDWR | O_NOCTTY);
    put(slave, "again");
    check_got(master, "again", "pty(7): the slave can be opened again");

    file = dup(slave);
    close(master);
    tap_ok(read(slave, &number, 1) == 0, "pty(7): reading without a master: end of file");
    tap_errno(write(slave, "x", 1), EIO, "pty(7): writing without a master: EIO");
    struct pollfd wait = {.fd = slave, .events = POLLIN};
    tap_ok(poll(&wait, 1, 0) == 1 && wait.revents & POLLHUP, "poll(2): without a master: POLLHUP");
    tap_errno(open(slave_name, O_RDWR), ENOENT, "pts(4): its name is gone");
    close(slave);
    close(file);
}

static void test_settings(void)
{
    struct termios settings, back;

    pair_open(true);
    tap_errno(tcgetattr(slave, &settings), 0, "tcgetattr(3)");
    tap_ok(settings.c_iflag == (ICRNL | IXON) && settings.c_oflag == (OPOST | ONLCR) &&
               settings.c_lflag ==
                   (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN),
           "termios(3): a new terminal edits lines and echoes");
    tap_ok(settings.c_cc[VINTR] == 3 && settings.c_cc[VQUIT] == 28 &&
               settings.c_cc[VERASE] == 127 && settings.c_cc[VKILL] == 21 &&
               settings.c_cc[VEOF] == 4 && settings.c_cc[VSUSP] == 26,
           "termios(3): the usual control characters");
    cfmakeraw(&settings);
    settings.c_cc[VMIN] = 7;
    cfsetspeed(&settings, B57600);
    tcsetattr(slave, TCSANOW, &settings);
    tcgetattr(master, &back);
    tap_ok(back.c_cc[VMIN] == 7 && cfgetospeed(&back) == B57600 && !(back.c_lflag & ICANON),
           "pty(7): both sides have the same settings");
    tap_errno(tcsetattr(slave, 99, &settings), EINVAL, "tcsetattr(3): bad action: EINVAL");
    tap_errno(ioctl(slave, 0x5499, 0), ENOTTY, "ioctl(2): unknown command: ENOTTY");
    tap_errno(ioctl(slave, TCGETS, (void *)8), EFAULT, "ioctl(2): bad address: EFAULT");
    tap_errno(ioctl(slave, TCFLSH, 9), EINVAL, "tcflush(3): bad queue: EINVAL");

    struct winsize size = {1, 2, 3, 4}, other = {0};
    tap_ok(ioctl(slave, TIOCGWINSZ, &size) == 0 && size.ws_row == 0 && size.ws_col == 0,
           "TIOCGWINSZ: a new terminal has no size");
    size = (struct winsize){24, 80, 0, 0};
    tap_errno(ioctl(master, TIOCSWINSZ, &size), 0, "TIOCSWINSZ on the master");
    tap_ok(ioctl(slave, TIOCGWINSZ, &other) == 0 && other.ws_row == 24 && other.ws_col == 80,
           "TIOCGWINSZ on the slave sees it");
    pair_close();
}

/* ---- lines ---- */

static void test_lines(void)
{
    char text[8];
    int count = 0;

    pair_open(true);
    put(master, "one\ntwo\n");
    check_got(master, "one\r\ntwo\r\n", "termios(3): ECHO and ONLCR");
    tap_ok(ioctl(slave, FIONREAD, &count) == 0 && count == 8, "FIONREAD counts complete lines");
    tap_ok(read(slave, text, sizeof(text)) == 4 && memcmp(text, "one\n", 4) == 0,
           "POSIX 11.1.6: a read gives one line");
    tap_ok(read(slave, text, 2) == 2 && memcmp(text, "tw", 2) == 0,
           "POSIX 11.1.6: a line can be read in pieces");
    tap_ok(read(slave, text, sizeof(text)) == 2 && memcmp(text, "o\n", 2) == 0, "…the rest");
    put(master, "abc");
    struct pollfd wait = {.fd = slave, .events = POLLIN};
    tap_ok(poll(&wait, 1, 50) == 0, "poll(2): half a line is not readable");
    put(master, "\177\177x\r");
    check_got(slave, "ax\n", "POSIX 11.1.9: ERASE, and ICRNL");
    put(master, "one two\027three\n");
    check_got(slave, "one three\n", "termios(3): WERASE");
    put(master, "one two\025x\n");
    check_got(slave, "x\n", "POSIX 11.1.9: KILL");
    put(master, "a\026\003\n");
    check_got(slave, "a\003\n", "termios(3): LNEXT");
    put(master, "\004");
    tap_ok(read(slave, text, sizeof(text)) == 0, "POSIX 11.1.9: EOF ends a file");
    put(master, "ab\004");
    tap_ok(read(slave, text, sizeof(text)) == 2, "POSIX 11.1.9: EOF ends half a line");
    put(master, "\n");
    got(slave);
    got(master);
    put(master, "\001\t\177");
    check_got(master, "^A\t\b\b\b\b\b\b", "termios(3): ECHOCTL and ECHOE");
    put(master, "\n");
    tcflush(slave, TCIFLUSH);
    tap_ok(poll(&wait, 1, 0) == 0, "tcflush(3): TCIFLUSH drops what was typed");
    got(master);
    change(0, 0, 0, ECHO);
    put(master, "secret\n");
    check_got(master, "", "termios(3): no ECHO");
    check_got(slave, "secret\n", "…but it was read");
    pair_close();
}

static void test_raw(void)
{
    static unsigned char bytes[4000], back[4000];
    char text[16];
    long started;

    pair_open(true);
    raw(1, 0);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    pid_t child = fork();
    if (child == 0) {
        ssize_t done = write(master, bytes, sizeof(bytes));
        _exit(done != sizeof(bytes));
    }
    size_t size = 0;
    while (size < sizeof(bytes)) {
        ssize_t count = read(slave, back + size, sizeof(back) - size);
        if (count <= 0)
            break;
        size += count;
    }
    tap_ok(status_of(child) == 0 && size == sizeof(bytes) && memcmp(bytes, back, size) == 0,
           "cfmakeraw(3): every byte passes to the slave");
    child = fork();
    if (child == 0) {
        ssize_t done = 0;
        for (int i = 0; i < 20; i++)
            done += write(slave, bytes, sizeof(bytes));
        _exit(done != 20 * sizeof(bytes));
    }
    bool same = true;
    for (size_t total = 0; total < 20 * sizeof(bytes);) {
        ssize_t count = read(master, back, sizeof(back));
        if (count <= 0) {
            same = false;
            break;
        }
        for (ssize_t i = 0; i < count; i++)
            same &= back[i] == bytes[(total + i) % sizeof(bytes)];
        total += count;
    }
    tap_ok(status_of(child) == 0 && same, "cfmakeraw(3): every byte passes to the master");

    raw(3, 0);
    put(master, "ab");
    struct pollfd wait = {.fd = slave, .events = POLLIN};
    tap_ok(poll(&wait, 1, 50) == 0, "poll(2): fewer than MIN bytes are not readable");
    put(master, "c");
    tap_ok(poll(&wait, 1, 50) == 1 && read(slave, text, sizeof(text)) == 3,
           "POSIX 11.1.7, case B: MIN bytes are");
    raw(0, 2);
    started = now_ms();
    tap_ok(read(slave, text, sizeof(text)) == 0 && now_ms() - started >= 150,
           "POSIX 11.1.7, case C: TIME without a byte");
    raw(5, 1);
    put(master, "ab");
    tap_ok(read(slave, text, sizeof(text)) == 2, "POSIX 11.1.7, case A: TIME after a byte");
    raw(0, 0);
    tap_ok(read(slave, text, sizeof(text)) == 0, "POSIX 11.1.7, case D: no waiting");
    raw(1, 0);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    tap_errno(read(slave, text, sizeof(text)), EAGAIN, "read(2): O_NONBLOCK: EAGAIN");
    fcntl(slave, F_SETFL, 0);
    put(master, "\021\023\032");
    check_got(slave, "\021\023\032", "cfmakeraw(3): control characters pass");
    fcntl(master, F_SETFL, O_NONBLOCK);
    ssize_t total = 0, count;
    while ((count = write(master, bytes, sizeof(bytes))) > 0)
        total += count;
    tap_ok(count < 0 && errno == EAGAIN && total >= 4000,
           "write(2): a full buffer, O_NONBLOCK: EAGAIN");
    ssize_t taken = 0;
    while (poll(&wait, 1, 50) > 0 && (count = read(slave, back, sizeof(back))) > 0)
        taken += count;
    tap_ok(taken == total, "what was written is all read");
    pair_close();
}

/* Whether a write to a stopped terminal waits is nobody's promise: a child does it. */
static pid_t put_by_child(const char *text)
{
    pid_t child = fork();

    if (child == 0) {
        put(slave, text);
        _exit(0);
    }
    return child;
}

static void test_flow(void)
{
    pair_open(true);
    put(master, "\023");
    pid_t child = put_by_child("held");
    check_got(master, "", "termios(3): IXON: STOP holds output");
    put(master, "\021");
    check_got(master, "held", "termios(3): IXON: START lets it go");
    status_of(child);
    tcflow(slave, TCOOFF);
    child = put_by_child("more");
    check_got(master, "", "tcflow(3): TCOOFF");
    tcflow(slave, TCOON);
    check_got(master, "more", "tcflow(3): TCOON");
    status_of(child);
    pair_close();
}

/* ---- job control ---- */

static volatile sig_atomic_t caught;

static void catch_signal(int signal)
{
    caught = signal;
}

static void handle(int signal)
{
    struct sigaction action = {.sa_handler = catch_signal};

    sigaction(signal, &action, NULL);
}

static bool wait_caught(int signal)
{
    for (int i = 0; i < 100 && caught != signal; i++)
        sleep_ms(10);
    return caught == signal;
}

/* Each case runs in a child, for it makes a session. 0: passed; else the line that failed. */
#define need(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__ % 250 + 1;                                                             \
    } while (0)

/* The major number of the caller's terminal and its foreground, as /proc has them. */
static int proc_terminal(int *foreground)
{
    char text[512] = "";
    int device = -1, file = open("/proc/self/stat", O_RDONLY);

    if (read(file, text, sizeof(text) - 1) > 0 && strrchr(text, ')'))
        sscanf(strrchr(text, ')') + 4, "%*d %*d %*d %d %d", &device, foreground);
    close(file);
    return device >> 8;
}

static int case_acquire(void)
{
    int group = 0;

    need(ioctl(slave, TIOCGPGRP, &group) < 0 && errno == ENOTTY);
    need(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO);
    need(ioctl(slave, TIOCSCTTY, 0) < 0 && errno == EPERM);
    need(setsid() > 0);
    int own = open(slave_name, O_RDWR);
    need(own >= 0);
    need(tcgetpgrp(own) == getpid());
    need(tcgetsid(own) == getpid());
    int tty = open("/dev/tty", O_RDWR);
    need(tty >= 0 && tcgetpgrp(tty) == getpid());
    need(ioctl(own, TIOCSCTTY, 0) == 0);
    need(proc_terminal(&group) == 136 && group == getpid());
    need(tcsetpgrp(own, 1) < 0 && errno == EPERM);
    need(tcsetpgrp(own, 999999) < 0 && errno == ESRCH);
    need(tcsetpgrp(own, -5) < 0 && errno == EINVAL);
    signal(SIGHUP, SIG_IGN);
    need(ioctl(own, TIOCNOTTY, 0) == 0);
    need(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO);
    return 0;
}

static int case_noctty(void)
{
    need(setsid() > 0);
    int own = open(slave_name, O_RDWR | O_NOCTTY);
    need(own >= 0 && tcgetpgrp(own) < 0 && errno == ENOTTY);
    need(ioctl(own, TIOCSCTTY, 0) == 0 && tcgetpgrp(own) == getpid());
    return 0;
}

static int case_signals(void)
{
    setsid();
    need(ioctl(slave, TIOCSCTTY, 0) == 0);
    handle(SIGINT);
    handle(SIGQUIT);
    handle(SIGTSTP);
    handle(SIGWINCH);
    put(master, "abc");
    need(strcmp(got(master), "abc") == 0);
    put(master, "\003");
    need(wait_caught(SIGINT));
    need(strcmp(got(master), "^C") == 0);
    put(master, "\034");
    need(wait_caught(SIGQUIT));
    need(strcmp(got(master), "^\\") == 0);
    put(master, "\032");
    need(wait_caught(SIGTSTP));
    need(strcmp(got(master), "^Z") == 0); /* what came before was flushed */
    put(master, "x\n");
    need(strcmp(got(slave), "x\n") == 0); /* the rest was flushed */
    struct winsize size = {10, 20, 0, 0};
    ioctl(master, TIOCSWINSZ, &size);
    need(wait_caught(SIGWINCH));
    caught = 0;
    ioctl(master, TIOCSWINSZ, &size);
    sleep_ms(50);
    need(caught == 0); /* unchanged: no signal */
    change(0, 0, NOFLSH, 0);
    put(master, "abc\003\n");
    need(wait_caught(SIGINT));
    need(strcmp(got(slave), "abc\n") == 0);
    change(0, 0, 0, ISIG);
    put(master, "\003\n");
    need(strcmp(got(slave), "\003\n") == 0);
    return 0;
}

/* A read is interrupted, and restarted when the handler says so. */
static int case_interrupted(void)
{
    char byte;

    setsid();
    need(ioctl(slave, TIOCSCTTY, 0) == 0);
    handle(SIGINT);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(100);
        put(master, "\003");
        _exit(0);
    }
    need(read(slave, &byte, 1) < 0 && errno == EINTR);
    status_of(child);
    struct sigaction action = {.sa_handler = catch_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    child = fork();
    if (child == 0) {
        sleep_ms(100);
        put(master, "\003");
        sleep_ms(100);
        put(master, "q\n");
        _exit(0);
    }
    need(read(slave, &byte, 1) == 1 && byte == 'q');
    status_of(child);
    return 0;
}

/* In the background: reading stops, writing only with TOSTOP, changing settings always. */
static int case_background(void)
{
    int status;

    setsid();
    need(ioctl(slave, TIOCSCTTY, 0) == 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        setpgid(0, 0);
        _exit(read(slave, &byte, 1) == 1 && byte == 'g' ? 3 : 4);
    }
    setpgid(child, child);
    need(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    need(WSTOPSIG(status) == SIGTTIN);
    need(tcsetpgrp(slave, child) == 0 && tcgetpgrp(slave) == child);
    put(master, "g\n");
    kill(child, SIGCONT);
    need(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);

    signal(SIGTTOU, SIG_IGN);
    need(tcsetpgrp(slave, getpid()) == 0);
    signal(SIGTTOU, SIG_DFL);
    got(master);
    child = fork();
    if (child == 0) {
        struct termios settings;
        setpgid(0, 0);
        put(slave, "free");
        tcgetattr(slave, &settings);
        tcsetattr(slave, TCSANOW, &settings);
        _exit(0);
    }
    setpgid(child, child);
    need(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    need(WSTOPSIG(status) == SIGTTOU);
    need(strcmp(got(master), "free") == 0);
    kill(child, SIGKILL);
    status_of(child);

    change(0, 0, TOSTOP, 0);
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        put(slave, "stopped");
        _exit(0);
    }
    setpgid(child, child);
    need(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    need(WSTOPSIG(status) == SIGTTOU);
    kill(child, SIGKILL);
    status_of(child);

    child = fork();
    if (child == 0) {
        char byte;
        setpgid(0, 0);
        signal(SIGTTIN, SIG_IGN);
        _exit(read(slave, &byte, 1) < 0 && errno == EIO ? 5 : 6);
    }
    setpgid(child, child);
    need(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
    return 0;
}

/* The master is closed: the session's leader gets SIGHUP. */
static int case_hang_up(void)
{
    char byte;

    setsid();
    need(ioctl(slave, TIOCSCTTY, 0) == 0);
    handle(SIGHUP);
    close(master);
    need(wait_caught(SIGHUP));
    need(read(slave, &byte, 1) == 0);
    need(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO);
    return 0;
}

/* vhangup(2) kills the files that are open, not the terminal. */
static int case_vhangup(void)
{
    char byte;

    need(setsid() > 0);
    need(ioctl(slave, TIOCSCTTY, 0) == 0);
    handle(SIGHUP);
    need(syscall(SYS_vhangup) == 0);
    need(wait_caught(SIGHUP));
    need(read(slave, &byte, 1) == 0);
    need(write(slave, "x", 1) < 0 && errno == EIO);
    need(ioctl(slave, FIONREAD, &byte) < 0 && errno == EIO);
    int again = open(slave_name, O_RDWR);
    need(again >= 0 && tcgetpgrp(again) == getpid());
    put(again, "alive");
    need(strcmp(got(master), "alive") == 0);
    return 0;
}

/* The leader ends: the foreground gets SIGHUP, the terminal is free. */
static int case_leader_ends(void)
{
    int status, ready[2];
    char byte;

    need(pipe(ready) == 0);
    pid_t leader = fork();
    if (leader == 0) {
        setsid();
        if (ioctl(slave, TIOCSCTTY, 0) < 0)
            _exit(1);
        if (fork() == 0) {
            handle(SIGHUP);
            if (write(ready[1], "r", 1) != 1)
                _exit(1);
            byte = wait_caught(SIGHUP) ? 'h' : '-';
            sleep_ms(100);
            byte = byte == 'h' && open("/dev/tty", O_RDWR) < 0 ? 'f' : byte;
            _exit(write(ready[1], &byte, 1) != 1);
        }
        if (read(ready[0], &byte, 1) != 1)
            _exit(1);
        _exit(0);
    }
    status = status_of(leader);
    need(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct pollfd wait = {.fd = ready[0], .events = POLLIN};
    need(poll(&wait, 1, 2000) == 1 && read(ready[0], &byte, 1) == 1);
    need(byte == 'f');
    setsid();
    int again = open(slave_name, O_RDWR);
    need(again >= 0 && tcgetpgrp(again) == getpid());
    return 0;
}

static void run_case(int (*function)(void), const char *name)
{
    pair_open(true);
    pid_t child = fork();
    if (child == 0)
        _exit(function());
    /* The case may close its own master to hang up: ours must not keep it open. */
    if (function == case_hang_up)
        close(master);
    int status = status_of(child);
    if (!tap_ok(status == 0, "%s", name))
        tap_note("status %x: line %d of its file, modulo 250", status, WEXITSTATUS(status) - 1);
    pair_close();
}

static void test_packets(void)
{
    char text[32];
    int on = 1;

    pair_open(true);
    tap_errno(ioctl(master, TIOCPKT, &on), 0, "ioctl_tty(2): TIOCPKT");
    put(slave, "data");
    tap_ok(read(master, text, sizeof(text)) == 5 && memcmp(text, "\0data", 5) == 0,
           "ioctl_tty(2): a packet of data begins with 0");
    tcflush(slave, TCOFLUSH);
    tap_ok(read(master, text, sizeof(text)) == 1 && text[0] & TIOCPKT_FLUSHWRITE,
           "ioctl_tty(2): a flush is told");
    pair_close();
}

int main(void)
{
    mkdir("/dev/pts", 0755);
    if (access("/dev/pts/ptmx", F_OK) && mount("devpts", "/dev/pts", "devpts", 0, "mode=620,gid=5"))
        tap_note("devpts: %s", strerror(errno));
    signal(SIGTTOU, SIG_DFL);
    signal(SIGTTIN, SIG_DFL);
    test_open();
    test_settings();
    test_lines();
    test_raw();
    test_flow();
    test_packets();
    run_case(case_acquire, "POSIX 11.1.3: a session's leader gets a controlling terminal");
    run_case(case_noctty, "open(2): O_NOCTTY; TIOCSCTTY");
    run_case(case_signals, "POSIX 11.1.9: signals from the keyboard; SIGWINCH");
    run_case(case_interrupted, "signal(7): reading a terminal is interrupted or restarted");
    run_case(case_background, "POSIX 11.1.4: access from the background");
    run_case(case_hang_up, "POSIX 11.1.10: the master is closed: SIGHUP");
    run_case(case_vhangup, "vhangup(2)");
    run_case(case_leader_ends, "POSIX _Exit: the session's leader ends: SIGHUP");
    return tap_done();
}

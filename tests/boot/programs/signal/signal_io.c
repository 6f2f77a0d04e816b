/* signal_io: files that tell of their events by a signal: O_ASYNC, F_SETOWN, F_SETSIG (fcntl(2)).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>

#include "races.h"

#ifndef FIOSETOWN
#define FIOSETOWN 0x8901
#define FIOGETOWN 0x8903
#endif
#ifndef SIOCSPGRP
#define SIOCSPGRP 0x8902
#define SIOCGPGRP 0x8904
#endif

static siginfo_t information;

static void block(int signal)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal);
    sigaddset(&set, SIGIO);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The signal that comes within `milliseconds`; 0: none. */
static int signal_within(int signal, long milliseconds)
{
    sigset_t set;
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    sigemptyset(&set);
    sigaddset(&set, signal);
    int got = sigtimedwait(&set, &information, &time);
    return got < 0 ? 0 : got;
}

/* Has the signal come? None is waited for longer than it takes to be sure. */
static bool came(int signal)
{
    return signal_within(signal, 2000) == signal;
}

static bool came_not(int signal)
{
    return signal_within(signal, 0) == 0;
}

/* O_ASYNC, with this process as the owner. */
static bool asynchronous(int file)
{
    return fcntl(file, F_SETOWN, getpid()) == 0 &&
           fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_ASYNC) == 0;
}

/* ---- who sends ---- */

static bool pipe_bytes(void)
{
    int ends[2];

    block(SIGIO);
    REQUIRE(pipe(ends) == 0 && asynchronous(ends[0]));
    REQUIRE(fcntl(ends[0], F_GETFL) & O_ASYNC);
    REQUIRE(came_not(SIGIO));
    REQUIRE(write(ends[1], "x", 1) == 1 && came(SIGIO));
    REQUIRE(information.si_code == SI_KERNEL);
    REQUIRE(write(ends[1], "x", 1) == 1 && came(SIGIO)); /* each time */
    REQUIRE(fcntl(ends[0], F_SETFL, 0) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1 && came_not(SIGIO));
    return true;
}

static bool pipe_room(void)
{
    int ends[2];
    char byte;

    block(SIGIO);
    REQUIRE(pipe(ends) == 0 && asynchronous(ends[1]));
    REQUIRE(write(ends[1], "x", 1) == 1 && came_not(SIGIO));
    REQUIRE(read(ends[0], &byte, 1) == 1 && came(SIGIO));
    return true;
}

static bool pipe_end(void)
{
    int ends[2];

    block(SIGIO);
    REQUIRE(pipe(ends) == 0 && asynchronous(ends[0]));
    close(ends[1]);
    REQUIRE(came(SIGIO));
    return true;
}

static bool fifo(void)
{
    char name[64];

    block(SIGIO);
    snprintf(name, sizeof(name), "/tmp/signal_io.%d", getpid());
    REQUIRE(mkfifo(name, 0600) == 0);
    int file = open(name, O_RDWR);
    REQUIRE(file >= 0 && unlink(name) == 0 && asynchronous(file));
    REQUIRE(write(file, "x", 1) == 1 && came(SIGIO));
    return true;
}

static bool socket_bytes(void)
{
    int ends[2];
    char byte;

    block(SIGIO);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && asynchronous(ends[0]));
    REQUIRE(write(ends[1], "x", 1) == 1 && came(SIGIO));
    REQUIRE(write(ends[0], "x", 1) == 1 && read(ends[1], &byte, 1) == 1);
    REQUIRE(came_not(SIGIO)); /* there had always been room */
    close(ends[1]);
    REQUIRE(came(SIGIO));
    return true;
}

static bool socket_room(void)
{
    static char bytes[1 << 16];
    int ends[2];

    block(SIGIO);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && asynchronous(ends[0]));
    fcntl(ends[0], F_SETFL, O_NONBLOCK | O_ASYNC);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[0], bytes, sizeof(bytes)) > 0)
        ;
    REQUIRE(errno == EAGAIN && came_not(SIGIO));
    while (read(ends[1], bytes, sizeof(bytes)) > 0)
        ;
    REQUIRE(came(SIGIO));
    return true;
}

static bool connection(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

    block(SIGIO);
    socklen_t size = (socklen_t)(2 + 1 + snprintf(name.sun_path + 1, 50, "sio.%d", getpid()));
    REQUIRE(bind(listener, (struct sockaddr *)&name, size) == 0 && listen(listener, 5) == 0);
    REQUIRE(asynchronous(listener));
    REQUIRE(connect(client, (struct sockaddr *)&name, size) == 0);
    REQUIRE(came(SIGIO));
    return true;
}

static bool terminals(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    char byte;

    block(SIGIO);
    REQUIRE(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0);
    struct termios settings;
    tcgetattr(slave, &settings);
    cfmakeraw(&settings);
    tcsetattr(slave, TCSANOW, &settings);
    REQUIRE(fcntl(slave, F_SETFL, O_RDWR | O_ASYNC) == 0);
    REQUIRE(fcntl(slave, F_GETOWN) == getpid()); /* without being asked */
    REQUIRE(write(master, "x", 1) == 1 && came(SIGIO));
    REQUIRE(read(slave, &byte, 1) == 1 && fcntl(slave, F_SETFL, O_RDWR) == 0);
    while (signal_within(SIGIO, 0))
        ;
    REQUIRE(fcntl(master, F_SETFL, O_RDWR | O_ASYNC) == 0);
    REQUIRE(write(slave, "x", 1) == 1 && came(SIGIO));
    return true;
}

static bool others_ignore_the_flag(void)
{
    int event = eventfd(0, 0), on = 1, null = open("/dev/null", O_RDWR);
    uint64_t one = 1;

    block(SIGIO);
    REQUIRE(asynchronous(event) && !(fcntl(event, F_GETFL) & O_ASYNC));
    REQUIRE(write(event, &one, sizeof(one)) == sizeof(one) && came_not(SIGIO));
    REQUIRE_ERRNO(ioctl(event, FIOASYNC, &on), ENOTTY);
    REQUIRE_ERRNO(ioctl(null, FIOASYNC, &on), ENOTTY);
    REQUIRE(fcntl(null, F_SETFL, O_ASYNC) == 0 && !(fcntl(null, F_GETFL) & O_ASYNC));
    return true;
}

static bool by_ioctl(void)
{
    int ends[2], on = 1, off = 0;

    block(SIGIO);
    REQUIRE(pipe(ends) == 0 && fcntl(ends[0], F_SETOWN, getpid()) == 0);
    REQUIRE(ioctl(ends[0], FIOASYNC, &on) == 0 && (fcntl(ends[0], F_GETFL) & O_ASYNC));
    REQUIRE(write(ends[1], "x", 1) == 1 && came(SIGIO));
    REQUIRE(ioctl(ends[0], FIOASYNC, &off) == 0 && !(fcntl(ends[0], F_GETFL) & O_ASYNC));
    REQUIRE(write(ends[1], "x", 1) == 1 && came_not(SIGIO));
    return true;
}

/* ---- with F_SETSIG ---- */

static bool says_what(void)
{
    int ends[2], signal = SIGRTMIN + 3;

    block(signal);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(fcntl(ends[0], F_GETSIG) == 0);
    REQUIRE_ERRNO(fcntl(ends[0], F_SETSIG, 65), EINVAL);
    REQUIRE(fcntl(ends[0], F_SETSIG, signal) == 0 && fcntl(ends[0], F_GETSIG) == signal);
    REQUIRE(asynchronous(ends[0]));
    REQUIRE(write(ends[1], "x", 1) == 1 && came(signal));
    REQUIRE(information.si_code == POLL_IN && information.si_fd == ends[0]);
    REQUIRE(information.si_band == (POLLIN | POLLRDNORM));
    close(ends[1]);
    REQUIRE(came(signal) && information.si_code == POLL_HUP);
    REQUIRE(information.si_band == (POLLHUP | POLLERR));
    return true;
}

static bool says_where_it_was_asked(void)
{
    int ends[2], signal = SIGRTMIN + 3;

    block(signal);
    REQUIRE(pipe(ends) == 0);
    int copy = dup(ends[0]);
    REQUIRE(fcntl(ends[0], F_SETSIG, signal) == 0 && asynchronous(copy));
    close(copy);
    REQUIRE(write(ends[1], "x", 1) == 1 && came(signal) && information.si_fd == copy);
    return true;
}

static bool signals_with_codes(void)
{
    int ends[2];

    block(SIGCHLD);
    REQUIRE(pipe(ends) == 0 && fcntl(ends[0], F_SETSIG, SIGCHLD) == 0 && asynchronous(ends[0]));
    REQUIRE(write(ends[1], "x", 1) == 1 && came(SIGCHLD));
    REQUIRE(information.si_code == SI_SIGIO && information.si_fd == ends[0]);
    return true;
}

static bool read_from_a_signalfd(void)
{
    struct signalfd_siginfo got;
    int ends[2], signal = SIGRTMIN + 3;
    sigset_t set;

    block(signal);
    sigemptyset(&set);
    sigaddset(&set, signal);
    int file = signalfd(-1, &set, SFD_NONBLOCK);
    REQUIRE(pipe(ends) == 0 && fcntl(ends[0], F_SETSIG, signal) == 0 && asynchronous(ends[0]));
    REQUIRE(write(ends[1], "x", 1) == 1);
    REQUIRE(read(file, &got, sizeof(got)) == sizeof(got));
    REQUIRE(got.ssi_code == POLL_IN && got.ssi_fd == ends[0]);
    REQUIRE(got.ssi_band == (POLLIN | POLLRDNORM));
    return true;
}

/* ---- owners ---- */

static bool owner_numbers(void)
{
    struct f_owner_ex owner;
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    REQUIRE(fcntl(ends[0], F_GETOWN) == 0);
    REQUIRE(fcntl(ends[0], F_GETOWN_EX, &owner) == 0 && owner.pid == 0 &&
            owner.type == F_OWNER_TID);
    REQUIRE(fcntl(ends[0], F_SETOWN, getpid()) == 0 && fcntl(ends[0], F_GETOWN) == getpid());
    REQUIRE(fcntl(ends[0], F_GETOWN_EX, &owner) == 0 && owner.pid == getpid() &&
            owner.type == F_OWNER_PID);
    REQUIRE(fcntl(ends[0], F_SETOWN, -getpgrp()) == 0);
    REQUIRE(syscall(SYS_fcntl, ends[0], F_GETOWN) == -getpgrp() || errno == getpgrp());
    REQUIRE(fcntl(ends[0], F_GETOWN_EX, &owner) == 0 && owner.pid == getpgrp() &&
            owner.type == F_OWNER_PGRP);
    owner = (struct f_owner_ex){F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
    REQUIRE(fcntl(ends[0], F_SETOWN_EX, &owner) == 0);
    owner = (struct f_owner_ex){99, getpid()};
    REQUIRE_ERRNO(fcntl(ends[0], F_SETOWN_EX, &owner), EINVAL);
    owner = (struct f_owner_ex){F_OWNER_PID, 99999999};
    REQUIRE_ERRNO(fcntl(ends[0], F_SETOWN_EX, &owner), ESRCH);
    REQUIRE_ERRNO(fcntl(ends[0], F_SETOWN, 99999999), ESRCH);
    REQUIRE_ERRNO(fcntl(ends[0], F_SETOWN, INT32_MIN), EINVAL);
    REQUIRE_ERRNO(fcntl(ends[0], F_SETOWN_EX, (void *)8), EFAULT);
    REQUIRE(fcntl(ends[0], F_SETOWN, 0) == 0 && fcntl(ends[0], F_GETOWN) == 0);
    return true;
}

static bool owner_that_ended(void)
{
    int ends[2];
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    REQUIRE(pipe(ends) == 0 && fcntl(ends[0], F_SETOWN, child) == 0);
    REQUIRE(fcntl(ends[0], F_SETFL, O_ASYNC) == 0);
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(fcntl(ends[0], F_GETOWN) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    return true;
}

static bool sockets_have_ioctls(void)
{
    int ends[2], own = getpid(), got = 0;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(ioctl(ends[0], FIOSETOWN, &own) == 0 && ioctl(ends[0], FIOGETOWN, &got) == 0);
    REQUIRE(got == own);
    own = -getpgrp();
    REQUIRE(ioctl(ends[0], SIOCSPGRP, &own) == 0 && ioctl(ends[0], SIOCGPGRP, &got) == 0);
    REQUIRE(got == own);
    REQUIRE(pipe(ends) == 0);
    REQUIRE_ERRNO(ioctl(ends[0], FIOSETOWN, &own), ENOTTY);
    return true;
}

static int group_pipe[2];
static _Atomic int *arrived;

static void count(int signal)
{
    (void)signal;
    ++*arrived;
}

static bool a_whole_group(void)
{
    arrived = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    _Atomic int *there = arrived + 1;

    setpgid(0, 0);
    signal(SIGIO, count);
    REQUIRE(pipe(group_pipe) == 0);
    for (int i = 0; i < 3; i++) {
        if (fork() == 0) {
            ++*there;
            for (;;)
                pause();
        }
    }
    REQUIRE(EVENTUALLY(*there == 3));
    REQUIRE(fcntl(group_pipe[0], F_SETOWN, -getpgrp()) == 0);
    REQUIRE(fcntl(group_pipe[0], F_SETFL, O_ASYNC) == 0);
    REQUIRE(write(group_pipe[1], "x", 1) == 1);
    REQUIRE(EVENTUALLY(*arrived == 4));
    return true;
}

static _Atomic pid_t thread_number;

static void *wait_in_thread(void *result)
{
    thread_number = (pid_t)syscall(SYS_gettid);
    *(bool *)result = came(SIGIO);
    return NULL;
}

static bool one_thread(void)
{
    struct f_owner_ex owner = {.type = F_OWNER_TID};
    pthread_t thread;
    bool got = false;
    int ends[2];

    block(SIGIO);
    REQUIRE(pipe(ends) == 0 && pthread_create(&thread, NULL, wait_in_thread, &got) == 0);
    REQUIRE(EVENTUALLY(thread_number));
    owner.pid = thread_number;
    REQUIRE(fcntl(ends[0], F_SETOWN_EX, &owner) == 0 && fcntl(ends[0], F_SETFL, O_ASYNC) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    pthread_join(thread, NULL);
    REQUIRE(got && came_not(SIGIO));
    return true;
}

/* What counts is who set the owner, not who writes or opened the file. */
static bool only_where_the_setter_may(void)
{
    int ends[2], done[2];
    char byte;

    block(SIGIO);
    REQUIRE(pipe(ends) == 0 && pipe(done) == 0);
    pid_t own = getpid(), child = fork();
    if (child == 0) { /* an ordinary user makes root's process the owner: allowed, but in vain */
        if (setgroups(0, NULL) || setresuid(1000, 1000, 1000) || fcntl(ends[0], F_SETOWN, own) ||
            fcntl(ends[0], F_SETFL, O_ASYNC))
            _exit(1);
        _exit(0);
    }
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(write(ends[1], "x", 1) == 1 && came_not(SIGIO));
    REQUIRE(fcntl(ends[0], F_SETOWN, own) == 0); /* now it is root who says so */
    REQUIRE(write(ends[1], "x", 1) == 1 && came(SIGIO));
    REQUIRE(read(ends[0], &byte, 1) == 1);
    return true;
}

static bool without_an_owner(void)
{
    int ends[2];

    block(SIGIO);
    REQUIRE(pipe(ends) == 0 && fcntl(ends[0], F_SETFL, O_ASYNC) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1 && came_not(SIGIO));
    return true;
}

static bool ends_with_the_file(void)
{
    int ends[2];

    block(SIGIO);
    REQUIRE(pipe(ends) == 0);
    for (int i = 0; i < 200; i++) {
        char name[64];
        snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
        int again = open(name, O_RDONLY | O_NONBLOCK);
        REQUIRE(again >= 0 && asynchronous(again));
        close(again);
    }
    REQUIRE(write(ends[1], "x", 1) == 1 && came_not(SIGIO));
    return true;
}

/* ---- several at once ---- */

static struct {
    int ends[2];
    _Atomic bool enough;
    _Atomic long handled;
} busy;

static void handled(int signal)
{
    (void)signal;
    busy.handled++;
}

static void *write_and_read(void *nothing)
{
    char byte;

    while (!busy.enough)
        if (write(busy.ends[1], "x", 1) != 1 || read(busy.ends[0], &byte, 1) != 1)
            break;
    return nothing;
}

/* Owners that come and go: this process, its group, children that end. */
static void *change_owners(void *nothing)
{
    while (!busy.enough) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        fcntl(busy.ends[0], F_SETOWN, child);
        fcntl(busy.ends[0], F_SETFL, O_ASYNC);
        waitpid(child, NULL, 0);
        fcntl(busy.ends[0], F_SETOWN, -getpgrp());
        fcntl(busy.ends[0], F_SETFL, 0);
        fcntl(busy.ends[0], F_SETOWN, getpid());
        fcntl(busy.ends[0], F_SETFL, O_ASYNC);
    }
    return nothing;
}

/* Open files of the same pipe that come and go. */
static void *open_and_close(void *nothing)
{
    char name[64];

    snprintf(name, sizeof(name), "/proc/self/fd/%d", busy.ends[0]);
    while (!busy.enough) {
        int file = open(name, O_RDONLY | O_NONBLOCK);
        fcntl(file, F_SETOWN, getpid());
        fcntl(file, F_SETFL, O_ASYNC | O_NONBLOCK);
        close(file);
    }
    return nothing;
}

static bool owners_change_meanwhile(void)
{
    void *(*const tasks[])(void *) = {write_and_read, change_owners, open_and_close};
    pthread_t threads[3];

    setpgid(0, 0);
    signal(SIGIO, handled);
    REQUIRE(pipe(busy.ends) == 0 && asynchronous(busy.ends[0]));
    for (int i = 0; i < 3; i++)
        REQUIRE(pthread_create(&threads[i], NULL, tasks[i], NULL) == 0);
    struct race race = race_begin(1);
    while (race_goes_on(&race)) {
        long before = busy.handled;
        REQUIRE(EVENTUALLY(busy.handled > before + 10)); /* three busy threads on one processor */
    }
    busy.enough = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    return true;
}

static const struct test_case cases[] = {
    {"a pipe's bytes", "fcntl(2)", pipe_bytes},
    {"room in a pipe", "fcntl(2)", pipe_room},
    {"the end of a pipe", "fcntl(2)", pipe_end},
    {"a FIFO", "fcntl(2)", fifo},
    {"a socket's bytes, and its end", "socket(7)", socket_bytes},
    {"room in a socket that had none", "socket(7)", socket_room},
    {"a connection", "socket(7)", connection},
    {"both sides of a pseudo-terminal", "fcntl(2)", terminals},
    {"other files ignore the flag", "fcntl(2)", others_ignore_the_flag},
    {"FIOASYNC", "ioctl(2)", by_ioctl},
    {"F_SETSIG says what happened", "fcntl(2)", says_what},
    {"and to the descriptor that asked", "fcntl(2)", says_where_it_was_asked},
    {"signals whose codes mean other things have SI_SIGIO", "sigaction(2)", signals_with_codes},
    {"by signalfd", "signalfd(2)", read_from_a_signalfd},
    {"owners", "fcntl(2)", owner_numbers},
    {"an owner that ended", "fcntl(2)", owner_that_ended},
    {"owners by ioctl, of sockets", "socket(7)", sockets_have_ioctls},
    {"a group as the owner", "fcntl(2)", a_whole_group},
    {"a thread as the owner", "fcntl(2)", one_thread},
    {"who sets the owner must be allowed to send", "fcntl(2)", only_where_the_setter_may},
    {"nothing without an owner", "fcntl(2)", without_an_owner},
    {"nothing from a file that was closed", "fcntl(2)", ends_with_the_file},
    {"owners change while signals are sent", "fcntl(2)", owners_change_meanwhile},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

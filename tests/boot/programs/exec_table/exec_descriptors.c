/*
 * exec_descriptors: which open files and locks the new image finds (POSIX exec, fcntl(2)). Part of
 * the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "exec_cases.h"

static bool descriptors_before(void)
{
    REQUIRE(text_write("numbers", "0123456789", 0644));
    int file = dup2(open("numbers", O_RDWR | O_APPEND), 40);
    REQUIRE(lseek(file, 4, SEEK_SET) == 4);
    REQUIRE(fcntl(file, F_SETFL, O_NONBLOCK) == 0);
    return true;
}
static bool descriptors_after(void)
{
    char byte;

    REQUIRE(fcntl(40, F_GETFD) == 0 && lseek(40, 0, SEEK_CUR) == 4);
    REQUIRE((fcntl(40, F_GETFL) & (O_NONBLOCK | O_APPEND | O_ACCMODE)) == (O_NONBLOCK | O_RDWR));
    return read(40, &byte, 1) == 1 && byte == '4';
}
static bool closing_before(void)
{
    int ends[2];

    REQUIRE(dup2(open("/dev/null", O_RDONLY), 41) == 41 && fcntl(41, F_SETFD, FD_CLOEXEC) == 0);
    REQUIRE(dup3(open("/dev/null", O_RDONLY), 42, O_CLOEXEC) == 42);
    REQUIRE(fcntl(0, F_DUPFD_CLOEXEC, 43) == 43);
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    note_number("PIPE", ends[0]);
    note_number("OPEN", open("/dev/null", O_RDONLY | O_CLOEXEC));
    REQUIRE(dup2(41, 44) == 44); /* a duplicate does not have the flag */
    REQUIRE(fcntl(44, F_GETFD) == 0);
    REQUIRE(dup2(0, 45) == 45 && fcntl(45, F_SETFD, FD_CLOEXEC) == 0);
    REQUIRE(fcntl(45, F_SETFD, 0) == 0);
    return true;
}
static bool closing_after(void)
{
    for (int at = 41; at <= 43; at++)
        REQUIRE_ERRNO(fcntl(at, F_GETFD), EBADF);
    REQUIRE_ERRNO(fcntl(noted_number("PIPE"), F_GETFD), EBADF);
    REQUIRE_ERRNO(fcntl(noted_number("OPEN"), F_GETFD), EBADF);
    return fcntl(44, F_GETFD) == 0 && fcntl(45, F_GETFD) == 0;
}
static bool closing_many_before(void)
{
    for (int at = 200; at < 700; at++)
        REQUIRE(dup3(0, at, at % 3 ? O_CLOEXEC : 0) == at);
    return true;
}
static bool closing_many_after(void)
{
    for (int at = 200; at < 700; at++)
        REQUIRE((fcntl(at, F_GETFD) == 0) == (at % 3 == 0));
    return true;
}
static bool closing_tells_reader(void)
{
    int ends[2];
    char byte;

    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        execve("/bin/busybox", (char *[]){"sleep", "100", NULL}, environ);
        _exit(1);
    }
    close(ends[1]);
    REQUIRE(read(ends[0], &byte, 1) == 0); /* the last writer is gone at the exec */
    REQUIRE(waitpid(child, NULL, WNOHANG) == 0);
    return kill(child, SIGKILL) == 0 && killed_by(status_of(child), SIGKILL);
}

static bool table_unshared(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    int closing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int staying = open("/dev/null", O_RDONLY);
    pid_t child = clone(passes_on, stack + sizeof(stack), CLONE_FILES | CLONE_VM | SIGCHLD, NULL);

    REQUIRE(child > 0 && exited(status_of(child), 6));
    return fcntl(closing, F_GETFD) == FD_CLOEXEC && fcntl(staying, F_GETFD) == 0;
}
static bool locks_before(void)
{
    int file = dup2(open("locked", O_RDWR | O_CREAT, 0644), 46);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    REQUIRE(fcntl(file, F_SETLK, &lock) == 0);
    REQUIRE(flock(dup2(open("locked-too", O_RDWR | O_CREAT, 0644), 47), LOCK_EX) == 0);
    return true;
}
static bool locks_after(void)
{
    pid_t child = fork();

    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        REQUIRE(fcntl(46, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK);
        REQUIRE(lock.l_pid == getppid());
        int file = open("locked-too", O_RDWR);
        REQUIRE_ERRNO(flock(file, LOCK_EX | LOCK_NB), EWOULDBLOCK);
        _exit(0);
    }
    return exited(status_of(child), 0);
}
static bool closing_drops_lock_before(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int file = open("dropped", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    REQUIRE(fcntl(file, F_SETLK, &lock) == 0);
    return flock(open("dropped-too", O_RDWR | O_CREAT | O_CLOEXEC, 0644), LOCK_EX) == 0;
}
static bool closing_drops_lock_after(void)
{
    pid_t child = fork();

    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        REQUIRE(fcntl(open("dropped", O_RDWR), F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);
        REQUIRE(flock(open("dropped-too", O_RDWR), LOCK_EX | LOCK_NB) == 0);
        _exit(0);
    }
    return exited(status_of(child), 0);
}
static bool event_files_before(void)
{
    struct itimerspec soon = {.it_value = {0, 1000000}};
    sigset_t set;

    REQUIRE(dup2(eventfd(5, 0), 48) == 48);
    REQUIRE(dup2(timerfd_create(CLOCK_MONOTONIC, 0), 49) == 49);
    REQUIRE(timerfd_settime(49, 0, &soon, NULL) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    return dup2(signalfd(-1, &set, 0), 50) == 50;
}
static bool event_files_after(void)
{
    struct signalfd_siginfo information;
    uint64_t number;

    REQUIRE(read(48, &number, 8) == 8 && number == 5);
    REQUIRE(read(49, &number, 8) == 8 && number == 1);
    REQUIRE(raise(SIGUSR1) == 0);
    return read(50, &information, sizeof(information)) == sizeof(information) &&
           information.ssi_signo == SIGUSR1;
}

static const struct exec_case cases[] = {
    HALVES("kept: descriptors, offsets, status flags", "POSIX exec", descriptors_before,
           descriptors_after),
    HALVES("closed: descriptors with FD_CLOEXEC", "POSIX exec", closing_before, closing_after),
    HALVES("closed: just these among hundreds", "POSIX exec", closing_many_before,
           closing_many_after),
    CASE("closed: the other end of a pipe sees it", "POSIX exec", closing_tells_reader),
    CASE("unshared: a shared descriptor table", "execve(2)", table_unshared),
    HALVES("kept: record locks and flock locks", "POSIX exec", locks_before, locks_after),
    HALVES("dropped: locks of what is closed", "fcntl(2), flock(2)", closing_drops_lock_before,
           closing_drops_lock_after),
    HALVES("kept: eventfd, timerfd, signalfd", "timerfd_create(2)", event_files_before,
           event_files_after),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}

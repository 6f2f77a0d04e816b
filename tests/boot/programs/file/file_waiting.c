/*
 * file_waiting: files that one waits for: pipes and FIFOs, poll(2), select(2) and epoll(7),
 * eventfd(2), locks; each as POSIX and the man pages have it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "file_checks.h"

static void check_pipes(void)
{
    int ends[2], bytes;
    char text[100];
    static char big[70000];
    struct stat status;

    OK(pipe(ends), "pipe");
    tap_ok(ends[0] == 3 && ends[1] == 4, "pipe: the read end comes first");
    tap_ok(write(ends[1], "one", 3) == 3 && write(ends[1], "two", 3) == 3, "write");
    OK(ioctl(ends[0], FIONREAD, &bytes), "FIONREAD");
    tap_ok(bytes == 6, "…counts");
    tap_ok(read(ends[0], text, 100) == 6 && !memcmp(text, "onetwo", 6), "writes are joined");
    FAILS(ESPIPE, lseek(ends[0], 0, SEEK_CUR), "no lseek");
    FAILS(ESPIPE, pread(ends[0], text, 1, 0), "no pread");
    FAILS(EBADF, read(ends[1], text, 1), "no read from the write end");
    FAILS(EBADF, write(ends[0], text, 1), "no write to the read end");
    FAILS(EINVAL, ftruncate(ends[1], 0), "no ftruncate");
    fstat(ends[0], &status);
    tap_ok(S_ISFIFO(status.st_mode) && (status.st_mode & 0777) == 0600, "fstat");
    tap_ok(fcntl(ends[0], F_GETPIPE_SZ) == 65536, "F_GETPIPE_SZ: 64 KiB");

    OK(fcntl(ends[1], F_SETFL, O_NONBLOCK), "O_NONBLOCK");
    tap_ok(write(ends[1], big, sizeof(big)) == 65536, "a full pipe");
    FAILS(EAGAIN, write(ends[1], big, 1), "…takes no more");
    struct pollfd request = {ends[1], POLLOUT, 0};
    tap_ok(poll(&request, 1, 0) == 0, "…nor does poll say so");
    FAILS(EBUSY, fcntl(ends[1], F_SETPIPE_SZ, 4096), "F_SETPIPE_SZ: less than is in it");
    tap_ok(fcntl(ends[1], F_SETPIPE_SZ, 100000) == 131072, "F_SETPIPE_SZ rounds up");
    tap_ok(write(ends[1], big, 5000) == 5000, "…and makes room");
    size_t total = 0;
    for (ssize_t done; total < 70536 && (done = read(ends[0], big, sizeof(big))) > 0;)
        total += (size_t)done;
    tap_ok(total == 70536, "all comes out");
    /* PIPE_BUF: 4096 bytes go in whole or not at all. */
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    tap_ok(write(ends[1], big, 100) == 100, "some bytes in a small pipe");
    FAILS(EAGAIN, write(ends[1], big, 4096), "PIPE_BUF bytes are not split");
    read(ends[0], big, 100);
    fcntl(ends[1], F_SETFL, 0);

    LATER(if (write(ends[1], "late", 4) != 4) _exit(1));
    tap_ok(read(ends[0], text, 100) == 4, "a read waits for bytes");
    wait_all();
    memset(big, 'b', sizeof(big));
    if (fork() == 0) {
        close(ends[0]);
        for (int i = 0; i < 3; i++)
            if (write(ends[1], big, sizeof(big)) != sizeof(big))
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    total = 0;
    bool right = true;
    for (ssize_t done; (done = read(ends[0], big, 999)) > 0; total += (size_t)done)
        for (ssize_t i = 0; i < done; i++)
            right &= big[i] == 'b';
    tap_ok(total == 210000 && right, "a writer waits for room, and the end comes with its last");
    wait_all();
    close(ends[0]);

    OK(pipe2(ends, O_NONBLOCK | O_CLOEXEC), "pipe2");
    tap_ok(fcntl(ends[0], F_GETFD) == FD_CLOEXEC &&
               fcntl(ends[1], F_GETFL) == (O_WRONLY | O_NONBLOCK),
           "pipe2's flags");
    FAILS(EAGAIN, read(ends[0], text, 1), "an empty pipe, O_NONBLOCK");
    close(ends[0]);
    signals_seen = 0;
    signal(SIGPIPE, count_signal);
    FAILS(EPIPE, write(ends[1], "x", 1), "a pipe without a reader");
    tap_ok(signals_seen == 1, "…SIGPIPE");
    signal(SIGPIPE, SIG_IGN);
    FAILS(EPIPE, write(ends[1], "x", 1), "…also when it is ignored");
    close(ends[1]);
    FAILS(EINVAL, pipe2(ends, O_APPEND), "pipe2: bad flags");
    FAILS(EFAULT, syscall(SYS_pipe2, 8, 0), "pipe2: bad address");
    int probe = dup(0);
    tap_ok(probe == 3, "…leaves no descriptor behind");
    close(probe);

    OK(pipe(ends), "pipe");
    tap_ok(write(ends[1], "left", 4) == 4, "write");
    close(ends[1]);
    snprintf(text, sizeof(text), "/dev/fd/%d", ends[0]);
    int again = open(text, O_RDONLY);
    tap_ok(again >= 0, "a pipe without a writer is opened through /dev/fd");
    tap_ok(read(again, text, 100) == 4 && read(again, text, 100) == 0, "…and read to its end");
    close(again);
    close(ends[0]);

    OK(pipe2(ends, O_DIRECT), "pipe2: O_DIRECT");
    tap_ok(write(ends[1], "one", 3) == 3 && write(ends[1], "two", 3) == 3, "two packets");
    tap_ok(read(ends[0], text, 100) == 3 && read(ends[0], text, 2) == 2, "…are read one by one");
    close(ends[0]);
    close(ends[1]);
}

static void check_fifos(void)
{
    char text[10];

    OK(mkfifo("fifo", 0600), "mkfifo");
    FAILS(ENXIO, open("fifo", O_WRONLY | O_NONBLOCK), "open to write, O_NONBLOCK: no reader");
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    tap_ok(reader >= 0, "open to read, O_NONBLOCK");
    tap_ok(read(reader, text, 1) == 0, "no writer: the end");
    struct pollfd request = {reader, POLLIN, 0};
    tap_ok(poll(&request, 1, 0) == 0, "no POLLHUP before any writer came");
    int writer = open("fifo", O_WRONLY);
    FAILS(EAGAIN, read(reader, text, 1), "with a writer: EAGAIN");
    tap_ok(write(writer, "x", 1) == 1 && read(reader, text, 9) == 1, "through a FIFO");
    close(writer);
    tap_ok(poll(&request, 1, 0) == 1 && request.revents == POLLHUP, "POLLHUP when it has gone");
    close(reader);
    double before = seconds_now();
    LATER(close(open("fifo", O_WRONLY)));
    reader = open("fifo", O_RDONLY);
    tap_ok(reader >= 0 && seconds_now() - before > 0.05, "open to read waits for a writer");
    close(reader);
    wait_all();
    signals_seen = 0;
    struct sigaction action = {.sa_handler = count_signal};
    sigaction(SIGALRM, &action, NULL);
    ualarm(100000, 0);
    FAILS(EINTR, open("fifo", O_RDONLY), "a signal ends it");
    int both = open("fifo", O_RDWR);
    tap_ok(both >= 0, "open to read and write does not wait");
    close(both);
    unlink("fifo");
}

static void check_poll(void)
{
    int ends[2];
    struct timespec zero = {0, 0};
    fd_set reads, writes;

    pipe(ends);
    struct pollfd requests[] = {{ends[0], POLLIN, 9}, {-1, POLLIN, 9}, {ends[1], POLLOUT, 9}};
    tap_ok(poll(requests, 3, 0) == 1 && !requests[0].revents && !requests[1].revents &&
               requests[2].revents == POLLOUT,
           "poll: what is ready, negative ones ignored");
    requests[1].fd = 99;
    tap_ok(poll(requests, 3, 0) == 2 && requests[1].revents == POLLNVAL, "POLLNVAL");
    FAILS(EFAULT, poll((void *)8, 1, 0), "poll: bad address");
    double before = seconds_now();
    tap_ok(poll(requests, 1, 100) == 0 && seconds_now() - before >= 0.099,
           "poll: the time is over");
    LATER(if (write(ends[1], "x", 1) != 1) _exit(1));
    tap_ok(poll(requests, 1, -1) == 1 && requests[0].revents == POLLIN, "poll waits");
    wait_all();
    signals_seen = 0;
    ualarm(50000, 0);
    FAILS(EINTR, poll(NULL, 0, -1), "poll: a signal");
    FAILS(EINVAL, ppoll(requests, 1, &(struct timespec){0, -1}, NULL), "ppoll: bad time");
    tap_ok(ppoll(requests, 1, &zero, NULL) == 1, "ppoll");

    FD_ZERO(&reads);
    FD_ZERO(&writes);
    FD_SET(ends[0], &reads);
    FD_SET(ends[1], &writes);
    tap_ok(select(10, &reads, &writes, NULL, NULL) == 2 && FD_ISSET(ends[0], &reads) &&
               FD_ISSET(ends[1], &writes),
           "select: both");
    char byte;
    read(ends[0], &byte, 1);
    struct timeval time = {0, 50000};
    FD_ZERO(&writes);
    tap_ok(select(10, &reads, &writes, NULL, &time) == 0 && !FD_ISSET(ends[0], &reads),
           "select: the time is over");
    FD_SET(33, &reads);
    FAILS(EBADF, select(34, &reads, NULL, NULL, &time), "select: not open");
    FAILS(EINVAL, select(-1, NULL, NULL, NULL, &time), "select: negative count");

    /* pselect lets a blocked signal in while it waits. */
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signals_seen = 0;
    raise(SIGALRM);
    tap_ok(signals_seen == 0, "a blocked signal waits");
    FAILS(EINTR, pselect(0, NULL, NULL, NULL, NULL, &none), "pselect lets it in");
    tap_ok(signals_seen == 1, "…once");
    sigset_t now;
    sigprocmask(SIG_UNBLOCK, &blocked, &now);
    tap_ok(sigismember(&now, SIGALRM) == 1, "…and the mask is back");
    close(ends[1]);
    requests[0].events = 0;
    tap_ok(poll(requests, 1, 0) == 1 && requests[0].revents == POLLHUP, "POLLHUP is not asked for");
    close(ends[0]);
}

static void check_epoll(void)
{
    int ends[2], other[2];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 42}, found[4];

    pipe(ends);
    pipe(other);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    tap_ok(epoll >= 0, "epoll_create1");
    FAILS(EINVAL, epoll_create1(1), "epoll_create1: bad flags");
    FAILS(EINVAL, syscall(SYS_epoll_create, 0), "epoll_create: size 0");
    OK(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event), "EPOLL_CTL_ADD");
    FAILS(EEXIST, epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event), "…twice");
    FAILS(ENOENT, epoll_ctl(epoll, EPOLL_CTL_MOD, ends[1], &event), "EPOLL_CTL_MOD: not there");
    FAILS(ENOENT, epoll_ctl(epoll, EPOLL_CTL_DEL, ends[1], NULL), "EPOLL_CTL_DEL: not there");
    FAILS(EINVAL, epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event), "itself");
    FAILS(EBADF, epoll_ctl(epoll, EPOLL_CTL_ADD, 99, &event), "not open");
    FAILS(EINVAL, epoll_ctl(ends[0], EPOLL_CTL_ADD, ends[1], &event), "not an epoll");
    int file = open("data", O_RDONLY);
    FAILS(EPERM, epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event), "a regular file");
    close(file);
    FAILS(EINVAL, epoll_wait(epoll, found, 0, 0), "epoll_wait: no room");
    tap_ok(epoll_wait(epoll, found, 4, 0) == 0, "nothing is ready");
    write(ends[1], "x", 1);
    tap_ok(epoll_wait(epoll, found, 4, -1) == 1 && found[0].data.u32 == 42 &&
               found[0].events == EPOLLIN,
           "an event");
    tap_ok(epoll_wait(epoll, found, 4, 0) == 1, "level-triggered: again");
    event.events = EPOLLIN | EPOLLET;
    OK(epoll_ctl(epoll, EPOLL_CTL_MOD, ends[0], &event), "EPOLLET");
    tap_ok(epoll_wait(epoll, found, 4, 0) == 1 && epoll_wait(epoll, found, 4, 0) == 0,
           "edge-triggered: once");
    write(ends[1], "x", 1);
    tap_ok(epoll_wait(epoll, found, 4, 0) == 1, "…and again with the next write");
    event.events = EPOLLIN | EPOLLONESHOT;
    epoll_ctl(epoll, EPOLL_CTL_MOD, ends[0], &event);
    tap_ok(epoll_wait(epoll, found, 4, 0) == 1, "EPOLLONESHOT");
    write(ends[1], "x", 1);
    tap_ok(epoll_wait(epoll, found, 4, 0) == 0, "…only once");
    event.events = EPOLLIN;
    epoll_ctl(epoll, EPOLL_CTL_MOD, ends[0], &event);
    event.data.u32 = 43;
    epoll_ctl(epoll, EPOLL_CTL_ADD, other[0], &event);
    write(other[1], "x", 1);
    tap_ok(epoll_wait(epoll, found, 4, 0) == 2, "two files");
    tap_ok(epoll_wait(epoll, found, 1, 0) == 1, "room for one");
    uint32_t first = found[0].data.u32;
    tap_ok(epoll_wait(epoll, found, 1, 0) == 1 && found[0].data.u32 != first, "…they take turns");
    int outer = epoll_create1(0);
    OK(epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &event), "an epoll in an epoll");
    FAILS(ELOOP, epoll_ctl(epoll, EPOLL_CTL_ADD, outer, &event), "…not in a ring");
    tap_ok(epoll_wait(outer, found, 4, 0) == 1, "…is ready when something in it is");
    struct pollfd request = {epoll, POLLIN, 0};
    tap_ok(poll(&request, 1, 0) == 1, "…poll says so too");
    close(outer);
    close(ends[0]);
    close(ends[1]);
    tap_ok(epoll_wait(epoll, found, 4, 0) == 1 && found[0].data.u32 == 43,
           "a closed file is forgotten");
    char byte;
    read(other[0], &byte, 1);
    LATER(if (write(other[1], "x", 1) != 1) _exit(1));
    tap_ok(epoll_wait(epoll, found, 4, 5000) == 1, "epoll_wait waits");
    wait_all();
    read(other[0], &byte, 1);
    double before = seconds_now();
    tap_ok(epoll_wait(epoll, found, 4, 60) == 0 && seconds_now() - before >= 0.059,
           "epoll_wait: the time is over");
    ualarm(50000, 0);
    FAILS(EINTR, epoll_wait(epoll, found, 4, -1), "epoll_wait: a signal");
    close(epoll);
    close(other[0]);
    close(other[1]);
}

static void check_eventfd(void)
{
    uint64_t value = 3;

    int event = eventfd(2, EFD_NONBLOCK);
    tap_ok(write(event, &value, 8) == 8 && read(event, &value, 8) == 8 && value == 5,
           "eventfd adds up");
    FAILS(EAGAIN, read(event, &value, 8), "…and is empty");
    FAILS(EINVAL, read(event, &value, 7), "…reads 8 bytes");
    value = UINT64_MAX;
    FAILS(EINVAL, write(event, &value, 8), "…and does not take the largest number");
    value = UINT64_MAX - 1;
    tap_ok(write(event, &value, 8) == 8, "but the one below");
    value = 1;
    FAILS(EAGAIN, write(event, &value, 8), "…then it is full");
    struct pollfd request = {event, POLLIN | POLLOUT, 0};
    tap_ok(poll(&request, 1, 0) == 1 && request.revents == POLLIN, "poll");
    close(event);
    event = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    tap_ok(read(event, &value, 8) == 8 && value == 1, "EFD_SEMAPHORE");
    close(event);
    FAILS(EINVAL, eventfd(0, 2), "eventfd: bad flags");
}

static int lock_range(int file, int command, int type, off_t start, off_t size)
{
    struct flock lock = {.l_type = (short)type, .l_start = start, .l_len = size};
    return fcntl(file, command, &lock);
}

static void check_locks(void)
{
    int status;

    int file = open("data", O_RDWR), second = open("data", O_RDWR);
    OK(lock_range(file, F_SETLK, F_WRLCK, 10, 10), "F_SETLK");
    OK(lock_range(second, F_SETLK, F_WRLCK, 10, 10), "one's own locks are not in the way");
    OK(lock_range(file, F_SETLK, F_WRLCK, 0, 100), "F_SETLK: wider");
    OK(lock_range(file, F_SETLK, F_UNLCK, 40, 10), "a part is unlocked");
    pid_t child = fork();
    if (child == 0) {
        struct flock lock = {.l_type = F_RDLCK, .l_start = 50};
        bool right = lock_range(file, F_SETLK, F_RDLCK, 0, 1) == -1 && errno == EAGAIN &&
                     lock_range(file, F_SETLK, F_WRLCK, 40, 10) == 0 &&
                     fcntl(file, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK &&
                     lock.l_start == 50 && lock.l_len == 50 && lock.l_pid == getppid();
        _exit(!right);
    }
    waitpid(child, &status, 0);
    tap_ok(status == 0, "another process sees which bytes are locked, and by whom");
    struct flock lock = {.l_type = F_WRLCK, .l_start = 0, .l_len = 0};
    OK(fcntl(file, F_GETLK, &lock), "F_GETLK");
    tap_ok(lock.l_type == F_UNLCK, "its locks have ended with it");
    child = fork();
    if (child == 0) /* waits until the parent closes a descriptor of the file */
        _exit(lock_range(file, F_SETLKW, F_WRLCK, 0, 1) != 0);
    usleep(100000);
    tap_ok(waitpid(child, &status, WNOHANG) == 0, "F_SETLKW waits");
    close(second);
    waitpid(child, &status, 0);
    tap_ok(status == 0, "closing any descriptor of the file ends a process's locks");
    OK(lock_range(file, F_SETLK, F_WRLCK, 0, 1), "F_SETLK");
    child = fork();
    if (child == 0) { /* holds byte 1, waits for byte 0 */
        bool right = lock_range(file, F_SETLK, F_WRLCK, 1, 1) == 0 &&
                     lock_range(file, F_SETLKW, F_WRLCK, 0, 1) == 0;
        _exit(!right);
    }
    usleep(200000);
    FAILS(EDEADLK, lock_range(file, F_SETLKW, F_WRLCK, 1, 1), "two that wait for each other");
    OK(lock_range(file, F_SETLK, F_UNLCK, 0, 1), "F_UNLCK");
    waitpid(child, &status, 0);
    tap_ok(status == 0, "…then the other one goes on");
    FAILS(EINVAL, lock_range(file, F_SETLK, 77, 0, 1), "F_SETLK: bad type");
    FAILS(EINVAL, lock_range(file, F_SETLK, F_WRLCK, -1, 1), "F_SETLK: before the beginning");
    int reading = open("data", O_RDONLY);
    FAILS(EBADF, lock_range(reading, F_SETLK, F_WRLCK, 0, 1), "F_WRLCK needs a file open to write");
    close(reading);

    second = open("data", O_RDWR);
    OK(lock_range(file, F_OFD_SETLK, F_WRLCK, 0, 10), "F_OFD_SETLK");
    FAILS(EAGAIN, lock_range(second, F_OFD_SETLK, F_RDLCK, 0, 1), "…holds for each open file");
    OK(flock(file, LOCK_SH), "flock: LOCK_SH");
    OK(flock(second, LOCK_SH | LOCK_NB), "…shared");
    FAILS(EWOULDBLOCK, flock(second, LOCK_EX | LOCK_NB), "LOCK_EX beside it");
    OK(flock(file, LOCK_UN), "LOCK_UN");
    OK(flock(second, LOCK_EX | LOCK_NB), "LOCK_EX alone");
    FAILS(EINVAL, flock(file, 77), "flock: bad operation");
    close(second);
    OK(flock(file, LOCK_EX | LOCK_NB), "closing ends it");
    close(file);
}

int main(void)
{
    enter_folder("file_waiting");
    close(open("data", O_CREAT | O_WRONLY, 0644));
    check_pipes();
    check_fifos();
    check_poll();
    check_epoll();
    check_eventfd();
    check_locks();
    unlink("data");
    leave_folder();
    return tap_done();
}

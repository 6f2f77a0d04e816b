/*
 * user_limits: what one user may hold of what the kernel keeps for him, and that another user has
 * his own. Runs as the superuser, who is not bound; each case becomes an ordinary user.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define CASE_SECONDS 60
#include "cases.h"
#include "proc_baton.h"

enum { ANN = 4731, BOB = 4732, PAGE = 4096 };

/* Does it hold for another user, while this process keeps what it has? */
static bool for_other(uid_t user, bool (*holds)(void))
{
    pid_t child = fork();
    if (child == 0)
        _exit(!(become(user) && holds()));
    return exited(status_of(child), 0);
}

static bool ann_takes(const void *take_all)
{
    return become(ANN) && (*(bool (*const *)(void))take_all)();
}

/* A child takes all that its user may have; another user has his own, and the first one again when
   the child has ended. */
static bool bound_by_user(bool (*take_all)(void), bool (*take_one)(void))
{
    pid_t child = child_that_holds(ann_takes, &take_all);

    REQUIRE(child > 0 && for_other(BOB, take_one));
    kill(child, SIGKILL);
    return killed_by(status_of(child), SIGKILL) && for_other(ANN, take_one);
}

/* A limit in /proc/sys/fs; the group has the machine for itself. */
static bool set_limit(const char *name, const char *value)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/sys/fs/%s", name);
    int file = open(path, O_WRONLY);
    bool done = file >= 0 && write(file, value, strlen(value)) == (ssize_t)strlen(value);
    close(file);
    return done;
}

static bool limit_is(const char *name, const char *value)
{
    char path[64], text[64];

    snprintf(path, sizeof(path), "/proc/sys/fs/%s", name);
    return file_text(path, text, sizeof(text)) > 0 && strcmp(text, value) == 0;
}

/* ---- pipes: pipe(7) ---- */

static int pipe_size(void)
{
    int ends[2];
    return pipe(ends) ? -1 : fcntl(ends[0], F_GETPIPE_SZ);
}

static bool full_pipe(void)
{
    return pipe_size() == 16 * PAGE;
}

static bool pipe_files(void)
{
    REQUIRE(limit_is("pipe-max-size", "1048576\n"));
    REQUIRE(limit_is("pipe-user-pages-soft", "16384\n"));
    REQUIRE(limit_is("pipe-user-pages-hard", "0\n"));
    REQUIRE(set_limit("pipe-max-size", "0") && limit_is("pipe-max-size", "4096\n"));
    REQUIRE(set_limit("pipe-max-size", "1000000\n"));
    REQUIRE(limit_is("pipe-max-size", "1048576\n"));
    return true;
}

static bool soft_limit(void)
{
    int small = 0;

    REQUIRE(set_limit("pipe-user-pages-soft", "160"));
    pid_t child = fork();
    if (child == 0) {
        REQUIRE(become(ANN));
        for (int i = 0; i < 10; i++)
            REQUIRE(pipe_size() == 16 * PAGE);
        for (int i = 0; i < 5; i++)
            small += pipe_size() == 2 * PAGE;
        REQUIRE(small == 5);
        _exit(0);
    }
    bool right = exited(status_of(child), 0);
    REQUIRE(set_limit("pipe-user-pages-soft", "16384"));
    return right;
}

static bool soft_limit_of_one(void)
{
    bool others = false;

    REQUIRE(set_limit("pipe-user-pages-soft", "64"));
    for (int i = 0; i < 8; i++)
        REQUIRE(pipe_size() == 16 * PAGE); /* the superuser is not bound */
    others = for_other(BOB, full_pipe);
    REQUIRE(set_limit("pipe-user-pages-soft", "16384"));
    return others;
}

static bool grow_beyond_soft_limit(void)
{
    REQUIRE(set_limit("pipe-user-pages-soft", "64"));
    pid_t child = fork();
    if (child == 0) {
        int ends[2];
        REQUIRE(become(ANN) && pipe(ends) == 0);
        REQUIRE(fcntl(ends[0], F_SETPIPE_SZ, 32 * PAGE) == 32 * PAGE);
        REQUIRE_ERRNO(fcntl(ends[0], F_SETPIPE_SZ, 128 * PAGE), EPERM);
        REQUIRE(fcntl(ends[1], F_SETPIPE_SZ, PAGE) == PAGE);
        REQUIRE(fcntl(ends[1], F_SETPIPE_SZ, 64 * PAGE) == 64 * PAGE);
        _exit(0);
    }
    bool right = exited(status_of(child), 0);
    REQUIRE(set_limit("pipe-user-pages-soft", "16384"));
    return right;
}

static bool hard_limit(void)
{
    REQUIRE(set_limit("pipe-user-pages-hard", "40"));
    pid_t child = fork();
    if (child == 0) {
        int ends[2], last[2];
        REQUIRE(become(ANN) && pipe(ends) == 0 && pipe(last) == 0);
        REQUIRE_ERRNO(pipe(ends), ENFILE);
        REQUIRE(mkfifo("/tmp/user_limits", 0600) == 0);
        REQUIRE_ERRNO(open("/tmp/user_limits", O_RDWR), ENOMEM);
        unlink("/tmp/user_limits");
        REQUIRE(close(last[0]) == 0 && close(last[1]) == 0 && pipe(ends) == 0);
        _exit(0);
    }
    bool right = exited(status_of(child), 0) && for_other(BOB, full_pipe);
    REQUIRE(set_limit("pipe-user-pages-hard", "0"));
    return right;
}

static bool larger_than_maximum(void)
{
    int ends[2];

    REQUIRE(become(ANN) && pipe(ends) == 0);
    REQUIRE(fcntl(ends[0], F_SETPIPE_SZ, 1 << 20) == 1 << 20);
    REQUIRE_ERRNO(fcntl(ends[0], F_SETPIPE_SZ, (1 << 20) + 1), EPERM);
    return true;
}

/* ---- epoll(7), max_user_watches ---- */

static bool watch_one(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, eventfd(0, 0), &event) == 0;
}

static bool watches(void)
{
    char old[64];

    REQUIRE(file_text("/proc/sys/fs/epoll/max_user_watches", old, sizeof(old)) > 0);
    REQUIRE(atol(old) > 10000 && set_limit("epoll/max_user_watches", "20"));
    pid_t child = fork();
    if (child == 0) {
        struct epoll_event event = {.events = EPOLLIN};
        int poll[2] = {epoll_create1(0), epoll_create1(0)}, file = -1;
        REQUIRE(become(ANN));
        poll[0] = epoll_create1(0);
        poll[1] = epoll_create1(0);
        for (int i = 0; i < 20; i++) {
            file = eventfd(0, 0);
            REQUIRE(epoll_ctl(poll[i % 2], EPOLL_CTL_ADD, file, &event) == 0);
        }
        REQUIRE_ERRNO(epoll_ctl(poll[0], EPOLL_CTL_ADD, eventfd(0, 0), &event), ENOSPC);
        REQUIRE(close(file) == 0);
        REQUIRE(epoll_ctl(poll[0], EPOLL_CTL_ADD, eventfd(0, 0), &event) == 0);
        REQUIRE(for_other(ANN, watch_one) == false);
        _exit(0);
    }
    bool right = exited(status_of(child), 0) && for_other(BOB, watch_one);
    REQUIRE(set_limit("epoll/max_user_watches", old));
    return right;
}

/* ---- getrlimit(2), RLIMIT_NPROC ---- */

static bool zombies_count(void)
{
    struct rlimit limit = {20, 20};
    int made = 0;
    pid_t child, last = 0;

    REQUIRE(become(ANN) && setrlimit(RLIMIT_NPROC, &limit) == 0);
    while ((child = fork()) >= 0 && made < 100) {
        if (child == 0)
            _exit(0);
        siginfo_t ended;
        REQUIRE(waitid(P_PID, child, &ended, WEXITED | WNOWAIT) == 0);
        last = child;
        made++;
    }
    REQUIRE(errno == EAGAIN && made == 19);
    REQUIRE(exited(status_of(last), 0)); /* one is reaped: there is room for one */
    REQUIRE((child = fork()) >= 0);
    if (child == 0)
        _exit(0);
    return exited(status_of(child), 0);
}

/* ---- what only Baton binds ---- */

static bool lock_bytes(int file, long count, int step)
{
    for (long i = 0; i < count; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_start = i * step, .l_len = 1};
        if (fcntl(file, F_SETLK, &lock))
            return false;
    }
    return true;
}

static bool lock_one(void)
{
    int file = open("/tmp/user_limits_b", O_RDWR | O_CREAT, 0600);
    bool locked = lock_bytes(file, 1, 1);
    unlink("/tmp/user_limits_b");
    return locked;
}

/* fcntl(2): ENOLCK. Each in a file of its own: looking for neighbours takes its time. */
static bool lock_until_refused(void)
{
    struct flock all = {.l_type = F_UNLCK};
    int file = -1, files = 0;

    do {
        file = open("/tmp", O_RDWR | O_TMPFILE, 0600);
        REQUIRE(file >= 0 && files++ < 900);
    } while (lock_bytes(file, 1000, 2));
    REQUIRE(errno == ENOLCK && !for_other(ANN, lock_one));
    return fcntl(file, F_SETLK, &all) == 0 && lock_bytes(file, 1, 2);
}

static bool locks(void)
{
    return !baton_is_here() || bound_by_user(lock_until_refused, lock_one);
}

/* pty(7), kernel.pty.max: of the 4,096 there are, one user gets a quarter. */
static bool open_terminal(void)
{
    return open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0;
}

static bool open_until_refused(void)
{
    int count = 0;

    REQUIRE(setrlimit(RLIMIT_NOFILE, &(struct rlimit){4096, 4096}) == 0);
    while (open_terminal())
        count++;
    REQUIRE(errno == ENOSPC && count == 1024);
    return !for_other(ANN, open_terminal);
}

static bool terminals(void)
{
    return !baton_is_here() || bound_by_user(open_until_refused, open_terminal);
}

/* Connections that nobody accepts need no descriptor; socket(2): ENFILE. */
static bool one_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static int listen_anew(struct sockaddr_un *name, socklen_t *size)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    *size = sizeof(*name);
    if (bind(listener, (struct sockaddr *)name, sizeof(sa_family_t)) ||
        getsockname(listener, (struct sockaddr *)name, size) || listen(listener, 4096))
        return -1;
    return listener;
}

static bool connect_until_refused(void)
{
    struct sockaddr_un name;
    socklen_t size = 0;
    int listener = -1, connection;

    for (int made = 0; made < 1000000; made++) {
        if (made % 4096 == 0)
            REQUIRE((listener = listen_anew(&name, &size)) >= 0);
        connection = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connection < 0 || connect(connection, (struct sockaddr *)&name, size))
            break;
        close(connection);
    }
    REQUIRE(errno == ENFILE && !one_socket());
    REQUIRE(close(listener) == 0 && one_socket());
    return true;
}

static bool waiting_connections(void)
{
    return !baton_is_here() || bound_by_user(connect_until_refused, one_socket);
}

/* On all processors together, "Function call interrupts" of /proc/interrupts; -1: no such line. */
static long calls_of_processors(void)
{
    char line[4096];
    long total = -1;
    FILE *interrupts = fopen("/proc/interrupts", "r");

    while (interrupts && fgets(line, sizeof(line), interrupts)) {
        char *at = strstr(line, "CAL:");
        if (!at)
            continue;
        total = 0;
        at += strlen("CAL:");
        for (char *end; strtol(at, &end, 10), end != at; at = end)
            total += strtol(at, NULL, 10);
    }
    if (interrupts)
        fclose(interrupts);
    return total;
}

/* Where only the caller runs in its address space there is nobody to interrupt. */
static bool barriers_of_its_own(void)
{
    enum { BARRIERS = 2000 };
    long before = calls_of_processors();

    REQUIRE(before >= 0);
    REQUIRE(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0);
    for (int i = 0; i < BARRIERS; i++)
        REQUIRE(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
    REQUIRE(calls_of_processors() - before < BARRIERS / 2);
    return true;
}

/* Who has not registered for barriers of others is not interrupted by them. */
static bool barriers_for_registered(void)
{
    enum { BARRIERS = 2000 };
    long before = calls_of_processors();

    for (int i = 0; i < BARRIERS; i++)
        REQUIRE(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0);
    REQUIRE(calls_of_processors() - before < BARRIERS / 2);
    return true;
}

/* Barriers for all take their time, however many ask for them. */
static bool barriers_for_all(void)
{
    enum { CALLERS = 20, BARRIERS = 10 };
    long before = calls_of_processors();

    for (int i = 0; i < CALLERS; i++)
        if (fork() == 0) {
            int passed = 0;
            while (passed < BARRIERS && syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
                passed++;
            _exit(passed != BARRIERS);
        }
    for (int i = 0; i < CALLERS; i++)
        REQUIRE(exited(status_of(-1), 0));
    REQUIRE(calls_of_processors() - before < CALLERS * BARRIERS / 2);
    return true;
}

static const struct test_case cases[] = {
    {"/proc/sys/fs/pipe-*", "pipe(7)", pipe_files},
    {"beyond pipe-user-pages-soft a pipe has two pages", "pipe(7)", soft_limit},
    {"pipe-user-pages-soft is by user", "pipe(7)", soft_limit_of_one},
    {"no pipe grows beyond pipe-user-pages-soft", "pipe(7)", grow_beyond_soft_limit},
    {"beyond pipe-user-pages-hard there is no pipe", "pipe(7)", hard_limit},
    {"no pipe grows beyond pipe-max-size", "pipe(7)", larger_than_maximum},
    {"max_user_watches is by user", "epoll(7)", watches},
    {"zombies count for RLIMIT_NPROC", "getrlimit(2)", zombies_count},
    {"locks of files are bound by user", "fcntl(2)", locks},
    {"pseudo-terminals are bound by user", "pty(7)", terminals},
    {"connections that nobody accepts are bound by user", "unix(7)", waiting_connections},
    {"membarrier interrupts nobody else", "membarrier(2)", barriers_of_its_own},
    {"…nor who has not registered", "membarrier(2)", barriers_for_registered},
    {"…nor all as often as some like", "membarrier(2)", barriers_for_all},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

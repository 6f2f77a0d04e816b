/*
 * file_checks.h: what programs about files share: lists of checks, one behind the other, in a
 * folder of the program's own.
 */
#ifndef BATON_TESTS_FILE_CHECKS_H
#define BATON_TESTS_FILE_CHECKS_H

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tap.h"

#define OK(call, ...)           tap_errno((call), 0, __VA_ARGS__)
#define FAILS(error, call, ...) tap_errno((int)(call), (error), __VA_ARGS__)

/* musl 1.2.3 has no wrapper. */
#define CLOSE_RANGE_CLOEXEC 4
static inline int close_range(unsigned first, unsigned last, int flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}

static volatile sig_atomic_t signals_seen;

static inline void count_signal(int number)
{
    (void)number;
    signals_seen++;
}

static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Runs in a child after a while; the child's end is collected by wait_all. */
#define LATER(statement)                                                                           \
    do {                                                                                           \
        if (fork() == 0) {                                                                         \
            usleep(100000);                                                                        \
            statement;                                                                             \
            _exit(0);                                                                              \
        }                                                                                          \
    } while (0)

static inline void wait_all(void)
{
    while (wait(NULL) > 0 || errno == EINTR)
        ;
}

/* A new folder /tmp/NAME.XXXXXX, and into it, with no descriptor open but the first three. */
static char folder[64];

static inline void enter_folder(const char *name)
{
    mkdir("/tmp", 01777);
    close_range(3, ~0U, 0);
    snprintf(folder, sizeof(folder), "/tmp/%s.XXXXXX", name);
    OK(mkdtemp(folder) ? 0 : -1, "mkdtemp");
    OK(chdir(folder), "chdir");
}

static inline void leave_folder(void)
{
    chdir("/");
    OK(rmdir(folder), "rmdir");
}

#endif

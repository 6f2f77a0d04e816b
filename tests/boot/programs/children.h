/* children.h: time, children and how they end, users: what most programs need. */
#ifndef BATON_TESTS_CHILDREN_H
#define BATON_TESTS_CHILDREN_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline void sleep_ms(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    while (nanosleep(&time, &time) && errno == EINTR)
        ;
}

static inline long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for a child; its status, or -1. */
static inline int status_of(pid_t child)
{
    int status = -1;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static inline bool exited(int status, int code)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static inline bool killed_by(int status, int signal)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

/* The superuser becomes an ordinary user, with a group of the same number and no others; who is
 * that user already stays it. */
static inline bool become(uid_t user)
{
    return getuid() == user || (setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 &&
                                setresuid(user, user, user) == 0);
}

/* A child in which `begin` held, and which waits to be ended now. -1: there is none (errno), or it
 * did not hold (errno 0). */
static inline pid_t child_that_holds(bool (*begin)(const void *), const void *argument)
{
    int ready[2];
    char byte;

    if (pipe2(ready, O_CLOEXEC))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        close(ready[0]);
        if (!begin(argument) || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    bool holds = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!holds)
        errno = 0;
    return holds ? child : -1;
}

#endif

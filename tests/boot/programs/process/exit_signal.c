/*
 * exit_signal: the signal that a parent gets when its child ends (clone(2)): what it may be, and
 * that the one a program chose is not sent to the program that came after it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cases.h"

static long make_child(unsigned long flags)
{
    return syscall(SYS_clone, flags, 0, 0, 0, 0);
}

static bool child_ends(long child)
{
    int status;
    return waitpid((pid_t)child, &status, __WALL) == child && exited(status, 0);
}

static volatile sig_atomic_t caught;

static void note(int signal)
{
    caught = signal;
}

static bool signal_of_choice(void)
{
    signal(SIGUSR1, note);
    long child = make_child(SIGUSR1);
    if (child == 0)
        _exit(0);
    REQUIRE(child > 0 && child_ends(child) && caught == SIGUSR1);
    return true;
}

static bool signals_that_are_none(void)
{
    for (unsigned long number = 65; number < 256; number++) {
        long child = make_child(number);
        if (child == 0)
            _exit(0);
        REQUIRE(child > 0 && child_ends(child)); /* and nothing came: we are still there */
    }
    return true;
}

static bool no_signal(void)
{
    long child = make_child(0);
    if (child == 0)
        _exit(0);
    REQUIRE(child > 0 && child_ends(child));
    return true;
}

/* The second program: a child of the first one ends now. Has nothing but SIGCHLD come of it? */
static int after_exec(const char *gate)
{
    sigset_t pending;
    int descriptor = atoi(gate), status;

    close(descriptor);
    if (waitpid(-1, &status, __WALL) < 0 || !exited(status, 0))
        return 2;
    return sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1) &&
                   sigismember(&pending, SIGCHLD)
               ? 0
               : 1;
}

/* Makes a child that ends with `flags` when the gate closes, and passes itself on. */
static void pass_on(unsigned long flags)
{
    int gate[2];
    char number[16], byte;
    sigset_t both;

    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &both, NULL) || pipe(gate))
        _exit(9);
    if (make_child(flags) == 0) {
        close(gate[1]);
        _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
    }
    snprintf(number, sizeof(number), "%d", gate[1]);
    execl("/tests/exit_signal", "exit_signal", "after", number, NULL);
    _exit(9);
}

static bool not_after_exec(void)
{
    pid_t child = fork();
    if (child == 0)
        pass_on(SIGUSR1);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool no_killing_after_exec(void)
{
    pid_t child = fork();
    if (child == 0)
        pass_on(SIGKILL);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

/* A child that executes a program itself ends with SIGCHLD. */
static bool not_of_a_new_program(void)
{
    signal(SIGUSR1, note);
    signal(SIGCHLD, note);
    long child = make_child(SIGUSR1);
    if (child == 0) {
        execl("/tests/exit_signal", "exit_signal", "end", NULL);
        _exit(9);
    }
    REQUIRE(child > 0 && child_ends(child) && caught == SIGCHLD);
    return true;
}

static const struct test_case cases[] = {
    {"a signal of choice", "clone(2)", signal_of_choice},
    {"numbers that are no signal's", "clone(2)", signals_that_are_none},
    {"no signal", "clone(2)", no_signal},
    {"SIGCHLD for a parent that has executed", "clone(2)", not_after_exec},
    {"…and not SIGKILL", "clone(2)", no_killing_after_exec},
    {"SIGCHLD for a child that has executed", "clone(2)", not_of_a_new_program},
};

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "after") == 0)
        return after_exec(arguments[2]);
    if (count == 2)
        return 0;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

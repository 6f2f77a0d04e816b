/* signal_job_control: stop, continue, and what a parent is told of its children. */
#define _GNU_SOURCE

#include "signal_cases.h"

/* ---- job control ---- */

static bool stop_and_continue_reported(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        for (;;)
            pause();
    }
    REQUIRE(kill(child, SIGSTOP) == 0);
    REQUIRE(waitpid(child, &status, WUNTRACED) == child);
    REQUIRE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    REQUIRE(waitpid(child, &status, WUNTRACED | WNOHANG) == 0); /* told once */
    REQUIRE(kill(child, SIGCONT) == 0);
    REQUIRE(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    REQUIRE(kill(child, SIGKILL) == 0);
    REQUIRE(killed_by(status_of(child), SIGKILL));
    return true;
}

static bool kill_ends_stopped(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    REQUIRE(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    REQUIRE(kill(child, SIGKILL) == 0);
    REQUIRE(killed_by(status_of(child), SIGKILL));
    return true;
}

static bool term_waits_while_stopped(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    REQUIRE(waitpid(child, &status, WUNTRACED) == child);
    REQUIRE(kill(child, SIGUSR1) == 0);
    sleep_ms(30);
    on(SIGUSR2, counting, 0);
    REQUIRE(kill(child, SIGCONT) == 0);
    REQUIRE(killed_by(status_of(child), SIGUSR1));
    return true;
}

static bool continue_discards_stops(void)
{
    block(SIGTSTP);
    raise(SIGTSTP);
    REQUIRE(is_pending(SIGTSTP));
    raise(SIGCONT);
    REQUIRE(!is_pending(SIGTSTP));
    block(SIGCONT);
    raise(SIGCONT);
    REQUIRE(is_pending(SIGCONT));
    signal(SIGTTIN, SIG_IGN);
    raise(SIGTTIN);
    REQUIRE(!is_pending(SIGCONT));
    return true;
}

static bool continue_runs_handler(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        on(SIGCONT, counting, 0);
        raise(SIGSTOP);
        _exit(count == 1 ? 0 : 1);
    }
    REQUIRE(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    kill(child, SIGCONT);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool child_signal_information(void)
{
    inform(SIGCHLD, 0);
    pid_t child = fork();
    if (child == 0)
        _exit(42);
    REQUIRE(EVENTUALLY(count == 1));
    REQUIRE(last.si_code == CLD_EXITED && last.si_pid == child && last.si_status == 42);
    REQUIRE(last.si_uid == getuid());
    status_of(child);
    child = fork();
    if (child == 0)
        raise(SIGKILL);
    REQUIRE(EVENTUALLY(count == 2));
    REQUIRE(last.si_code == CLD_KILLED && last.si_status == SIGKILL);
    status_of(child);
    return true;
}

static bool child_stop_signal_information(void)
{
    int status;

    inform(SIGCHLD, 0);
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    kill(child, SIGSTOP);
    REQUIRE(EVENTUALLY(count == 1));
    REQUIRE(last.si_code == CLD_STOPPED && last.si_pid == child && last.si_status == SIGSTOP);
    kill(child, SIGCONT);
    REQUIRE(EVENTUALLY(count == 2));
    REQUIRE(last.si_code == CLD_CONTINUED && last.si_status == SIGCONT);
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return true;
}

static bool nocldstop(void)
{
    int status;

    inform(SIGCHLD, SA_NOCLDSTOP);
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    kill(child, SIGSTOP);
    REQUIRE(waitpid(child, &status, WUNTRACED) == child);
    kill(child, SIGCONT);
    REQUIRE(waitpid(child, &status, WCONTINUED) == child);
    REQUIRE(count == 0);
    kill(child, SIGKILL);
    REQUIRE(EVENTUALLY(count == 1));
    status_of(child);
    return true;
}

static bool nocldwait(void)
{
    on(SIGCHLD, counting, SA_NOCLDWAIT);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    REQUIRE(EVENTUALLY(count == 1));
    REQUIRE_ERRNO(waitpid(child, NULL, 0), ECHILD);
    return true;
}

static bool ignored_child_leaves_no_zombie(void)
{
    signal(SIGCHLD, SIG_IGN);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    REQUIRE_ERRNO(waitpid(child, NULL, 0), ECHILD); /* after it ended */
    REQUIRE_ERRNO(kill(child, 0), ESRCH);
    return true;
}

/* ---- wait ---- */

/* Without SA_RESTART: the handler runs, and the call says what it came for all the same. */
static bool wait_tells_before_the_signal(void)
{
    struct sigaction action = {.sa_handler = nothing_done};
    int status;

    sigaction(SIGCHLD, &action, NULL);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            sleep_ms(5);
            _exit(i);
        }
        REQUIRE(waitpid(child, &status, 0) == child && exited(status, i));
    }
    return true;
}

static bool wait_for_unwanted_children(void)
{
    struct sigaction action = {.sa_handler = nothing_done, .sa_flags = SA_NOCLDWAIT};

    sigaction(SIGCHLD, &action, NULL);
    if (fork() == 0) {
        sleep_ms(20);
        _exit(0);
    }
    REQUIRE_ERRNO(wait(NULL), ECHILD);
    return true;
}

static const struct test_case cases[] = {
    {"stop and continue are reported", "wait(2)", stop_and_continue_reported},
    {"SIGKILL ends a stopped process", "signal(7)", kill_ends_stopped},
    {"other signals wait while it is stopped", "POSIX signal generation", term_waits_while_stopped},
    {"SIGCONT discards stop signals, and they it", "POSIX signal generation",
     continue_discards_stops},
    {"SIGCONT's handler runs", "signal(7)", continue_runs_handler},
    {"SIGCHLD: siginfo of an end", "sigaction(2)", child_signal_information},
    {"SIGCHLD: siginfo of a stop", "sigaction(2)", child_stop_signal_information},
    {"SA_NOCLDSTOP", "sigaction(2)", nocldstop},
    {"SA_NOCLDWAIT", "sigaction(2)", nocldwait},
    {"ignoring SIGCHLD leaves no zombie", "wait(2)", ignored_child_leaves_no_zombie},
    {"wait tells of a child before its signal interrupts", "POSIX wait",
     wait_tells_before_the_signal},
    {"wait, when SA_NOCLDWAIT has taken the last child", "POSIX sigaction",
     wait_for_unwanted_children},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

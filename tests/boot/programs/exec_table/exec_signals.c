/*
 * exec_signals: what becomes of actions, masks, pending signals and timers (POSIX exec, signal(7)).
 * Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>

#include "exec_cases.h"

static uint32_t blocked_word;

static void *block_in_futex(void *unused)
{
    syscall(SYS_futex, &blocked_word, FUTEX_WAIT, 0, NULL, NULL, 0);
    return unused;
}

/* ---- signals ---- */

static void handle(int number)
{
    (void)number;
}
static bool handlers_before(void)
{
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP)
            REQUIRE(signal(number, handle) != SIG_ERR);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
        REQUIRE(signal(number, handle) != SIG_ERR);
    return true;
}
static bool handlers_after(void)
{
    struct sigaction action;

    for (int number = 1; number <= SIGRTMAX; number++) {
        if (number > 31 && number < SIGRTMIN)
            continue;
        REQUIRE(sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    }
    return true;
}
static bool ignored_before(void)
{
    signal(SIGUSR1, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGRTMIN + 3, SIG_IGN);
    return true;
}
static bool ignored_after(void)
{
    struct sigaction action;

    REQUIRE(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    REQUIRE(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    REQUIRE(sigaction(SIGRTMIN + 3, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    return raise(SIGUSR1) == 0;
}
static bool ignored_child_before(void)
{
    return signal(SIGCHLD, SIG_IGN) != SIG_ERR;
}
static bool ignored_child_after(void)
{
    struct sigaction action;

    REQUIRE(sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    REQUIRE_ERRNO(waitpid(child, NULL, 0), ECHILD); /* nobody becomes a zombie */
    return true;
}
static bool action_flags_before(void)
{
    struct sigaction action = {.sa_handler = handle,
                               .sa_flags = SA_RESTART | SA_NODEFER | SA_ONSTACK | SA_RESETHAND};

    sigfillset(&action.sa_mask);
    return sigaction(SIGUSR1, &action, NULL) == 0;
}
static bool action_flags_after(void)
{
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        unsigned long mask;
    } action;

    REQUIRE(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, 8) == 0);
    return !action.handler && !action.flags && !action.mask;
}
static bool mask_before(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 5);
    return sigprocmask(SIG_SETMASK, &set, NULL) == 0;
}
static bool mask_after(void)
{
    sigset_t set;

    REQUIRE(sigprocmask(SIG_SETMASK, NULL, &set) == 0);
    return sigismember(&set, SIGUSR1) && sigismember(&set, SIGRTMIN + 5) &&
           !sigismember(&set, SIGUSR2);
}
static bool pending_before(void)
{
    sigset_t set;

    sigfillset(&set);
    REQUIRE(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
    REQUIRE(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR2) == 0); /* the thread's, the process's */
    REQUIRE(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 101}) == 0);
    return sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 102}) == 0;
}
static bool pending_after(void)
{
    sigset_t set;

    REQUIRE(sigpending(&set) == 0);
    return sigismember(&set, SIGUSR1) && sigismember(&set, SIGUSR2) &&
           sigismember(&set, SIGRTMIN + 1) && !sigismember(&set, SIGALRM);
}
static bool queued_after(void)
{
    siginfo_t information;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    REQUIRE(sigwaitinfo(&set, &information) == SIGRTMIN + 1);
    REQUIRE(information.si_value.sival_int == 101 && information.si_pid == getpid());
    REQUIRE(sigwaitinfo(&set, &information) == SIGRTMIN + 1);
    return information.si_value.sival_int == 102;
}
static bool pending_kills(void)
{
    pid_t child = fork();

    if (child == 0) {
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_SETMASK, &set, NULL);
        signal(SIGUSR1, handle);
        raise(SIGUSR1);
        /* Its handler is gone; the new image lets it through and dies of it. */
        execve("/bin/busybox", (char *[]){"sh", "-c", "exit 3", NULL}, environ);
    }
    REQUIRE(exited(status_of(child), 3)); /* still blocked */
    child = fork();
    if (child == 0) {
        note_number("LET", 1);
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_SETMASK, &set, NULL);
        signal(SIGUSR1, handle);
        raise(SIGUSR1);
        execve(program, after_arguments(), environ);
    }
    return killed_by(status_of(child), SIGUSR1) ? (_exit(0), true) : false;
}
static bool pending_kills_after(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return true;
}
static bool other_threads_pending_before(void)
{
    pthread_t thread;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    REQUIRE(pthread_create(&thread, NULL, block_in_futex, NULL) == 0);
    REQUIRE(pthread_kill(thread, SIGUSR1) == 0); /* goes with that thread */
    return kill(getpid(), SIGUSR2) == 0;
}
static bool other_threads_pending_after(void)
{
    sigset_t set;

    REQUIRE(sigpending(&set) == 0);
    return !sigismember(&set, SIGUSR1) && sigismember(&set, SIGUSR2);
}
static bool stack_before(void)
{
    static char memory[65536];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};

    return sigaltstack(&stack, NULL) == 0;
}
static bool stack_after(void)
{
    stack_t stack;

    REQUIRE(sigaltstack(NULL, &stack) == 0);
    return stack.ss_flags == SS_DISABLE && !stack.ss_sp && !stack.ss_size;
}
static bool actions_unshared(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    struct sigaction action;

    signal(SIGUSR1, handle);
    pid_t child = clone(passes_on, stack + sizeof(stack), CLONE_SIGHAND | CLONE_VM | SIGCHLD, NULL);
    REQUIRE(child > 0 && exited(status_of(child), 6));
    REQUIRE(sigaction(SIGUSR1, NULL, &action) == 0);
    return action.sa_handler == handle;
}
static bool exit_signal(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    siginfo_t information;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGUSR1);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    pid_t child = clone(passes_on, stack + sizeof(stack), SIGUSR1, NULL);
    REQUIRE(child > 0 && sigwaitinfo(&set, &information) == SIGCHLD);
    REQUIRE(information.si_pid == child && information.si_status == 6);
    return exited(status_of(child), 6);
}
static bool no_exit_signal(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    siginfo_t information;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    pid_t child = clone(passes_on, stack + sizeof(stack), 0, NULL);
    REQUIRE(child > 0 && sigwaitinfo(&set, &information) == SIGCHLD);
    return waitpid(child, NULL, 0) == child;
}

/* ---- timers ---- */

static bool alarm_before(void)
{
    return alarm(1000) == 0;
}
static bool alarm_after(void)
{
    unsigned left = alarm(0);

    return left > 900 && left <= 1000;
}
static bool interval_timers_before(void)
{
    struct itimerval value = {{50, 0}, {100, 0}};

    REQUIRE(setitimer(ITIMER_REAL, &value, NULL) == 0);
    REQUIRE(setitimer(ITIMER_VIRTUAL, &value, NULL) == 0);
    return setitimer(ITIMER_PROF, &value, NULL) == 0;
}
static bool interval_timers_after(void)
{
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        struct itimerval value;
        REQUIRE(getitimer(which, &value) == 0);
        REQUIRE(value.it_interval.tv_sec == 50);
        REQUIRE(value.it_value.tv_sec >= 90 && value.it_value.tv_sec <= 100);
    }
    return true;
}
static bool alarm_comes_before(void)
{
    struct itimerval value = {{0, 0}, {0, 30000}};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    return setitimer(ITIMER_REAL, &value, NULL) == 0;
}
static bool alarm_comes_after(void)
{
    sigset_t set;
    int number;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    return sigwait(&set, &number) == 0 && number == SIGALRM;
}
static bool posix_timers_before(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec value = {.it_value = {0, 20000000}};
    timer_t timer;

    signal(SIGUSR1, handle); /* should it come before the exec already */
    REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    REQUIRE(timer_settime(timer, 0, &value, NULL) == 0);
    note_number("TIMER", (long)timer);
    return true;
}
static bool posix_timers_after(void)
{
    struct itimerspec value;

    REQUIRE_ERRNO(syscall(SYS_timer_gettime, (int)noted_number("TIMER"), &value), EINVAL);
    sleep_ms(40); /* SIGUSR1 would end this */
    return true;
}

static const struct exec_case cases[] = {
    HALVES("reset: caught signals", "POSIX exec", handlers_before, handlers_after),
    HALVES("kept: ignored signals", "POSIX exec", ignored_before, ignored_after),
    HALVES("kept: ignored SIGCHLD, and what it means", "execve(2)", ignored_child_before,
           ignored_child_after),
    HALVES("reset: flags and masks of caught signals", "POSIX exec", action_flags_before,
           action_flags_after),
    HALVES("kept: the signal mask", "POSIX exec", mask_before, mask_after),
    HALVES("kept: pending signals of thread and process", "POSIX exec", pending_before,
           pending_after),
    HALVES("kept: queued signals with their values", "signal(7)", pending_before, queued_after),
    HALVES("a pending signal whose handler is gone", "POSIX exec", pending_kills,
           pending_kills_after),
    HALVES("gone: pending signals of the other threads", "execve(2)", other_threads_pending_before,
           other_threads_pending_after),
    HALVES("gone: the alternate signal stack", "execve(2)", stack_before, stack_after),
    CASE("unshared: shared signal actions", "clone(2), CLONE_SIGHAND", actions_unshared),
    CASE("reset: the exit signal is SIGCHLD", "execve(2)", exit_signal),
    CASE("reset: also when there was none", "execve(2)", no_exit_signal),
    HALVES("kept: alarm", "POSIX exec", alarm_before, alarm_after),
    HALVES("kept: interval timers", "setitimer(2)", interval_timers_before, interval_timers_after),
    HALVES("kept: an interval timer comes in the new image", "setitimer(2)", alarm_comes_before,
           alarm_comes_after),
    HALVES("gone: POSIX timers", "execve(2)", posix_timers_before, posix_timers_after),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}

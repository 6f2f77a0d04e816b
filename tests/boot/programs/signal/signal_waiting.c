/* signal_waiting: waiting for signals, calls that one interrupts or restarts (signal(7)). */
#define _GNU_SOURCE
#include <poll.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include "signal_cases.h"

/* A child that sends the parent `signal` after a while. */
static pid_t send_later(int signal, long milliseconds)
{
    pid_t child = fork();

    if (child == 0) {
        sleep_ms(milliseconds);
        kill(getppid(), signal);
        _exit(0);
    }
    return child;
}

/* ---- waiting ---- */

static bool pause_ends(void)
{
    on(SIGUSR1, counting, 0);
    pid_t child = send_later(SIGUSR1, 30);
    REQUIRE_ERRNO(pause(), EINTR);
    REQUIRE(count == 1);
    status_of(child);
    return true;
}

static bool pause_not_restarted(void)
{
    on(SIGUSR1, counting, SA_RESTART);
    pid_t child = send_later(SIGUSR1, 30);
    REQUIRE_ERRNO(pause(), EINTR);
    status_of(child);
    return true;
}

static bool sigsuspend_restores(void)
{
    sigset_t none, now;

    on(SIGUSR1, look_at_mask, 0);
    block(SIGUSR1);
    raise(SIGUSR1);
    sigfillset(&none);
    sigdelset(&none, SIGUSR1);
    REQUIRE_ERRNO(sigsuspend(&none), EINTR);
    REQUIRE(sigismember(&mask_in_handler, SIGUSR2)); /* sigsuspend's mask in the handler */
    sigprocmask(SIG_BLOCK, NULL, &now);
    REQUIRE(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
    return true;
}

static bool sigtimedwait_takes(void)
{
    sigset_t set;
    siginfo_t information;
    struct timespec soon = {1, 0};

    block(SIGUSR1);
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 9});
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    REQUIRE(sigtimedwait(&set, &information, &soon) == SIGUSR1);
    REQUIRE(information.si_value.sival_int == 9 && !is_pending(SIGUSR1));
    return true;
}

static bool sigtimedwait_times_out(void)
{
    sigset_t set;
    struct timespec soon = {0, 50000000}, bad = {0, -1};

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    block(SIGUSR1);
    long before = now_ms();
    REQUIRE_ERRNO(sigtimedwait(&set, NULL, &soon), EAGAIN);
    REQUIRE(now_ms() - before >= 49);
    REQUIRE_ERRNO(sigtimedwait(&set, NULL, &bad), EINVAL);
    return true;
}

static bool sigwait_sleeps(void)
{
    sigset_t set;
    int got;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    block(SIGUSR1);
    pid_t child = send_later(SIGUSR1, 30);
    REQUIRE(sigwait(&set, &got) == 0 && got == SIGUSR1);
    status_of(child);
    return true;
}

static bool sigtimedwait_interrupted(void)
{
    sigset_t set;
    struct timespec soon = {5, 0};

    on(SIGUSR2, counting, SA_RESTART);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    block(SIGUSR1);
    pid_t child = send_later(SIGUSR2, 30);
    /* Straight to the kernel: musl begins again by itself. */
    REQUIRE_ERRNO(syscall(SYS_rt_sigtimedwait, &set, NULL, &soon, 8), EINTR);
    status_of(child);
    return true;
}

/* ---- restart ---- */

static int channel[2];

/* Reads a byte that comes 60 ms from now, with a signal at 30 ms. */
static ssize_t interrupted_read(char *byte)
{
    if (pipe(channel))
        return -2;
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(30);
        kill(getppid(), SIGUSR1);
        sleep_ms(30);
        if (write(channel[1], "x", 1) != 1)
            _exit(1);
        _exit(0);
    }
    errno = 0;
    ssize_t result = read(channel[0], byte, 1);
    int saved = errno;
    status_of(child);
    errno = saved;
    return result;
}

static bool read_interrupted(void)
{
    char byte;

    on(SIGUSR1, counting, 0);
    REQUIRE(interrupted_read(&byte) == -1 && errno == EINTR && count == 1);
    return true;
}

static bool read_restarted(void)
{
    char byte = 0;

    on(SIGUSR1, counting, SA_RESTART);
    REQUIRE(interrupted_read(&byte) == 1 && byte == 'x' && count == 1);
    return true;
}

static bool read_not_ended_by_ignored(void)
{
    char byte = 0;

    signal(SIGUSR1, SIG_IGN);
    REQUIRE(interrupted_read(&byte) == 1 && byte == 'x');
    return true;
}

static bool poll_never_restarted(void)
{
    struct pollfd descriptor = {.fd = -1};

    on(SIGUSR1, counting, SA_RESTART);
    pid_t child = send_later(SIGUSR1, 30);
    REQUIRE_ERRNO(poll(&descriptor, 1, 3000), EINTR);
    status_of(child);
    return true;
}

static bool nanosleep_remaining(void)
{
    struct timespec request = {2, 0}, remaining = {0, 0};

    on(SIGUSR1, counting, SA_RESTART);
    pid_t child = send_later(SIGUSR1, 50);
    REQUIRE_ERRNO(nanosleep(&request, &remaining), EINTR);
    REQUIRE(remaining.tv_sec == 1 && remaining.tv_nsec > 0);
    status_of(child);
    return true;
}

static bool wait_restarted(void)
{
    on(SIGUSR1, counting, SA_RESTART);
    pid_t sender = send_later(SIGUSR1, 30);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(100);
        _exit(3);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child && exited(status, 3) && count == 1);
    status_of(sender);
    return true;
}

/* Stopped and continued, a sleep goes on to its end and tells nobody. */
static bool stop_is_invisible(void)
{
    int status;

    pid_t child = fork();
    if (child == 0) {
        struct timespec request = {0, 300000000};
        long before = now_ms();
        if (nanosleep(&request, NULL))
            _exit(1);
        _exit(now_ms() - before >= 300 ? 0 : 2);
    }
    sleep_ms(50);
    REQUIRE(kill(child, SIGSTOP) == 0);
    REQUIRE(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    REQUIRE(kill(child, SIGCONT) == 0);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool stopped_poll_goes_on(void)
{
    int status;

    pid_t child = fork();
    if (child == 0) {
        long before = now_ms();
        int result = poll(NULL, 0, 300);
        long took = now_ms() - before;
        _exit(result == 0 && took >= 300 && took < 2000 ? 0 : 1);
    }
    sleep_ms(50);
    kill(child, SIGSTOP);
    REQUIRE(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    kill(child, SIGCONT);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

/* ---- signalfd ---- */

static bool signalfd_reads(void)
{
    struct signalfd_siginfo information;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int file = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    REQUIRE(file >= 0);
    REQUIRE_ERRNO(read(file, &information, sizeof(information)), EAGAIN);
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 3});
    struct pollfd descriptor = {.fd = file, .events = POLLIN};
    REQUIRE(poll(&descriptor, 1, 1000) == 1 && descriptor.revents == POLLIN);
    REQUIRE(read(file, &information, sizeof(information)) == sizeof(information));
    REQUIRE(information.ssi_signo == SIGUSR1 && information.ssi_int == 3 &&
            information.ssi_pid == (uint32_t)getpid());
    REQUIRE(!is_pending(SIGUSR1));
    REQUIRE_ERRNO(read(file, &information, 16), EINVAL);
    return true;
}

static bool signalfd_wakes(void)
{
    struct signalfd_siginfo information;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int file = signalfd(-1, &set, 0);
    pid_t child = send_later(SIGUSR2, 30);
    REQUIRE(read(file, &information, sizeof(information)) == sizeof(information));
    REQUIRE(information.ssi_signo == SIGUSR2 && information.ssi_pid == (uint32_t)child);
    status_of(child);
    return true;
}

/* ---- pipes ---- */

static bool broken_pipe(void)
{
    int ends[2];

    REQUIRE(pipe(ends) == 0 && close(ends[0]) == 0);
    inform(SIGPIPE, 0);
    REQUIRE_ERRNO(write(ends[1], "x", 1), EPIPE);
    REQUIRE(count == 1 && last_signal == SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    REQUIRE_ERRNO(write(ends[1], "x", 1), EPIPE);
    return true;
}

static bool partial_write_interrupted(void)
{
    static char bytes[200000];
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    on(SIGUSR1, counting, 0);
    pid_t child = send_later(SIGUSR1, 50);
    ssize_t written = write(ends[1], bytes, sizeof(bytes));
    REQUIRE(written == 65536 && count == 1); /* what fit; not EINTR */
    status_of(child);
    return true;
}

static const struct test_case cases[] = {
    {"pause", "pause(2)", pause_ends},
    {"pause is never restarted", "signal(7)", pause_not_restarted},
    {"sigsuspend", "sigsuspend(2)", sigsuspend_restores},
    {"sigtimedwait takes a pending signal", "sigwaitinfo(2)", sigtimedwait_takes},
    {"sigtimedwait times out", "sigwaitinfo(2)", sigtimedwait_times_out},
    {"sigwait sleeps", "sigwait(3)", sigwait_sleeps},
    {"sigtimedwait: EINTR", "signal(7)", sigtimedwait_interrupted},
    {"read: EINTR", "signal(7)", read_interrupted},
    {"read: SA_RESTART", "signal(7)", read_restarted},
    {"an ignored signal ends no read", "signal(7)", read_not_ended_by_ignored},
    {"poll is never restarted", "signal(7)", poll_never_restarted},
    {"nanosleep: the remaining time", "nanosleep(2)", nanosleep_remaining},
    {"waitpid: SA_RESTART", "signal(7)", wait_restarted},
    {"nanosleep goes on after stop and continue", "signal(7)", stop_is_invisible},
    {"poll goes on after stop and continue", "signal(7)", stopped_poll_goes_on},
    {"signalfd: read, poll, EAGAIN", "signalfd(2)", signalfd_reads},
    {"signalfd wakes a reader", "signalfd(2)", signalfd_wakes},
    {"SIGPIPE and EPIPE", "pipe(7)", broken_pipe},
    {"an interrupted write tells what it wrote", "write(2)", partial_write_interrupted},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

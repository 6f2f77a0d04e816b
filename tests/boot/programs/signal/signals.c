/* signals: sending, blocking, handling, waiting, stopping; faults (signal(7) and its pages). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>

#include "cases.h"

static volatile sig_atomic_t count, last_signal, order[16], depth, deepest;
static volatile siginfo_t last;

static void counting(int signal)
{
    last_signal = signal;
    order[count++ % 16] = signal;
}

static void informing(int signal, siginfo_t *information, void *context)
{
    (void)context;
    last = *information;
    last_signal = signal;
    order[count++ % 16] = signal;
}

static void on(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaction(signal, &action, NULL);
}

static void inform(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = informing, .sa_flags = flags | SA_SIGINFO};

    sigaction(signal, &action, NULL);
}

static void block(int signal)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void unblock(int signal)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static bool is_pending(int signal)
{
    sigset_t set;

    sigpending(&set);
    return sigismember(&set, signal);
}

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

/* ---- handlers ---- */

static bool handler_runs(void)
{
    on(SIGUSR1, counting, 0);
    REQUIRE(raise(SIGUSR1) == 0);
    REQUIRE(count == 1 && last_signal == SIGUSR1);
    return true;
}

static bool kill_self_synchronous(void)
{
    on(SIGUSR1, counting, 0);
    REQUIRE(kill(getpid(), SIGUSR1) == 0);
    REQUIRE(count == 1);
    return true;
}

static bool information_of_kill(void)
{
    inform(SIGUSR1, 0);
    REQUIRE(kill(getpid(), SIGUSR1) == 0);
    REQUIRE(last.si_signo == SIGUSR1 && last.si_code == SI_USER && last.si_pid == getpid());
    REQUIRE(last.si_uid == getuid());
    return true;
}

static bool information_of_tkill(void)
{
    inform(SIGUSR1, 0);
    REQUIRE(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1) == 0);
    REQUIRE(last.si_code == SI_TKILL && last.si_pid == getpid());
    return true;
}

static bool information_of_sigqueue(void)
{
    inform(SIGUSR1, 0);
    REQUIRE(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 77}) == 0);
    REQUIRE(last.si_code == SI_QUEUE && last.si_value.sival_int == 77);
    return true;
}

static bool old_action_returned(void)
{
    struct sigaction old;

    on(SIGUSR1, counting, SA_RESTART);
    REQUIRE(sigaction(SIGUSR1, NULL, &old) == 0);
    REQUIRE(old.sa_handler == counting && (old.sa_flags & SA_RESTART));
    return true;
}

static bool kill_and_stop_have_no_action(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};

    REQUIRE_ERRNO(sigaction(SIGKILL, &action, NULL), EINVAL);
    REQUIRE_ERRNO(sigaction(SIGSTOP, &action, NULL), EINVAL);
    REQUIRE(sigaction(SIGKILL, NULL, &action) == 0);
    return true;
}

static bool action_bad_signal(void)
{
    REQUIRE_ERRNO(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, (void *)1, NULL, 8), EFAULT);
    return true;
}

static void nesting(int signal)
{
    (void)signal;
    if (++depth > deepest)
        deepest = depth;
    if (count++ < 3)
        raise(SIGUSR1);
    depth--;
}

static bool own_signal_blocked(void)
{
    on(SIGUSR1, nesting, 0);
    raise(SIGUSR1);
    REQUIRE(deepest == 1 && count == 4);
    return true;
}

static bool nodefer_nests(void)
{
    on(SIGUSR1, nesting, SA_NODEFER);
    raise(SIGUSR1);
    REQUIRE(deepest == 4 && count == 4);
    return true;
}

static bool resethand_once(void)
{
    struct sigaction old;

    on(SIGUSR1, counting, SA_RESETHAND);
    raise(SIGUSR1);
    REQUIRE(sigaction(SIGUSR1, NULL, &old) == 0);
    REQUIRE(count == 1 && old.sa_handler == SIG_DFL);
    return true;
}

static sigset_t mask_in_handler;

static void look_at_mask(int signal)
{
    (void)signal;
    sigprocmask(SIG_BLOCK, NULL, &mask_in_handler);
}

static bool action_mask_blocks(void)
{
    struct sigaction action = {.sa_handler = look_at_mask};
    sigset_t after;

    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    REQUIRE(sigismember(&mask_in_handler, SIGUSR1) && sigismember(&mask_in_handler, SIGUSR2));
    sigprocmask(SIG_BLOCK, NULL, &after);
    REQUIRE(!sigismember(&after, SIGUSR1) && !sigismember(&after, SIGUSR2));
    return true;
}

static void change_context_mask(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)information;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}

static bool context_mask_restored(void)
{
    struct sigaction action = {.sa_sigaction = change_context_mask, .sa_flags = SA_SIGINFO};
    sigset_t after;

    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &after);
    REQUIRE(sigismember(&after, SIGUSR2));
    return true;
}

static bool ignored_is_dropped(void)
{
    signal(SIGUSR1, SIG_IGN);
    REQUIRE(raise(SIGUSR1) == 0);
    block(SIGUSR2);
    raise(SIGUSR2);
    REQUIRE(is_pending(SIGUSR2));
    signal(SIGUSR2, SIG_IGN); /* discards it */
    REQUIRE(!is_pending(SIGUSR2));
    return true;
}

/* ---- default actions ---- */

static bool dies_of(int signal)
{
    pid_t child = fork();

    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        raise(signal);
        _exit(0);
    }
    int status = status_of(child);
    return killed_by(status, signal) && !WCOREDUMP(status);
}

static bool defaults_terminate(void)
{
    static const int signals[] = {SIGHUP,  SIGINT,    SIGKILL, SIGPIPE, SIGALRM, SIGTERM,  SIGUSR1,
                                  SIGUSR2, SIGVTALRM, SIGPROF, SIGPOLL, SIGPWR,  SIGSTKFLT};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        REQUIRE(dies_of(signals[i]));
    REQUIRE(dies_of(SIGRTMIN) && dies_of(SIGRTMAX));
    return true;
}

static bool defaults_core(void)
{
    static const int signals[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE,
                                  SIGSEGV, SIGBUS, SIGSYS,  SIGXCPU, SIGXFSZ};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        REQUIRE(dies_of(signals[i]));
    return true;
}

static bool defaults_ignored(void)
{
    REQUIRE(raise(SIGCHLD) == 0 && raise(SIGURG) == 0 && raise(SIGWINCH) == 0);
    REQUIRE(raise(SIGCONT) == 0);
    return true;
}

/* ---- blocking and queueing ---- */

static bool blocked_stays_pending(void)
{
    on(SIGUSR1, counting, 0);
    block(SIGUSR1);
    raise(SIGUSR1);
    REQUIRE(count == 0 && is_pending(SIGUSR1));
    unblock(SIGUSR1);
    REQUIRE(count == 1 && !is_pending(SIGUSR1));
    return true;
}

static bool standard_not_queued(void)
{
    on(SIGUSR1, counting, 0);
    block(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    unblock(SIGUSR1);
    /* One to the thread, one to the process. */
    REQUIRE(count == 2);
    return true;
}

static int values[16];

static void take_value(int signal, siginfo_t *information, void *context)
{
    (void)context;
    order[count] = signal;
    values[count++] = information->si_value.sival_int;
}

static bool realtime_queued_in_order(void)
{
    struct sigaction action = {.sa_sigaction = take_value, .sa_flags = SA_SIGINFO};

    sigfillset(&action.sa_mask);
    sigaction(SIGRTMIN + 1, &action, NULL);
    block(SIGRTMIN + 1);
    for (int i = 0; i < 5; i++)
        REQUIRE(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}) == 0);
    unblock(SIGRTMIN + 1);
    REQUIRE(count == 5);
    for (int i = 0; i < 5; i++)
        REQUIRE(values[i] == i);
    return true;
}

static bool realtime_lowest_first(void)
{
    struct sigaction action = {.sa_sigaction = take_value, .sa_flags = SA_SIGINFO};
    sigset_t all;

    sigfillset(&action.sa_mask);
    for (int i = 0; i < 4; i++)
        sigaction(SIGRTMIN + i, &action, NULL);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 3; i >= 0; i--)
        REQUIRE(sigqueue(getpid(), SIGRTMIN + i, (union sigval){.sival_int = i}) == 0);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    REQUIRE(count == 4);
    for (int i = 0; i < 4; i++)
        REQUIRE(values[i] == i && order[i] == SIGRTMIN + i);
    return true;
}

static bool queue_limit(void)
{
    struct rlimit limit = {3, 3};
    int error = 0;

    block(SIGRTMIN + 1);
    REQUIRE(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
    for (int i = 0; i < 8 && !error; i++) {
        if (sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}))
            error = errno;
    }
    REQUIRE(error == EAGAIN);
    REQUIRE(kill(getpid(), SIGRTMIN + 1) == 0); /* kill(2) needs no place in the queue */
    return true;
}

static bool kill_and_stop_unblockable(void)
{
    sigset_t all, now;

    sigfillset(&all);
    REQUIRE(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
    sigprocmask(SIG_BLOCK, NULL, &now);
    REQUIRE(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP));
    REQUIRE(sigismember(&now, SIGUSR1));
    return true;
}

static bool procmask_errors(void)
{
    uint64_t set = 0;

    REQUIRE_ERRNO(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void *)1, NULL, 8), EFAULT);
    REQUIRE(syscall(SYS_rt_sigprocmask, 9, NULL, &set, 8) == 0);
    return true;
}

static bool mask_kept_by_fork_not_pending(void)
{
    block(SIGUSR1);
    raise(SIGUSR1);
    pid_t child = fork();
    if (child == 0) {
        sigset_t now;
        sigprocmask(SIG_BLOCK, NULL, &now);
        _exit(sigismember(&now, SIGUSR1) && !is_pending(SIGUSR1) ? 0 : 1);
    }
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool delivered_before_sigprocmask_returns(void)
{
    on(SIGUSR1, counting, 0);
    on(SIGUSR2, counting, 0);
    block(SIGUSR1);
    block(SIGUSR2);
    raise(SIGUSR1);
    raise(SIGUSR2);
    unblock(SIGUSR2);
    REQUIRE(count == 1 && last_signal == SIGUSR2);
    unblock(SIGUSR1);
    REQUIRE(count == 2);
    return true;
}

/* ---- kill ---- */

static bool kill_errors(void)
{
    REQUIRE_ERRNO(kill(getpid(), 65), EINVAL);
    REQUIRE_ERRNO(kill(getpid(), -1), EINVAL);
    REQUIRE_ERRNO(kill(0x3fffffff, 0), ESRCH);
    REQUIRE_ERRNO(kill(-0x3fffffff, 0), ESRCH);
    REQUIRE(kill(getpid(), 0) == 0);
    return true;
}

static bool tgkill_errors(void)
{
    REQUIRE_ERRNO(syscall(SYS_tgkill, getpid(), 0x3fffffff, 0), ESRCH);
    REQUIRE_ERRNO(syscall(SYS_tgkill, -1, gettid(), 0), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_tgkill, getppid(), gettid(), 0), ESRCH);
    REQUIRE_ERRNO(syscall(SYS_tkill, -1, 0), EINVAL);
    REQUIRE(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
    return true;
}

static bool kill_zombie(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    siginfo_t information;
    REQUIRE(waitid(P_PID, child, &information, WEXITED | WNOWAIT) == 0);
    REQUIRE(kill(child, 0) == 0 && kill(child, SIGTERM) == 0);
    REQUIRE(exited(status_of(child), 0));
    REQUIRE_ERRNO(kill(child, 0), ESRCH);
    return true;
}

static bool kill_permission(void)
{
    pid_t other = fork();

    if (other == 0) {
        pause();
        _exit(0);
    }
    pid_t child = fork();
    if (child == 0) {
        if (setuid(1000))
            _exit(2);
        _exit(kill(other, SIGTERM) == -1 && errno == EPERM ? 0 : 1);
    }
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(kill(other, SIGKILL) == 0);
    REQUIRE(killed_by(status_of(other), SIGKILL));
    return true;
}

static bool continue_needs_no_permission(void)
{
    pid_t other = fork();

    if (other == 0) {
        pause();
        _exit(0);
    }
    pid_t child = fork();
    if (child == 0) {
        if (setuid(1000))
            _exit(2);
        _exit(kill(other, SIGCONT) == 0 ? 0 : 1);
    }
    REQUIRE(exited(status_of(child), 0));
    kill(other, SIGKILL);
    status_of(other);
    return true;
}

static bool kill_group(void)
{
    pid_t first = fork();

    if (first == 0) {
        setpgid(0, 0);
        pause();
        _exit(0);
    }
    setpgid(first, first);
    pid_t second = fork();
    if (second == 0) {
        setpgid(0, first);
        pause();
        _exit(0);
    }
    setpgid(second, first);
    REQUIRE(kill(-first, SIGTERM) == 0);
    REQUIRE(killed_by(status_of(first), SIGTERM));
    REQUIRE(killed_by(status_of(second), SIGTERM));
    REQUIRE_ERRNO(kill(-first, 0), ESRCH);
    return true;
}

static bool kill_zero_is_own_group(void)
{
    pid_t child = fork();

    if (child == 0) {
        setpgid(0, 0);
        pid_t other = fork();
        if (other == 0) {
            pause();
            _exit(0);
        }
        on(SIGUSR1, counting, 0);
        if (kill(0, SIGUSR1) || count != 1)
            _exit(1);
        _exit(killed_by(status_of(other), SIGUSR1) ? 0 : 2);
    }
    REQUIRE(exited(status_of(child), 0));
    return true;
}

/* PID 1 gets only what it handles. Tried where PID 1 is ours. */
static bool init_is_protected(void)
{
    static const int signals[] = {SIGKILL, SIGSTOP, SIGXCPU, SIGVTALRM, SIGSEGV, 64};

    if (access("/init", X_OK))
        return true;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        REQUIRE(kill(1, signals[i]) == 0);
    /* It still takes in orphans and reaps them. */
    pid_t middle = fork(), orphan;
    if (middle == 0) {
        orphan = fork();
        if (orphan == 0)
            _exit(0);
        _exit(orphan > 0 ? 0 : 1);
    }
    REQUIRE(exited(status_of(middle), 0));
    return true;
}

static bool queueinfo_cannot_lie(void)
{
    siginfo_t information = {.si_code = SI_USER};
    pid_t child = fork();

    if (child == 0) {
        pause();
        _exit(0);
    }
    REQUIRE_ERRNO(syscall(SYS_rt_sigqueueinfo, child, SIGUSR1, &information), EPERM);
    information.si_code = 1;
    REQUIRE_ERRNO(syscall(SYS_rt_sigqueueinfo, child, SIGUSR1, &information), EPERM);
    information.si_code = SI_TKILL;
    REQUIRE_ERRNO(syscall(SYS_rt_sigqueueinfo, child, SIGUSR1, &information), EPERM);
    kill(child, SIGKILL);
    status_of(child);
    return true;
}

static bool tgsigqueueinfo_to_thread(void)
{
    siginfo_t information = {.si_code = SI_QUEUE};

    inform(SIGUSR1, 0);
    information.si_value.sival_int = 5;
    REQUIRE(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &information) == 0);
    REQUIRE(last.si_code == SI_QUEUE && last.si_value.sival_int == 5);
    return true;
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

/* ---- alternate stack ---- */

static char alternate[65536];
static volatile uintptr_t handler_stack;
static volatile int stack_flags;

static void note_stack(int signal)
{
    stack_t now;

    (void)signal;
    handler_stack = (uintptr_t)&now;
    sigaltstack(NULL, &now);
    stack_flags = now.ss_flags;
}

static bool on_alternate(void)
{
    return handler_stack >= (uintptr_t)alternate &&
           handler_stack < (uintptr_t)alternate + sizeof(alternate);
}

static bool alternate_stack_used(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)}, old;

    REQUIRE(sigaltstack(&stack, NULL) == 0);
    on(SIGUSR1, note_stack, SA_ONSTACK);
    raise(SIGUSR1);
    REQUIRE(on_alternate() && stack_flags == SS_ONSTACK);
    on(SIGUSR1, note_stack, 0);
    raise(SIGUSR1);
    REQUIRE(!on_alternate() && stack_flags == 0);
    REQUIRE(sigaltstack(NULL, &old) == 0 && old.ss_sp == alternate && old.ss_flags == 0);
    return true;
}

static bool alternate_stack_errors(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = 1000};

    /* Straight to the kernel: C libraries have a larger idea of the least size. */
    REQUIRE_ERRNO(syscall(SYS_sigaltstack, &stack, NULL), ENOMEM);
    stack.ss_size = sizeof(alternate);
    stack.ss_flags = 8;
    REQUIRE_ERRNO(syscall(SYS_sigaltstack, &stack, NULL), EINVAL);
    stack.ss_flags = SS_DISABLE;
    REQUIRE(syscall(SYS_sigaltstack, &stack, NULL) == 0);
    REQUIRE(syscall(SYS_sigaltstack, NULL, &stack) == 0 && stack.ss_flags == SS_DISABLE);
    REQUIRE_ERRNO(syscall(SYS_sigaltstack, (void *)1, NULL), EFAULT);
    return true;
}

static volatile int change_result;

static void change_stack(int signal)
{
    stack_t stack = {.ss_flags = SS_DISABLE};

    (void)signal;
    change_result = sigaltstack(&stack, NULL) == -1 ? errno : 0;
}

static bool alternate_stack_in_use(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};

    sigaltstack(&stack, NULL);
    on(SIGUSR1, change_stack, SA_ONSTACK);
    raise(SIGUSR1);
    REQUIRE(change_result == EPERM);
    return true;
}

static bool alternate_stack_autodisarm(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate), .ss_flags = (int)(1U << 31)},
            old;

    REQUIRE(syscall(SYS_sigaltstack, &stack, NULL) == 0);
    on(SIGUSR1, note_stack, SA_ONSTACK);
    raise(SIGUSR1);
    REQUIRE(on_alternate() && stack_flags == SS_DISABLE);
    REQUIRE(sigaltstack(NULL, &old) == 0 && old.ss_sp == alternate); /* armed again */
    return true;
}

static sigjmp_buf out;

static void jump_out(int signal)
{
    last_signal = signal;
    count++;
    siglongjmp(out, 1);
}

static int overflow(int level)
{
    volatile char room[4096];

    room[0] = level;
    if (level < 0)
        return 0;
    return overflow(level + 1) + room[0];
}

static bool stack_overflow_on_alternate(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};

    sigaltstack(&stack, NULL);
    on(SIGSEGV, jump_out, SA_ONSTACK);
    if (sigsetjmp(out, 1) == 0)
        overflow(0);
    REQUIRE(count == 1 && last_signal == SIGSEGV);
    return true;
}

static bool stack_overflow_without_alternate(void)
{
    pid_t child = fork();

    if (child == 0) {
        on(SIGSEGV, counting, 0);
        overflow(0);
    }
    REQUIRE(killed_by(status_of(child), SIGSEGV));
    return true;
}

/* ---- faults ---- */

static void catch_fault(int signal, siginfo_t *information, void *context)
{
    (void)context;
    last = *information;
    last_signal = signal;
    count++;
    siglongjmp(out, 1);
}

static bool faults_with(void (*cause)(void *), void *argument, int signal, int code)
{
    struct sigaction action = {.sa_sigaction = catch_fault, .sa_flags = SA_SIGINFO};

    sigaction(signal, &action, NULL);
    count = 0;
    if (sigsetjmp(out, 1) == 0)
        cause(argument);
    if (count != 1 || last_signal != signal || last.si_code != code) {
        tap_note("signal %d code %d", last_signal, last.si_code);
        return false;
    }
    return true;
}

static void write_to(void *address)
{
    *(volatile char *)address = 1;
}

static void read_from(void *address)
{
    (void)*(volatile char *)address;
}

static void run_at(void *address)
{
    ((void (*)(void))address)();
}

static bool fault_unmapped(void)
{
    REQUIRE(faults_with(read_from, (void *)0x10, SIGSEGV, SEGV_MAPERR));
    REQUIRE(last.si_addr == (void *)0x10);
    REQUIRE(faults_with(write_to, (void *)0x10, SIGSEGV, SEGV_MAPERR));
    return true;
}

static bool fault_protected(void)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(page != MAP_FAILED);
    REQUIRE(faults_with(write_to, page + 5, SIGSEGV, SEGV_ACCERR) && last.si_addr == page + 5);
    REQUIRE(faults_with(run_at, page, SIGSEGV, SEGV_ACCERR) && last.si_addr == page);
    REQUIRE(mprotect(page, 4096, PROT_NONE) == 0);
    REQUIRE(faults_with(read_from, page, SIGSEGV, SEGV_ACCERR));
    return true;
}

static bool fault_kernel_half(void)
{
    REQUIRE(faults_with(read_from, (void *)0xffff800000000000, SIGSEGV, SEGV_MAPERR));
    REQUIRE(faults_with(read_from, (void *)0xffffffff80000000, SIGSEGV, SEGV_MAPERR));
    /* Not canonical with four levels of tables, nor with five. */
    REQUIRE(faults_with(read_from, (void *)0x0800000000000000, SIGSEGV, SI_KERNEL));
    return true;
}

static bool fault_behind_file(void)
{
    int file = memfd_create("short", 0);

    REQUIRE(file >= 0 && ftruncate(file, 100) == 0);
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    REQUIRE(pages != MAP_FAILED);
    pages[200] = 1;
    REQUIRE(faults_with(read_from, pages + 4096, SIGBUS, BUS_ADRERR));
    REQUIRE(last.si_addr == pages + 4096);
    return true;
}

static void divide(void *argument)
{
    (void)argument;
    __asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" ::
                         : "eax", "ecx", "edx", "cc");
}

static bool fault_division(void)
{
    REQUIRE(faults_with(divide, NULL, SIGFPE, FPE_INTDIV));
    return true;
}

static void invalid(void *argument)
{
    (void)argument;
    __asm__ volatile("ud2");
}

static bool fault_invalid_instruction(void)
{
    REQUIRE(faults_with(invalid, NULL, SIGILL, ILL_ILLOPN));
    return true;
}

static void privileged(void *argument)
{
    (void)argument;
    __asm__ volatile("hlt");
}

static bool fault_privileged(void)
{
    REQUIRE(faults_with(privileged, NULL, SIGSEGV, SI_KERNEL));
    return true;
}

static void breakpoint(void *argument)
{
    (void)argument;
    __asm__ volatile("int3");
}

static bool fault_breakpoint(void)
{
    REQUIRE(faults_with(breakpoint, NULL, SIGTRAP, SI_KERNEL));
    return true;
}

static void single_step(void *argument)
{
    (void)argument;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" ::: "memory", "cc");
}

static bool fault_single_step(void)
{
    REQUIRE(faults_with(single_step, NULL, SIGTRAP, TRAP_TRACE));
    return true;
}

/* By the x87, since QEMU raises no exceptions for SSE. */
static void float_division(void *argument)
{
    uint16_t control = 0x37f & ~0x4; /* division by zero is not masked */

    (void)argument;
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait; fninit" ::"m"(control));
}

static bool fault_float_division(void)
{
    REQUIRE(faults_with(float_division, NULL, SIGFPE, FPE_FLTDIV));
    return true;
}

static bool fault_blocked_is_fatal(void)
{
    pid_t child = fork();

    if (child == 0) {
        on(SIGSEGV, counting, 0);
        block(SIGSEGV);
        write_to(NULL);
        _exit(0);
    }
    REQUIRE(killed_by(status_of(child), SIGSEGV));
    return true;
}

static bool fault_ignored_is_fatal(void)
{
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSEGV, SIG_IGN);
        write_to(NULL);
        _exit(0);
    }
    REQUIRE(killed_by(status_of(child), SIGSEGV));
    return true;
}

static bool int_vectors_only_fault(void)
{
    unsigned char *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(code != MAP_FAILED);
    for (int vector = 0; vector < 256; vector++) {
        if (vector == 3 || vector == 4 || vector == 0x80)
            continue;
        code[0] = 0xcd;
        code[1] = vector;
        code[2] = 0xc3;
        if (!faults_with(run_at, code, SIGSEGV, SI_KERNEL)) {
            tap_note("int 0x%x", vector);
            return false;
        }
    }
    return true;
}

/* ---- frames ---- */

static void fix_register(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)information;
    ucontext_t *user = context;
    user->uc_mcontext.gregs[REG_RAX] = 0x1234;
    user->uc_mcontext.gregs[REG_RIP] += 2; /* behind UD2 */
}

static bool frame_registers_restored(void)
{
    struct sigaction action = {.sa_sigaction = fix_register, .sa_flags = SA_SIGINFO};
    uint64_t result, kept;

    sigaction(SIGILL, &action, NULL);
    __asm__ volatile("movq $77, %%r12; xorl %%eax, %%eax; ud2; movq %%r12, %1"
                     : "=a"(result), "=r"(kept)
                     :
                     : "r12", "memory");
    REQUIRE(result == 0x1234 && kept == 77);
    return true;
}

static bool frame_float_kept(void)
{
    double in[4] = {1.5, 2.5, 3.5, 4.5}, after[4] = {0};
    uint32_t control = 0x1f80 | 0x6000, control_after = 0; /* rounding to zero */

    on(SIGUSR1, counting, 0);
    pid_t self = getpid();
    long number = SYS_kill;
    __asm__ volatile("movupd (%1), %%xmm6; movupd 16(%1), %%xmm7; ldmxcsr %2;"
                     "mov %3, %%rax; syscall;"
                     "movupd %%xmm6, (%4); movupd %%xmm7, 16(%4); stmxcsr %0"
                     : "=m"(control_after)
                     : "r"(in), "m"(control), "r"(number), "r"(after), "D"((long)self),
                       "S"((long)SIGUSR1)
                     : "rax", "rcx", "r11", "xmm6", "xmm7", "memory");
    REQUIRE(count == 1 && memcmp(in, after, sizeof(in)) == 0);
    REQUIRE((control_after & 0x6000) == 0x6000);
    return true;
}

static uint32_t control_in_handler;

static void note_control(int signal)
{
    (void)signal;
    __asm__ volatile("stmxcsr %0" : "=m"(control_in_handler));
}

static bool handler_float_is_fresh(void)
{
    uint32_t control = 0x1f80 | 0x6000;

    on(SIGUSR1, note_control, 0);
    __asm__ volatile("ldmxcsr %0" ::"m"(control));
    raise(SIGUSR1);
    control = 0x1f80;
    __asm__ volatile("ldmxcsr %0" ::"m"(control));
    REQUIRE((control_in_handler & 0x6000) == 0);
    return true;
}

static uint64_t flags_in_handler;

static void note_flags(int signal)
{
    (void)signal;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags_in_handler));
}

static bool handler_flags_clear(void)
{
    long self = getpid(), number = SYS_kill, flags;

    on(SIGUSR1, note_flags, 0);
    __asm__ volatile("std; syscall; pushfq; popq %0; cld"
                     : "=r"(flags), "+a"(number)
                     : "D"(self), "S"((long)SIGUSR1)
                     : "rcx", "r11", "memory");
    REQUIRE(!(flags_in_handler & 0x400)); /* the direction flag: psABI */
    REQUIRE(flags & 0x400);               /* and it is there again */
    return true;
}

/* Breaks one thing of the frame and returns: only a signal may come of it. */
static int breakage;

static void break_frame(int signal, siginfo_t *information, void *context)
{
    ucontext_t *user = context;

    (void)signal, (void)information;
    switch (breakage) {
    case 0:
        user->uc_mcontext.gregs[REG_RIP] = 0x0800000000000000;
        break;
    case 1:
        user->uc_mcontext.gregs[REG_RIP] = (greg_t)0xffff800000000000;
        break;
    case 2:
        user->uc_mcontext.gregs[REG_CSGSFS] = 0x08;
        break;
    case 3:
        user->uc_mcontext.gregs[REG_CSGSFS] = 0x10;
        break;
    case 4:
        user->uc_mcontext.gregs[REG_CSGSFS] = 0xfff8;
        break;
    case 5: /* MXCSR with a reserved bit */
        if (user->uc_mcontext.fpregs)
            user->uc_mcontext.fpregs->mxcsr = 0xffffffff;
        break;
    case 6:
        user->uc_mcontext.fpregs = (void *)8;
        break;
    case 7: /* SS is the last of the four 16-bit fields */
        user->uc_mcontext.gregs[REG_CSGSFS] =
            (user->uc_mcontext.gregs[REG_CSGSFS] & 0xffffffffffff) | 0x18L << 48;
        break;
    case 8:
        user->uc_mcontext.gregs[REG_RSP] = 0x10;
        break;
    default:
        break;
    }
}

static bool broken_frames_only_signal(void)
{
    for (breakage = 0; breakage < 9; breakage++) {
        pid_t child = fork();
        if (child == 0) {
            struct sigaction action = {.sa_sigaction = break_frame, .sa_flags = SA_SIGINFO};
            sigaction(SIGUSR1, &action, NULL);
            raise(SIGUSR1);
            _exit(0);
        }
        int status = status_of(child);
        /* QEMU takes any MXCSR, so that nothing need come of this one. */
        if (breakage == 5 && exited(status, 0))
            continue;
        if (!killed_by(status, SIGSEGV) && !killed_by(status, SIGBUS)) {
            tap_note("breakage %d: status 0x%x", breakage, status);
            return false;
        }
    }
    return true;
}

static void raise_privilege(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)information;
    /* I/O privilege, nested task, virtual-8086, interrupts off: all refused. */
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= 0x3000 | 0x4000 | 0x20000;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x200L;
}

static bool frame_flags_filtered(void)
{
    struct sigaction action = {.sa_sigaction = raise_privilege, .sa_flags = SA_SIGINFO};
    uint64_t flags;

    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    REQUIRE((flags & (0x3000 | 0x4000 | 0x20000)) == 0 && (flags & 0x200));
    return true;
}

static bool sigreturn_from_nowhere(void)
{
    pid_t child = fork();

    if (child == 0) {
        __asm__ volatile("movq $0x1000, %%rsp; movl $15, %%eax; syscall; hlt" ::: "memory");
        __builtin_unreachable();
    }
    REQUIRE(killed_by(status_of(child), SIGSEGV));
    return true;
}

/* The 128 bytes below the stack pointer belong to the interrupted function (psABI). */
static bool red_zone_kept(void)
{
    uint64_t ok;
    long self = getpid();

    on(SIGUSR1, counting, 0);
    __asm__ volatile("movq $0x1122334455667788, %%rbx; movq %%rbx, -8(%%rsp);"
                     "movq %%rbx, -128(%%rsp); movl %2, %%eax; syscall;"
                     "xorl %%eax, %%eax; cmpq %%rbx, -8(%%rsp); jne 1f;"
                     "cmpq %%rbx, -128(%%rsp); jne 1f; movl $1, %%eax; 1:"
                     : "=a"(ok)
                     : "D"(self), "i"(SYS_kill), "S"((long)SIGUSR1)
                     : "rbx", "rcx", "r11", "memory", "cc");
    REQUIRE(ok == 1 && count == 1);
    return true;
}

/* ---- threads ---- */

static pthread_t handled_by;

static void note_thread(int signal)
{
    (void)signal;
    handled_by = pthread_self();
    count++;
}

static void *wait_for_end(void *argument)
{
    while (!*(volatile int *)argument)
        sleep_ms(2);
    return NULL;
}

static void *block_and_wait(void *argument)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return wait_for_end(argument);
}

static bool process_signal_goes_where_unblocked(void)
{
    static volatile int end;
    pthread_t thread;

    on(SIGUSR1, note_thread, 0);
    block(SIGUSR1);
    REQUIRE(pthread_create(&thread, NULL, block_and_wait, (void *)&end) == 0);
    sleep_ms(20);
    kill(getpid(), SIGUSR1);
    sleep_ms(20);
    REQUIRE(count == 0);
    unblock(SIGUSR1);
    REQUIRE(count == 1 && pthread_equal(handled_by, pthread_self()));
    end = 1;
    pthread_join(thread, NULL);
    return true;
}

static bool process_signal_wakes_other_thread(void)
{
    static volatile int end;
    pthread_t thread;

    on(SIGUSR1, note_thread, 0);
    REQUIRE(pthread_create(&thread, NULL, wait_for_end, (void *)&end) == 0);
    block(SIGUSR1);
    sleep_ms(20);
    kill(getpid(), SIGUSR1);
    REQUIRE(EVENTUALLY(count == 1) && pthread_equal(handled_by, thread));
    end = 1;
    pthread_join(thread, NULL);
    return true;
}

static bool thread_signal_goes_to_thread(void)
{
    static volatile int end;
    pthread_t thread;

    on(SIGUSR1, note_thread, 0);
    REQUIRE(pthread_create(&thread, NULL, wait_for_end, (void *)&end) == 0);
    REQUIRE(pthread_kill(thread, SIGUSR1) == 0);
    REQUIRE(EVENTUALLY(count == 1) && pthread_equal(handled_by, thread));
    end = 1;
    pthread_join(thread, NULL);
    return true;
}

static bool mask_is_per_thread(void)
{
    static volatile int end;
    pthread_t thread;
    sigset_t now;

    REQUIRE(pthread_create(&thread, NULL, block_and_wait, (void *)&end) == 0);
    sleep_ms(20);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    REQUIRE(!sigismember(&now, SIGUSR1));
    end = 1;
    pthread_join(thread, NULL);
    return true;
}

static bool fatal_signal_ends_all_threads(void)
{
    pid_t child = fork();

    if (child == 0) {
        static volatile int end;
        pthread_t thread;
        for (int i = 0; i < 3; i++)
            pthread_create(&thread, NULL, wait_for_end, (void *)&end);
        sleep_ms(20);
        pthread_kill(thread, SIGTERM);
        for (;;)
            pause();
    }
    REQUIRE(killed_by(status_of(child), SIGTERM));
    return true;
}

static bool threads_all_stop(void)
{
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;

    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        for (int i = 0; i < 2; i++)
            pthread_create(&thread, NULL, wait_for_end, shared + 1);
        for (;;) {
            ++*(volatile int *)shared;
            sleep_ms(1);
        }
    }
    sleep_ms(50);
    kill(child, SIGSTOP);
    REQUIRE(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    int before = *(volatile int *)shared;
    sleep_ms(50);
    REQUIRE(before == *(volatile int *)shared && before > 0);
    kill(child, SIGCONT);
    REQUIRE(EVENTUALLY(*(volatile int *)shared > before));
    kill(child, SIGKILL);
    REQUIRE(killed_by(status_of(child), SIGKILL));
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

/* ---- exec ---- */

static bool exec_keeps_and_resets(void)
{
    char self[64];

    snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
    pid_t child = fork();
    if (child == 0) {
        on(SIGUSR1, counting, 0);
        signal(SIGUSR2, SIG_IGN);
        block(SIGHUP);
        raise(SIGHUP);
        execl(self, "signals", "after-exec", NULL);
        _exit(9);
    }
    int status = status_of(child);
    if (!exited(status, 0))
        tap_note("status 0x%x", status);
    REQUIRE(exited(status, 0));
    return true;
}

static int after_exec(void)
{
    struct sigaction action;
    sigset_t now;

    sigaction(SIGUSR1, NULL, &action);
    if (action.sa_handler != SIG_DFL)
        return 1;
    sigaction(SIGUSR2, NULL, &action);
    if (action.sa_handler != SIG_IGN)
        return 2;
    sigprocmask(SIG_BLOCK, NULL, &now);
    if (!sigismember(&now, SIGHUP) || !is_pending(SIGHUP))
        return 3;
    return 0;
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

static void nothing_done(int signal)
{
    (void)signal;
}

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
    {"a handler runs", "sigaction(2)", handler_runs},
    {"kill of oneself is delivered before kill returns", "kill(2), POSIX", kill_self_synchronous},
    {"kill: si_code, si_pid, si_uid", "sigaction(2)", information_of_kill},
    {"tgkill: si_code", "sigaction(2)", information_of_tkill},
    {"sigqueue: si_code and value", "sigqueue(3)", information_of_sigqueue},
    {"sigaction returns the old action", "sigaction(2)", old_action_returned},
    {"SIGKILL and SIGSTOP cannot be caught", "sigaction(2)", kill_and_stop_have_no_action},
    {"rt_sigaction: bad signal, size, address", "sigaction(2)", action_bad_signal},
    {"a handler's own signal is blocked in it", "sigaction(2)", own_signal_blocked},
    {"SA_NODEFER", "sigaction(2)", nodefer_nests},
    {"SA_RESETHAND", "sigaction(2)", resethand_once},
    {"sa_mask is blocked in the handler only", "sigaction(2)", action_mask_blocks},
    {"the context's mask is restored", "sigaction(2)", context_mask_restored},
    {"ignoring discards what is pending", "POSIX sigaction", ignored_is_dropped},
    {"default: terminate", "signal(7)", defaults_terminate},
    {"default: core, RLIMIT_CORE 0", "signal(7)", defaults_core},
    {"default: ignore", "signal(7)", defaults_ignored},
    {"a blocked signal stays pending", "sigpending(2)", blocked_stays_pending},
    {"standard signals do not queue", "signal(7)", standard_not_queued},
    {"real-time signals queue in order, with values", "signal(7)", realtime_queued_in_order},
    {"the lowest real-time signal first", "signal(7)", realtime_lowest_first},
    {"RLIMIT_SIGPENDING", "getrlimit(2)", queue_limit},
    {"SIGKILL and SIGSTOP cannot be blocked", "sigprocmask(2)", kill_and_stop_unblockable},
    {"sigprocmask: errors", "sigprocmask(2)", procmask_errors},
    {"fork keeps the mask, not what is pending", "fork(2)", mask_kept_by_fork_not_pending},
    {"unblocked signals come before sigprocmask returns", "POSIX sigprocmask",
     delivered_before_sigprocmask_returns},
    {"kill: errors", "kill(2)", kill_errors},
    {"tgkill, tkill: errors", "tgkill(2)", tgkill_errors},
    {"a zombie can be sent to", "kill(2), POSIX", kill_zombie},
    {"kill: permission", "kill(2)", kill_permission},
    {"SIGCONT within the session needs no permission", "kill(2)", continue_needs_no_permission},
    {"kill of a group", "kill(2)", kill_group},
    {"kill(0) is the own group", "kill(2)", kill_zero_is_own_group},
    {"PID 1 is protected", "kill(2)", init_is_protected},
    {"rt_sigqueueinfo cannot pretend to be the kernel", "rt_sigqueueinfo(2)", queueinfo_cannot_lie},
    {"rt_tgsigqueueinfo", "rt_sigqueueinfo(2)", tgsigqueueinfo_to_thread},
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
    {"all threads stop", "POSIX signal actions", threads_all_stop},
    {"SA_ONSTACK", "sigaltstack(2)", alternate_stack_used},
    {"sigaltstack: errors", "sigaltstack(2)", alternate_stack_errors},
    {"sigaltstack: in use", "sigaltstack(2)", alternate_stack_in_use},
    {"SS_AUTODISARM", "sigaltstack(2)", alternate_stack_autodisarm},
    {"stack overflow is caught on the alternate stack", "sigaltstack(2)",
     stack_overflow_on_alternate},
    {"stack overflow without one ends the process", "signal(7)", stack_overflow_without_alternate},
    {"SIGSEGV: SEGV_MAPERR", "sigaction(2)", fault_unmapped},
    {"SIGSEGV: SEGV_ACCERR", "sigaction(2)", fault_protected},
    {"SIGSEGV: the kernel's half", "sigaction(2)", fault_kernel_half},
    {"SIGBUS: behind the end of a file", "mmap(2)", fault_behind_file},
    {"SIGFPE: FPE_INTDIV", "sigaction(2)", fault_division},
    {"SIGILL", "sigaction(2)", fault_invalid_instruction},
    {"a privileged instruction", "sigaction(2)", fault_privileged},
    {"SIGTRAP: INT3", "sigaction(2)", fault_breakpoint},
    {"SIGTRAP: single step", "sigaction(2)", fault_single_step},
    {"SIGFPE: FPE_FLTDIV", "sigaction(2)", fault_float_division},
    {"a blocked fault is fatal", "sigprocmask(2)", fault_blocked_is_fatal},
    {"an ignored fault is fatal", "signal(2)", fault_ignored_is_fatal},
    {"INT n gives SIGSEGV", "sigaction(2)", int_vectors_only_fault},
    {"registers come back from the frame", "sigreturn(2)", frame_registers_restored},
    {"SSE registers and MXCSR are kept", "sigreturn(2)", frame_float_kept},
    {"a handler begins with a fresh FPU", "signal-safety, psABI", handler_float_is_fresh},
    {"a handler begins with DF clear", "psABI 3.2.1", handler_flags_clear},
    {"broken frames give signals", "sigreturn(2)", broken_frames_only_signal},
    {"privileged flags are not taken from a frame", "sigreturn(2)", frame_flags_filtered},
    {"rt_sigreturn without a frame", "sigreturn(2)", sigreturn_from_nowhere},
    {"the red zone is kept", "psABI 3.2.2", red_zone_kept},
    {"a signal to the process waits for who unblocks it", "signal(7)",
     process_signal_goes_where_unblocked},
    {"a signal to the process goes to a thread that has it unblocked", "signal(7)",
     process_signal_wakes_other_thread},
    {"pthread_kill goes to the thread", "pthread_kill(3)", thread_signal_goes_to_thread},
    {"each thread has a mask", "pthread_sigmask(3)", mask_is_per_thread},
    {"a fatal signal ends all threads", "signal(7)", fatal_signal_ends_all_threads},
    {"signalfd: read, poll, EAGAIN", "signalfd(2)", signalfd_reads},
    {"signalfd wakes a reader", "signalfd(2)", signalfd_wakes},
    {"exec: actions, mask, pending signals", "execve(2)", exec_keeps_and_resets},
    {"SIGPIPE and EPIPE", "pipe(7)", broken_pipe},
    {"an interrupted write tells what it wrote", "write(2)", partial_write_interrupted},
    {"wait tells of a child before its signal interrupts", "POSIX wait",
     wait_tells_before_the_signal},
    {"wait, when SA_NOCLDWAIT has taken the last child", "POSIX sigaction",
     wait_for_unwanted_children},
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "after-exec") == 0)
        return after_exec();
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

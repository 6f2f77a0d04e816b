/* signal_sending: blocking, queueing, kill(2) and its kin, which thread takes a signal. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "signal_cases.h"

static void unblock(int signal)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
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

static bool at_once(const void *unused)
{
    (void)unused;
    return true;
}

/* What user 1000 gets who sends this to a process of the superuser: 0 or the errno. */
static int stranger_sends(int signal)
{
    pid_t other = child_that_holds(at_once, NULL), child = fork();

    if (child == 0) {
        if (other < 0 || setuid(1000))
            _exit(255);
        _exit(kill(other, signal) ? errno : 0);
    }
    int status = status_of(child);
    bool lived = kill(other, SIGKILL) == 0 && killed_by(status_of(other), SIGKILL);
    return WIFEXITED(status) && lived ? WEXITSTATUS(status) : -1;
}

static bool kill_permission(void)
{
    return stranger_sends(SIGTERM) == EPERM;
}

static bool continue_needs_no_permission(void)
{
    return stranger_sends(SIGCONT) == 0;
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

static const struct test_case cases[] = {
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
    {"all threads stop", "POSIX signal actions", threads_all_stop},
    {"a signal to the process waits for who unblocks it", "signal(7)",
     process_signal_goes_where_unblocked},
    {"a signal to the process goes to a thread that has it unblocked", "signal(7)",
     process_signal_wakes_other_thread},
    {"pthread_kill goes to the thread", "pthread_kill(3)", thread_signal_goes_to_thread},
    {"each thread has a mask", "pthread_sigmask(3)", mask_is_per_thread},
    {"a fatal signal ends all threads", "signal(7)", fatal_signal_ends_all_threads},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/*
 * process_basic: fork, vfork, clone, exit, wait, groups and sessions, as POSIX and the manual
 * pages have them. What each check rests on stands beside it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "children.h"
#include "tap.h"

static void test_fork(void)
{
    static volatile int variable = 1;
    pid_t parent = getpid();

    pid_t child = fork();
    if (child == 0) {
        variable = 2;
        _exit(getppid() == parent && getpid() != parent && getpid() == gettid() ? 7 : 8);
    }
    int status = status_of(child);
    tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 7,
           "fork(2): the child has a PID of its own and knows its parent");
    tap_ok(variable == 1, "fork(2): memory is the child's own copy");

    child = fork();
    if (child == 0)
        _exit(0x1234);
    status = status_of(child);
    tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0x34,
           "exit(3): the low 8 bits are the status");

    child = fork();
    if (child == 0) {
        raise(SIGKILL);
        _exit(0);
    }
    status = status_of(child);
    tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "wait(2): killed by a signal");
}

static void test_wait(void)
{
    int status = 99;
    siginfo_t information;
    struct rusage usage;

    tap_errno(waitpid(-1, &status, 0), ECHILD, "wait(2): no children");
    tap_errno(waitpid(getpid(), &status, 0), ECHILD, "wait(2): not a child");
    tap_errno(waitpid(-1, &status, 0x1000), EINVAL, "wait(2): an unknown option");
    tap_errno(waitid(P_ALL, 0, &information, 0), EINVAL, "waitid(2): nothing to wait for");
    tap_errno(waitid(99, 0, &information, WEXITED), EINVAL, "waitid(2): an unknown idtype");

    int channel[2];
    if (pipe(channel))
        return;
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(channel[1]);
        (void)!read(channel[0], &byte, 1);
        _exit(3);
    }
    close(channel[0]);
    tap_ok(waitpid(child, &status, WNOHANG) == 0, "wait(2): WNOHANG and nothing has happened");
    memset(&information, 0xff, sizeof(information));
    tap_ok(waitid(P_PID, child, &information, WEXITED | WNOHANG) == 0 && information.si_pid == 0,
           "waitid(2): WNOHANG and nothing has happened: si_pid is 0");
    close(channel[1]);
    tap_ok(waitid(P_PID, child, &information, WEXITED | WNOWAIT) == 0 &&
               information.si_pid == child && information.si_signo == SIGCHLD &&
               information.si_code == CLD_EXITED && information.si_status == 3,
           "waitid(2): WNOWAIT tells and leaves the zombie");
    tap_ok(kill(child, 0) == 0, "kill(2): a zombie exists");
    tap_ok(waitid(P_ALL, 0, &information, WEXITED) == 0 && information.si_pid == child,
           "waitid(2): P_ALL reaps it");
    tap_errno(kill(child, 0), ESRCH, "kill(2): and then it is gone");

    child = fork();
    if (child == 0) {
        for (volatile int i = 0; i < 1000000; i++)
            ;
        _exit(0);
    }
    memset(&usage, 0, sizeof(usage));
    tap_ok(wait4(child, &status, 0, &usage) == child && usage.ru_utime.tv_sec == 0,
           "wait4(2): fills in the usage");
    tap_errno(syscall(SYS_wait4, INT32_MIN, &status, 0, NULL), ESRCH, "wait4(2): the least PID");

    child = fork();
    if (child == 0)
        _exit(0);
    sleep_ms(50);
    tap_errno(syscall(SYS_wait4, child, (void *)8, 0, NULL), EFAULT,
              "wait4(2): a bad address for the status");
}

static void test_stop(void)
{
    int status, told[2];
    siginfo_t information;
    char byte;

    if (pipe(told))
        tap_note("pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        (void)!read(told[0], &byte, 1); /* once it has ended, nothing tells that it went on */
        _exit(5);
    }
    tap_ok(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) &&
               WSTOPSIG(status) == SIGSTOP,
           "wait(2): WUNTRACED tells of a stop");
    tap_ok(waitpid(child, &status, WUNTRACED | WNOHANG) == 0, "wait(2): and only once");
    kill(child, SIGCONT);
    tap_ok(waitid(P_PID, child, &information, WCONTINUED) == 0 &&
               information.si_code == CLD_CONTINUED && information.si_status == SIGCONT,
           "waitid(2): WCONTINUED tells that it goes on");
    (void)!write(told[1], "", 1);
    tap_ok(WEXITSTATUS(status_of(child)) == 5, "wait(2): and then that it ended");
    close(told[0]);
    close(told[1]);
}

static volatile sig_atomic_t children_signalled;
static void count_child(int signal)
{
    (void)signal;
    children_signalled++;
}

static void test_sigchld(void)
{
    struct sigaction action = {.sa_handler = count_child};

    sigaction(SIGCHLD, &action, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    status_of(child);
    tap_ok(children_signalled == 1, "SIGCHLD comes when a child ends");

    action.sa_handler = SIG_IGN;
    sigaction(SIGCHLD, &action, NULL);
    child = fork();
    if (child == 0)
        _exit(0);
    int status = 0;
    tap_errno(waitpid(child, &status, 0), ECHILD,
              "wait(2): with SIGCHLD ignored it waits for the end and finds no child");
    action.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &action, NULL);
}

static void test_orphans(void)
{
    int channel[2];
    pid_t seen[2] = {0};

    if (pipe(channel) || prctl(PR_SET_CHILD_SUBREAPER, 1))
        return;
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            pid_t before = getppid();
            while (getppid() == before)
                sleep_ms(1);
            pid_t parents[2] = {before, getppid()};
            (void)!write(channel[1], parents, sizeof(parents));
            _exit(9);
        }
        sleep_ms(20);
        _exit(0);
    }
    status_of(child);
    (void)!read(channel[0], seen, sizeof(seen));
    tap_ok(seen[0] == child && seen[1] == getpid(),
           "prctl(2): a subreaper becomes the parent of an orphan");
    int status;
    tap_ok(waitpid(-1, &status, 0) > 0 && WEXITSTATUS(status) == 9, "and reaps it");
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(channel[0]);
    close(channel[1]);
}

static void test_vfork(void)
{
    static volatile int shared = 0;

    pid_t child = vfork();
    if (child == 0) {
        shared = 42;
        _exit(6);
    }
    tap_ok(shared == 42, "vfork(2): memory is shared, and the parent waits");
    tap_ok(WEXITSTATUS(status_of(child)) == 6, "vfork(2): the child ends like any other");

    char *const arguments[] = {"sh", "-c", "exit 11", NULL};
    child = vfork();
    if (child == 0) {
        execv("/bin/sh", arguments);
        _exit(127);
    }
    tap_ok(WEXITSTATUS(status_of(child)) == 11, "vfork(2): and the parent goes on at an exec");
}

static void test_groups(void)
{
    tap_ok(getpgid(0) == getpgrp() && getsid(0) > 0, "getpgid(2), getsid(2): 0 is the caller");
    tap_errno(setpgid(0, -1), EINVAL, "setpgid(2): a negative group");
    tap_errno(setpgid(999999, 0), ESRCH, "setpgid(2): no such process");
    tap_errno(getpgid(999999), ESRCH, "getpgid(2): no such process");
    tap_errno(getsid(999999), ESRCH, "getsid(2): no such process");

    int ready[2], go[2];
    char byte = 0;
    if (pipe(ready) || pipe(go))
        return;
    pid_t child = fork();
    if (child == 0) {
        close(go[1]);
        (void)!read(go[0], &byte, 1);
        int failures = getpgrp() != getpid();
        failures += setsid() != -1 || errno != EPERM; /* it leads a group */
        (void)!write(ready[1], &byte, 1);
        _exit(failures);
    }
    tap_ok(setpgid(child, 0) == 0 && getpgid(child) == child,
           "setpgid(2): a child into a group of its own");
    tap_errno(setpgid(child, 1), EPERM, "setpgid(2): a group of another session");
    close(go[1]);
    tap_ok(WEXITSTATUS(status_of(child)) == 0, "setsid(2): not for the leader of a group");
    int status;
    tap_errno(waitpid(-child, &status, 0), ECHILD, "wait(2): a group without children");

    child = fork();
    if (child == 0) {
        pid_t self = getpid();
        bool done = setsid() == self && getsid(0) == self && getpgrp() == self;
        done = done && setpgid(0, 0) == -1 && errno == EPERM; /* a session's leader stays */
        _exit(done ? 0 : 1);
    }
    tap_ok(WEXITSTATUS(status_of(child)) == 0, "setsid(2): a new session and group");
    close(ready[0]);
    close(ready[1]);
    close(go[0]);
}

static void test_group_after_exec(void)
{
    char *const arguments[] = {"sleep", "0.2", NULL};
    pid_t child = fork();
    if (child == 0) {
        execv("/bin/sleep", arguments);
        _exit(127);
    }
    sleep_ms(100);
    tap_errno(setpgid(child, child), EACCES, "setpgid(2): not after the child's exec");
    status_of(child);
}

/* ---- clone(2) without a C library's help ---- */

static long raw_clone(unsigned long flags, void *stack, int *parent_tid, int *child_tid)
{
    return syscall(SYS_clone, flags, stack, parent_tid, child_tid, 0);
}

static void test_clone(void)
{
    int parent_tid = 0;
    tap_errno(raw_clone(CLONE_THREAD, NULL, NULL, NULL), EINVAL,
              "clone(2): CLONE_THREAD without CLONE_SIGHAND");
    tap_errno(raw_clone(CLONE_SIGHAND, NULL, NULL, NULL), EINVAL,
              "clone(2): CLONE_SIGHAND without CLONE_VM");

    long child = raw_clone(CLONE_PARENT_SETTID | SIGCHLD, NULL, &parent_tid, NULL);
    if (child == 0)
        _exit(0);
    tap_ok(child > 0 && parent_tid == child, "clone(2): CLONE_PARENT_SETTID");
    status_of(child);

    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    child = raw_clone(CLONE_CHILD_SETTID | SIGCHLD, NULL, NULL, &shared[0]);
    if (child == 0)
        _exit(shared[0] == syscall(SYS_gettid) ? 0 : 1);
    tap_ok(WEXITSTATUS(status_of(child)) == 0, "clone(2): CLONE_CHILD_SETTID");

    signal(SIGUSR1, SIG_IGN);
    child = raw_clone(SIGUSR1, NULL, NULL, NULL);
    if (child == 0)
        _exit(4);
    int status;
    sleep_ms(20);
    tap_errno(waitpid(child, &status, 0), ECHILD,
              "wait(2): a child with another exit signal is not seen without __WCLONE");
    tap_ok(waitpid(child, &status, __WALL) == child && WEXITSTATUS(status) == 4,
           "wait(2): but with __WALL");

    uint64_t arguments[11] = {0};
    arguments[4] = SIGCHLD; /* exit_signal */
    tap_errno(syscall(SYS_clone3, arguments, 8), EINVAL, "clone3(2): too short");
    tap_errno(syscall(SYS_clone3, arguments, 8192), E2BIG, "clone3(2): too long");
    tap_errno(syscall(SYS_clone3, (void *)8, 64), EFAULT, "clone3(2): a bad address");
    child = syscall(SYS_clone3, arguments, 64);
    if (child == 0)
        _exit(12);
    tap_ok(WEXITSTATUS(status_of(child)) == 12, "clone3(2): a fork");
}

static void test_many(void)
{
    enum { MANY = 200 };
    int failures = 0;

    for (int i = 0; i < MANY; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(i & 0x7f);
        failures += child < 0;
    }
    int seen = 0, status;
    while (waitpid(-1, &status, 0) > 0)
        seen++;
    tap_ok(failures == 0 && seen == MANY, "fork(2): %d children at once, each reaped", MANY);
}

int main(void)
{
    test_fork();
    test_wait();
    test_stop();
    test_sigchld();
    test_orphans();
    test_vfork();
    test_groups();
    test_group_after_exec();
    test_clone();
    test_many();
    return tap_done();
}

/*
 * exec_threads: execve in a process of several threads (execve(2), "all threads other than the
 * calling thread are destroyed"): whichever thread calls, and whatever the others are doing, one
 * image goes on under the process's own number, and the parent sees one exit.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "children.h"
#include "new_image.h"
#include "proc_baton.h"
#include "tap.h"

#define SIBLINGS 8

static char *self_path;
static const char *moment; /* where a debug kernel lets an exec wait; NULL: nowhere */

/* ---- what siblings do meanwhile ---- */

static int pipe_ends[2];
static uint32_t futex_word;

static void *sleep_long(void *unused)
{
    sleep(1000);
    return unused;
}
static void *wait_for_signal(void *unused)
{
    for (;;)
        pause();
    return unused;
}
static void *read_pipe(void *unused)
{
    char byte;
    (void)!read(pipe_ends[0], &byte, 1);
    return unused;
}
static void *wait_on_futex(void *unused)
{
    for (;;)
        syscall(SYS_futex, &futex_word, 0, 0, NULL, NULL, 0);
    return unused;
}
static void *compute(void *unused)
{
    for (;;)
        ;
    return unused;
}
static void *call_kernel(void *unused)
{
    for (;;)
        sched_yield();
    return unused;
}
static void *touch_memory(void *unused)
{
    for (;;) {
        volatile char *memory =
            mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int at = 0; at < 1 << 16; at += 4096)
            memory[at] = 1;
        munmap((void *)memory, 1 << 16);
    }
    return unused;
}
static void *fork_children(void *unused)
{
    for (;;) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child > 0)
            waitpid(child, NULL, 0);
    }
    return unused;
}
static void *end_at_once(void *unused)
{
    return unused;
}
static void *make_threads(void *unused)
{
    for (;;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, end_at_once, NULL) == 0)
            pthread_join(thread, NULL);
    }
    return unused;
}
/* Between the moment they can be seen, and ended, and that in which they begin, time passes. */
static void *make_late_threads(void *unused)
{
    baton_inject("point fork_visible delay");
    return make_threads(unused);
}
static void exec_target(const char *what);
static void *exec_too(void *unused)
{
    exec_target("check");
    return unused;
}
static void *vfork_child(void *unused)
{
    pid_t child = vfork();
    if (child == 0) {
        struct timespec time = {0, 300000000};
        syscall(SYS_nanosleep, &time, NULL);
        _exit(0);
    }
    return unused;
}

static const struct {
    const char *name;
    void *(*run)(void *);
} activities[] = {
    {"sleep", sleep_long},
    {"wait for signals", wait_for_signal},
    {"read an empty pipe", read_pipe},
    {"wait on a futex", wait_on_futex},
    {"compute", compute},
    {"call the kernel", call_kernel},
    {"touch memory", touch_memory},
    {"fork", fork_children},
    {"make threads", make_threads},
    {"make threads that begin late", make_late_threads},
    {"exec too", exec_too},
    {"wait in vfork", vfork_child},
};

/* ---- the new image ---- */

static int check_image(const char *number)
{
    if (syscall(SYS_getpid) != syscall(SYS_gettid) || atoi(number) != syscall(SYS_getpid))
        return WRONG_NUMBER;
    enum fault fault = fault_of_image();
    return fault ? (int)fault : WELL;
}

/* ---- the old one ---- */

static void handle(int signal)
{
    (void)signal;
}

static void exec_target(const char *what)
{
    char number[16];
    char *const arguments[] = {self_path, (char *)what, number, NULL};
    char *const environment[] = {NULL};

    snprintf(number, sizeof(number), "%d", getpid());
    execve(self_path, arguments, environment);
    _exit(99);
}

static void prepare_signals(void)
{
    struct sigaction action = {.sa_handler = handle};
    sigset_t mask;

    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGHUP, &action, NULL);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mask, NULL);
}

static void *exec_from_here(void *unused)
{
    struct timespec time = {0, 20000000};
    nanosleep(&time, NULL);
    if (moment)
        baton_inject(moment);
    exec_target("check");
    return unused;
}

/* A process of many threads execs, from the first one or from another. */
static void run_child(void *(*activity)(void *), bool from_leader)
{
    pthread_t thread;

    (void)!pipe(pipe_ends);
    prepare_signals();
    for (int i = 0; i < SIBLINGS; i++)
        pthread_create(&thread, NULL, activity, NULL);
    if (from_leader)
        exec_from_here(NULL);
    pthread_create(&thread, NULL, exec_from_here, NULL);
    for (;;)
        pause();
}

/* The same while the first thread has ended already. */
static void run_without_leader(void)
{
    pthread_t thread;

    prepare_signals();
    pthread_create(&thread, NULL, exec_from_here, NULL);
    pthread_exit(NULL);
}

/* exec against exit_group, a fatal signal, a stop: the parent sees one end, whichever it is. */
static void *end_process(void *unused)
{
    struct timespec time = {0, 20000000};
    nanosleep(&time, NULL);
    exit(WELL);
    return unused;
}

/* Two threads exec, two end the process. The number of times that neither came of it. */
static int race_against_exit(int turns)
{
    int failed = 0;

    for (int i = 0; i < turns; i++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t thread;
            prepare_signals();
            for (int j = 0; j < 4; j++)
                pthread_create(&thread, NULL, j % 2 ? end_process : exec_from_here, NULL);
            for (;;)
                pause();
        }
        int status = status_of(child);
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != WELL;
    }
    return failed;
}

/* A process execs while it is killed, or (`stop`) stopped and continued, a bit later each time. */
static int race_against_signal(int turns, bool stop)
{
    int failed = 0;

    for (int i = 0; i < turns; i++) {
        pid_t child = fork();
        if (child == 0)
            run_child(i % 3 ? call_kernel : sleep_long, i % 2);
        struct timespec time = {0, 15000000 + i * (20000000 / turns)};
        nanosleep(&time, NULL);
        kill(child, stop ? SIGSTOP : SIGKILL);
        if (stop) {
            nanosleep(&time, NULL);
            kill(child, SIGCONT);
        }
        int status = status_of(child);
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !stop;
        failed += !killed && !(WIFEXITED(status) && WEXITSTATUS(status) == WELL);
    }
    return failed;
}

static void test_races(void)
{
    static const char *const moments[] = {
        NULL,
        "point exec_prepared delay",
        "point exec_claimed delay",
        "point exec_alone delay",
        "point exec_switched delay",
        "point exec_committed delay",
    };

    for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
        const char *where = moments[i] ? moments[i] : "without a delay";
        if (moments[i] && !baton_inject("off")) {
            tap_skip("this kernel injects nothing", "races, %s", where);
            continue;
        }
        moment = moments[i];
        tap_ok(race_against_exit(12) == 0, "exec against exit_group: one of them wins, %s", where);
        tap_ok(race_against_signal(12, false) == 0,
               "exec against SIGKILL: killed, or run to its end before, %s", where);
        tap_ok(race_against_signal(12, true) == 0,
               "exec against SIGSTOP and SIGCONT: it runs in the end, %s", where);
    }
}

int main(int count, char **arguments)
{
    self_path = arguments[0];
    if (count > 2)
        return check_image(arguments[2]);

    for (size_t i = 0; i < sizeof(activities) / sizeof(*activities); i++) {
        for (int leader = 0; leader < 2; leader++) {
            pid_t child = fork();
            if (child == 0)
                run_child(activities[i].run, leader);
            int status = status_of(child);
            if (!tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == WELL,
                        "exec from %s thread while others %s", leader ? "the first" : "another",
                        activities[i].name))
                tap_note("status 0x%x", status);
        }
    }
    pid_t child = fork();
    if (child == 0)
        run_without_leader();
    int status = status_of(child);
    if (!tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == WELL,
                "exec from another thread when the first has ended"))
        tap_note("status 0x%x", status);
    test_races();
    return tap_done();
}

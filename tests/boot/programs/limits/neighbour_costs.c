/*
 * neighbour_costs: what one user prepares in bulk must not make the calls of another slow. Each
 * time an innocent program's operation is counted with the time-stamp counter, which under --icount
 * counts guest instructions, before and while the other has what it wants of something.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "children.h"
#include "tap.h"

#define FACTOR_ALLOWED 10
#define ROUNDS         32

static uint64_t counter(void)
{
    return __builtin_ia32_rdtsc();
}

static void caught(int signal)
{
    (void)signal;
}

/* ---- the innocent's operations: the least cost of several rounds ---- */

static uint64_t signal_to_oneself(void)
{
    uint64_t least = UINT64_MAX;

    signal(SIGUSR1, caught);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t before = counter();
        raise(SIGUSR1);
        uint64_t cost = counter() - before;
        least = cost < least ? cost : least;
    }
    return least;
}

/* The dearest of many words: one of them shares its bucket with any other word. */
static uint64_t futex_wake(void)
{
    static uint32_t words[4096];
    uint64_t dearest = 0;

    for (int word = 0; word < 4096; word++) {
        uint64_t least = UINT64_MAX;
        for (int i = 0; i < 4; i++) {
            uint64_t before = counter();
            syscall(SYS_futex, &words[word], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
            uint64_t cost = counter() - before;
            least = cost < least ? cost : least;
        }
        dearest = least > dearest ? least : dearest;
    }
    return dearest;
}

static uint64_t watch_and_forget(void)
{
    int epoll = epoll_create1(0), event = eventfd(0, 0);
    struct epoll_event wanted = {.events = EPOLLIN};
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t before = counter();
        epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted);
        epoll_ctl(epoll, EPOLL_CTL_DEL, event, &wanted);
        uint64_t cost = counter() - before;
        least = cost < least ? cost : least;
    }
    return least;
}

/* How long this program does not run at a stretch, in half a second in which a timer of its own
   expires. */
static uint64_t longest_gap(void)
{
    const struct itimerspec soon = {.it_value.tv_nsec = 100000000};
    struct timespec start, now;
    uint64_t last, longest = 0;

    timerfd_settime(timerfd_create(CLOCK_MONOTONIC, 0), 0, &soon, NULL);
    clock_gettime(CLOCK_MONOTONIC, &start);
    last = counter();
    do {
        for (int i = 0; i < 1000; i++) {
            uint64_t next = counter();
            longest = next - last > longest ? next - last : longest;
            last = next;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        last = counter();
    } while ((now.tv_sec - start.tv_sec) * 1000000000L + now.tv_nsec - start.tv_nsec < 500000000);
    return longest;
}

/* ---- the other's preparations: each tells by the pipe when it is done ---- */

static int done_pipe[2];

static void say_done(void)
{
    if (write(done_pipe[1], "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void many_watch_signals(void)
{
    struct epoll_event wanted = {.events = EPOLLIN};
    sigset_t set;
    int files[50];

    sigfillset(&set);
    files[0] = signalfd(-1, &set, 0);
    for (int i = 1; i < 50; i++)
        files[i] = dup(files[0]);
    for (int i = 0; i < 400; i++) {
        int epoll = epoll_create1(0);
        for (int file = 0; file < 50; file++)
            epoll_ctl(epoll, EPOLL_CTL_ADD, files[file], &wanted);
    }
    say_done();
}

static uint32_t futex_word;
static _Atomic unsigned waiting;

static void *wait_on_word(void *nothing)
{
    waiting++;
    syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return nothing;
}

static void many_wait(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    unsigned made = 0;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    while (made < 3000 && pthread_create(&thread, &attributes, wait_on_word, NULL) == 0)
        made++;
    while (waiting < made)
        sched_yield();
    say_done();
}

/* One instance with much below it, added to another and taken away again, for ever. */
static void nests_again_and_again(void)
{
    struct epoll_event wanted = {.events = EPOLLIN};
    int inner = epoll_create1(0), outer = epoll_create1(0);

    for (int i = 0; i < 900; i++)
        epoll_ctl(inner, EPOLL_CTL_ADD, eventfd(0, 0), &wanted);
    if (write(done_pipe[1], "x", 1) != 1)
        _exit(1);
    for (;;) {
        epoll_ctl(outer, EPOLL_CTL_ADD, inner, &wanted);
        epoll_ctl(outer, EPOLL_CTL_DEL, inner, &wanted);
    }
}

/* Four thousand timers that expire at once, in a quarter of a second. */
static void many_timers(void)
{
    struct itimerspec setting = {0};
    int made[2];

    if (pipe(made))
        _exit(1);
    clock_gettime(CLOCK_MONOTONIC, &setting.it_value);
    setting.it_value.tv_sec++;
    for (int process = 0; process < 4; process++) {
        if (fork())
            continue;
        for (int i = 0; i < 1000; i++)
            timerfd_settime(timerfd_create(CLOCK_MONOTONIC, 0), TFD_TIMER_ABSTIME, &setting, NULL);
        if (write(made[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    for (int process = 0; process < 4; process++) {
        char byte;
        if (read(made[0], &byte, 1) != 1)
            _exit(1);
    }
    struct timespec early = setting.it_value;
    early.tv_sec--;
    early.tv_nsec += 750000000;
    early.tv_sec += early.tv_nsec / 1000000000;
    early.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &early, NULL);
    say_done();
}

/* ---- one beside the other ---- */

static uint64_t as_innocent(uint64_t (*operation)(void))
{
    uint64_t *cost = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    pid_t child = fork();
    if (child == 0) {
        if (!become(1001))
            _exit(1);
        *cost = operation();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    uint64_t result = *cost;
    munmap(cost, 4096);
    return result;
}

static void compare(const char *what, uint64_t (*operation)(void), void (*prepare)(void))
{
    char byte;

    uint64_t before = as_innocent(operation);
    pid_t other = fork();
    if (other == 0) {
        setpgid(0, 0);
        if (!become(1000))
            _exit(1);
        prepare();
    }
    setpgid(other, other);
    ssize_t prepared = read(done_pipe[0], &byte, 1);
    uint64_t beside = as_innocent(operation);
    kill(-other, SIGKILL);
    waitpid(other, NULL, 0);
    tap_note("%s: %llu before, %llu beside it", what, (unsigned long long)before,
             (unsigned long long)beside);
    tap_ok(prepared == 1 && beside <= before * FACTOR_ALLOWED, "%s", what);
}

int main(void)
{
    struct rlimit files = {1024, 1024};

    setrlimit(RLIMIT_NOFILE, &files);
    if (pipe(done_pipe))
        return 1;
    compare("a signal, while another watches 20,000 times for signals", signal_to_oneself,
            many_watch_signals);
    compare("a futex's wake-up, while 3,000 threads wait on another", futex_wake, many_wait);
    compare("epoll_ctl, while another nests an instance of 900 files", watch_and_forget,
            nests_again_and_again);
    compare("a program that only runs, while 4,000 timers expire", longest_gap, many_timers);
    return tap_done();
}

/*
 * long_queues: the lateness (lateness.h) that comes from waking all who watch or wait for one
 * thing, as many as an ordinary user can be.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>

#include "lateness.h"

enum {
    INSTANCES = 36, /* of epoll */
    WATCHES = 1000, /* by each */
};

/* ---- watchers: `file` watched 36,000 times ---- */

static int watched_file, other_file, instances[INSTANCES];

static void watch_often(int file, uint32_t events)
{
    static int copies[WATCHES];
    struct epoll_event wanted = {.events = events};

    for (int i = 0; i < WATCHES; i++)
        must((copies[i] = dup(file)) >= 0);
    for (int i = 0; i < INSTANCES; i++) {
        must((instances[i] = epoll_create1(0)) >= 0);
        for (int copy = 0; copy < WATCHES; copy++)
            must(epoll_ctl(instances[i], EPOLL_CTL_ADD, copies[copy], &wanted) == 0);
    }
}

static void watch_slave(void)
{
    open_terminal(&other_file, &watched_file);
    watch_often(watched_file, EPOLLIN);
}

static void watch_master(void)
{
    open_terminal(&other_file, &watched_file);
    watch_often(other_file, EPOLLIN | EPOLLOUT);
}

static void type(void)
{
    char byte = 'x';

    must(write(other_file, &byte, 1) == 1 && read(watched_file, &byte, 1) == 1);
}

static void print(void)
{
    char byte = 'x';

    must(write(watched_file, &byte, 1) == 1 && read(other_file, &byte, 1) == 1);
}

static void flush_and_flow(void)
{
    must(write(watched_file, "x", 1) == 1);
    must(tcflow(watched_file, TCOOFF) == 0 && tcflow(watched_file, TCOON) == 0);
    must(tcflush(watched_file, TCIOFLUSH) == 0 && tcflush(other_file, TCIFLUSH) == 0);
}

static void watch_event(void)
{
    must((watched_file = eventfd(0, 0)) >= 0);
    watch_often(watched_file, EPOLLIN);
}

static void tell_event(void)
{
    uint64_t value = 1;

    must(write(watched_file, &value, 8) == 8 && read(watched_file, &value, 8) == 8);
}

static void watch_pipe(void)
{
    int ends[2];

    must(pipe(ends) == 0);
    watched_file = ends[0];
    other_file = ends[1];
    watch_often(watched_file, EPOLLIN);
}

static void watch_socket(void)
{
    int ends[2];

    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    watched_file = ends[0];
    other_file = ends[1];
    watch_often(watched_file, EPOLLIN | EPOLLOUT);
}

static void watch_nothing(void)
{
}

/* One instance with 1,000 watches, for which thousands of threads wait, is told of all at once. */
static void *wait_for_events(void *nothing)
{
    struct epoll_event event;

    for (;;)
        epoll_wait(instances[0], &event, 1, -1);
    return nothing;
}

static void wait_for_instance(void)
{
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLET};

    must((watched_file = eventfd(0, 0)) >= 0 && (instances[0] = epoll_create1(0)) >= 0);
    for (int i = 0; i < WATCHES; i++)
        must(epoll_ctl(instances[0], EPOLL_CTL_ADD, dup(watched_file), &wanted) == 0);
    make_threads(wait_for_events);
}

/* The file goes, then the instances. */
static void forget_watches(void)
{
    if (fork() == 0) {
        watch_event();
        for (int file = 3; file < 1024 + INSTANCES; file++)
            if (file < instances[0])
                close(file);
        watch_event();
        for (int i = 0; i < INSTANCES; i++)
            close(instances[i]);
        _exit(0);
    }
    wait(NULL);
}

/* One file, through many instances, to many more: each 500 above, as many as may be. */
static void nest_over(int (*make)(void), int files, int above)
{
    struct epoll_event wanted = {.events = EPOLLIN};
    int outer[500];

    for (int i = 0; i < above; i++)
        must((outer[i] = epoll_create1(0)) >= 0);
    for (int file = 0; file < files; file++) {
        int inner = epoll_create1(0), watched = make();
        must(inner >= 0 && watched >= 0);
        instances[0] = inner;
        if (epoll_ctl(inner, EPOLL_CTL_ADD, watched, &wanted))
            break;
        for (int i = 0; i < above && epoll_ctl(outer[i], EPOLL_CTL_ADD, inner, &wanted) == 0; i++)
            ;
    }
}

static int make_signal_file(void)
{
    sigset_t set;

    sigfillset(&set);
    return signalfd(-1, &set, 0);
}

static void nest_signals(void)
{
    sigset_t set;

    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    nest_over(make_signal_file, 127, 500);
}

static void signal_and_take(void)
{
    struct epoll_event event;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    kill(getpid(), SIGUSR1);
    must(epoll_wait(instances[0], &event, 1, 0) == 1); /* who has looked is told of the next one */
    sigwaitinfo(&set, NULL);
}

/* Forty expire at once. */
static void timers_signal(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL};
    struct itimerspec soon = {.it_value.tv_nsec = 2000000};
    static timer_t timers[40];
    static bool made;

    for (int i = 0; i < 40 && !made; i++) {
        event.sigev_signo = SIGRTMIN + i % 20;
        must(timer_create(CLOCK_MONOTONIC, &event, &timers[i]) == 0);
    }
    made = true;
    for (int i = 0; i < 40; i++)
        timer_settime(timers[i], 0, &soon, NULL);
    usleep(5000);
    sigset_t set;
    struct timespec no_time = {0, 0};
    sigfillset(&set);
    while (sigtimedwait(&set, NULL, &no_time) > 0)
        ;
}

static const struct lateness_case cases[] = {
    {"typing at a pseudo-terminal that is watched 36,000 times", watch_slave, type},
    {"printing at it", watch_slave, print},
    {"flushing and stopping it", watch_slave, flush_and_flow},
    {"typing at one whose master is watched 36,000 times", watch_master, type},
    {"printing at it, master", watch_master, print},
    {"flushing and stopping it, master", watch_master, flush_and_flow},
    {"an eventfd that is watched 36,000 times", watch_event, tell_event},
    {"a pipe that is watched 36,000 times", watch_pipe, type},
    {"a socket that is watched 36,000 times", watch_socket, type},
    {"an instance of 1,000 watches, for which 3,000 threads wait", wait_for_instance, tell_event},
    {"the end of what is watched 36,000 times, and of who watches", watch_nothing, forget_watches},
    {"a signal, with 127 files for it in instances below 500 each", nest_signals, signal_and_take},
    {"40 timers' signals to the same", nest_signals, timers_signal},
};

int main(void)
{
    return measure_all(cases, sizeof(cases) / sizeof(cases[0]));
}

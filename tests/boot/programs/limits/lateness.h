/*
 * lateness.h: the longest that a program with real-time priority waits for the processor, while an
 * ordinary user makes one call on what he has made long, over and over. What the kernel does at a
 * stretch, where nothing can interrupt it, is all that can hold such a program up. There is one
 * processor, and under --icount a nanosecond is an instruction, whatever the host does.
 */
#ifndef BATON_TESTS_LATENESS_H
#define BATON_TESTS_LATENESS_H

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

#include "children.h"
#include "tap.h"

enum {
    LATENESS_THREADS = 3000,
    LATENESS_STACK = 4096, /* of a thread */
    LATENESS_ROUNDS = 2,   /* of the call, and */
    LATENESS_WATCHED_MS = 100,
    LATENESS_GIVEN_UP_MS = 20000,
    /* So many thousand instructions; a user of a large machine can have five times as many of each.
     */
    LATENESS_ALLOWED_US = 400,
};

static inline long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline void must(bool holds)
{
    if (!holds)
        _exit(1);
}

/* ---- threads ---- */

static inline void make_threads(void *(*what)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;
    unsigned made = 0;

    /* All stacks in one mapping: what it costs to free mappings is not what is looked at. */
    char *stacks = mmap(NULL, LATENESS_THREADS * LATENESS_STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(stacks != MAP_FAILED);
    pthread_attr_init(&attributes);
    for (; made < LATENESS_THREADS; made++) {
        pthread_attr_setstack(&attributes, stacks + made * LATENESS_STACK, LATENESS_STACK);
        if (pthread_create(&thread, &attributes, what, NULL))
            break;
    }
    usleep(100000); /* until all wait: where they do does not show */
}

/* ---- terminals ---- */

/* A pseudo-terminal that takes bytes as they come. */
static inline void open_terminal(int *master, int *slave)
{
    struct termios settings;
    int number = 0, unlocked = 0;
    char name[32];

    must((*master = open("/dev/ptmx", O_RDWR | O_NOCTTY)) >= 0);
    must(ioctl(*master, TIOCSPTLCK, &unlocked) == 0 && ioctl(*master, TIOCGPTN, &number) == 0);
    snprintf(name, sizeof(name), "/dev/pts/%d", number);
    must((*slave = open(name, O_RDWR | O_NOCTTY)) >= 0);
    must(tcgetattr(*slave, &settings) == 0);
    cfmakeraw(&settings);
    must(tcsetattr(*slave, TCSANOW, &settings) == 0);
}

/* ---- the measurement ---- */

/* `prepare` makes long what `call` is then about, both as an ordinary user in a session of its own.
 */
struct lateness_case {
    const char *what;
    void (*prepare)(void), (*call)(void);
};

struct progress {
    _Atomic bool ready;
    _Atomic int rounds;
};

static struct progress *progress;

/* us; -1: it was not to be seen. */
static inline long longest_lateness(void)
{
    struct sched_param urgent = {.sched_priority = 50}, none = {0};
    long begun = now_us(), next = begun, longest = 0, watched = -1;
    uint32_t turn = 1;

    /* musl's sched_setscheduler() does nothing. */
    must(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &urgent) == 0);
    for (;;) {
        next += 50 + (turn = turn * 1103515245 + 12345) / 65536 % 200; /* keeps step with nobody */
        struct timespec time = {next / 1000000, next % 1000000 * 1000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
        long now = now_us();
        if (progress->ready && watched < 0)
            watched = now;
        else if (progress->ready && now - next > longest)
            longest = now - next;
        if (now - begun > LATENESS_GIVEN_UP_MS * 1000L) {
            longest = watched < 0 || !progress->rounds ? -1 : longest;
            break;
        }
        if (watched > 0 && now - watched > LATENESS_WATCHED_MS * 1000L &&
            progress->rounds >= LATENESS_ROUNDS)
            break;
        if (now > next)
            next = now;
    }
    syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none);
    return longest;
}

static inline void measure(const struct lateness_case *one)
{
    memset(progress, 0, sizeof(*progress));
    pid_t child = fork();
    if (child == 0) {
        setsid();
        must(become(1001));
        one->prepare();
        progress->ready = true;
        for (;;) {
            one->call();
            progress->rounds++;
        }
    }
    long longest = longest_lateness();
    int rounds = progress->rounds;
    setuid(0);
    /* All that it made, in whatever groups, until none is left: the next case may have as many. */
    if (fork() == 0) {
        become(1001);
        while (kill(-1, SIGKILL) == 0)
            usleep(1000);
        _exit(0);
    }
    while (waitpid(-1, NULL, 0) > 0)
        ;
    tap_ok(longest >= 0 && longest < LATENESS_ALLOWED_US, "%s", one->what);
    tap_note("longest wait %ld us, %d rounds", longest, rounds);
}

/* All of them, or those with LATENESS_CASE in their text. */
static inline int measure_all(const struct lateness_case *cases, size_t count)
{
    struct rlimit files = {4096, 4096};
    const char *only = getenv("LATENESS_CASE");

    setrlimit(RLIMIT_NOFILE, &files);
    progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < count; i++)
        if (!only || strstr(cases[i].what, only))
            measure(&cases[i]);
    return tap_done();
}

#endif

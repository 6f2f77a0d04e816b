/*
 * soak: forks, execs, signals, maps, unmaps, stops and exits from many threads at once, for
 * SOAK_SECONDS. After a round to warm up, and again at the end, when all of them have ended, every
 * count of /proc/baton/frames and objects is read: they have to be the same.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "children.h"
#include "proc_baton.h"
#include "tap.h"

#define PAGE    4096UL
#define RW      (PROT_READ | PROT_WRITE)
#define TEAM    12 /* threads of the process that works */
#define WARM_UP 5  /* seconds */

enum work { FORKS, EXECS, SIGNALS, MAPS, STOPS, THREADS, PIPES, GROUPS, WORK_COUNT };
static const char *const work_names[] = {
    "forks", "execs", "signals", "maps", "stops", "threads", "pipes", "executors among threads",
};

/* Shared by all processes. */
static struct {
    _Atomic bool over;
    _Atomic uint64_t done[WORK_COUNT];
    _Atomic unsigned wrong, wrong_line;
} * soak;
#define WRONG() (soak->wrong++, soak->wrong_line = __LINE__)

static unsigned pick(uint64_t *state, unsigned below)
{
    *state = *state * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(*state >> 33) % below;
}

static void pass_microseconds(long count)
{
    nanosleep(&(struct timespec){0, count * 1000}, NULL);
}

/* ---- kinds of work ---- */

static void do_fork(uint64_t *state)
{
    unsigned code = pick(state, 200);
    volatile uint64_t mark = *state;
    pid_t child = fork();

    if (child == 0) {
        char *memory = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory != MAP_FAILED)
            memset(memory, 1, 4 * PAGE);
        mark++;
        _exit((int)code);
    }
    if (child > 0 && status_of(child) != (int)code << 8)
        WRONG();
    if (mark != *state)
        WRONG();
}

static void do_exec(uint64_t *state)
{
    char *arguments[] = {"busybox", pick(state, 2) ? "true" : "false", NULL};
    pid_t child;

    if (posix_spawn(&child, "/bin/busybox", NULL, NULL, arguments, environ))
        return;
    if (status_of(child) != (arguments[1][0] == 't' ? 0 : 1 << 8))
        WRONG();
}

static void do_signal(uint64_t *state)
{
    static const int signals[] = {SIGTERM, SIGKILL, SIGUSR2, SIGSEGV, SIGALRM};
    int signal = signals[pick(state, 5)];
    pid_t child = fork();

    if (child == 0) {
        if (signal == SIGSEGV)
            *(volatile char *)NULL = 1;
        for (;;)
            pause();
    }
    if (child < 0)
        return;
    if (pick(state, 2))
        sched_yield();
    if (signal != SIGSEGV)
        kill(child, signal);
    if ((status_of(child) & 0x7f) != signal)
        WRONG();
}

static void do_map(uint64_t *state)
{
    size_t size = (1 + pick(state, 64)) * PAGE;
    int kind = pick(state, 2) ? MAP_PRIVATE : MAP_SHARED;
    char *memory = mmap(NULL, size, RW, kind | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return;
    for (size_t at = 0; at < size; at += PAGE)
        memory[at] = (char)(at >> 12);
    mprotect(memory, size, PROT_READ);
    size_t half = size / 2 & ~(PAGE - 1);
    if (half)
        munmap(memory, half);
    for (size_t at = half; at < size; at += PAGE)
        if (memory[at] != (char)(at >> 12))
            WRONG();
    if (pick(state, 2)) {
        char *moved = mremap(memory + half, size - half, 2 * size, MREMAP_MAYMOVE);
        if (moved != MAP_FAILED) {
            if (moved[0] != (char)(half >> 12))
                WRONG();
            munmap(moved, 2 * size);
            return;
        }
    }
    munmap(memory + half, size - half);
}

static void do_stop(uint64_t *state)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        for (volatile unsigned i = 0;; i++)
            if (i % 1000 == 0)
                sched_yield();
    }
    if (child < 0)
        return;
    kill(child, SIGSTOP);
    while (waitpid(child, &status, WUNTRACED) < 0 && errno == EINTR)
        continue;
    if (!WIFSTOPPED(status))
        WRONG();
    if (pick(state, 2)) {
        kill(child, SIGCONT);
        while (waitpid(child, &status, WCONTINUED) < 0 && errno == EINTR)
            continue;
        if (!WIFCONTINUED(status))
            WRONG();
    }
    kill(child, SIGKILL);
    if (status_of(child) != SIGKILL)
        WRONG();
}

static void *return_argument(void *argument)
{
    pass_microseconds(10);
    return argument;
}

static void do_threads(uint64_t *state)
{
    pthread_t threads[4];
    unsigned count = 1 + pick(state, 4), made = 0;

    while (made < count && pthread_create(&threads[made], NULL, return_argument, state) == 0)
        made++;
    for (unsigned i = 0; i < made; i++) {
        void *result = NULL;
        if (pthread_join(threads[i], &result) || result != state)
            WRONG();
    }
}

static void do_pipe(uint64_t *state)
{
    uint64_t value = *state, got = 0;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return;
    pid_t child = fork();
    if (child == 0) {
        if (write(ends[1], &value, sizeof(value)) != sizeof(value))
            _exit(1);
        _exit(0);
    }
    close(ends[1]);
    if (child > 0) {
        struct pollfd wanted = {ends[0], POLLIN, 0};
        while (poll(&wanted, 1, -1) < 0 && errno == EINTR)
            continue;
        if (read(ends[0], &got, sizeof(got)) != sizeof(got) || got != value)
            WRONG();
        if (status_of(child) != 0)
            WRONG();
    }
    close(ends[0]);
}

static void *exec_soon(void *unused)
{
    char *arguments[] = {"busybox", "true", NULL};
    (void)unused;
    execve("/bin/busybox", arguments, environ);
    return NULL;
}

static void *map_until_the_end(void *unused)
{
    uint64_t state = (uint64_t)(uintptr_t)&unused;
    for (;;)
        do_map(&state);
    return NULL;
}

/* A process of several threads that ends by an exec of one, an exit of another, or a kill. */
static void do_group(uint64_t *state)
{
    unsigned way = pick(state, 3);
    long delay = pick(state, 2000);
    pid_t child = fork();

    if (child == 0) {
        pthread_t thread;
        for (int i = 0; i < 3; i++)
            pthread_create(&thread, NULL, map_until_the_end, NULL);
        if (way == 0)
            pthread_create(&thread, NULL, exec_soon, NULL);
        pass_microseconds(delay);
        if (way == 1)
            _exit(0);
        for (;;)
            pause();
    }
    if (child < 0)
        return;
    if (way == 2) {
        pass_microseconds(delay);
        kill(child, SIGKILL);
    }
    if (status_of(child) != (way == 2 ? SIGKILL : 0))
        WRONG();
}

static void (*const works[WORK_COUNT])(uint64_t *) = {
    do_fork, do_exec, do_signal, do_map, do_stop, do_threads, do_pipe, do_group,
};

/* ---- the team ---- */

static void *work(void *number)
{
    uint64_t state = (uint64_t)(uintptr_t)number * 0x9e3779b97f4a7c15 + 1;

    while (!soak->over) {
        unsigned kind = pick(&state, WORK_COUNT);
        works[kind](&state);
        soak->done[kind]++;
    }
    return NULL;
}

static void nothing(int signal)
{
    (void)signal;
}

/* A process with a team, which gets signals all the time; its end is the end of all its work. */
static void soak_for(unsigned seconds)
{
    soak->over = false;
    pid_t child = fork();

    if (child == 0) {
        pthread_t team[TEAM];
        sigaction(SIGUSR1, &(struct sigaction){.sa_handler = nothing, .sa_flags = SA_RESTART},
                  NULL);
        for (uintptr_t i = 0; i < TEAM; i++)
            if (pthread_create(&team[i], NULL, work, (void *)(i + 1)))
                _exit(1);
        for (unsigned i = 0; i < TEAM; i++)
            pthread_join(team[i], NULL);
        exit(0);
    }
    pass_microseconds(900000); /* for its handler */
    struct timespec begun, now;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    do {
        kill(child, SIGUSR1);
        pass_microseconds(20000);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - begun.tv_sec < (time_t)seconds);
    soak->over = true;
    if (status_of(child) != 0)
        WRONG();
    while (waitpid(-1, NULL, 0) > 0) /* orphans come here: a subreaper */
        continue;
}

/* ---- what is left ---- */

static char counts[2][1 << 13];

/* Reads until two readings agree: what ended last may still be on its way off a CPU. */
static void counts_settle(char *text, size_t size)
{
    static char again[1 << 13];

    baton_counts(text, size);
    for (unsigned tries = 0; tries < 50; tries++) {
        pass_microseconds(100000);
        baton_counts(again, sizeof(again));
        if (strcmp(text, again) == 0)
            return;
        strcpy(text, again);
    }
}

static void counts_compare(void)
{
    char *before = counts[0], *after = counts[1], *before_line, *after_line;
    char *before_rest, *after_rest;

    before_line = strtok_r(before, "\n", &before_rest);
    after_line = strtok_r(after, "\n", &after_rest);
    while (before_line && after_line) {
        tap_ok(strcmp(before_line, after_line) == 0, "as after warm-up: %s", before_line);
        if (strcmp(before_line, after_line) != 0)
            tap_note("now %s", after_line);
        before_line = strtok_r(NULL, "\n", &before_rest);
        after_line = strtok_r(NULL, "\n", &after_rest);
    }
}

int main(void)
{
    const char *given = getenv("SOAK_SECONDS");
    unsigned seconds = given ? (unsigned)atoi(given) : 10;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    soak = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool baton = baton_is_here();
    memset(counts, 1, sizeof(counts)); /* so that no page of it is new later */
    if (baton)
        counts_settle(counts[1], sizeof(counts[1]));
    soak_for(seconds < WARM_UP ? seconds : WARM_UP);
    if (baton)
        counts_settle(counts[0], sizeof(counts[0]));
    memset((void *)soak->done, 0, sizeof(soak->done));
    soak_for(seconds);
    if (baton)
        counts_settle(counts[1], sizeof(counts[1]));

    for (unsigned i = 0; i < WORK_COUNT; i++)
        tap_ok(soak->done[i] > 0, "%s were made at once with all others", work_names[i]);
    for (unsigned i = 0; i < WORK_COUNT; i++)
        tap_note("%llu %s", (unsigned long long)soak->done[i], work_names[i]);
    if (!tap_ok(soak->wrong == 0, "each had the result it has to have"))
        tap_note("%u had not, the last in line %u", soak->wrong, soak->wrong_line);
    if (baton)
        counts_compare();
    return tap_done();
}

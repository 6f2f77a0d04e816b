/*
 * soak_exec_threads: 100,000 execs in a chain, each by a process of several threads: any of them
 * calls execve, sometimes two at once, while the others are in random system calls. Each image
 * looks at its numbers and its descriptors. Every count of objects is in the last one what it was
 * in the hundredth; when the chain has ended, every count of frames, too, is what it was after a
 * short one. (How many frames a living image and its objects lie in depends on where its stack was
 * put, and on what else there was when they were made.)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <tap.h>
#include <time.h>

#include "proc_baton.h"

#ifndef CHAIN_LENGTH
#define CHAIN_LENGTH 100000
#endif
#define PAGE 4096UL

enum { WARM = 100, SIBLINGS = 4, STACK = 32768 };

/* What the hundredth image counted. */
#define NOTES "/tmp/soak_exec_threads"

static char counts[4096];
static char *program;
static unsigned turn, last; /* of this chain */
static int descriptor;      /* the lowest free one, in every image */

static unsigned pick(uint64_t *state, unsigned below)
{
    *state = *state * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(*state >> 33) % below;
}

/* ---- what siblings do: for ever, in the middle of which they are ended ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void call_pipe(uint64_t *state)
{
    char bytes[512] = "";
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return;
    (void)!write(ends[1], bytes, 1 + pick(state, sizeof(bytes)));
    (void)!read(ends[0], bytes, sizeof(bytes));
    if (pick(state, 8) == 0)
        (void)!read(ends[0], bytes, 1); /* for ever */
    close(ends[0]);
    close(ends[1]);
}

static void call_memory(uint64_t *state)
{
    size_t size = (1 + pick(state, 16)) * PAGE;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        (pick(state, 2) ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    for (size_t at = 0; at < size; at += PAGE)
        memory[at] = 1;
    mprotect(memory, PAGE, PROT_READ);
    munmap(memory, size);
}

static void call_file(uint64_t *state)
{
    char text[256];
    int file = open(pick(state, 2) ? "/proc/self/status" : program, O_RDONLY | O_CLOEXEC);
    struct stat status;

    (void)!read(file, text, sizeof(text));
    fstat(file, &status);
    void *memory = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory != MAP_FAILED) {
        (void)*(volatile char *)memory;
        munmap(memory, 2 * PAGE);
    }
    close(file);
}

static void call_unlinked(uint64_t *state)
{
    char name[32];

    snprintf(name, sizeof(name), "/tmp/unlinked-%u", pick(state, 4));
    int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    (void)!pwrite(file, name, sizeof(name), pick(state, 8) * PAGE);
    if (file >= 0)
        unlink(name);
    close(file);
}

static void call_sleep(uint64_t *state)
{
    nanosleep(&(struct timespec){0, pick(state, 200000)}, NULL);
}

static void call_poll(uint64_t *state)
{
    int event = eventfd(0, EFD_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct itimerspec soon = {.it_value = {0, 100000}};
    struct epoll_event wanted = {.events = EPOLLIN}, got;

    epoll_ctl(poller, EPOLL_CTL_ADD, event, &wanted);
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &wanted);
    timerfd_settime(timer, 0, &soon, NULL);
    epoll_wait(poller, &got, 1, pick(state, 4) ? 1 : -1);
    poll(&(struct pollfd){event, POLLIN, 0}, 1, (int)pick(state, 2));
    close(poller);
    close(timer);
    close(event);
}

static void call_futex(uint64_t *state)
{
    pthread_mutex_lock(&mutex);
    if (pick(state, 2)) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec = (until.tv_nsec + 100000) % 1000000000;
        pthread_cond_timedwait(&condition, &mutex, &until);
    } else {
        pthread_cond_broadcast(&condition);
    }
    pthread_mutex_unlock(&mutex);
}

static void call_signal(uint64_t *state)
{
    sigset_t all, before;
    timer_t timer;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    kill(getpid(), pick(state, 2) ? SIGUSR1 : SIGWINCH);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    struct sigevent nothing = {.sigev_notify = SIGEV_NONE};
    if (timer_create(CLOCK_MONOTONIC, &nothing, &timer) == 0 && pick(state, 2))
        timer_delete(timer);
}

static void call_fork(uint64_t *state)
{
    pid_t child = pick(state, 2) ? fork() : vfork();
    if (child == 0)
        _exit(0);
    if (child > 0 && pick(state, 2)) /* else it is left to the next image */
        waitpid(child, NULL, 0);
}

static void *return_nothing(void *unused)
{
    return unused;
}

static void call_clone(uint64_t *state)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, return_nothing, state) == 0)
        pthread_join(thread, NULL);
}

static void call_yield(uint64_t *state)
{
    for (unsigned i = pick(state, 20); i > 0; i--)
        sched_yield();
}

static void (*const calls[])(uint64_t *) = {
    call_pipe,  call_memory, call_file, call_unlinked, call_sleep, call_poll,
    call_futex, call_signal, call_fork, call_clone,    call_yield,
};

static void *call_for_ever(void *number)
{
    uint64_t state = turn * 0x9e3779b97f4a7c15 + (uintptr_t)number;

    for (;;)
        calls[pick(&state, sizeof(calls) / sizeof(calls[0]))](&state);
    return NULL;
}

/* ---- the chain ---- */

/* What is behind the counts of frames. */
static char *objects_in(char *text)
{
    char *line = strstr(text, "processes");
    return line ? line : text;
}

/* Writes the counts to the notes, or says what is another one there. Returns whether none is. */
static bool counts_keep(bool compare)
{
    static char notes[sizeof(counts)];
    int file = open(NOTES, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ssize_t size = sizeof(counts);

    while (waitpid(-1, NULL, 0) > 0)
        continue;
    for (unsigned i = 0; i < 4; i++) { /* what a sibling was ended before it could unlink */
        char name[32];
        snprintf(name, sizeof(name), "/tmp/unlinked-%u", i);
        unlink(name);
    }
    if (!compare && write(file, counts, size) != size) /* it has its pages when they are counted */
        exit(1);
    baton_counts(counts, sizeof(counts));
    bool done =
        compare ? pread(file, notes, size, 0) == size : pwrite(file, counts, size, 0) == size;
    close(file);
    if (!compare)
        return done;
    if (done && strcmp(objects_in(counts), objects_in(notes)) == 0)
        return true;
    baton_counts_note(notes, counts);
    return false;
}

/* What the image finds: its own number, and as many descriptors as the first one had. */
static bool look(pid_t process)
{
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(lowest);
    return getpid() == process && gettid() == process && lowest == descriptor;
}

static void *exec_next(void *unused)
{
    char number[16], length[16], process[16], lowest[16];
    char *arguments[] = {program, number, length, process, lowest, NULL};
    uint64_t state = turn;

    for (unsigned i = pick(&state, 4); i > 0; i--)
        sched_yield();
    snprintf(number, sizeof(number), "%07u", turn + 1);
    snprintf(length, sizeof(length), "%07u", last);
    snprintf(process, sizeof(process), "%07d", getpid());
    snprintf(lowest, sizeof(lowest), "%07d", descriptor);
    execv(program, arguments);
    tap_ok(false, "exec number %u: %s", turn + 1, strerror(errno));
    exit(1);
    return unused;
}

static void start(void *(*run)(void *), uintptr_t number)
{
    static char stacks[SIBLINGS + 1][STACK] __attribute__((aligned(64)));
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stacks[number], STACK);
    pthread_create(&thread, &attributes, run, (void *)number);
}

static void pass_on(void)
{
    uint64_t state = turn * 0x2545f4914f6cdd1d + 1;
    unsigned siblings = 1 + pick(&state, SIBLINGS);

    for (uintptr_t i = 0; i < siblings; i++)
        start(call_for_ever, i);
    /* Another thread, this one, or both. */
    unsigned who = pick(&state, 4);
    if (who != 0)
        start(exec_next, siblings);
    if (who < 2)
        exec_next(NULL);
    for (;;)
        pause();
}

/* A child's chain of so many execs. Returns its status. */
static int chain(unsigned length)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        last = length;
        descriptor = open("/dev/null", O_RDONLY);
        close(descriptor);
        pass_on();
    }
    waitpid(child, &status, 0);
    return status;
}

/* An image of the chain. */
static void go_on(char **argv)
{
    turn = (unsigned)atoi(argv[1]);
    last = (unsigned)atoi(argv[2]);
    descriptor = atoi(argv[4]);
    if (!look(atoi(argv[3])))
        _exit(2);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    if (turn == WARM && !counts_keep(false))
        _exit(3);
    if (turn == last)
        _exit(turn == WARM || counts_keep(true) ? 0 : 4);
    pass_on();
}

int main(int argc, char **argv)
{
    static char before[sizeof(counts)], after[sizeof(counts)];

    program = argv[0];
    signal(SIGUSR1, SIG_IGN);
    if (argc > 1)
        go_on(argv);

    memset(before, 1, sizeof(before)); /* touches the pages */
    memset(after, 1, sizeof(after));
    int first = chain(WARM);
    unlink(NOTES);
    baton_counts(before, sizeof(before));
    int status = chain(CHAIN_LENGTH);
    unlink(NOTES);
    baton_counts(after, sizeof(after));

    tap_plan(3);
    tap_ok(first == 0, "%u execs to warm up", WARM);
    if (!tap_ok(status == 0,
                "%u execs: each image has its number and no descriptor too many, the "
                "last one counts as many objects as the hundredth",
                CHAIN_LENGTH))
        tap_note("wait status %#x, %#x", first, status);
    if (!baton_is_here())
        tap_skip("this kernel is not Baton", "every count is as after a short chain");
    else if (!tap_ok(strcmp(before, after) == 0, "every count is as after a short chain"))
        baton_counts_note(before, after);
    return tap_done();
}

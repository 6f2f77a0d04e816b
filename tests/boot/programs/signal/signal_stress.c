/*
 * signal_stress: signals from everywhere at once: threads that send, block, wait and sleep on
 * futexes while timers fire and a parent stops, continues and kills their processes. Afterwards
 * nothing of it is left: the kernel's own counts are those of before.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "races.h"

#define ROUNDS    12
#define PROCESSES 3
#define THREADS   6
#define ROUND_MS  250

static volatile uint32_t word;
static volatile sig_atomic_t handled;

static void handle(int signal)
{
    (void)signal;
    handled++;
}

static void one_step(unsigned *seed, const sigset_t *one)
{
    struct timespec moment = {0, 200000};
    siginfo_t information;

    switch (rand_r(seed) % 8) {
    case 0:
        kill(getpid(), SIGUSR1);
        break;
    case 1:
        sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 1});
        break;
    case 2:
        pthread_sigmask(SIG_BLOCK, one, NULL);
        break;
    case 3:
        pthread_sigmask(SIG_UNBLOCK, one, NULL);
        break;
    case 4:
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, word, &moment, NULL, 0);
        break;
    case 5:
        word++;
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 3, NULL, NULL, 0);
        break;
    case 6:
        sigtimedwait(one, &information, &moment);
        break;
    default:
        nanosleep(&moment, NULL);
        break;
    }
}

static void *play(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigaddset(&one, SIGRTMIN + 2);
    for (;;)
        one_step(&seed, &one);
    return NULL;
}

static void play_process(unsigned seed)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 1500}, {0, 1500}};
    struct itimerspec value = {{0, 1000000}, {0, 1000000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    pthread_t thread;
    timer_t timer;

    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGRTMIN + 2, &action, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, play, (void *)(uintptr_t)(seed + i));
    setitimer(ITIMER_REAL, &often, NULL);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        timer_settime(timer, 0, &value, NULL);
    play((void *)(uintptr_t)(seed + 99));
}

static void play_round(unsigned seed)
{
    pid_t children[PROCESSES];
    long until = now_ms() + ROUND_MS;

    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            play_process(seed * 1000 + i * 100);
    }
    while (now_ms() < until) {
        pid_t child = children[rand_r(&seed) % PROCESSES];
        kill(child, SIGSTOP);
        if (rand_r(&seed) % 2)
            sleep_ms(2);
        kill(child, SIGCONT);
        sleep_ms(3);
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        kill(children[i], i % 2 ? SIGKILL : SIGTERM);
    for (unsigned i = 0; i < PROCESSES; i++)
        status_of(children[i]);
}

/* The sum of what tests see of the kernel's objects; 0 where there is no /proc/baton. */
static bool read_counts(char *text, size_t size)
{
    int file = open("/proc/baton/objects", O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, text, size - 1);

    close(file);
    text[length > 0 ? length : 0] = '\0';
    char *heap = strstr(text, "heap"); /* caches of the heap may keep some */
    if (heap)
        *heap = '\0';
    return file >= 0;
}

static bool stress(void)
{
    char before[512], after[512];

    play_round(1);
    read_counts(before, sizeof(before));
    struct race race = race_begin(ROUNDS - 2);
    while (race_goes_on(&race))
        play_round(race.round + 1);
    read_counts(after, sizeof(after));
    if (strcmp(before, after) != 0)
        tap_note("before: %s after: %s", before, after);
    REQUIRE(strcmp(before, after) == 0);
    return true;
}

static const struct test_case cases[] = {
    {"signals from everywhere, stops and kills: nothing is left over", "signal(7)", stress},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

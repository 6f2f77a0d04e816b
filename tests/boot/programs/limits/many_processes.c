/*
 * many_processes: 4,000 processes, then 10,000 threads, at once in 1 GiB. What the last hundred
 * cost to create is compared with what the hundredth did, by the time-stamp counter: under --icount
 * that counts guest instructions. Afterwards nothing is left of them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "proc_baton.h"
#include "tap.h"

#define PROCESSES  4000
#define THREADS    10000
#define STACK_SIZE 16384
#define SAMPLE     51 /* the middle one of so many counts */
#define PERCENT    20

static uint64_t costs[THREADS];

static uint64_t counter(void)
{
    return __builtin_ia32_rdtsc();
}

static int compare(const void *left, const void *right)
{
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
    return (one > other) - (one < other);
}

/* The median of the counts around `middle`. */
static uint64_t cost_at(unsigned middle)
{
    uint64_t sample[SAMPLE];

    memcpy(sample, &costs[middle - SAMPLE / 2], sizeof(sample));
    qsort(sample, SAMPLE, sizeof(sample[0]), compare);
    return sample[SAMPLE / 2];
}

static void compare_costs(unsigned count, const char *what)
{
    uint64_t early = cost_at(100), late = cost_at(count - SAMPLE / 2 - 1);

    tap_note("%s: the hundredth %llu, the last %llu", what, (unsigned long long)early,
             (unsigned long long)late);
    if (getenv("COMPARE_COSTS"))
        tap_ok(late * 100 <= early * (100 + PERCENT) && early * 100 <= late * (100 + 2 * PERCENT),
               "%s: the last costs within %d%% of the hundredth", what, PERCENT);
}

static void counts_read(char *text, size_t size)
{
    ssize_t used = file_text("/proc/baton/frames", text, size);
    if (used > 0)
        file_text("/proc/baton/objects", text + used, size - used);
}

static long count_of(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    return line ? atol(line + strlen(name)) : 0;
}

/* ---- processes ---- */

static void test_processes(void)
{
    static pid_t children[PROCESSES];
    unsigned made = 0, reaped = 0;

    for (; made < PROCESSES; made++) {
        uint64_t before = counter();
        pid_t child = fork();
        if (child == 0) {
            pause();
            _exit(1);
        }
        costs[made] = counter() - before;
        if (child < 0)
            break;
        children[made] = child;
    }
    int saved = errno;
    if (!tap_ok(made == PROCESSES, "%d processes at once", PROCESSES))
        tap_note("%u were made, errno %d", made, saved);
    else
        compare_costs(PROCESSES, "a process");
    for (unsigned i = 0; i < made; i++)
        kill(children[i], SIGTERM);
    for (int status; waitpid(-1, &status, 0) > 0;)
        reaped += WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
    tap_ok(reaped == made, "each of them was ended by its signal");
}

/* ---- threads ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool leave;
static _Atomic unsigned came;

static void *stay(void *number)
{
    came++;
    pthread_mutex_lock(&lock);
    while (!leave)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return number;
}

/* `stacks`: where theirs lie one behind the other; NULL: the C library maps each. */
static void test_threads(char *stacks, const char *what)
{
    static pthread_t threads[THREADS];
    pthread_attr_t attributes;
    unsigned made = 0, ended = 0;
    int error = 0;

    leave = false;
    came = 0;
    pthread_attr_init(&attributes);
    for (; made < THREADS; made++) {
        if (stacks)
            pthread_attr_setstack(&attributes, stacks + (size_t)made * STACK_SIZE, STACK_SIZE);
        uint64_t before = counter();
        error = pthread_create(&threads[made], &attributes, stay, (void *)(uintptr_t)made);
        costs[made] = counter() - before;
        if (error)
            break;
    }
    if (!tap_ok(made == THREADS, "%d threads at once, %s", THREADS, what))
        tap_note("%u were made, errno %d", made, error);
    else
        compare_costs(THREADS, what);
    while (came < made)
        usleep(1000);
    pthread_mutex_lock(&lock);
    leave = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < made; i++) {
        void *number = NULL;
        ended += pthread_join(threads[i], &number) == 0 && number == (void *)(uintptr_t)i;
    }
    tap_ok(ended == made, "each of them ran and ended");
}

int main(void)
{
    static char before[4096], after[4096];

    /* Linux allows fewer by default. */
    if (!baton_is_here() && system("echo 60000 > /proc/sys/kernel/threads-max;"
                                   "echo 60000 > /proc/sys/kernel/pid_max"))
        tap_note("no more threads than usual");
    counts_read(before, sizeof(before));
    test_processes();
    test_threads(NULL, "with stacks of the C library");
    char *stacks = mmap(NULL, (size_t)THREADS * STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    test_threads(stacks, "with stacks of our own");
    munmap(stacks, (size_t)THREADS * STACK_SIZE);
    if (baton_is_here()) {
        counts_read(after, sizeof(after));
        tap_ok(count_of(before, "processes ") == count_of(after, "processes ") &&
                   count_of(before, "threads ") == count_of(after, "threads "),
               "none of them is counted any more");
        tap_note("%ld frames free before, %ld after", count_of(before, "free "),
                 count_of(after, "free "));
    }
    return tap_done();
}

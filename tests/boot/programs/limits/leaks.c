/*
 * leaks: what was in use at once, and never before, leaves nothing behind. A child does it and
 * ends; as soon as wait4 has told of that, every count of frames and objects is what it was. No
 * round to warm up is made, but for what the C library and this program touch first.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tap.h>

#include "proc_baton.h"

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)

enum { TESTS = 9 };

/* Reported when all is done: a report on its way would be in a pipe, and counted. */
static struct result {
    char before[4096], after[4096];
    int status;
} results[TESTS];

/* ---- what a child does; false: it could not ---- */

static bool nothing(void)
{
    return true;
}

static pthread_barrier_t all_here;

static void *wait_for_all(void *unused)
{
    pthread_barrier_wait(&all_here);
    return unused;
}

static bool many_threads(void)
{
    enum { COUNT = 300 };
    pthread_t threads[COUNT];
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    pthread_barrier_init(&all_here, NULL, COUNT + 1);
    for (int i = 0; i < COUNT; i++)
        if (pthread_create(&threads[i], &attributes, wait_for_all, NULL))
            return false;
    pthread_barrier_wait(&all_here);
    return true; /* some of them are still there: they end with the process */
}

static bool many_processes(void)
{
    enum { COUNT = 150 };
    pid_t children[COUNT];

    for (int i = 0; i < COUNT; i++) {
        children[i] = fork();
        if (children[i] < 0)
            return false;
        while (children[i] == 0)
            pause();
    }
    for (int i = 0; i < COUNT; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    return true;
}

static bool much_memory(void)
{
    size_t size = 200UL << 20;
    char *memory = mmap(NULL, size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t at = 0; memory != MAP_FAILED && at < size; at += PAGE)
        memory[at] = 1;
    return memory != MAP_FAILED;
}

static bool many_descriptors(void)
{
    struct rlimit limit = {100000, 100000};

    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 100; i < 100000; i *= 3)
        if (dup2(0, i) != i)
            return false;
    return true;
}

static bool many_regions(void)
{
    for (int i = 0; i < 2000; i++)
        if (mmap(NULL, PAGE, i % 2 ? PROT_READ : RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ==
            MAP_FAILED)
            return false;
    return true;
}

static bool many_files(void)
{
    char name[64];

    if (mkdir("/tmp/leaks", 0700))
        return false;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "/tmp/leaks/%d", i);
        int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (pwrite(file, name, sizeof(name), i * 3 * PAGE) != sizeof(name))
            return false;
        close(file);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "/tmp/leaks/%d", i);
        unlink(name);
    }
    return rmdir("/tmp/leaks") == 0;
}

static bool many_signals(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 0; i < 1000; i++)
        if (sigqueue(getpid(), SIGRTMIN + i % 8, (union sigval){.sival_int = i}))
            return false;
    return true;
}

static bool full_pipes(void)
{
    static char bytes[65536];

    for (int i = 0; i < 50; i++) {
        int ends[2];
        if (pipe(ends) || write(ends[1], bytes, sizeof(bytes)) != sizeof(bytes))
            return false;
    }
    return true;
}

static void test(bool (*use)(void), struct result *result)
{
    result->status = -1;
    baton_counts(result->before, sizeof(result->before));
    pid_t child = fork();
    if (child == 0)
        _exit(!use());
    waitpid(child, &result->status, 0);
    baton_counts(result->after, sizeof(result->after));
}

static void report(const struct result *result, const char *what)
{
    if (tap_ok(result->status == 0 && strcmp(result->before, result->after) == 0,
               "%s leave nothing behind", what))
        return;
    tap_note("wait status %#x", result->status);
    baton_counts_note(result->before, result->after);
}

int main(void)
{
    static const struct {
        bool (*use)(void);
        const char *what;
    } tests[TESTS] = {
        {nothing, "a process and its end"},
        {many_threads, "300 threads at once"},
        {many_processes, "150 processes at once"},
        {much_memory, "200 MiB of memory"},
        {many_descriptors, "tables of 100,000 descriptors"},
        {many_regions, "2,000 regions"},
        {many_files, "1,000 files"},
        {many_signals, "1,000 signals that wait"},
        {full_pipes, "50 full pipes"},
    };

    memset(results, 1, sizeof(results));                              /* touches the pages */
    baton_counts_quiet(results[0].before, sizeof(results[0].before)); /* who started it, too */
    for (int i = 0; i < TESTS; i++)
        test(tests[i].use, &results[i]);
    tap_plan(TESTS);
    for (int i = 0; i < TESTS; i++)
        report(&results[i], tests[i].what);
    return tap_done();
}

/*
 * soak_processes: for ten minutes many processes at once, of several threads each, fork, exec,
 * signal, stop, map, unmap, write to pipes and end. Afterwards every count of frames, objects,
 * processes and threads is what it was after a first short round.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <tap.h>
#include <time.h>

#include "proc_baton.h"

#ifndef SECONDS
#define SECONDS 600
#endif

enum { WORKERS = 6, THREADS = 3, WARM_SECONDS = 10 };

static const char *program;

static long seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Each step returns whether what it did came out right. */

static bool fork_and_exit(unsigned *seed)
{
    int wanted = rand_r(seed) % 200;
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(wanted);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == wanted;
}

static bool exec_and_exit(unsigned *seed)
{
    char wanted[8];
    char *arguments[] = {(char *)program, wanted, NULL};
    int status = 0;

    snprintf(wanted, sizeof(wanted), "%d", rand_r(seed) % 200);
    pid_t child = rand_r(seed) % 2 ? fork() : vfork();
    if (child == 0) {
        execv(program, arguments);
        _exit(255);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == atoi(wanted);
}

static bool kill_and_stop(unsigned *seed)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        for (;;)
            sched_yield();
    if (child < 0)
        return false;
    if (rand_r(seed) % 2) {
        kill(child, SIGSTOP);
        if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status))
            return false;
        kill(child, SIGCONT);
        if (waitpid(child, &status, WCONTINUED) != child || !WIFCONTINUED(status))
            return false;
    }
    kill(child, SIGTERM);
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGTERM;
}

static bool map_and_unmap(unsigned *seed)
{
    size_t size = (1 + rand_r(seed) % 64) * 4096;
    uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                           (rand_r(seed) % 2 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
    int status = 0;

    if (memory == MAP_FAILED)
        return false;
    for (size_t at = 0; at < size; at += 4096)
        memory[at] = at >> 12;
    /* Copied on write by a child, split by mprotect, and as it was for us. */
    pid_t child = fork();
    if (child == 0) {
        uint8_t sum = 0;
        mprotect(memory + size / 8192 * 4096, 4096, PROT_READ);
        for (size_t at = 0; at < size; at += 4096)
            sum |= memory[at] ^ (uint8_t)(at >> 12);
        _exit(sum != 0);
    }
    bool right = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    for (size_t at = 0; at < size; at += 4096)
        right &= memory[at] == (uint8_t)(at >> 12);
    return munmap(memory, size) == 0 && right;
}

static bool pipe_through(unsigned *seed)
{
    size_t size = 1 + rand_r(seed) % 200000;
    size_t received = 0;
    static __thread uint8_t buffer[4096];
    int ends[2];
    int status = 0;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        for (size_t sent = 0; sent < size;) {
            size_t count = size - sent < sizeof(buffer) ? size - sent : sizeof(buffer);
            ssize_t written = write(ends[1], buffer, count);
            if (written < 0)
                _exit(1);
            sent += written;
        }
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t count; (count = read(ends[0], buffer, sizeof(buffer))) > 0;)
        received += count;
    close(ends[0]);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 && received == size;
}

static bool (*const steps[])(unsigned *) = {fork_and_exit, exec_and_exit, kill_and_stop,
                                            map_and_unmap, pipe_through};
static const char *const step_names[] = {"fork and exit", "exec and exit", "kill and stop",
                                         "map and unmap", "pipe"};

static long end_time;

static void *thread_run(void *argument)
{
    unsigned seed = (uintptr_t)argument;

    while (seconds_now() < end_time) {
        unsigned step = rand_r(&seed) % (sizeof(steps) / sizeof(steps[0]));
        if (!steps[step](&seed))
            return (void *)(uintptr_t)(step + 1);
    }
    return NULL;
}

/* A worker; its status is the number of the step that went wrong, or 0. */
static int worker_run(unsigned number)
{
    pthread_t threads[THREADS];
    void *result = NULL;
    int wrong = 0;

    for (unsigned at = 0; at < THREADS; at++)
        if (pthread_create(&threads[at], NULL, thread_run,
                           (void *)(uintptr_t)(1 + number * THREADS + at)) != 0)
            return 100;
    for (unsigned at = 0; at < THREADS; at++) {
        pthread_join(threads[at], &result);
        if (result)
            wrong = (uintptr_t)result;
    }
    return wrong;
}

static void round_run(const char *name, long seconds, unsigned seed)
{
    int status = 0;
    int wrong = 0;

    end_time = seconds_now() + seconds;
    for (unsigned at = 0; at < WORKERS; at++)
        if (fork() == 0)
            _exit(worker_run(seed + at));
    for (unsigned at = 0; at < WORKERS; at++) {
        wait(&status);
        if (status != 0)
            wrong = status;
    }
    if (!tap_ok(wrong == 0, "%s of %ld seconds: every step came out right", name, seconds))
        tap_note("wait status %#x: %s", wrong,
                 WIFEXITED(wrong) && WEXITSTATUS(wrong) <= 5 ? step_names[WEXITSTATUS(wrong) - 1]
                                                             : "a worker died");
}

int main(int argc, char **argv)
{
    static char before[8192], after[8192];

    if (argc > 1)
        return atoi(argv[1]);
    program = argv[0];
    tap_plan(3);
    baton_counts(before, sizeof(before)); /* touches the pages */
    baton_counts(after, sizeof(after));
    round_run("a round", WARM_SECONDS, 1);
    baton_counts(before, sizeof(before));
    round_run("a round", SECONDS, 1000);
    baton_counts(after, sizeof(after));
    if (!baton_is_here())
        tap_skip("this kernel is not Baton", "every count is as after the first round");
    else if (!tap_ok(strcmp(before, after) == 0, "every count is as after the first round"))
        baton_counts_note(before, after);
    return tap_done();
}

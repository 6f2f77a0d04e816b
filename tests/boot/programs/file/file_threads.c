/*
 * file_threads: threads that share one descriptor table open, duplicate, replace, close and use the
 * same few descriptors at once, at random, for some seconds; the seed is printed. Whatever a thread
 * holds may be another file the next moment: only errnos may come of it, and on Baton nothing is
 * lost afterwards.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <tap.h>
#include <time.h>

#include "proc_baton.h"
#include "races.h"

enum { THREADS = 6, FIRST = 20, COUNT = 12, SECONDS = 3 };

static unsigned pick(uint64_t *state, unsigned count)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (unsigned)(*state >> 33) % count;
}

/* Puts a new file on one of the shared numbers. */
static void place(uint64_t *state, int file)
{
    if (file < 0)
        return;
    dup3(file, FIRST + (int)pick(state, COUNT), O_CLOEXEC);
    close(file);
}

static void step(uint64_t *state)
{
    char buffer[600] = "";
    int ends[2];
    int file = FIRST + (int)pick(state, COUNT), other = FIRST + (int)pick(state, COUNT);
    struct epoll_event event = {.events = EPOLLIN};
    struct flock lock = {.l_type = (short)pick(state, 3), .l_start = pick(state, 50), .l_len = 9};
    struct pollfd requests[] = {{file, POLLIN, 0}, {other, POLLOUT, 0}};

    switch (pick(state, 18)) {
    case 0:
        place(state, open("shared", O_CREAT | O_RDWR | O_NONBLOCK, 0600));
        break;
    case 1:
        if (!pipe2(ends, O_NONBLOCK)) {
            place(state, ends[0]);
            place(state, ends[1]);
        }
        break;
    case 2:
        place(state, eventfd(0, EFD_NONBLOCK));
        break;
    case 3:
        place(state, epoll_create1(0));
        break;
    case 4:
        place(state, open("fifo", O_RDWR | O_NONBLOCK));
        break;
    case 5:
        dup2(file, other);
        break;
    case 6:
        close(file);
        break;
    case 7:
        (void)!write(file, buffer, pick(state, sizeof(buffer)));
        break;
    case 8:
        (void)!read(file, buffer, pick(state, sizeof(buffer)));
        break;
    case 9:
        poll(requests, 2, (int)pick(state, 2));
        break;
    case 10:
        epoll_ctl(file, EPOLL_CTL_ADD, other, &event);
        break;
    case 11:
        epoll_ctl(file, EPOLL_CTL_DEL, other, &event);
        break;
    case 12: {
        struct epoll_event events[4];
        epoll_wait(file, events, 4, (int)pick(state, 2));
        break;
    }
    case 13:
        fcntl(file, F_SETLK, &lock);
        break;
    case 14:
        flock(file, (pick(state, 2) ? LOCK_EX : LOCK_UN) | LOCK_NB);
        break;
    case 15:
        fcntl(file, F_SETPIPE_SZ, 4096 << pick(state, 6));
        break;
    case 16: {
        void *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
        if (memory != MAP_FAILED)
            munmap(memory, 4096);
        break;
    }
    default:
        place(state, fcntl(file, F_DUPFD, 40 + (int)pick(state, 100)));
    }
}

static void *work(void *seed)
{
    uint64_t state = (uintptr_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    for (time_t end = now.tv_sec + SECONDS; now.tv_sec < end; clock_gettime(CLOCK_MONOTONIC, &now))
        for (int i = 0; i < 100; i++)
            step(&state);
    return NULL;
}

/* In a child, so that its end closes everything. */
static int round_of_work(unsigned seed)
{
    pthread_t threads[THREADS];
    int status = -1;

    pid_t child = fork();
    if (child == 0) {
        signal(SIGPIPE, SIG_IGN);
        for (unsigned i = 0; i < THREADS; i++)
            if (pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(seed + i)))
                _exit(2);
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        _exit(0);
    }
    waitpid(child, &status, 0);
    unlink("shared");
    return status;
}

static long heap_now(void)
{
    char text[4096] = "";

    usleep(200000);
    file_text("/proc/baton/objects", text, sizeof(text));
    const char *line = strstr(text, "heap ");
    return line ? atol(line + 5) : -1;
}

int main(void)
{
    unsigned seed = (unsigned)time(NULL);

    tap_note("seed %u", seed);
    mkdir("/tmp", 01777);
    if (chdir("/tmp") || mkfifo("fifo", 0600))
        tap_note("cannot begin: %s", strerror(errno));
    struct race race = race_begin(1);
    int bad = 0;
    while (race_goes_on(&race))
        bad += round_of_work(seed + race.round * 1000) != 0;
    tap_ok(bad == 0, "threads share a table");
    if (baton_is_here()) {
        long before = heap_now();
        tap_ok(round_of_work(seed + 100) == 0, "a second round");
        long after = heap_now();
        if (!tap_ok(labs(after - before) < 2048, "nothing is lost"))
            tap_note("heap before: %ld, after: %ld", before, after);
    }
    unlink("fifo");
    return tap_done();
}

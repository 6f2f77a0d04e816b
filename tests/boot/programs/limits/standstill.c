/*
 * standstill: one call of one user, on what he has made long, must not keep others from running.
 * While he makes it over and over, a program of another user looks at the clock all the time, and
 * opens and closes the file that the call is about: the longest that either takes is bounded.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "children.h"
#include "tap.h"

enum {
    MAPPINGS = 3000,
    LOCKS = 800,
    WAITERS = 40,
    WATCHED_MS = 300,
    ALLOWED_MS = 50, /* turns of 4 ms; under --icount nothing of the host is in it */
};

static const char shared_file[] = "/tmp/standstill";

static long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the one: prepares, tells that it has, and makes its call until it is killed ---- */

static int ready[2];

static void is_ready(void)
{
    if (write(ready[1], "x", 1) != 1)
        _exit(1);
}

static int map_many(void)
{
    int file = memfd_create("long", 0);

    if (ftruncate(file, 4096))
        _exit(1);
    for (int i = 0; i < MAPPINGS; i++)
        if (mmap(NULL, 4096, PROT_READ, i % 2 ? MAP_SHARED : MAP_PRIVATE, file, 0) == MAP_FAILED)
            _exit(1);
    return file;
}

static void truncates(void)
{
    int file = map_many();

    is_ready();
    while (ftruncate(file, 0) == 0 && ftruncate(file, 4096) == 0)
        ;
}

static void read_all(const char *name)
{
    static char bytes[65536];
    int file = open(name, O_RDONLY);

    while (read(file, bytes, sizeof(bytes)) > 0)
        ;
    close(file);
}

static void reads_smaps(void)
{
    map_many();
    is_ready();
    for (;;)
        read_all("/proc/self/smaps");
}

static void locks(void)
{
    for (int i = 0; i < LOCKS; i++)
        if (flock(open(shared_file, O_RDONLY), LOCK_SH))
            _exit(1);
    for (int i = 0; i < WAITERS; i++)
        if (fork() == 0) {
            flock(open(shared_file, O_RDONLY), LOCK_EX);
            pause();
        }
    is_ready();
    for (;;)
        read_all("/proc/locks");
}

/* ---- the other ---- */

static long longest_wait(void)
{
    long begun = now_us(), last = begun, longest = 0;

    while (last - begun < WATCHED_MS * 1000L) {
        close(open(shared_file, O_RDONLY));
        long now = now_us();
        longest = now - last > longest ? now - last : longest;
        last = now;
    }
    return longest;
}

static void beside(const char *what, void (*one)(void))
{
    char byte;
    long longest = -1;

    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        if (become(1001))
            one();
        _exit(1);
    }
    bool prepared = read(ready[0], &byte, 1) == 1;
    if (prepared)
        longest = longest_wait();
    kill(-child, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    tap_ok(prepared && longest < ALLOWED_MS * 1000L, "%s", what);
    tap_note("longest wait %ld us", longest);
}

int main(void)
{
    struct rlimit files = {1024, 1024};

    setrlimit(RLIMIT_NOFILE, &files);
    umask(0);
    close(open(shared_file, O_CREAT | O_RDWR, 0644));
    if (pipe(ready))
        return 1;
    beside("ftruncate of a file that is mapped 3,000 times", truncates);
    beside("reading smaps of 3,000 mappings", reads_smaps);
    beside("reading /proc/locks, with 40 who wait for 800 locks", locks);
    unlink(shared_file);
    return tap_done();
}

/*
 * standstill: one call of one user, on what he has made long, must not keep others from running.
 * While he makes it over and over, a program of another user looks at the clock all the time, and
 * opens and closes the file that the call is about: the longest that either takes is bounded, and
 * unless it waits for a lock of that file it has nearly half of the processor.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
    DEPTH = 20000,
    NAMES = 15000,
    LINKS = 40,
    WATCHED_MS = 300,
    PART_LEAST = 40, /* percent of the processor, */
    LOCKED = 20,     /* and where both want the same lock */
    ALLOWED_MS = 50, /* turns of 4 ms; under --icount nothing of the host is in it */
};

static const char shared_file[] = "/tmp/standstill";
#define ROOM "/tmp/standstill.room"

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

static void walks(void)
{
    if (mkdir(ROOM, 0700) || chdir(ROOM))
        _exit(1);
    for (int i = 0; i < DEPTH; i++)
        if (mkdir("d", 0700) || chdir("d"))
            _exit(1);
    is_ready();
    for (;;)
        for (int above = open(ROOM, O_PATH), here; above >= 0; above = here) {
            here = openat(above, "d", O_PATH);
            close(above);
        }
}

static void seeks(void)
{
    char name[64];
    long middle = 0;

    if (mkdir(ROOM, 0700) || chdir(ROOM))
        _exit(1);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    is_ready();
    DIR *directory = opendir(".");
    for (int i = 0; directory && readdir(directory); i++)
        if (i == NAMES / 2)
            middle = telldir(directory);
    while (directory) {
        seekdir(directory, middle);
        readdir(directory);
    }
}

static void follows(void)
{
    char name[16], target[4096], *end = target + sizeof(target) - sizeof(name);
    struct stat status;

    if (mkdir(ROOM, 0700) || chdir(ROOM))
        _exit(1);
    for (char *at = target; at < end; at += 2)
        memcpy(at, "./", 2);
    for (int i = 0; i < LINKS; i++) {
        snprintf(name, sizeof(name), "%d", i);
        snprintf(end, sizeof(name), "%d", i + 1);
        if (symlink(target, name))
            _exit(1);
    }
    snprintf(name, sizeof(name), "%d", LINKS);
    close(open(name, O_CREAT | O_WRONLY, 0600));
    is_ready();
    while (stat("0", &status) == 0)
        ;
}

/* What these leave. */
static void clear_room(void)
{
    int depth = 0;

    if (chdir(ROOM))
        return;
    while (chdir("d") == 0)
        depth++;
    for (; depth > 0 && chdir("..") == 0; depth--)
        rmdir("d");
    if (chdir("/") || system("rm -rf " ROOM))
        tap_note("the names do not go");
}

/* ---- the other ---- */

static long own_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

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

static void beside(const char *what, void (*one)(void), int part_least)
{
    char byte;
    long longest = -1, part = 0;

    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        if (become(1001))
            one();
        _exit(1);
    }
    bool prepared = read(ready[0], &byte, 1) == 1;
    if (prepared) {
        long begun = now_us(), used = own_us();
        longest = longest_wait();
        part = (own_us() - used) * 100 / (now_us() - begun);
    }
    kill(-child, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    tap_ok(prepared && longest < ALLOWED_MS * 1000L, "%s", what);
    tap_ok(part >= part_least, "…and has its part of the processor");
    tap_note("longest wait %ld us, %ld%% of the processor", longest, part);
    clear_room();
}

int main(void)
{
    struct rlimit files = {1024, 1024};

    setrlimit(RLIMIT_NOFILE, &files);
    umask(0);
    close(open(shared_file, O_CREAT | O_RDWR, 0644));
    if (pipe(ready))
        return 1;
    beside("ftruncate of a file that is mapped 3,000 times", truncates, PART_LEAST);
    beside("reading smaps of 3,000 mappings", reads_smaps, PART_LEAST);
    beside("reading /proc/locks, with 40 who wait for 800 locks", locks, LOCKED);
    beside("walking through 20,000 directories, each in the one before", walks, PART_LEAST);
    beside("seeking in a directory of 15,000 names", seeks, PART_LEAST);
    beside("following 40 symbolic links of 4 KiB", follows, PART_LEAST);
    unlink(shared_file);
    return tap_done();
}

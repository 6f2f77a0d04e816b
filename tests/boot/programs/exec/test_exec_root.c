/*
 * test_exec_root: the guard rail of invariant 1, and PID 1 of a machine of its own (exec_root.py):
 * what it needs of the kernel is the boot, fork, one exec, and a serial port.
 *
 * A child execs this same program again. That one checks, without having slept since the exec, that
 * the thread's page-table root, CR3 and the root of its address space are one and the same, a new
 * one, and that nobody has the old one any more; then again after it was switched out and in by
 * the timer, and again by system calls.
 *
 * TAP goes straight to COM3 (/dev/ttyS2).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "tap.h"

#define CHECKS_A_LOOK 4
#define CHECKS        (1 + 3 * CHECKS_A_LOOK + 1)

/* What /proc/baton says of the roots, as numbers. */
struct look {
    uint64_t cr3;   /* of the CPU that looks, while it runs this thread */
    uint64_t field; /* the thread's page-table root */
    uint64_t space; /* its address space's */
    int holders;    /* threads and CPUs that have the root asked for */
};

/* Reads a whole file of /proc into a buffer that was touched before. */
static const char *read_file(const char *path)
{
    static char buffer[1 << 16];
    size_t size = 0;

    int descriptor = open(path, O_RDONLY);
    for (ssize_t got = 1; descriptor >= 0 && got > 0 && size < sizeof(buffer) - 1; size += got) {
        got = read(descriptor, buffer + size, sizeof(buffer) - 1 - size);
        if (got < 0)
            break;
    }
    close(descriptor);
    buffer[size] = '\0';
    return buffer;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

/* Who has `asked` as its root; and the calling thread's own roots. */
static void take_look(struct look *look, uint64_t asked)
{
    int self = getpid();
    *look = (struct look){0};

    for (const char *line = read_file("/proc/baton/cpus"); *line; line = next_line(line)) {
        unsigned cpu;
        uint64_t cr3;
        int id;
        if (sscanf(line, "%u %lx %d", &cpu, &cr3, &id) != 3)
            continue;
        if (id == self)
            look->cr3 = cr3;
        look->holders += cr3 == asked;
    }
    for (const char *line = read_file("/proc/baton/threads"); *line; line = next_line(line)) {
        int id;
        char state[32], space[32];
        uint64_t field;
        if (sscanf(line, "%d %31s %lx %31s", &id, state, &field, space) != 4)
            continue;
        uint64_t space_root = strtoull(space, NULL, 16);
        if (id == self) {
            look->field = field;
            look->space = space_root;
        }
        look->holders += field == asked || space_root == asked;
    }
}

static void check_roots(const char *when, uint64_t old)
{
    struct look look;

    take_look(&look, old);
    tap_ok(look.cr3 && look.cr3 == look.field, "%s: CR3 is the thread's field", when);
    tap_ok(look.cr3 && look.cr3 == look.space, "%s: CR3 is the address space's root", when);
    tap_ok(look.cr3 != old, "%s: it is not the old image's root", when);
    if (!tap_ok(look.holders == 0, "%s: nobody has the old root any more", when))
        tap_note("old %lx, CR3 %lx, field %lx, space %lx", old, look.cr3, look.field, look.space);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000UL + time.tv_nsec;
}

/* Computes beside another process, so that the timer switches between the two. */
static void be_switched_by_timer(void)
{
    pid_t other = fork();
    if (other == 0) {
        for (;;)
            ;
    }
    for (uint64_t end = now() + 300000000; now() < end;)
        ;
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
}

/* Sleeps and yields beside another process that does the same. */
static void be_switched_by_calls(void)
{
    const struct timespec moment = {0, 1000000};
    pid_t other = fork();
    if (other == 0) {
        for (;;)
            sched_yield();
    }
    for (int i = 0; i < 100; i++) {
        sched_yield();
        if (i % 10 == 0)
            nanosleep(&moment, NULL);
    }
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
}

/* The new image: `old` is the root that its process had before. */
static int target(uint64_t old)
{
    tap_continue(CHECKS, 1, 0);
    check_roots("right after exec", old);
    be_switched_by_timer();
    check_roots("after switches by the timer", old);
    be_switched_by_calls();
    check_roots("after switches by system calls", old);
    return tap_failed > 0;
}

static void exec_again(void)
{
    char old[32];
    char *const arguments[] = {"test_exec_root", "target", old, NULL};
    char *const environment[] = {NULL};
    const struct timespec while_parent_falls_asleep = {0, 100000000};
    struct look look;

    /* With nobody else to run, no switch comes before the first look after the exec. */
    nanosleep(&while_parent_falls_asleep, NULL);
    take_look(&look, 0);
    snprintf(old, sizeof(old), "%lx", look.cr3);
    execve("/bin/test_exec_root", arguments, environment);
    _exit(127);
}

int main(int count, char **arguments)
{
    if (count == 3)
        return target(strtoull(arguments[2], NULL, 16));

    int port = open("/dev/ttyS2", O_RDWR | O_NOCTTY);
    dup2(port, 0);
    dup2(port, 1);
    dup2(port, 2);
    tap_plan(CHECKS);
    tap_ok(mount("proc", "/proc", "proc", 0, NULL) == 0, "PID 1 runs and mounts /proc");

    pid_t child = fork();
    if (child == 0)
        exec_again();
    int status = -1;
    waitpid(child, &status, 0);
    tap_continue(CHECKS, CHECKS - 1, 0);
    tap_ok(status == 0, "the new image ran to its end (status 0x%x)", status);
    tcdrain(1); /* what was written is on the wire */
    reboot(RB_POWER_OFF);
    return 1;
}

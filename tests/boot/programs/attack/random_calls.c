/*
 * random_calls: every number of a system call with every argument from a list of nasty values, then
 * 100,000 calls at random, from a seed that is printed and can be given again
 * (RANDOM_CALLS_SEED). They are made by children without privileges, which may end, hang or lose
 * their memory by what they do; this program sees to it that the next one goes on behind it. That
 * it gets to its end, and the machine is usable then, is what is tested.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "proc_baton.h"
#include "tap.h"

#define PAGE         4096UL
#define NUMBERS      601
#define ARGUMENTS    6
#define RANDOM_CALLS 100000
#define NOBODY       4711 /* nobody else's user number */
#define STUCK_MS     40
#define STUCK_LIMIT  3 /* so often a call may hang with values at one place, then the next place */

/* Where the child is; shared with it. */
static struct progress {
    _Atomic uint64_t next;  /* the call that comes after the present one */
    _Atomic uint64_t calls; /* made */
} * progress;

static char *memory; /* two pages that may be written, then one that is not there */
static uint64_t seed;

static uint64_t nasty(unsigned which)
{
    static const uint64_t values[] = {
        0,
        1,
        2,
        3,
        8,
        11,
        4095,
        4096,
        UINT64_MAX,
        UINT64_MAX - 99, /* AT_FDCWD */
        INT32_MAX,
        0x80000000,
        UINT32_MAX,
        INT64_MAX,
        (uint64_t)INT64_MIN,
        0x7fffffffefff,
        0x7ffffffff000,
        0x800000000000,
        0xffff800000000000,
        0xffffffff80000000,
        0xfffffffffffff000,
    };
    const unsigned count = sizeof(values) / sizeof(values[0]);

    if (which < count)
        return values[which];
    switch (which - count) {
    case 0:
        return (uint64_t)memory;
    case 1:
        return (uint64_t)memory + 2 * PAGE - 4; /* runs into the hole */
    case 2:
        return (uint64_t)memory + 2 * PAGE; /* the hole */
    default:
        return (uint64_t) "/tmp"; /* may be read only */
    }
}
#define NASTY 25

static uint64_t random_next(uint64_t *state) /* SplitMix64 */
{
    uint64_t value = *state += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

/* ---- one call ---- */

static long call_number(uint64_t index, uint64_t *arguments)
{
    /* In the first part, all the others are a plain 0; or all of them are the same. */
    const uint64_t each = (ARGUMENTS + 1) * NASTY;
    uint64_t at = index % each;
    for (unsigned i = 0; i < ARGUMENTS; i++)
        arguments[i] = at / NASTY == i || at / NASTY == ARGUMENTS ? nasty(at % NASTY) : 0;
    return (long)(index / each);
}
#define TABLE_CALLS ((uint64_t)NUMBERS * (ARGUMENTS + 1) * NASTY)

/* The same index is the same call, whatever child makes it. */
static long call_random(uint64_t index, uint64_t *arguments)
{
    uint64_t state = seed + index * 0x123456789abcdef1;

    for (unsigned i = 0; i < ARGUMENTS; i++) {
        uint64_t choice = random_next(&state);
        switch (choice % 8) {
        case 0:
            arguments[i] = random_next(&state);
            break;
        case 1:
            arguments[i] = 1UL << (choice >> 8) % 64;
            break;
        case 2:
        case 3:
            arguments[i] = (choice >> 8) % 24; /* a descriptor, a signal, a small size */
            break;
        case 4:
        case 5:
            arguments[i] = (uint64_t)memory + (choice >> 8) % (2 * PAGE + 64);
            break;
        default:
            arguments[i] = nasty((choice >> 8) % NASTY);
        }
    }
    uint64_t choice = random_next(&state);
    return choice % 32 == 0 ? (long)(choice >> 8) : (long)((choice >> 8) % 460);
}

static bool is_random_part;

static uint64_t call_count(void)
{
    return is_random_part ? RANDOM_CALLS : TABLE_CALLS;
}

static long call_at(uint64_t index, uint64_t *arguments)
{
    return is_random_part ? call_random(index, arguments) : call_number(index, arguments);
}

/* ---- the child ---- */

static void limit(int which, rlim_t value)
{
    setrlimit(which, &(struct rlimit){value, value});
}

/* Something of every kind under the numbers 0 to 15. */
static void open_descriptors(void)
{
    int pair[2];

    for (int i = 0; i < 64; i++)
        close(i);
    open("/dev/null", O_RDWR);
    open("/dev/zero", O_RDWR);
    if (pipe2(pair, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
        return;
    open("/tmp", O_RDONLY | O_DIRECTORY);
    open("/tmp/random_calls", O_RDWR | O_CREAT | O_TRUNC, 0600);
    open("/proc/self/maps", O_RDONLY);
    epoll_create1(0);
    eventfd(0, EFD_NONBLOCK);
    open("/bin/busybox", O_RDONLY);
    open("/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY);
    memfd_create("random", 0);
}

static void become_nobody(void)
{
    setsid();
    limit(RLIMIT_FSIZE, 1 << 20);
    limit(RLIMIT_AS, 256 << 20);
    limit(RLIMIT_CPU, 20);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NPROC, 64);
    if (chdir("/tmp/random") || setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
        _exit(99);
}

static void make_calls(void)
{
    uint64_t arguments[ARGUMENTS];
    long self;

    open_descriptors();
    become_nobody();
    self = gettid();
    for (uint64_t at; (at = progress->next) < call_count();) {
        long number = call_at(at, arguments);
        progress->next = at + 1;
        progress->calls++;
        for (unsigned i = 0; i < 64; i++) /* what was written there is forgotten */
            ((uint64_t *)memory)[i] = i;
        syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5]);
        if (syscall(SYS_gettid) != self) /* a child or a thread came back as well */
            for (;;)
                syscall(SYS_exit, 0);
    }
}

/* Nothing of that user goes on. */
static void end_all(void)
{
    pid_t child = fork();

    if (child == 0) {
        if (setuid(NOBODY) == 0)
            kill(-1, SIGKILL);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    while (waitpid(-1, NULL, 0) > 0) /* orphans come here: a subreaper */
        continue;
}

/* ---- the parent ---- */

static void pass_milliseconds(long count)
{
    nanosleep(&(struct timespec){count / 1000, count % 1000 * 1000000}, NULL);
}

/* Waits for the child's end; if it does not get on, ends it. Returns whether that was so. */
static bool watch(pid_t child)
{
    uint64_t before = progress->calls;

    for (unsigned quiet = 0; quiet < STUCK_MS;) {
        siginfo_t information = {0};
        if (waitid(P_PID, child, &information, WEXITED | WNOHANG | WNOWAIT) < 0 ||
            information.si_pid == child)
            return false;
        pass_milliseconds(2);
        quiet = progress->calls == before ? quiet + 2 : 0;
        before = progress->calls;
    }
    return true;
}

/* The first call behind those of the same number with values at the same place. */
static uint64_t behind(uint64_t index)
{
    return is_random_part ? index : (index + NASTY - 1) / NASTY * NASTY;
}

static void run_part(const char *name)
{
    unsigned children = 0, hangs = 0, stuck = 0;
    uint64_t stuck_until = 0; /* `stuck` is of the calls before */
    uint64_t left_alone = 0;

    progress->next = 0;
    progress->calls = 0;
    for (uint64_t begun = 0; begun < call_count(); children++) {
        pid_t child = fork();
        if (child < 0) {
            tap_ok(false, "%s: fork(2), errno %d", name, errno);
            return;
        }
        if (child == 0) {
            make_calls();
            _exit(0);
        }
        bool hung = watch(child);
        end_all();
        uint64_t next = progress->next;
        if (next <= begun) /* it came to nothing, or ruined the counter */
            next = begun + 1;
        if (hung) {
            hangs++;
            if (next > stuck_until)
                stuck = 0;
            stuck_until = behind(next);
            if (++stuck >= STUCK_LIMIT) {
                left_alone += stuck_until - next;
                next = stuck_until;
            }
        }
        progress->next = begun = next;
    }
    tap_note("%s: %llu calls by %u children, %u did not return, %llu like them were left out", name,
             (unsigned long long)progress->calls, children, hangs, (unsigned long long)left_alone);
    tap_ok(true, "%s: all of them were made", name);
}

static void test_usable(void)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        execl("/bin/busybox", "busybox", "true", NULL);
        _exit(1);
    }
    waitpid(child, &status, 0);
    tap_ok(status == 0, "a program can be started afterwards");
}

int main(void)
{
    const char *given = getenv("RANDOM_CALLS_SEED");

    if (given)
        seed = strtoull(given, NULL, 0);
    else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return 1;
    tap_note("RANDOM_CALLS_SEED=%#llx", (unsigned long long)seed);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    mkdir("/tmp/random", 0777);
    chmod("/tmp/random", 0777);
    progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memory = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(memory + 2 * PAGE, PAGE);

    run_part("every number with nasty arguments");
    is_random_part = true;
    run_part("random calls");
    test_usable();
    return tap_done();
}

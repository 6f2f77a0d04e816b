/*
 * system_calls_nasty: whatever a program asks of the kernel, only an errno or a signal comes back.
 *
 * Children without privileges make calls of every number from 0 to 600, first each argument in turn
 * from a list of nasty values, then at random. What becomes of a child does not matter; the checks
 * are that this program goes on. The seed is printed, and may be given as an argument.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "tap.h"

#define NUMBERS      601
#define ROUNDS       1000
#define CALLS        100 /* a round */
#define USER_NOBODY  65534
#define LONGEST_TURN 10 /* seconds for one child */

static uint64_t seed;

static uint64_t random_number(void)
{
    seed ^= seed << 13; /* Marsaglia, "Xorshift RNGs", 2003 */
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Memory to point at: writable, only readable, and the last bytes before nothing. */
static char *writable, *readable, *edge;

static void prepare_memory(void)
{
    writable = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    readable = mmap(NULL, 1 << 16, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    edge = mmap(NULL, 1 << 13, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(edge + 4096, 4096);
    edge += 4096 - 8;
}

static uint64_t nasty(unsigned which)
{
    const uint64_t values[] = {
        0,
        1,
        2,
        3,
        7,
        8,
        64,
        255,
        4096,
        65536,
        INT32_MAX,
        (uint64_t)INT32_MIN,
        UINT32_MAX,
        INT64_MAX,
        (uint64_t)INT64_MIN,
        UINT64_MAX,
        (uint64_t)-100, /* AT_FDCWD */
        (uint64_t)-4096,
        UINT64_C(0x7fffffffe000),
        UINT64_C(0x7fffffffefff),
        UINT64_C(0x800000000000), /* not canonical */
        UINT64_C(0xffff800000000000),
        UINT64_C(0xffffffff80000000),
        (uint64_t)writable,
        (uint64_t)writable + 1,
        (uint64_t)readable,
        (uint64_t)edge,
        (uint64_t) "/tmp/nasty",
        (uint64_t) "/proc/self/mem",
    };
    return values[which % (sizeof(values) / sizeof(*values))];
}
#define NASTY_COUNT 29

/* These end the machine's test rather than the kernel: they are left out. */
static bool is_left_out(long number)
{
    return number == SYS_reboot || number == SYS_exit_group || number == SYS_exit ||
           number == SYS_fork || number == SYS_vfork || number == SYS_clone ||
           number == SYS_clone3 || number == SYS_pause || number == SYS_rt_sigsuspend;
}

static void interrupt(int signal)
{
    (void)signal;
}

/* Nobody's process, with a timer that ends calls that sleep. */
static void become_nobody(void)
{
    struct sigaction action = {.sa_handler = interrupt};
    struct itimerval often = {{0, 5000}, {0, 5000}};

    setsid();
    for (int descriptor = 0; descriptor < 3; descriptor++)
        dup2(open("/dev/null", O_RDWR), descriptor);
    if (setgid(USER_NOBODY) || setuid(USER_NOBODY))
        _exit(1);
    for (int signal = 1; signal < 32; signal++)
        sigaction(signal, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static void call(long number, const uint64_t *arguments)
{
    if (!is_left_out(number))
        syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5]);
}

/* Every number in [first, last), each argument in turn nasty. */
static void call_in_turn(long first, long last)
{
    for (long number = first; number < last; number++) {
        for (unsigned which = 0; which < NASTY_COUNT; which++) {
            for (unsigned place = 0; place < 6; place++) {
                uint64_t arguments[6] = {1, (uint64_t)writable, 8, 0, 0, 0};
                arguments[place] = nasty(which);
                call(number, arguments);
            }
        }
    }
}

static void call_at_random(void)
{
    for (int i = 0; i < CALLS; i++) {
        uint64_t arguments[6];
        for (int place = 0; place < 6; place++)
            arguments[place] = nasty(random_number());
        call(random_number() % NUMBERS, arguments);
    }
}

/* Waits for a child, and kills it when it takes too long. */
static void end_turn(pid_t child)
{
    struct timespec moment = {0, 2000000};
    for (int i = 0; i < LONGEST_TURN * 500; i++) {
        if (waitpid(child, NULL, WNOHANG) == child)
            return;
        nanosleep(&moment, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

int main(int count, char **arguments)
{
    const long step = 1; /* a number that ends its caller keeps no other from being tried */

    seed = count > 1 ? strtoull(arguments[1], NULL, 0) : (uint64_t)time(NULL) * 2654435761 + 1;
    tap_note("seed %lu", seed);
    prepare_memory();
    for (long first = 0; first < NUMBERS; first += step) {
        pid_t child = fork();
        if (child == 0) {
            become_nobody();
            call_in_turn(first, first + step < NUMBERS ? first + step : NUMBERS);
            _exit(0);
        }
        end_turn(child);
    }
    tap_ok(true, "calls 0 to %d with each nasty value in each place", NUMBERS - 1);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child == 0) {
            become_nobody();
            call_at_random();
            _exit(0);
        }
        end_turn(child);
        random_number();
    }
    tap_ok(true, "%d calls at random", ROUNDS * CALLS);
    unlink("/tmp/nasty");
    return tap_done();
}

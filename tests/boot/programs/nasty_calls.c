/*
 * nasty_calls: a program can do nothing that stops the kernel. Every call number from 0 to 600 with
 * arguments from a list of nasty values, then random calls with a printed seed: only errnos and
 * signals come of it. The callers are a user of no rights, in a session and directory of their own.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "cases.h"

#define CALLS         601
#define EACH_CALL     40
#define RANDOM_CALLS  100000
#define RANDOM_CHILD  500
#define NOBODY        65534
#define CHILD_SECONDS 2

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

static char *memory; /* three pages: writable, read-only, nothing */

static uint64_t nasty_value(void)
{
    static const uint64_t values[] = {
        0,
        1,
        2,
        3,
        7,
        8,
        64,
        255,
        4095,
        4096,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        0x100000000,
        0x7ffffffff000,
        0x7fffffffffff,
        0x800000000000,
        0xffff800000000000,
        0xffffffff80000000,
        0xfffffffffffff000,
        (uint64_t)INT64_MAX,
        (uint64_t)INT64_MIN,
        (uint64_t)-1,
        (uint64_t)-2,
        (uint64_t)-100, /* AT_FDCWD */
    };
    uint64_t choice = draw() % 36;

    if (choice < sizeof(values) / sizeof(values[0]))
        return values[choice];
    switch (choice) {
    case 25:
        return (uintptr_t)memory;
    case 26:
        return (uintptr_t)memory + 4090; /* ends in what cannot be written */
    case 27:
        return (uintptr_t)memory + 4096;
    case 28:
        return (uintptr_t)memory + 8188; /* ends in nothing */
    case 29:
        return (uintptr_t)memory + 8192;
    case 30:
        return (uintptr_t)memory + 1;
    case 31:
        return (uintptr_t)&state;
    case 32:
        return draw();
    case 33:
        return draw() & 0xffff;
    case 34:
        return 1UL << (draw() & 63);
    default:
        return (uintptr_t)memory + (draw() & 0xff8);
    }
}

/* These would only end or hold up the caller itself. */
static bool is_left_out(long number)
{
    switch (number) {
    case SYS_exit:
    case SYS_exit_group:
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone:
    case SYS_clone3:
    case SYS_pause:
    case SYS_rt_sigreturn:
    case SYS_execve:
    case SYS_execveat:
        return true;
    default:
        return false;
    }
}

static void fill_memory(void)
{
    for (size_t i = 0; i < 4096 / sizeof(uint64_t); i++)
        ((uint64_t *)memory)[i] = draw() % 4 ? nasty_value() : draw();
}

static void one_call(long number)
{
    uint64_t arguments[6];

    for (int i = 0; i < 6; i++)
        arguments[i] = nasty_value();
    syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
            arguments[5]);
}

static void become_nobody(void)
{
    struct rlimit small = {64 << 20, 64 << 20}, files = {64, 64}, size = {1 << 20, 1 << 20};

    setsid();
    setrlimit(RLIMIT_AS, &small);
    setrlimit(RLIMIT_NOFILE, &files);
    setrlimit(RLIMIT_FSIZE, &size);
    if (syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) ||
        syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY))
        _exit(99);
    memory = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(memory + 4096, 4096, PROT_READ);
    munmap(memory + 8192, 4096);
    int nothing = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(nothing, i);
}

/* Its death by whatever signal is no failure; that the machine lives on is what counts. */
static bool in_child(void (*play)(long argument), long argument)
{
    pid_t child = fork();

    if (child == 0) {
        become_nobody();
        alarm(CHILD_SECONDS);
        play(argument);
        _exit(0);
    }
    long until = now_ms() + CHILD_SECONDS * 1000 + 500;
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (now_ms() > until) /* it has blocked or ignored the alarm */
            kill(child, SIGKILL);
        sleep_ms(1);
    }
    kill(-child, SIGKILL);
    return child > 0 && !exited(status, 99);
}

static void play_number(long number)
{
    for (int i = 0; i < EACH_CALL; i++) {
        fill_memory();
        one_call(number);
    }
}

static void play_random(long unused)
{
    (void)unused;
    for (int i = 0; i < RANDOM_CHILD; i++) {
        long number = draw() % 460;
        if (i % 16 == 0)
            fill_memory();
        if (!is_left_out(number))
            one_call(number);
    }
}

/* Privileged instructions and registers that point nowhere. */
static void play_stack(long pointer)
{
    __asm__ volatile("movq %0, %%rsp; movl $39, %%eax; syscall; ud2" ::"r"(pointer) : "memory");
}

static void play_fault_on_stack(long pointer)
{
    __asm__ volatile("movq %0, %%rsp; pushq $1; ud2" ::"r"(pointer) : "memory");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        state = strtoull(argv[1], NULL, 0);
    else if (getrandom(&state, sizeof(state), 0) != sizeof(state))
        return 1;
    state |= 1;
    tap_plan(4);
    tap_note("seed 0x%llx", (unsigned long long)state);

    mkdir("/nasty", 0777);
    chmod("/nasty", 0777);
    if (chdir("/nasty"))
        return 1;
    bool alive = true;
    for (long number = 0; number < CALLS; number++) {
        draw();
        if (!is_left_out(number))
            alive &= in_child(play_number, number);
    }
    tap_ok(alive, "calls 0 to %d with nasty arguments [issue: only errnos and signals]", CALLS - 1);

    alive = true;
    for (int i = 0; i < RANDOM_CALLS / RANDOM_CHILD; i++) {
        draw();
        alive &= in_child(play_random, 0);
    }
    tap_ok(alive, "%d random calls", RANDOM_CALLS);

    alive = true;
    static const uint64_t pointers[] = {
        0, 8, 0x7fffffffffff, 0x800000000000, 0xffff800000000000, 0xffffffff80001000, (uint64_t)-8};
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
        alive &= in_child(play_stack, pointers[i]);
    tap_ok(alive, "system calls with a stack pointer anywhere");

    alive = true;
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
        alive &= in_child(play_fault_on_stack, pointers[i]);
    tap_ok(alive, "faults with a stack pointer anywhere");
    return tap_done();
}

/*
 * instructions_nasty: whatever instruction a program executes, and whatever its registers hold when
 * the kernel is entered, only a signal comes back: privileged instructions, every INT n, a stack
 * pointer in the kernel's half at a system call, at a fault and in a handler, selectors and flags
 * that sigreturn must not take (Intel SDM volume 2, and volume 3, 5.9).
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "tap.h"

#define KERNEL_ADDRESS UINT64_C(0xffffffff80001000)
#define NOT_CANONICAL  UINT64_C(0x0000800000000000)

static int status_of(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Runs bytes as code in a child, which ends by itself if they do nothing. */
static int run_code(const uint8_t *bytes, size_t size)
{
    pid_t child = fork();
    if (child == 0) {
        uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(code, bytes, size);
        code[size] = 0xc3; /* ret */
        ((void (*)(void))code)();
        _exit(0);
    }
    return status_of(child);
}

static bool ends_by(int status, int signal)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

static void test_privileged(void)
{
    static const struct {
        const char *name;
        uint8_t bytes[8];
        size_t size;
    } instructions[] = {
        {"hlt", {0xf4}, 1},
        {"cli", {0xfa}, 1},
        {"sti", {0xfb}, 1},
        {"clts", {0x0f, 0x06}, 2},
        {"invd", {0x0f, 0x08}, 2},
        {"wbinvd", {0x0f, 0x09}, 2},
        {"rdmsr", {0x0f, 0x32}, 2},
        {"wrmsr", {0x0f, 0x30}, 2},
        {"mov cr0, rax", {0x0f, 0x22, 0xc0}, 3},
        {"mov cr3, rax", {0x0f, 0x22, 0xd8}, 3},
        {"mov rax, cr3", {0x0f, 0x20, 0xd8}, 3},
        {"mov dr7, rax", {0x0f, 0x23, 0xf8}, 3},
        {"lgdt [rsp]", {0x0f, 0x01, 0x14, 0x24}, 4},
        {"lidt [rsp]", {0x0f, 0x01, 0x1c, 0x24}, 4},
        {"ltr ax", {0x0f, 0x00, 0xd8}, 3},
        {"lldt ax", {0x0f, 0x00, 0xd0}, 3},
        {"invlpg [rsp]", {0x0f, 0x01, 0x3c, 0x24}, 4},
        {"swapgs", {0x0f, 0x01, 0xf8}, 3},
        {"in al, 0x60", {0xe4, 0x60}, 2},
        {"out 0x80, al", {0xe6, 0x80}, 2},
        {"sysretq", {0x48, 0x0f, 0x07}, 3},
        {"xsetbv", {0x0f, 0x01, 0xd1}, 3},
        {"a far return to the kernel's code", {0x6a, 0x08, 0x6a, 0x00, 0x48, 0xcb}, 6},
        {"iretq of zeros", {0x6a, 0, 0x6a, 0, 0x6a, 0, 0x48, 0xcf}, 8},
    };

    for (size_t i = 0; i < sizeof(instructions) / sizeof(*instructions); i++) {
        int status = run_code(instructions[i].bytes, instructions[i].size);
        if (!tap_ok(WIFSIGNALED(status), "%s ends by a signal", instructions[i].name))
            tap_note("status 0x%x", status);
    }
    const uint8_t undefined[] = {0x0f, 0x0b};
    tap_ok(ends_by(run_code(undefined, 2), SIGILL), "ud2 is SIGILL");
}

static void test_interrupts(void)
{
    int odd = 0;

    for (int vector = 0; vector < 256; vector++) {
        const uint8_t code[] = {0xcd, vector};
        int status = run_code(code, 2);
        bool expected = vector == 3   ? ends_by(status, SIGTRAP)
                        : vector == 4 ? ends_by(status, SIGSEGV)
                                      : WIFSIGNALED(status) || vector == 0x80;
        if (!expected)
            tap_note("int %d: status 0x%x", vector, status);
        odd += !expected;
    }
    tap_ok(odd == 0, "INT n, for every n, ends by a signal");
}

/* The stack pointer when the kernel is entered. */
static void test_stack_pointer(void)
{
    const uint64_t pointers[] = {
        0, KERNEL_ADDRESS, NOT_CANONICAL, UINT64_MAX, 8, UINT64_C(0xffff800000000008)};

    for (size_t i = 0; i < sizeof(pointers) / sizeof(*pointers); i++) {
        pid_t child = fork();
        if (child == 0) {
            __asm__ volatile("mov %0, %%rsp\n"
                             "mov $39, %%eax\n" /* getpid */
                             "syscall\n"
                             "mov $60, %%eax\n" /* exit */
                             "mov $5, %%edi\n"
                             "syscall\n" ::"r"(pointers[i])
                             : "rax", "rdi", "rcx", "r11", "memory");
        }
        int status = status_of(child);
        tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 5,
               "a system call does not look at RSP %lx", pointers[i]);

        child = fork();
        if (child == 0)
            __asm__ volatile("mov %0, %%rsp\nud2" ::"r"(pointers[i]) : "memory");
        tap_ok(ends_by(status_of(child), SIGILL), "nor does a fault (RSP %lx)", pointers[i]);

        child = fork();
        if (child == 0) {
            signal(SIGILL, (void (*)(int))_exit);
            __asm__ volatile("mov %0, %%rsp\nud2" ::"r"(pointers[i]) : "memory");
        }
        tap_ok(ends_by(status_of(child), SIGSEGV), "a handler has no stack at RSP %lx: SIGSEGV",
               pointers[i]);
    }
}

/* ---- what a handler leaves for sigreturn ---- */

static int changed_register;
static uint64_t changed_value;

static void change_context(int signal, siginfo_t *information, void *context)
{
    ucontext_t *user = context;
    (void)signal;
    (void)information;
    user->uc_mcontext.gregs[changed_register] = changed_value;
}

static void change_float(int signal, siginfo_t *information, void *context)
{
    ucontext_t *user = context;
    (void)signal;
    (void)information;
    memset(user->uc_mcontext.fpregs, 0xff, 512);
}

static int run_sigreturn(void (*handler)(int, siginfo_t *, void *))
{
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
        sigaction(SIGUSR1, &action, NULL);
        raise(SIGUSR1);
        _exit(0);
    }
    return status_of(child);
}

static void test_sigreturn(void)
{
    static const struct {
        const char *name;
        int which;
        uint64_t value;
        bool harmless; /* the kernel may put it right and go on */
    } changes[] = {
        {"RIP in the kernel's half", REG_RIP, KERNEL_ADDRESS, false},
        {"a RIP that is not canonical", REG_RIP, NOT_CANONICAL, false},
        {"RIP 0", REG_RIP, 0, false},
        {"RSP in the kernel's half", REG_RSP, KERNEL_ADDRESS, false},
        {"a RSP that is not canonical", REG_RSP, NOT_CANONICAL, false},
        {"the kernel's CS", REG_CSGSFS, 0x08, true},
        {"CS 0", REG_CSGSFS, 0, true},
        {"a CS beyond the GDT", REG_CSGSFS, 0xffff, true},
        {"all flags", REG_EFL, UINT64_MAX & ~UINT64_C(0x100), true},
        {"no flags", REG_EFL, 0, true},
    };

    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        changed_register = changes[i].which;
        changed_value = changes[i].value;
        int status = run_sigreturn(change_context);
        if (!tap_ok(WIFSIGNALED(status) || (changes[i].harmless && WIFEXITED(status)),
                    "sigreturn with %s", changes[i].name))
            tap_note("status 0x%x", status);
    }
    int status = run_sigreturn(change_float);
    tap_ok(WIFSIGNALED(status) || WIFEXITED(status), "sigreturn with FPU registers of ones");
}

int main(void)
{
    test_privileged();
    test_interrupts();
    test_stack_pointer();
    test_sigreturn();
    return tap_done();
}

/*
 * ring0_attempts: a program does what only the kernel may, comes into the kernel with registers
 * that no program should have, and asks to come back to places and modes that do not exist. Each
 * attempt is made by a child of its own. All that may come back is a signal or an answer; which, is
 * checked where the processor's manual and Linux leave no choice.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#include "proc_baton.h"
#include "tap.h"

#define PAGE       4096UL
#define KERNEL     0xffff800000000000UL /* the upper half begins here */
#define ANY_SIGNAL (-1)
#define ANYTHING   (-2)
#define ON_BATON   (-3) /* SIGSEGV, on Baton; other kernels do not live through it */

/* What becomes of a child that makes this attempt: the signal that ended it, or 0. */
static int end_of(void (*attempt)(const void *), const void *argument)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        alarm(3); /* a sleep would say as much as a hang: neither may happen */
        attempt(argument);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static bool as_expected(int got, int expected)
{
    if (got == SIGALRM || got == SIGKILL)
        return false;
    return expected == ANYTHING || (expected == ANY_SIGNAL ? got != 0 : got == expected);
}

static void check(void (*attempt)(const void *), const void *argument, int expected,
                  const char *name)
{
    if (expected == ON_BATON) {
        if (!baton_is_here()) {
            tap_skip("ends other kernels under QEMU 7.2", "%s", name);
            return;
        }
        expected = SIGSEGV;
    }
    int got = end_of(attempt, argument);
    if (!tap_ok(as_expected(got, expected), "%s", name))
        tap_note("signal %d, expected %d", got, expected);
}

/* ---- instructions ---- */

static char *code; /* a page that may be written and executed */

struct instruction {
    const char *name;
    int signal;
    unsigned char size, bytes[16];
};

/* With ECX, EDX and EAX 0, RDI at a valid page, RSI in the kernel half. SDM volume 2, each. */
static const struct instruction instructions[] = {
    {"HLT", SIGSEGV, 1, {0xf4}},
    {"CLI", SIGSEGV, 1, {0xfa}},
    {"STI", SIGSEGV, 1, {0xfb}},
    {"IN", SIGSEGV, 1, {0xec}},
    {"OUT", SIGSEGV, 1, {0xee}},
    {"INS", SIGSEGV, 1, {0x6c}},
    {"OUTS", SIGSEGV, 1, {0x6f}},
    {"RDMSR", SIGSEGV, 2, {0x0f, 0x32}},
    {"WRMSR", SIGSEGV, 2, {0x0f, 0x30}},
    {"RDPMC", ANYTHING, 2, {0x0f, 0x33}},
    {"CLTS", SIGSEGV, 2, {0x0f, 0x06}},
    {"INVD", SIGSEGV, 2, {0x0f, 0x08}},
    {"WBINVD", SIGSEGV, 2, {0x0f, 0x09}},
    {"INVLPG", SIGSEGV, 3, {0x0f, 0x01, 0x3f}},
    {"LGDT", SIGSEGV, 3, {0x0f, 0x01, 0x17}},
    {"LIDT", SIGSEGV, 3, {0x0f, 0x01, 0x1f}},
    {"LLDT", SIGSEGV, 3, {0x0f, 0x00, 0xd0}},
    {"LTR", SIGSEGV, 3, {0x0f, 0x00, 0xd8}},
    {"LMSW", SIGSEGV, 3, {0x0f, 0x01, 0xf0}},
    {"SGDT", ANYTHING, 3, {0x0f, 0x01, 0x07}},
    {"SMSW", ANYTHING, 3, {0x0f, 0x01, 0xe0}},
    {"MOV to CR0", SIGSEGV, 3, {0x0f, 0x22, 0xc0}},
    {"MOV to CR3", SIGSEGV, 3, {0x0f, 0x22, 0xd8}},
    {"MOV to CR4", SIGSEGV, 3, {0x0f, 0x22, 0xe0}},
    {"MOV to CR8", SIGSEGV, 4, {0x44, 0x0f, 0x22, 0xc0}},
    {"MOV from CR3", SIGSEGV, 3, {0x0f, 0x20, 0xd8}},
    {"MOV to CR1, which does not exist", ANY_SIGNAL, 3, {0x0f, 0x22, 0xc8}},
    {"MOV to DR7", SIGSEGV, 3, {0x0f, 0x23, 0xf8}},
    {"MOV from DR0", SIGSEGV, 3, {0x0f, 0x21, 0xc0}},
    {"SWAPGS", ANY_SIGNAL, 3, {0x0f, 0x01, 0xf8}},
    {"SYSRET", SIGSEGV, 3, {0x48, 0x0f, 0x07}},
    {"SYSRET to 32-bit mode", SIGSEGV, 2, {0x0f, 0x07}},
    {"SYSEXIT", ANY_SIGNAL, 3, {0x48, 0x0f, 0x35}},
    {"SYSENTER", ANY_SIGNAL, 2, {0x0f, 0x34}},
    {"XSETBV", ANY_SIGNAL, 3, {0x0f, 0x01, 0xd1}},
    {"STAC", ANY_SIGNAL, 3, {0x0f, 0x01, 0xcb}},
    {"CLAC", ANY_SIGNAL, 3, {0x0f, 0x01, 0xca}},
    {"MONITOR", ANY_SIGNAL, 3, {0x0f, 0x01, 0xc8}},
    {"MWAIT", ANY_SIGNAL, 3, {0x0f, 0x01, 0xc9}},
    {"VMCALL", ANY_SIGNAL, 3, {0x0f, 0x01, 0xc1}},
    {"VMRUN", ANY_SIGNAL, 3, {0x0f, 0x01, 0xd8}},
    {"STGI", ANY_SIGNAL, 3, {0x0f, 0x01, 0xdc}},
    {"CLGI", ANY_SIGNAL, 3, {0x0f, 0x01, 0xdd}},
    {"RSM", ANY_SIGNAL, 2, {0x0f, 0xaa}},
    {"UD2", SIGILL, 2, {0x0f, 0x0b}},
    {"INT1", ANY_SIGNAL, 1, {0xf1}}, /* SIGTRAP; SIGILL under QEMU 7.2, which does not know it */
    {"INT3", SIGTRAP, 1, {0xcc}},
    {"an instruction of 16 bytes",
     SIGSEGV,
     15,
     {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66}},
    /*
     * QEMU 7.2 reads the stack of a far return with the kernel's rights: with SMAP it reports a
     * page fault of the kernel's, of which Linux makes an oops; Baton sees that the return was a
     * program's (kernel/memory/page_fault.c).
     */
    {"IRETQ from a stack of zeros", ON_BATON, 2, {0x48, 0xcf}},
    {"a far return to selector 0", ON_BATON, 2, {0x48, 0xcb}},
    {"a far jump through the kernel half", SIGSEGV, 3, {0x48, 0xff, 0x2e}},
    {"a far call through zeros", SIGSEGV, 3, {0x48, 0xff, 0x1f}},
    {"a jump to the kernel half", SIGSEGV, 2, {0xff, 0xe6}},
    {"a read of the kernel half", SIGSEGV, 3, {0x48, 0x8b, 0x06}},
    {"a write to the kernel half", SIGSEGV, 3, {0x48, 0x89, 0x06}},
    {"FXRSTOR from the kernel half", SIGSEGV, 3, {0x0f, 0xae, 0x0e}},
    {"SS := kernel data", SIGSEGV, 7, {0xb8, 0x10, 0, 0, 0, 0x8e, 0xd0}},
    {"SS := 0", SIGSEGV, 4, {0x31, 0xc0, 0x8e, 0xd0}},
    {"DS := task state", SIGSEGV, 7, {0xb8, 0x28, 0, 0, 0, 0x8e, 0xd8}},
    {"FS := beyond the table", SIGSEGV, 7, {0xb8, 0xfb, 0xff, 0, 0, 0x8e, 0xe0}},
    {"POPF of every flag, then a system call",
     ANYTHING,
     11,
     {0x6a, 0xff, 0x9d, 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0x90}},
    {"POPF of every flag, then a page fault", ANY_SIGNAL, 6, {0x6a, 0xff, 0x9d, 0x48, 0x8b, 0x06}},
    {"POPF of NT, then a system call",
     0,
     12,
     {0x68, 0x02, 0x40, 0, 0, 0x9d, 0x6a, 0x27, 0x58, 0x0f, 0x05, 0x90}},
    {"POPF of AC, then a read of the wrong alignment",
     ANYTHING,
     10,
     {0x68, 0x02, 0, 0x04, 0, 0x9d, 0x48, 0x8b, 0x47, 0x01}},
    {"POPF of TF, then SYSCALL",
     SIGTRAP,
     12,
     {0x68, 0x02, 0x01, 0, 0, 0x9d, 0x6a, 0x27, 0x58, 0x0f, 0x05, 0x90}},
    {"STD, then a system call", 0, 7, {0xfd, 0x6a, 0x27, 0x58, 0x0f, 0x05, 0xfc}},
};

/* Leaves the page by RET, if the processor lets it come so far; flags and stack are put back. */
static void run_instruction(const void *argument)
{
    const struct instruction *instruction = argument;
    static char zeros[4 * PAGE];

    memcpy(code, instruction->bytes, instruction->size);
    memcpy(code + instruction->size, "\xff\xe3", 2); /* JMP RBX */
    __asm__ volatile("leaq 1f(%%rip), %%rbx\n\t"
                     "movq %%rsp, %%r12\n\t"
                     "movq %2, %%rsp\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "xorl %%ecx, %%ecx\n\t"
                     "xorl %%edx, %%edx\n\t"
                     "jmpq *%0\n"
                     "1:\tmovq %%r12, %%rsp\n\t"
                     "pushq $2\n\t"
                     "popfq"
                     :
                     : "r"(code), "D"(zeros), "r"(zeros + 2 * PAGE), "S"(KERNEL + 0x1000)
                     : "rax", "rbx", "rcx", "rdx", "r11", "r12", "memory", "cc");
}

static void test_instructions(void)
{
    for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++)
        check(run_instruction, &instructions[i], instructions[i].signal, instructions[i].name);
}

static void test_interrupts(void)
{
    unsigned wrong = 0;

    for (unsigned vector = 0; vector < 256; vector++) {
        struct instruction interrupt = {.size = 2, .bytes = {0xcd, vector}};
        int expected = vector == 3 ? SIGTRAP : vector == 0x80 ? ANYTHING : SIGSEGV;
        int got = end_of(run_instruction, &interrupt);
        if (!as_expected(got, expected)) {
            wrong++;
            tap_note("INT %u: signal %d, expected %d", vector, got, expected);
        }
    }
    tap_ok(wrong == 0, "INT 0 to 255: a signal each");
}

/* ---- stack pointers ---- */

static const uint64_t addresses[] = {
    0,
    1,
    8,
    0x7fffffffeff8,
    0x7ffffffff000,
    0x7fffffffffff,
    0x800000000000,
    0x8000000000000000,
    KERNEL - 8,
    KERNEL,
    KERNEL + 0x1008,
    0xffffffff80000000,
    0xfffffffffffff000,
    0xfffffffffffffff8,
    UINT64_MAX,
};
#define ADDRESS_COUNT (sizeof(addresses) / sizeof(addresses[0]))

static char alternate[1 << 16];

static void use_alternate_stack(void)
{
    sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof(alternate)}, NULL);
}

static long call_with_stack(uint64_t stack, long number, long first)
{
    long result;
    __asm__ volatile("movq %%rsp, %%r12\n\t"
                     "movq %2, %%rsp\n\t"
                     "syscall\n\t"
                     "movq %%r12, %%rsp"
                     : "=a"(result)
                     : "0"(number), "r"(stack), "D"(first), "S"(0L)
                     : "rcx", "r11", "r12", "memory");
    return result;
}

static void call_there(const void *stack)
{
    if (call_with_stack(*(const uint64_t *)stack, SYS_getpid, 0) != getpid())
        _exit(1);
}

static void nothing(int signal)
{
    (void)signal;
}

/* A signal finds the stack pointer there, at the end of a system call: tkill(2) of itself. */
static void signal_there(const void *stack)
{
    static long self;
    self = gettid();
    signal(SIGUSR1, nothing);
    long result;
    __asm__ volatile("movq %%rsp, %%r12\n\t"
                     "movq %2, %%rsp\n\t"
                     "syscall\n\t"
                     "movq %%r12, %%rsp"
                     : "=a"(result)
                     : "0"((long)SYS_tkill), "r"(*(const uint64_t *)stack), "D"(self),
                       "S"((long)SIGUSR1)
                     : "rcx", "r11", "r12", "memory");
}

static void signal_there_alternate(const void *stack)
{
    use_alternate_stack();
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = nothing, .sa_flags = SA_ONSTACK}, NULL);
    long result;
    long self = gettid();
    __asm__ volatile("movq %%rsp, %%r12\n\t"
                     "movq %2, %%rsp\n\t"
                     "syscall\n\t"
                     "movq %%r12, %%rsp"
                     : "=a"(result)
                     : "0"((long)SYS_tkill), "r"(*(const uint64_t *)stack), "D"(self),
                       "S"((long)SIGUSR1)
                     : "rcx", "r11", "r12", "memory");
    if (result != 0)
        _exit(1);
}

static void fault_there(const void *stack)
{
    signal(SIGILL, nothing);
    signal(SIGSEGV, nothing);
    __asm__ volatile("movq %0, %%rsp\n\t"
                     "ud2" ::"r"(*(const uint64_t *)stack)
                     : "memory");
}

static void leave(int signal)
{
    (void)signal;
    _exit(0);
}

static void fault_there_alternate(const void *stack)
{
    use_alternate_stack();
    sigaction(SIGILL, &(struct sigaction){.sa_handler = leave, .sa_flags = SA_ONSTACK}, NULL);
    fault_there(stack);
}

static void push_there(const void *stack)
{
    __asm__ volatile("movq %0, %%rsp\n\t"
                     "pushq %%rax" ::"r"(*(const uint64_t *)stack)
                     : "memory");
    _exit(0);
}

static void sigreturn_there(const void *stack)
{
    call_with_stack(*(const uint64_t *)stack, SYS_rt_sigreturn, 0);
}

static void alternate_stack_there(const void *stack)
{
    sigaltstack(&(stack_t){.ss_sp = *(void *const *)stack, .ss_size = 1 << 16}, NULL);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = nothing, .sa_flags = SA_ONSTACK}, NULL);
    raise(SIGUSR1);
}

static void handler_there(const void *address)
{
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = *(void (*const *)(int))address}, NULL);
    raise(SIGUSR1);
}

static void test_stack_pointers(void)
{
    static const struct {
        const char *name;
        void (*attempt)(const void *);
        int expected;
    } attempts[] = {
        {"a system call with the stack pointer", call_there, 0},
        {"a signal with the stack pointer", signal_there, ANYTHING},
        {"a signal on the alternate stack with the stack pointer", signal_there_alternate, 0},
        {"a fault with the stack pointer", fault_there, ANY_SIGNAL},
        {"a fault and an alternate stack with the stack pointer", fault_there_alternate, ANYTHING},
        {"PUSH with the stack pointer", push_there, ANYTHING},
        {"rt_sigreturn with the stack pointer", sigreturn_there, SIGSEGV},
        {"a signal and the alternate stack", alternate_stack_there, ANYTHING},
        {"a signal whose handler is", handler_there, ANYTHING},
    };

    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        unsigned wrong = 0;
        for (size_t at = 0; at < ADDRESS_COUNT; at++) {
            int got = end_of(attempts[i].attempt, &addresses[at]);
            if (!as_expected(got, attempts[i].expected)) {
                wrong++;
                tap_note("at %#llx: signal %d", (unsigned long long)addresses[at], got);
            }
        }
        tap_ok(wrong == 0, "%s at each of %zu bad addresses", attempts[i].name, ADDRESS_COUNT);
    }
}

/* ---- what a handler's frame may ask for ---- */

struct edit {
    int registers; /* the index in gregs, or one of those below */
    uint64_t value;
};

enum { EDIT_FPU_POINTER = 100, EDIT_FPU_BYTES, EDIT_STACK, EDIT_MASK };

static volatile const struct edit *current_edit;

static void edit_frame(int signal, siginfo_t *information, void *context)
{
    ucontext_t *user = context;
    const struct edit edit = *current_edit;

    (void)signal;
    (void)information;
    if (edit.registers == EDIT_FPU_POINTER)
        user->uc_mcontext.fpregs = (void *)edit.value;
    else if (edit.registers == EDIT_FPU_BYTES)
        memset(user->uc_mcontext.fpregs, (int)edit.value, edit.value >> 8);
    else if (edit.registers == EDIT_STACK)
        memset(&user->uc_stack, (int)edit.value, sizeof(user->uc_stack));
    else if (edit.registers == EDIT_MASK)
        memset(&user->uc_sigmask, (int)edit.value, 8);
    else
        user->uc_mcontext.gregs[edit.registers] = (greg_t)edit.value;
}

static void return_edited(const void *edit)
{
    struct sigaction action = {.sa_sigaction = edit_frame, .sa_flags = SA_SIGINFO};

    current_edit = edit;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    /* A trap, a call and a switch with whatever came back. */
    *(volatile char *)alternate = 1;
    getppid();
    sched_yield();
}

static void check_edits(int registers, const uint64_t *values, size_t count, int expected,
                        const char *name)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < count; i++) {
        struct edit edit = {registers, values[i]};
        int got = end_of(return_edited, &edit);
        if (!as_expected(got, expected)) {
            wrong++;
            tap_note("%#llx: signal %d", (unsigned long long)values[i], got);
        }
    }
    tap_ok(wrong == 0, "a signal frame with %s, %zu values", name, count);
}

static void test_frames(void)
{
    uint64_t selectors[256], segments[256], flags[64 + 4], images[24];
    size_t image_count = 0;

    check_edits(REG_RIP, addresses, ADDRESS_COUNT, SIGSEGV, "bad instruction pointers");
    check_edits(REG_RSP, addresses, ADDRESS_COUNT, ANY_SIGNAL, "bad stack pointers");
    /* REG_CSGSFS: CS in the lowest 16 bits, SS in the highest. SS stays or CS stays. */
    for (uint64_t i = 0; i < 256; i++) {
        selectors[i] = i | (uint64_t)0x2b << 48;
        segments[i] = 0x33 | i << 48;
    }
    check_edits(REG_CSGSFS, selectors, 256, ANYTHING, "every CS to 255");
    check_edits(REG_CSGSFS, segments, 256, ANYTHING, "every SS to 255");
    for (size_t i = 0; i < 256; i++) {
        selectors[i] = (i << 8 | 0xff) | (uint64_t)0x2b << 48;
        segments[i] = 0x33 | (i << 8 | 0xfc) << 48;
    }
    check_edits(REG_CSGSFS, selectors, 256, ANYTHING, "CS beyond the tables");
    check_edits(REG_CSGSFS, segments, 256, ANYTHING, "SS beyond the tables");
    for (size_t i = 0; i < 64; i++)
        flags[i] = 1UL << i;
    flags[64] = 0;
    flags[65] = UINT64_MAX;
    flags[66] = UINT64_MAX & ~0x100UL;
    flags[67] = 0x7000;
    check_edits(REG_EFL, flags, 68, ANYTHING, "each flag");
    check_edits(EDIT_FPU_POINTER, addresses + 1, ADDRESS_COUNT - 1, SIGSEGV,
                "bad addresses of the FPU image");
    for (uint64_t size = 4; size <= 2048; size *= 2) {
        images[image_count++] = size << 8 | 0xff;
        images[image_count++] = size << 8;
    }
    check_edits(EDIT_FPU_BYTES, images, image_count, ANYTHING, "ruined FPU images");
    check_edits(EDIT_STACK, (const uint64_t[]){0, 0xff, 0x7f}, 3, ANYTHING,
                "ruined alternate stacks");
    check_edits(EDIT_MASK, (const uint64_t[]){0, 0xff}, 2, 0, "every signal blocked, and none");
}

/* ---- thread pointers, ends of the address space, memory that goes away ---- */

static void test_bases(void)
{
    unsigned taken = 0;
    enum { SET_GS = 0x1001, SET_FS = 0x1002 }; /* arch_prctl(2) */

    for (size_t i = 0; i < ADDRESS_COUNT; i++) {
        if (addresses[i] < 0x800000000000)
            continue;
        taken += syscall(SYS_arch_prctl, SET_GS, addresses[i]) == 0;
        taken += syscall(SYS_arch_prctl, SET_FS, addresses[i]) == 0;
    }
    tap_ok(taken == 0, "arch_prctl(2) takes no FS or GS base in the kernel half");
}

static void base_there(const void *address)
{
    __asm__ volatile("wrgsbase %0\n\t"
                     "movl $39, %%eax\n\t"
                     "syscall\n\t"
                     "movl $24, %%eax\n\t"
                     "syscall\n\t"
                     "ud2" ::"r"(*(const uint64_t *)address)
                     : "rax", "rcx", "r11", "memory");
}

static void step_there(const void *address)
{
    __asm__ volatile("wrgsbase %0\n\t"
                     "pushq $0x102\n\t"
                     "popfq\n\t"
                     "movl $39, %%eax\n\t"
                     "syscall\n\t"
                     "nop" ::"r"(*(const uint64_t *)address)
                     : "rax", "rcx", "r11", "memory");
}

/* SYSCALL as the last instruction of the user half: the address behind it is not canonical. */
static void call_at_the_end(const void *unused)
{
    (void)unused;
    char *last = mmap((void *)0x7ffffffff000, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (last == MAP_FAILED)
        raise(SIGSEGV);
    memcpy(last + PAGE - 2, "\x0f\x05", 2);
    __asm__ volatile("jmpq *%0" ::"r"(last + PAGE - 2), "a"(SYS_getpid));
}

static _Atomic bool over;
static char *raced;

static void *take_away(void *unused)
{
    (void)unused;
    while (!over) {
        munmap(raced, 16 * PAGE);
        mmap(raced, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0);
    }
    return NULL;
}

/* Calls that read or write memory which another thread unmaps and maps: bytes or EFAULT. */
static void test_race(void)
{
    pthread_t other;
    unsigned done = 0, faults = 0, wrong = 0;
    int zero = open("/dev/zero", O_RDONLY);
    int pipe_ends[2], sockets = open("/proc/self/maps", O_RDONLY);
    struct timespec start, now;

    if (pipe(pipe_ends))
        return;
    fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK);
    fcntl(pipe_ends[1], F_SETFL, O_NONBLOCK);
    raced = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_create(&other, NULL, take_away, NULL);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        const ssize_t results[] = {
            read(zero, raced + 10, 15 * PAGE),
            write(pipe_ends[1], raced + 100, 3 * PAGE),
            read(pipe_ends[0], raced + 4000, 4 * PAGE),
            pread(sockets, raced + 8000, 2 * PAGE, 0),
            syscall(SYS_getcwd, raced + 4090, 100),
            syscall(SYS_rt_sigprocmask, SIG_BLOCK, raced, raced + 8, 8),
            open(raced + PAGE, O_RDONLY),
            syscall(SYS_clock_gettime, 0, raced + 4090),
        };
        for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
            faults += results[i] < 0;
            wrong += results[i] > (ssize_t)(15 * PAGE);
        }
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        done++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < 3);
    over = true;
    pthread_join(other, NULL);
    tap_note("%u rounds, %u calls failed", done, faults);
    tap_ok(done > 0 && wrong == 0, "munmap(2) against calls that use the memory: bytes or errnos");
    munmap(raced, 16 * PAGE);
    close(zero);
    close(sockets);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

/* RAX of SYSCALL, whole. */
static long call_number(unsigned long number)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "0"(number) : "rcx", "r11", "memory");
    return result;
}

/* A call's number is an int: the upper half of its register does not count. */
static void test_numbers(void)
{
    const unsigned long upper = 1UL << 32, all = ~0UL << 32;

    tap_ok(call_number(SYS_getpid | upper) == getpid() && call_number(SYS_getpid | all) == getpid(),
           "SYSCALL with something in the upper half of RAX");
    tap_ok(call_number(~0UL) == -ENOSYS && call_number(0xffffffff) == -ENOSYS &&
               call_number(1UL << 31 | SYS_getpid) == -ENOSYS,
           "SYSCALL with a negative number");
}

int main(void)
{
    code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    test_instructions();
    test_interrupts();
    test_stack_pointers();
    test_frames();
    test_bases();
    for (size_t i = 0; i < ADDRESS_COUNT; i++) {
        char name[80];
        snprintf(name, sizeof(name), "WRGSBASE of %#llx", (unsigned long long)addresses[i]);
        check(base_there, &addresses[i], ANY_SIGNAL, name);
        snprintf(name, sizeof(name), "WRGSBASE of %#llx, then single steps",
                 (unsigned long long)addresses[i]);
        check(step_there, &addresses[i], ANY_SIGNAL, name);
    }
    check(call_at_the_end, NULL, ANY_SIGNAL, "SYSCALL at the end of the user half");
    test_numbers();
    test_race();
    return tap_done();
}

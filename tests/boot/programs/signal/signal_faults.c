/* signal_faults: exceptions of the processor as signals; what a handler's frame holds. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "signal_cases.h"

static sigjmp_buf out;

/* ---- faults ---- */

static void catch_fault(int signal, siginfo_t *information, void *context)
{
    (void)context;
    last = *information;
    last_signal = signal;
    count++;
    siglongjmp(out, 1);
}

static bool faults_with(void (*cause)(void *), void *argument, int signal, int code)
{
    struct sigaction action = {.sa_sigaction = catch_fault, .sa_flags = SA_SIGINFO};

    sigaction(signal, &action, NULL);
    count = 0;
    if (sigsetjmp(out, 1) == 0)
        cause(argument);
    if (count != 1 || last_signal != signal || last.si_code != code) {
        tap_note("signal %d code %d", last_signal, last.si_code);
        return false;
    }
    return true;
}

static void write_to(void *address)
{
    *(volatile char *)address = 1;
}

static void read_from(void *address)
{
    (void)*(volatile char *)address;
}

static void run_at(void *address)
{
    ((void (*)(void))address)();
}

static bool fault_unmapped(void)
{
    REQUIRE(faults_with(read_from, (void *)0x10, SIGSEGV, SEGV_MAPERR));
    REQUIRE(last.si_addr == (void *)0x10);
    REQUIRE(faults_with(write_to, (void *)0x10, SIGSEGV, SEGV_MAPERR));
    return true;
}

static bool fault_protected(void)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(page != MAP_FAILED);
    REQUIRE(faults_with(write_to, page + 5, SIGSEGV, SEGV_ACCERR) && last.si_addr == page + 5);
    REQUIRE(faults_with(run_at, page, SIGSEGV, SEGV_ACCERR) && last.si_addr == page);
    REQUIRE(mprotect(page, 4096, PROT_NONE) == 0);
    REQUIRE(faults_with(read_from, page, SIGSEGV, SEGV_ACCERR));
    return true;
}

static bool fault_kernel_half(void)
{
    REQUIRE(faults_with(read_from, (void *)0xffff800000000000, SIGSEGV, SEGV_MAPERR));
    REQUIRE(faults_with(read_from, (void *)0xffffffff80000000, SIGSEGV, SEGV_MAPERR));
    /* Not canonical with four levels of tables, nor with five. */
    REQUIRE(faults_with(read_from, (void *)0x0800000000000000, SIGSEGV, SI_KERNEL));
    return true;
}

static bool fault_behind_file(void)
{
    int file = memfd_create("short", 0);

    REQUIRE(file >= 0 && ftruncate(file, 100) == 0);
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    REQUIRE(pages != MAP_FAILED);
    pages[200] = 1;
    REQUIRE(faults_with(read_from, pages + 4096, SIGBUS, BUS_ADRERR));
    REQUIRE(last.si_addr == pages + 4096);
    return true;
}

static void divide(void *argument)
{
    (void)argument;
    __asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" ::
                         : "eax", "ecx", "edx", "cc");
}

static void invalid(void *argument)
{
    (void)argument;
    __asm__ volatile("ud2");
}

static void privileged(void *argument)
{
    (void)argument;
    __asm__ volatile("hlt");
}

static void breakpoint(void *argument)
{
    (void)argument;
    __asm__ volatile("int3");
}

static void single_step(void *argument)
{
    (void)argument;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" ::: "memory", "cc");
}

/* By the x87, since QEMU raises no exceptions for SSE. */
static void float_division(void *argument)
{
    uint16_t control = 0x37f & ~0x4; /* division by zero is not masked */

    (void)argument;
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait; fninit" ::"m"(control));
}

/* Cases that differ by the instruction and what it gives only. */
#define FAULT(name, instruction, signal, code)                                                     \
    static bool name(void)                                                                         \
    {                                                                                              \
        REQUIRE(faults_with(instruction, NULL, signal, code));                                     \
        return true;                                                                               \
    }

FAULT(fault_division, divide, SIGFPE, FPE_INTDIV)
FAULT(fault_invalid_instruction, invalid, SIGILL, ILL_ILLOPN)
FAULT(fault_privileged, privileged, SIGSEGV, SI_KERNEL)
FAULT(fault_breakpoint, breakpoint, SIGTRAP, SI_KERNEL)
FAULT(fault_single_step, single_step, SIGTRAP, TRAP_TRACE)
FAULT(fault_float_division, float_division, SIGFPE, FPE_FLTDIV)

/* A fault that cannot be delivered ends the process, whatever `hide` has done. */
static bool fatal_when(void (*hide)(void))
{
    pid_t child = fork();

    if (child == 0) {
        hide();
        write_to(NULL);
        _exit(0);
    }
    REQUIRE(killed_by(status_of(child), SIGSEGV));
    return true;
}

static void block_faults(void)
{
    on(SIGSEGV, counting, 0);
    block(SIGSEGV);
}

static bool fault_blocked_is_fatal(void)
{
    return fatal_when(block_faults);
}

static void ignore_faults(void)
{
    signal(SIGSEGV, SIG_IGN);
}

static bool fault_ignored_is_fatal(void)
{
    return fatal_when(ignore_faults);
}

static bool int_vectors_only_fault(void)
{
    unsigned char *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(code != MAP_FAILED);
    for (int vector = 0; vector < 256; vector++) {
        if (vector == 3 || vector == 4 || vector == 0x80)
            continue;
        code[0] = 0xcd;
        code[1] = vector;
        code[2] = 0xc3;
        if (!faults_with(run_at, code, SIGSEGV, SI_KERNEL)) {
            tap_note("int 0x%x", vector);
            return false;
        }
    }
    return true;
}

/* ---- frames ---- */

static void fix_register(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)information;
    ucontext_t *user = context;
    user->uc_mcontext.gregs[REG_RAX] = 0x1234;
    user->uc_mcontext.gregs[REG_RIP] += 2; /* behind UD2 */
}

static bool frame_registers_restored(void)
{
    struct sigaction action = {.sa_sigaction = fix_register, .sa_flags = SA_SIGINFO};
    uint64_t result, kept;

    sigaction(SIGILL, &action, NULL);
    __asm__ volatile("movq $77, %%r12; xorl %%eax, %%eax; ud2; movq %%r12, %1"
                     : "=a"(result), "=r"(kept)
                     :
                     : "r12", "memory");
    REQUIRE(result == 0x1234 && kept == 77);
    return true;
}

static bool frame_float_kept(void)
{
    double in[4] = {1.5, 2.5, 3.5, 4.5}, after[4] = {0};
    uint32_t control = 0x1f80 | 0x6000, control_after = 0; /* rounding to zero */

    on(SIGUSR1, counting, 0);
    pid_t self = getpid();
    long number = SYS_kill;
    __asm__ volatile("movupd (%1), %%xmm6; movupd 16(%1), %%xmm7; ldmxcsr %2;"
                     "mov %3, %%rax; syscall;"
                     "movupd %%xmm6, (%4); movupd %%xmm7, 16(%4); stmxcsr %0"
                     : "=m"(control_after)
                     : "r"(in), "m"(control), "r"(number), "r"(after), "D"((long)self),
                       "S"((long)SIGUSR1)
                     : "rax", "rcx", "r11", "xmm6", "xmm7", "memory");
    REQUIRE(count == 1 && memcmp(in, after, sizeof(in)) == 0);
    REQUIRE((control_after & 0x6000) == 0x6000);
    return true;
}

static uint32_t control_in_handler;

static void note_control(int signal)
{
    (void)signal;
    __asm__ volatile("stmxcsr %0" : "=m"(control_in_handler));
}

static bool handler_float_is_fresh(void)
{
    uint32_t control = 0x1f80 | 0x6000;

    on(SIGUSR1, note_control, 0);
    __asm__ volatile("ldmxcsr %0" ::"m"(control));
    raise(SIGUSR1);
    control = 0x1f80;
    __asm__ volatile("ldmxcsr %0" ::"m"(control));
    REQUIRE((control_in_handler & 0x6000) == 0);
    return true;
}

static uint64_t flags_in_handler;

static void note_flags(int signal)
{
    (void)signal;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags_in_handler));
}

static bool handler_flags_clear(void)
{
    long self = getpid(), number = SYS_kill, flags;

    on(SIGUSR1, note_flags, 0);
    __asm__ volatile("std; syscall; pushfq; popq %0; cld"
                     : "=r"(flags), "+a"(number)
                     : "D"(self), "S"((long)SIGUSR1)
                     : "rcx", "r11", "memory");
    REQUIRE(!(flags_in_handler & 0x400)); /* the direction flag: psABI */
    REQUIRE(flags & 0x400);               /* and it is there again */
    return true;
}

/* Breaks one thing of the frame and returns: only a signal may come of it. */
static int breakage;

static void break_frame(int signal, siginfo_t *information, void *context)
{
    ucontext_t *user = context;

    (void)signal, (void)information;
    switch (breakage) {
    case 0:
        user->uc_mcontext.gregs[REG_RIP] = 0x0800000000000000;
        break;
    case 1:
        user->uc_mcontext.gregs[REG_RIP] = (greg_t)0xffff800000000000;
        break;
    case 2:
        user->uc_mcontext.gregs[REG_CSGSFS] = 0x08;
        break;
    case 3:
        user->uc_mcontext.gregs[REG_CSGSFS] = 0x10;
        break;
    case 4:
        user->uc_mcontext.gregs[REG_CSGSFS] = 0xfff8;
        break;
    case 5: /* MXCSR with a reserved bit */
        if (user->uc_mcontext.fpregs)
            user->uc_mcontext.fpregs->mxcsr = 0xffffffff;
        break;
    case 6:
        user->uc_mcontext.fpregs = (void *)8;
        break;
    case 7: /* SS is the last of the four 16-bit fields */
        user->uc_mcontext.gregs[REG_CSGSFS] =
            (user->uc_mcontext.gregs[REG_CSGSFS] & 0xffffffffffff) | 0x18L << 48;
        break;
    case 8:
        user->uc_mcontext.gregs[REG_RSP] = 0x10;
        break;
    default:
        break;
    }
}

static bool broken_frames_only_signal(void)
{
    for (breakage = 0; breakage < 9; breakage++) {
        pid_t child = fork();
        if (child == 0) {
            struct sigaction action = {.sa_sigaction = break_frame, .sa_flags = SA_SIGINFO};
            sigaction(SIGUSR1, &action, NULL);
            raise(SIGUSR1);
            _exit(0);
        }
        int status = status_of(child);
        /* QEMU takes any MXCSR, so that nothing need come of this one. */
        if (breakage == 5 && exited(status, 0))
            continue;
        if (!killed_by(status, SIGSEGV) && !killed_by(status, SIGBUS)) {
            tap_note("breakage %d: status 0x%x", breakage, status);
            return false;
        }
    }
    return true;
}

static void raise_privilege(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)information;
    /* I/O privilege, nested task, virtual-8086, interrupts off: all refused. */
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= 0x3000 | 0x4000 | 0x20000;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x200L;
}

static bool frame_flags_filtered(void)
{
    struct sigaction action = {.sa_sigaction = raise_privilege, .sa_flags = SA_SIGINFO};
    uint64_t flags;

    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    REQUIRE((flags & (0x3000 | 0x4000 | 0x20000)) == 0 && (flags & 0x200));
    return true;
}

static bool sigreturn_from_nowhere(void)
{
    pid_t child = fork();

    if (child == 0) {
        __asm__ volatile("movq $0x1000, %%rsp; movl $15, %%eax; syscall; hlt" ::: "memory");
        __builtin_unreachable();
    }
    REQUIRE(killed_by(status_of(child), SIGSEGV));
    return true;
}

/* The 128 bytes below the stack pointer belong to the interrupted function (psABI). */
static bool red_zone_kept(void)
{
    uint64_t ok;
    long self = getpid();

    on(SIGUSR1, counting, 0);
    __asm__ volatile("movq $0x1122334455667788, %%rbx; movq %%rbx, -8(%%rsp);"
                     "movq %%rbx, -128(%%rsp); movl %2, %%eax; syscall;"
                     "xorl %%eax, %%eax; cmpq %%rbx, -8(%%rsp); jne 1f;"
                     "cmpq %%rbx, -128(%%rsp); jne 1f; movl $1, %%eax; 1:"
                     : "=a"(ok)
                     : "D"(self), "i"(SYS_kill), "S"((long)SIGUSR1)
                     : "rbx", "rcx", "r11", "memory", "cc");
    REQUIRE(ok == 1 && count == 1);
    return true;
}

static const struct test_case cases[] = {
    {"SIGSEGV: SEGV_MAPERR", "sigaction(2)", fault_unmapped},
    {"SIGSEGV: SEGV_ACCERR", "sigaction(2)", fault_protected},
    {"SIGSEGV: the kernel's half", "sigaction(2)", fault_kernel_half},
    {"SIGBUS: behind the end of a file", "mmap(2)", fault_behind_file},
    {"SIGFPE: FPE_INTDIV", "sigaction(2)", fault_division},
    {"SIGILL", "sigaction(2)", fault_invalid_instruction},
    {"a privileged instruction", "sigaction(2)", fault_privileged},
    {"SIGTRAP: INT3", "sigaction(2)", fault_breakpoint},
    {"SIGTRAP: single step", "sigaction(2)", fault_single_step},
    {"SIGFPE: FPE_FLTDIV", "sigaction(2)", fault_float_division},
    {"a blocked fault is fatal", "sigprocmask(2)", fault_blocked_is_fatal},
    {"an ignored fault is fatal", "signal(2)", fault_ignored_is_fatal},
    {"INT n gives SIGSEGV", "sigaction(2)", int_vectors_only_fault},
    {"registers come back from the frame", "sigreturn(2)", frame_registers_restored},
    {"SSE registers and MXCSR are kept", "sigreturn(2)", frame_float_kept},
    {"a handler begins with a fresh FPU", "signal-safety, psABI", handler_float_is_fresh},
    {"a handler begins with DF clear", "psABI 3.2.1", handler_flags_clear},
    {"broken frames give signals", "sigreturn(2)", broken_frames_only_signal},
    {"privileged flags are not taken from a frame", "sigreturn(2)", frame_flags_filtered},
    {"rt_sigreturn without a frame", "sigreturn(2)", sigreturn_from_nowhere},
    {"the red zone is kept", "psABI 3.2.2", red_zone_kept},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

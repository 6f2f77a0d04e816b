/*
 * exec_stays: the old image never comes back. A child execs with a timer interrupt, a yield or a
 * delay placed at each step of the exec (debug kernels) and runs in the new image for 200 timer
 * ticks beside kernel threads (debug kernels) and programs that want the processor; all the while
 * it checks its text, its registers and its root.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <tap.h>
#include <time.h>

#include "proc_baton.h"

enum { TICKS = 200, TICKS_SHORT = 20, TICK_MILLISECONDS = 4, SPINNERS = 2 };
enum { STAYED = 100, TEXT_CHANGED, REGISTERS_CHANGED, ROOT_CHANGED, NEVER_SWITCHED };

extern const char __executable_start[], etext[];

static uint64_t text_sum(void)
{
    uint64_t sum = UINT64_C(14695981039346656037); /* FNV-1a */

    for (const uint64_t *word = (const void *)(((uintptr_t)__executable_start + 7) & ~7ul);
         (const char *)(word + 1) <= etext; word++)
        sum = (sum ^ *word) * UINT64_C(1099511628211);
    return sum;
}

/* Fills the general and vector registers, runs for a while, and says whether one has changed. */
static bool registers_hold(uint64_t seed)
{
    uint64_t changed = 0;

    __asm__ volatile("mov %[seed], %%rbx\n\t"
                     "lea 1(%%rbx), %%rdx\n\t"
                     "lea 2(%%rbx), %%rsi\n\t"
                     "lea 3(%%rbx), %%rdi\n\t"
                     "lea 4(%%rbx), %%r8\n\t"
                     "lea 5(%%rbx), %%r9\n\t"
                     "lea 6(%%rbx), %%r10\n\t"
                     "lea 7(%%rbx), %%r11\n\t"
                     "lea 8(%%rbx), %%r12\n\t"
                     "lea 9(%%rbx), %%r13\n\t"
                     "lea 10(%%rbx), %%r14\n\t"
                     "lea 11(%%rbx), %%r15\n\t"
                     "movq %%rdx, %%xmm0\n\t"
                     "movq %%rsi, %%xmm7\n\t"
                     "movq %%r15, %%xmm15\n\t"
                     "mov $200000, %%ecx\n"
                     "1:\n\t"
                     "dec %%ecx\n\t"
                     "jnz 1b\n\t"
                     "xor %%eax, %%eax\n\t"
                     "movq %%xmm0, %%rcx\n\t"
                     "sub %%rdx, %%rcx\n\t"
                     "or %%rcx, %%rax\n\t"
                     "movq %%xmm7, %%rcx\n\t"
                     "sub %%rsi, %%rcx\n\t"
                     "or %%rcx, %%rax\n\t"
                     "movq %%xmm15, %%rcx\n\t"
                     "sub %%r15, %%rcx\n\t"
                     "or %%rcx, %%rax\n\t"
                     "sub %%rbx, %%rdx\n\t xor $1, %%rdx\n\t or %%rdx, %%rax\n\t"
                     "sub %%rbx, %%rsi\n\t xor $2, %%rsi\n\t or %%rsi, %%rax\n\t"
                     "sub %%rbx, %%rdi\n\t xor $3, %%rdi\n\t or %%rdi, %%rax\n\t"
                     "sub %%rbx, %%r8\n\t xor $4, %%r8\n\t or %%r8, %%rax\n\t"
                     "sub %%rbx, %%r9\n\t xor $5, %%r9\n\t or %%r9, %%rax\n\t"
                     "sub %%rbx, %%r10\n\t xor $6, %%r10\n\t or %%r10, %%rax\n\t"
                     "sub %%rbx, %%r11\n\t xor $7, %%r11\n\t or %%r11, %%rax\n\t"
                     "sub %%rbx, %%r12\n\t xor $8, %%r12\n\t or %%r12, %%rax\n\t"
                     "sub %%rbx, %%r13\n\t xor $9, %%r13\n\t or %%r13, %%rax\n\t"
                     "sub %%rbx, %%r14\n\t xor $10, %%r14\n\t or %%r14, %%rax\n\t"
                     "sub %%rbx, %%r15\n\t xor $11, %%r15\n\t or %%r15, %%rax\n\t"
                     : "=&a"(changed)
                     : [seed] "r"(seed)
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
                       "r14", "r15", "xmm0", "xmm7", "xmm15", "cc");
    return changed == 0;
}

static bool root_holds(uint64_t *root, uint64_t *ticks)
{
    struct baton_roots roots = {0};

    if (!baton_is_here())
        return true;
    if (!baton_roots_read(&roots) || roots.field != roots.cr3 || roots.space != roots.cr3)
        return false;
    *ticks = roots.ticks;
    if (*root == 0)
        *root = roots.cr3;
    return *root == roots.cr3;
}

static long milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The new image; returns its verdict as exit status. */
static int stay(uint64_t ticks_wanted)
{
    uint64_t sum = text_sum();
    uint64_t root = 0;
    uint64_t seed = UINT64_C(0x0123456789abcdef);
    uint64_t ticks = 0;
    long end = milliseconds() + ticks_wanted * TICK_MILLISECONDS;
    struct rusage usage;

    for (; baton_is_here() ? ticks < ticks_wanted : milliseconds() < end; seed += 77) {
        if (!registers_hold(seed))
            return REGISTERS_CHANGED;
        if (text_sum() != sum)
            return TEXT_CHANGED;
        if (!root_holds(&root, &ticks))
            return ROOT_CHANGED;
    }
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw > 0 ? STAYED : NEVER_SWITCHED;
}

static void check(const char *program, const char *injection, int ticks)
{
    char number[16];
    char *arguments[] = {(char *)program, number, NULL};
    int status = 0;

    snprintf(number, sizeof(number), "%d", ticks);
    pid_t child = fork();

    if (child == 0) {
        if (*injection && !baton_inject(injection))
            _exit(1);
        execv(program, arguments);
        _exit(2);
    }
    waitpid(child, &status, 0);
    if (!tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == STAYED, "the new image stays%s%s",
                *injection ? ", with " : "", injection))
        tap_note("wait status %#x (101 text, 102 registers, 103 root, 104 never switched)", status);
}

static void check_beside_programs(const char *program)
{
    pid_t spinners[SPINNERS];

    for (int at = 0; at < SPINNERS; at++) {
        spinners[at] = fork();
        if (spinners[at] == 0)
            for (;;)
                ;
    }
    check(program, "", TICKS);
    for (int at = 0; at < SPINNERS; at++) {
        kill(spinners[at], SIGKILL);
        waitpid(spinners[at], NULL, 0);
    }
}

/* Debug kernels: beside kernel threads, with something placed at each step of the exec. */
static void check_beside_kernel_threads(const char *program)
{
    static const char *const points[] = {"exec_prepared", "exec_claimed", "exec_alone",
                                         "exec_switched", "exec_committed"};
    static const struct {
        const char *name;
        int ticks;
    } actions[] = {
        {"timer", TICKS},
        {"return", TICKS},
        {"yield", TICKS_SHORT},
        {"delay", TICKS_SHORT},
    };

    if (!baton_inject("companions 2"))
        return;
    for (size_t point = 0; point < sizeof(points) / sizeof(points[0]); point++)
        for (size_t action = 0; action < sizeof(actions) / sizeof(actions[0]); action++) {
            char line[64];
            snprintf(line, sizeof(line), "point %s %s", points[point], actions[action].name);
            check(program, line, actions[action].ticks);
        }
    tap_ok(baton_inject("companions 0"), "the kernel threads beside it end");
}

int main(int argc, char **argv)
{
    cpu_set_t first; /* all on one processor: they have to take turns */

    if (argc > 1)
        return stay(strtoull(argv[1], NULL, 10));
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    sched_setaffinity(0, sizeof(first), &first);
    check_beside_programs(argv[0]);
    check_beside_kernel_threads(argv[0]);
    return tap_done();
}

/*
 * exec_memory: that nothing of the old image's memory and registers is left (execve(2)). Part of
 * the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "exec_cases.h"

static uint32_t blocked_word;

/* ---- memory ---- */

static bool mappings_before(void)
{
    void *place = (void *)0x123450000000;

    REQUIRE(mmap(place, 8192, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == place);
    return true;
}
static bool mappings_after(void)
{
    REQUIRE_ERRNO(msync((void *)0x123450000000, 4096, MS_ASYNC), ENOMEM);
    return true;
}
static bool shared_memory_stays(void)
{
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();

    if (child == 0) {
        *shared = 55;
        execve(program, (char *[]){"x", "exit", "0", NULL}, environ);
    }
    REQUIRE(exited(status_of(child), 0));
    return *shared == 55;
}
static bool file_mapping_is_written(void)
{
    char text[16];

    REQUIRE(text_write("mapped", "........", 0644));
    pid_t child = fork();
    if (child == 0) {
        char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
                           open("mapped", O_RDWR | O_CLOEXEC), 0);
        memcpy(bytes, "written", 7);
        execve(program, (char *[]){"x", "exit", "0", NULL}, environ);
    }
    REQUIRE(exited(status_of(child), 0));
    return file_read("mapped", text, sizeof(text)) == 8 && strcmp(text, "written.") == 0;
}
static bool locks_of_memory_before(void)
{
    return mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
}
static bool locks_of_memory_after(void)
{
    return proc_number("/proc/self/status", "VmLck:") == 0;
}
static bool heap_before(void)
{
    long end = syscall(SYS_brk, 0);

    return syscall(SYS_brk, end + (64 << 20)) == end + (64 << 20);
}
static bool heap_after(void)
{
    return proc_number("/proc/self/status", "VmData:") < 16 << 10;
}
static bool data_before(void)
{
    static int zeros[1000];

    memset(zeros, 1, sizeof(zeros));
    note_number("ZEROS", (long)zeros);
    blocked_word = 77;
    return true;
}
static bool data_after(void)
{
    const int *zeros = (const int *)noted_number("ZEROS");

    for (int at = 0; at < 1000; at++)
        REQUIRE(zeros[at] == 0);
    return blocked_word == 0;
}
static void exit_badly(void)
{
    _exit(1);
}
static bool exit_handlers_before(void)
{
    return atexit(exit_badly) == 0;
}
static bool exit_handlers_after(void)
{
    exit(0);
}

/* ---- registers and what the C library tells the kernel ---- */

static bool float_before(void)
{
    uint16_t control = 0x0c7f; /* rounds to zero */
    uint32_t status = 0xff80;  /* rounds to zero, flushes to zero */

    __asm__ volatile("fldcw %0\n ldmxcsr %1\n fld1\n fld1" : : "m"(control), "m"(status));
    return true;
}
static bool float_after(void)
{
    uint16_t control, environment[14];
    uint32_t status;

    __asm__ volatile("fnstcw %0\n stmxcsr %1\n fnstenv %2"
                     : "=m"(control), "=m"(status), "=m"(environment));
    return control == 0x37f && status == 0x1f80 && environment[4] == 0xffff; /* tags: all empty */
}
static bool robust_list_before(void)
{
    static void *head[3];

    head[0] = head;
    return syscall(SYS_set_robust_list, head, sizeof(head)) == 0;
}
static bool robust_list_after(void)
{
    void *head = (void *)1;
    size_t size;

    REQUIRE(syscall(SYS_get_robust_list, 0, &head, &size) == 0);
    return !head; /* musl sets one with its first robust mutex only */
}
static int clears_word(void *unused)
{
    (void)unused;
    execve("/bin/busybox", (char *[]){"sleep", "100", NULL}, environ);
    return 1;
}
static bool tid_cleared(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    static pid_t word = 1;
    struct timespec patience = {5, 0};

    pid_t child = clone(clears_word, stack + sizeof(stack),
                        CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, NULL, &word);
    REQUIRE(child > 0);
    while (__atomic_load_n(&word, __ATOMIC_ACQUIRE))
        if (syscall(SYS_futex, &word, FUTEX_WAIT, 1, &patience) < 0)
            REQUIRE(errno == EAGAIN || errno == EINTR);
    REQUIRE(waitpid(child, NULL, WNOHANG) == 0); /* it lives, as another image */
    return kill(child, SIGKILL) == 0 && killed_by(status_of(child), SIGKILL);
}
static bool robust_mutex_released(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t *mutex =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    REQUIRE(pthread_mutex_init(mutex, &attributes) == 0);
    if ((child = fork()) == 0) {
        pthread_mutex_lock(mutex);
        execve(program, (char *[]){"x", "exit", "0", NULL}, environ);
    }
    REQUIRE(exited(status_of(child), 0));
    return pthread_mutex_lock(mutex) == EOWNERDEAD;
}
static bool rseq_before(void)
{
    static struct rseq area __attribute__((aligned(32)));

    return syscall(SYS_rseq, &area, sizeof(area), 0, 0x53053053) == 0;
}
static bool rseq_after(void)
{
    static struct rseq area __attribute__((aligned(32)));

    return syscall(SYS_rseq, &area, sizeof(area), 0, 0x53053053) == 0; /* EBUSY if it were kept */
}
static bool segment_bases_before(void)
{
    REQUIRE(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, 0x123000) == 0);
    return true;
}
static bool segment_bases_after(void)
{
    unsigned long base = 1;

    REQUIRE(syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &base) == 0);
    return base == 0;
}
static bool flags_register_before(void)
{
    __asm__ volatile("pushfq\n orq $0x40000, (%%rsp)\n popfq" : : : "memory", "cc"); /* AC */
    execve(program, after_arguments(), environ);
    return false;
}
static bool flags_register_after(void)
{
    unsigned long flags;

    __asm__ volatile("pushfq\n popq %0" : "=r"(flags));
    return !(flags & 0x40000);
}

static const struct exec_case cases[] = {
    HALVES("gone: mappings", "execve(2)", mappings_before, mappings_after),
    CASE("shared memory keeps what was written", "mmap(2)", shared_memory_stays),
    CASE("a shared mapping reaches its file", "mmap(2)", file_mapping_is_written),
    HALVES("gone: memory locks, also for the future", "mlock(2)", locks_of_memory_before,
           locks_of_memory_after),
    HALVES("gone: the heap", "brk(2)", heap_before, heap_after),
    HALVES("anew: data and bss of the same file", "execve(2)", data_before, data_after),
    HALVES("gone: exit handlers", "atexit(3)", exit_handlers_before, exit_handlers_after),
    HALVES("reset: floating-point environment", "execve(2)", float_before, float_after),
    HALVES("gone: the robust list", "get_robust_list(2)", robust_list_before, robust_list_after),
    CASE("robust mutexes are released", "get_robust_list(2)", robust_mutex_released),
    CASE("clear_child_tid: cleared and woken at the exec", "set_tid_address(2)", tid_cleared),
    HALVES("gone: restartable sequences", "rseq(2)", rseq_before, rseq_after),
    HALVES("reset: the base of GS", "arch_prctl(2)", segment_bases_before, segment_bases_after),
    HALVES("reset: flags of the processor", "x86-64 psABI, 3.4.1", flags_register_before,
           flags_register_after),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}

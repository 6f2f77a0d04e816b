/*
 * bench.c: what do processes, exec, switches and faults cost? One static program, the same for
 * every kernel that has Linux's system calls.
 *
 * Each measurement prints one line, at once:
 *     bench NAME per_operation=N least=N most=N iterations=N [frames=same|OWNER+N…]
 *     bench NAME failed errno=N          (or signal=N)
 * in ticks of the time stamp counter: with QEMU's `-icount shift=0` guest instructions. It is the
 * median of REPEATS batches of so many iterations, after one to warm up. On Baton the line says
 * whether the kernel's frames by owner are the same before and after the batches: what a kernel
 * puts off until later is not measured, and shows there.
 *
 * Arguments select measurements by the beginnings of their names; without any, all are made. Each
 * has a child process of its own: its memory does not weigh on the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPEATS      5
#define PAGE         4096L
#define MIB          (1L << 20)
#define TEST_SECONDS 60 /* a measurement that takes longer is killed */

/* ---- small parts ---- */

/* Each measurement asks twice: where it begins and where it ends. The NOP in front marks the place
   for the counting plugin (count.c). */
static inline uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t"
                     ".long 0x5ba7c0de\n\t"
                     "lfence\n\t"
                     "rdtsc"
                     : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* For the same plugin: what comes belongs together. */
static inline void mark_group(void)
{
    __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t"
                     ".long 0x5ba7c0df");
}

/* A bare system call: no C library in the measured path, -errno back. The fourth argument is
   always 0. */
static inline long kernel_call(long number, long first, long second, long third)
{
    register long fourth __asm__("r10") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static void say(const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    (void)!write(1, line, length);
}

/* Returns -errno from the calling function if x is negative. */
#define TRY(x)                                                                                     \
    do {                                                                                           \
        if ((x) < 0)                                                                               \
            return -errno;                                                                         \
    } while (0)

/* Waits for a child; 0 if it exited with 0, else -(the errno it exited with). */
static long reap(long pid)
{
    int status = 0;
    long r = kernel_call(SYS_wait4, pid, (long)&status, 0);

    if (r < 0)
        return r;
    return status ? -(WIFEXITED(status) ? WEXITSTATUS(status) : EIO) : 0;
}

static void *map(long size, int flags)
{
    return mmap(0, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
}

/* Private memory of `size` bytes; small_pages keeps huge pages out of it. */
static char *map_private(long size, int small_pages)
{
    char *p = map(size, MAP_PRIVATE);

    if (p == MAP_FAILED)
        return 0;
    if (small_pages)
        madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}

static void touch_every(volatile char *p, long n, long step)
{
    for (long i = 0; i < n; i++)
        p[i * step * PAGE] = 1;
}

static void touch(char *p, long pages)
{
    touch_every(p, pages, 1);
}

static const char *target(const char *name)
{
    static char path[64];
    snprintf(path, sizeof(path), "/bench/%s", name);
    return path;
}

/* ---- the measurements: each returns the ticks that n operations took, or -errno ---- */

static int64_t null_call(long n, long nr)
{
    uint64_t t = ticks();
    for (long i = 0; i < n; i++) {
        long r = kernel_call(nr, 0, 0, 0);
        if (r < 0)
            return r;
    }
    return ticks() - t;
}

static int64_t read_zero(long n, long arg)
{
    char c;
    int fd = open("/dev/zero", O_RDONLY);
    uint64_t t = ticks();

    (void)arg;
    TRY(fd);
    while (n--)
        if (kernel_call(SYS_read, fd, (long)&c, 1) != 1)
            return -EIO;
    t = ticks() - t;
    close(fd);
    return t;
}

/* One byte into a pipe and out again, no other process involved. */
static int64_t pipe_self(long n, long arg)
{
    int p[2];
    char c = 0;
    uint64_t t;

    (void)arg;
    TRY(pipe(p));
    t = ticks();
    while (n--)
        if (kernel_call(SYS_write, p[1], (long)&c, 1) != 1 ||
            kernel_call(SYS_read, p[0], (long)&c, 1) != 1)
            return -EIO;
    t = ticks() - t;
    close(p[0]), close(p[1]);
    return t;
}

/* A byte to another process and back: two switches an operation. */
static int64_t pingpong(long n, long arg)
{
    int there[2], back[2];
    char c = 0;
    uint64_t t;
    long pid;

    (void)arg;
    TRY(pipe(there));
    TRY(pipe(back));
    if ((pid = kernel_call(SYS_fork, 0, 0, 0)) < 0)
        return pid;
    if (!pid) {
        close(there[1]), close(back[0]);
        while (kernel_call(SYS_read, there[0], (long)&c, 1) == 1)
            kernel_call(SYS_write, back[1], (long)&c, 1);
        _exit(0);
    }
    close(there[0]), close(back[1]);
    t = ticks();
    while (n--)
        if (kernel_call(SYS_write, there[1], (long)&c, 1) != 1 ||
            kernel_call(SYS_read, back[0], (long)&c, 1) != 1)
            return -EIO;
    t = ticks() - t;
    close(there[1]), close(back[0]);
    n = reap(pid);
    return n < 0 ? n : (int64_t)t;
}

/* Chunks of 64 KiB to another process. */
static int64_t pipe_bandwidth(long n, long arg)
{
    enum { CHUNK = 65536 };
    int p[2];
    char *buf = map_private(CHUNK, 1);
    uint64_t t;
    long pid;

    (void)arg;
    if (!buf)
        return -ENOMEM;
    touch(buf, CHUNK / PAGE);
    TRY(pipe(p));
    if ((pid = kernel_call(SYS_fork, 0, 0, 0)) < 0)
        return pid;
    if (!pid) {
        close(p[1]);
        while (kernel_call(SYS_read, p[0], (long)buf, CHUNK) > 0)
            ;
        _exit(0);
    }
    close(p[0]);
    t = ticks();
    for (long left = n * CHUNK; left > 0;) {
        long r = kernel_call(SYS_write, p[1], (long)buf, CHUNK);
        if (r <= 0)
            return -EIO;
        left -= r;
    }
    close(p[1]);
    pid = reap(pid);
    t = ticks() - t;
    munmap(buf, CHUNK);
    close(p[0]);
    return pid < 0 ? pid : (int64_t)t;
}

/* fork, the child exits, wait4; with `mib` of touched memory in the parent, to whose pages the
   child writes once, or not. */
static int64_t fork_wait(long n, long mib, int writes)
{
    char *p = 0;
    uint64_t t;
    long r;

    if (mib) {
        if (!(p = map_private(mib * MIB, 1)))
            return -ENOMEM;
        touch(p, mib * MIB / PAGE);
    }
    t = ticks();
    while (n--) {
        r = kernel_call(SYS_fork, 0, 0, 0);
        if (!r) {
            touch(p, writes ? mib * MIB / PAGE : 0);
            kernel_call(SYS_exit_group, 0, 0, 0);
        }
        if (r < 0 || (r = reap(r)) < 0)
            return r;
    }
    t = ticks() - t;
    if (p)
        munmap(p, mib * MIB);
    return t;
}

static int64_t fork_resident(long n, long mib)
{
    return fork_wait(n, mib, 0);
}

static int64_t fork_written(long n, long mib)
{
    return fork_wait(n, mib, 1);
}

enum { BY_FORK, BY_VFORK };

/* fork or vfork, the child executes the tiny program, wait4. */
static int64_t spawn(long n, long how)
{
    char *argv[] = {(char *)target("target-0"), 0}, *envp[] = {0};
    uint64_t t = ticks();
    long r;

    while (n--) {
        r = how == BY_VFORK ? vfork() : kernel_call(SYS_fork, 0, 0, 0);
        if (!r)
            _exit(-kernel_call(SYS_execve, (long)argv[0], (long)argv, (long)envp));
        if (r < 0)
            return how == BY_VFORK ? -errno : r;
        if ((r = reap(r)) < 0)
            return r;
    }
    return ticks() - t;
}

/* Ticks until a child has executed `argv`, a program that re-executes itself. */
static int64_t timed_chain(char **argv)
{
    char *envp[] = {0};
    uint64_t t = ticks();
    long r = kernel_call(SYS_fork, 0, 0, 0);

    if (!r)
        _exit(-kernel_call(SYS_execve, (long)argv[0], (long)argv, (long)envp));
    if (r < 0 || (r = reap(r)) < 0)
        return r;
    return ticks() - t;
}

/* A process that executes itself n times: the cost of n execs alone. */
static int64_t exec_chain(long n, const char *path, const char *option)
{
    char count[24], zero[] = "0";
    char *argv[] = {(char *)path, count, 0, 0};
    int64_t base, full;

    if (option) {
        argv[1] = (char *)option;
        argv[2] = zero;
    }
    snprintf(count, sizeof(count), "0");
    if ((base = timed_chain(argv)) < 0)
        return base;
    snprintf(count, sizeof(count), "%ld", n);
    if (option)
        argv[2] = count;
    if ((full = timed_chain(argv)) < 0)
        return full;
    return full > base ? full - base : 0;
}

static int64_t exec_target(long n, long kib)
{
    char name[32];

    if (kib >= 1024)
        snprintf(name, sizeof(name), "target-%ldm", kib / 1024);
    else
        snprintf(name, sizeof(name), kib ? "target-%ldk" : "target-0", kib);
    return exec_chain(n, target(name), 0);
}

/* The same with a program that has a C library: this one, in both link modes. */
static int64_t exec_musl(long n, long pie)
{
    return exec_chain(n, target(pie ? "bench_pie" : "bench"), "--chain");
}

/* First touch of anonymous pages. */
static int64_t page_touch(long n, long small_pages)
{
    char *p = map_private(n * PAGE, small_pages);
    uint64_t t = ticks();

    if (!p)
        return -ENOMEM;
    touch(p, n);
    t = ticks() - t;
    munmap(p, n * PAGE);
    return t;
}

/* A forked child writes to pages it shares with its parent, n of them, `step` pages apart. */
static int64_t cow_touch(long n, long step)
{
    char *p = map_private(n * step * PAGE, 1);
    uint64_t t = 0;
    int report[2];
    long pid, got;

    if (!p)
        return -ENOMEM;
    touch(p, n * step);
    TRY(pipe(report));
    if ((pid = kernel_call(SYS_fork, 0, 0, 0)) < 0)
        return pid;
    if (!pid) {
        t = ticks();
        touch_every(p, n, step);
        t = ticks() - t;
        (void)!write(report[1], &t, sizeof(t));
        _exit(0);
    }
    close(report[1]);
    got = read(report[0], &t, sizeof(t));
    close(report[0]);
    pid = reap(pid);
    munmap(p, n * step * PAGE);
    return pid < 0 ? pid : got != sizeof(t) ? -EIO : (int64_t)t;
}

/* mmap and munmap of one page, touched in between or not. */
static int64_t map_unmap(long n, long touched)
{
    uint64_t t = ticks();

    while (n--) {
        volatile char *p = map(PAGE, MAP_PRIVATE);
        if (p == MAP_FAILED)
            return -errno;
        if (touched)
            *p = 1;
        munmap((void *)p, PAGE);
    }
    return ticks() - t;
}

static void *thread_nop(void *arg)
{
    return arg;
}

static int64_t thread_join(long n, long arg)
{
    pthread_t thread;
    uint64_t t = ticks();

    (void)arg;
    while (n--) {
        int e = pthread_create(&thread, 0, thread_nop, 0);
        if (e)
            return -e;
        pthread_join(thread, 0);
    }
    return ticks() - t;
}

/*
 * Yielding among several: every member waits at a gate (a pipe that reaches
 * its end), then yields `rounds` times.  `last` tells a member whether some
 * other one ran during its yield, which sched_yield does not promise.
 */
struct ring {
    volatile long last, switches;
};
struct member {
    struct ring *ring;
    long id, rounds;
    int gate;
};

static void *member_run(void *arg)
{
    struct member *m = arg;
    char c;

    kernel_call(SYS_read, m->gate, (long)&c, 1);
    for (long i = 0; i < m->rounds; i++) {
        kernel_call(SYS_sched_yield, 0, 0, 0);
        if (m->ring && m->ring->last != m->id) {
            m->ring->last = m->id;
            m->ring->switches++;
        }
    }
    return 0;
}

enum { MAX_MEMBERS = 64, THREADS = 1000 };

static int64_t timed_ring(struct ring *ring, long rounds, long members, int threads)
{
    struct member m[MAX_MEMBERS];
    pthread_t thread[MAX_MEMBERS];
    long pid[MAX_MEMBERS], i, e = 0;
    int gate[2];
    uint64_t t;

    TRY(pipe(gate));
    for (i = 0; i < members; i++) {
        m[i] = (struct member){ring, i + 1, rounds, gate[0]};
        if (threads) {
            if ((e = -pthread_create(&thread[i], 0, member_run, &m[i])))
                break;
        } else if (!(pid[i] = kernel_call(SYS_fork, 0, 0, 0))) {
            close(gate[1]);
            member_run(&m[i]);
            _exit(0);
        } else if ((e = pid[i]) < 0) {
            break;
        }
        e = 0;
    }
    members = i;
    t = ticks();
    close(gate[1]);
    for (i = 0; i < members; i++) {
        if (threads)
            pthread_join(thread[i], 0);
        else
            reap(pid[i]);
    }
    t = ticks() - t;
    close(gate[0]);
    return e ? e : (int64_t)t;
}

/* `how` is the number of processes, or THREADS + the number of threads. */
static int64_t yield_ring(long n, long how)
{
    long members = how % THREADS, rounds = n / members;
    struct ring *ring = map(PAGE, MAP_SHARED);
    int64_t base = kernel_call(SYS_sched_yield, 0, 0, 0), full;

    if (base < 0)
        return base;
    if (ring == MAP_FAILED)
        ring = 0;
    if ((base = timed_ring(ring, 0, members, how >= THREADS)) < 0)
        return base;
    if (ring)
        ring->switches = 0;
    if ((full = timed_ring(ring, rounds, members, how >= THREADS)) < 0)
        return full;
    if (ring)
        munmap(ring, PAGE);
    return full > base ? full - base : 0;
}

static volatile long signals;

static void on_signal(int sig)
{
    signals += sig != 0;
}

static int64_t signal_install(long n, long arg)
{
    struct sigaction act = {.sa_handler = on_signal};
    uint64_t t = ticks();

    (void)arg;
    while (n--)
        TRY(sigaction(SIGUSR1, &act, 0));
    return ticks() - t;
}

static int64_t signal_deliver(long n, long arg)
{
    struct sigaction act = {.sa_handler = on_signal};
    long self = kernel_call(SYS_getpid, 0, 0, 0), i;
    uint64_t t;

    (void)arg;
    TRY(sigaction(SIGUSR1, &act, 0));
    signals = 0;
    t = ticks();
    for (i = 0; i < n; i++)
        kernel_call(SYS_kill, self, SIGUSR1, 0);
    t = ticks() - t;
    return signals == n ? (int64_t)t : -EIO;
}

/* ---- the table ---- */

static const struct test {
    const char *name;
    int64_t (*run)(long n, long argument);
    long argument, n;
} tests[] = {
    {"getpid", null_call, SYS_getpid, 5000},
    {"yield_alone", null_call, SYS_sched_yield, 2000},
    {"read_zero", read_zero, 0, 5000},
    {"pipe_self", pipe_self, 0, 2000},
    {"pipe_round_trip", pingpong, 0, 1000},
    {"pipe_64k", pipe_bandwidth, 0, 64},
    {"signal_install", signal_install, 0, 2000},
    {"signal_deliver", signal_deliver, 0, 1000},
    {"map_unmap", map_unmap, 0, 1000},
    {"map_touch_unmap", map_unmap, 1, 1000},
    {"page_touch", page_touch, 1, 2048},
    {"page_touch_copied", cow_touch, 1, 1024},
    {"leaf_touch_copied", cow_touch, 512, 32},
    {"thread_create_join", thread_join, 0, 200},
    {"yield_threads_2", yield_ring, THREADS + 2, 4000},
    {"yield_processes_2", yield_ring, 2, 4000},
    {"yield_processes_8", yield_ring, 8, 4000},
    {"yield_processes_64", yield_ring, 64, 6400},
    {"fork_exit_wait", fork_resident, 0, 100},
    {"fork_exec_wait", spawn, BY_FORK, 100},
    {"vfork_exec_wait", spawn, BY_VFORK, 100},
    {"exec", exec_target, 0, 100},
    {"exec_64k", exec_target, 64, 30},
    {"exec_1m", exec_target, 1024, 30},
    {"exec_4m", exec_target, 4096, 30},
    {"exec_16m", exec_target, 16384, 30},
    {"exec_musl", exec_musl, 0, 50},
    {"exec_musl_pie", exec_musl, 1, 50},
    {"fork_resident_1m", fork_resident, 1, 20},
    {"fork_resident_4m", fork_resident, 4, 20},
    {"fork_resident_16m", fork_resident, 16, 10},
    {"fork_resident_64m", fork_resident, 64, 5},
    {"fork_resident_1g", fork_resident, 1024, 5},
    {"fork_written_64m", fork_written, 64, 2},
};

/* ---- frames by owner ---- */

struct frames {
    char text[1024]; /* of /proc/baton/frames: a line for each owner; empty on other kernels */
};

static void frames_read(struct frames *frames)
{
    memset(frames, 0, sizeof(*frames));
    int file = open("/proc/baton/frames", O_RDONLY);
    if (file < 0)
        return;
    (void)!read(file, frames->text, sizeof(frames->text) - 1);
    close(file);
}

/* Says which owners have another number than before; the lines are the same ones. */
static void frames_compare(const struct frames *before, const struct frames *after)
{
    const char *old = before->text, *new = after->text;
    char owner[32];
    long was, is;
    bool same = true;

    if (!*old)
        return;
    while (sscanf(old, "%31s %ld", owner, &was) == 2 && sscanf(new, "%*s %ld", &is) == 1) {
        if (was != is)
            say(" frames=%s%+ld", owner, is - was);
        same &= was == is;
        old += strcspn(old, "\n") + 1;
        new += strcspn(new, "\n") + 1;
    }
    if (same)
        say(" frames=same");
}

/* ---- measuring ---- */

/* Ticks per operation with one decimal. */
static void say_per_operation(const char *label, int64_t took, long n)
{
    int64_t tenths = took * 10 / n;
    say(" %s=%lld.%lld", label, (long long)(tenths / 10), (long long)(tenths % 10));
}

static int ascending(const void *left, const void *right)
{
    int64_t x = *(const int64_t *)left, y = *(const int64_t *)right;
    return (x > y) - (x < y);
}

static void measure(const struct test *test)
{
    static struct frames before, after;
    int64_t took[REPEATS], result;

    memset(&after, 0, sizeof(after)); /* so that its pages are there before they are counted */
    mark_group();
    result = test->run(test->n, test->argument); /* warm up */
    mark_group();
    frames_read(&before);
    for (int i = 0; i < REPEATS && result >= 0; i++)
        took[i] = result = test->run(test->n, test->argument);
    frames_read(&after);
    if (result < 0) {
        say("bench %s failed errno=%lld\n", test->name, (long long)-result);
        return;
    }
    qsort(took, REPEATS, sizeof(took[0]), ascending);
    say("bench %s", test->name);
    say_per_operation("per_operation", took[REPEATS / 2], test->n);
    say_per_operation("least", took[0], test->n);
    say_per_operation("most", took[REPEATS - 1], test->n);
    say(" iterations=%ld", test->n);
    frames_compare(&before, &after);
    say("\n");
}

/* In a child, which stays on one CPU, so that a switch is a switch. It begins when the parent has
   its stack to itself: that page is copied when the parent comes back from fork, which may be
   later. */
static void measure_in_child(const struct test *test)
{
    long first_cpu = 1;
    int status = 0, began[2];

    if (pipe(began))
        return;
    long pid = kernel_call(SYS_fork, 0, 0, 0);
    if (pid == 0) {
        alarm(TEST_SECONDS);
        (void)!read(began[0], &status, 1);
        close(began[0]);
        close(began[1]);
        kernel_call(SYS_sched_setaffinity, 0, sizeof(first_cpu), (long)&first_cpu);
        measure(test);
        _exit(0);
    }
    (void)!write(began[1], "", 1);
    close(began[0]);
    close(began[1]);
    if (pid < 0 || kernel_call(SYS_wait4, pid, (long)&status, 0) != pid)
        say("bench %s failed errno=%d\n", test->name, ECHILD);
    else if (WIFSIGNALED(status))
        say("bench %s failed signal=%d\n", test->name, WTERMSIG(status));
}

static bool selected(const char *name, int count, char **prefixes)
{
    for (int i = 0; i < count; i++) {
        if (!strncmp(prefixes[i], name, strlen(prefixes[i])))
            return true;
    }
    return count == 0;
}

/* What exec_musl executes: this program, until its counter is 0. */
static int chain(char **argv)
{
    char count[24];
    char *next[] = {argv[0], argv[1], count, NULL}, *environment[] = {NULL};
    long n = atol(argv[2]);

    if (!n)
        return 0;
    snprintf(count, sizeof(count), "%ld", n - 1);
    return -kernel_call(SYS_execve, (long)argv[0], (long)next, (long)environment);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--chain"))
        return chain(argv);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (selected(tests[i].name, argc - 1, argv + 1))
            measure_in_child(&tests[i]);
    }
    return 0;
}

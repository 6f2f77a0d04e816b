/*
 * exec_attributes: what of a process execve(2) keeps and what it replaces, item by item from its
 * page ("Effect on process attributes"), POSIX exec and the notes of the other pages: who and where
 * it is, its children, limits and settings. Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>

#include "exec_cases.h"

/* ---- who it is ---- */

static bool identity_before(void)
{
    note_number("PROCESS", getpid());
    note_number("PARENT", getppid());
    note_number("THREAD", gettid());
    REQUIRE(setpgid(0, 0) == 0);
    note_number("GROUP", getpgrp());
    note_number("SESSION", getsid(0));
    return true;
}
static bool identity_after(void)
{
    return getpid() == noted_number("PROCESS") && getppid() == noted_number("PARENT") &&
           gettid() == noted_number("THREAD");
}
static bool group_after(void)
{
    return getpgrp() == noted_number("GROUP") && getsid(0) == noted_number("SESSION");
}
static bool session_before(void)
{
    pid_t child = fork();

    if (child > 0)
        _exit(exited(status_of(child), 0) ? 0 : 1);
    note_number("SESSION", setsid());
    return getsid(0) == getpid();
}
static bool session_after(void)
{
    return getsid(0) == getpid() && getsid(0) == noted_number("SESSION");
}
static bool users_before(void)
{
    gid_t groups[] = {7, 8, 9};

    REQUIRE(setgroups(3, groups) == 0 && setresgid(11, 11, 11) == 0);
    REQUIRE(setresuid(12, 12, 12) == 0);
    return true;
}
static bool users_after(void)
{
    uid_t real, effective, saved;
    gid_t groups[8];

    REQUIRE(getresuid(&real, &effective, &saved) == 0);
    REQUIRE(real == 12 && effective == 12 && saved == 12);
    REQUIRE(getgroups(8, groups) == 3 && groups[0] == 7 && groups[2] == 9);
    REQUIRE(getresgid(&real, &effective, &saved) == 0);
    return real == 11 && effective == 11 && saved == 11;
}
static bool saved_users_before(void)
{
    REQUIRE(setresgid(1, 2, 3) == 0 && setresuid(4, 5, 6) == 0);
    return true;
}
static bool saved_users_after(void)
{
    uid_t real, effective, saved;

    REQUIRE(getresuid(&real, &effective, &saved) == 0);
    REQUIRE(real == 4 && effective == 5 && saved == 5);
    REQUIRE(getresgid(&real, &effective, &saved) == 0);
    REQUIRE(real == 1 && effective == 2 && saved == 2);
    return getauxval(AT_SECURE) == 1;
}
static void *pass_on(void *unused)
{
    execve(program, after_arguments(), environ);
    return unused;
}
static bool thread_takes_over_before(void)
{
    pthread_t thread;

    note_number("PROCESS", getpid());
    REQUIRE(pthread_create(&thread, NULL, pass_on, NULL) == 0);
    for (;;)
        pause();
}
static bool thread_takes_over_after(void)
{
    REQUIRE(getpid() == noted_number("PROCESS") && gettid() == getpid());
    return proc_number("/proc/self/status", "Threads:") == 1;
}
static int blocked_pipe[2];
static uint32_t blocked_word;
static void *block_in_pipe(void *unused)
{
    char byte;
    return read(blocked_pipe[0], &byte, 1) == 1 ? NULL : unused;
}
static void *block_in_futex(void *unused)
{
    syscall(SYS_futex, &blocked_word, FUTEX_WAIT, 0, NULL, NULL, 0);
    return unused;
}
static void *compute(void *unused)
{
    for (;;)
        __asm__ volatile("" ::: "memory");
    return unused;
}
static void *fault_pages(void *unused)
{
    for (;;) {
        char *pages = mmap(NULL, 1 << 16, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(pages, 1, 1 << 16);
        munmap(pages, 1 << 16);
    }
    return unused;
}
static void *make_threads(void *unused)
{
    pthread_t thread;
    for (;;)
        if (pthread_create(&thread, NULL, block_in_futex, NULL) != 0)
            sched_yield();
    return unused;
}
static bool siblings_before(void *(*does)(void *))
{
    pthread_t thread;

    note_number("PROCESS", getpid());
    REQUIRE(pipe(blocked_pipe) == 0);
    for (int at = 0; at < 3; at++)
        REQUIRE(pthread_create(&thread, NULL, does, NULL) == 0);
    sleep_ms(10);
    return true;
}
static bool sibling_in_pipe_before(void)
{
    return siblings_before(block_in_pipe);
}
static bool sibling_in_futex_before(void)
{
    return siblings_before(block_in_futex);
}
static bool sibling_computes_before(void)
{
    return siblings_before(compute);
}
static bool sibling_faults_before(void)
{
    return siblings_before(fault_pages);
}
static bool sibling_clones_before(void)
{
    pthread_t thread;

    note_number("PROCESS", getpid());
    REQUIRE(pthread_create(&thread, NULL, make_threads, NULL) == 0);
    sleep_ms(10);
    return true;
}
static bool sibling_execs_before(void)
{
    return siblings_before(pass_on) && (pause(), false);
}

/* ---- where it is ---- */

static bool folder_before(void)
{
    REQUIRE(mkdir("working", 0755) == 0 && chdir("working") == 0);
    return true;
}
static bool folder_after(void)
{
    char path[256];

    return getcwd(path, sizeof(path)) && strcmp(strrchr(path, '/'), "/working") == 0;
}
static bool root_before(void)
{
    REQUIRE(mkdir("root", 0755) == 0 && mkdir("root/proc", 0755) == 0);
    REQUIRE(file_copy(program, "root/image", 0755));
    REQUIRE(mount("proc", "root/proc", "proc", 0, NULL) == 0);
    REQUIRE(chroot("root") == 0 && chdir("/") == 0);
    strcpy(program, "/image");
    return true;
}
static bool root_after(void)
{
    return access("/image", X_OK) == 0 && access("/bin", F_OK) < 0;
}
static bool mask_of_files_before(void)
{
    return umask(0351) == 022;
}
static bool mask_of_files_after(void)
{
    return umask(0) == 0351;
}
static bool terminal_before(void)
{
    note_number("TERMINAL", open("/dev/tty", O_RDWR) >= 0);
    return true;
}
static bool terminal_after(void)
{
    return noted_number("TERMINAL") == (open("/dev/tty", O_RDWR) >= 0);
}

/* ---- timers ---- */

static bool times_before(void)
{
    clock_t until = clock() + CLOCKS_PER_SEC / 20;

    while (clock() < until)
        ;
    return true;
}
static bool times_after(void)
{
    struct rusage usage;

    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    REQUIRE(usage.ru_utime.tv_sec * 1000000L + usage.ru_utime.tv_usec +
                usage.ru_stime.tv_sec * 1000000L + usage.ru_stime.tv_usec >=
            45000);
    return clock() >= CLOCKS_PER_SEC / 22;
}

/* ---- children ---- */

static bool children_before(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(17);
    note_number("CHILD", child);
    return child > 0;
}
static bool children_after(void)
{
    return exited(status_of(noted_number("CHILD")), 17);
}
static bool dead_child_before(void)
{
    REQUIRE(children_before());
    siginfo_t information;
    return waitid(P_PID, noted_number("CHILD"), &information, WEXITED | WNOWAIT) == 0;
}
static bool child_usage_before(void)
{
    pid_t child = fork();

    if (child == 0) {
        times_before();
        _exit(0);
    }
    return exited(status_of(child), 0);
}
static bool child_usage_after(void)
{
    struct tms times_now;

    times(&times_now);
    return times_now.tms_cutime + times_now.tms_cstime >= 4;
}
static bool subreaper_before(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}
static bool subreaper_after(void)
{
    int value = 0;

    return prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 1;
}

/* ---- limits and scheduling ---- */

static const struct {
    int resource;
    rlim_t soft, hard;
} limits_kept[] = {
    {RLIMIT_NOFILE, 333, 444},
    {RLIMIT_CORE, 0, 12345},
    {RLIMIT_STACK, 3 << 20, 5 << 20},
    {RLIMIT_CPU, 1000, 2000},
    {RLIMIT_FSIZE, 1 << 30, RLIM_INFINITY},
    {RLIMIT_DATA, 1 << 30, 1 << 30},
    {RLIMIT_NPROC, 999, 1000},
    {RLIMIT_MEMLOCK, 4096, 8192},
    {RLIMIT_SIGPENDING, 100, 101},
};
static bool limits_before(void)
{
    for (size_t at = 0; at < array_length(limits_kept); at++) {
        struct rlimit limit = {limits_kept[at].soft, limits_kept[at].hard};
        REQUIRE(setrlimit(limits_kept[at].resource, &limit) == 0);
    }
    return true;
}
static bool limits_after(void)
{
    for (size_t at = 0; at < array_length(limits_kept); at++) {
        struct rlimit limit;
        REQUIRE(getrlimit(limits_kept[at].resource, &limit) == 0);
        REQUIRE(limit.rlim_cur == limits_kept[at].soft && limit.rlim_max == limits_kept[at].hard);
    }
    return true;
}
static bool stack_limit_before(void)
{
    struct rlimit limit = {1 << 20, RLIM_INFINITY};

    return setrlimit(RLIMIT_STACK, &limit) == 0;
}
static int stack_child(void)
{
    volatile char memory[2 << 20];

    for (size_t at = sizeof(memory); at > 0; at -= 1024)
        memory[at - 1] = 1;
    return memory[sizeof(memory) / 2];
}
static bool stack_limit_after(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(stack_child());
    return killed_by(status_of(child), SIGSEGV);
}
static bool nice_before(void)
{
    return setpriority(PRIO_PROCESS, 0, 7) == 0;
}
static bool nice_after(void)
{
    return getpriority(PRIO_PROCESS, 0) == 7;
}
static bool affinity_before(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
}
static bool affinity_after(void)
{
    cpu_set_t set;

    REQUIRE(sched_getaffinity(0, sizeof(set), &set) == 0);
    return CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set);
}
static bool policy_before(void)
{
    struct sched_param parameter = {.sched_priority = 0};

    return syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &parameter) == 0;
}
static bool policy_after(void)
{
    return syscall(SYS_sched_getscheduler, 0) == SCHED_BATCH;
}
static bool memory_score_before(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    return write(file, "321", 3) == 3;
}
static bool memory_score_after(void)
{
    return proc_number("/proc/self/oom_score_adj", "") == 321;
}

/* ---- prctl(2) and its like ---- */

static bool dumpable_before(void)
{
    return prctl(PR_SET_DUMPABLE, 0) == 0;
}
static bool dumpable_after(void)
{
    return prctl(PR_GET_DUMPABLE) == 1;
}
static bool name_before(void)
{
    return prctl(PR_SET_NAME, "something-else") == 0;
}
static bool name_after(void)
{
    char name[16] = "";

    return prctl(PR_GET_NAME, name) == 0 && strcmp(name, "exec_attributes") == 0;
}
static bool long_name_before(void)
{
    REQUIRE(file_copy(program, "a-name-longer-than-fifteen-bytes", 0755));
    execve("a-name-longer-than-fifteen-bytes", after_arguments(), environ);
    return false;
}
static bool long_name_after(void)
{
    char name[16] = "";

    return prctl(PR_GET_NAME, name) == 0 && strcmp(name, "a-name-longer-t") == 0;
}
static bool death_signal_before(void)
{
    return prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0;
}
static bool death_signal_after(void)
{
    int value = 0;

    return prctl(PR_GET_PDEATHSIG, &value) == 0 && value == SIGUSR1;
}
static bool no_privileges_before(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
static bool no_privileges_after(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}
static bool slack_before(void)
{
    return prctl(PR_SET_TIMERSLACK, 123456) == 0;
}
static bool slack_after(void)
{
    return prctl(PR_GET_TIMERSLACK) == 123456;
}
static bool keep_capabilities_before(void)
{
    return prctl(PR_SET_KEEPCAPS, 1) == 0;
}
static bool keep_capabilities_after(void)
{
    return prctl(PR_GET_KEEPCAPS) == 0;
}
static bool secure_bits_before(void)
{
    return prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE) == 0;
}
static bool secure_bits_after(void)
{
    return prctl(PR_GET_SECUREBITS) == (SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE);
}
static bool personality_before(void)
{
    return personality(ADDR_NO_RANDOMIZE) >= 0;
}
static bool personality_after(void)
{
    return personality(0xffffffff) == ADDR_NO_RANDOMIZE;
}
/* The first image notes its places and passes on to itself; the second compares. */
static bool fixed_places_before(void)
{
    return personality(ADDR_NO_RANDOMIZE) >= 0;
}
static bool fixed_places_after(void)
{
    char place[64];
    const char *known = getenv("PLACES");

    snprintf(place, sizeof(place), "%012lx %p", (unsigned long)place & ~0xffffUL, sbrk(0));
    if (known)
        return strcmp(known, place) == 0;
    setenv("PLACES", place, 1);
    execve(program, arguments_now, environ);
    return false;
}

static const struct exec_case cases[] = {
    HALVES("kept: process, parent and thread number", "POSIX exec", identity_before,
           identity_after),
    HALVES("kept: process group and session", "POSIX exec", identity_before, group_after),
    HALVES("kept: a session of its own", "POSIX exec", session_before, session_after),
    HALVES("kept: users, groups, supplementary groups", "POSIX exec", users_before, users_after),
    HALVES("the saved user and group become the effective ones", "execve(2)", saved_users_before,
           saved_users_after),
    HALVES("an exec of another thread takes over the number", "execve(2)", thread_takes_over_before,
           thread_takes_over_after),
    HALVES("siblings end: blocked in a pipe", "execve(2)", sibling_in_pipe_before,
           thread_takes_over_after),
    HALVES("siblings end: waiting on a futex", "execve(2)", sibling_in_futex_before,
           thread_takes_over_after),
    HALVES("siblings end: computing", "execve(2)", sibling_computes_before,
           thread_takes_over_after),
    HALVES("siblings end: in page faults", "execve(2)", sibling_faults_before,
           thread_takes_over_after),
    HALVES("siblings end: making threads", "execve(2)", sibling_clones_before,
           thread_takes_over_after),
    HALVES("siblings end: in execs of their own", "execve(2)", sibling_execs_before,
           thread_takes_over_after),
    HALVES("kept: the working directory", "POSIX exec", folder_before, folder_after),
    HALVES("kept: the root directory", "POSIX exec", root_before, root_after),
    HALVES("kept: the file mode creation mask", "POSIX exec", mask_of_files_before,
           mask_of_files_after),
    HALVES("kept: the controlling terminal", "POSIX exec", terminal_before, terminal_after),
    HALVES("kept: used processor time", "POSIX exec", times_before, times_after),
    HALVES("kept: children", "POSIX exec", children_before, children_after),
    HALVES("kept: children that have ended already", "POSIX exec", dead_child_before,
           children_after),
    HALVES("kept: what children used", "POSIX exec", child_usage_before, child_usage_after),
    HALVES("kept: being a subreaper", "prctl(2), PR_SET_CHILD_SUBREAPER", subreaper_before,
           subreaper_after),
    HALVES("kept: resource limits", "POSIX exec", limits_before, limits_after),
    HALVES("the stack's limit counts from now on", "getrlimit(2)", stack_limit_before,
           stack_limit_after),
    HALVES("kept: the nice value", "POSIX exec", nice_before, nice_after),
    HALVES("kept: CPU affinity", "sched_setaffinity(2)", affinity_before, affinity_after),
    HALVES("kept: the scheduling policy", "sched(7)", policy_before, policy_after),
    HALVES("kept: oom_score_adj", "proc(5)", memory_score_before, memory_score_after),
    HALVES("reset: dumpable", "prctl(2), PR_SET_DUMPABLE", dumpable_before, dumpable_after),
    HALVES("reset: the thread's name", "execve(2)", name_before, name_after),
    HALVES("the thread's name has 15 bytes", "prctl(2), PR_SET_NAME", long_name_before,
           long_name_after),
    HALVES("kept: the parent-death signal", "prctl(2), PR_SET_PDEATHSIG", death_signal_before,
           death_signal_after),
    HALVES("kept: no_new_privs", "prctl(2), PR_SET_NO_NEW_PRIVS", no_privileges_before,
           no_privileges_after),
    HALVES("kept: the timer slack", "prctl(2), PR_SET_TIMERSLACK", slack_before, slack_after),
    HALVES("reset: keep-capabilities", "prctl(2), PR_SET_KEEPCAPS", keep_capabilities_before,
           keep_capabilities_after),
    HALVES("kept: the other securebits", "capabilities(7)", secure_bits_before, secure_bits_after),
    HALVES("kept: the personality", "personality(2)", personality_before, personality_after),
    HALVES("ADDR_NO_RANDOMIZE: the same places again", "personality(2)", fixed_places_before,
           fixed_places_after),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}

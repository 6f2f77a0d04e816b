/*
 * zombies: who has ended and was not waited for is still found by its number, and has its
 * credentials, limits and scheduling; so is a process's first thread while others go on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "cases.h"

static int policy_of(pid_t id)
{
    return (int)syscall(SYS_sched_getscheduler, id);
}

static int policy_set(pid_t id, int policy, int priority)
{
    return (int)syscall(SYS_sched_setscheduler, id, policy, &priority);
}

/* A child of nice value 5 that has ended, as `user`. */
static pid_t zombie(uid_t user)
{
    siginfo_t information;

    pid_t child = fork();
    if (child == 0)
        _exit(setpriority(PRIO_PROCESS, 0, 5) == 0 && setpgid(0, 0) == 0 && become(user) ? 0 : 1);
    return waitid(P_PID, child, &information, WEXITED | WNOWAIT) == 0 && information.si_status == 0
               ? child
               : -1;
}

/* ---- scheduling ---- */

static bool is_scheduled_still(pid_t id, int nice)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t times[3];
    } attributes;
    struct sched_param parameters;
    struct timespec interval;
    uint64_t cpus[16] = {0};

    REQUIRE(policy_of(id) == SCHED_OTHER);
    REQUIRE(syscall(SYS_sched_getparam, id, &parameters) == 0 && parameters.sched_priority == 0);
    REQUIRE(syscall(SYS_sched_getattr, id, &attributes, 48, 0) == 0 && attributes.nice == nice);
    REQUIRE(syscall(SYS_sched_getaffinity, id, sizeof(cpus), cpus) > 0 && cpus[0] & 1);
    REQUIRE(syscall(SYS_sched_rr_get_interval, id, &interval) == 0);
    REQUIRE(getpriority(PRIO_PROCESS, id) == nice);
    return true;
}

static bool is_scheduled_anew(pid_t id)
{
    uint64_t none = 0, first = 1, cpus[16] = {0};

    REQUIRE(setpriority(PRIO_PROCESS, id, 7) == 0 && getpriority(PRIO_PROCESS, id) == 7);
    REQUIRE(policy_set(id, SCHED_FIFO, 10) == 0 && policy_of(id) == SCHED_FIFO);
    REQUIRE(policy_set(id, SCHED_BATCH, 0) == 0 && policy_of(id) == SCHED_BATCH);
    REQUIRE(syscall(SYS_sched_setaffinity, id, 8, &first) == 0);
    REQUIRE(syscall(SYS_sched_getaffinity, id, sizeof(cpus), cpus) > 0 && cpus[0] == 1);
    REQUIRE_ERRNO(syscall(SYS_sched_setaffinity, id, 8, &none), EINVAL);
    return true;
}

static bool has_its_scheduling(void)
{
    pid_t child = zombie(0);

    REQUIRE(child > 0);
    return is_scheduled_still(child, 5) && is_scheduled_anew(child);
}

static bool counts_in_its_group(void)
{
    pid_t child = zombie(1077);

    REQUIRE(child > 0);
    REQUIRE(getpriority(PRIO_PGRP, child) == 5);
    REQUIRE(setpriority(PRIO_PGRP, child, 9) == 0 && getpriority(PRIO_PGRP, child) == 9);
    REQUIRE(getpriority(PRIO_USER, 1077) == 9);
    REQUIRE(setpriority(PRIO_USER, 1077, 11) == 0 && getpriority(PRIO_USER, 1077) == 11);
    REQUIRE(kill(-child, 0) == 0 && kill(-child, SIGTERM) == 0);
    return true;
}

static bool is_left_alone_by_others(void)
{
    pid_t child = zombie(1077);
    struct rlimit limit;
    uint64_t first = 1;
    size_t size;
    void *head;

    REQUIRE(child > 0 && become(1001));
    REQUIRE_ERRNO(kill(child, 0), EPERM);
    REQUIRE_ERRNO(kill(child, SIGKILL), EPERM);
    REQUIRE_ERRNO(syscall(SYS_tkill, child, SIGTERM), EPERM);
    REQUIRE_ERRNO(setpriority(PRIO_PROCESS, child, 12), EPERM);
    REQUIRE_ERRNO(policy_set(child, SCHED_BATCH, 0), EPERM);
    REQUIRE_ERRNO(syscall(SYS_sched_setaffinity, child, 8, &first), EPERM);
    REQUIRE_ERRNO(syscall(SYS_prlimit64, child, RLIMIT_NOFILE, NULL, &limit), EPERM);
    REQUIRE_ERRNO(syscall(SYS_get_robust_list, child, &head, &size), EPERM);
    REQUIRE_ERRNO(syscall(SYS_kcmp, getpid(), child, KCMP_VM, 0, 0), EPERM);
    REQUIRE(policy_of(child) == SCHED_OTHER);
    return true;
}

static bool keeps_its_user_in_bounds(void)
{
    pid_t child = zombie(1077);

    REQUIRE(child > 0 && become(1077));
    REQUIRE(setpriority(PRIO_PROCESS, child, 12) == 0);
    REQUIRE_ERRNO(setpriority(PRIO_PROCESS, child, 2), EACCES);
    REQUIRE(policy_set(child, SCHED_BATCH, 0) == 0);
    REQUIRE_ERRNO(policy_set(child, SCHED_FIFO, 1), EPERM);
    REQUIRE(kill(child, 0) == 0);
    return true;
}

/* ---- all else that names a process ---- */

static bool takes_signals(void)
{
    siginfo_t information = {.si_code = SI_QUEUE};
    pid_t child = zombie(0);

    REQUIRE(child > 0);
    REQUIRE(kill(child, 0) == 0 && kill(child, SIGTERM) == 0);
    REQUIRE(syscall(SYS_tkill, child, 0) == 0 && syscall(SYS_tkill, child, SIGKILL) == 0);
    REQUIRE(syscall(SYS_tgkill, child, child, SIGTERM) == 0);
    REQUIRE_ERRNO(syscall(SYS_tgkill, getpid(), child, 0), ESRCH);
    REQUIRE(syscall(SYS_rt_sigqueueinfo, child, SIGTERM, &information) == 0);
    REQUIRE(syscall(SYS_rt_tgsigqueueinfo, child, child, SIGTERM, &information) == 0);
    return true;
}

static bool has_a_pidfd(void)
{
    siginfo_t information;
    pid_t child = zombie(0);

    REQUIRE(child > 0);
    int descriptor = (int)syscall(SYS_pidfd_open, child, 0);
    REQUIRE(descriptor >= 0);
    REQUIRE(syscall(SYS_pidfd_send_signal, descriptor, 0, NULL, 0) == 0);
    REQUIRE(syscall(SYS_pidfd_send_signal, descriptor, SIGTERM, NULL, 0) == 0);
    REQUIRE(waitid(P_PID, child, &information, WEXITED | WNOWAIT) == 0);
    REQUIRE(waitid(P_PID, child, &information, WEXITED) == 0);
    REQUIRE_ERRNO(syscall(SYS_pidfd_send_signal, descriptor, 0, NULL, 0), ESRCH);
    REQUIRE_ERRNO(kill(child, 0), ESRCH);
    REQUIRE_ERRNO(syscall(SYS_tkill, child, 0), ESRCH);
    REQUIRE_ERRNO(policy_of(child), ESRCH);
    REQUIRE_ERRNO(getpriority(PRIO_PROCESS, child), ESRCH);
    return true;
}

static bool has_limits_and_groups(void)
{
    struct rlimit fewer = {100, 100}, limit;
    pid_t child = zombie(0);

    REQUIRE(child > 0);
    REQUIRE(getpgid(child) == child && getsid(child) == getsid(0));
    REQUIRE(syscall(SYS_prlimit64, child, RLIMIT_NOFILE, &fewer, NULL) == 0);
    REQUIRE(syscall(SYS_prlimit64, child, RLIMIT_NOFILE, NULL, &limit) == 0);
    REQUIRE(limit.rlim_cur == 100);
    REQUIRE(setpgid(child, getpgrp()) == 0 && getpgid(child) == getpgrp());
    return true;
}

static bool has_no_memory_and_files(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    void *head = &byte;
    size_t size;
    pid_t child = zombie(0), self = getpid();

    REQUIRE(child > 0);
    REQUIRE_ERRNO(process_vm_readv(child, &here, 1, &there, 1, 0), ESRCH);
    REQUIRE_ERRNO(process_vm_writev(child, &here, 1, &there, 1, 0), ESRCH);
    REQUIRE_ERRNO(syscall(SYS_kcmp, self, child, KCMP_FILE, 1, 1), EBADF);
    REQUIRE(syscall(SYS_kcmp, child, child, KCMP_VM, 0, 0) == 0);
    REQUIRE(syscall(SYS_kcmp, self, child, KCMP_VM, 0, 0) > 0);
    REQUIRE(syscall(SYS_kcmp, self, child, KCMP_FILES, 0, 0) > 0);
    REQUIRE(syscall(SYS_get_robust_list, child, &head, &size) == 0 && !head);
    return true;
}

static bool has_its_capabilities(void)
{
    pid_t child = zombie(0);
    uint32_t header[2] = {0x20080522, (uint32_t)child}, sets[6] = {0};

    REQUIRE(child > 0);
    REQUIRE(syscall(SYS_capget, header, sets) == 0 && sets[0] != 0);
    child = zombie(1077);
    header[1] = (uint32_t)child;
    REQUIRE(child > 0 && syscall(SYS_capget, header, sets) == 0 && sets[0] == 0);
    return true;
}

static bool owns_files(void)
{
    struct f_owner_ex owner = {F_OWNER_TID, zombie(0)};
    int ends[2];

    REQUIRE(owner.pid > 0 && pipe(ends) == 0);
    REQUIRE(fcntl(ends[0], F_SETOWN, owner.pid) == 0 && fcntl(ends[0], F_GETOWN) == owner.pid);
    REQUIRE(fcntl(ends[0], F_SETOWN_EX, &owner) == 0);
    REQUIRE(fcntl(ends[0], F_SETFL, O_ASYNC) == 0 && write(ends[1], "x", 1) == 1);
    return true;
}

static bool is_in_proc(void)
{
    char name[64], text[4096] = "";
    pid_t child = zombie(1077);

    REQUIRE(child > 0);
    snprintf(name, sizeof(name), "/proc/%d/task/%d/stat", child, child);
    REQUIRE(access(name, R_OK) == 0);
    snprintf(name, sizeof(name), "/proc/%d/status", child);
    REQUIRE(read(open(name, O_RDONLY), text, sizeof(text) - 1) > 0);
    REQUIRE(strstr(text, "\nState:\tZ (zombie)\n"));
    REQUIRE(strstr(text, "\nUid:\t1077\t1077\t1077\t1077\n"));
    return true;
}

/* ---- a first thread that has ended ---- */

static bool first_thread_answers;

static void *outlives_the_first(void *unused)
{
    char name[64];

    (void)unused;
    snprintf(name, sizeof(name), "/proc/self/task/%d/stat", getpid());
    for (char text[256] = ""; !strstr(text, ") Z ");) {
        int file = open(name, O_RDONLY);
        if (read(file, text, sizeof(text) - 1) < 0)
            _exit(1);
        close(file);
    }
    first_thread_answers = is_scheduled_still(getpid(), 0) && is_scheduled_anew(getpid()) &&
                           syscall(SYS_tkill, getpid(), SIGTERM) == 0;
    _exit(first_thread_answers ? 0 : 1);
}

static bool first_thread_ends(void)
{
    pid_t child = fork();

    if (child == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, outlives_the_first, NULL);
        syscall(SYS_exit, 0);
    }
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static void *executes(void *unused)
{
    (void)unused;
    execl("/bin/busybox", "busybox", "true", NULL);
    _exit(1);
}

static bool another_thread_takes_its_number(void)
{
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t thread;
            setpriority(PRIO_PROCESS, 0, 5);
            pthread_create(&thread, NULL, executes, NULL);
            syscall(SYS_exit, 0);
        }
        REQUIRE(exited(status_of(child), 0));
    }
    return true;
}

static const struct test_case cases[] = {
    {"a zombie's scheduling", "sched(7)", has_its_scheduling},
    {"a zombie counts in its group and for its user", "getpriority(2)", counts_in_its_group},
    {"another user's zombie is left alone", "kill(2), sched(7)", is_left_alone_by_others},
    {"one's own zombie, without privileges", "sched(7)", keeps_its_user_in_bounds},
    {"a zombie takes signals", "kill(2)", takes_signals},
    {"a zombie has a pidfd until it is reaped", "pidfd_open(2)", has_a_pidfd},
    {"a zombie's limits and groups", "prlimit(2), setpgid(2)", has_limits_and_groups},
    {"a zombie has no memory and no files", "kcmp(2)", has_no_memory_and_files},
    {"a zombie's capabilities", "capget(2)", has_its_capabilities},
    {"a zombie owns files", "fcntl(2)", owns_files},
    {"a zombie in /proc", "proc(5)", is_in_proc},
    {"a first thread that has ended", "pthread_exit(3)", first_thread_ends},
    {"another thread takes its number", "execve(2)", another_thread_takes_its_number},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

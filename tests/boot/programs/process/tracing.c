/*
 * tracing: who may look into whom (ptrace(2), "Ptrace access mode checking"), asked on every way:
 * by memory, by descriptors, by what is shared, in /proc. And limits, which are a process's own.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "cases.h"

#define USER     1000
#define RAW_ONLY (1U << CAP_NET_RAW)
#define TWO      (1U << CAP_NET_RAW | 1U << CAP_SYS_CHROOT)

static int value = 7;

/* An ordinary user with these capabilities, who lets others look. */
static bool become_with(uint32_t permitted, uint32_t effective)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{.permitted = permitted, .effective = effective}};

    REQUIRE(prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, NULL) == 0);
    REQUIRE(setresgid(USER, USER, USER) == 0 && setresuid(USER, USER, USER) == 0);
    REQUIRE(syscall(SYS_capset, &header, data) == 0);
    REQUIRE(prctl(PR_SET_DUMPABLE, 1) == 0);
    return true;
}

static bool made(const void *make)
{
    return (*(bool (*const *)(void))make)();
}

/* A child of this kind, once it is one; -1. */
static pid_t other_become(bool (*make)(void))
{
    return child_that_holds(made, &make);
}

/* ---- every way to look: 0, or the errno ---- */

static int by_memory(pid_t other)
{
    int seen;
    struct iovec here = {&seen, sizeof(seen)}, there = {&value, sizeof(value)};

    return process_vm_readv(other, &here, 1, &there, 1, 0) == sizeof(seen) ? 0 : errno;
}

static int by_memory_written(pid_t other)
{
    int written = 7;
    struct iovec here = {&written, sizeof(written)}, there = {&value, sizeof(value)};

    return process_vm_writev(other, &here, 1, &there, 1, 0) == sizeof(written) ? 0 : errno;
}

static int by_descriptor(pid_t other)
{
    int process = (int)syscall(SYS_pidfd_open, other, 0);
    int file = (int)syscall(SYS_pidfd_getfd, process, 0, 0), error = file < 0 ? errno : 0;

    close(process);
    close(file);
    return error;
}

static int by_comparison(pid_t other)
{
    return syscall(SYS_kcmp, getpid(), other, KCMP_VM, 0, 0) < 0 ? errno : 0;
}

static int by_robust_list(pid_t other)
{
    size_t size;
    void *head;

    return syscall(SYS_get_robust_list, other, &head, &size) < 0 ? errno : 0;
}

/* EACCES, as EPERM is called where files are opened. */
static int by_file(pid_t other, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", other, name);
    int file = open(path, O_RDONLY | O_CLOEXEC), error = file < 0 ? errno : 0;
    close(file);
    return error == EACCES ? EPERM : error;
}

static int by_environment(pid_t other)
{
    return by_file(other, "environ");
}

static int by_maps(pid_t other)
{
    return by_file(other, "maps");
}

static int by_link(pid_t other)
{
    char path[64], target[64];

    snprintf(path, sizeof(path), "/proc/%d/cwd", other);
    return readlink(path, target, sizeof(target)) > 0 ? 0 : errno == EACCES ? EPERM : errno;
}

static const struct {
    const char *name;
    int (*look)(pid_t other);
    bool as_file_user; /* with the effective capabilities: PTRACE_MODE_FSCREDS */
} ways[] = {
    {"process_vm_readv", by_memory, false},
    {"process_vm_writev", by_memory_written, false},
    {"pidfd_getfd", by_descriptor, false},
    {"kcmp", by_comparison, false},
    {"get_robust_list", by_robust_list, false},
    {"environ", by_environment, true},
    {"maps", by_maps, true},
    {"cwd", by_link, true},
};

/* Every way says the same, but where `file_expected` is for those of the file user. */
static bool all_ways(pid_t other, int expected, int file_expected)
{
    bool passed = true;

    REQUIRE(other > 0);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int error = ways[i].look(other);
        if (error == (ways[i].as_file_user ? file_expected : expected))
            continue;
        tap_note("%s: errno %d (%s)", ways[i].name, error, strerror(error));
        passed = false;
    }
    kill(other, SIGKILL);
    return passed;
}

static bool without(void)
{
    return become_with(0, 0);
}
static bool with_one(void)
{
    return become_with(RAW_ONLY, 0);
}
static bool with_two(void)
{
    return become_with(TWO, 0);
}
static bool not_dumpable(void)
{
    return become_with(0, 0) && prctl(PR_SET_DUMPABLE, 0) == 0;
}
static bool of_another_group(void)
{
    return setgroups(0, NULL) == 0 && setresgid(USER, USER, USER + 1) == 0 &&
           setresuid(USER, USER, USER) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

static bool its_own_user(void)
{
    pid_t other = other_become(without);

    return become_with(0, 0) && all_ways(other, 0, 0);
}
static bool capabilities_beyond(void)
{
    pid_t other = other_become(with_two);

    return become_with(RAW_ONLY, RAW_ONLY) && all_ways(other, EPERM, EPERM);
}
static bool capabilities_alike(void)
{
    pid_t other = other_become(with_one);

    return become_with(TWO, TWO) && all_ways(other, 0, 0);
}
static bool capabilities_not_effective(void)
{
    pid_t other = other_become(with_one);

    return become_with(TWO, 0) && all_ways(other, 0, EPERM);
}
static bool one_not_dumpable(void)
{
    pid_t other = other_become(not_dumpable);

    return become_with(0, 0) && all_ways(other, EPERM, EPERM);
}
static bool another_saved_group(void)
{
    pid_t other = other_become(of_another_group);

    return become_with(0, 0) && all_ways(other, EPERM, EPERM);
}
static bool superuser(void)
{
    return all_ways(other_become(with_two), 0, 0);
}

/* ---- limits ---- */

/* What the child of vfork(2) sets while it is in its parent's memory. */
static bool limit_of_vfork_child(void)
{
    const struct rlimit small = {1 << 20, 1 << 20};
    struct rlimit now;

    pid_t child = vfork();
    if (child == 0)
        _exit(setrlimit(RLIMIT_AS, &small) != 0);
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(getrlimit(RLIMIT_AS, &now) == 0 && now.rlim_cur != small.rlim_cur);
    REQUIRE(mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    return true;
}

static bool limit_of_another(void)
{
    const struct rlimit small = {1 << 20, 1 << 20};
    int go[2];
    char byte;

    REQUIRE(pipe(go) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (read(go[0], &byte, 1) != 1)
            _exit(1);
        _exit(mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    }
    REQUIRE(prlimit(child, RLIMIT_AS, &small, NULL) == 0 && write(go[1], "g", 1) == 1);
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    return true;
}

static const struct test_case cases[] = {
    {"a process of the same user", "ptrace(2)", its_own_user},
    {"one that may do more", "ptrace(2)", capabilities_beyond},
    {"one that may do less", "ptrace(2)", capabilities_alike},
    {"one that may do what the caller may, but not just now", "ptrace(2)",
     capabilities_not_effective},
    {"one that is not dumpable", "ptrace(2)", one_not_dumpable},
    {"one with another saved group", "ptrace(2)", another_saved_group},
    {"any process, for the superuser", "ptrace(2)", superuser},
    {"a limit that vfork's child sets is its own", "vfork(2)", limit_of_vfork_child},
    {"a limit that is set for another process", "prlimit(2)", limit_of_another},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/* credentials: users, groups, capabilities, limits, scheduling, prctl, rseq, and the system's
 * names. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "cases.h"

static bool users_are(uid_t real, uid_t effective, uid_t saved)
{
    uid_t r, e, s;

    return getresuid(&r, &e, &s) == 0 && r == real && e == effective && s == saved;
}

static bool groups_are(gid_t real, gid_t effective, gid_t saved)
{
    gid_t r, e, s;

    return getresgid(&r, &e, &s) == 0 && r == real && e == effective && s == saved;
}

static uint64_t effective_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};

    syscall(SYS_capget, &header, data);
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

static bool setuid_of_root(void)
{
    REQUIRE(setuid(1000) == 0 && users_are(1000, 1000, 1000));
    REQUIRE_ERRNO(setuid(0), EPERM);
    REQUIRE_ERRNO(setuid(1001), EPERM);
    REQUIRE(setuid(1000) == 0);
    return true;
}

static bool seteuid_and_back(void)
{
    REQUIRE(seteuid(1000) == 0 && users_are(0, 1000, 0));
    REQUIRE(seteuid(0) == 0 && users_are(0, 0, 0));
    return true;
}

static bool setreuid_rules(void)
{
    REQUIRE(setreuid(1000, 1001) == 0 && users_are(1000, 1001, 1001));
    REQUIRE(setreuid(1001, 1000) == 0 && users_are(1001, 1000, 1000));
    REQUIRE_ERRNO(setreuid(5, -1), EPERM);
    REQUIRE_ERRNO(setreuid(-1, 5), EPERM);
    REQUIRE(setreuid(-1, -1) == 0 && users_are(1001, 1000, 1000));
    return true;
}

static bool setresuid_rules(void)
{
    REQUIRE(setresuid(1, 2, 3) == 0 && users_are(1, 2, 3));
    REQUIRE(setresuid(3, 1, 2) == 0 && users_are(3, 1, 2));
    REQUIRE_ERRNO(setresuid(4, -1, -1), EPERM);
    REQUIRE_ERRNO(setresuid(-1, -1, 4), EPERM);
    REQUIRE(setresuid(-1, 3, -1) == 0 && users_are(3, 3, 2));
    return true;
}

static bool setgid_rules(void)
{
    REQUIRE(setgid(100) == 0 && groups_are(100, 100, 100));
    REQUIRE(setresgid(1, 2, 3) == 0 && groups_are(1, 2, 3));
    REQUIRE(setregid(4, 5) == 0 && groups_are(4, 5, 5));
    REQUIRE(setuid(1000) == 0);
    REQUIRE_ERRNO(setgid(6), EPERM);
    REQUIRE(setgid(4) == 0 && groups_are(4, 4, 5));
    REQUIRE_ERRNO(setresgid(6, -1, -1), EPERM);
    return true;
}

static bool invalid_ids(void)
{
    REQUIRE_ERRNO(syscall(SYS_setuid, -1), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_setgid, -1), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_getresuid, (void *)1, NULL, NULL), EFAULT);
    return true;
}

static bool file_user(void)
{
    REQUIRE(setfsuid(1000) == 0);
    REQUIRE(setfsuid(-1) == 1000);
    REQUIRE(setfsuid(0) == 1000);
    REQUIRE(setfsgid(100) == 0 && setfsgid(-1) == 100);
    REQUIRE(setuid(5) == 0 && setfsuid(7) == 5 && setfsuid(-1) == 5); /* refused in silence */
    return true;
}

static bool supplementary_groups(void)
{
    gid_t set[3] = {30, 10, 20}, got[8];

    REQUIRE(setgroups(3, set) == 0);
    REQUIRE(getgroups(0, NULL) == 3);
    REQUIRE(getgroups(8, got) == 3);
    REQUIRE(got[0] + got[1] + got[2] == 60);
    REQUIRE_ERRNO(getgroups(2, got), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_getgroups, -1, got), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_setgroups, 65537, got), EINVAL);
    REQUIRE(setuid(1000) == 0);
    REQUIRE_ERRNO(setgroups(0, NULL), EPERM);
    return true;
}

static bool capabilities_follow_users(void)
{
    REQUIRE(effective_capabilities() != 0);
    REQUIRE(seteuid(1000) == 0 && effective_capabilities() == 0);
    REQUIRE(seteuid(0) == 0 && effective_capabilities() != 0);
    REQUIRE(setuid(1000) == 0 && effective_capabilities() == 0);
    return true;
}

static bool keep_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};

    REQUIRE(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1);
    REQUIRE(setuid(1000) == 0);
    REQUIRE(syscall(SYS_capget, &header, data) == 0);
    REQUIRE(data[0].effective == 0 && data[0].permitted != 0);
    data[0].effective = data[0].permitted;
    data[1].effective = data[1].permitted;
    REQUIRE(syscall(SYS_capset, &header, data) == 0);
    REQUIRE(setuid(0) == 0);
    return true;
}

static bool capset_rules(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};

    REQUIRE(syscall(SYS_capset, &header, data) == 0);
    REQUIRE(effective_capabilities() == 0);
    data[0].permitted = 1;
    REQUIRE_ERRNO(syscall(SYS_capset, &header, data), EPERM);
    header.version = 1;
    REQUIRE_ERRNO(syscall(SYS_capset, &header, data), EINVAL);
    REQUIRE(header.version == _LINUX_CAPABILITY_VERSION_3);
    return true;
}

static bool bounding_set(void)
{
    REQUIRE(prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1);
    REQUIRE(prctl(PR_CAPBSET_DROP, CAP_CHOWN) == 0 && prctl(PR_CAPBSET_READ, CAP_CHOWN) == 0);
    REQUIRE_ERRNO(prctl(PR_CAPBSET_READ, 64), EINVAL);
    return true;
}

static bool credentials_inherited(void)
{
    REQUIRE(setresuid(1, 2, 3) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(users_are(1, 2, 3) ? 0 : 1);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

/* ---- limits ---- */

static bool limits_set_and_read(void)
{
    struct rlimit limit = {100, 200}, got;

    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    REQUIRE(getrlimit(RLIMIT_NOFILE, &got) == 0 && got.rlim_cur == 100 && got.rlim_max == 200);
    limit.rlim_cur = 300;
    REQUIRE_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
    REQUIRE_ERRNO(setrlimit(99, &limit), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_getrlimit, 99, &limit), EINVAL);
    return true;
}

static bool limits_raise_needs_privilege(void)
{
    struct rlimit limit = {100, 200};

    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    REQUIRE(setuid(1000) == 0);
    limit.rlim_max = 201;
    REQUIRE_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
    limit.rlim_max = 150;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    return true;
}

static bool limits_of_another(void)
{
    struct rlimit limit = {10, 20}, got;

    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    REQUIRE(prlimit(child, RLIMIT_NOFILE, &limit, NULL) == 0);
    REQUIRE(prlimit(child, RLIMIT_NOFILE, NULL, &got) == 0 && got.rlim_cur == 10);
    kill(child, SIGKILL);
    status_of(child);
    REQUIRE_ERRNO(prlimit(0x3fffffff, RLIMIT_NOFILE, NULL, &got), ESRCH);
    return true;
}

static bool limit_of_files(void)
{
    struct rlimit limit = {5, 5};
    int last = -1, file;

    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while ((file = dup(0)) >= 0)
        last = file;
    REQUIRE(errno == EMFILE && last == 4);
    REQUIRE_ERRNO(dup2(0, 5), EBADF);
    REQUIRE_ERRNO(fcntl(0, F_DUPFD, 5), EINVAL);
    return true;
}

static bool limit_of_file_size(void)
{
    struct rlimit limit = {1000, 1000};
    char bytes[600] = {0};

    signal(SIGXFSZ, SIG_IGN);
    int file = open("/tmp/limit_of_file_size", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0)
        file = open("/limit_of_file_size", O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(file >= 0);
    unlink("/tmp/limit_of_file_size");
    unlink("/limit_of_file_size");
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    REQUIRE(write(file, bytes, 600) == 600);
    REQUIRE(write(file, bytes, 600) == 400);
    REQUIRE_ERRNO(write(file, bytes, 600), EFBIG);
    REQUIRE_ERRNO(ftruncate(file, 1001), EFBIG);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_DFL);
        if (write(file, bytes, 600) < 0)
            _exit(1);
        _exit(0);
    }
    REQUIRE(killed_by(status_of(child), SIGXFSZ));
    return true;
}

static bool limit_of_processes(void)
{
    struct rlimit limit = {3, 3};

    REQUIRE(setuid(4242) == 0);
    REQUIRE(setrlimit(RLIMIT_NPROC, &limit) == 0);
    pid_t first = fork();
    if (first == 0) {
        pause();
        _exit(0);
    }
    pid_t second = fork();
    if (second == 0) {
        pause();
        _exit(0);
    }
    REQUIRE(first > 0 && second > 0);
    pid_t third = fork();
    if (third == 0)
        _exit(0);
    REQUIRE(third == -1 && errno == EAGAIN);
    kill(first, SIGKILL);
    status_of(first);
    third = fork();
    if (third == 0)
        _exit(0);
    REQUIRE(third > 0 && exited(status_of(third), 0));
    kill(second, SIGKILL);
    status_of(second);
    return true;
}

static bool limit_of_memory(void)
{
    struct rlimit limit = {64 << 20, 64 << 20};

    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    REQUIRE_ERRNO(
        (long)mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        ENOMEM);
    REQUIRE(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
            MAP_FAILED);
    return true;
}

static bool limit_of_data(void)
{
    struct rlimit limit = {16 << 20, 16 << 20};

    REQUIRE(setrlimit(RLIMIT_DATA, &limit) == 0);
    REQUIRE_ERRNO(
        (long)mmap(NULL, 32 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        ENOMEM);
    REQUIRE(mmap(NULL, 32 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    return true;
}

static bool limit_of_cpu_time(void)
{
    pid_t child = fork();

    if (child == 0) {
        struct rlimit limit = {1, 3};
        setrlimit(RLIMIT_CPU, &limit);
        for (;;)
            ;
    }
    REQUIRE(killed_by(status_of(child), SIGXCPU));
    return true;
}

static bool limit_of_stack(void)
{
    char self[64];

    snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {256 << 10, 256 << 10};
        setrlimit(RLIMIT_STACK, &limit);
        execl(self, "credentials", "stack", NULL);
        _exit(9);
    }
    REQUIRE(killed_by(status_of(child), SIGSEGV));
    return true;
}

static __attribute__((noinline, optnone)) int use_stack(int size)
{
    volatile char *room = __builtin_alloca(4096);

    room[0] = size;
    if (size <= 0)
        return room[0];
    return use_stack(size - 4096) + room[0];
}

/* ---- scheduling ---- */

#define IO(class, data) ((class) << 13 | (data))
enum { IO_PROCESS = 1, IO_GROUP, IO_USER };
enum { IO_NONE, IO_REAL_TIME, IO_BEST_EFFORT, IO_IDLE };

static long io_get(int which, int who)
{
    return syscall(SYS_ioprio_get, which, who);
}
static long io_set(int which, int who, int priority)
{
    return syscall(SYS_ioprio_set, which, who, priority);
}

static bool io_priorities(void)
{
    REQUIRE(io_set(IO_PROCESS, 0, IO(IO_REAL_TIME, 2)) == 0);
    REQUIRE(io_get(IO_PROCESS, 0) == IO(IO_REAL_TIME, 2));
    pid_t child = fork();
    if (child == 0)
        _exit(io_get(IO_PROCESS, 0) == IO(IO_REAL_TIME, 2) ? 0 : 1);
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(setpgid(0, 0) == 0 && io_set(IO_GROUP, 0, IO(IO_IDLE, 0)) == 0);
    REQUIRE(io_get(IO_GROUP, getpid()) == IO(IO_IDLE, 0));
    REQUIRE(io_set(IO_PROCESS, getpid(), IO(IO_BEST_EFFORT, 7)) == 0);
    REQUIRE(io_get(IO_PROCESS, 0) == IO(IO_BEST_EFFORT, 7));
    REQUIRE(io_set(IO_PROCESS, 0, IO(IO_NONE, 0)) == 0);
    REQUIRE_ERRNO(io_set(IO_PROCESS, 0, IO(IO_NONE, 1)), EINVAL);
    REQUIRE_ERRNO(io_set(IO_PROCESS, 0, IO(4, 0)), EINVAL);
    REQUIRE_ERRNO(io_set(0, 0, IO(IO_IDLE, 0)), EINVAL);
    REQUIRE_ERRNO(io_get(4, 0), EINVAL);
    REQUIRE_ERRNO(io_get(IO_PROCESS, 0x3fffffff), ESRCH);
    REQUIRE(setuid(1000) == 0);
    REQUIRE(io_set(IO_USER, 1000, IO(IO_BEST_EFFORT, 3)) == 0);
    REQUIRE(io_get(IO_USER, 0) == IO(IO_BEST_EFFORT, 3));
    REQUIRE_ERRNO(io_set(IO_PROCESS, 0, IO(IO_REAL_TIME, 3)), EPERM);
    REQUIRE_ERRNO(io_set(IO_PROCESS, getppid(), IO(IO_IDLE, 0)), EPERM);
    return true;
}

static bool priorities(void)
{
    errno = 0;
    REQUIRE(getpriority(PRIO_PROCESS, 0) == 0 && errno == 0);
    REQUIRE(setpriority(PRIO_PROCESS, 0, 5) == 0 && getpriority(PRIO_PROCESS, 0) == 5);
    REQUIRE(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
    REQUIRE(setpriority(PRIO_PROCESS, 0, -5) == 0 && getpriority(PRIO_PROCESS, 0) == -5);
    REQUIRE(setpriority(PRIO_PROCESS, 0, 0) == 0 && nice(3) == 3);
    REQUIRE_ERRNO(setpriority(99, 0, 0), EINVAL);
    REQUIRE_ERRNO(setpriority(PRIO_PROCESS, 0x3fffffff, 0), ESRCH);
    REQUIRE(setuid(1000) == 0);
    REQUIRE_ERRNO(setpriority(PRIO_PROCESS, 0, 0), EACCES);
    REQUIRE_ERRNO(setpriority(PRIO_PROCESS, getppid(), 10), EPERM);
    return true;
}

static bool policies(void)
{
    struct sched_param parameters = {.sched_priority = 5};

    REQUIRE(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
    REQUIRE(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameters) == 0);
    REQUIRE(syscall(SYS_sched_getscheduler, 0) == SCHED_FIFO);
    REQUIRE(syscall(SYS_sched_getparam, 0, &parameters) == 0 && parameters.sched_priority == 5);
    REQUIRE_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &parameters), EINVAL);
    parameters.sched_priority = 0;
    REQUIRE(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &parameters) == 0);
    REQUIRE(sched_get_priority_max(SCHED_RR) == 99 && sched_get_priority_min(SCHED_RR) == 1);
    REQUIRE_ERRNO(sched_get_priority_max(99), EINVAL);
    REQUIRE(setuid(1000) == 0);
    parameters.sched_priority = 5;
    REQUIRE_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameters), EPERM);
    REQUIRE_ERRNO(syscall(SYS_sched_getscheduler, 0x3fffffff), ESRCH);
    return true;
}

static bool affinity(void)
{
    uint64_t mask[16] = {0};
    unsigned cpu = 99;

    REQUIRE(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) >= 8 && mask[0]);
    REQUIRE_ERRNO(syscall(SYS_sched_getaffinity, 0, 4, mask), EINVAL);
    uint64_t one = mask[0] & -mask[0];
    REQUIRE(syscall(SYS_sched_setaffinity, 0, 8, &one) == 0);
    REQUIRE(sched_yield() == 0);
    REQUIRE(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && (1UL << cpu) == one);
    one = 0;
    REQUIRE_ERRNO(syscall(SYS_sched_setaffinity, 0, 8, &one), EINVAL);
    return true;
}

/* ---- prctl and others ---- */

static bool thread_names(void)
{
    char name[16], file[64] = "";

    REQUIRE(prctl(PR_SET_NAME, "a name that is longer than fits") == 0);
    REQUIRE(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "a name that is ") == 0);
    int comm = open("/proc/self/comm", O_RDWR);
    REQUIRE(comm >= 0 && read(comm, file, sizeof(file)) == 16);
    REQUIRE(strcmp(file, "a name that is \n") == 0);
    REQUIRE(write(comm, "short", 5) == 5);
    REQUIRE(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "short") == 0);
    return true;
}

static bool parent_death_signal(void)
{
    int got, ends[2];
    char byte;

    REQUIRE(pipe(ends) == 0);
    REQUIRE(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
    REQUIRE(prctl(PR_GET_PDEATHSIG, &got) == 0 && got == SIGUSR1);
    REQUIRE_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
    pid_t middle = fork();
    if (middle == 0) {
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
        sleep_ms(50);
        _exit(0);
    }
    close(ends[1]);
    REQUIRE(exited(status_of(middle), 0));
    REQUIRE(read(ends[0], &byte, 1) == 0); /* the grandchild is gone as well */
    return true;
}

static bool subreaper(void)
{
    int flag = 0, ends[2];
    pid_t orphan;

    REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    REQUIRE(prctl(PR_GET_CHILD_SUBREAPER, &flag) == 0 && flag == 1);
    REQUIRE(pipe(ends) == 0);
    pid_t middle = fork();
    if (middle == 0) {
        orphan = fork();
        if (orphan == 0) {
            sleep_ms(50);
            _exit(33);
        }
        if (write(ends[1], &orphan, sizeof(orphan)) != sizeof(orphan))
            _exit(1);
        _exit(0);
    }
    REQUIRE(read(ends[0], &orphan, sizeof(orphan)) == sizeof(orphan));
    REQUIRE(exited(status_of(middle), 0));
    REQUIRE(exited(status_of(orphan), 33));
    return true;
}

static bool flags_of_prctl(void)
{
    REQUIRE(prctl(PR_GET_DUMPABLE) == 1);
    REQUIRE(prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0);
    REQUIRE_ERRNO(prctl(PR_SET_DUMPABLE, 3), EINVAL);
    REQUIRE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    REQUIRE_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    REQUIRE(prctl(PR_GET_SECCOMP) == 0);
    REQUIRE_ERRNO(prctl(12345), EINVAL);
    REQUIRE(prctl(PR_SET_TIMERSLACK, 1000) == 0 && prctl(PR_GET_TIMERSLACK) == 1000);
    return true;
}

static bool dumpable_lost_with_user(void)
{
    REQUIRE(setuid(1000) == 0 && prctl(PR_GET_DUMPABLE) == 0);
    return true;
}

static bool names_of_the_system(void)
{
    struct utsname names;

    REQUIRE(uname(&names) == 0);
    REQUIRE(strcmp(names.sysname, "Linux") == 0 && strcmp(names.machine, "x86_64") == 0);
    REQUIRE(sethostname("here", 4) == 0 && uname(&names) == 0);
    REQUIRE(strcmp(names.nodename, "here") == 0);
    char longest[65] = {0};
    REQUIRE_ERRNO(sethostname(longest, 65), EINVAL);
    REQUIRE_ERRNO(uname((void *)1), EFAULT);
    REQUIRE(setuid(1000) == 0);
    REQUIRE_ERRNO(sethostname("there", 5), EPERM);
    return true;
}

static bool system_information(void)
{
    struct sysinfo information;

    REQUIRE(sysinfo(&information) == 0);
    REQUIRE(information.mem_unit >= 1 && information.totalram > information.freeram);
    REQUIRE(information.procs >= 2);
    REQUIRE_ERRNO(syscall(SYS_sysinfo, (void *)1), EFAULT);
    return true;
}

static bool reboot_is_guarded(void)
{
    REQUIRE_ERRNO(syscall(SYS_reboot, 1, 2, 3, NULL), EINVAL);
    REQUIRE(setuid(1000) == 0);
    REQUIRE_ERRNO(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x4321fedc, NULL), EPERM);
    return true;
}

static bool segment_bases(void)
{
    uint64_t base = 1;

    REQUIRE(syscall(SYS_arch_prctl, 0x1003, &base) == 0 && base != 0); /* ARCH_GET_FS */
    REQUIRE(syscall(SYS_arch_prctl, 0x1001, 0x12345000) == 0);         /* ARCH_SET_GS */
    REQUIRE(syscall(SYS_arch_prctl, 0x1004, &base) == 0 && base == 0x12345000);
    sleep_ms(20);
    REQUIRE(syscall(SYS_arch_prctl, 0x1004, &base) == 0 && base == 0x12345000);
    REQUIRE_ERRNO(syscall(SYS_arch_prctl, 0x1001, 0xffff800000000000), EPERM);
    REQUIRE_ERRNO(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
    return true;
}

static bool memory_barriers(void)
{
    long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

    REQUIRE(commands > 0);
    REQUIRE(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0);
    REQUIRE_ERRNO(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
    REQUIRE(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0);
    REQUIRE(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
    REQUIRE_ERRNO(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
    return true;
}

static __attribute__((aligned(32))) struct rseq area;
#define SIGNATURE 0x53053053

static bool rseq_registers(void)
{
    unsigned cpu;

    REQUIRE_ERRNO(syscall(SYS_rseq, (char *)&area + 1, 32, 0, SIGNATURE), EINVAL);
    REQUIRE(syscall(SYS_rseq, &area, 32, 0, SIGNATURE) == 0);
    REQUIRE(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && area.cpu_id == cpu);
    REQUIRE_ERRNO(syscall(SYS_rseq, &area, 32, 0, SIGNATURE), EBUSY);
    REQUIRE_ERRNO(syscall(SYS_rseq, &area, 32, 0, 5), EPERM);
    REQUIRE_ERRNO(syscall(SYS_rseq, &area, 32, RSEQ_FLAG_UNREGISTER, 5), EPERM);
    REQUIRE(syscall(SYS_rseq, &area, 32, RSEQ_FLAG_UNREGISTER, SIGNATURE) == 0);
    REQUIRE_ERRNO(syscall(SYS_rseq, &area, 32, RSEQ_FLAG_UNREGISTER, SIGNATURE), EINVAL);
    return true;
}

static void nothing(int signal)
{
    (void)signal;
}

static struct rseq_cs section __attribute__((aligned(32)));

/* Spins inside a sequence until something takes it back. */
static bool rseq_taken_back(void)
{
    uint64_t aborted = 0, start, length, handler;

    REQUIRE(syscall(SYS_rseq, &area, 32, 0, SIGNATURE) == 0);
    signal(SIGURG, nothing);
    pid_t child = fork();
    if (child == 0) {
        /* However late the sequence begins: another thread, and a signal, come between. */
        for (;;) {
            sleep_ms(30);
            kill(getppid(), SIGURG);
        }
    }
    __asm__ volatile("leaq 1f(%%rip), %0; leaq 2f(%%rip), %1; subq %0, %1; leaq 3f(%%rip), %2"
                     : "=&r"(start), "=&r"(length), "=&r"(handler));
    section =
        (struct rseq_cs){.start_ip = start, .post_commit_offset = length, .abort_ip = handler};
    alarm(5); /* ends the case if nothing takes it back */
    /* Announced again and again: what interrupts right before the sequence takes that back. */
    __asm__ volatile("5: movq %2, %1; movl $100000, %%ecx;"
                     "1: pause; decl %%ecx; jnz 1b; 2: jmp 5b;"
                     ".long 0x53053053; 3: movq $1, %0"
                     : "+r"(aborted), "=m"(area.rseq_cs)
                     : "r"(&section)
                     : "rcx", "memory", "cc");
    REQUIRE(aborted == 1 && area.rseq_cs == 0);
    kill(child, SIGKILL);
    status_of(child);
    return true;
}

static const struct test_case cases[] = {
    {"setuid of user 0 sets all three, for good", "setuid(2)", setuid_of_root},
    {"seteuid and back", "seteuid(2)", seteuid_and_back},
    {"setreuid", "setreuid(2)", setreuid_rules},
    {"setresuid", "setresuid(2)", setresuid_rules},
    {"setgid, setresgid, setregid", "setgid(2)", setgid_rules},
    {"IDs that are none", "setuid(2)", invalid_ids},
    {"setfsuid, setfsgid", "setfsuid(2)", file_user},
    {"getgroups, setgroups", "getgroups(2)", supplementary_groups},
    {"capabilities follow the user", "capabilities(7)", capabilities_follow_users},
    {"PR_SET_KEEPCAPS", "prctl(2)", keep_capabilities},
    {"capset", "capset(2)", capset_rules},
    {"the bounding set", "capabilities(7)", bounding_set},
    {"fork keeps credentials", "fork(2)", credentials_inherited},
    {"setrlimit, getrlimit", "getrlimit(2)", limits_set_and_read},
    {"a hard limit is raised by privilege only", "getrlimit(2)", limits_raise_needs_privilege},
    {"prlimit of another process", "prlimit(2)", limits_of_another},
    {"RLIMIT_NOFILE", "getrlimit(2)", limit_of_files},
    {"RLIMIT_FSIZE", "getrlimit(2)", limit_of_file_size},
    {"RLIMIT_NPROC", "getrlimit(2)", limit_of_processes},
    {"RLIMIT_AS", "getrlimit(2)", limit_of_memory},
    {"RLIMIT_DATA", "getrlimit(2)", limit_of_data},
    {"RLIMIT_CPU", "getrlimit(2)", limit_of_cpu_time},
    {"RLIMIT_STACK", "getrlimit(2)", limit_of_stack},
    {"getpriority, setpriority, nice", "getpriority(2)", priorities},
    {"ioprio_get, ioprio_set", "ioprio_set(2)", io_priorities},
    {"scheduling policies", "sched_setscheduler(2)", policies},
    {"affinity", "sched_setaffinity(2)", affinity},
    {"names of threads", "prctl(2), proc(5)", thread_names},
    {"PR_SET_PDEATHSIG", "prctl(2)", parent_death_signal},
    {"PR_SET_CHILD_SUBREAPER", "prctl(2)", subreaper},
    {"other flags of prctl", "prctl(2)", flags_of_prctl},
    {"another user is not dumpable", "prctl(2)", dumpable_lost_with_user},
    {"uname, sethostname", "uname(2)", names_of_the_system},
    {"sysinfo", "sysinfo(2)", system_information},
    {"reboot asks for its magic and privilege", "reboot(2)", reboot_is_guarded},
    {"arch_prctl: FS and GS", "arch_prctl(2)", segment_bases},
    {"membarrier", "membarrier(2)", memory_barriers},
    {"rseq: registration", "rseq(2)", rseq_registers},
    {"rseq: a sequence is taken back", "rseq(2)", rseq_taken_back},
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "stack") == 0)
        return use_stack(1 << 20) & 0;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

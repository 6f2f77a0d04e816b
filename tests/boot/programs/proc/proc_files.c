/*
 * proc_files: what /proc says of processes and of the system, what of /proc/sys can be set, and
 * what a process's and a thread's number mean (proc(5), sysctl(8), kill(2)). As root.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/rtc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "cases.h"

static char *text_of(const char *name)
{
    static char text[65536];
    int file = open(name, O_RDONLY);
    ssize_t size = 0, count;

    while (file >= 0 && (count = read(file, text + size, sizeof(text) - 1 - size)) > 0)
        size += count;
    text[size] = '\0';
    if (file >= 0)
        close(file);
    return text;
}

static char *text_of_process(pid_t process, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", process, name);
    return text_of(path);
}

/* The number behind a word that begins a line; -1: there is no such line. */
static long number_of(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
        if (strncmp(text, word, length) == 0)
            return atol(text + length);
    return -1;
}

/* /proc/PID/stat's field with this number of proc(5). */
static long stat_field(pid_t process, int field)
{
    const char *at = strrchr(text_of_process(process, "stat"), ')');

    for (int i = 2; at && i < field; i++)
        at = strchr(at + 1, ' ');
    return !at ? -1 : field == 3 ? at[1] : atol(at);
}

static char state_of(pid_t process)
{
    return (char)stat_field(process, 3);
}

static bool is_listed(const char *directory, pid_t number)
{
    char name[16];
    struct dirent *entry;
    bool found = false;
    DIR *list = opendir(directory);

    snprintf(name, sizeof(name), "%d", number);
    while (list && (entry = readdir(list)))
        found |= strcmp(entry->d_name, name) == 0;
    if (list)
        closedir(list);
    return found;
}

static bool write_text(const char *name, const char *text)
{
    int file = open(name, O_WRONLY);
    ssize_t size = file < 0 ? -1 : write(file, text, strlen(text));
    int error = errno;

    if (file >= 0)
        close(file);
    errno = error;
    return size == (ssize_t)strlen(text);
}

static bool refuses(const char *name, const char *text)
{
    errno = 0;
    return !write_text(name, text) && errno == EINVAL;
}

/* ---- /proc/sys ---- */

/* Takes what is between, refuses what is outside and what is no number, and is put back. */
static bool takes(const char *name, long lowest, long highest)
{
    char before[64], text[64];

    snprintf(before, sizeof(before), "%s", text_of(name));
    snprintf(text, sizeof(text), "%ld\n", lowest);
    REQUIRE(write_text(name, text) && atol(text_of(name)) == lowest);
    snprintf(text, sizeof(text), " %ld", highest);
    REQUIRE(write_text(name, text) && atol(text_of(name)) == highest);
    snprintf(text, sizeof(text), "0x%lx\n", highest);
    REQUIRE(write_text(name, text) && atol(text_of(name)) == highest);
    snprintf(text, sizeof(text), "%ld", lowest - 1);
    REQUIRE(refuses(name, text));
    REQUIRE(refuses(name, "99999999999") && refuses(name, "x") && refuses(name, "1x"));
    REQUIRE(refuses(name, "\n") && atol(text_of(name)) == highest);
    REQUIRE(write_text(name, before) && strcmp(text_of(name), before) == 0);
    return true;
}

static bool setting_maps(void)
{
    return takes("/proc/sys/vm/max_map_count", 0, INT_MAX);
}

static bool setting_maps_counts(void)
{
    REQUIRE(write_text("/proc/sys/vm/max_map_count", "100"));
    int made = 0;
    while (made < 200 && mmap(NULL, 4096, made % 2 ? PROT_READ : PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        made++;
    int error = errno;
    REQUIRE(write_text("/proc/sys/vm/max_map_count", "65530"));
    REQUIRE(made > 20 && made < 101 && error == ENOMEM);
    return true;
}

static bool setting_numbers(void)
{
    REQUIRE(takes("/proc/sys/kernel/pid_max", 301, 32768));
    REQUIRE(write_text("/proc/sys/kernel/pid_max", "400\n"));
    bool below = true;
    for (int i = 0; i < 200; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        below &= child > 0 && child < 400;
        status_of(child);
    }
    REQUIRE(write_text("/proc/sys/kernel/pid_max", "32768\n") && below);
    return true;
}

static bool setting_pipes(void)
{
    const char *name = "/proc/sys/fs/pipe-max-size";

    REQUIRE(write_text(name, "5000") && atol(text_of(name)) == 8192);
    REQUIRE(write_text(name, "0") && atol(text_of(name)) == 4096);
    REQUIRE(refuses(name, "4294967295") && write_text(name, "1048576"));
    return true;
}

static bool setting_randomization(void)
{
    const char *name = "/proc/sys/kernel/randomize_va_space";

    REQUIRE(write_text(name, "0") && atol(text_of(name)) == 0);
    REQUIRE(refuses(name, "two") && write_text(name, "2\n") && atol(text_of(name)) == 2);
    return true;
}

static bool setting_names(void)
{
    char name[65];

    REQUIRE(write_text("/proc/sys/kernel/hostname", "one.two\nthree"));
    REQUIRE(gethostname(name, sizeof(name)) == 0 && strcmp(name, "one.two") == 0);
    REQUIRE(strcmp(text_of("/proc/sys/kernel/hostname"), "one.two\n") == 0);
    REQUIRE(write_text("/proc/sys/kernel/domainname", "here\n"));
    REQUIRE(strcmp(text_of("/proc/sys/kernel/domainname"), "here\n") == 0);
    return true;
}

static bool setting_console(void)
{
    const char *name = "/proc/sys/kernel/printk";
    char before[64];
    int level[4];

    snprintf(before, sizeof(before), "%s", text_of(name));
    REQUIRE(write_text(name, "3\n"));
    REQUIRE(sscanf(text_of(name), "%d %d %d %d", level, level + 1, level + 2, level + 3) == 4);
    REQUIRE(level[0] == 3 && level[1] == 4);
    REQUIRE(write_text(name, "5 6\n") && sscanf(text_of(name), "%d %d", level, level + 1) == 2);
    REQUIRE(level[0] == 5 && level[1] == 6 && refuses(name, "x") && write_text(name, before));
    return true;
}

static bool setting_by_user(void)
{
    int file = open("/proc/sys/vm/max_map_count", O_WRONLY);

    REQUIRE(file >= 0 && setuid(1000) == 0);
    REQUIRE_ERRNO(write(file, "65530", 5), EPERM);
    REQUIRE_ERRNO(open("/proc/sys/vm/max_map_count", O_WRONLY), EACCES);
    REQUIRE(open("/proc/sys/vm/max_map_count", O_RDONLY) >= 0);
    return true;
}

static bool constants(void)
{
    static const char *const names[] = {"kernel/osrelease",      "kernel/version",
                                        "kernel/ostype",         "kernel/cap_last_cap",
                                        "kernel/ngroups_max",    "kernel/random/boot_id",
                                        "kernel/random/uuid",    "kernel/random/entropy_avail",
                                        "kernel/random/poolsize"};
    char name[64];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(name, sizeof(name), "/proc/sys/%s", names[i]);
        REQUIRE(*text_of(name));
        REQUIRE_ERRNO(open(name, O_WRONLY), EACCES);
    }
    return true;
}

static bool nothing_is_made(void)
{
    REQUIRE_ERRNO(open("/proc/nosuch", O_CREAT | O_WRONLY, 0644), ENOENT);
    REQUIRE_ERRNO(open("/proc/self/nosuch", O_CREAT | O_WRONLY, 0644), ENOENT);
    REQUIRE_ERRNO(open("/proc/sys/kernel/nosuch", O_CREAT | O_WRONLY, 0644), ENOENT);
    REQUIRE_ERRNO(mkdir("/proc/nosuch", 0755), ENOENT);
    REQUIRE_ERRNO(symlink("x", "/proc/nosuch"), ENOENT);
    REQUIRE_ERRNO(rename("/proc/version", "/proc/nosuch"), ENOENT);
    REQUIRE_ERRNO(mkdir("/proc/version", 0755), EEXIST);
    REQUIRE_ERRNO(unlink("/proc/version"), EPERM);
    int file = open("/proc/version", O_CREAT | O_WRONLY, 0644);
    REQUIRE(file >= 0);
    REQUIRE_ERRNO(write(file, "x", 1), EIO);
    return true;
}

/* For each directory below that is not a process's, the first of all calls that name it is one of
   those that look it up to make it or to remove it. */
static bool stay(int parent, unsigned *count)
{
    DIR *names = fdopendir(parent);
    struct dirent *name;
    bool all = names != NULL;

    while (all && (name = readdir(names))) {
        const char *text = name->d_name;
        if (name->d_type != DT_DIR || text[0] == '.' || (text[0] >= '0' && text[0] <= '9'))
            continue;
        switch ((*count)++ % 3) {
        case 0:
            all = mkdirat(parent, text, 0755) != 0 && errno == EEXIST;
            break;
        case 1:
            all = unlinkat(parent, text, AT_REMOVEDIR) != 0;
            break;
        case 2:
            all = renameat(parent, text, parent, "other") != 0;
        }
        int inner = openat(parent, text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        all &= inner < 0 || stay(inner, count);
    }
    closedir(names);
    return all;
}

static bool directories_stay(void)
{
    unsigned count = 0;

    REQUIRE(stay(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &count));
    return count > 3;
}

static bool process_directories_stay(void)
{
    REQUIRE_ERRNO(unlink("/proc/1"), EPERM); /* not EISDIR: it is immutable */
    REQUIRE_ERRNO(rmdir("/proc/1"), EPERM);
    REQUIRE_ERRNO(rename("/proc/1", "/proc/2"), EPERM);
    return true;
}

/* ---- whose a process's names are ---- */

enum { USER = 1000 };

static long owner_of(const char *name)
{
    struct stat status;

    return stat(name, &status) ? -errno : (long)status.st_uid;
}

/* What everybody may list is the process's user's all the same. */
static bool owner_when_hidden(void)
{
    REQUIRE(setuid(USER) == 0 && prctl(PR_GET_DUMPABLE) == 0);
    REQUIRE(owner_of("/proc/self/fd") == 0 && owner_of("/proc/self/status") == 0);
    REQUIRE(owner_of("/proc/thread-self/fd") == 0);
    REQUIRE(owner_of("/proc/self/") == USER && owner_of("/proc/self/task") == USER);
    REQUIRE(owner_of("/proc/self/fdinfo") == USER && owner_of("/proc/self/net") == USER);
    REQUIRE(prctl(PR_SET_DUMPABLE, 1) == 0 && owner_of("/proc/self/fd") == USER);
    return true;
}

/* It is root's, and 0500; a process may look into its own. */
static bool own_files_when_hidden(void)
{
    char path[64], target[64];

    REQUIRE(setuid(USER) == 0 && prctl(PR_GET_DUMPABLE) == 0);
    snprintf(path, sizeof(path), "/proc/%d/fd", getpid());
    REQUIRE(open("/proc/self/fd", O_RDONLY | O_DIRECTORY) >= 0);
    REQUIRE(readlink("/proc/self/fd/0", target, sizeof(target)) > 0);
    REQUIRE(readlink("/proc/thread-self/fd/0", target, sizeof(target)) > 0);
    REQUIRE(access("/proc/self/fd", R_OK | W_OK | X_OK) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(open(path, O_RDONLY) >= 0 || errno != EACCES);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

/* ---- the numbers of threads ---- */

static volatile pid_t thread_number;

static void *thread_waits(void *unused)
{
    thread_number = (pid_t)syscall(SYS_gettid);
    for (;;)
        pause();
    return unused;
}

static volatile sig_atomic_t caught;

static void catch_signal(int signal)
{
    caught += signal == SIGUSR1;
}

static bool thread_numbers(void)
{
    pthread_t thread;
    siginfo_t information = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    struct sigaction action = {.sa_handler = catch_signal};
    struct rlimit limit;
    cpu_set_t cpus;
    char name[64];

    sigaction(SIGUSR1, &action, NULL);
    REQUIRE(pthread_create(&thread, NULL, thread_waits, NULL) == 0 && EVENTUALLY(thread_number));
    REQUIRE(kill(thread_number, 0) == 0);
    REQUIRE(kill(thread_number, SIGUSR1) == 0 && EVENTUALLY(caught == 1));
    information.si_pid = getpid();
    REQUIRE(syscall(SYS_rt_sigqueueinfo, thread_number, SIGUSR1, &information) == 0);
    REQUIRE(EVENTUALLY(caught == 2));
    information.si_code = SI_USER; /* only towards itself, by its own number */
    REQUIRE_ERRNO(syscall(SYS_rt_sigqueueinfo, thread_number, SIGUSR1, &information), EPERM);
    REQUIRE_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), thread_number, SIGUSR1, &information),
                  EPERM);
    REQUIRE_ERRNO(kill(-thread_number, 0), ESRCH);
    REQUIRE(getpgid(thread_number) == getpgid(0) && getsid(thread_number) == getsid(0));
    REQUIRE_ERRNO(setpgid(thread_number, 0), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_pidfd_open, thread_number, 0), EINVAL);
    REQUIRE_ERRNO(waitpid(thread_number, NULL, WNOHANG), ECHILD);
    REQUIRE(setpriority(PRIO_PROCESS, thread_number, 1) == 0);
    REQUIRE(getpriority(PRIO_PROCESS, thread_number) == 1 && getpriority(PRIO_PROCESS, 0) == 0);
    REQUIRE(prlimit(thread_number, RLIMIT_NOFILE, NULL, &limit) == 0);
    REQUIRE(sched_getaffinity(thread_number, sizeof(cpus), &cpus) == 0);
    REQUIRE(syscall(SYS_sched_getscheduler, thread_number) ==
            SCHED_OTHER); /* musl has no such call */
    snprintf(name, sizeof(name), "/proc/%d/stat", thread_number);
    REQUIRE(access(name, R_OK) == 0 && !is_listed("/proc", thread_number));
    REQUIRE(is_listed("/proc/self/task", thread_number));
    REQUIRE(number_of(text_of("/proc/self/status"), "Threads:") == 2);
    return true;
}

/* ---- states ---- */

static pid_t child_that(void (*act)(void))
{
    pid_t child = fork();

    if (child == 0) {
        act();
        _exit(0);
    }
    return child;
}

static void wait_for_ever(void)
{
    for (;;)
        pause();
}

static void run_for_ever(void)
{
    for (;;)
        ;
}

static void do_nothing(void)
{
}

static void end_first_thread(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, thread_waits, NULL);
    syscall(SYS_exit, 0);
}

static void wait_for_vfork(void)
{
    pid_t child = vfork();

    if (child == 0) {
        sleep(5);
        _exit(0);
    }
}

static bool states(void)
{
    pid_t sleeps = child_that(wait_for_ever), runs = child_that(run_for_ever);
    pid_t ended = child_that(do_nothing), half = child_that(end_first_thread);
    pid_t vforks = child_that(wait_for_vfork);

    REQUIRE(EVENTUALLY(state_of(sleeps) == 'S') && EVENTUALLY(state_of(runs) == 'R'));
    REQUIRE(EVENTUALLY(state_of(ended) == 'Z') && EVENTUALLY(state_of(half) == 'Z'));
    REQUIRE(EVENTUALLY(state_of(vforks) == 'D'));
    REQUIRE(strstr(text_of_process(half, "status"), "State:\tZ (zombie)"));
    REQUIRE(kill(sleeps, SIGSTOP) == 0 && EVENTUALLY(state_of(sleeps) == 'T'));
    REQUIRE(strstr(text_of_process(sleeps, "status"), "State:\tT (stopped)"));
    REQUIRE(kill(sleeps, SIGCONT) == 0 && EVENTUALLY(state_of(sleeps) == 'S'));
    REQUIRE(state_of(getpid()) == 'R');
    REQUIRE(kill(half, SIGKILL) == 0 && killed_by(status_of(half), SIGKILL));
    REQUIRE(kill(vforks, SIGKILL) == 0);
    return true;
}

static bool zombie(void)
{
    char path[64], target[64];
    pid_t child = child_that(do_nothing);

    REQUIRE(EVENTUALLY(state_of(child) == 'Z') && is_listed("/proc", child));
    REQUIRE(*text_of_process(child, "cmdline") == '\0' && *text_of_process(child, "maps") == '\0');
    const char *status = text_of_process(child, "status");
    REQUIRE(strstr(status, "State:\tZ (zombie)") && number_of(status, "VmSize:") == -1);
    REQUIRE(number_of(status, "Pid:") == child && number_of(status, "PPid:") == getpid());
    REQUIRE(stat_field(child, 23) == 0 && stat_field(child, 24) == 0); /* vsize, rss */
    REQUIRE(strcmp(text_of_process(child, "comm"), text_of("/proc/self/comm")) != 1);
    snprintf(path, sizeof(path), "/proc/%d/exe", child);
    REQUIRE_ERRNO(readlink(path, target, sizeof(target)), ENOENT);
    REQUIRE(kill(child, 0) == 0 && getpgid(child) == getpgid(0));
    errno = 0;
    REQUIRE(getpriority(PRIO_PROCESS, child) == 0 && errno == 0);
    REQUIRE(setpriority(PRIO_PROCESS, child, 1) == 0);
    struct rlimit limit, own;
    REQUIRE(prlimit(child, RLIMIT_NOFILE, NULL, &limit) == 0 &&
            getrlimit(RLIMIT_NOFILE, &own) == 0);
    REQUIRE(limit.rlim_cur == own.rlim_cur && limit.rlim_max == own.rlim_max);
    REQUIRE(prlimit(child, RLIMIT_CPU, &(struct rlimit){60, 60}, &limit) == 0);
    REQUIRE(exited(status_of(child), 0) && !is_listed("/proc", child));
    REQUIRE_ERRNO(getpriority(PRIO_PROCESS, child), ESRCH);
    return true;
}

/* ---- what was used ---- */

/* Arithmetic without a single call. */
static void calculate(long milliseconds)
{
    static volatile unsigned sum;

    for (long until = clock() + milliseconds * 1000; clock() < until;)
        for (int i = 0; i < 1000000; i++)
            sum = sum + (unsigned)i;
}

struct system_times {
    unsigned long user, nice, system, idle;
    long switches, interrupts, processes, booted;
};

static bool system_times_get(struct system_times *times)
{
    const char *text = text_of("/proc/stat");

    times->switches = number_of(text, "ctxt");
    times->interrupts = number_of(text, "intr");
    times->processes = number_of(text, "processes");
    times->booted = number_of(text, "btime");
    return sscanf(text, "cpu  %lu %lu %lu %lu", &times->user, &times->nice, &times->system,
                  &times->idle) == 4;
}

static bool system_times(void)
{
    struct system_times before, after;
    struct timespec uptime;

    REQUIRE(system_times_get(&before));
    calculate(500);
    REQUIRE(system_times_get(&after));
    tap_note("%lu user, %lu system", after.user - before.user, after.system - before.system);
    REQUIRE(after.user - before.user >= 10); /* Linux counts by ticks, some of which are lost */
    REQUIRE(after.user - before.user > after.system - before.system);
    for (int i = 0; i < 20; i++) {
        REQUIRE(exited(status_of(child_that(do_nothing)), 0));
        sleep_ms(1);
    }
    REQUIRE(system_times_get(&after));
    REQUIRE(after.switches - before.switches >= 20 && after.interrupts > before.interrupts);
    REQUIRE(after.processes - before.processes >= 20);
    REQUIRE(clock_gettime(CLOCK_BOOTTIME, &uptime) == 0);
    REQUIRE(labs(time(NULL) - uptime.tv_sec - after.booted) <= 2);
    REQUIRE(number_of(text_of("/proc/stat"), "procs_running") >= 1);
    REQUIRE(number_of(text_of("/proc/stat"), "procs_blocked") >= 0);
    return true;
}

static bool own_times(void)
{
    long user = stat_field(getpid(), 14), system = stat_field(getpid(), 15);

    calculate(300);
    REQUIRE(stat_field(getpid(), 14) - user >= 10);
    REQUIRE(stat_field(getpid(), 14) - user > stat_field(getpid(), 15) - system);
    const char *text = text_of("/proc/self/status");
    long slept = number_of(text, "voluntary_ctxt_switches:");
    for (int i = 0; i < 10; i++)
        sleep_ms(1);
    REQUIRE(number_of(text_of("/proc/self/status"), "voluntary_ctxt_switches:") - slept >= 5);
    return true;
}

static bool own_memory(void)
{
    const size_t size = 8 << 20;
    const long grown = (8 << 10) - 512; /* kB; Linux counts some pages late */
    long resident = number_of(text_of("/proc/self/status"), "VmRSS:");
    long total = number_of(text_of("/proc/self/status"), "VmSize:");
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(memory != MAP_FAILED);
    REQUIRE(number_of(text_of("/proc/self/status"), "VmSize:") - total >= (long)size / 1024);
    memset(memory, 1, size);
    REQUIRE(number_of(text_of("/proc/self/status"), "VmRSS:") - resident >= grown);
    REQUIRE(munmap(memory, size) == 0);
    REQUIRE(number_of(text_of("/proc/self/status"), "VmRSS:") - resident < (long)size / 2048);
    REQUIRE(number_of(text_of("/proc/self/status"), "VmHWM:") - resident >= grown);
    REQUIRE(number_of(text_of("/proc/self/status"), "VmPeak:") - total >= (long)size / 1024);
    return true;
}

/* ---- names that programs open ---- */

static const char *const names[] = {
    "/proc/cmdline",
    "/proc/cpuinfo",
    "/proc/devices",
    "/proc/diskstats",
    "/proc/filesystems",
    "/proc/interrupts",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/modules",
    "/proc/mounts",
    "/proc/net/arp",
    "/proc/net/dev",
    "/proc/net/raw",
    "/proc/net/route",
    "/proc/net/tcp",
    "/proc/net/udp",
    "/proc/net/unix",
    "/proc/partitions",
    "/proc/softirqs",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/fs/file-max",
    "/proc/sys/fs/file-nr",
    "/proc/sys/fs/inode-nr",
    "/proc/sys/fs/inode-state",
    "/proc/sys/fs/nr_open",
    "/proc/sys/fs/pipe-max-size",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/ngroups_max",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/kernel/pty/max",
    "/proc/sys/kernel/pty/nr",
    "/proc/sys/kernel/printk",
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/kernel/random/entropy_avail",
    "/proc/sys/kernel/random/poolsize",
    "/proc/sys/kernel/random/uuid",
    "/proc/sys/kernel/tainted",
    "/proc/sys/kernel/threads-max",
    "/proc/sys/vm/max_map_count",
    "/proc/sys/vm/overcommit_memory",
    "/proc/uptime",
    "/proc/version",
    "/proc/vmstat",
    "/proc/self/auxv",
    "/proc/self/cmdline",
    "/proc/self/comm",
    "/proc/self/environ",
    "/proc/self/limits",
    "/proc/self/maps",
    "/proc/self/mountinfo",
    "/proc/self/mounts",
    "/proc/self/oom_score",
    "/proc/self/oom_score_adj",
    "/proc/self/smaps",
    "/proc/self/stat",
    "/proc/self/statm",
    "/proc/self/status",
    "/proc/self/task",
    "/proc/self/fd",
    "/proc/self/fdinfo",
    "/proc/self/net/dev",
    "/dev/kmsg",
    "/dev/null",
    "/dev/random",
    "/dev/tty1",
    "/dev/urandom",
    "/dev/zero",
};
static const char *const sys_names[] = {
    "block",
    "class/block",
    "class/net",
    "dev/block",
    "dev/char",
    "devices/system/cpu/offline",
    "devices/system/cpu/online",
    "devices/system/cpu/possible",
    "devices/system/cpu/present",
    "devices/system/cpu/cpu0/topology/core_id",
    "devices/system/cpu/cpu0/topology/core_siblings",
    "devices/system/cpu/cpu0/topology/physical_package_id",
    "devices/system/cpu/cpu0/topology/thread_siblings_list",
    "devices/system/cpu/vulnerabilities/meltdown",
};

static bool name_opens(const char *name)
{
    char byte;
    int file = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    ssize_t size = file < 0 ? -1 : read(file, &byte, 1);
    bool opens = file >= 0 && (size >= 0 || errno == EISDIR || errno == EAGAIN || errno == EINVAL);

    if (!opens)
        tap_note("%s: %s", name, strerror(errno));
    close(file);
    return opens;
}

static bool names_are_there(void)
{
    bool all = true;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        all &= name_opens(names[i]);
    return all;
}

static bool sys_names_are_there(void)
{
    char name[128];
    bool all = true;

    mkdir("/tmp/sys", 0755);
    REQUIRE(mount("sys", "/tmp/sys", "sysfs", 0, NULL) == 0);
    for (size_t i = 0; i < sizeof(sys_names) / sizeof(sys_names[0]); i++) {
        snprintf(name, sizeof(name), "/tmp/sys/%s", sys_names[i]);
        all &= name_opens(name);
    }
    umount("/tmp/sys");
    return all;
}

static bool battery_clock(void)
{
    struct rtc_time now, set;

    mkdir("/tmp/dev", 0755);
    REQUIRE(mount("dev", "/tmp/dev", "devtmpfs", 0, NULL) == 0);
    /* Only one at a time has it open. */
    int shown =
        system("busybox hwclock -u -f /tmp/dev/rtc0 > /tmp/hwclock && grep -q 20 /tmp/hwclock");
    int stored = system("busybox hwclock -u -w -f /tmp/dev/rtc0");
    int clock = open("/tmp/dev/rtc0", O_RDONLY);
    if (clock < 0)
        tap_note("/dev/rtc0: %s", strerror(errno));
    umount2("/tmp/dev", MNT_DETACH);
    REQUIRE(shown == 0 && stored == 0);
    REQUIRE(clock >= 0 && ioctl(clock, RTC_RD_TIME, &now) == 0);
    struct tm date = {.tm_sec = now.tm_sec,
                      .tm_min = now.tm_min,
                      .tm_hour = now.tm_hour,
                      .tm_mday = now.tm_mday,
                      .tm_mon = now.tm_mon,
                      .tm_year = now.tm_year};
    REQUIRE(labs(timegm(&date) - time(NULL)) <= 5);
    set = now;
    set.tm_year = 124; /* the 29th of February 2024 */
    set.tm_mon = 1;
    set.tm_mday = 29;
    REQUIRE(ioctl(clock, RTC_SET_TIME, &set) == 0 && ioctl(clock, RTC_RD_TIME, &set) == 0);
    REQUIRE(set.tm_year == 124 && set.tm_mon == 1 && set.tm_mday == 29);
    set.tm_mon = 12;
    REQUIRE_ERRNO(ioctl(clock, RTC_SET_TIME, &set), EINVAL);
    set.tm_mon = 1;
    set.tm_year = 125;
    REQUIRE_ERRNO(ioctl(clock, RTC_SET_TIME, &set), EINVAL);
    REQUIRE(ioctl(clock, RTC_SET_TIME, &now) == 0);
    return true;
}

static const struct test_case cases[] = {
    {"directories in /proc stay", "rmdir(2), mkdir(2)", directories_stay}, /* the first to look */
    {"…also a process's", "rmdir(2), rename(2)", process_directories_stay},
    {"whose a process is that others may not look into", "proc(5)", owner_when_hidden},
    {"…which looks at its own files", "proc(5)", own_files_when_hidden},
    {"vm.max_map_count takes numbers", "proc(5)", setting_maps},
    {"vm.max_map_count counts", "proc(5)", setting_maps_counts},
    {"kernel.pid_max", "proc(5)", setting_numbers},
    {"fs.pipe-max-size", "pipe(7)", setting_pipes},
    {"kernel.randomize_va_space", "proc(5)", setting_randomization},
    {"kernel.hostname, kernel.domainname", "proc(5)", setting_names},
    {"kernel.printk", "syslog(2)", setting_console},
    {"a user may not set", "sysctl(8)", setting_by_user},
    {"what cannot be set cannot be opened to be set", "proc(5)", constants},
    {"nothing can be made in /proc", "open(2)", nothing_is_made},
    {"a thread's number", "kill(2)", thread_numbers},
    {"R, S, D, T, Z", "proc(5)", states},
    {"a zombie is there", "proc(5)", zombie},
    {"/proc/stat", "proc(5)", system_times},
    {"a process's times", "proc(5)", own_times},
    {"a process's memory", "proc(5)", own_memory},
    {"names in /proc and /dev that programs open", "proc(5)", names_are_there},
    {"names in /sys that programs open", "sysfs(5)", sys_names_are_there},
    {"the clock that runs while the machine is off", "rtc(4)", battery_clock},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/*
 * latency: a real-time thread runs soon after its timer, whatever call another user's program is
 * in. There is one processor, so what is late is what that program's calls, or its end, keep from
 * being preempted. Under --icount a nanosecond is an instruction, and nothing of the host is in it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "children.h"
#include "tap.h"

enum {
    TICK_US = 200,
    ALLOWED_US = 1000,
    NAMES = 30000,
    REGIONS = 60000,
    FILES = 100000,
};
#define LARGE (192UL << 20)

static char self[256];
static const char place[] = "/tmp/latency";

static void must(bool done)
{
    if (!done) {
        tap_note("it cannot be done: %s", strerror(errno));
        _exit(1);
    }
}

/* ---- the one: what he has, and his calls ---- */

static char *memory(size_t size, int flags)
{
    char *pages =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_POPULATE | flags, -1, 0);
    must(pages != MAP_FAILED);
    return pages;
}

static void unmaps(void)
{
    must(munmap(memory(LARGE, MAP_PRIVATE), LARGE) == 0);
    must(munmap(memory(LARGE, MAP_SHARED), LARGE) == 0);
}

static void maps_over(void)
{
    char *pages = memory(LARGE, MAP_PRIVATE);
    must(mmap(pages, LARGE, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == pages);
}

static void advises(void)
{
    char *pages = memory(LARGE, MAP_PRIVATE);
    must(madvise(pages, LARGE, MADV_DONTNEED) == 0);
    must(madvise(pages, LARGE, 23 /* MADV_POPULATE_WRITE */) == 0);
    must(madvise(pages, LARGE, MADV_FREE) == 0);
}

static void advises_removal(void)
{
    char *pages = memory(LARGE, MAP_SHARED);
    must(madvise(pages, LARGE, MADV_REMOVE) == 0);
}

static void forks(void)
{
    memory(LARGE, MAP_PRIVATE);
    memory(LARGE, MAP_SHARED);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    must(exited(status_of(child), 0));
}

static void executes(void)
{
    memory(LARGE, MAP_PRIVATE);
    execl(self, self, "end", NULL);
    must(false);
}

static void protects(void)
{
    char *pages = memory(LARGE, MAP_PRIVATE);
    must(mprotect(pages, LARGE, PROT_READ) == 0);
    must(mprotect(pages, LARGE, PROT_READ | PROT_WRITE) == 0);
}

static void moves(void)
{
    char *pages = memory(LARGE, MAP_PRIVATE);
    char *target = mmap(NULL, 2 * LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    /* Not by whole tables. */
    must(mremap(pages, LARGE, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 4096) ==
         target + 4096);
    must(mremap(target + 4096, LARGE, 4096, 0) == target + 4096);
}

static void locks(void)
{
    char *pages = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    must(mlock(pages, LARGE) == 0);
    must(munlock(pages, LARGE) == 0);
    must(mlockall(MCL_CURRENT) == 0);
    must(munlockall() == 0);
}

static void read_all(const char *name)
{
    static char bytes[65536];
    int file = open(name, O_RDONLY);

    must(file >= 0);
    while (read(file, bytes, sizeof(bytes)) > 0)
        ;
    close(file);
}

static void looks(void)
{
    char *pages = memory(LARGE, MAP_PRIVATE);
    unsigned char *there = malloc(LARGE / 4096);

    memory(LARGE, MAP_SHARED);
    read_all("/proc/self/smaps");
    read_all("/proc/self/smaps_rollup");
    must(mincore(pages, LARGE, there) == 0);
    must(msync(pages, LARGE, MS_SYNC) == 0);
}

static void looks_at_another(void)
{
    char *pages = memory(LARGE, MAP_PRIVATE), *copy = memory(LARGE, MAP_PRIVATE);
    struct iovec from = {pages, LARGE}, to = {copy, LARGE};

    must(process_vm_readv(getpid(), &to, 1, &from, 1, 0) > 0);
}

/* Each second page is protected: a region each. */
static char *regions(void)
{
    char *pages =
        mmap(NULL, REGIONS * 4096L, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_SHARED, -1, 0);
    must(pages != MAP_FAILED);
    for (int i = 0; i < REGIONS; i += 2)
        must(mprotect(pages + i * 4096L, 4096, PROT_READ) == 0);
    return pages;
}

static void unmaps_regions(void)
{
    must(munmap(regions(), REGIONS * 4096L) == 0);
}

static void changes_regions(void)
{
    char *pages = regions();
    must(madvise(pages, REGIONS * 4096L, MADV_DONTFORK) == 0);
    must(madvise(pages, REGIONS * 4096L, MADV_DOFORK) == 0);
    must(msync(pages, REGIONS * 4096L, MS_ASYNC) == 0);
    must(mlock(pages, REGIONS * 4096L) == 0);
    read_all("/proc/self/maps");
    read_all("/proc/self/smaps");
    must(mprotect(pages, REGIONS * 4096L, PROT_READ) == 0);
}

static void forks_regions(void)
{
    char *pages = regions();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    must(exited(status_of(child), 0));
    must(madvise(pages, REGIONS * 4096L, MADV_DONTFORK) == 0);
    child = fork();
    if (child == 0)
        _exit(0);
    must(exited(status_of(child), 0));
}

static void executes_regions(void)
{
    regions();
    execl(self, self, "end", NULL);
    must(false);
}

static int filled(int file)
{
    must(file >= 0);
    must(fallocate(file, 0, 0, LARGE) == 0);
    return file;
}

static void frees_files(void)
{
    char name[64];

    snprintf(name, sizeof(name), "%s/file", place);
    close(filled(memfd_create("large", 0)));
    int file = filled(memfd_create("large", 0));
    must(ftruncate(file, 1) == 0);
    filled(file);
    must(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, LARGE - 2) == 0);
    close(file);
    close(filled(open(name, O_RDWR | O_CREAT, 0600)));
    must(truncate(name, 0) == 0);
    close(filled(open(name, O_RDWR)));
    close(open(name, O_RDWR | O_TRUNC));
    close(filled(open(name, O_RDWR)));
    must(unlink(name) == 0);
}

static void truncates_mapped(void)
{
    int file = filled(memfd_create("large", 0));

    must(mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0) !=
         MAP_FAILED);
    must(ftruncate(file, 0) == 0);
}

static void reads_and_writes(void)
{
    int file = memfd_create("large", 0), null = open("/dev/null", O_WRONLY);
    char *pages = memory(LARGE, MAP_PRIVATE);
    struct iovec segments[256];

    must(write(file, pages, LARGE) == LARGE);
    must(pread(file, pages, LARGE, 0) == LARGE);
    must(write(null, pages, LARGE) == LARGE);
    for (int i = 0; i < 256; i++)
        segments[i] = (struct iovec){pages + i * (LARGE / 256), LARGE / 256};
    must(pwritev(file, segments, 256, 0) == LARGE);
    must(preadv(file, segments, 256, 0) == LARGE);
    must(ftruncate(file, 0) == 0 && ftruncate(file, LARGE) == 0);
    must(pread(file, pages, LARGE, 0) == LARGE); /* a hole */
    must(getrandom(pages, 8 << 20, 0) > 0);
    must(read(open("/dev/zero", O_RDONLY), pages, LARGE) == LARGE);
}

static void copies(void)
{
    int from = filled(memfd_create("from", 0)), to = memfd_create("to", 0), pipes[2];
    off_t zero = 0;

    must(sendfile(to, from, &zero, LARGE) == LARGE);
    zero = 0;
    must(ftruncate(to, 0) == 0 && lseek(to, 0, SEEK_SET) == 0);
    must(copy_file_range(from, &zero, to, NULL, LARGE, 0) > 0);
    must(pipe(pipes) == 0);
    must(fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20) > 0);
    zero = 0;
    must(splice(from, &zero, pipes[1], NULL, LARGE, 0) > 0);
    must(splice(pipes[0], NULL, to, NULL, LARGE, 0) > 0);
}

static void enter_folder(const char *name)
{
    must(chdir(place) == 0);
    must(mkdir(name, 0755) == 0 && chdir(name) == 0);
}

static void lists_names(void)
{
    static char buffer[4 << 20];
    char name[32];

    enter_folder("names");
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "a name number %d", i);
        must(mknod(name, S_IFREG | 0600, 0) == 0);
    }
    int folder = open(".", O_RDONLY | O_DIRECTORY);
    must(syscall(SYS_getdents64, folder, buffer, sizeof(buffer)) > NAMES * 24);
    close(folder);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "a name number %d", i);
        must(unlink(name) == 0);
    }
    must(rmdir("../names") == 0);
}

static void goes_deep(void)
{
    char path[4096];

    enter_folder("deep");
    for (int i = 0; i < NAMES / 2; i++)
        must(mkdir("d", 0755) == 0 && chdir("d") == 0);
    must(mkdir("e", 0755) == 0);
    must(rename("e", "f") == 0);
    syscall(SYS_getcwd, path, sizeof(path));
    must(readlink("/proc/self/cwd", path, sizeof(path)) > 0 || errno == ENAMETOOLONG);
    must(mkdir("/tmp/latency/other", 0755) == 0);
    must(rename("/tmp/latency/other", "other") == 0); /* is this below that? */
    must(rename("/tmp/latency/deep", "x") == -1);
    must(access("/tmp/latency/deep", F_OK) == 0);
    must(rmdir("f") == 0 && rmdir("other") == 0);
    int bottom = open(".", O_RDONLY); /* with all that is above it, when it is removed */
    for (int i = 0; i < NAMES / 2; i++)
        must(chdir("..") == 0 && rmdir("d") == 0);
    close(bottom);
}

/* Forty links of 4,000 bytes each. */
static void follows_links(void)
{
    char target[4096] = "", name[16];

    enter_folder("links");
    while (strlen(target) < 4000)
        strcat(target, "./");
    must(mknod("l0", S_IFREG | 0600, 0) == 0);
    for (int i = 1; i <= 40; i++) {
        snprintf(target + 4000, 16, "l%d", i - 1);
        snprintf(name, sizeof(name), "l%d", i);
        must(symlink(target, name) == 0);
    }
    for (int i = 0; i < 3; i++)
        must(access("l40", F_OK) == 0);
}

static void passes_arguments(void)
{
    static char *short_ones[200000];
    static char text[130000], *long_ones[20];
    pid_t child;

    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 15; i++)
        long_ones[i] = text;
    if ((child = vfork()) == 0) {
        execve(self, (char *[]){self, "end", NULL}, long_ones);
        _exit(1);
    }
    must(exited(status_of(child), 0));
    for (int i = 0; i < 199990; i++)
        short_ones[i] = "";
    if ((child = vfork()) == 0) {
        execve(self, (char *[]){self, "end", NULL}, short_ones);
        _exit(1);
    }
    must(exited(status_of(child), 0));
    for (int i = 0; i < 20; i++)
        long_ones[i < 19 ? i : 0] = text;
    must(execve(self, long_ones, short_ones) == -1 && errno == E2BIG);
}

static void opens_many(void)
{
    for (int i = 10; i < FILES; i++)
        must(dup2(2, i) == i);
    pid_t child = fork();
    if (child == 0) {
        must(syscall(SYS_close_range, 100, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) == 0);
        execl(self, self, "end", NULL);
        _exit(1);
    }
    must(exited(status_of(child), 0));
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        ;
    closedir(folder);
    must(syscall(SYS_close_range, 100, ~0U, 0) == 0);
    must(dup2(2, FILES - 1) == FILES - 1);
    must(close(FILES - 1) == 0);
}

static void watches_many(void)
{
    int instance = epoll_create1(0), event = eventfd(1, 0);
    struct epoll_event wanted = {.events = EPOLLIN}, *got = calloc(20000, sizeof(*got));

    for (int i = 10; i < 20000; i++) {
        must(dup2(event, i) == i);
        if (epoll_ctl(instance, EPOLL_CTL_ADD, i, &wanted))
            break;
    }
    must(epoll_wait(instance, got, 20000, 0) > 0);
    close(instance);
}

static void arms_timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;

    signal(SIGUSR1, SIG_IGN);
    for (int i = 0; i < NAMES && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0; i++)
        ;
    execl(self, self, "end", NULL);
    must(false);
}

static void queues_signals(void)
{
    sigset_t blocked;

    sigfillset(&blocked);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    for (int i = 0; i < NAMES && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0; i++)
        ;
    signal(SIGRTMIN, SIG_IGN);
}

static void sends(int type)
{
    static char bytes[1 << 20];
    int ends[2];

    must(socketpair(AF_UNIX, type, 0, ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        while (read(ends[1], bytes, sizeof(bytes)) > 0)
            ;
        _exit(0);
    }
    close(ends[1]);
    for (int i = 0; i < 20; i++)
        must(write(ends[0], bytes, type == SOCK_STREAM ? sizeof(bytes) : 150000) > 0);
    close(ends[0]);
    must(exited(status_of(child), 0));
}

static void sends_stream(void)
{
    sends(SOCK_STREAM);
}

static void sends_packets(void)
{
    sends(SOCK_SEQPACKET);
}

static void fills_pipes(void)
{
    static char bytes[1 << 20];
    int ends[2];

    for (int i = 0; i < 10; i++) {
        must(pipe(ends) == 0);
        must(fcntl(ends[1], F_SETPIPE_SZ, sizeof(bytes)) > 0);
        must(write(ends[1], bytes, sizeof(bytes)) == sizeof(bytes));
        must(i % 2 || read(ends[0], bytes, sizeof(bytes)) == sizeof(bytes));
        close(ends[0]);
        close(ends[1]);
    }
}

static void types(void)
{
    static char bytes[1 << 20];
    int master, slave;

    memset(bytes, '\n', sizeof(bytes));
    must(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(slave);
        while (read(master, bytes, sizeof(bytes)) > 0)
            ;
        _exit(0);
    }
    must(write(slave, bytes, sizeof(bytes)) == sizeof(bytes));
    close(master);
    close(slave);
    must(exited(status_of(child), 0));
    must(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    must(fcntl(master, F_SETFL, O_NONBLOCK) == 0);
    must(write(master, bytes, sizeof(bytes)) > 0);
}

/* By root, who alone may mount. */
static void unmounts(void)
{
    char name[64];

    must(mkdir("/tmp/latency/mount", 0755) == 0);
    must(mount("none", "/tmp/latency/mount", "tmpfs", 0, NULL) == 0);
    must(chdir("/tmp/latency/mount") == 0);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "%d", i);
        must(mknod(name, S_IFREG | 0600, 0) == 0);
    }
    close(filled(open("file", O_RDWR | O_CREAT, 0600)));
    must(chdir("/") == 0 && umount("/tmp/latency/mount") == 0);
}

/* ---- the other: the real-time thread ---- */

static long until_us(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - then->tv_sec) * 1000000 + (now.tv_nsec - then->tv_nsec) / 1000;
}

/* The longest that the timer's tick was late until the child has ended; *status: its own. */
static long latest_tick(pid_t child, int *status)
{
    struct timespec next;
    long longest = 0;

    clock_gettime(CLOCK_MONOTONIC, &next);
    while (waitpid(child, status, WNOHANG) == 0) {
        next.tv_nsec += TICK_US * 1000;
        if (next.tv_nsec >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        long late = until_us(&next);
        longest = late > longest ? late : longest;
        if (late > TICK_US)
            clock_gettime(CLOCK_MONOTONIC, &next);
    }
    return longest;
}

static void child_runs(uid_t user, void (*calls)(void))
{
    const struct rlimit files = {FILES, FILES}, all = {RLIM_INFINITY, RLIM_INFINITY};
    const struct sched_param none = {0};

    must(setrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_MEMLOCK, &all) == 0);
    must(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none) == 0);
    must(become(user));
    calls();
    _exit(0);
}

static void beside(const char *what, uid_t user, void (*calls)(void))
{
    int status = -1;

    pid_t child = fork();
    if (child == 0)
        child_runs(user, calls);
    long latest = latest_tick(child, &status);
    tap_ok(exited(status, 0) && latest < ALLOWED_US, "%s", what);
    tap_note("at most %ld us late", latest);
}

static const struct {
    const char *what;
    void (*calls)(void);
    uid_t user;
} all[] = {
    {"munmap of large memory", unmaps, 1001},
    {"mmap over large memory", maps_over, 1001},
    {"madvise of large memory", advises, 1001},
    {"madvise(MADV_REMOVE) of large memory", advises_removal, 1001},
    {"fork with large memory", forks, 1001},
    {"exec with large memory", executes, 1001},
    {"mprotect of large memory", protects, 1001},
    {"mremap of large memory", moves, 1001},
    {"mlock of large memory", locks, 1001},
    {"smaps, mincore, msync of large memory", looks, 1001},
    {"process_vm_readv of large memory", looks_at_another, 1001},
    {"munmap of 60,000 regions", unmaps_regions, 1001},
    {"mprotect, madvise, mlock of 60,000 regions", changes_regions, 1001},
    {"fork with 60,000 regions", forks_regions, 1001},
    {"exec with 60,000 regions", executes_regions, 1001},
    {"the end of large files", frees_files, 1001},
    {"ftruncate of a large file that is mapped", truncates_mapped, 1001},
    {"read and write of large files", reads_and_writes, 1001},
    {"sendfile, copy_file_range, splice of large files", copies, 1001},
    {"getdents of 30,000 names, and their end", lists_names, 1001},
    {"rename and getcwd 15,000 levels deep", goes_deep, 1001},
    {"a walk through 40 links of 2,000 steps", follows_links, 1001},
    {"execve with 2 MB of arguments", passes_arguments, 1001},
    {"fork, exec, close_range with 100,000 descriptors", opens_many, 1001},
    {"20,000 watches of an epoll instance", watches_many, 1001},
    {"timers, at an exec", arms_timers, 1001},
    {"queued signals that are ignored then", queues_signals, 1001},
    {"large writes to a stream socket", sends_stream, 1001},
    {"large packets", sends_packets, 1001},
    {"large pipes", fills_pipes, 1001},
    {"large writes to a terminal", types, 1001},
    {"umount of a large file system", unmounts, 0},
};

int main(int count, char **arguments)
{
    const struct sched_param first = {.sched_priority = 50};

    if (count == 2 && !strcmp(arguments[1], "end"))
        return 0;
    must(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    must(mkdir(place, 0777) == 0 && chmod(place, 0777) == 0);
    must(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first) == 0);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        beside(all[i].what, all[i].user, all[i].calls);
    return tap_done();
}

/*
 * kinds_of_files: what simple calls answer on each kind of file. What is here are the rules; each
 * call on each kind is compared with Linux by tests/peer (answers-of-descriptors.txt).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "cases.h"

#define NAME "/tmp/kinds_of_files"

static bool positions(void)
{
    sigset_t none;
    int ends[2];

    sigemptyset(&none);
    const int events[] = {eventfd(0, 0), signalfd(-1, &none, 0), timerfd_create(CLOCK_MONOTONIC, 0),
                          epoll_create1(0)};
    for (size_t i = 0; i < 4; i++) {
        REQUIRE(lseek(events[i], 7, SEEK_SET) == 0 && lseek(events[i], -1, SEEK_END) == 0);
        REQUIRE_ERRNO(pread(events[i], ends, 8, 0), ESPIPE);
    }
    REQUIRE(pipe(ends) == 0);
    REQUIRE_ERRNO(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
    int text = open("/proc/self/status", O_RDONLY), folder = open("/proc", O_RDONLY);
    REQUIRE(lseek(text, 5, SEEK_SET) == 5);
    REQUIRE_ERRNO(lseek(text, 0, SEEK_END), EINVAL);
    REQUIRE_ERRNO(lseek(text, 0, SEEK_DATA), EINVAL);
    REQUIRE(lseek(folder, 0, SEEK_END) == 0);
    REQUIRE_ERRNO(lseek(folder, 0, SEEK_DATA), ENXIO);
    REQUIRE_ERRNO(lseek(folder, 1L << 31, SEEK_SET), EINVAL);
    return true;
}

static bool nothing_to_synchronise(void)
{
    static const char *const refused[] = {
        "/proc",     "/proc/self", "/proc/self/status", "/proc/uptime", "/proc/sys/kernel/hostname",
        "/dev/null", "/dev/full"};

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        int file = open(refused[i], O_RDONLY);
        REQUIRE(file >= 0);
        REQUIRE_ERRNO(fsync(file), EINVAL);
        REQUIRE_ERRNO(fdatasync(file), EINVAL);
        close(file);
    }
    return true;
}

static bool what_is_of_a_process_stays(void)
{
    static const char *const names[] = {"/proc/self/status", "/proc/self", "/proc/self/fd",
                                        "/proc/sys/kernel", "/proc/sys/kernel/hostname"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        REQUIRE_ERRNO(chmod(names[i], 0777), EPERM);
    REQUIRE_ERRNO(chown("/proc/self", 1, 1), EPERM);
    REQUIRE_ERRNO(utimensat(AT_FDCWD, "/proc/self", NULL, 0), EPERM);
    REQUIRE_ERRNO(access("/proc/self", W_OK), EPERM);
    REQUIRE_ERRNO(chown("/proc/sys/kernel", 1, 1), EPERM);
    REQUIRE_ERRNO(access("/proc/sys/kernel", W_OK), EACCES);
    REQUIRE_ERRNO(open("/proc/sys/kernel/osrelease", O_RDONLY | O_TRUNC), EACCES);
    REQUIRE(truncate("/proc/self/comm", 0) == 0);
    return true;
}

static bool extended_attributes(void)
{
    char value[8] = "", far[300];
    int file = open(NAME, O_CREAT | O_RDWR, 0600), ends[2];

    memset(far, 'x', sizeof(far) - 1);
    far[sizeof(far) - 1] = 0;
    REQUIRE(file >= 0 && pipe(ends) == 0);
    REQUIRE_ERRNO(fsetxattr(file, "user.a", value, 1, 0), EOPNOTSUPP);
    REQUIRE_ERRNO(fgetxattr(file, "user.a", value, 8), EOPNOTSUPP);
    REQUIRE_ERRNO(fgetxattr(file, "security.capability", value, 8), ENODATA);
    REQUIRE_ERRNO(fremovexattr(file, "trusted.a"), ENODATA);
    REQUIRE_ERRNO(fsetxattr(ends[0], "user.a", value, 1, 0), EPERM);
    REQUIRE_ERRNO(fgetxattr(ends[0], "user.a", value, 8), ENODATA);
    REQUIRE_ERRNO(fsetxattr(file, "", value, 1, 0), ERANGE);
    REQUIRE_ERRNO(fsetxattr(file, far, value, 1, 0), ERANGE);
    REQUIRE_ERRNO(fsetxattr(file, "user.a", value, 65537, 0), E2BIG);
    REQUIRE_ERRNO(fsetxattr(file, "user.a", value, 1, 4), EINVAL);
    REQUIRE_ERRNO(fsetxattr(file, "user.a", (void *)8, 1, 0), EFAULT);
    REQUIRE_ERRNO(setxattr("/nosuch", "user.a", value, 1, 4), ENOENT);
    REQUIRE(flistxattr(file, NULL, 0) == 0);
    return true;
}

static bool questions_to_every_file(void)
{
    int size = 0, file = open(NAME, O_CREAT | O_RDWR, 0600);
    int event = eventfd(0, 0), text = open("/proc/self/status", O_RDONLY);
    struct stat status;

    REQUIRE(ioctl(file, FIGETBSZ, &size) == 0 && size == 4096);
    REQUIRE(ioctl(event, FIGETBSZ, &size) == 0 && size == 4096);
    REQUIRE(ioctl(text, FIGETBSZ, &size) == 0 && size == 1024);
    REQUIRE(fstat(text, &status) == 0 && status.st_blksize == 1024);
    REQUIRE_ERRNO(ioctl(file, FIBMAP, &size), EINVAL);
    REQUIRE_ERRNO(ioctl(event, FIBMAP, &size), ENOTTY);
    REQUIRE(ioctl(file, FS_IOC_GETFLAGS, &size) == 0 && size == 0);
    REQUIRE_ERRNO(ioctl(event, FS_IOC_GETFLAGS, &size), ENOTTY);
    REQUIRE_ERRNO(ioctl(file, FICLONE, event), EXDEV);
    REQUIRE_ERRNO(ioctl(file, FICLONE, 999), EBADF);
    return true;
}

static bool file_systems(void)
{
    int ends[2], memory = memfd_create("x", 0), event = eventfd(0, 0);
    struct statfs found;

    REQUIRE(pipe(ends) == 0 && fstatfs(ends[0], &found) == 0 && found.f_type == 0x50495045);
    REQUIRE(fstatfs(memory, &found) == 0 && found.f_type == 0x01021994);
    REQUIRE(fstatfs(event, &found) == 0 && found.f_type == 0x09041934);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(fstatfs(ends[0], &found) == 0 && found.f_type == 0x534f434b);
    return true;
}

/* A file's ends are asked before its kind is. */
static bool order_of_errors(void)
{
    struct iovec none = {NULL, 0}, pair[2] = {{&(uint64_t){2}, 8}, {&(uint64_t){3}, 8}};
    int folder = open("/", O_RDONLY), event = eventfd(0, 0), file = open(NAME, O_WRONLY);
    uint64_t sum;

    REQUIRE_ERRNO(readv(file, &none, 2000), EINVAL);
    REQUIRE_ERRNO(readv(file, &none, 1), EBADF);
    REQUIRE(readv(folder, &none, 1) == 0 && readv(event, &none, 1) == 0);
    REQUIRE(writev(event, pair, 2) == 16 && read(event, &sum, 8) == 8 && sum == 5);
    REQUIRE_ERRNO(open(NAME, O_CREAT | O_DIRECTORY, 0600), EINVAL);
    REQUIRE_ERRNO(fallocate(folder, 0x80, 0, 1), EOPNOTSUPP);
    REQUIRE_ERRNO(fallocate(folder, 0, 0, 1), EBADF);
    REQUIRE(syscall(SYS_flock, 999, 32) == 0); /* LOCK_MAND: given up, and says so to nobody */
    return true;
}

static bool nodes(void)
{
    const char *name = NAME "_node";

    unlink(name);
    REQUIRE(chmod("/tmp", 01777) == 0 && setgid(1000) == 0 && setuid(1000) == 0);
    REQUIRE_ERRNO(mknod(name, S_IFCHR | 0600, makedev(1, 3)), EPERM);
    REQUIRE_ERRNO(mknod("/nosuch/x", S_IFCHR | 0600, makedev(1, 3)), ENOENT);
    REQUIRE_ERRNO(mknod("/", S_IFCHR | 0600, makedev(1, 3)), EEXIST);
    REQUIRE_ERRNO(mknod("/etc/x", S_IFCHR | 0600, makedev(1, 3)), EACCES);
    REQUIRE_ERRNO(mknod(name, S_IFBLK | 0600, 0), EPERM);
    REQUIRE(mknod(name, S_IFCHR | 0600, 0) == 0); /* a whiteout is no device */
    REQUIRE_ERRNO(open(name, O_RDONLY), ENXIO);
    REQUIRE(unlink(name) == 0);
    return true;
}

static bool settings_of_a_process(void)
{
    REQUIRE_ERRNO(prctl(PR_MCE_KILL, 2, 0, 0, 0), EINVAL);
    REQUIRE_ERRNO(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0), EINVAL);
    REQUIRE_ERRNO(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0), EINVAL);
    REQUIRE(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) == 0);
    REQUIRE(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) == PR_MCE_KILL_EARLY);
    REQUIRE(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) == PR_MCE_KILL_DEFAULT);
    return true;
}

static bool nothing_there_is_executed(void)
{
    char *const none[] = {NULL};
    int file = open("/proc/self/status", O_RDONLY);

    REQUIRE(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED);
    REQUIRE(errno == EPERM);
    REQUIRE_ERRNO(execve("/proc/self/status", none, none), EACCES);
    return true;
}

static const struct test_case cases[] = {
    {"where each kind is", "lseek(2)", positions},
    {"what cannot be synchronised", "fsync(2)", nothing_to_synchronise},
    {"nobody changes what is of a process, or a setting", "proc(5)", what_is_of_a_process_stays},
    {"extended attributes: none is kept", "xattr(7)", extended_attributes},
    {"what every file answers", "ioctl(2)", questions_to_every_file},
    {"which file system each kind is of", "fstatfs(2)", file_systems},
    {"which error comes first", "readv(2), fallocate(2)", order_of_errors},
    {"nodes", "mknod(2)", nodes},
    {"prctl: machine checks", "prctl(2)", settings_of_a_process},
    {"nothing in /proc is executed", "execve(2)", nothing_there_is_executed},
};

int main(void)
{
    int result = run_cases(cases, sizeof(cases) / sizeof(cases[0]));

    unlink(NAME);
    return result;
}

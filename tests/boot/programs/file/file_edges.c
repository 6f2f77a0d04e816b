/*
 * file_edges: values at the edges of files: times of any year, offsets near 2^63, files in memory
 * that are cut, executed, locked.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cases.h"

#define NAME "/tmp/file_edges"

static int file_make(void)
{
    unlink(NAME);
    return open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600);
}

/* ---- times ---- */

/* The first and the last second that there is have none. */
static bool fraction_kept(int64_t seconds)
{
    return seconds != INT64_MIN && seconds != INT64_MAX;
}

static bool times_of_any_year(void)
{
    static const int64_t seconds[] = {INT64_MIN,
                                      INT64_MIN + 1,
                                      -9223372037,
                                      -2208988800 /* 1900 */,
                                      -1,
                                      0,
                                      1,
                                      4102444800,
                                      9223372036,
                                      9223372037 /* 2262 */,
                                      18446744073,
                                      18446744074 /* 2554 */,
                                      253402300800 /* 10000 */,
                                      INT64_MAX - 1,
                                      INT64_MAX};
    int file = file_make();

    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        size_t j = sizeof(seconds) / sizeof(seconds[0]) - 1 - i;
        struct timespec times[2] = {{seconds[i], 999999999}, {seconds[j], 1}};
        struct stat status;
        struct statx more;
        long late = fraction_kept(seconds[i]) ? 999999999 : 0;
        long early = fraction_kept(seconds[j]) ? 1 : 0;
        REQUIRE(futimens(file, times) == 0 && fstat(file, &status) == 0);
        REQUIRE(status.st_atim.tv_sec == seconds[i] && status.st_atim.tv_nsec == late);
        REQUIRE(status.st_mtim.tv_sec == seconds[j] && status.st_mtim.tv_nsec == early);
        REQUIRE(syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &more) == 0);
        REQUIRE(more.stx_atime.tv_sec == seconds[i] && more.stx_atime.tv_nsec == late);
        REQUIRE(more.stx_mtime.tv_sec == seconds[j] && more.stx_mtime.tv_nsec == early);
    }
    return true;
}

static bool times_by_older_calls(void)
{
    struct timeval values[2] = {{-86400, 500000}, {20000000000, 0}};
    struct stat status;

    REQUIRE(file_make() >= 0 && utimes(NAME, values) == 0 && stat(NAME, &status) == 0);
    REQUIRE(status.st_atim.tv_sec == -86400 && status.st_atim.tv_nsec == 500000000);
    REQUIRE(status.st_mtim.tv_sec == 20000000000);
    int64_t old[2] = {-5, 30000000000};
    REQUIRE(syscall(SYS_utime, NAME, old) == 0 && stat(NAME, &status) == 0);
    REQUIRE(status.st_atim.tv_sec == -5 && status.st_mtim.tv_sec == 30000000000);
    return true;
}

static bool times_that_are_left_alone(void)
{
    struct timespec times[2] = {{-5, 5}, {-6, 6}}, partly[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    struct stat status;
    int file = file_make();

    REQUIRE(futimens(file, times) == 0 && futimens(file, partly) == 0);
    REQUIRE(fstat(file, &status) == 0 && status.st_atim.tv_sec == -5);
    REQUIRE(status.st_mtim.tv_sec > 1500000000 && status.st_ctim.tv_sec > 1500000000);
    return true;
}

static bool timers_that_never_end(void)
{
    struct itimerval most = {{INT64_MAX, 999999}, {INT64_MAX, 999999}}, told;

    REQUIRE(setitimer(ITIMER_REAL, &most, NULL) == 0 && getitimer(ITIMER_REAL, &told) == 0);
    REQUIRE(told.it_value.tv_sec > 9000000000 && told.it_value.tv_sec <= 9223372036);
    return true;
}

/* ---- offsets ---- */

static bool reading_and_writing_far_out(void)
{
    char bytes[16] = "0123456789abcde";
    int file = file_make();

    REQUIRE_ERRNO(pwrite(file, bytes, 16, INT64_MAX - 8), EINVAL);
    REQUIRE_ERRNO(pread(file, bytes, 16, INT64_MAX - 8), EINVAL);
    REQUIRE(pwrite(file, bytes, 16, INT64_MAX - 4096) == 16);
    REQUIRE(pread(file, bytes, 16, INT64_MAX - 4096) == 16);
    REQUIRE(pwrite(file, bytes, 8, INT64_MAX - 8) == 8);
    struct stat status;
    REQUIRE(fstat(file, &status) == 0 && status.st_size == INT64_MAX);
    REQUIRE(pread(file, bytes, 8, INT64_MAX - 8) == 8 && pread(file, bytes, 1, INT64_MAX - 1) == 1);
    REQUIRE_ERRNO(pread(file, bytes, 2, INT64_MAX - 1), EINVAL);
    REQUIRE_ERRNO(pread(file, bytes, 1, -1), EINVAL);
    struct iovec vector[2] = {{bytes, 8}, {bytes, 8}};
    REQUIRE_ERRNO(preadv(file, vector, 2, INT64_MAX - 10), EINVAL);
    REQUIRE_ERRNO(pwritev(file, vector, 2, INT64_MAX - 10), EINVAL);
    REQUIRE(lseek(file, INT64_MAX - 4, SEEK_SET) == INT64_MAX - 4);
    REQUIRE_ERRNO(read(file, bytes, 8), EINVAL);
    REQUIRE_ERRNO(write(file, bytes, 8), EINVAL);
    REQUIRE(read(file, bytes, 4) == 4 && lseek(file, 0, SEEK_CUR) == INT64_MAX);
    REQUIRE_ERRNO(lseek(file, 1, SEEK_CUR), EINVAL);
    REQUIRE_ERRNO(lseek(file, 1, SEEK_END), EINVAL);
    return ftruncate(file, 0) == 0;
}

static bool sizes_far_out(void)
{
    int file = file_make();
    struct stat status;

    REQUIRE(ftruncate(file, INT64_MAX) == 0);
    REQUIRE(fstat(file, &status) == 0 && status.st_size == INT64_MAX && status.st_blocks == 0);
    REQUIRE_ERRNO(ftruncate(file, -1), EINVAL);
    REQUIRE_ERRNO(fallocate(file, 0, INT64_MAX - 4096, 4097), EFBIG);
    REQUIRE(fallocate(file, 0, INT64_MAX - 4096, 4096) == 0);
    REQUIRE(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, INT64_MAX) == 0);
    REQUIRE(fstat(file, &status) == 0 && status.st_size == INT64_MAX);
    REQUIRE(status.st_blocks <= 16); /* of the page that the hole ends in, zeros are left */
    return true;
}

static bool copies_far_out(void)
{
    int file = file_make(), other = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    off_t far = INT64_MAX - 5;

    REQUIRE(other >= 0 && ftruncate(file, INT64_MAX) == 0);
    REQUIRE_ERRNO(copy_file_range(file, &far, other, NULL, SIZE_MAX, 0), EOVERFLOW);
    REQUIRE(copy_file_range(file, &far, other, NULL, 16, 0) == 5 && far == INT64_MAX);
    far = INT64_MAX - 5;
    REQUIRE_ERRNO(sendfile(other, file, &far, 16), EINVAL);
    REQUIRE_ERRNO(sendfile(other, file, NULL, SIZE_MAX), EINVAL);
    REQUIRE(sendfile(other, file, &far, 5) == 5 && far == INT64_MAX);
    return ftruncate(file, 0) == 0;
}

/* Lengths from 2^63 on, of which nothing is done. */
static bool lengths_far_out(void)
{
    const size_t far[] = {SIZE_MAX, SIZE_MAX / 2 + 1};
    int file = file_make(), ends[2], sockets[2];
    struct iovec piece = {(char *)"x", 1};

    REQUIRE(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    for (int i = 0; i < 2; i++) {
        off_t place = 0;
        REQUIRE_ERRNO(splice(ends[0], NULL, file, NULL, far[i], 0), EINVAL);
        REQUIRE_ERRNO(splice(ends[0], NULL, file, &place, far[i], 0), EINVAL);
        REQUIRE_ERRNO(splice(ends[0], NULL, sockets[0], NULL, far[i], 0), EINVAL);
        REQUIRE_ERRNO(syscall(SYS_readahead, file, 0L, far[i]), EINVAL);
        REQUIRE_ERRNO(syscall(SYS_read, file, &place, far[i]), EFAULT);
        REQUIRE_ERRNO(syscall(SYS_write, ends[1], &place, far[i]), EFAULT);
        REQUIRE_ERRNO(syscall(SYS_pread64, file, &place, far[i], 0L), EFAULT);
    }
    /* A number of pieces is an int: what is above it does not count. */
    REQUIRE(syscall(SYS_writev, ends[1], &piece, (1L << 32) + 1) == 1);
    REQUIRE(syscall(SYS_vmsplice, ends[1], &piece, (1L << 32) + 1, 0L) == 1);
    REQUIRE(read(ends[0], &(char[9]){0}, 9) == 5);
    return true;
}

static bool pipes_have_an_end(void)
{
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    REQUIRE_ERRNO(fcntl(ends[0], F_SETPIPE_SZ, 0x7fffffff), ENOMEM);
    REQUIRE_ERRNO(fcntl(ends[0], F_SETPIPE_SZ, 0x80000001), EINVAL);
    REQUIRE(fcntl(ends[0], F_GETPIPE_SZ) == 65536);
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    REQUIRE_ERRNO(fcntl(ends[0], F_SETPIPE_SZ, 0x7fffffff), EPERM);
    return true;
}

static bool ranges_to_synchronise(void)
{
    int file = file_make(), null = open("/dev/null", O_RDWR), ends[2];

    REQUIRE(pipe(ends) == 0 && sync_file_range(file, 0, 1, SYNC_FILE_RANGE_WRITE) == 0);
    REQUIRE_ERRNO(sync_file_range(null, 0, 1, SYNC_FILE_RANGE_WAIT_AFTER), ESPIPE);
    REQUIRE_ERRNO(sync_file_range(ends[0], 0, 1, SYNC_FILE_RANGE_WAIT_AFTER), ESPIPE);
    REQUIRE_ERRNO(sync_file_range(ends[0], 0, 1, 8), EINVAL);
    REQUIRE_ERRNO(sync_file_range(file, -1, 1, 1), EINVAL);
    REQUIRE_ERRNO(sync_file_range(file, 1, INT64_MAX, 1), EINVAL);
    REQUIRE_ERRNO(sync_file_range(-1, 0, 1, 8), EBADF);
    return true;
}

/* ---- locks ---- */

static bool lock(int file, short type, off_t start, off_t size)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = size};
    return fcntl(file, F_SETLK, &range) == 0;
}

/* What a child is told is in the way of a lock on the whole file. */
static bool child_is_told(int file, off_t start, off_t size)
{
    pid_t child = fork();
    if (child == 0) {
        struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(file, F_GETLK, &range))
            _exit(2);
        tap_note("told: %ld, %ld", (long)range.l_start, (long)range.l_len);
        _exit(range.l_start == start && range.l_len == size ? 0 : 1);
    }
    return exited(status_of(child), 0);
}

static bool first_lock_in_the_way(void)
{
    int file = file_make();

    REQUIRE(lock(file, F_WRLCK, 20, 2) && lock(file, F_WRLCK, 2, 2) && lock(file, F_WRLCK, 10, 2));
    REQUIRE(child_is_told(file, 2, 2));
    REQUIRE(lock(file, F_UNLCK, 0, 0) && lock(file, F_WRLCK, 0, 20) && lock(file, F_UNLCK, 5, 5));
    REQUIRE(child_is_told(file, 0, 5));
    return true;
}

static bool locks_far_out(void)
{
    struct flock range = {F_WRLCK, SEEK_SET, INT64_MAX - 1, 10, 0};
    int file = file_make();

    REQUIRE(ftruncate(file, 100) == 0);
    REQUIRE_ERRNO(fcntl(file, F_SETLK, &range), EOVERFLOW);
    range = (struct flock){F_WRLCK, SEEK_END, INT64_MAX, 0, 0};
    REQUIRE_ERRNO(fcntl(file, F_SETLK, &range), EOVERFLOW);
    range = (struct flock){F_WRLCK, SEEK_SET, 5, INT64_MIN, 0};
    REQUIRE_ERRNO(fcntl(file, F_SETLK, &range), EINVAL);
    range = (struct flock){F_WRLCK, SEEK_SET, INT64_MAX, 1, 0};
    REQUIRE(fcntl(file, F_SETLK, &range) == 0);
    return true;
}

/* ---- files in memory ---- */

static bool memory_is_cut(void)
{
    int file = memfd_create("file_edges", 0);
    char name[64];
    struct stat status;

    REQUIRE(file >= 0 && write(file, "hello", 5) == 5);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
    REQUIRE(truncate(name, 3) == 0 && fstat(file, &status) == 0 && status.st_size == 3);
    REQUIRE(open(name, O_RDWR) >= 0 && fstat(file, &status) == 0 && status.st_size == 3);
    REQUIRE(open(name, O_RDWR | O_TRUNC) >= 0 && fstat(file, &status) == 0);
    REQUIRE(status.st_size == 0);
    return true;
}

static bool sealed_memory_is_not_cut(void)
{
    int file = memfd_create("file_edges", MFD_ALLOW_SEALING);
    char name[64];

    REQUIRE(file >= 0 && write(file, "hello", 5) == 5);
    REQUIRE(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
    REQUIRE_ERRNO(open(name, O_RDWR | O_TRUNC), EPERM);
    REQUIRE_ERRNO(truncate(name, 0), EPERM);
    return true;
}

/* This program, in memory. */
static int memory_program(unsigned flags)
{
    int from = open("/tests/file_edges", O_RDONLY), to = memfd_create("file_edges", flags);
    struct stat status;

    if (from < 0 || to < 0 || fstat(from, &status) ||
        sendfile(to, from, NULL, (size_t)status.st_size) != status.st_size)
        return -1;
    return to;
}

static bool runs_from(int file)
{
    pid_t child = fork();
    if (child == 0) {
        fexecve(file, (char *[]){"file_edges", "again", NULL}, (char *[]){NULL});
        tap_note("fexecve: errno %d", errno);
        _exit(1);
    }
    return exited(status_of(child), 0);
}

static bool memory_runs(void)
{
    int file = memory_program(MFD_CLOEXEC);
    REQUIRE(file >= 0 && runs_from(file));
    return true;
}

static bool sealed_memory_runs(void)
{
    int file = memory_program(MFD_CLOEXEC | MFD_ALLOW_SEALING);
    REQUIRE(file >= 0);
    REQUIRE(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ==
            0);
    REQUIRE(runs_from(file));
    return true;
}

static bool memory_opened_again_is_busy(void)
{
    int file = memory_program(MFD_CLOEXEC);
    char name[64];

    snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
    int again = open(name, O_RDWR | O_CLOEXEC);
    REQUIRE(file >= 0 && again >= 0);
    REQUIRE_ERRNO(fexecve(file, (char *[]){"x", "again", NULL}, (char *[]){NULL}), ETXTBSY);
    close(again);
    REQUIRE(runs_from(file));
    return true;
}

/* What cannot do it says so, by either call; pipes take it for packets, when they are there. */
static bool nothing_is_direct(void)
{
    int ends[2], pair[2];

    int null = open("/dev/null", O_RDWR);
    int directory = open("/", O_RDONLY);
    int event = eventfd(0, 0);
    REQUIRE(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    REQUIRE_ERRNO(open("/dev/null", O_RDWR | O_DIRECT), EINVAL);
    REQUIRE_ERRNO(open("/", O_RDONLY | O_DIRECT), EINVAL);
    REQUIRE_ERRNO(open("/proc/self/stat", O_RDONLY | O_DIRECT), EINVAL);
    REQUIRE_ERRNO(fcntl(null, F_SETFL, O_DIRECT), EINVAL);
    REQUIRE_ERRNO(fcntl(directory, F_SETFL, O_DIRECT), EINVAL);
    REQUIRE_ERRNO(fcntl(event, F_SETFL, O_DIRECT), EINVAL);
    REQUIRE_ERRNO(fcntl(pair[0], F_SETFL, O_DIRECT), EINVAL);
    REQUIRE(fcntl(ends[1], F_SETFL, O_DIRECT) == 0 && fcntl(ends[1], F_GETFL) & O_DIRECT);
    const int all[] = {null, directory, event, ends[0], ends[1], pair[0], pair[1]};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        close(all[i]);
    return true;
}

static const struct test_case cases[] = {
    {"times of any year", "utimensat(2)", times_of_any_year},
    {"times by older calls", "utime(2)", times_by_older_calls},
    {"times that are left alone", "utimensat(2)", times_that_are_left_alone},
    {"setitimer: for ever", "getitimer(2)", timers_that_never_end},
    {"reading and writing far out", "pread(2)", reading_and_writing_far_out},
    {"sizes far out", "fallocate(2)", sizes_far_out},
    {"copies far out", "copy_file_range(2)", copies_far_out},
    {"lengths far out", "splice(2), read(2), readv(2)", lengths_far_out},
    {"F_SETPIPE_SZ: far too much", "fcntl(2)", pipes_have_an_end},
    {"sync_file_range: errors", "sync_file_range(2)", ranges_to_synchronise},
    {"F_GETLK names the first lock", "fcntl(2)", first_lock_in_the_way},
    {"O_DIRECT: refused but by pipes", "open(2), fcntl(2)", nothing_is_direct},
    {"locks far out", "fcntl(2)", locks_far_out},
    {"a file in memory is cut by its name", "open(2)", memory_is_cut},
    {"…not when it is sealed", "fcntl(2)", sealed_memory_is_not_cut},
    {"a program in memory runs", "fexecve(3)", memory_runs},
    {"…sealed", "fexecve(3)", sealed_memory_runs},
    {"…not while it is open once more to be written", "execve(2)", memory_opened_again_is_busy},
};

int main(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return 0;
    int result = run_cases(cases, sizeof(cases) / sizeof(cases[0]));
    unlink(NAME);
    return result;
}

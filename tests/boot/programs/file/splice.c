/* splice: splice(2), tee(2), vmsplice(2): what moves, what waits, what is refused. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "races.h"

static char buffer[1 << 20];

/* A pipe with this in it. */
static bool pipe_of(int ends[2], const char *text)
{
    size_t size = strlen(text);

    return pipe(ends) == 0 && write(ends[1], text, size) == (ssize_t)size;
}

/* A full pipe of one page. */
static bool full_pipe(int ends[2])
{
    return pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096 &&
           write(ends[1], buffer, 4096) == 4096;
}

static int file_of(const char *text)
{
    char name[64];

    snprintf(name, sizeof(name), "/tmp/splice.%d", getpid());
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink(name);
    if (write(file, text, strlen(text)) < 0)
        return -1;
    lseek(file, 0, SEEK_SET);
    return file;
}

/* Is this what the next read gets? */
static bool reads(int file, const char *expected)
{
    ssize_t size = read(file, buffer, sizeof(buffer) - 1);

    buffer[size > 0 ? size : 0] = '\0';
    if (strcmp(buffer, expected) != 0)
        tap_note("read %.40s, not %s", buffer, expected);
    return strcmp(buffer, expected) == 0;
}

static long in_pipe(int end)
{
    int bytes = -1;

    ioctl(end, FIONREAD, &bytes);
    return bytes;
}

static void caught(int signal)
{
    (void)signal;
}

/* Whatever waits too long is interrupted. */
static void alarm_soon(void)
{
    struct sigaction action = {.sa_handler = caught};

    sigaction(SIGALRM, &action, NULL);
    alarm(5);
}

/* ---- between pipes ---- */

static bool pipe_to_pipe(void)
{
    int from[2], to[2];

    REQUIRE(pipe_of(from, "0123456789") && pipe(to) == 0);
    REQUIRE(splice(from[0], NULL, to[1], NULL, 4, 0) == 4);
    REQUIRE(reads(to[0], "0123") && reads(from[0], "456789"));
    return true;
}

static bool pipe_to_itself(void)
{
    int ends[2];

    REQUIRE(pipe_of(ends, "0123"));
    REQUIRE_ERRNO(splice(ends[0], NULL, ends[1], NULL, 4, 0), EINVAL);
    REQUIRE_ERRNO(tee(ends[0], ends[1], 4, 0), EINVAL);
    REQUIRE(in_pipe(ends[0]) == 4);
    return true;
}

static bool empty_nonblocking(void)
{
    int from[2], to[2];

    alarm_soon();
    REQUIRE(pipe(from) == 0 && pipe(to) == 0);
    REQUIRE_ERRNO(splice(from[0], NULL, to[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
    REQUIRE_ERRNO(splice(from[0], NULL, file_of(""), NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
    REQUIRE_ERRNO(tee(from[0], to[1], 10, SPLICE_F_NONBLOCK), EAGAIN);
    fcntl(to[1], F_SETFL, O_NONBLOCK); /* either file's flag counts */
    REQUIRE_ERRNO(splice(from[0], NULL, to[1], NULL, 10, 0), EAGAIN);
    return true;
}

static bool full_nonblocking(void)
{
    int from[2], to[2], file = file_of("abc");

    alarm_soon();
    REQUIRE(full_pipe(to) && pipe_of(from, "0123"));
    REQUIRE_ERRNO(splice(file, NULL, to[1], NULL, 3, SPLICE_F_NONBLOCK), EAGAIN);
    REQUIRE(lseek(file, 0, SEEK_CUR) == 0);
    REQUIRE_ERRNO(splice(from[0], NULL, to[1], NULL, 4, SPLICE_F_NONBLOCK), EAGAIN);
    REQUIRE_ERRNO(tee(from[0], to[1], 4, SPLICE_F_NONBLOCK), EAGAIN);
    REQUIRE(in_pipe(from[0]) == 4);
    return true;
}

static bool waits_and_is_interrupted(void)
{
    int from[2], to[2];
    struct sigaction action = {.sa_handler = caught};

    sigaction(SIGALRM, &action, NULL);
    REQUIRE(pipe(from) == 0 && full_pipe(to));
    alarm(1);
    REQUIRE_ERRNO(splice(from[0], NULL, to[1], NULL, 10, 0), EINTR);
    REQUIRE(write(from[1], "0123", 4) == 4);
    alarm(1);
    REQUIRE_ERRNO(splice(from[0], NULL, to[1], NULL, 10, 0), EINTR);
    REQUIRE(in_pipe(from[0]) == 4);
    return true;
}

static bool ends_of_pipes(void)
{
    int from[2], to[2];

    signal(SIGPIPE, SIG_IGN);
    REQUIRE(pipe_of(from, "0123") && pipe(to) == 0);
    close(from[1]);
    REQUIRE(splice(from[0], NULL, to[1], NULL, 10, 0) == 4);
    REQUIRE(splice(from[0], NULL, to[1], NULL, 10, 0) == 0);
    REQUIRE(pipe_of(from, "0123"));
    close(to[0]);
    REQUIRE_ERRNO(splice(from[0], NULL, to[1], NULL, 10, 0), EPIPE);
    REQUIRE_ERRNO(splice(file_of("abc"), NULL, to[1], NULL, 10, 0), EPIPE);
    REQUIRE(in_pipe(from[0]) == 4);
    return true;
}

static bool as_much_as_fits(void)
{
    int from[2], to[2], file = file_of("");

    alarm_soon();
    REQUIRE(pipe(from) == 0 && pipe(to) == 0 && ftruncate(file, 1 << 20) == 0);
    REQUIRE(splice(file, NULL, from[1], NULL, 1 << 20, 0) == 65536);
    REQUIRE(fcntl(to[1], F_SETPIPE_SZ, 16384) == 16384);
    REQUIRE(splice(from[0], NULL, to[1], NULL, 65536, 0) == 16384);
    REQUIRE(in_pipe(from[0]) == 65536 - 16384 && in_pipe(to[0]) == 16384);
    return true;
}

/* ---- pipes and files ---- */

static bool file_to_pipe(void)
{
    int to[2], file = file_of("0123456789");
    off_t offset = 5;

    REQUIRE(pipe(to) == 0);
    REQUIRE(splice(file, NULL, to[1], NULL, 3, 0) == 3 && lseek(file, 0, SEEK_CUR) == 3);
    REQUIRE(reads(to[0], "012"));
    REQUIRE(splice(file, &offset, to[1], NULL, 100, 0) == 5 && offset == 10);
    REQUIRE(lseek(file, 0, SEEK_CUR) == 3);
    REQUIRE(reads(to[0], "56789"));
    REQUIRE(splice(file, &offset, to[1], NULL, 100, 0) == 0);
    return true;
}

static bool pipe_to_file(void)
{
    int from[2], file = file_of("..........");
    off_t offset = 6;

    REQUIRE(pipe_of(from, "abcdef"));
    REQUIRE(splice(from[0], NULL, file, NULL, 2, 0) == 2 && lseek(file, 0, SEEK_CUR) == 2);
    REQUIRE(splice(from[0], NULL, file, &offset, 100, 0) == 4 && offset == 10);
    lseek(file, 0, SEEK_SET);
    REQUIRE(reads(file, "ab....cdef"));
    return true;
}

static bool large(void)
{
    int ends[2], from = file_of(""), to = file_of("");

    for (size_t i = 0; i < sizeof(buffer); i++)
        buffer[i] = (char)(i * 7 + i / 4096);
    REQUIRE(write(from, buffer, sizeof(buffer)) == sizeof(buffer) && pipe(ends) == 0);
    lseek(from, 0, SEEK_SET);
    for (size_t done = 0; done < sizeof(buffer);) {
        ssize_t got = splice(from, NULL, ends[1], NULL, sizeof(buffer), 0);
        REQUIRE(got > 0 && splice(ends[0], NULL, to, NULL, sizeof(buffer), 0) == got);
        done += (size_t)got;
    }
    REQUIRE(lseek(to, 0, SEEK_CUR) == sizeof(buffer));
    memset(buffer, 0, sizeof(buffer));
    REQUIRE(pread(to, buffer, sizeof(buffer), 0) == sizeof(buffer));
    for (size_t i = 0; i < sizeof(buffer); i++)
        REQUIRE(buffer[i] == (char)(i * 7 + i / 4096));
    return true;
}

static bool to_append(void)
{
    int from[2], file = file_of("");

    REQUIRE(pipe_of(from, "0123") && fcntl(file, F_SETFL, O_APPEND) == 0);
    REQUIRE_ERRNO(splice(from[0], NULL, file, NULL, 4, 0), EINVAL);
    REQUIRE(in_pipe(from[0]) == 4);
    return true;
}

static bool socket_to_pipe(void)
{
    int ends[2], sockets[2];

    alarm_soon();
    REQUIRE(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    REQUIRE_ERRNO(splice(sockets[0], NULL, ends[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
    REQUIRE(write(sockets[1], "0123", 4) == 4);
    REQUIRE(splice(sockets[0], NULL, ends[1], NULL, 10, 0) == 4);
    REQUIRE(splice(ends[0], NULL, sockets[0], NULL, 10, 0) == 4);
    REQUIRE(reads(sockets[1], "0123"));
    return true;
}

/* What a full socket does not take stays in the pipe. */
static bool nothing_is_lost(void)
{
    int ends[2], sockets[2], file = file_of("");
    long given = 0, taken = 0;

    REQUIRE(ftruncate(file, 1 << 30) == 0);
    REQUIRE(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    fcntl(sockets[0], F_SETFL, O_NONBLOCK);
    fcntl(sockets[1], F_SETFL, O_NONBLOCK);
    for (;;) {
        if (!in_pipe(ends[0]))
            given += splice(file, NULL, ends[1], NULL, 30000, 0);
        if (splice(ends[0], NULL, sockets[0], NULL, 30000, 0) <= 0)
            break;
    }
    REQUIRE(errno == EAGAIN && in_pipe(ends[0]) > 0);
    for (ssize_t got; (got = read(sockets[1], buffer, sizeof(buffer))) > 0;)
        taken += got;
    REQUIRE(taken + in_pipe(ends[0]) == given);
    return true;
}

/* ---- two readers ---- */

static int shared[2];
static _Atomic long spliced, was_read;

static void *read_on(void *nothing)
{
    char bytes[3000];

    for (ssize_t got; (got = read(shared[0], bytes, sizeof(bytes))) > 0;)
        was_read += got;
    return nothing;
}

static void *splice_on(void *nothing)
{
    int null = open("/dev/null", O_WRONLY);

    for (ssize_t got; (got = splice(shared[0], NULL, null, NULL, 5000, 0)) > 0;)
        spliced += got;
    return nothing;
}

static bool splice_beside_read(void)
{
    struct race race = race_begin(500);
    pthread_t threads[4];
    long total = 0;

    REQUIRE(pipe(shared) == 0);
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, i % 2 ? read_on : splice_on, NULL) == 0);
    while (race_goes_on(&race)) {
        size_t size = (race.round * 37) % 9000 + 1;
        REQUIRE(write(shared[1], buffer, size) == (ssize_t)size);
        total += (long)size;
    }
    close(shared[1]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    REQUIRE(spliced + was_read == total);
    return true;
}

/* ---- tee and vmsplice ---- */

static bool tee_keeps(void)
{
    int from[2], to[2];

    REQUIRE(pipe_of(from, "0123456789") && pipe(to) == 0);
    REQUIRE(tee(from[0], to[1], 4, 0) == 4);
    REQUIRE(tee(from[0], to[1], 100, 0) == 10);
    REQUIRE(reads(to[0], "01230123456789") && reads(from[0], "0123456789"));
    close(from[1]);
    REQUIRE(tee(from[0], to[1], 100, 0) == 0);
    return true;
}

static bool tee_errors(void)
{
    int from[2], to[2], file = file_of("abc");

    REQUIRE(pipe_of(from, "0123") && pipe(to) == 0);
    REQUIRE_ERRNO(tee(-1, to[1], 4, 0), EBADF);
    REQUIRE_ERRNO(tee(from[0], -1, 4, 0), EBADF);
    REQUIRE_ERRNO(tee(from[1], to[1], 4, 0), EBADF);
    REQUIRE_ERRNO(tee(from[0], file, 4, 0), EINVAL);
    REQUIRE_ERRNO(tee(from[0], to[1], 4, 0x10), EINVAL);
    REQUIRE(tee(from[0], to[1], 0, 0) == 0 && tee(-1, -1, 0, 0) == 0);
    return true;
}

static bool vmsplice_both_ways(void)
{
    int ends[2], file = file_of("");
    struct iovec parts[2] = {{"ab", 2}, {"cde", 3}}, into = {buffer, 100};

    alarm_soon();
    REQUIRE(pipe(ends) == 0);
    REQUIRE(vmsplice(ends[1], parts, 2, 0) == 5);
    REQUIRE(vmsplice(ends[0], &into, 1, 0) == 5 && memcmp(buffer, "abcde", 5) == 0);
    REQUIRE_ERRNO(vmsplice(file, parts, 2, 0), EBADF);
    REQUIRE_ERRNO(vmsplice(ends[1], parts, 2, 0x10), EINVAL);
    REQUIRE_ERRNO(vmsplice(-1, parts, 2, 0), EBADF);
    REQUIRE(vmsplice(ends[1], parts, 0, 0) == 0);
    REQUIRE(full_pipe(ends));
    REQUIRE_ERRNO(vmsplice(ends[1], parts, 2, SPLICE_F_NONBLOCK), EAGAIN);
    return true;
}

/* ---- what is refused ---- */

static bool errors_in_order(void)
{
    int from[2], to[2], file = file_of("abc"), event = eventfd(1, 0), sockets[2];
    off_t offset = 0, negative = -1, *nowhere = (off_t *)8;

    REQUIRE(pipe_of(from, "0123") && pipe(to) == 0);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 && write(sockets[1], "x", 1) == 1);
    REQUIRE(splice(-1, NULL, -1, NULL, 0, 0x10) == 0);
    REQUIRE_ERRNO(splice(-1, NULL, -1, NULL, 1, 0x10), EINVAL);
    REQUIRE_ERRNO(splice(-1, &offset, to[1], &offset, 1, 0), EBADF);
    REQUIRE_ERRNO(splice(from[0], &offset, -1, NULL, 1, 0), EBADF);
    REQUIRE_ERRNO(splice(from[0], &offset, file, nowhere, 1, 0), ESPIPE);
    REQUIRE_ERRNO(splice(file, &offset, to[1], &offset, 1, 0), ESPIPE);
    REQUIRE_ERRNO(splice(file, nowhere, to[0], NULL, 1, 0), EFAULT);
    REQUIRE_ERRNO(splice(file, NULL, to[0], NULL, 1, 0), EBADF);
    REQUIRE_ERRNO(splice(from[1], NULL, file, NULL, 1, 0), EBADF);
    REQUIRE_ERRNO(splice(file, NULL, file, NULL, 1, 0), EINVAL);
    REQUIRE_ERRNO(splice(file, &negative, to[1], NULL, 1, 0), EINVAL);
    REQUIRE_ERRNO(splice(from[0], NULL, file, &negative, 1, 0), EINVAL);
    REQUIRE_ERRNO(splice(sockets[0], &offset, to[1], NULL, 1, 0), EINVAL);
    REQUIRE_ERRNO(splice(from[0], NULL, event, NULL, 8, 0), EINVAL);
    REQUIRE_ERRNO(splice(event, NULL, to[1], NULL, 8, 0), EINVAL);
    REQUIRE(in_pipe(from[0]) == 4);
    return true;
}

static const struct test_case cases[] = {
    {"from pipe to pipe", "splice(2)", pipe_to_pipe},
    {"a pipe onto itself", "splice(2)", pipe_to_itself},
    {"SPLICE_F_NONBLOCK and an empty pipe", "splice(2)", empty_nonblocking},
    {"SPLICE_F_NONBLOCK and a full pipe", "splice(2)", full_nonblocking},
    {"a wait that a signal ends takes nothing", "splice(2)", waits_and_is_interrupted},
    {"ends of pipes", "splice(2)", ends_of_pipes},
    {"as much as fits, without waiting for more room", "splice(2)", as_much_as_fits},
    {"from file to pipe, with offsets", "splice(2)", file_to_pipe},
    {"from pipe to file, with offsets", "splice(2)", pipe_to_file},
    {"a megabyte", "splice(2)", large},
    {"not to O_APPEND", "splice(2)", to_append},
    {"sockets", "splice(2)", socket_to_pipe},
    {"what a full socket does not take stays in the pipe", "splice(2)", nothing_is_lost},
    {"splices and reads of one pipe share what comes", "splice(2)", splice_beside_read},
    {"tee leaves what it copies", "tee(2)", tee_keeps},
    {"tee: errors", "tee(2)", tee_errors},
    {"vmsplice in and out", "vmsplice(2)", vmsplice_both_ways},
    {"errors in order", "splice(2)", errors_in_order},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

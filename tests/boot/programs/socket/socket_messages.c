/* socket_messages: what messages carry beside bytes: open files and credentials (cmsg(3)). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "socket_cases.h"
#include "socket_files.h"

/* How many files came with the next message, of at most `room`; *flags: msg_flags. */
static int receive_files(int socket, int *files, int room, int flags, int *got_flags)
{
    union control control = {{0}};
    struct iovec vector = {buffer, 100};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0};

    if (recvmsg(socket, &message, flags) < 0)
        return -1;
    *got_flags = message.msg_flags;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return 0;
    int count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(files, CMSG_DATA(header), count * sizeof(int));
    return count;
}

static bool pass_descriptors(void)
{
    int pipe_ends[2], got[5], flags;

    REQUIRE(pipe(pipe_ends) == 0);
    for (int type = STREAM; type <= SEQUENCED; type += type == STREAM ? 1 : 3) {
        REQUIRE(pair(type) && send_files(ends[0], pipe_ends, 2) == 1);
        REQUIRE(receive_files(ends[1], got, 5, 0, &flags) == 2 && flags == 0);
        REQUIRE(got[0] != pipe_ends[0] && fcntl(got[0], F_GETFD) == 0);
        REQUIRE(write(got[1], "through", 7) == 7 && read(pipe_ends[0], buffer, 99) == 7);
        REQUIRE(send_files(ends[0], pipe_ends, 1) == 1);
        REQUIRE(receive_files(ends[1], got, 5, MSG_CMSG_CLOEXEC, &flags) == 1);
        REQUIRE(fcntl(got[0], F_GETFD) == FD_CLOEXEC);
    }
    return true;
}

static bool pass_closed_descriptor(void)
{
    int pipe_ends[2], got[1], flags;

    REQUIRE(pair(STREAM) && pipe(pipe_ends) == 0 && write(pipe_ends[1], "kept", 4) == 4);
    REQUIRE(send_files(ends[0], pipe_ends, 1) == 1);
    REQUIRE(close(pipe_ends[0]) == 0 && close(ends[0]) == 0);
    REQUIRE(receive_files(ends[1], got, 1, 0, &flags) == 1 && read(got[0], buffer, 9) == 4);
    return true;
}

static bool pass_too_many(void)
{
    int files[300], got[4], flags, bad = 99;

    REQUIRE(pair(STREAM));
    for (int i = 0; i < 300; i++)
        files[i] = 0;
    REQUIRE_ERRNO(send_files(ends[0], files, 254), EINVAL);
    REQUIRE_ERRNO(send_files(ends[0], &bad, 1), EBADF);
    REQUIRE(send_files(ends[0], files, 4) == 1);
    REQUIRE(receive_files(ends[1], got, 2, 0, &flags) == 2 && flags == MSG_CTRUNC);
    REQUIRE(send_files(ends[0], files, 1) == 1);
    REQUIRE(receive_files(ends[1], got, 0, 0, &flags) == 0 && flags == MSG_CTRUNC);
    REQUIRE(send_files(ends[0], files, 253) == 1);
    REQUIRE(receive_files(ends[1], files, 253, 0, &flags) == 253);
    return true;
}

static bool pass_unread(void)
{
    int pipe_ends[2];

    /* The pipe's last writer is on its way and never received: its end is the message's. */
    REQUIRE(pair(STREAM) && pipe(pipe_ends) == 0);
    REQUIRE(send_files(ends[0], &pipe_ends[1], 1) == 1 && close(pipe_ends[1]) == 0);
    REQUIRE(fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK) == 0);
    REQUIRE_ERRNO(read(pipe_ends[0], buffer, 1), EAGAIN);
    REQUIRE(read(ends[1], buffer, 9) == 1); /* without a place for them they are closed */
    REQUIRE(read(pipe_ends[0], buffer, 1) == 0);
    return true;
}

static bool pass_peeked(void)
{
    int got[2], flags, pipe_ends[2];

    REQUIRE(pair(STREAM) && pipe(pipe_ends) == 0 && send_files(ends[0], pipe_ends, 2) == 1);
    REQUIRE(receive_files(ends[1], got, 2, MSG_PEEK, &flags) == 2);
    REQUIRE(write(got[1], "x", 1) == 1);
    REQUIRE(receive_files(ends[1], got, 2, 0, &flags) == 2 && read(got[0], buffer, 9) == 1);
    return true;
}

static bool pass_ends_a_read(void)
{
    int files[1] = {0};

    REQUIRE(pair(STREAM) && write(ends[0], "ab", 2) == 2 && send_files(ends[0], files, 1) == 1);
    REQUIRE(write(ends[0], "cd", 2) == 2);
    REQUIRE(read(ends[1], buffer, 100) == 3 && memcmp(buffer, "abf", 3) == 0);
    REQUIRE(read(ends[1], buffer, 100) == 2);
    return true;
}

static bool rings_end(void)
{
    int watched[2], one[2], two[2];

    /* Two sockets on their way to each other, with a pipe's only writer: nobody can get it any
       more, so the next socket that ends takes them along. */
    REQUIRE(pipe(watched) == 0 && socketpair(AF_UNIX, STREAM, 0, one) == 0);
    REQUIRE(socketpair(AF_UNIX, STREAM, 0, two) == 0);
    REQUIRE(send_files(one[1], &two[0], 1) == 1 && send_files(two[1], &one[0], 1) == 1);
    REQUIRE(send_files(one[1], &watched[1], 1) == 1);
    for (int i = 0; i < 2; i++) {
        close(one[i]);
        close(two[i]);
    }
    close(watched[1]);
    REQUIRE(pair(STREAM) && close(ends[0]) == 0 && close(ends[1]) == 0);
    REQUIRE(EVENTUALLY(ready(watched[0]) & POLLHUP));
    return true;
}

static bool chain_ends(void)
{
    int watched[2], last, next[2];

    /* Each socket is on its way in the next one: all end with the last descriptor. */
    REQUIRE(pipe(watched) == 0);
    last = watched[1];
    for (int i = 0; i < 300; i++) {
        REQUIRE(socketpair(AF_UNIX, STREAM, 0, next) == 0);
        REQUIRE(send_files(next[0], &last, 1) == 1);
        close(last);
        close(next[0]);
        last = next[1];
    }
    REQUIRE(!(ready(watched[0]) & POLLHUP));
    close(last);
    REQUIRE(EVENTUALLY(ready(watched[0]) & POLLHUP));
    return true;
}

static bool pass_credentials(void)
{
    union control control = {{0}};
    struct iovec vector = {buffer, 100};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    int on = 1;

    REQUIRE(pair(DATAGRAM));
    REQUIRE(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (setresgid(7, 7, 7) || setresuid(1000, 1000, 1000))
            _exit(1);
        _exit(write(ends[0], "who", 3) != 3);
    }
    REQUIRE(recvmsg(ends[1], &message, 0) == 3 && message.msg_flags == 0);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    REQUIRE(header && header->cmsg_type == SCM_CREDENTIALS);
    REQUIRE(header->cmsg_len == CMSG_LEN(sizeof(struct ucred)));
    struct ucred *credentials = (struct ucred *)CMSG_DATA(header);
    REQUIRE(credentials->pid == child && credentials->uid == 1000 && credentials->gid == 7);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

/* ---- when ---- */

static bool option_set(int option, int value)
{
    return setsockopt(ends[1], SOL_SOCKET, option, &value, sizeof(value)) == 0;
}

static int option_of(int option)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(ends[1], SOL_SOCKET, option, &value, &size) ? -1 : value;
}

static int64_t wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

/* Which stamp came with the next message, 0: none; *time: its time, in us. */
static int receive_stamp(int64_t *time)
{
    union control control = {{0}};
    struct iovec vector = {buffer, 100};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct timespec stamp;

    if (recvmsg(ends[1], &message, 0) != 1)
        return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header)
        return 0;
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_len != CMSG_LEN(sizeof(stamp)))
        return -1;
    memcpy(&stamp, CMSG_DATA(header), sizeof(stamp));
    bool fine =
        header->cmsg_type == 35 || header->cmsg_type == 64; /* SO_TIMESTAMPNS of both kinds */
    *time = stamp.tv_sec * 1000000L + stamp.tv_nsec / (fine ? 1000 : 1);
    return header->cmsg_type;
}

/* 29, 63: struct timeval; 35, 64: struct timespec; of each the second where time_t may be longer
   than long. */
static const int stamps[] = {29, 63, 35, 64};

static bool stamp_options(void)
{
    static const int told[4][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 1, 0, 1}};

    REQUIRE(pair(DATAGRAM));
    for (int set = 0; set < 4; set++) {
        REQUIRE(option_set(stamps[set], 7));
        for (int asked = 0; asked < 4; asked++)
            REQUIRE(option_of(stamps[asked]) == told[set][asked]);
    }
    REQUIRE(option_set(stamps[0], 0)); /* any of them ends all */
    for (int asked = 0; asked < 4; asked++)
        REQUIRE(option_of(stamps[asked]) == 0);
    REQUIRE_ERRNO(setsockopt(ends[1], SOL_SOCKET, 29, "abc", 3), EINVAL);
    return true;
}

static bool stamps_come(int type)
{
    int64_t came;

    REQUIRE(pair(type));
    for (int i = 0; i < 4; i++) {
        REQUIRE(option_set(stamps[i], 1));
        int64_t before = wall_us();
        REQUIRE(write(ends[0], "x", 1) == 1);
        int64_t after = wall_us();
        sleep_ms(20);
        REQUIRE(receive_stamp(&came) == stamps[i] && came >= before && came <= after);
    }
    REQUIRE(option_set(29, 0) && write(ends[0], "x", 1) == 1 && receive_stamp(&came) == 0);
    return true;
}

static bool messages_are_stamped(void)
{
    return stamps_come(DATAGRAM) && stamps_come(SEQUENCED);
}

static bool stamped_late(void)
{
    int64_t came;

    REQUIRE(pair(DATAGRAM) && write(ends[0], "x", 1) == 1);
    sleep_ms(20);
    int64_t before = wall_us();
    REQUIRE(option_set(29, 1) && receive_stamp(&came) == 29 && came >= before);
    return true;
}

static bool streams_are_not(void)
{
    int64_t came;

    REQUIRE(pair(STREAM) && option_set(29, 1) && option_of(29) == 1);
    REQUIRE(write(ends[0], "x", 1) == 1 && receive_stamp(&came) == 0);
    return true;
}

static bool pretend_credentials(void)
{
    union control control = {{0}};
    struct iovec vector = {buffer, 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_SPACE(sizeof(struct ucred))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    struct ucred self = {getpid(), 1000, 1000}, other = {1, 0, 0};

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(sizeof(struct ucred));
    REQUIRE(pair(DATAGRAM) && setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
    memcpy(CMSG_DATA(header), &self, sizeof(self));
    REQUIRE(sendmsg(ends[0], &message, 0) == 1);
    memcpy(CMSG_DATA(header), &other, sizeof(other));
    REQUIRE_ERRNO(sendmsg(ends[0], &message, 0), EPERM);
    header->cmsg_type = 77;
    REQUIRE_ERRNO(sendmsg(ends[0], &message, 0), EINVAL);
    header->cmsg_len = 3;
    REQUIRE_ERRNO(sendmsg(ends[0], &message, 0), EINVAL);
    return true;
}

static const struct test_case cases[] = {
    {"SCM_RIGHTS passes open files", "unix(7)", pass_descriptors},
    {"a file on its way stays open", "unix(7)", pass_closed_descriptor},
    {"SCM_RIGHTS: limits and room", "unix(7), cmsg(3)", pass_too_many},
    {"files that nobody takes are closed", "unix(7)", pass_unread},
    {"SCM_RIGHTS with MSG_PEEK", "recv(2)", pass_peeked},
    {"files end a read of a stream", "unix(7)", pass_ends_a_read},
    {"sockets on their way to each other end", "unix(7)", rings_end},
    {"a long chain of sockets in sockets ends", "unix(7)", chain_ends},
    {"SO_PASSCRED tells who sent", "unix(7)", pass_credentials},
    {"SCM_CREDENTIALS must be true", "unix(7)", pretend_credentials},
    {"SO_TIMESTAMP and its kin: which is on", "socket(7)", stamp_options},
    {"SO_TIMESTAMP tells when a message came", "socket(7)", messages_are_stamped},
    {"…also one that came before it was asked", "socket(7)", stamped_late},
    {"…but not a stream's bytes", "socket(7)", streams_are_not},
};

int main(void)
{
    mkdir("/tmp", 01777);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

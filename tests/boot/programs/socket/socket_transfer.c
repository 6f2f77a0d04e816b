/*
 * socket_transfer: what goes through AF_UNIX sockets: streams, datagrams, shutdown, several at once
 * (unix(7), send(2), recv(2)).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "socket_cases.h"

/* ---- streams ---- */

static bool stream_both_ways(void)
{
    REQUIRE(pair(STREAM));
    REQUIRE(write(ends[0], "one", 3) == 3 && send(ends[0], "two", 3, 0) == 3);
    REQUIRE(write(ends[1], "back", 4) == 4);
    REQUIRE(read(ends[1], buffer, 100) == 6 && memcmp(buffer, "onetwo", 6) == 0);
    REQUIRE(recv(ends[0], buffer, 2, 0) == 2 && recv(ends[0], buffer, 9, 0) == 2);
    REQUIRE(memcmp(buffer, "ck", 2) == 0);
    return true;
}

static bool stream_end(void)
{
    REQUIRE(pair(STREAM) && write(ends[0], "last", 4) == 4 && close(ends[0]) == 0);
    REQUIRE(read(ends[1], buffer, 100) == 4);
    REQUIRE(read(ends[1], buffer, 100) == 0 && read(ends[1], buffer, 100) == 0);
    return true;
}

static bool stream_broken(void)
{
    REQUIRE(pair(STREAM) && close(ends[0]) == 0);
    signal(SIGPIPE, SIG_IGN);
    REQUIRE_ERRNO(write(ends[1], "x", 1), EPIPE);
    signal(SIGPIPE, SIG_DFL);
    REQUIRE_ERRNO(send(ends[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    pid_t child = fork();
    if (child == 0) {
        write(ends[1], "x", 1);
        _exit(0);
    }
    REQUIRE(killed_by(status_of(child), SIGPIPE));
    return true;
}

static bool stream_reset(void)
{
    REQUIRE(pair(STREAM) && write(ends[0], "unread", 6) == 6 && close(ends[1]) == 0);
    REQUIRE(ready(ends[0]) & POLLERR);
    REQUIRE_ERRNO(read(ends[0], buffer, 1), ECONNRESET);
    REQUIRE(read(ends[0], buffer, 1) == 0);
    return true;
}

static bool stream_blocks_when_full(void)
{
    size_t total = 0, got = 0;
    ssize_t done;

    REQUIRE(pair(STREAM));
    REQUIRE(ready(ends[0]) == POLLOUT);
    while ((done = send(ends[0], buffer, 1000, MSG_DONTWAIT)) > 0)
        total += done;
    REQUIRE(done == -1 && errno == EAGAIN && total >= 50000);
    REQUIRE(!(ready(ends[0]) & POLLOUT));
    pid_t child = fork();
    if (child == 0)
        _exit(write(ends[0], buffer, 200000) != 200000);
    close(ends[0]);
    while ((done = read(ends[1], buffer, sizeof(buffer))) > 0)
        got += done;
    REQUIRE(done == 0 && got == total + 200000 && exited(status_of(child), 0));
    return true;
}

static bool stream_wait_all(void)
{
    REQUIRE(pair(STREAM));
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 10; i++) {
            sleep_ms(2);
            write(ends[0], "0123456789", 10);
        }
        _exit(0);
    }
    REQUIRE(recv(ends[1], buffer, 100, MSG_WAITALL) == 100);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool stream_peek(void)
{
    REQUIRE(pair(STREAM) && write(ends[0], "abc", 3) == 3 && write(ends[0], "def", 3) == 3);
    REQUIRE(recv(ends[1], buffer, 5, MSG_PEEK) == 5 && memcmp(buffer, "abcde", 5) == 0);
    REQUIRE(recv(ends[1], buffer, 9, 0) == 6 && memcmp(buffer, "abcdef", 6) == 0);
    return true;
}

static bool stream_readable_size(void)
{
    int size = -1;

    REQUIRE(pair(STREAM) && write(ends[0], buffer, 5000) == 5000 && write(ends[0], "x", 1) == 1);
    REQUIRE(ioctl(ends[1], FIONREAD, &size) == 0 && size == 5001);
    return true;
}

static bool stream_vectors(void)
{
    char parts[3][4] = {"abc", "def", "ghi"}, got[2][5] = {{0}};
    struct iovec out[3] = {{parts[0], 3}, {parts[1], 3}, {parts[2], 3}};
    struct iovec in[2] = {{got[0], 4}, {got[1], 5}};
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 3};

    REQUIRE(pair(STREAM) && sendmsg(ends[0], &message, 0) == 9);
    REQUIRE(readv(ends[1], in, 2) == 9 && !memcmp(got[0], "abcd", 4) &&
            !memcmp(got[1], "efghi", 5));
    return true;
}

static bool stream_empty_nonblocking(void)
{
    REQUIRE(pair(STREAM));
    REQUIRE_ERRNO(recv(ends[0], buffer, 1, MSG_DONTWAIT), EAGAIN);
    REQUIRE(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    REQUIRE_ERRNO(read(ends[0], buffer, 1), EAGAIN);
    REQUIRE(read(ends[0], buffer, 0) == 0);
    return true;
}

static bool stream_faults(void)
{
    REQUIRE(pair(STREAM));
    REQUIRE_ERRNO(write(ends[0], (void *)8, 5), EFAULT);
    REQUIRE(write(ends[0], "text", 4) == 4);
    REQUIRE_ERRNO(read(ends[1], (void *)8, 5), EFAULT);
    REQUIRE(read(ends[1], buffer, 9) == 4);
    return true;
}

static bool unconnected_stream(void)
{
    int alone = socket(AF_UNIX, STREAM, 0);

    REQUIRE_ERRNO(read(alone, buffer, 1), EINVAL);
    REQUIRE_ERRNO(send(alone, "x", 1, MSG_NOSIGNAL), ENOTCONN);
    REQUIRE_ERRNO(listen(alone, 1), EINVAL);
    REQUIRE_ERRNO(accept(alone, NULL, NULL), EINVAL);
    REQUIRE((ready(alone) & (POLLOUT | POLLHUP)) == (POLLOUT | POLLHUP));
    alone = socket(AF_UNIX, SEQUENCED, 0);
    REQUIRE_ERRNO(read(alone, buffer, 1), ENOTCONN);
    return true;
}

static void nothing(int signal)
{
    (void)signal;
}

static bool interrupted_receive(void)
{
    struct sigaction action = {.sa_handler = nothing};
    struct timeval time = {5, 0};

    REQUIRE(pair(STREAM) && sigaction(SIGUSR1, &action, NULL) == 0);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        for (int i = 0; i < 500; i++) {
            sleep_ms(5);
            kill(parent, SIGUSR1);
        }
        _exit(0);
    }
    REQUIRE_ERRNO(read(ends[0], buffer, 1), EINTR);
    /* signal(7): a call with a timeout is interrupted whatever SA_RESTART says. */
    action.sa_flags = SA_RESTART;
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    REQUIRE(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0);
    REQUIRE_ERRNO(read(ends[0], buffer, 1), EINTR);
    signal(SIGUSR1, SIG_IGN);
    kill(child, SIGKILL);
    status_of(child);
    return true;
}

static bool receive_timeout(void)
{
    struct timeval time = {0, 30000};

    REQUIRE(pair(STREAM));
    REQUIRE(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0);
    long before = now_ms();
    REQUIRE_ERRNO(read(ends[0], buffer, 1), EAGAIN);
    REQUIRE(now_ms() - before >= 29);
    REQUIRE(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) == 0);
    while (send(ends[0], buffer, 10000, 0) > 0)
        ;
    REQUIRE(errno == EAGAIN);
    return true;
}

/* ---- shutdown ---- */

static bool shutdown_writing(void)
{
    REQUIRE(pair(STREAM) && write(ends[0], "x", 1) == 1 && shutdown(ends[0], SHUT_WR) == 0);
    REQUIRE_ERRNO(send(ends[0], "y", 1, MSG_NOSIGNAL), EPIPE);
    REQUIRE(ready(ends[1]) == (POLLIN | POLLOUT | POLLRDHUP));
    REQUIRE(read(ends[1], buffer, 9) == 1 && read(ends[1], buffer, 9) == 0);
    REQUIRE(write(ends[1], "back", 4) == 4 && read(ends[0], buffer, 9) == 4);
    return true;
}

static bool shutdown_reading(void)
{
    REQUIRE(pair(STREAM) && write(ends[1], "kept", 4) == 4 && shutdown(ends[0], SHUT_RD) == 0);
    REQUIRE(read(ends[0], buffer, 9) == 4 && read(ends[0], buffer, 9) == 0);
    REQUIRE_ERRNO(send(ends[1], "y", 1, MSG_NOSIGNAL), EPIPE);
    REQUIRE_ERRNO(shutdown(ends[0], 3), EINVAL);
    return true;
}

static bool shutdown_both(void)
{
    REQUIRE(pair(STREAM) && shutdown(ends[0], SHUT_RDWR) == 0);
    REQUIRE(ready(ends[0]) & POLLHUP && ready(ends[1]) & POLLHUP);
    REQUIRE(read(ends[1], buffer, 1) == 0);
    return true;
}

static bool shutdown_wakes(void)
{
    REQUIRE(pair(STREAM));
    pid_t child = fork();
    if (child == 0)
        _exit(read(ends[0], buffer, 1) != 0);
    sleep_ms(20);
    REQUIRE(shutdown(ends[0], SHUT_RD) == 0 && exited(status_of(child), 0));
    return true;
}

/* ---- datagrams ---- */

static bool datagrams_keep_their_bounds(void)
{
    int size;

    for (int type = DATAGRAM; type; type = type == DATAGRAM ? SEQUENCED : 0) {
        REQUIRE(pair(type));
        REQUIRE(write(ends[0], "first", 5) == 5 && write(ends[0], "second", 6) == 6);
        REQUIRE(ioctl(ends[1], FIONREAD, &size) == 0 && size == (type == DATAGRAM ? 5 : 11));
        REQUIRE(read(ends[1], buffer, 3) == 3 && memcmp(buffer, "fir", 3) == 0);
        REQUIRE(read(ends[1], buffer, 100) == 6 && memcmp(buffer, "second", 6) == 0);
        close(ends[0]);
        close(ends[1]);
    }
    return true;
}

static bool datagram_truncated(void)
{
    struct iovec vector = {buffer, 4};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

    REQUIRE(pair(DATAGRAM) && write(ends[0], "0123456789", 10) == 10);
    REQUIRE(recvmsg(ends[1], &message, 0) == 4 && message.msg_flags == MSG_TRUNC);
    REQUIRE(write(ends[0], "0123456789", 10) == 10);
    REQUIRE(recv(ends[1], buffer, 4, MSG_TRUNC | MSG_PEEK) == 10);
    REQUIRE(recv(ends[1], buffer, 4, MSG_TRUNC) == 10);
    return true;
}

static bool datagram_empty(void)
{
    REQUIRE(pair(DATAGRAM) && send(ends[0], "", 0, 0) == 0 && send(ends[0], "x", 1, 0) == 1);
    REQUIRE(recv(ends[1], buffer, 9, 0) == 0 && recv(ends[1], buffer, 9, 0) == 1);
    return true;
}

static bool datagram_too_large(void)
{
    REQUIRE(pair(DATAGRAM));
    REQUIRE_ERRNO(send(ends[0], buffer, 212992, 0), EMSGSIZE);
    REQUIRE(send(ends[0], buffer, 100000, 0) == 100000 &&
            recv(ends[1], buffer, 200000, 0) == 100000);
    return true;
}

static bool datagrams_by_name(void)
{
    struct sockaddr_un server = at_path("server"), client = at_path("client"), from;
    int receiver = socket(AF_UNIX, DATAGRAM, 0), sender = socket(AF_UNIX, DATAGRAM, 0);
    socklen_t size = sizeof(from);

    REQUIRE(bind(receiver, NAMED(server)) == 0);
    REQUIRE(sendto(sender, "nameless", 8, 0, NAMED(server)) == 8);
    REQUIRE(recvfrom(receiver, buffer, 100, 0, (struct sockaddr *)&from, &size) == 8 && size == 0);
    REQUIRE(bind(sender, NAMED(client)) == 0);
    REQUIRE(sendto(sender, "named", 5, 0, NAMED(server)) == 5);
    size = sizeof(from);
    REQUIRE(recvfrom(receiver, buffer, 100, 0, (struct sockaddr *)&from, &size) == 5);
    REQUIRE(strcmp(from.sun_path, client.sun_path) == 0);
    REQUIRE(size == offsetof(struct sockaddr_un, sun_path) + strlen(client.sun_path) + 1);
    REQUIRE_ERRNO(send(sender, "x", 1, 0), ENOTCONN);
    unlink(server.sun_path);
    REQUIRE_ERRNO(sendto(sender, "x", 1, 0, NAMED(server)), ENOENT);
    unlink(client.sun_path);
    return true;
}

static bool datagram_connection(void)
{
    struct sockaddr_un one = at_path("one"), unspecific = {.sun_family = AF_UNSPEC};
    int receiver = socket(AF_UNIX, DATAGRAM, 0), sender = socket(AF_UNIX, DATAGRAM, 0);
    int other = socket(AF_UNIX, DATAGRAM, 0);

    REQUIRE(bind(receiver, NAMED(one)) == 0 && connect(sender, NAMED(one)) == 0);
    REQUIRE(send(sender, "x", 1, 0) == 1 && recv(receiver, buffer, 9, 0) == 1);
    struct sockaddr_un back = at_path("back");
    REQUIRE(bind(sender, NAMED(back)) == 0 && connect(receiver, NAMED(back)) == 0);
    REQUIRE_ERRNO(sendto(other, "x", 1, 0, NAMED(one)), EPERM);
    REQUIRE(connect(sender, (struct sockaddr *)&unspecific, sizeof(sa_family_t)) == 0);
    REQUIRE_ERRNO(send(sender, "x", 1, 0), ENOTCONN);
    REQUIRE(connect(sender, NAMED(one)) == 0 && close(receiver) == 0);
    REQUIRE_ERRNO(send(sender, "x", 1, 0), ECONNREFUSED);
    REQUIRE_ERRNO(send(sender, "x", 1, 0), ENOTCONN);
    unlink(one.sun_path);
    unlink(back.sun_path);
    return true;
}

/* The name is another kind of socket's, which is none the worse for it. */
static bool datagram_to_a_stream(void)
{
    struct sockaddr_un name = at_path("stream");
    int listener = socket(AF_UNIX, STREAM, 0), sender = socket(AF_UNIX, DATAGRAM, 0);
    int client = socket(AF_UNIX, STREAM, 0);
    struct iovec piece = {"x", 1};
    struct msghdr message = {
        .msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &piece, .msg_iovlen = 1};

    REQUIRE(bind(listener, NAMED(name)) == 0 && listen(listener, 1) == 0);
    for (int i = 0; i < 10; i++) {
        REQUIRE_ERRNO(sendto(sender, "x", 1, 0, NAMED(name)), EPROTOTYPE);
        REQUIRE_ERRNO(sendmsg(sender, &message, 0), EPROTOTYPE);
        REQUIRE_ERRNO(connect(sender, NAMED(name)), EPROTOTYPE);
    }
    REQUIRE(connect(client, NAMED(name)) == 0 && write(client, "y", 1) == 1);
    int accepted = accept(listener, NULL, NULL);
    REQUIRE(read(accepted, buffer, 9) == 1 && buffer[0] == 'y');
    return unlink(name.sun_path) == 0;
}

static bool sequenced_end(void)
{
    REQUIRE(pair(SEQUENCED) && write(ends[0], "x", 1) == 1 && close(ends[0]) == 0);
    REQUIRE(read(ends[1], buffer, 9) == 1 && read(ends[1], buffer, 9) == 0);
    REQUIRE_ERRNO(send(ends[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    return true;
}

/* ---- several at once ---- */

static bool several_messages(void)
{
    char text[3][8] = {"one", "two2", "three"}, got[3][8];
    struct iovec out[3], in[3];
    struct mmsghdr messages[3] = {{{0}, 0}}, received[3] = {{{0}, 0}};

    for (int i = 0; i < 3; i++) {
        out[i] = (struct iovec){text[i], strlen(text[i])};
        in[i] = (struct iovec){got[i], sizeof(got[i])};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
        received[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
    }
    REQUIRE(pair(DATAGRAM) && sendmmsg(ends[0], messages, 3, 0) == 3 && messages[1].msg_len == 4);
    REQUIRE(recvmmsg(ends[1], received, 3, MSG_WAITFORONE, NULL) == 3);
    REQUIRE(received[2].msg_len == 5 && memcmp(got[2], "three", 5) == 0);
    REQUIRE_ERRNO(recvmmsg(ends[1], received, 3, MSG_DONTWAIT, NULL), EAGAIN);
    return true;
}

static bool waiting_by_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP}, got;
    int epoll = epoll_create1(0);

    REQUIRE(pair(STREAM) && epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0);
    REQUIRE(epoll_wait(epoll, &got, 1, 0) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1 && epoll_wait(epoll, &got, 1, 1000) == 1);
    REQUIRE(got.events == EPOLLIN && read(ends[0], buffer, 1) == 1);
    REQUIRE(epoll_wait(epoll, &got, 1, 0) == 0 && close(ends[1]) == 0);
    REQUIRE(epoll_wait(epoll, &got, 1, 1000) == 1);
    REQUIRE(got.events == (EPOLLIN | EPOLLRDHUP | EPOLLHUP));
    return true;
}

static bool poll_waits(void)
{
    struct pollfd request = {.events = POLLIN};

    REQUIRE(pair(STREAM));
    request.fd = ends[0];
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(20);
        _exit(write(ends[1], "x", 1) != 1);
    }
    REQUIRE(poll(&request, 1, 5000) == 1 && request.revents == POLLIN);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static void *pump(void *from)
{
    for (long sum = 0, done;; sum += done)
        if ((done = read(*(int *)from, (char[5000]){0}, 5000)) <= 0)
            return (void *)sum;
}

static bool threads_at_both_ends(void)
{
    pthread_t threads[4];
    void *sum;
    long total = 0;

    REQUIRE(pair(STREAM));
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, pump, &ends[1]) == 0);
    for (int i = 0; i < 200; i++)
        REQUIRE(write(ends[0], buffer, 7777) == 7777);
    close(ends[0]);
    for (int i = 0; i < 4; i++) {
        REQUIRE(pthread_join(threads[i], &sum) == 0);
        total += (long)sum;
    }
    REQUIRE(total == 200 * 7777);
    return true;
}

static bool fork_and_exec_keep(void)
{
    REQUIRE(pair(STREAM));
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], 0);
        dup2(ends[0], 1);
        execl("/bin/busybox", "cat", NULL);
        _exit(1);
    }
    close(ends[0]);
    REQUIRE(write(ends[1], "echo", 4) == 4 && recv(ends[1], buffer, 4, MSG_WAITALL) == 4);
    REQUIRE(shutdown(ends[1], SHUT_WR) == 0 && read(ends[1], buffer, 9) == 0);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static const struct test_case cases[] = {
    {"a stream goes both ways", "unix(7)", stream_both_ways},
    {"a stream ends after what was sent", "recv(2)", stream_end},
    {"a stream whose reader is gone: EPIPE, SIGPIPE", "send(2)", stream_broken},
    {"unread bytes at close reset the other end", "POSIX close", stream_reset},
    {"a full stream blocks, or EAGAIN", "send(2)", stream_blocks_when_full},
    {"MSG_WAITALL", "recv(2)", stream_wait_all},
    {"MSG_PEEK", "recv(2)", stream_peek},
    {"FIONREAD", "unix(7)", stream_readable_size},
    {"several pieces of memory", "sendmsg(2), readv(2)", stream_vectors},
    {"an empty stream, nonblocking", "recv(2)", stream_empty_nonblocking},
    {"bad memory loses nothing of a stream", "POSIX recv", stream_faults},
    {"an unconnected stream", "unix(7)", unconnected_stream},
    {"a signal interrupts", "signal(7)", interrupted_receive},
    {"SO_RCVTIMEO and SO_SNDTIMEO", "socket(7)", receive_timeout},
    {"shutdown of writing", "shutdown(2)", shutdown_writing},
    {"shutdown of reading", "shutdown(2)", shutdown_reading},
    {"shutdown of both", "shutdown(2)", shutdown_both},
    {"shutdown wakes who reads", "shutdown(2)", shutdown_wakes},
    {"datagrams keep their bounds", "unix(7)", datagrams_keep_their_bounds},
    {"a truncated datagram", "recv(2)", datagram_truncated},
    {"an empty datagram", "send(2)", datagram_empty},
    {"a datagram that is too large", "unix(7)", datagram_too_large},
    {"datagrams by name", "unix(7)", datagrams_by_name},
    {"a datagram to a stream's name", "POSIX sendto", datagram_to_a_stream},
    {"a datagram socket's peer", "connect(2)", datagram_connection},
    {"a sequenced connection's end", "unix(7)", sequenced_end},
    {"sendmmsg and recvmmsg", "sendmmsg(2)", several_messages},
    {"epoll", "epoll(7)", waiting_by_epoll},
    {"poll wakes", "poll(2)", poll_waits},
    {"threads at both ends", "unix(7)", threads_at_both_ends},
    {"fork and exec keep a socket", "POSIX exec", fork_and_exec_keep},
};

int main(void)
{
    mkdir("/tmp", 01777);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

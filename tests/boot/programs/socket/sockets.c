/* sockets: AF_UNIX sockets of all three types (unix(7) and the calls' own pages). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "cases.h"

enum { STREAM = SOCK_STREAM, DATAGRAM = SOCK_DGRAM, SEQUENCED = SOCK_SEQPACKET };

static int ends[2];
static char buffer[300000];

static bool pair(int type)
{
    return socketpair(AF_UNIX, type, 0, ends) == 0;
}

/* A path name of this case's own. */
static struct sockaddr_un at_path(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/socket.%s.%d", name, getpid());
    unlink(address.sun_path);
    return address;
}

#define NAMED(address) (struct sockaddr *)&(address), sizeof(address)

static socklen_t abstract(struct sockaddr_un *address, const char *name)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int size = snprintf(address->sun_path + 1, 100, "%s.%d", name, getpid());
    return offsetof(struct sockaddr_un, sun_path) + 1 + size;
}

static int option(int socket, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(socket, SOL_SOCKET, name, &value, &size) ? -1 : value;
}

static short ready(int socket)
{
    struct pollfd request = {socket, POLLIN | POLLOUT | POLLRDHUP, 0};

    return poll(&request, 1, 0) < 0 ? -1 : request.revents;
}

/* ---- making them ---- */

static bool families_and_types(void)
{
    REQUIRE_ERRNO(socket(AF_UNIX, 99, 0), EINVAL);
    REQUIRE_ERRNO(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
    REQUIRE_ERRNO(socket(AF_UNIX, STREAM, 77), EPROTONOSUPPORT);
    REQUIRE_ERRNO(socket(AF_UNIX, STREAM | 0x100, 0), EINVAL);
    REQUIRE_ERRNO(socket(12345, STREAM, 0), EAFNOSUPPORT);
    REQUIRE_ERRNO(socketpair(AF_UNIX, STREAM, 0, (int *)8), EFAULT);
    int raw = socket(AF_UNIX, SOCK_RAW, 0);
    REQUIRE(raw >= 0 && option(raw, SO_TYPE) == DATAGRAM);
    return true;
}

static bool flags_of_socket(void)
{
    int plain = socket(AF_UNIX, STREAM, 0);
    int flagged = socket(AF_UNIX, STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX);

    REQUIRE(fcntl(plain, F_GETFD) == 0 && fcntl(plain, F_GETFL) == O_RDWR);
    REQUIRE(fcntl(flagged, F_GETFD) == FD_CLOEXEC && fcntl(flagged, F_GETFL) & O_NONBLOCK);
    return true;
}

static bool socket_is_a_socket(void)
{
    struct stat status;
    char name[64] = "", path[64];

    REQUIRE(pair(STREAM) && fstat(ends[0], &status) == 0 && S_ISSOCK(status.st_mode));
    REQUIRE_ERRNO(lseek(ends[0], 0, SEEK_SET), ESPIPE);
    REQUIRE_ERRNO(pread(ends[0], buffer, 1, 0), ESPIPE);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    REQUIRE(readlink(path, name, sizeof(name) - 1) > 0 && strncmp(name, "socket:[", 8) == 0);
    REQUIRE_ERRNO(open(path, O_RDWR), ENXIO);
    return true;
}

static bool others_are_none(void)
{
    int files[2];

    REQUIRE(pipe(files) == 0);
    REQUIRE_ERRNO(listen(files[0], 1), ENOTSOCK);
    REQUIRE_ERRNO(send(files[1], "x", 1, 0), ENOTSOCK);
    REQUIRE_ERRNO(shutdown(files[0], SHUT_RD), ENOTSOCK);
    REQUIRE_ERRNO(accept(99, NULL, NULL), EBADF);
    REQUIRE_ERRNO(getsockname(99, NULL, NULL), EBADF);
    return true;
}

static bool options(void)
{
    struct timeval time = {1, 500000};
    struct ucred peer;
    socklen_t size = sizeof(peer);
    int on = 1;

    REQUIRE(pair(SEQUENCED) && option(ends[0], SO_TYPE) == SEQUENCED);
    REQUIRE(option(ends[0], SO_DOMAIN) == AF_UNIX && option(ends[0], SO_PROTOCOL) == 0);
    REQUIRE(option(ends[0], SO_ERROR) == 0 && option(ends[0], SO_ACCEPTCONN) == 0);
    REQUIRE(getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0);
    REQUIRE(peer.pid == getpid() && peer.uid == geteuid() && peer.gid == getegid());
    REQUIRE(setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
    REQUIRE(option(ends[0], SO_PASSCRED) == 1 && option(ends[1], SO_PASSCRED) == 0);
    REQUIRE(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0);
    time = (struct timeval){0, 0};
    size = sizeof(time);
    REQUIRE(getsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, &size) == 0);
    REQUIRE(time.tv_sec == 1 && time.tv_usec == 500000);
    REQUIRE_ERRNO(setsockopt(ends[0], SOL_SOCKET, 9999, &on, sizeof(on)), ENOPROTOOPT);
    REQUIRE_ERRNO(setsockopt(ends[0], SOL_SOCKET, SO_TYPE, &on, sizeof(on)), ENOPROTOOPT);
    REQUIRE_ERRNO(setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, 1), EINVAL);
    return true;
}

static bool buffer_sizes(void)
{
    int size = 10000;

    REQUIRE(pair(STREAM) && option(ends[0], SO_SNDBUF) == 212992);
    REQUIRE(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
    REQUIRE(option(ends[0], SO_SNDBUF) == 20000);
    size = 1;
    REQUIRE(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
    REQUIRE(option(ends[0], SO_SNDBUF) == 4608);
    return true;
}

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

static bool sequenced_end(void)
{
    REQUIRE(pair(SEQUENCED) && write(ends[0], "x", 1) == 1 && close(ends[0]) == 0);
    REQUIRE(read(ends[1], buffer, 9) == 1 && read(ends[1], buffer, 9) == 0);
    REQUIRE_ERRNO(send(ends[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    return true;
}

/* ---- names ---- */

static bool bind_makes_a_file(void)
{
    struct sockaddr_un address = at_path("file"), got;
    socklen_t size = sizeof(got);
    struct stat status;
    int server = socket(AF_UNIX, STREAM, 0);

    umask(027);
    REQUIRE(bind(server, NAMED(address)) == 0);
    REQUIRE(stat(address.sun_path, &status) == 0 && status.st_mode == (S_IFSOCK | 0750));
    REQUIRE(getsockname(server, (struct sockaddr *)&got, &size) == 0);
    REQUIRE(size == offsetof(struct sockaddr_un, sun_path) + strlen(address.sun_path) + 1);
    REQUIRE(strcmp(got.sun_path, address.sun_path) == 0);
    REQUIRE_ERRNO(open(address.sun_path, O_RDWR), ENXIO);
    REQUIRE_ERRNO(bind(socket(AF_UNIX, STREAM, 0), NAMED(address)), EADDRINUSE);
    struct sockaddr_un second = at_path("second");
    REQUIRE_ERRNO(bind(server, NAMED(second)), EINVAL);
    close(server);
    REQUIRE_ERRNO(bind(socket(AF_UNIX, STREAM, 0), NAMED(address)), EADDRINUSE);
    REQUIRE(unlink(address.sun_path) == 0);
    return true;
}

static bool bind_errors(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/nosuch/directory/socket"};
    int one = socket(AF_UNIX, STREAM, 0);

    REQUIRE_ERRNO(bind(one, NAMED(address)), ENOENT);
    strcpy(address.sun_path, "/etc/passwd/socket");
    REQUIRE_ERRNO(bind(one, NAMED(address)), ENOTDIR);
    address.sun_family = AF_INET;
    REQUIRE_ERRNO(bind(one, NAMED(address)), EINVAL);
    REQUIRE_ERRNO(bind(one, (struct sockaddr *)&address, 1), EINVAL);
    REQUIRE_ERRNO(bind(one, (struct sockaddr *)&address, 200), EINVAL);
    REQUIRE_ERRNO(bind(one, (struct sockaddr *)8, 100), EFAULT);
    return true;
}

static bool abstract_names(void)
{
    struct sockaddr_un address, got;
    socklen_t size = abstract(&address, "abstract"), got_size = sizeof(got);
    int server = socket(AF_UNIX, STREAM, 0), client = socket(AF_UNIX, STREAM, 0);

    REQUIRE(bind(server, (struct sockaddr *)&address, size) == 0 && listen(server, 5) == 0);
    REQUIRE_ERRNO(bind(client, (struct sockaddr *)&address, size), EADDRINUSE);
    REQUIRE(connect(client, (struct sockaddr *)&address, size) == 0);
    REQUIRE(getpeername(client, (struct sockaddr *)&got, &got_size) == 0 && got_size == size);
    REQUIRE(memcmp(&got, &address, size) == 0);
    /* Each byte counts, the NUL behind it too. */
    REQUIRE_ERRNO(connect(socket(AF_UNIX, STREAM, 0), (struct sockaddr *)&address, size + 1),
                  ECONNREFUSED);
    close(server);
    REQUIRE_ERRNO(connect(socket(AF_UNIX, STREAM, 0), (struct sockaddr *)&address, size),
                  ECONNREFUSED);
    REQUIRE(bind(socket(AF_UNIX, STREAM, 0), (struct sockaddr *)&address, size) == 0);
    return true;
}

static bool automatic_names(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX}, got[2];
    socklen_t size[2] = {sizeof(got[0]), sizeof(got[1])};

    for (int i = 0; i < 2; i++) {
        int one = socket(AF_UNIX, DATAGRAM, 0);
        REQUIRE(bind(one, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
        REQUIRE(getsockname(one, (struct sockaddr *)&got[i], &size[i]) == 0);
        REQUIRE(size[i] == sizeof(sa_family_t) + 6 && got[i].sun_path[0] == 0);
        for (int at = 1; at < 6; at++)
            REQUIRE(strchr("0123456789abcdef", got[i].sun_path[at]));
    }
    REQUIRE(memcmp(&got[0], &got[1], size[0]) != 0);
    return true;
}

static bool nameless(void)
{
    struct sockaddr_un got;
    socklen_t size = sizeof(got);

    REQUIRE(pair(STREAM) && getsockname(ends[0], (struct sockaddr *)&got, &size) == 0);
    REQUIRE(size == sizeof(sa_family_t) && got.sun_family == AF_UNIX);
    size = sizeof(got);
    REQUIRE(getpeername(ends[0], (struct sockaddr *)&got, &size) == 0);
    REQUIRE(size == sizeof(sa_family_t));
    REQUIRE_ERRNO(getpeername(socket(AF_UNIX, STREAM, 0), (struct sockaddr *)&got, &size),
                  ENOTCONN);
    size = -1;
    REQUIRE_ERRNO(getsockname(ends[0], (struct sockaddr *)&got, &size), EINVAL);
    return true;
}

static bool name_cut_to_the_room(void)
{
    struct sockaddr_un address = at_path("cut"), got = {0};
    socklen_t size = 8;
    int server = socket(AF_UNIX, STREAM, 0);

    REQUIRE(bind(server, NAMED(address)) == 0);
    REQUIRE(getsockname(server, (struct sockaddr *)&got, &size) == 0);
    REQUIRE(size == sizeof(sa_family_t) + strlen(address.sun_path) + 1);
    REQUIRE(memcmp(got.sun_path, address.sun_path, 6) == 0 && got.sun_path[6] == 0);
    unlink(address.sun_path);
    return true;
}

/* ---- connections ---- */

static int server_at(struct sockaddr_un *address, int type, int backlog)
{
    int server = socket(AF_UNIX, type, 0);

    return bind(server, NAMED(*address)) || listen(server, backlog) ? -1 : server;
}

static bool connect_and_accept(void)
{
    struct sockaddr_un address = at_path("connect"), from;
    socklen_t size = sizeof(from);
    struct ucred peer;
    socklen_t peer_size = sizeof(peer);
    int server = server_at(&address, STREAM, 5), client = socket(AF_UNIX, STREAM, 0);

    REQUIRE(server >= 0 && option(server, SO_ACCEPTCONN) == 1 && ready(server) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (connect(client, NAMED(address)) || write(client, "hello", 5) != 5)
            _exit(1);
        _exit(read(client, buffer, 9) != 3);
    }
    close(client);
    int end = accept4(server, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
    REQUIRE(end >= 0 && fcntl(end, F_GETFD) == FD_CLOEXEC && size == sizeof(sa_family_t));
    REQUIRE(getsockopt(end, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) == 0 && peer.pid == child);
    REQUIRE(recv(end, buffer, 5, MSG_WAITALL) == 5 && write(end, "bye", 3) == 3);
    REQUIRE(exited(status_of(child), 0) && read(end, buffer, 9) == 0);
    size = sizeof(from);
    REQUIRE(getsockname(end, (struct sockaddr *)&from, &size) == 0);
    REQUIRE(strcmp(from.sun_path, address.sun_path) == 0);
    unlink(address.sun_path);
    return true;
}

static bool connect_before_accept(void)
{
    struct sockaddr_un address = at_path("before");
    int server = server_at(&address, SEQUENCED, 5), client = socket(AF_UNIX, SEQUENCED, 0);

    REQUIRE(server >= 0 && connect(client, NAMED(address)) == 0);
    REQUIRE(ready(server) == POLLIN && write(client, "early", 5) == 5);
    int end = accept(server, NULL, NULL);
    REQUIRE(end >= 0 && read(end, buffer, 100) == 5);
    REQUIRE_ERRNO(connect(client, NAMED(address)), EISCONN);
    REQUIRE_ERRNO(listen(client, 5), EINVAL);
    REQUIRE_ERRNO(connect(server, NAMED(address)), EINVAL);
    unlink(address.sun_path);
    return true;
}

static bool connect_errors(void)
{
    struct sockaddr_un address = at_path("errors");
    int client = socket(AF_UNIX, STREAM, 0), bound = socket(AF_UNIX, STREAM, 0);

    REQUIRE_ERRNO(connect(client, NAMED(address)), ENOENT);
    REQUIRE(bind(bound, NAMED(address)) == 0);
    REQUIRE_ERRNO(connect(client, NAMED(address)), ECONNREFUSED); /* it does not listen */
    REQUIRE_ERRNO(connect(socket(AF_UNIX, DATAGRAM, 0), NAMED(address)), EPROTOTYPE);
    REQUIRE(listen(bound, 1) == 0 && chmod(address.sun_path, 0400) == 0);
    if (fork() == 0) {
        if (setresuid(1000, 1000, 1000))
            _exit(1);
        _exit(connect(client, NAMED(address)) != -1 || errno != EACCES);
    }
    REQUIRE(exited(status_of(-1), 0));
    close(bound);
    REQUIRE_ERRNO(connect(client, NAMED(address)), ECONNREFUSED); /* nobody is there */
    REQUIRE(unlink(address.sun_path) == 0);
    strcpy(address.sun_path, "/etc/passwd");
    REQUIRE_ERRNO(connect(client, NAMED(address)), ECONNREFUSED); /* no socket */
    REQUIRE_ERRNO(connect(client, (struct sockaddr *)&address, 2), EINVAL);
    return true;
}

static bool accept_errors(void)
{
    struct sockaddr_un address = at_path("accept");
    int server = server_at(&address, STREAM, 5);

    REQUIRE_ERRNO(syscall(SYS_accept4, server, NULL, NULL, 1), EINVAL);
    REQUIRE(fcntl(server, F_SETFL, O_NONBLOCK) == 0);
    REQUIRE_ERRNO(accept(server, NULL, NULL), EAGAIN);
    REQUIRE_ERRNO(listen(socket(AF_UNIX, DATAGRAM, 0), 1), EOPNOTSUPP);
    REQUIRE_ERRNO(accept(socket(AF_UNIX, DATAGRAM, 0), NULL, NULL), EOPNOTSUPP);
    REQUIRE_ERRNO(read(server, buffer, 1), EINVAL);
    REQUIRE_ERRNO(send(server, "x", 1, MSG_NOSIGNAL), ENOTCONN);
    unlink(address.sun_path);
    return true;
}

static bool backlog(void)
{
    struct sockaddr_un address = at_path("backlog");
    int server = server_at(&address, STREAM, 1), one;

    for (int i = 0; i < 2; i++)
        REQUIRE(connect(socket(AF_UNIX, STREAM, 0), NAMED(address)) == 0);
    one = socket(AF_UNIX, STREAM | SOCK_NONBLOCK, 0);
    REQUIRE_ERRNO(connect(one, NAMED(address)), EAGAIN);
    pid_t child = fork();
    if (child == 0)
        _exit(connect(socket(AF_UNIX, STREAM, 0), NAMED(address)) != 0);
    sleep_ms(20);
    REQUIRE(waitpid(child, NULL, WNOHANG) == 0);
    REQUIRE(accept(server, NULL, NULL) >= 0 && exited(status_of(child), 0));
    unlink(address.sun_path);
    return true;
}

static bool listener_ends(void)
{
    struct sockaddr_un address = at_path("ends");
    int server = server_at(&address, STREAM, 5), client = socket(AF_UNIX, STREAM, 0);

    REQUIRE(connect(client, NAMED(address)) == 0 && close(server) == 0);
    REQUIRE(ready(client) & POLLHUP);
    REQUIRE_ERRNO(read(client, buffer, 1), ECONNRESET);
    REQUIRE_ERRNO(send(client, "x", 1, MSG_NOSIGNAL), EPIPE);
    unlink(address.sun_path);
    return true;
}

static bool many_clients(void)
{
    struct sockaddr_un address = at_path("many");
    int server = server_at(&address, STREAM, 10), sum = 0;

    for (int i = 0; i < 20; i++) {
        if (fork() == 0) {
            unsigned char byte = i;
            int client = socket(AF_UNIX, STREAM, 0);
            _exit(connect(client, NAMED(address)) || write(client, &byte, 1) != 1);
        }
    }
    for (int i = 0; i < 20; i++) {
        unsigned char byte;
        int end = accept(server, NULL, NULL);
        REQUIRE(end >= 0 && read(end, &byte, 1) == 1 && read(end, &byte, 1) == 0);
        sum += byte;
        close(end);
    }
    REQUIRE(sum == 190);
    for (int i = 0; i < 20; i++)
        REQUIRE(exited(status_of(-1), 0));
    unlink(address.sun_path);
    return true;
}

/* ---- descriptors and credentials ---- */

union control {
    char bytes[CMSG_SPACE(300 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
};

static ssize_t send_files(int socket, const int *files, int count)
{
    union control control = {{0}};
    struct iovec vector = {(char *)"f", 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), files, count * sizeof(int));
    return syscall(SYS_sendmsg, socket, &message, 0); /* musl has a limit of its own */
}

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
    {"families, types, protocols", "socket(2)", families_and_types},
    {"SOCK_CLOEXEC and SOCK_NONBLOCK", "socket(2)", flags_of_socket},
    {"fstat, lseek and /proc/self/fd of a socket", "socket(7)", socket_is_a_socket},
    {"a file that is no socket", "send(2), listen(2)", others_are_none},
    {"options are kept and told", "socket(7)", options},
    {"SO_SNDBUF is doubled, within limits", "socket(7)", buffer_sizes},
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
    {"a datagram socket's peer", "connect(2)", datagram_connection},
    {"a sequenced connection's end", "unix(7)", sequenced_end},
    {"bind makes a file", "unix(7)", bind_makes_a_file},
    {"errors of bind", "bind(2)", bind_errors},
    {"abstract names", "unix(7)", abstract_names},
    {"names given by the kernel", "unix(7)", automatic_names},
    {"sockets without a name", "unix(7)", nameless},
    {"a name is cut to the room for it", "getsockname(2)", name_cut_to_the_room},
    {"connect and accept", "connect(2), accept(2)", connect_and_accept},
    {"connected before accept", "listen(2)", connect_before_accept},
    {"errors of connect", "connect(2), unix(7)", connect_errors},
    {"errors of accept", "accept(2)", accept_errors},
    {"a full backlog", "listen(2)", backlog},
    {"a listener that ends", "unix(7)", listener_ends},
    {"many clients", "accept(2)", many_clients},
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

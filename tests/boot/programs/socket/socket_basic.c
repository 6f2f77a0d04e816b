/*
 * socket_basic: what all AF_UNIX sockets have: making them, options, names, connections (unix(7),
 * bind(2), connect(2), accept(2)).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "socket_cases.h"

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
    REQUIRE_ERRNO(setsockopt(ends[0], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), EOPNOTSUPP);
    REQUIRE(option(ends[0], SO_REUSEPORT) == 0);
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

static const struct test_case cases[] = {
    {"families, types, protocols", "socket(2)", families_and_types},
    {"SOCK_CLOEXEC and SOCK_NONBLOCK", "socket(2)", flags_of_socket},
    {"fstat, lseek and /proc/self/fd of a socket", "socket(7)", socket_is_a_socket},
    {"a file that is no socket", "send(2), listen(2)", others_are_none},
    {"options are kept and told", "socket(7)", options},
    {"SO_SNDBUF is doubled, within limits", "socket(7)", buffer_sizes},
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
};

int main(void)
{
    mkdir("/tmp", 01777);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

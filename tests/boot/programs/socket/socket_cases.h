/* socket_cases.h: pairs, names and options, for the programs about AF_UNIX sockets. */
#ifndef BATON_TESTS_SOCKET_CASES_H
#define BATON_TESTS_SOCKET_CASES_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cases.h"

enum { STREAM = SOCK_STREAM, DATAGRAM = SOCK_DGRAM, SEQUENCED = SOCK_SEQPACKET };

static int ends[2];
static char buffer[300000];

static inline bool pair(int type)
{
    return socketpair(AF_UNIX, type, 0, ends) == 0;
}

/* A path name of this case's own. */
static inline struct sockaddr_un at_path(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/socket.%s.%d", name, getpid());
    unlink(address.sun_path);
    return address;
}

#define NAMED(address) (struct sockaddr *)&(address), sizeof(address)

static inline short ready(int socket)
{
    struct pollfd request = {socket, POLLIN | POLLOUT | POLLRDHUP, 0};

    return poll(&request, 1, 0) < 0 ? -1 : request.revents;
}

#endif

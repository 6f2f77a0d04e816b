/*
 * socket_rights: files on their way in messages that nobody can receive any more are freed, and how
 * many may be on their way is each user's own affair. That something was freed shows at the read
 * end of a pipe whose only write end went with it: it is at its end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "races.h"
#include "socket_files.h"

enum { ANN = 4721, BOB = 4722, FILES = 16 };

static int reader; /* the read end */

/* Its write end, which the caller sends with what is to be freed. */
static int witness(void)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return -1;
    reader = ends[0];
    return ends[1];
}

static bool witness_is_gone(void)
{
    struct pollfd poll_reader = {.fd = reader};

    close(socket(AF_UNIX, SOCK_STREAM, 0)); /* then Linux begins to look for garbage */
    return poll(&poll_reader, 1, 0) == 1 && (poll_reader.revents & POLLHUP);
}

/* Sends files and closes them. */
static bool send_away(int socket, const int *files, int count)
{
    bool sent = send_files(socket, files, count) == 1;

    for (int i = 0; sent && i < count; i++)
        close(files[i]);
    return sent;
}

/* The first file of the next message, or -1. */
static int receive_one(int socket)
{
    char byte, control[CMSG_SPACE(FILES * sizeof(int))] = {0};
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    int file = -1;

    if (recvmsg(socket, &message, MSG_DONTWAIT) == 1 && CMSG_FIRSTHDR(&message))
        memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(file));
    return file;
}

/* A listener with an abstract name, and a connection to it that is not accepted. */
static bool waiting_connection(int *listener, int *connection)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(name);

    *listener = socket(AF_UNIX, SOCK_STREAM, 0);
    *connection = socket(AF_UNIX, SOCK_STREAM, 0);
    return bind(*listener, (struct sockaddr *)&name, sizeof(sa_family_t)) == 0 &&
           getsockname(*listener, (struct sockaddr *)&name, &size) == 0 &&
           listen(*listener, 4) == 0 && connect(*connection, (struct sockaddr *)&name, size) == 0;
}

/* ---- garbage ---- */

static bool sent_to_itself(void)
{
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    int files[] = {ends[1], witness()};
    REQUIRE(send_away(ends[0], files, 2));
    REQUIRE(close(ends[0]) == 0 && EVENTUALLY(witness_is_gone()));
    return true;
}

static bool sent_to_each_other(void)
{
    int one[2], two[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, one) == 0);
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, two) == 0);
    int in_one[] = {two[1], witness()}, in_two[] = {one[1]};
    REQUIRE(send_away(one[0], in_one, 2) && send_away(two[0], in_two, 1));
    REQUIRE(close(one[0]) == 0 && close(two[0]) == 0 && EVENTUALLY(witness_is_gone()));
    return true;
}

static bool sent_to_own_backlog(void)
{
    int listener, connection;

    REQUIRE(waiting_connection(&listener, &connection));
    int files[] = {listener, connection, witness()};
    REQUIRE(send_away(connection, files, 3) && EVENTUALLY(witness_is_gone()));
    return true;
}

static bool sent_through_two_backlogs(void)
{
    int listeners[2], connections[2];

    REQUIRE(waiting_connection(&listeners[0], &connections[0]));
    REQUIRE(waiting_connection(&listeners[1], &connections[1]));
    int first[] = {listeners[1], witness()}, second[] = {listeners[0]};
    REQUIRE(send_away(connections[0], first, 2) && send_away(connections[1], second, 1));
    REQUIRE(close(connections[0]) == 0 && close(connections[1]) == 0);
    REQUIRE(EVENTUALLY(witness_is_gone()));
    return true;
}

/* Each in the inbox of the next; the last one in that of the first. */
static bool sent_round_in_a_long_ring(void)
{
    enum { LENGTH = 200 };
    int first[2], ends[2], before;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, first) == 0);
    before = first[1];
    for (int i = 0; i < LENGTH; i++) {
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        REQUIRE(send_away(ends[0], &before, 1) && close(ends[0]) == 0);
        before = ends[1];
    }
    int files[] = {before, witness()};
    REQUIRE(send_away(first[0], files, 2) && close(first[0]) == 0);
    REQUIRE(EVENTUALLY(witness_is_gone()));
    return true;
}

static bool held_by_one_descriptor(void)
{
    int one[2], two[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, one) == 0);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0);
    int kept = dup(one[1]), in_one[] = {two[1], witness()}, in_two[] = {one[1]};
    REQUIRE(send_away(one[0], in_one, 2) && send_away(two[0], in_two, 1));
    REQUIRE(close(one[0]) == 0 && close(two[0]) == 0);
    REQUIRE(!witness_is_gone());
    int other = receive_one(kept);
    REQUIRE(other >= 0 && receive_one(other) >= 0);
    return true;
}

static bool held_by_a_listener(void)
{
    int listener, connection, ends[2];

    REQUIRE(waiting_connection(&listener, &connection));
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    int files[] = {ends[1]}, last = witness();
    REQUIRE(send_away(ends[0], &last, 1) && send_away(connection, files, 1));
    REQUIRE(close(ends[0]) == 0 && close(connection) == 0 && !witness_is_gone());
    int accepted = accept(listener, NULL, NULL);
    int received = receive_one(accepted);
    REQUIRE(received >= 0 && receive_one(received) >= 0);
    return true;
}

/* ---- at once ---- */

static int racing[2];

static void *close_other(void *barrier)
{
    pthread_barrier_wait(barrier);
    close(racing[1]);
    return NULL;
}

/* The last descriptor is closed while the socket sets out to itself. */
static bool closed_while_it_is_sent(void)
{
    struct race race = race_begin(40);

    while (race_goes_on(&race)) {
        pthread_barrier_t barrier;
        pthread_t thread;
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, racing) == 0);
        int extra = dup(racing[1]), files[] = {extra, witness()};
        pthread_barrier_init(&barrier, NULL, 2);
        REQUIRE(pthread_create(&thread, NULL, close_other, &barrier) == 0);
        pthread_barrier_wait(&barrier);
        REQUIRE(send_away(racing[0], files, 2) && close(racing[0]) == 0);
        pthread_join(thread, NULL);
        REQUIRE(EVENTUALLY(witness_is_gone()));
        close(reader);
    }
    return true;
}

/* ---- limits by user ---- */

/* What is sent while the receiver is closed comes to its end with it. */
static bool sent_while_it_is_closed(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    struct race race = race_begin(200);

    signal(SIGPIPE, SIG_IGN);
    while (race_goes_on(&race)) {
        pthread_barrier_t barrier;
        pthread_t thread;
        REQUIRE(socketpair(AF_UNIX, types[race.round % 3], 0, racing) == 0);
        int kept = witness(), file = dup(kept);
        pthread_barrier_init(&barrier, NULL, 2);
        REQUIRE(pthread_create(&thread, NULL, close_other, &barrier) == 0);
        pthread_barrier_wait(&barrier);
        for (int sent = 0; sent < 20 && send_away(racing[0], &file, 1); sent++)
            file = dup(kept);
        pthread_join(thread, NULL);
        close(racing[0]);
        close(file);
        close(kept);
        REQUIRE(EVENTUALLY(witness_is_gone()));
        close(reader);
    }
    return true;
}

/* Lets one file after the other set out: how many could; -1: not for their number. */
static int send_until_refused(void)
{
    int ends[2], sent = 0;

    for (;; sent++) {
        /* An inbox has room for some only; what lies in it stays on its way. */
        if (sent % 8 == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
            return -1;
        int null = open("/dev/null", O_RDONLY);
        if (null < 0 || !send_away(ends[0], &null, 1))
            break;
    }
    return errno == ETOOMANYREFS ? sent : -1;
}

static bool limit_is_by_user(void)
{
    struct rlimit limit = {300, 300};
    int go[2], ends[2];
    char byte;

    REQUIRE(pipe(go) == 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0);
    pid_t child = fork();
    if (child == 0) {
        int sent = become(ANN) ? send_until_refused() : -1;
        bool right = sent == 301; /* Linux refuses what comes when there are more than the limit */
        if (!right)
            tap_note("%d files on their way, errno %d", sent, errno);
        right = write(go[1], "", 1) == 1 && right;
        sleep_ms(right ? 5000 : 0);
        _exit(!right);
    }
    close(go[1]);
    REQUIRE(read(go[0], &byte, 1) == 1);
    pid_t other = fork();
    if (other == 0) {
        int null = open("/dev/null", O_RDONLY);
        _exit(!become(BOB) || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
              !send_away(ends[0], &null, 1));
    }
    REQUIRE(exited(status_of(other), 0));
    kill(child, SIGKILL);
    REQUIRE(killed_by(status_of(child), SIGKILL));
    /* All of them are gone with their sender. */
    other = fork();
    if (other == 0)
        _exit(!become(ANN) || send_until_refused() != 301);
    REQUIRE(exited(status_of(other), 0));
    return true;
}

static const struct test_case cases[] = {
    {"a socket sent to itself is freed", "unix(7)", sent_to_itself},
    {"two sockets sent to each other are freed", "unix(7)", sent_to_each_other},
    {"a listener sent to its own backlog is freed", "unix(7)", sent_to_own_backlog},
    {"two listeners in each other's backlog are freed", "unix(7)", sent_through_two_backlogs},
    {"a ring of 201 sockets is freed", "unix(7)", sent_round_in_a_long_ring},
    {"one descriptor holds all of a ring", "unix(7)", held_by_one_descriptor},
    {"a listener holds what waits in its backlog", "unix(7)", held_by_a_listener},
    {"a socket that is closed while it is sent to itself is freed", "unix(7)",
     closed_while_it_is_sent},
    {"what is sent while the receiver is closed is freed", "unix(7)", sent_while_it_is_closed},
    {"ETOOMANYREFS is by user", "unix(7)", limit_is_by_user},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/* options FAMILY: every option of a socket: what it is, what it is after being set, what is
 * refused. */
#define _GNU_SOURCE
#include "answers.h"

#include <stdint.h>
#include <sys/socket.h>

enum { FD = 50 };

/* ---- kinds ---- */

static int place(int made)
{
    if (made < 0)
        return -1;
    dup2(made, FD);
    return 0;
}

static int pair(int type)
{
    int ends[2];

    return socketpair(AF_UNIX, type, 0, ends) ? -1 : place(ends[0]);
}

static int stream(void)
{
    return pair(SOCK_STREAM);
}
static int datagram(void)
{
    return pair(SOCK_DGRAM);
}
static int packet(void)
{
    return pair(SOCK_SEQPACKET);
}
static int alone(void)
{
    return place(socket(AF_UNIX, SOCK_STREAM, 0));
}
static int stream_of_user(void)
{
    return setgid(1000) || setuid(1000) ? -1 : stream();
}
static int no_socket(void)
{
    return place(open("/dev/null", O_RDWR));
}

static const struct row kinds[] = {
    {"stream", stream}, {"datagram", datagram},   {"packet", packet},
    {"alone", alone},   {"user", stream_of_user}, {"no socket", no_socket},
};

/* ---- what is set, and then told ---- */

struct value {
    const char *name;
    int size;
    int words[4];
};
static const struct value values[] = {
    {"0", 4, {0}},
    {"1", 4, {1}},
    {"2", 4, {2}},
    {"6", 4, {6}},
    {"7", 4, {7}},
    {"100", 4, {100}},
    {"-1", 4, {-1}},
    {"300000", 4, {300000}},
    {"the last", 4, {INT32_MAX}},
    {"1 in 2 bytes", 2, {1}},
    {"nothing", 0, {0}},
    {"1 and 5", 8, {1, 5}},
    {"0 and 5", 8, {0, 5}},
    {"2 seconds", 16, {2, 0, 0, 0}},
    {"a bad time", 16, {2, 0, 1000000, 0}},
    {"a negative size", -1, {1}},
};

static void print_option(int level, int option)
{
    unsigned char got[64] = {0};
    socklen_t size = sizeof(got);

    if (getsockopt(FD, level, option, got, &size)) {
        printf("%s", error_name(errno));
        return;
    }
    printf("%u:", size);
    for (socklen_t i = 0; i < size; i++)
        printf("%02x", got[i]);
}

/* What holds who is at the other end names processes; what holds an error is emptied by asking. */
static bool is_told_apart(int level, int option)
{
    return level == SOL_SOCKET && (option == SO_PEERCRED || option == 77 || option == 57);
}

static void answer_option(const struct row *row, int level, int option)
{
    printf("%s: %d %d: ", row->name, level, option);
    if (is_told_apart(level, option)) {
        printf("not shown\n");
        return;
    }
    print_option(level, option);
    printf("\n");
    for (size_t i = 0; i < COUNT(values); i++) {
        const struct value *value = &values[i];
        /* Raw: musl tries an old option where a new one is refused. */
        long set = syscall(SYS_setsockopt, FD, level, option, value->words, value->size);
        printf("%s: %d %d is set to %s: %s", row->name, level, option, value->name,
               set ? error_name(errno) : "");
        if (!set)
            print_option(level, option);
        printf("\n");
    }
    syscall(SYS_setsockopt, FD, level, option, 8, 4);
}

/* What Linux knows beyond these is about networks, and Baton says that it does not know it
   (ENOPROTOOPT), rather than that it was done. */
static bool is_known(int level, int option)
{
    static const int network_only[] = {25, 26, 28};
    static const int others[] = {35, 38, 39, 63, 64}; /* stamps of time, kinds of sockets */

    for (size_t i = 0; i < COUNT(network_only); i++)
        if (option == network_only[i])
            return level != SOL_SOCKET;
    for (size_t i = 0; i < COUNT(others); i++)
        if (option == others[i])
            return true;
    return level != SOL_SOCKET || option < 34;
}

/* Each option on a socket of its own, in one child. */
static void answer_level(const struct row *row, int level, int first, int last)
{
    fflush(stdout);
    if (fork() == 0) {
        for (int option = first; option <= last; option++) {
            close(FD);
            row->make();
            if (is_known(level, option))
                answer_option(row, level, option);
        }
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

/* ---- what is wrong with the question ---- */

static int room;
static const struct call questions[] = {
    CALL("to nowhere", getsockopt, FD, SOL_SOCKET, SO_TYPE, 8, ADDRESS(&room)),
    CALL("size at nowhere", getsockopt, FD, SOL_SOCKET, SO_TYPE, ADDRESS(buffer), 8),
    CALL("set from nowhere", setsockopt, FD, SOL_SOCKET, SO_REUSEADDR, 8, 4),
    CALL("set from nothing", setsockopt, FD, SOL_SOCKET, SO_REUSEADDR, 0, 4),
    CALL("set an option that is none", setsockopt, FD, SOL_SOCKET, 999, ADDRESS(buffer), 4),
    CALL("set what can only be asked", setsockopt, FD, SOL_SOCKET, SO_TYPE, ADDRESS(buffer), 4),
    CALL("level -1", getsockopt, FD, -1, 1, ADDRESS(buffer), ADDRESS(&room)),
    CALL("set at level -1", setsockopt, FD, -1, 1, ADDRESS(buffer), 4),
};

static int questioned(void)
{
    room = 4;
    return stream();
}
static const struct row question_rows[] = {{"stream", questioned}};
static const struct family families[] = {APART("question", questions)};

int main(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : "";
    static const int other_levels[] = {0, 6, 17, 41, 255, 270, 1000};

    if (strcmp(name, "question") == 0)
        return answer_family(name, question_rows, COUNT(question_rows), families, COUNT(families));
    for (size_t i = 0; i < COUNT(kinds); i++) {
        answer_level(&kinds[i], SOL_SOCKET, 0, 80);
        for (size_t j = 0; j < COUNT(other_levels); j++)
            answer_level(&kinds[i], other_levels[j], 1, 2);
    }
    return 0;
}

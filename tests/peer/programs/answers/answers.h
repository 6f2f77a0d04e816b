/*
 * answers.h: system calls as a table, made in a child, and what each answers, a line
 * each: the kernels have to print the same. A program gives rows (a kind of descriptor, of memory,
 * …) and says how a row is made; the calls name what was made by fixed numbers.
 */
#ifndef BATON_PEER_ANSWERS_H
#define BATON_PEER_ANSWERS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Most lines make one system call, whose arguments are numbers and addresses alike. */
#define ADDRESS(pointer) ((long)(pointer))

static char buffer[8192] __attribute__((aligned(4096)));

struct call {
    const char *name;
    long number;
    long arguments[6];
    unsigned shown; /* bytes of the buffer that belong to the answer */
};
#define CALL(title, call, ...)                                                                     \
    {                                                                                              \
        .name = title, .number = SYS_##call, .arguments = { __VA_ARGS__ }                          \
    }
#define SHOWN(size, title, call, ...)                                                              \
    {                                                                                              \
        .name = title, .number = SYS_##call, .arguments = {__VA_ARGS__}, .shown = size             \
    }

/* One thing that the calls of a table are made on. */
struct row {
    const char *name;
    int (*make)(
        void); /* in the child, before the call; below 0: it cannot be; NULL: nothing to do */
};
static const struct row *current; /* whose `make` is called */

static inline const char *error_name(int error)
{
    return strerror(error);
}

static inline void print_answer(const char *row, const struct call *call, long answer, int error)
{
    printf("%s: %s: ", row, call->name);
    if (answer == -1 && error)
        printf("%s", error_name(error));
    else
        printf("%ld", answer);
    if (answer != -1 && call->shown)
        printf(" ");
    for (unsigned i = 0; answer != -1 && i < call->shown; i++)
        printf("%02x", (unsigned char)buffer[i]);
    printf("\n");
}

static inline void make_call(const struct row *row, const struct call *call)
{
    syscall(SYS_close_range, 3, -1, 0); /* what an earlier call left open */
    current = row;
    if (row->make && row->make() < 0) {
        printf("%s: %s: not made: %s\n", row->name, call->name, error_name(errno));
        return;
    }
    const long *with = call->arguments;
    errno = 0;
    alarm(4);
    long answer = syscall(call->number, with[0], with[1], with[2], with[3], with[4], with[5]);
    alarm(0);
    print_answer(row->name, call, answer, errno);
}

/* Makes calls[*at] and those behind it, or that one alone, in a child; a call that ends the child,
   or from which it does not return, has that for its answer. *at is shared with the child. */
static inline void answer_some(const struct row *row, const struct call *calls, size_t count,
                               bool apart, volatile size_t *at)
{
    size_t begun = *at;
    int status;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        do {
            make_call(row, &calls[*at]);
            fflush(stdout);
            ++*at;
        } while (!apart && *at < count);
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        printf("%s: %s: signal %d\n", row->name, calls[*at].name, WTERMSIG(status));
        ++*at;
    } else if (*at == begun) {
        printf("%s: %s: is another program\n", row->name, calls[*at].name);
        ++*at;
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A family of calls, which a command line names. */
struct family {
    const char *name;
    const struct call *calls;
    size_t count;
    bool apart; /* each in a child of its own: it changes what the next would find */
};
#define FAMILY(name, calls)                                                                        \
    {                                                                                              \
        name, calls, COUNT(calls), false                                                           \
    }
#define APART(name, calls)                                                                         \
    {                                                                                              \
        name, calls, COUNT(calls), true                                                            \
    }

static inline void answer_all(const struct row *rows, size_t row_count, const struct family *family)
{
    volatile size_t *at =
        mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; i < row_count; i++)
        for (*at = 0; *at < family->count;)
            answer_some(&rows[i], family->calls, family->count, family->apart, at);
}

static inline int answer_family(const char *name, const struct row *rows, size_t row_count,
                                const struct family *families, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (name && strcmp(name, families[i].name) == 0) {
            answer_all(rows, row_count, &families[i]);
            return 0;
        }
    fprintf(stderr, "no such family\n");
    return 1;
}

#endif

/*
 * cases.h: a table of named cases, each with the page it rests on. Every case runs in a child of
 * its own, so that it may change what it likes, and die of what it likes; one that does not end
 * within ten seconds (CASE_SECONDS) is killed and has failed.
 *
 *     static bool blocked_stays_pending(void)
 *     {
 *         REQUIRE(raise(SIGUSR1) == 0);
 *         return true;
 *     }
 *     static const struct test_case cases[] = {
 *         {"a blocked signal stays pending", "sigpending(2)", blocked_stays_pending},
 *     };
 *     int main(void)
 *     {
 *         return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
 *     }
 */
#ifndef BATON_TESTS_CASES_H
#define BATON_TESTS_CASES_H

#include <signal.h>
#include <stdlib.h>

#include "children.h"
#include "tap.h"

struct test_case {
    const char *name;
    const char *source;
    bool (*run)(void);
};

#ifndef CASE_SECONDS
#define CASE_SECONDS 10
#endif

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            int errno_ = errno;                                                                    \
            tap_note("line %d: %s (errno %d, %s)", __LINE__, #condition, errno_,                   \
                     strerror(errno_));                                                            \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

/* The call fails with just this errno. */
#define REQUIRE_ERRNO(call, expected)                                                              \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long result_ = (long)(call);                                                               \
        if (result_ != -1 || errno != (expected)) {                                                \
            tap_note("line %d: %s gave %ld, errno %d, not %s", __LINE__, #call, result_, errno,    \
                     #expected);                                                                   \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

/* Waits, for a while, until `condition` holds. */
#define EVENTUALLY(condition)                                                                      \
    ({                                                                                             \
        long until_ = now_ms() + 20000;                                                            \
        bool holds_;                                                                               \
        while (!(holds_ = (condition)) && now_ms() < until_)                                       \
            sleep_ms(1);                                                                           \
        holds_;                                                                                    \
    })

static inline bool run_case(const struct test_case *test)
{
    pid_t child = fork();

    if (child < 0)
        return false;
    if (child == 0) {
        setpgid(0, 0); /* what it leaves behind can be found */
        _exit(test->run() ? 0 : 1);
    }
    setpgid(child, child);
    long until = now_ms() + CASE_SECONDS * 1000L;
    int status;
    pid_t ended;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && now_ms() < until)
        sleep_ms(2);
    kill(-child, SIGKILL);
    if (ended == 0) {
        tap_note("not done after %d seconds", CASE_SECONDS);
        status_of(child);
        return false;
    }
    if (ended == child && WIFSIGNALED(status))
        tap_note("ended by signal %d", WTERMSIG(status));
    return ended == child && exited(status, 0);
}

static inline int run_cases(const struct test_case *cases, size_t count)
{
    tap_plan(count);
    for (size_t i = 0; i < count; i++) {
        bool passed = run_case(&cases[i]);
        tap_ok(passed, "%s [%s]", cases[i].name, cases[i].source);
    }
    return tap_done();
}

#endif

/*
 * tap.h: what a test program needs to report in the Test Anything Protocol
 * <https://testanything.org>.
 *
 *     int main(void)
 *     {
 *         tap_plan(2);
 *         tap_ok(1 + 1 == 2, "one and one is %d", 2);
 *         tap_errno(close(-1), EBADF, "close(2): no such descriptor");
 *         return tap_done();
 *     }
 *
 * Each line is one write(2), nothing is kept in a buffer: what was reported is out before the next
 * step, be it a fork, an exec or a crash. Not for use by several threads at once.
 */
#ifndef BATON_TAP_H
#define BATON_TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static unsigned tap_planned;
static unsigned tap_count;
static unsigned tap_failed;

static inline void tap_write(const char *prefix, const char *format, va_list arguments)
{
    char line[1024];
    int size = snprintf(line, sizeof(line), "%s", prefix);

    size += vsnprintf(line + size, sizeof(line) - size, format, arguments);
    if (size > (int)sizeof(line) - 1)
        size = sizeof(line) - 1;
    for (int at = 0; at < size; at++)
        if (line[at] == '\n')
            line[at] = ' ';
    line[size++] = '\n';
    for (int done = 0; done < size;) {
        ssize_t count = write(STDOUT_FILENO, line + done, size - done);
        if (count < 0 && errno != EINTR)
            break;
        done += count > 0 ? count : 0;
    }
}

/* Says how many checks follow. Without a plan, tap_done() says how many there were. */
static inline void tap_plan(unsigned count)
{
    char line[32];
    int size = snprintf(line, sizeof(line), "1..%u\n", count);

    tap_planned = count;
    if (write(STDOUT_FILENO, line, size) != size)
        tap_failed++;
}

/* After an exec: the checks before it were `count`, of which `failed` failed. */
static inline void tap_continue(unsigned planned, unsigned count, unsigned failed)
{
    tap_planned = planned;
    tap_count = count;
    tap_failed = failed;
}

/* A remark; it counts for nothing. */
__attribute__((format(printf, 1, 2))) static inline void tap_note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tap_write("# ", format, arguments);
    va_end(arguments);
}

/* One check. Returns `passed`, and leaves errno as it was. */
__attribute__((format(printf, 2, 3))) static inline bool tap_ok(bool passed, const char *format,
                                                                ...)
{
    int saved = errno;
    char prefix[32];
    va_list arguments;

    tap_count++;
    tap_failed += !passed;
    snprintf(prefix, sizeof(prefix), "%s %u - ", passed ? "ok" : "not ok", tap_count);
    va_start(arguments, format);
    tap_write(prefix, format, arguments);
    va_end(arguments);
    errno = saved;
    return passed;
}

/* Checks that a call returned `result` with success (`expected` 0) or failed with this errno. */
__attribute__((format(printf, 3, 4))) static inline bool tap_errno(long result, int expected,
                                                                   const char *format, ...)
{
    int got = result == -1 ? errno : 0;
    char name[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(name, sizeof(name), format, arguments);
    va_end(arguments);
    if (!tap_ok(got == expected, "%s", name))
        tap_note("returned %ld, errno %d (%s), expected %d (%s)", result, got, strerror(got),
                 expected, strerror(expected));
    errno = got;
    return got == expected;
}

/* One check that cannot be made here. */
__attribute__((format(printf, 2, 3))) static inline void tap_skip(const char *reason,
                                                                  const char *format, ...)
{
    char name[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(name, sizeof(name), format, arguments);
    va_end(arguments);
    tap_ok(true, "%s # SKIP %s", name, reason);
}

/* What main() returns: without a check nothing was tested, and that is a failure. */
static inline int tap_done(void)
{
    if (tap_planned == 0)
        tap_plan(tap_count);
    return tap_failed > 0 || tap_count == 0 || tap_count != tap_planned;
}

#endif

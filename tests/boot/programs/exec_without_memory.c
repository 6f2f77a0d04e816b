/*
 * exec_without_memory: allocation number N of an execve fails, for every N until the call succeeds
 * (debug kernels). Each failed call returns an errno and leaves the caller as it was, and in the
 * end no frame is missing.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tap.h>

#include "proc_baton.h"

#define SCRIPT "/tmp/exec_without_memory"

enum { RAN = 42, LAST = 5000, PLACES = 512, MEMORY = 1 << 16 };

struct result {
    int error;           /* of the execve that failed */
    bool as_it_was;      /* the caller's memory and descriptors */
    unsigned long place; /* of the allocation that failed, relative to the kernel's image */
};

static uint8_t memory[MEMORY];

static uint64_t checksum(const uint8_t *bytes, size_t size)
{
    uint64_t sum = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t at = 0; at < size; at++)
        sum = (sum ^ bytes[at]) * UINT64_C(1099511628211);
    return sum;
}

/* In a child: one call with allocation `number` failing. Returns only if the call did. */
static void call(unsigned number, char **arguments, struct result *result)
{
    char line[64];
    uint8_t stack[4096];

    memset(memory, number, sizeof(memory));
    memset(stack, number + 1, sizeof(stack));
    int closing = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    /* Once for nothing, so that the caller's own pages are there. */
    execve("/no/such", arguments, environ);
    uint64_t before = checksum(memory, sizeof(memory)) ^ checksum(stack, sizeof(stack));

    snprintf(line, sizeof(line), "allocation %u", number);
    baton_inject(line);
    execve(arguments[0], arguments, environ);
    result->error = errno;

    char text[256] = "";
    file_text("/proc/baton/inject", text, sizeof(text));
    baton_inject("off");
    sscanf(text, "allocations %*u failed_at %lx", &result->place);
    uint64_t after = checksum(memory, sizeof(memory)) ^ checksum(stack, sizeof(stack));
    result->as_it_was = before == after && fcntl(closing, F_GETFD) == FD_CLOEXEC;
}

/* Returns true once the call succeeded. */
static bool attempt(unsigned number, char **arguments, struct result *result, int *status)
{
    int report[2];

    if (pipe2(report, O_CLOEXEC) < 0)
        return true;
    pid_t child = fork();
    if (child == 0) {
        call(number, arguments, result);
        _exit(write(report[1], result, sizeof(*result)) != sizeof(*result));
    }
    close(report[1]);
    bool failed = read(report[0], result, sizeof(*result)) == sizeof(*result);
    close(report[0]);
    waitpid(child, status, 0);
    return !failed;
}

static void check(const char *what, char **arguments)
{
    static unsigned long places[PLACES];
    static char frames[4096], frames_after[4096];
    unsigned place_count = 0;
    unsigned changed = 0;
    unsigned other = 0;
    unsigned number = 1;
    int status = 0;
    struct result result = {0};

    attempt(1, arguments, &result, &status); /* for warm-up */
    memset(places, 0, sizeof(places));       /* no page is first touched between the counts */
    memset(frames_after, 0, sizeof(frames_after));
    usleep(100000); /* what was reported so far has left its pipe */
    file_text("/proc/baton/frames", frames, sizeof(frames));
    for (; number < LAST; number++) {
        if (attempt(number, arguments, &result, &status))
            break;
        changed += !result.as_it_was;
        other += result.error != ENOMEM;
        if (result.error != ENOMEM)
            tap_note("%s: allocation %u at %lx: %s", what, number, result.place,
                     strerror(result.error));
        unsigned at = 0;
        while (at < place_count && places[at] != result.place)
            at++;
        if (at == place_count && place_count < PLACES)
            places[place_count++] = result.place;
    }
    file_text("/proc/baton/frames", frames_after, sizeof(frames_after));
    tap_note("%s: %u failures, at %u places", what, number - 1, place_count);
    tap_ok(number > 1 && number < LAST && place_count > 1, "%s: allocations were made to fail",
           what);
    tap_ok(changed == 0, "%s: the caller is as it was each time", what);
    tap_ok(other == 0, "%s: the error is ENOMEM each time", what);
    if (!tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == RAN, "%s: in the end it runs", what))
        tap_note("wait status %#x", status);
    if (!tap_ok(strcmp(frames, frames_after) == 0, "%s: no count of frames has changed", what))
        tap_note("before: %s after: %s", frames, frames_after);
}

int main(int argc, char **argv)
{
    char *fixed[] = {argv[0], "run", NULL};
    char *pie[] = {"/tests/exec_without_memory_pie", "run", NULL};
    char *script[] = {SCRIPT, NULL};

    if (argc > 1)
        return RAN;
    if (!baton_inject("off")) {
        puts("1..0 # SKIP this kernel makes no allocation fail");
        return 0;
    }
    tap_plan(15);
    int file = open(SCRIPT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    dprintf(file, "#!%s run\n", argv[0]);
    close(file);
    check("a static program", fixed);
    check("a static PIE", pie);
    check("a script", script);
    unlink(SCRIPT);
    return tap_done();
}

/*
 * exec_cases.h: what the programs of the table about execve(2) share (group exec-table). Each is a
 * table of named cases with the page that each rests on. A case has two halves: `before` runs in a
 * child of its own, which then passes itself on to the same program; `after` is what the new image
 * finds. A case without `after` makes its calls itself.
 *
 *     static bool mask_before(void) { ... block SIGUSR1 ... }
 *     static bool mask_after(void) { ... is SIGUSR1 blocked? ... }
 *     static const struct exec_case cases[] = {
 *         HALVES("the signal mask is kept", "execve(2)", mask_before, mask_after),
 *     };
 *     int main(int count, char **arguments)
 *     {
 *         return exec_cases_main(cases, array_length(cases), count, arguments);
 *     }
 *
 * `stricter` marks a deliberate difference: Linux notices the fault only after its point of no
 * return and ends the caller, or starts what cannot run; Baton's call fails and changes nothing.
 * The case itself says what it expects of each.
 *
 * The program is also what others exec: by its argument 1 it exits with a status ("exit"), tells
 * its arguments and environment ("tell", or a variable TELL), or reads the script it was started
 * for ("read").
 */
#ifndef BATON_TESTS_EXEC_CASES_H
#define BATON_TESTS_EXEC_CASES_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "cases.h"

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

#define TELL_DESCRIPTOR 100 /* where an image tells what it was given */
#define TELL_MAXIMUM    4096

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

struct exec_case {
    const char *name;
    const char *source;
    bool (*before)(void);
    bool (*after)(void);
    const char *stricter; /* what Linux does instead */
};

#define CASE(called, page, run)                                                                    \
    {                                                                                              \
        .name = (called), .source = (page), .before = (run)                                        \
    }
#define HALVES(called, page, first, second)                                                        \
    {                                                                                              \
        .name = (called), .source = (page), .before = (first), .after = (second)                   \
    }
#define STRICTER(called, page, run, linux)                                                         \
    {                                                                                              \
        .name = (called), .source = (page), .before = (run), .stricter = (linux)                   \
    }

static char program[256];    /* this program's file */
static char folder[64];      /* a folder of this program's own, its working directory */
static bool is_linux;        /* the peer: it has no /proc/baton */
static char **arguments_now; /* what this image was given */

/* ---- from one image to the next: what a case notes down travels in the environment ---- */

static inline void note_number(const char *name, long number)
{
    char text[32];

    snprintf(text, sizeof(text), "%ld", number);
    setenv(name, text, 1);
}

static inline long noted_number(const char *name)
{
    const char *text = getenv(name);

    return text ? atol(text) : -1;
}

/* ---- files ---- */

static inline bool file_write(const char *path, const void *bytes, size_t size, mode_t mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = file >= 0 && write(file, bytes, size) == (ssize_t)size && fchmod(file, mode) == 0;

    close(file);
    return done;
}

static inline bool text_write(const char *path, const char *text, mode_t mode)
{
    return file_write(path, text, strlen(text), mode);
}

static inline bool file_copy(const char *from, const char *to, mode_t mode)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat status;
    bool done = in >= 0 && out >= 0 && fstat(in, &status) == 0 &&
                sendfile(out, in, NULL, status.st_size) == status.st_size && fchmod(out, mode) == 0;

    close(in);
    close(out);
    return done;
}

/* Reads all of a file, with a NUL behind it. The bytes, or -1. */
static inline ssize_t file_read(const char *path, char *buffer, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t got = 0;
    ssize_t part;

    if (file < 0)
        return -1;
    while (got < size - 1 && (part = read(file, buffer + got, size - 1 - got)) > 0)
        got += part;
    close(file);
    buffer[got] = '\0';
    return got;
}

/* A line of a file of /proc that begins with `name`: what is behind it, as a number; -1: none. */
static inline long proc_number(const char *path, const char *name)
{
    static char text[8192];

    if (file_read(path, text, sizeof(text)) < 0)
        return -1;
    const char *line = strstr(text, name);
    return line ? strtol(line + strlen(name), NULL, 0) : -1;
}

/* ---- calls ---- */

static inline int execveat_call(int directory, const char *path, char *const *arguments,
                                char *const *environment, int flags)
{
    return syscall(SYS_execveat, directory, path, arguments, environment, flags);
}

/* A call in a child; what the new image tells about itself, or "errno N". Static memory. */
static inline const char *told(int directory, const char *path, char *const *arguments,
                               char *const *environment, int flags)
{
    static char text[TELL_MAXIMUM];
    int ends[2];
    size_t size = 0;
    ssize_t part;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return "no pipe";
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], TELL_DESCRIPTOR);
        execveat_call(directory, path, arguments, environment, flags);
        dprintf(TELL_DESCRIPTOR, "errno %d", errno);
        _exit(1);
    }
    close(ends[1]);
    while ((part = read(ends[0], text + size, sizeof(text) - 1 - size)) > 0)
        size += part;
    close(ends[0]);
    text[size] = '\0';
    int status = status_of(child);
    if (size == 0)
        snprintf(text, sizeof(text), "wait status %#x", status);
    return text;
}

#define REQUIRE_TOLD(expected, ...)                                                                \
    do {                                                                                           \
        const char *told_ = told(__VA_ARGS__);                                                     \
        if (strcmp(told_, (expected)) != 0) {                                                      \
            tap_note("line %d: told \"%s\", not \"%s\"", __LINE__, told_, (expected));             \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

/* A call in a child; its wait status. Should the call fail, the child exits with its errno. */
static inline int status_after(int directory, const char *path, char *const *arguments,
                               char *const *environment, int flags)
{
    pid_t child = fork();

    if (child == 0) {
        execveat_call(directory, path, arguments, environment, flags);
        _exit(errno);
    }
    return status_of(child);
}

/* For clone(2): passes itself on to an image that exits with 6. */
static inline int passes_on(void *unused)
{
    (void)unused;
    execve(program, (char *[]){"x", "exit", "6", NULL}, environ);
    return 1;
}

/* ---- what this program does when it is somebody's new image ---- */

static inline void tell_strings(char *const *strings)
{
    for (size_t at = 0; strings[at]; at++) {
        if (strlen(strings[at]) > 300)
            dprintf(TELL_DESCRIPTOR, "%s<%zu>", at ? "|" : "", strlen(strings[at]));
        else
            dprintf(TELL_DESCRIPTOR, "%s%s", at ? "|" : "", strings[at]);
    }
}

/* "argument|argument;variable|variable" */
static inline int tell(void)
{
    tell_strings(arguments_now);
    dprintf(TELL_DESCRIPTOR, ";");
    tell_strings(environ);
    return 0;
}

/* A script's interpreter, "#!program read": the script has to be readable under its name. */
static inline int read_script(int count)
{
    char text[64];

    return count < 3 || file_read(arguments_now[2], text, sizeof(text)) < 2 ||
           strncmp(text, "#!", 2) != 0;
}

/* ---- the table ---- */

#define AFTER "after" /* argument 1, and argument 2 is the case's number */

static const struct exec_case *case_now;
static size_t case_number;

static inline char **after_arguments(void)
{
    static char number[16];
    static char *arguments[] = {program, AFTER, number, NULL};

    snprintf(number, sizeof(number), "%zu", case_number);
    return arguments;
}

static inline bool run_halves(void)
{
    if (case_now->before && !case_now->before())
        return false;
    if (!case_now->after)
        return true;
    execve(program, after_arguments(), environ);
    REQUIRE(!"the program passes itself on");
    return false;
}

static inline bool exec_cases_prepare(void)
{
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    const char *slash = strrchr(program, '/');

    if (length <= 0 || !slash)
        return false;
    snprintf(folder, sizeof(folder), "/tmp/%s", slash + 1);
    is_linux = access("/proc/baton", F_OK) != 0;
    umask(022);
    clearenv();
    return (mkdir("/tmp", 01777) == 0 || errno == EEXIST) &&
           (mkdir(folder, 0755) == 0 || errno == EEXIST) && chdir(folder) == 0;
}

/* What any image of this program does first: -1: it is to run the table. */
static inline int exec_role(const struct exec_case *cases, size_t count, int argument_count,
                            char **arguments)
{
    arguments_now = arguments;
    if ((argument_count == 1 && !*arguments[0]) || getenv("TELL"))
        return tell(); /* it was given nothing, or it is not its arguments that say so */
    const char *role = argument_count > 1 ? arguments[1] : "";
    if (strcmp(role, "tell") == 0)
        return tell();
    if (strcmp(role, "exit") == 0)
        return atoi(arguments[argument_count - 1]);
    if (strcmp(role, "read") == 0)
        return read_script(argument_count);
    if (strcmp(role, AFTER) != 0)
        return argument_count > 1 ? 1 : -1;
    size_t number = atol(arguments[2]);
    bool saved = readlink("/proc/self/exe", program, sizeof(program) - 1) > 0;
    is_linux = access("/proc/baton", F_OK) != 0;
    return saved && number < count && cases[number].after() ? 0 : 1;
}

static inline int run_table(const struct exec_case *cases, size_t count)
{
    tap_plan(count);
    for (size_t at = 0; at < count; at++) {
        const struct test_case test = {cases[at].name, cases[at].source, run_halves};
        case_now = &cases[at];
        case_number = at;
        bool passed = run_case(&test);
        if (cases[at].stricter)
            tap_ok(passed, "%s [%s; deliberate difference: Linux %s]", cases[at].name,
                   cases[at].source, cases[at].stricter);
        else
            tap_ok(passed, "%s [%s]", cases[at].name, cases[at].source);
    }
    return tap_done();
}

/* What main() does, whichever image this is. */
static inline int exec_cases_main(const struct exec_case *cases, size_t count, int argument_count,
                                  char **arguments)
{
    int role = exec_role(cases, count, argument_count, arguments);

    if (role >= 0)
        return role;
    if (!exec_cases_prepare())
        return 1;
    return run_table(cases, count);
}

#endif

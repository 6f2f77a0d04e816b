/*
 * proc_exec.c: what /proc/PID tells of a process that executes one program after the other: each
 * file is one image's, whole, whenever it is read (proc(5)).
 *
 * The process passes itself back and forth between two names of this program, with other arguments
 * and another environment for each; here it is watched, on other processors if there are any.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CASE_SECONDS 60 /* on a busy host each look is slow */
#include "cases.h"
#include "own_copy.h"
#include "proc_baton.h"

/* ---- the two images ---- */

#define IMAGES        2
#define STRINGS       60  /* of arguments, and of environment */
#define STRING_LENGTH 150 /* so that both take several pages */

static const char *const paths[IMAGES] = {"/tmp/proc_exec_a", "/tmp/proc_exec_b"};
static const char *const comms[IMAGES] = {"proc_exec_a\n", "proc_exec_b\n"};

struct arguments {
    char strings[2][STRINGS][STRING_LENGTH + 1];
    char *argv[STRINGS + 3], *envp[STRINGS + 1];
};
static struct arguments arguments[IMAGES];

/* argv: path, mode, strings. Image 1 has fewer. */
static void make_arguments(const char *mode)
{
    for (int image = 0; image < IMAGES; image++) {
        struct arguments *these = &arguments[image];
        int count = STRINGS - 25 * image, slot = 0;
        these->argv[slot++] = (char *)paths[image];
        these->argv[slot++] = (char *)mode;
        for (int i = 0; i < count; i++) {
            for (int kind = 0; kind < 2; kind++) {
                memset(these->strings[kind][i], "aAbB"[2 * image + kind], STRING_LENGTH);
                these->strings[kind][i][1] = '=';
            }
            these->argv[slot++] = these->strings[0][i];
            these->envp[i] = these->strings[1][i];
        }
    }
}

static void execute(int image)
{
    execve(paths[image], arguments[image].argv, arguments[image].envp);
    _exit(126);
}

static void *execute_other(void *image)
{
    execute(1 - (int)(intptr_t)image);
    return NULL;
}

/* In the watched process: on to the other image, by the first thread or by another one. */
static int pass_on(int image, const char *mode)
{
    pthread_t thread;

    make_arguments(mode);
    if (!strcmp(mode, "thread") &&
        !pthread_create(&thread, NULL, execute_other, (void *)(intptr_t)image))
        for (;;)
            pause();
    if (!strcmp(mode, "once")) { /* waits to be told, then goes on to the other and waits there */
        char byte;
        if (image == 0 && read(STDIN_FILENO, &byte, 1) == 1)
            execute(1);
        if (image == 1 && write(STDOUT_FILENO, "", 1) == 1)
            for (;;)
                pause();
        return 1;
    }
    execute(1 - image);
    return 1;
}

/* ---- reading ---- */

static char content[1 << 17];

/* The whole file; its size, or -1. */
static ssize_t read_all(int file)
{
    ssize_t size = 0, got;

    while ((got = read(file, content + size, sizeof(content) - 1 - size)) > 0)
        size += got;
    content[size] = 0;
    return got < 0 ? -1 : size;
}

/* Which image it shows; one of these: */
enum { NOTHING = IMAGES, HALF, VERDICTS };

static int strings_verdict(ssize_t size, bool environment)
{
    if (!size)
        return NOTHING;
    for (int image = 0; image < IMAGES; image++) {
        char **strings = environment ? arguments[image].envp : arguments[image].argv;
        ssize_t at = 0;
        while (*strings && at < size && !strcmp(content + at, *strings))
            at += strlen(*strings++) + 1;
        if (!*strings && at == size)
            return image;
    }
    return HALF;
}

static int command_line_verdict(ssize_t size)
{
    return strings_verdict(size, false);
}

static int environment_verdict(ssize_t size)
{
    return strings_verdict(size, true);
}

static int name_verdict(ssize_t size)
{
    for (int image = 0; image < IMAGES; image++)
        if (size == (ssize_t)strlen(comms[image]) && !strcmp(content, comms[image]))
            return image;
    return size ? HALF : NOTHING;
}

static int count(const char *what)
{
    int times = 0;
    for (const char *at = content; (at = strstr(at, what)); at++)
        times++;
    return times;
}

static int segments; /* lines of maps that show the program's file */

static int maps_verdict(ssize_t size)
{
    int first = count(paths[0]), second = count(paths[1]);

    if (!size)
        return NOTHING;
    if ((first && second) || first + second != segments || count("[stack]") != 1 ||
        count("[vdso]") != 1 || count("[vvar]") != 1)
        return HALF;
    return second > 0;
}

/* It does not name the image: where the program's headers are has to be its own place, too. */
static int vector_verdict(ssize_t size)
{
    const Elf64_auxv_t *items = (const void *)content;
    size_t items_count = size / sizeof(*items);

    if (!size)
        return NOTHING;
    if (!items_count || items[items_count - 1].a_type != AT_NULL)
        return HALF;
    for (size_t i = 0; i < items_count; i++) {
        if (items[i].a_type == AT_ENTRY && items[i].a_un.a_val != getauxval(AT_ENTRY))
            return HALF;
        if (items[i].a_type == AT_NULL && i + 1 < items_count)
            return HALF;
    }
    return 0;
}

static int link_verdict(ssize_t size)
{
    for (int image = 0; image < IMAGES; image++)
        if (size == (ssize_t)strlen(paths[image]) && !strcmp(content, paths[image]))
            return image;
    return size > 0 ? HALF : NOTHING;
}

static const struct {
    const char *name;
    int (*verdict)(ssize_t size);
    bool of_one_opening; /* opened before an execve it shows nothing after it */
} files[] = {
    {"cmdline", command_line_verdict, false},
    {"comm", name_verdict, false},
    {"exe", link_verdict, false},
    {"environ", environment_verdict, true},
    {"maps", maps_verdict, true},
    {"auxv", vector_verdict, true},
};
#define FILES (sizeof(files) / sizeof(files[0]))

static int look(pid_t process, size_t number)
{
    char path[64];
    ssize_t size;

    snprintf(path, sizeof(path), "/proc/%d/%s", process, files[number].name);
    if (files[number].verdict == link_verdict) {
        size = readlink(path, content, sizeof(content) - 1);
        content[size < 0 ? 0 : size] = 0;
    } else {
        int file = open(path, O_RDONLY);
        if (file < 0)
            return NOTHING;
        size = read_all(file);
        close(file);
    }
    return files[number].verdict(size);
}

/* ---- watching ---- */

static pid_t start(const char *mode, int input, int output)
{
    make_arguments(mode);
    pid_t child = fork();
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (input >= 0)
            dup2(input, STDIN_FILENO);
        if (output >= 0)
            dup2(output, STDOUT_FILENO);
        execute(0);
    }
    return child;
}

static bool prepare(void)
{
    int file = open("/proc/self/maps", O_RDONLY);

    REQUIRE(file >= 0 && read_all(file) > 0);
    close(file);
    char self[256];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    REQUIRE(length > 0);
    self[length] = 0;
    segments = count(self);
    REQUIRE(segments > 0);
    return copy_program(paths[0], 0755) && copy_program(paths[1], 0755);
}

static bool watch(const char *mode)
{
    enum { ENOUGH = 40, ROUNDS = 20000 };
    int seen[FILES][VERDICTS] = {0};
    bool enough = false, whole = true;

    REQUIRE(prepare());
    pid_t child = start(mode, -1, -1);
    REQUIRE(child > 0);
    while (look(child, 0) >= IMAGES) /* until it has begun */
        sched_yield();
    long until = now_ms() + (CASE_SECONDS - 7) * 1000L;
    for (int round = 0; round < ROUNDS && !enough && now_ms() < until; round++) {
        enough = true;
        for (size_t i = 0; i < FILES; i++) {
            int verdict = look(child, i);
            if (verdict == HALF && !seen[i][HALF])
                tap_note("%s: %.200s", files[i].name, content);
            seen[i][verdict]++;
            enough &= seen[i][0] >= ENOUGH &&
                      (seen[i][1] >= ENOUGH || files[i].verdict == vector_verdict);
        }
    }
    kill(child, SIGKILL);
    status_of(child);
    for (size_t i = 0; i < FILES; i++) {
        tap_note("%s: image 0 %d times, 1 %d, nothing %d, half %d", files[i].name, seen[i][0],
                 seen[i][1], seen[i][NOTHING], seen[i][HALF]);
        /* Linux shows an image that it still builds. */
        if (!baton_is_here())
            continue;
        whole &= seen[i][HALF] == 0 && (files[i].of_one_opening || seen[i][NOTHING] == 0);
    }
    for (size_t i = 0; i < FILES; i++)
        whole &= seen[i][0] > 0 && (seen[i][1] > 0 || files[i].verdict == vector_verdict);
    REQUIRE(whole);
    return true;
}

static bool one_image_at_a_time(void)
{
    return watch("process");
}

static bool one_image_whoever_executes(void)
{
    return watch("thread");
}

/* Files that were opened before the other image came, read after it. */
static bool opened_before(void)
{
    int go[2], done[2], opened[FILES];
    char byte;

    REQUIRE(prepare() && !pipe(go) && !pipe(done));
    pid_t child = start("once", go[0], done[1]);
    REQUIRE(child > 0);
    REQUIRE(EVENTUALLY(look(child, 0) == 0));
    for (size_t i = 0; i < FILES; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/%s", child, files[i].name);
        opened[i] = open(path, O_RDONLY);
        REQUIRE(opened[i] >= 0);
    }
    REQUIRE(write(go[1], "", 1) == 1 && read(done[0], &byte, 1) == 1);
    for (size_t i = 0; i < FILES; i++) {
        if (files[i].verdict == link_verdict)
            continue;
        ssize_t size = read_all(opened[i]);
        int verdict = files[i].verdict(size);
        tap_note("%s: %zd bytes", files[i].name, size);
        if (files[i].verdict == vector_verdict)
            continue; /* Linux still shows the old one */
        REQUIRE(verdict == (files[i].of_one_opening ? NOTHING : 1));
        /* Opened now, they show the new image. */
        REQUIRE(look(child, i) == 1);
    }
    kill(child, SIGKILL);
    status_of(child);
    for (size_t i = 0; i < FILES; i++) {
        if (files[i].verdict == link_verdict)
            continue;
        REQUIRE(lseek(opened[i], 0, SEEK_SET) == 0);
        ssize_t size = read(opened[i], content, sizeof(content));
        bool nothing = size == 0 || (size < 0 && errno == ESRCH);
        REQUIRE(nothing || files[i].verdict == vector_verdict);
    }
    return true;
}

static const struct test_case cases[] = {
    {"each file shows one image, whole", "proc(5)", one_image_at_a_time},
    {"also when a thread that is not the first one executes", "proc(5)",
     one_image_whoever_executes},
    {"files opened before an execve", "proc(5)", opened_before},
};

int main(int argc, char **argv)
{
    for (int image = 0; image < IMAGES; image++)
        if (argc > 1 && !strcmp(argv[0], paths[image]))
            return pass_on(image, argv[1]);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/*
 * exec_views: what others see of a process that passes itself on: /proc/PID follows the exec at
 * once and never shows half of it. Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/prctl.h>

#include "exec_cases.h"

#define NOBODY 65534

static char *sleeping[] = {"sleep", "1000", NULL};

/* ---- what an image sees of itself ---- */

static const char *path_of(long process, const char *name)
{
    static char path[64];

    if (process)
        snprintf(path, sizeof(path), "/proc/%ld/%s", process, name);
    else
        snprintf(path, sizeof(path), "/proc/self/%s", name);
    return path;
}
static const char *link_of(long process, const char *name)
{
    static char text[512];
    ssize_t size = readlink(path_of(process, name), text, sizeof(text) - 1);

    text[size > 0 ? size : 0] = '\0';
    return text;
}
static char content[65536];
static ssize_t content_size;
static const char *content_of(long process, const char *name)
{
    content_size = file_read(path_of(process, name), content, sizeof(content));
    return content;
}

/* One of the numbers in /proc/PID/stat behind the name, counted as in proc(5). */
static unsigned long stat_field(long process, int field)
{
    const char *at = strrchr(content_of(process, "stat"), ')') + 1;

    for (int number = 3; number < field; number++)
        at = strchr(at + 1, ' ');
    return strtoul(at + 1, NULL, 10);
}

static bool exe_after(void)
{
    return strcmp(link_of(0, "exe"), "/tests/exec_views") == 0;
}
static bool through_link_before(void)
{
    REQUIRE(symlink(program, "to-program") == 0);
    execve("to-program", after_arguments(), environ);
    return false;
}
static bool renamed_before(void)
{
    REQUIRE(file_copy(program, "will-be-renamed", 0755));
    execve("will-be-renamed", after_arguments(), environ);
    return false;
}
static bool renamed_after(void)
{
    REQUIRE(rename("will-be-renamed", "renamed") == 0);
    return strcmp(link_of(0, "exe"), "/tmp/exec_views/renamed") == 0;
}
static bool removed_before(void)
{
    REQUIRE(file_copy(program, "will-be-removed", 0755));
    execve("will-be-removed", after_arguments(), environ);
    return false;
}
static bool removed_after(void)
{
    REQUIRE(unlink("will-be-removed") == 0);
    REQUIRE(strcmp(link_of(0, "exe"), "/tmp/exec_views/will-be-removed (deleted)") == 0);
    return access("/proc/self/exe", X_OK) == 0; /* it can still be reached */
}
static bool memory_file_before(void)
{
    struct stat status;
    int file = memfd_create("from-memory", 0), in = open(program, O_RDONLY | O_CLOEXEC);

    REQUIRE(fstat(in, &status) == 0);
    REQUIRE(sendfile(file, in, NULL, status.st_size) == status.st_size);
    char name[16];
    snprintf(name, sizeof(name), "fd/%d", file);
    int image = open(path_of(0, name), O_RDONLY);
    close(file); /* nobody may have it open for writing */
    execveat_call(image, "", after_arguments(), environ, AT_EMPTY_PATH);
    return false;
}
static bool memory_file_after(void)
{
    REQUIRE(strcmp(link_of(0, "exe"), "/memfd:from-memory (deleted)") == 0);
    return strcmp(content_of(0, "comm"), "memfd:from-memo\n") == 0;
}
static bool command_line_before(void)
{
    char *arguments[] = {program, AFTER, after_arguments()[2], "", "two words", NULL};

    execve(program, arguments, (char *[]){"A=1", "", "B", NULL});
    return false;
}
static bool command_line_after(void)
{
    char wanted[512];
    size_t size = 0;

    for (char **at = arguments_now; *at; at++)
        size += snprintf(wanted + size, sizeof(wanted) - size, "%s", *at) + 1;
    content_of(0, "cmdline");
    return content_size == (ssize_t)size && memcmp(content, wanted, size) == 0 &&
           memcmp(content + size - 11, "\0two words", 11) == 0;
}
static bool environment_after(void)
{
    content_of(0, "environ");
    return content_size == 7 && memcmp(content, "A=1\0\0B", 7) == 0;
}
static bool overwritten_after(void)
{
    memset(arguments_now[4], 'W', strlen(arguments_now[4]));
    content_of(0, "cmdline");
    return memcmp(content + content_size - 10, "WWWWWWWWW", 10) == 0;
}
static bool long_command_line_before(void)
{
    char *string = malloc(20001);
    char *arguments[] = {program, AFTER, after_arguments()[2], string, string, string, NULL};

    memset(string, 'l', 20000);
    string[20000] = '\0';
    execve(program, arguments, environ);
    return false;
}
static bool long_command_line_after(void)
{
    content_of(0, "cmdline");
    return content_size ==
               (ssize_t)(strlen(arguments_now[0]) + strlen(arguments_now[2]) + 8 + 3 * 20001) &&
           strlen(content + content_size - 20001) == 20000;
}
static bool auxiliary_vector_after(void)
{
    unsigned long *vector = (unsigned long *)environ;

    while (*vector++)
        ;
    content_of(0, "auxv");
    return content_size > 256 && memcmp(content, vector, content_size) == 0;
}
static bool name_after(void)
{
    return strcmp(content_of(0, "comm"), "exec_views\n") == 0;
}
static bool name_of_descriptor_before(void)
{
    int file = dup2(open(program, O_RDONLY), 60);

    execveat_call(file, "", after_arguments(), environ, AT_EMPTY_PATH);
    return false;
}
/* A script: what runs is its interpreter. */
static bool script_by_descriptor(void)
{
    REQUIRE(
        text_write("by-shell", "#!/bin/sh\nread line </proc/$$/comm; [ $line = busybox ]\n", 0755));
    int file = open("by-shell", O_RDONLY);
    REQUIRE(exited(status_after(file, "", sleeping, environ, AT_EMPTY_PATH), 0));
    return true;
}
static bool name_below_descriptor_before(void)
{
    int here = open(".", O_RDONLY);

    REQUIRE(file_copy(program, "below-it", 0755));
    execveat_call(here, "below-it", after_arguments(), environ, 0);
    return false;
}
static bool name_below_descriptor_after(void)
{
    return strcmp(content_of(0, "comm"), "below-it\n") == 0;
}
static bool name_in_status_after(void)
{
    REQUIRE(strncmp(content_of(0, "status"), "Name:\texec_views\n", 17) == 0);
    return strstr(content, "Threads:\t1\n") != NULL;
}
static bool name_in_stat_after(void)
{
    char wanted[64];

    snprintf(wanted, sizeof(wanted), "%d (exec_views) R ", getpid());
    return strncmp(content_of(0, "stat"), wanted, strlen(wanted)) == 0;
}
static bool name_of_thread_before(void)
{
    return prctl(PR_SET_NAME, "changed") == 0 && strcmp(content_of(0, "comm"), "changed\n") == 0;
}
static bool maps_after(void)
{
    unsigned long start, end;
    char name[300] = "";
    bool text = false, heap = false, stack = false;
    unsigned long here = (unsigned long)maps_after, local = (unsigned long)name;

    (void)malloc(1 << 16); /* on the heap, or beside it */
    syscall(SYS_brk, syscall(SYS_brk, 0) + 4096);
    for (char *line = strtok((char *)content_of(0, "maps"), "\n"); line;
         line = strtok(NULL, "\n")) {
        name[0] = '\0';
        REQUIRE(sscanf(line, "%lx-%lx %*s %*s %*s %*s %299s", &start, &end, name) >= 2);
        if (here >= start && here < end)
            text = strcmp(name, program) == 0 && strstr(line, "r-xp");
        stack |=
            local >= start && local < end && strcmp(name, "[stack]") == 0 && strstr(line, "rw-p");
        heap |= strcmp(name, "[heap]") == 0;
    }
    return text && heap && stack;
}
static bool old_maps_before(void)
{
    void *place = (void *)0x123450000000;

    return mmap(place, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
           place;
}
static bool old_maps_after(void)
{
    return !strstr(content_of(0, "maps"), "123450000000");
}
static bool places_after(void)
{
    /* startcode, endcode, startstack; arg_start and on: proc(5), /proc/PID/stat */
    unsigned long here = (unsigned long)places_after;

    REQUIRE(stat_field(0, 26) <= here && stat_field(0, 27) > here);
    REQUIRE(stat_field(0, 28) <= (unsigned long)arguments_now);
    REQUIRE(stat_field(0, 48) == (unsigned long)arguments_now[0]);
    REQUIRE(stat_field(0, 50) == (unsigned long)environ[0]);
    return stat_field(0, 49) == stat_field(0, 50);
}
static bool start_time_before(void)
{
    char text[32];

    snprintf(text, sizeof(text), "%lu", stat_field(0, 22));
    sleep_ms(30);
    return setenv("STARTED", text, 1) == 0;
}
static bool start_time_after(void)
{
    return stat_field(0, 22) == strtoul(getenv("STARTED"), NULL, 10);
}
static bool descriptors_before(void)
{
    return dup2(0, 70) == 70 && fcntl(0, F_DUPFD_CLOEXEC, 71) == 71;
}
static bool descriptors_after(void)
{
    return access("/proc/self/fd/70", F_OK) == 0 && access("/proc/self/fd/71", F_OK) < 0;
}
static bool folders_before(void)
{
    REQUIRE(mkdir("working", 0755) == 0 && chdir("working") == 0);
    return true;
}
static bool folders_after(void)
{
    return strcmp(link_of(0, "cwd"), "/tmp/exec_views/working") == 0 &&
           strcmp(link_of(0, "root"), "/") == 0;
}
static bool signals_before(void)
{
    sigset_t set;

    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, (void (*)(int))exit);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    return sigprocmask(SIG_SETMASK, &set, NULL) == 0;
}
static bool signals_after(void)
{
    content_of(0, "status");
    return strstr(content, "SigBlk:\t0000000000000001\n") &&
           strstr(content, "SigIgn:\t0000000000000200\n") &&
           strstr(content, "SigCgt:\t0000000000000000\n");
}

/* ---- what others see ---- */

static pid_t started(const char *path, char *const *arguments, char *const *environment)
{
    pid_t child = fork();

    if (child == 0) {
        execve(path, arguments, environment);
        _exit(1);
    }
    return child;
}
static bool ended(pid_t child)
{
    return kill(child, SIGKILL) == 0 && killed_by(status_of(child), SIGKILL);
}

static bool seen_by_parent(void)
{
    pid_t child = started("/bin/busybox", sleeping, (char *[]){"C=3", NULL});

    REQUIRE(EVENTUALLY(strcmp(link_of(child, "exe"), "/usr/bin/busybox") == 0));
    REQUIRE(EVENTUALLY((content_of(child, "cmdline"), content_size) == 11));
    REQUIRE(memcmp(content,
                   "sleep\0"
                   "1000",
                   11) == 0);
    REQUIRE(strcmp(content_of(child, "comm"), "busybox\n") == 0 || strcmp(content, "sleep\n") == 0);
    content_of(child, "environ");
    REQUIRE(content_size == 4 && strcmp(content, "C=3") == 0);
    REQUIRE(strstr(content_of(child, "maps"), "/busybox"));
    return ended(child);
}
static bool seen_after_vfork(void)
{
    pid_t child = vfork();

    if (child == 0) {
        execve("/bin/busybox", sleeping, environ);
        _exit(1);
    }
    /* vfork returned: the exec is done. Linux wakes the parent a moment before. */
    REQUIRE(is_linux ? EVENTUALLY(strcmp(link_of(child, "exe"), "/usr/bin/busybox") == 0)
                     : strcmp(link_of(child, "exe"), "/usr/bin/busybox") == 0);
    return ended(child);
}
static bool seen_thread(void)
{
    char path[64];
    pid_t child = started("/bin/busybox", sleeping, environ);

    snprintf(path, sizeof(path), "task/%d/comm", child);
    REQUIRE(EVENTUALLY(strcmp(content_of(child, path), "exec_views\n") != 0));
    return ended(child);
}
static bool seen_through_open_file(void)
{
    char text[64];
    int ends[2];

    /* An open file of /proc shows the process as it is when it is read. */
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (read(ends[0], text, 1) == 1)
            execve("/bin/busybox", sleeping, environ);
        _exit(1);
    }
    int file = open(path_of(child, "comm"), O_RDONLY);
    REQUIRE(read(file, text, sizeof(text)) == 11 && strncmp(text, "exec_views\n", 11) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    REQUIRE(EVENTUALLY((lseek(file, 0, SEEK_SET), memset(text, 0, sizeof(text)),
                        read(file, text, sizeof(text) - 1)) > 0 &&
                       strncmp(text, "exec_views\n", 11) != 0));
    return ended(child);
}
static bool hidden_from_others(void)
{
    REQUIRE(file_copy("/bin/busybox", "private", 0711) && text_write("s", "", 0600));
    pid_t child = fork();
    if (child == 0) {
        if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
            _exit(1);
        execve("private", sleeping, environ);
        _exit(1);
    }
    REQUIRE(EVENTUALLY((content_of(child, "cmdline"), content_size) == 11));
    pid_t reader = fork();
    if (reader == 0) {
        REQUIRE(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
        /* A file that may not be read must not be read by way of its process. */
        REQUIRE_ERRNO(open(path_of(child, "environ"), O_RDONLY), EACCES);
        REQUIRE(content_of(child, "cmdline") && content_size == 11);
        _exit(0);
    }
    REQUIRE(exited(status_of(reader), 0));
    return ended(child);
}

/*
 * A child passes itself on between two images, again and again; each is known by its arguments
 * (all a, or all b) and its environment. Whoever looks sees the one or the other.
 */
#define TURNS 30

static char *turning(char letter)
{
    static char string[3001];

    return memset(string, letter, 3000);
}
static int turn_main(void)
{
    int turn = atoi(arguments_now[2]);
    char number[16];

    if (turn == TURNS)
        return 0;
    char letter = arguments_now[3][0] == 'a' ? 'b' : 'a';
    snprintf(number, sizeof(number), "%03d", turn + 1);
    char *string = turning(letter);
    execve("/proc/self/exe", (char *[]){"x", "turn", number, string, string, NULL},
           (char *[]){string, NULL});
    return 1;
}
static pid_t start_turning(void)
{
    char *string = turning('a');

    return started(program, (char *[]){"x", "turn", "000", string, string, NULL},
                   (char *[]){string, NULL});
}
static bool is_of_one_letter(const char *text, size_t size)
{
    char letter = size ? text[0] : 0;

    for (size_t at = 0; at < size; at++)
        if (text[at] && text[at] != letter)
            return false;
    return true;
}
static bool never_half(const char *name, size_t skipped)
{
    pid_t child = start_turning();
    size_t looks = 0;
    int status;

    while (waitpid(child, &status, WNOHANG) == 0) {
        content_of(child, name);
        const char *letters = content + skipped;
        if (content_size < (ssize_t)skipped + 3000 || (letters[0] != 'a' && letters[0] != 'b') ||
            letters[1] != letters[0]) /* not turning yet */
            continue;
        looks++;
        if (!is_of_one_letter(content + skipped, content_size - skipped)) {
            tap_note("half of each in %s", name);
            kill(child, SIGKILL);
            status_of(child);
            return false;
        }
    }
    REQUIRE(exited(status, 0));
    return looks > 0;
}
static bool command_line_never_half(void)
{
    return never_half("cmdline", sizeof("x") + sizeof("turn") + sizeof("000"));
}
static bool environment_never_half(void)
{
    return never_half("environ", 0);
}
static bool exe_always_there(void)
{
    pid_t child = start_turning();
    int status;

    while (waitpid(child, &status, WNOHANG) == 0) {
        const char *link = link_of(child, "exe");
        if (*link && strcmp(link, program) != 0) {
            tap_note("exe is %s", link);
            kill(child, SIGKILL);
            status_of(child);
            return false;
        }
    }
    return exited(status, 0);
}
static bool maps_never_empty(void)
{
    pid_t child = start_turning();
    size_t bad = 0;
    int status;

    while (waitpid(child, &status, WNOHANG) == 0) {
        content_of(child, "maps");
        if (content_size > 0 && !strstr(content, "exec_views"))
            bad++;
    }
    REQUIRE(exited(status, 0));
    return is_linux || bad == 0;
}

static const struct exec_case cases[] = {
    HALVES("exe: the file", "proc(5), exe", NULL, exe_after),
    HALVES("exe: a link is followed", "proc(5), exe", through_link_before, exe_after),
    HALVES("exe: follows a renaming", "proc(5), exe", renamed_before, renamed_after),
    HALVES("exe: a file that was removed", "proc(5), exe", removed_before, removed_after),
    HALVES("exe and comm: a file in memory", "memfd_create(2)", memory_file_before,
           memory_file_after),
    HALVES("cmdline: every argument and its NUL", "proc(5), cmdline", command_line_before,
           command_line_after),
    HALVES("cmdline: what the program writes there", "proc(5), cmdline", command_line_before,
           overwritten_after),
    HALVES("cmdline: of many pages", "proc(5), cmdline", long_command_line_before,
           long_command_line_after),
    HALVES("environ: every variable and its NUL", "proc(5), environ", command_line_before,
           environment_after),
    HALVES("auxv: what lies on the stack", "proc(5), auxv", NULL, auxiliary_vector_after),
    HALVES("comm: the file's name", "proc(5), comm", name_of_thread_before, name_after),
    HALVES("comm: by descriptor, the file's name", "execveat(2)", name_of_descriptor_before,
           name_after),
    CASE("comm: a script by descriptor, its interpreter's file", "execveat(2)",
         script_by_descriptor),
    HALVES("comm: the name below a directory's descriptor", "execveat(2)",
           name_below_descriptor_before, name_below_descriptor_after),
    HALVES("status: name and threads", "proc(5), status", NULL, name_in_status_after),
    HALVES("stat: name and state", "proc(5), stat", NULL, name_in_stat_after),
    HALVES("maps: text, heap, stack", "proc(5), maps", NULL, maps_after),
    HALVES("maps: nothing of the old image", "proc(5), maps", old_maps_before, old_maps_after),
    HALVES("stat: where code, stack, arguments are", "proc(5), stat", command_line_before,
           places_after),
    HALVES("stat: the process's start stays", "proc(5), stat", start_time_before, start_time_after),
    HALVES("fd: without what was closed", "proc(5), fd", descriptors_before, descriptors_after),
    HALVES("cwd and root", "proc(5), cwd", folders_before, folders_after),
    HALVES("status: signals", "proc(5), status", signals_before, signals_after),
    CASE("seen by the parent", "proc(5)", seen_by_parent),
    CASE("seen as soon as vfork returns", "vfork(2)", seen_after_vfork),
    CASE("seen as a thread", "proc(5), task", seen_thread),
    CASE("seen through a file opened before", "proc(5)", seen_through_open_file),
    CASE("hidden: environ of a file that may not be read", "ptrace(2), access mode checking",
         hidden_from_others),
    CASE("cmdline is never half of each", "proc(5), cmdline", command_line_never_half),
    CASE("environ is never half of each", "proc(5), environ", environment_never_half),
    CASE("exe is always there", "proc(5), exe", exe_always_there),
    CASE("maps always have the program", "proc(5), maps", maps_never_empty),
};

int main(int count, char **arguments)
{
    if (count == 5 && strcmp(arguments[1], "turn") == 0) {
        arguments_now = arguments;
        return turn_main();
    }
    return exec_cases_main(cases, array_length(cases), count, arguments);
}

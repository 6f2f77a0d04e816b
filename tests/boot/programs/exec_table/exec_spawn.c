/*
 * exec_spawn: what the C library makes of execve: the exec family, fexecve, posix_spawn; and vfork.
 * Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "exec_calls.h"

/* ---- the exec family ---- */

static int in_child(void (*call)(void))
{
    pid_t child = fork();

    if (child == 0) {
        call();
        _exit(errno);
    }
    return status_of(child);
}
static void call_fexecve(void)
{
    fexecve(open(program, O_RDONLY), exit_arguments, environ);
}
static void call_fexecve_close_on_exec(void)
{
    fexecve(open(program, O_RDONLY | O_CLOEXEC), exit_arguments, environ);
}
static void call_fexecve_path(void)
{
    fexecve(open(program, O_PATH), exit_arguments, environ);
}
static void call_fexecve_bad(void)
{
    fexecve(99, exit_arguments, environ);
}
static void call_execv(void)
{
    execv(program, exit_arguments);
}
static void call_execl(void)
{
    execl(program, "x", "exit", "98", (char *)NULL);
}
static void call_execle(void)
{
    execle(program, "x", "exit", "97", (char *)NULL, one_variable);
}
static void call_execvp(void)
{
    setenv("PATH", "/no/such:/tmp:.", 1);
    execvp("in-path", exit_arguments);
}
static void call_execlp(void)
{
    setenv("PATH", folder, 1);
    execlp("in-path", "x", "exit", "96", (char *)NULL);
}
static void call_execvpe(void)
{
    setenv("PATH", folder, 1);
    execvpe("in-path", exit_arguments, one_variable);
}
static void call_execvp_missing(void)
{
    setenv("PATH", "/no/such:/bin", 1);
    execvp("not-in-path", exit_arguments);
}
static void call_execvp_denied(void)
{
    setenv("PATH", "denied:/bin", 1);
    execvp("without-x", exit_arguments);
}
static void call_execvp_after_denied(void)
{
    setenv("PATH", "denied:.", 1);
    execvp("in-path", exit_arguments);
}
static bool family_fexecve(void)
{
    REQUIRE(exited(in_child(call_fexecve), 99));
    REQUIRE(exited(in_child(call_fexecve_close_on_exec), 99));
    return true;
}
static bool family_fexecve_path(void)
{
    return exited(in_child(call_fexecve_path), 99);
}
static bool family_fexecve_bad(void)
{
    return exited(in_child(call_fexecve_bad), EBADF);
}
static bool family_execv(void)
{
    return exited(in_child(call_execv), 99) && exited(in_child(call_execl), 98) &&
           exited(in_child(call_execle), 97);
}
static bool family_execvp(void)
{
    REQUIRE(has_copy("in-path"));
    REQUIRE(exited(in_child(call_execvp), 99) && exited(in_child(call_execlp), 96) &&
            exited(in_child(call_execvpe), 99));
    return true;
}
static bool family_execvp_missing(void)
{
    return exited(in_child(call_execvp_missing), ENOENT);
}
static bool family_execvp_denied(void)
{
    REQUIRE(mkdir("denied", 0755) == 0 && file_copy(program, "denied/without-x", 0644));
    REQUIRE(exited(in_child(call_execvp_denied), EACCES));
    REQUIRE(has_copy("in-path") && file_copy(program, "denied/in-path", 0644));
    REQUIRE(exited(in_child(call_execvp_after_denied), 99));
    return true;
}

/* ---- posix_spawn ---- */

static bool spawn_plain(void)
{
    pid_t child;

    REQUIRE(posix_spawn(&child, program, NULL, NULL, exit_arguments, environ) == 0);
    REQUIRE(exited(status_of(child), 99));
    return true;
}
static bool spawn_by_path(void)
{
    pid_t child;

    REQUIRE(has_copy("to-spawn") && setenv("PATH", folder, 1) == 0);
    REQUIRE(posix_spawnp(&child, "to-spawn", NULL, NULL, exit_arguments, environ) == 0);
    REQUIRE(exited(status_of(child), 99));
    return true;
}
static bool spawn_errors(void)
{
    pid_t child;

    REQUIRE(mkdir("no-image", 0755) == 0 && text_write("plain-text", "echo\n", 0755));
    REQUIRE(posix_spawn(&child, "none", NULL, NULL, exit_arguments, environ) == ENOENT);
    REQUIRE(posix_spawn(&child, "no-image", NULL, NULL, exit_arguments, environ) == EACCES);
    REQUIRE(posix_spawn(&child, "plain-text", NULL, NULL, exit_arguments, environ) == ENOEXEC);
    REQUIRE_ERRNO(waitpid(-1, NULL, 0), ECHILD); /* no child is left */
    return true;
}
static bool spawn_too_big(void)
{
    static char longest[(128 << 10) + 1];
    char *arguments[] = {"x", longest, NULL};
    pid_t child;

    memset(longest, 'a', sizeof(longest) - 1);
    longest[128 << 10] = '\0';
    REQUIRE(posix_spawn(&child, program, NULL, NULL, arguments, environ) == E2BIG);
    REQUIRE_ERRNO(waitpid(-1, NULL, 0), ECHILD);
    return true;
}
static bool spawn_without_descriptors(void)
{
    struct rlimit limit = {3, 3};
    pid_t child;

    for (int at = 3; at < 20; at++)
        close(at);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    REQUIRE(posix_spawn(&child, program, NULL, NULL, exit_arguments, environ) == EMFILE);
    return true;
}
static bool spawn_file_actions(void)
{
    posix_spawn_file_actions_t actions;
    int ends[2];
    char text[64] = "";
    pid_t child;

    REQUIRE(pipe2(ends, O_CLOEXEC) == 0 && text_write("opened", "text", 0644));
    REQUIRE(posix_spawn_file_actions_init(&actions) == 0);
    REQUIRE(posix_spawn_file_actions_addopen(&actions, 60, "opened", O_RDONLY, 0) == 0);
    REQUIRE(posix_spawn_file_actions_addclose(&actions, 60) == 0);
    REQUIRE(posix_spawn_file_actions_adddup2(&actions, ends[1], TELL_DESCRIPTOR) == 0);
    REQUIRE(posix_spawn(&child, program, &actions, NULL, tell_arguments, one_variable) == 0);
    close(ends[1]);
    REQUIRE(exited(status_of(child), 0));
    while (read(ends[0], text + strlen(text), sizeof(text) - 1 - strlen(text)) > 0)
        ;
    REQUIRE(strcmp(text, TOLD) == 0);
    return true;
}
static bool spawn_folder_action(void)
{
    posix_spawn_file_actions_t actions;
    pid_t child;

    REQUIRE(mkdir("spawn-folder", 0755) == 0 && has_copy("spawn-folder/inside"));
    REQUIRE(posix_spawn_file_actions_init(&actions) == 0);
    REQUIRE(posix_spawn_file_actions_addchdir_np(&actions, "spawn-folder") == 0);
    REQUIRE(posix_spawn(&child, "./inside", &actions, NULL, exit_arguments, environ) == 0);
    REQUIRE(exited(status_of(child), 99));
    return true;
}
static bool spawn_failing_action(void)
{
    posix_spawn_file_actions_t actions;
    pid_t child;

    REQUIRE(posix_spawn_file_actions_init(&actions) == 0);
    REQUIRE(posix_spawn_file_actions_addopen(&actions, 60, "no/such", O_RDONLY, 0) == 0);
    REQUIRE(posix_spawn(&child, program, &actions, NULL, exit_arguments, environ) == ENOENT);
    return true;
}

/* Spawns this program's other half, with attributes. */
static bool spawn_after(short flags, const posix_spawnattr_t *attributes)
{
    posix_spawnattr_t copy = *attributes;
    pid_t child;

    REQUIRE(posix_spawnattr_setflags(&copy, flags) == 0);
    note_number("PARENT_GROUP", getpgrp());
    REQUIRE(posix_spawn(&child, program, NULL, &copy, after_arguments(), environ) == 0);
    REQUIRE(exited(status_of(child), 0));
    _exit(0); /* the other half has run already */
}
static bool spawn_mask_before(void)
{
    posix_spawnattr_t attributes;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &set);
    return spawn_after(POSIX_SPAWN_SETSIGMASK, &attributes);
}
static bool spawn_mask_after(void)
{
    sigset_t set;

    sigprocmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, SIGUSR1) && !sigismember(&set, SIGUSR2);
}
static bool spawn_default_before(void)
{
    posix_spawnattr_t attributes;
    sigset_t set;

    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &set);
    return spawn_after(POSIX_SPAWN_SETSIGDEF, &attributes);
}
static bool spawn_default_after(void)
{
    struct sigaction first, second;

    sigaction(SIGUSR1, NULL, &first);
    sigaction(SIGUSR2, NULL, &second);
    return first.sa_handler == SIG_DFL && second.sa_handler == SIG_IGN;
}
static bool spawn_group_before(void)
{
    posix_spawnattr_t attributes;

    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    return spawn_after(POSIX_SPAWN_SETPGROUP, &attributes);
}
static bool spawn_group_after(void)
{
    return getpgrp() == getpid() && getpgrp() != noted_number("PARENT_GROUP");
}
static bool spawn_session_before(void)
{
    posix_spawnattr_t attributes;

    posix_spawnattr_init(&attributes);
    return spawn_after(POSIX_SPAWN_SETSID, &attributes);
}
static bool spawn_session_after(void)
{
    return getsid(0) == getpid();
}
static bool spawn_ids_before(void)
{
    posix_spawnattr_t attributes;

    posix_spawnattr_init(&attributes);
    REQUIRE(seteuid(65534) == 0);
    return spawn_after(POSIX_SPAWN_RESETIDS, &attributes);
}
static bool spawn_ids_after(void)
{
    return geteuid() == 0 && getuid() == 0;
}

/* ---- vfork ---- */

static volatile int shared_word;

static bool vfork_waits_for_exec(void)
{
    int ends[2];
    char byte;

    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t child = vfork();
    if (child == 0) {
        sleep_ms(50);
        shared_word = 7;
        execve(program, exit_arguments, environ);
        _exit(1);
    }
    /* The child has passed on: it shared this memory until then, and its pipe's end is closed. */
    close(ends[1]);
    REQUIRE(shared_word == 7);
    REQUIRE(read(ends[0], &byte, 1) == 0);
    REQUIRE(exited(status_of(child), 99));
    return true;
}
static bool vfork_waits_for_exit(void)
{
    pid_t child = vfork();

    if (child == 0) {
        sleep_ms(50);
        shared_word = 8;
        _exit(3);
    }
    REQUIRE(shared_word == 8 && exited(status_of(child), 3));
    return true;
}
static bool vfork_failed_exec(void)
{
    pid_t child = vfork();

    if (child == 0) {
        shared_word = execve("/no/such", exit_arguments, environ) == -1 ? errno : 0;
        sleep_ms(20);
        shared_word += 1000; /* it goes on, and the parent still waits */
        execve(program, exit_arguments, environ);
        _exit(1);
    }
    REQUIRE(shared_word == 1000 + ENOENT && exited(status_of(child), 99));
    return true;
}
static bool vfork_parent_goes_on(void)
{
    char path[64], text[256];

    pid_t child = vfork();
    if (child == 0) {
        execve("/bin/busybox", (char *[]){"sleep", "1000", NULL}, environ);
        _exit(1);
    }
    /* The new image lives, and so does the parent, at once. */
    REQUIRE(kill(child, 0) == 0);
    snprintf(path, sizeof(path), "/proc/%d/cmdline", child);
    REQUIRE(EVENTUALLY(file_read(path, text, sizeof(text)) == 11 && strcmp(text, "sleep") == 0));
    REQUIRE(kill(child, SIGKILL) == 0 && killed_by(status_of(child), SIGKILL));
    return true;
}
static bool vfork_killed(void)
{
    pid_t child = vfork();

    if (child == 0) {
        shared_word = 9;
        kill(getpid(), SIGKILL);
        _exit(1);
    }
    REQUIRE(shared_word == 9 && killed_by(status_of(child), SIGKILL));
    return true;
}
static bool vfork_descriptors(void)
{
    int file = open("/dev/null", O_RDONLY);
    pid_t child = vfork();

    if (child == 0) {
        close(file); /* its own table: the parent keeps it */
        execve(program, exit_arguments, environ);
        _exit(1);
    }
    REQUIRE(fcntl(file, F_GETFD) >= 0 && exited(status_of(child), 99));
    return true;
}
static void note_signal(int number)
{
    shared_word = number;
}
static bool vfork_signal_waits(void)
{
    shared_word = 0;
    signal(SIGUSR1, note_signal);
    pid_t parent = getpid();
    pid_t child = vfork();
    if (child == 0) {
        kill(parent, SIGUSR1);
        sleep_ms(20);
        _exit(shared_word); /* the parent has not handled it yet */
    }
    REQUIRE(shared_word == SIGUSR1 && exited(status_of(child), 0));
    return true;
}
static int stack_child(void *unused)
{
    (void)unused;
    shared_word = 11;
    execve(program, exit_arguments, environ);
    return 1;
}
static bool clone_like_spawn(void)
{
    size_t size = 64 << 10;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t child = clone(stack_child, stack + size, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

    REQUIRE(child > 0 && shared_word == 11 && munmap(stack, size) == 0);
    REQUIRE(exited(status_of(child), 99));
    return true;
}
static bool vfork_thousand(void)
{
    for (int at = 0; at < 100; at++) {
        pid_t child = vfork();
        if (child == 0) {
            execve(program, exit_arguments, environ);
            _exit(1);
        }
        REQUIRE(exited(status_of(child), 99));
    }
    return true;
}

static const struct exec_case cases[] = {
    CASE("fexecve: a descriptor, also one that closes on exec", "fexecve(3)", family_fexecve),
    CASE("fexecve: O_PATH", "fexecve(3)", family_fexecve_path),
    CASE("fexecve: a bad descriptor: EBADF", "fexecve(3)", family_fexecve_bad),
    CASE("execv, execl, execle", "exec(3)", family_execv),
    CASE("execvp, execlp, execvpe search PATH", "exec(3)", family_execvp),
    CASE("execvp: nowhere in PATH: ENOENT", "exec(3)", family_execvp_missing),
    CASE("execvp: goes on after EACCES and gives it at the end", "exec(3)", family_execvp_denied),
    CASE("posix_spawn: a program", "posix_spawn(3)", spawn_plain),
    CASE("posix_spawnp: searches PATH", "posix_spawn(3)", spawn_by_path),
    CASE("posix_spawn: ENOENT, EACCES, ENOEXEC, and no child", "posix_spawn(3)", spawn_errors),
    CASE("posix_spawn: E2BIG", "posix_spawn(3)", spawn_too_big),
    CASE("posix_spawn: without a free descriptor: EMFILE", "pipe(2)", spawn_without_descriptors),
    CASE("posix_spawn: open, close, dup2", "posix_spawn_file_actions_addopen(3)",
         spawn_file_actions),
    CASE("posix_spawn: chdir", "posix_spawn_file_actions_addchdir_np(3)", spawn_folder_action),
    CASE("posix_spawn: an action that fails", "posix_spawn(3)", spawn_failing_action),
    HALVES("posix_spawn: SETSIGMASK", "posix_spawn(3)", spawn_mask_before, spawn_mask_after),
    HALVES("posix_spawn: SETSIGDEF", "posix_spawn(3)", spawn_default_before, spawn_default_after),
    HALVES("posix_spawn: SETPGROUP", "posix_spawn(3)", spawn_group_before, spawn_group_after),
    HALVES("posix_spawn: SETSID", "posix_spawn(3)", spawn_session_before, spawn_session_after),
    HALVES("posix_spawn: RESETIDS", "posix_spawn(3)", spawn_ids_before, spawn_ids_after),
    CASE("vfork: memory is shared until exec, the parent waits", "vfork(2)", vfork_waits_for_exec),
    CASE("vfork: the parent waits for _exit", "vfork(2)", vfork_waits_for_exit),
    CASE("vfork: a failed exec changes nothing of that", "vfork(2)", vfork_failed_exec),
    CASE("vfork: the parent goes on at the exec", "vfork(2)", vfork_parent_goes_on),
    CASE("vfork: the parent goes on when the child is killed", "vfork(2)", vfork_killed),
    CASE("vfork: descriptors are the child's own", "vfork(2)", vfork_descriptors),
    CASE("vfork: the parent's signals wait", "vfork(2)", vfork_signal_waits),
    CASE("clone: CLONE_VM and CLONE_VFORK with a stack", "clone(2)", clone_like_spawn),
    CASE("vfork: a hundred in a row", "vfork(2)", vfork_thousand),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}

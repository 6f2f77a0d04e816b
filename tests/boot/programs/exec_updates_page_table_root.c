/*
 * exec_updates_page_table_root: the guard rail. After an exec the thread's field, its address
 * space's root and CR3 are the same and new; the old root is nobody's any more; and it stays so
 * when the thread is switched out and in, by a system call and by the timer.
 *
 * `scripts/test mutation` runs this very test on a kernel that does not store the field.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <tap.h>
#include <time.h>

#include "proc_baton.h"

/* The mutation's name for it: the thread's name tells that kernel when to leave out the store. */
#define NEW_IMAGE "/tmp/new_image"

static bool agree(const struct baton_roots *roots, const char *when)
{
    bool same = roots->field == roots->space && roots->space == roots->cr3 && roots->cr3 != 0;

    if (!tap_ok(same, "%s: field, address space and CR3 agree", when))
        tap_note("field %" PRIx64 ", address space %" PRIx64 ", CR3 %" PRIx64, roots->field,
                 roots->space, roots->cr3);
    return same;
}

static void check_again(uint64_t expected, const char *when)
{
    struct baton_roots roots = {0};

    tap_ok(baton_roots_read(&roots), "%s: /proc/baton shows this thread", when);
    agree(&roots, when);
    tap_ok(roots.cr3 == expected, "%s: the root is still the new image's", when);
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

/* The new image. */
static int after(uint64_t old_root)
{
    struct baton_roots roots = {0};
    struct timespec pause = {.tv_nsec = 20000000};

    tap_continue(15, 2, 0);
    tap_ok(baton_roots_read(&roots), "after exec: /proc/baton shows this thread");
    agree(&roots, "after exec");
    tap_ok(roots.cr3 != old_root, "after exec: the root is a new one");
    tap_ok(!baton_root_in_use(old_root), "after exec: no thread and no CPU has the old root");

    /* Somebody else to be switched to, who runs all the time. */
    pid_t other = fork();
    if (other == 0)
        for (;;)
            sched_yield();
    for (int turn = 0; turn < 100; turn++)
        sched_yield();
    check_again(roots.cr3, "switched by sched_yield");
    nanosleep(&pause, NULL);
    check_again(roots.cr3, "switched by a sleep");
    for (double end = seconds_now() + 0.3; seconds_now() < end;)
        for (volatile int spin = 0; spin < 100000; spin++)
            ;
    check_again(roots.cr3, "switched by the timer");
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    return tap_done();
}

int main(int argc, char **argv)
{
    struct baton_roots roots = {0};
    char root[20];
    char *arguments[] = {argv[0], root, NULL};

    if (!baton_is_here()) {
        puts("1..0 # SKIP this kernel is not Baton");
        return 0;
    }
    if (argc == 2)
        return after(strtoull(argv[1], NULL, 16));
    tap_plan(15);
    tap_ok(baton_roots_read(&roots), "before exec: /proc/baton shows this thread");
    agree(&roots, "before exec");
    snprintf(root, sizeof(root), "%" PRIx64, roots.cr3);
    symlink(argv[0], NEW_IMAGE);
    execv(NEW_IMAGE, arguments);
    tap_ok(false, "exec: %s", strerror(errno));
    return tap_done();
}

/* signal_handlers: actions, what a handler is told and may do, alternate stacks (sigaction(2)). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "signal_cases.h"

/* ---- handlers ---- */

static bool handler_runs(void)
{
    on(SIGUSR1, counting, 0);
    REQUIRE(raise(SIGUSR1) == 0);
    REQUIRE(count == 1 && last_signal == SIGUSR1);
    return true;
}

static bool kill_self_synchronous(void)
{
    on(SIGUSR1, counting, 0);
    REQUIRE(kill(getpid(), SIGUSR1) == 0);
    REQUIRE(count == 1);
    return true;
}

static bool information_of_kill(void)
{
    inform(SIGUSR1, 0);
    REQUIRE(kill(getpid(), SIGUSR1) == 0);
    REQUIRE(last.si_signo == SIGUSR1 && last.si_code == SI_USER && last.si_pid == getpid());
    REQUIRE(last.si_uid == getuid());
    return true;
}

static bool information_of_tkill(void)
{
    inform(SIGUSR1, 0);
    REQUIRE(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1) == 0);
    REQUIRE(last.si_code == SI_TKILL && last.si_pid == getpid());
    return true;
}

static bool information_of_sigqueue(void)
{
    inform(SIGUSR1, 0);
    REQUIRE(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 77}) == 0);
    REQUIRE(last.si_code == SI_QUEUE && last.si_value.sival_int == 77);
    return true;
}

static bool old_action_returned(void)
{
    struct sigaction old;

    on(SIGUSR1, counting, SA_RESTART);
    REQUIRE(sigaction(SIGUSR1, NULL, &old) == 0);
    REQUIRE(old.sa_handler == counting && (old.sa_flags & SA_RESTART));
    return true;
}

static bool kill_and_stop_have_no_action(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};

    REQUIRE_ERRNO(sigaction(SIGKILL, &action, NULL), EINVAL);
    REQUIRE_ERRNO(sigaction(SIGSTOP, &action, NULL), EINVAL);
    REQUIRE(sigaction(SIGKILL, NULL, &action) == 0);
    return true;
}

static bool action_bad_signal(void)
{
    REQUIRE_ERRNO(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, (void *)1, NULL, 8), EFAULT);
    return true;
}

static void nesting(int signal)
{
    (void)signal;
    if (++depth > deepest)
        deepest = depth;
    if (count++ < 3)
        raise(SIGUSR1);
    depth--;
}

static bool own_signal_blocked(void)
{
    on(SIGUSR1, nesting, 0);
    raise(SIGUSR1);
    REQUIRE(deepest == 1 && count == 4);
    return true;
}

static bool nodefer_nests(void)
{
    on(SIGUSR1, nesting, SA_NODEFER);
    raise(SIGUSR1);
    REQUIRE(deepest == 4 && count == 4);
    return true;
}

static bool resethand_once(void)
{
    struct sigaction old;

    on(SIGUSR1, counting, SA_RESETHAND);
    raise(SIGUSR1);
    REQUIRE(sigaction(SIGUSR1, NULL, &old) == 0);
    REQUIRE(count == 1 && old.sa_handler == SIG_DFL);
    return true;
}

static bool action_mask_blocks(void)
{
    struct sigaction action = {.sa_handler = look_at_mask};
    sigset_t after;

    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    REQUIRE(sigismember(&mask_in_handler, SIGUSR1) && sigismember(&mask_in_handler, SIGUSR2));
    sigprocmask(SIG_BLOCK, NULL, &after);
    REQUIRE(!sigismember(&after, SIGUSR1) && !sigismember(&after, SIGUSR2));
    return true;
}

static void change_context_mask(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)information;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}

static bool context_mask_restored(void)
{
    struct sigaction action = {.sa_sigaction = change_context_mask, .sa_flags = SA_SIGINFO};
    sigset_t after;

    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &after);
    REQUIRE(sigismember(&after, SIGUSR2));
    return true;
}

static bool ignored_is_dropped(void)
{
    signal(SIGUSR1, SIG_IGN);
    REQUIRE(raise(SIGUSR1) == 0);
    block(SIGUSR2);
    raise(SIGUSR2);
    REQUIRE(is_pending(SIGUSR2));
    signal(SIGUSR2, SIG_IGN); /* discards it */
    REQUIRE(!is_pending(SIGUSR2));
    return true;
}

/* ---- default actions ---- */

static bool dies_of(int signal)
{
    pid_t child = fork();

    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        raise(signal);
        _exit(0);
    }
    int status = status_of(child);
    return killed_by(status, signal) && !WCOREDUMP(status);
}

static bool defaults_terminate(void)
{
    static const int signals[] = {SIGHUP,  SIGINT,    SIGKILL, SIGPIPE, SIGALRM, SIGTERM,  SIGUSR1,
                                  SIGUSR2, SIGVTALRM, SIGPROF, SIGPOLL, SIGPWR,  SIGSTKFLT};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        REQUIRE(dies_of(signals[i]));
    REQUIRE(dies_of(SIGRTMIN) && dies_of(SIGRTMAX));
    return true;
}

static bool defaults_core(void)
{
    static const int signals[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE,
                                  SIGSEGV, SIGBUS, SIGSYS,  SIGXCPU, SIGXFSZ};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        REQUIRE(dies_of(signals[i]));
    return true;
}

static bool defaults_ignored(void)
{
    REQUIRE(raise(SIGCHLD) == 0 && raise(SIGURG) == 0 && raise(SIGWINCH) == 0);
    REQUIRE(raise(SIGCONT) == 0);
    return true;
}

/* ---- alternate stack ---- */

static char alternate[65536];
static volatile uintptr_t handler_stack;
static volatile int stack_flags;

static void note_stack(int signal)
{
    stack_t now;

    (void)signal;
    handler_stack = (uintptr_t)&now;
    sigaltstack(NULL, &now);
    stack_flags = now.ss_flags;
}

static bool on_alternate(void)
{
    return handler_stack >= (uintptr_t)alternate &&
           handler_stack < (uintptr_t)alternate + sizeof(alternate);
}

static bool alternate_stack_used(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)}, old;

    REQUIRE(sigaltstack(&stack, NULL) == 0);
    on(SIGUSR1, note_stack, SA_ONSTACK);
    raise(SIGUSR1);
    REQUIRE(on_alternate() && stack_flags == SS_ONSTACK);
    on(SIGUSR1, note_stack, 0);
    raise(SIGUSR1);
    REQUIRE(!on_alternate() && stack_flags == 0);
    REQUIRE(sigaltstack(NULL, &old) == 0 && old.ss_sp == alternate && old.ss_flags == 0);
    return true;
}

static bool alternate_stack_errors(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = 1000};

    /* Straight to the kernel: C libraries have a larger idea of the least size. */
    REQUIRE_ERRNO(syscall(SYS_sigaltstack, &stack, NULL), ENOMEM);
    stack.ss_size = sizeof(alternate);
    stack.ss_flags = 8;
    REQUIRE_ERRNO(syscall(SYS_sigaltstack, &stack, NULL), EINVAL);
    stack.ss_flags = SS_DISABLE;
    REQUIRE(syscall(SYS_sigaltstack, &stack, NULL) == 0);
    REQUIRE(syscall(SYS_sigaltstack, NULL, &stack) == 0 && stack.ss_flags == SS_DISABLE);
    REQUIRE_ERRNO(syscall(SYS_sigaltstack, (void *)1, NULL), EFAULT);
    return true;
}

static volatile int change_result;

static void change_stack(int signal)
{
    stack_t stack = {.ss_flags = SS_DISABLE};

    (void)signal;
    change_result = sigaltstack(&stack, NULL) == -1 ? errno : 0;
}

static bool alternate_stack_in_use(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};

    sigaltstack(&stack, NULL);
    on(SIGUSR1, change_stack, SA_ONSTACK);
    raise(SIGUSR1);
    REQUIRE(change_result == EPERM);
    return true;
}

static bool alternate_stack_autodisarm(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate), .ss_flags = (int)(1U << 31)},
            old;

    REQUIRE(syscall(SYS_sigaltstack, &stack, NULL) == 0);
    on(SIGUSR1, note_stack, SA_ONSTACK);
    raise(SIGUSR1);
    REQUIRE(on_alternate() && stack_flags == SS_DISABLE);
    REQUIRE(sigaltstack(NULL, &old) == 0 && old.ss_sp == alternate); /* armed again */
    return true;
}

static sigjmp_buf out;

static void jump_out(int signal)
{
    last_signal = signal;
    count++;
    siglongjmp(out, 1);
}

static int overflow(int level)
{
    volatile char room[4096];

    room[0] = level;
    if (level < 0)
        return 0;
    return overflow(level + 1) + room[0];
}

static bool stack_overflow_on_alternate(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};

    sigaltstack(&stack, NULL);
    on(SIGSEGV, jump_out, SA_ONSTACK);
    if (sigsetjmp(out, 1) == 0)
        overflow(0);
    REQUIRE(count == 1 && last_signal == SIGSEGV);
    return true;
}

static bool stack_overflow_without_alternate(void)
{
    pid_t child = fork();

    if (child == 0) {
        on(SIGSEGV, counting, 0);
        overflow(0);
    }
    REQUIRE(killed_by(status_of(child), SIGSEGV));
    return true;
}

/* ---- exec ---- */

static bool exec_keeps_and_resets(void)
{
    char self[64];

    snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
    pid_t child = fork();
    if (child == 0) {
        on(SIGUSR1, counting, 0);
        signal(SIGUSR2, SIG_IGN);
        block(SIGHUP);
        raise(SIGHUP);
        execl(self, "signals", "after-exec", NULL);
        _exit(9);
    }
    int status = status_of(child);
    if (!exited(status, 0))
        tap_note("status 0x%x", status);
    REQUIRE(exited(status, 0));
    return true;
}

static int after_exec(void)
{
    struct sigaction action;
    sigset_t now;

    sigaction(SIGUSR1, NULL, &action);
    if (action.sa_handler != SIG_DFL)
        return 1;
    sigaction(SIGUSR2, NULL, &action);
    if (action.sa_handler != SIG_IGN)
        return 2;
    sigprocmask(SIG_BLOCK, NULL, &now);
    if (!sigismember(&now, SIGHUP) || !is_pending(SIGHUP))
        return 3;
    return 0;
}

static const struct test_case cases[] = {
    {"a handler runs", "sigaction(2)", handler_runs},
    {"kill of oneself is delivered before kill returns", "kill(2), POSIX", kill_self_synchronous},
    {"kill: si_code, si_pid, si_uid", "sigaction(2)", information_of_kill},
    {"tgkill: si_code", "sigaction(2)", information_of_tkill},
    {"sigqueue: si_code and value", "sigqueue(3)", information_of_sigqueue},
    {"sigaction returns the old action", "sigaction(2)", old_action_returned},
    {"SIGKILL and SIGSTOP cannot be caught", "sigaction(2)", kill_and_stop_have_no_action},
    {"rt_sigaction: bad signal, size, address", "sigaction(2)", action_bad_signal},
    {"a handler's own signal is blocked in it", "sigaction(2)", own_signal_blocked},
    {"SA_NODEFER", "sigaction(2)", nodefer_nests},
    {"SA_RESETHAND", "sigaction(2)", resethand_once},
    {"sa_mask is blocked in the handler only", "sigaction(2)", action_mask_blocks},
    {"the context's mask is restored", "sigaction(2)", context_mask_restored},
    {"ignoring discards what is pending", "POSIX sigaction", ignored_is_dropped},
    {"default: terminate", "signal(7)", defaults_terminate},
    {"default: core, RLIMIT_CORE 0", "signal(7)", defaults_core},
    {"default: ignore", "signal(7)", defaults_ignored},
    {"SA_ONSTACK", "sigaltstack(2)", alternate_stack_used},
    {"sigaltstack: errors", "sigaltstack(2)", alternate_stack_errors},
    {"sigaltstack: in use", "sigaltstack(2)", alternate_stack_in_use},
    {"SS_AUTODISARM", "sigaltstack(2)", alternate_stack_autodisarm},
    {"stack overflow is caught on the alternate stack", "sigaltstack(2)",
     stack_overflow_on_alternate},
    {"stack overflow without one ends the process", "signal(7)", stack_overflow_without_alternate},
    {"exec: actions, mask, pending signals", "execve(2)", exec_keeps_and_resets},
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "after-exec") == 0)
        return after_exec();
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

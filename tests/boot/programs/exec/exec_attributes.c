/*
 * exec_attributes: what of a process execve(2) keeps and what it replaces, item by item from its
 * page ("Effect on process attributes"), POSIX exec and the notes of the other pages. Part of the
 * table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/rseq.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/times.h>

#include "exec_cases.h"

/* A line of a file of /proc that begins with `name`: what is behind it, as a number. */
static long proc_number(const char *path, const char *name)
{
    static char text[8192];

    if (file_read(path, text, sizeof(text)) < 0)
        return -1;
    const char *line = strstr(text, name);
    return line ? strtol(line + strlen(name), NULL, 0) : -1;
}

/* ---- who it is ---- */

static bool identity_before(void)
{
    note_number("PROCESS", getpid());
    note_number("PARENT", getppid());
    note_number("THREAD", gettid());
    REQUIRE(setpgid(0, 0) == 0);
    note_number("GROUP", getpgrp());
    note_number("SESSION", getsid(0));
    return true;
}
static bool identity_after(void)
{
    return getpid() == noted_number("PROCESS") && getppid() == noted_number("PARENT") &&
           gettid() == noted_number("THREAD");
}
static bool group_after(void)
{
    return getpgrp() == noted_number("GROUP") && getsid(0) == noted_number("SESSION");
}
static bool session_before(void)
{
    pid_t child = fork();

    if (child > 0)
        _exit(exited(status_of(child), 0) ? 0 : 1);
    note_number("SESSION", setsid());
    return getsid(0) == getpid();
}
static bool session_after(void)
{
    return getsid(0) == getpid() && getsid(0) == noted_number("SESSION");
}
static bool users_before(void)
{
    gid_t groups[] = {7, 8, 9};

    REQUIRE(setgroups(3, groups) == 0 && setresgid(11, 11, 11) == 0);
    REQUIRE(setresuid(12, 12, 12) == 0);
    return true;
}
static bool users_after(void)
{
    uid_t real, effective, saved;
    gid_t groups[8];

    REQUIRE(getresuid(&real, &effective, &saved) == 0);
    REQUIRE(real == 12 && effective == 12 && saved == 12);
    REQUIRE(getgroups(8, groups) == 3 && groups[0] == 7 && groups[2] == 9);
    REQUIRE(getresgid(&real, &effective, &saved) == 0);
    return real == 11 && effective == 11 && saved == 11;
}
static bool saved_users_before(void)
{
    REQUIRE(setresgid(1, 2, 3) == 0 && setresuid(4, 5, 6) == 0);
    return true;
}
static bool saved_users_after(void)
{
    uid_t real, effective, saved;

    REQUIRE(getresuid(&real, &effective, &saved) == 0);
    REQUIRE(real == 4 && effective == 5 && saved == 5);
    REQUIRE(getresgid(&real, &effective, &saved) == 0);
    REQUIRE(real == 1 && effective == 2 && saved == 2);
    return getauxval(AT_SECURE) == 1;
}
static void *pass_on(void *unused)
{
    execve(program, after_arguments(), environ);
    return unused;
}
static bool thread_takes_over_before(void)
{
    pthread_t thread;

    note_number("PROCESS", getpid());
    REQUIRE(pthread_create(&thread, NULL, pass_on, NULL) == 0);
    for (;;)
        pause();
}
static bool thread_takes_over_after(void)
{
    REQUIRE(getpid() == noted_number("PROCESS") && gettid() == getpid());
    return proc_number("/proc/self/status", "Threads:") == 1;
}
static int blocked_pipe[2];
static uint32_t blocked_word;
static void *block_in_pipe(void *unused)
{
    char byte;
    return read(blocked_pipe[0], &byte, 1) == 1 ? NULL : unused;
}
static void *block_in_futex(void *unused)
{
    syscall(SYS_futex, &blocked_word, FUTEX_WAIT, 0, NULL, NULL, 0);
    return unused;
}
static void *compute(void *unused)
{
    for (;;)
        __asm__ volatile("" ::: "memory");
    return unused;
}
static void *fault_pages(void *unused)
{
    for (;;) {
        char *pages = mmap(NULL, 1 << 16, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(pages, 1, 1 << 16);
        munmap(pages, 1 << 16);
    }
    return unused;
}
static void *make_threads(void *unused)
{
    pthread_t thread;
    for (;;)
        if (pthread_create(&thread, NULL, block_in_futex, NULL) != 0)
            sched_yield();
    return unused;
}
static bool siblings_before(void *(*does)(void *))
{
    pthread_t thread;

    note_number("PROCESS", getpid());
    REQUIRE(pipe(blocked_pipe) == 0);
    for (int at = 0; at < 3; at++)
        REQUIRE(pthread_create(&thread, NULL, does, NULL) == 0);
    sleep_ms(10);
    return true;
}
static bool sibling_in_pipe_before(void)
{
    return siblings_before(block_in_pipe);
}
static bool sibling_in_futex_before(void)
{
    return siblings_before(block_in_futex);
}
static bool sibling_computes_before(void)
{
    return siblings_before(compute);
}
static bool sibling_faults_before(void)
{
    return siblings_before(fault_pages);
}
static bool sibling_clones_before(void)
{
    pthread_t thread;

    note_number("PROCESS", getpid());
    REQUIRE(pthread_create(&thread, NULL, make_threads, NULL) == 0);
    sleep_ms(10);
    return true;
}
static bool sibling_execs_before(void)
{
    return siblings_before(pass_on) && (pause(), false);
}

/* ---- where it is ---- */

static bool folder_before(void)
{
    REQUIRE(mkdir("working", 0755) == 0 && chdir("working") == 0);
    return true;
}
static bool folder_after(void)
{
    char path[256];

    return getcwd(path, sizeof(path)) && strcmp(strrchr(path, '/'), "/working") == 0;
}
static bool root_before(void)
{
    REQUIRE(mkdir("root", 0755) == 0 && mkdir("root/proc", 0755) == 0);
    REQUIRE(file_copy(program, "root/image", 0755));
    REQUIRE(mount("proc", "root/proc", "proc", 0, NULL) == 0);
    REQUIRE(chroot("root") == 0 && chdir("/") == 0);
    strcpy(program, "/image");
    return true;
}
static bool root_after(void)
{
    return access("/image", X_OK) == 0 && access("/bin", F_OK) < 0;
}
static bool mask_of_files_before(void)
{
    return umask(0351) == 022;
}
static bool mask_of_files_after(void)
{
    return umask(0) == 0351;
}
static bool terminal_before(void)
{
    note_number("TERMINAL", open("/dev/tty", O_RDWR) >= 0);
    return true;
}
static bool terminal_after(void)
{
    return noted_number("TERMINAL") == (open("/dev/tty", O_RDWR) >= 0);
}

/* ---- descriptors ---- */

static bool descriptors_before(void)
{
    REQUIRE(text_write("numbers", "0123456789", 0644));
    int file = dup2(open("numbers", O_RDWR | O_APPEND), 40);
    REQUIRE(lseek(file, 4, SEEK_SET) == 4);
    REQUIRE(fcntl(file, F_SETFL, O_NONBLOCK) == 0);
    return true;
}
static bool descriptors_after(void)
{
    char byte;

    REQUIRE(fcntl(40, F_GETFD) == 0 && lseek(40, 0, SEEK_CUR) == 4);
    REQUIRE((fcntl(40, F_GETFL) & (O_NONBLOCK | O_APPEND | O_ACCMODE)) == (O_NONBLOCK | O_RDWR));
    return read(40, &byte, 1) == 1 && byte == '4';
}
static bool closing_before(void)
{
    int ends[2];

    REQUIRE(dup2(open("/dev/null", O_RDONLY), 41) == 41 && fcntl(41, F_SETFD, FD_CLOEXEC) == 0);
    REQUIRE(dup3(open("/dev/null", O_RDONLY), 42, O_CLOEXEC) == 42);
    REQUIRE(fcntl(0, F_DUPFD_CLOEXEC, 43) == 43);
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    note_number("PIPE", ends[0]);
    note_number("OPEN", open("/dev/null", O_RDONLY | O_CLOEXEC));
    REQUIRE(dup2(41, 44) == 44); /* a duplicate does not have the flag */
    REQUIRE(fcntl(44, F_GETFD) == 0);
    REQUIRE(dup2(0, 45) == 45 && fcntl(45, F_SETFD, FD_CLOEXEC) == 0);
    REQUIRE(fcntl(45, F_SETFD, 0) == 0);
    return true;
}
static bool closing_after(void)
{
    for (int at = 41; at <= 43; at++)
        REQUIRE_ERRNO(fcntl(at, F_GETFD), EBADF);
    REQUIRE_ERRNO(fcntl(noted_number("PIPE"), F_GETFD), EBADF);
    REQUIRE_ERRNO(fcntl(noted_number("OPEN"), F_GETFD), EBADF);
    return fcntl(44, F_GETFD) == 0 && fcntl(45, F_GETFD) == 0;
}
static bool closing_many_before(void)
{
    for (int at = 200; at < 700; at++)
        REQUIRE(dup3(0, at, at % 3 ? O_CLOEXEC : 0) == at);
    return true;
}
static bool closing_many_after(void)
{
    for (int at = 200; at < 700; at++)
        REQUIRE((fcntl(at, F_GETFD) == 0) == (at % 3 == 0));
    return true;
}
static bool closing_tells_reader(void)
{
    int ends[2];
    char byte;

    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        execve("/bin/busybox", (char *[]){"sleep", "100", NULL}, environ);
        _exit(1);
    }
    close(ends[1]);
    REQUIRE(read(ends[0], &byte, 1) == 0); /* the last writer is gone at the exec */
    REQUIRE(waitpid(child, NULL, WNOHANG) == 0);
    return kill(child, SIGKILL) == 0 && killed_by(status_of(child), SIGKILL);
}
static int passes_on(void *unused)
{
    (void)unused;
    execve(program, (char *[]){"x", "exit", "6", NULL}, environ);
    return 1;
}
static bool table_unshared(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    int closing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int staying = open("/dev/null", O_RDONLY);
    pid_t child = clone(passes_on, stack + sizeof(stack), CLONE_FILES | CLONE_VM | SIGCHLD, NULL);

    REQUIRE(child > 0 && exited(status_of(child), 6));
    return fcntl(closing, F_GETFD) == FD_CLOEXEC && fcntl(staying, F_GETFD) == 0;
}
static bool locks_before(void)
{
    int file = dup2(open("locked", O_RDWR | O_CREAT, 0644), 46);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    REQUIRE(fcntl(file, F_SETLK, &lock) == 0);
    REQUIRE(flock(dup2(open("locked-too", O_RDWR | O_CREAT, 0644), 47), LOCK_EX) == 0);
    return true;
}
static bool locks_after(void)
{
    pid_t child = fork();

    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        REQUIRE(fcntl(46, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK);
        REQUIRE(lock.l_pid == getppid());
        int file = open("locked-too", O_RDWR);
        REQUIRE_ERRNO(flock(file, LOCK_EX | LOCK_NB), EWOULDBLOCK);
        _exit(0);
    }
    return exited(status_of(child), 0);
}
static bool closing_drops_lock_before(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int file = open("dropped", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    REQUIRE(fcntl(file, F_SETLK, &lock) == 0);
    return flock(open("dropped-too", O_RDWR | O_CREAT | O_CLOEXEC, 0644), LOCK_EX) == 0;
}
static bool closing_drops_lock_after(void)
{
    pid_t child = fork();

    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        REQUIRE(fcntl(open("dropped", O_RDWR), F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);
        REQUIRE(flock(open("dropped-too", O_RDWR), LOCK_EX | LOCK_NB) == 0);
        _exit(0);
    }
    return exited(status_of(child), 0);
}
static bool event_files_before(void)
{
    struct itimerspec soon = {.it_value = {0, 1000000}};
    sigset_t set;

    REQUIRE(dup2(eventfd(5, 0), 48) == 48);
    REQUIRE(dup2(timerfd_create(CLOCK_MONOTONIC, 0), 49) == 49);
    REQUIRE(timerfd_settime(49, 0, &soon, NULL) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    return dup2(signalfd(-1, &set, 0), 50) == 50;
}
static bool event_files_after(void)
{
    struct signalfd_siginfo information;
    uint64_t number;

    REQUIRE(read(48, &number, 8) == 8 && number == 5);
    REQUIRE(read(49, &number, 8) == 8 && number == 1);
    REQUIRE(raise(SIGUSR1) == 0);
    return read(50, &information, sizeof(information)) == sizeof(information) &&
           information.ssi_signo == SIGUSR1;
}

/* ---- signals ---- */

static void handle(int number)
{
    (void)number;
}
static bool handlers_before(void)
{
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP)
            REQUIRE(signal(number, handle) != SIG_ERR);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
        REQUIRE(signal(number, handle) != SIG_ERR);
    return true;
}
static bool handlers_after(void)
{
    struct sigaction action;

    for (int number = 1; number <= SIGRTMAX; number++) {
        if (number > 31 && number < SIGRTMIN)
            continue;
        REQUIRE(sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    }
    return true;
}
static bool ignored_before(void)
{
    signal(SIGUSR1, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGRTMIN + 3, SIG_IGN);
    return true;
}
static bool ignored_after(void)
{
    struct sigaction action;

    REQUIRE(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    REQUIRE(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    REQUIRE(sigaction(SIGRTMIN + 3, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    return raise(SIGUSR1) == 0;
}
static bool ignored_child_before(void)
{
    return signal(SIGCHLD, SIG_IGN) != SIG_ERR;
}
static bool ignored_child_after(void)
{
    struct sigaction action;

    REQUIRE(sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    REQUIRE_ERRNO(waitpid(child, NULL, 0), ECHILD); /* nobody becomes a zombie */
    return true;
}
static bool action_flags_before(void)
{
    struct sigaction action = {.sa_handler = handle,
                               .sa_flags = SA_RESTART | SA_NODEFER | SA_ONSTACK | SA_RESETHAND};

    sigfillset(&action.sa_mask);
    return sigaction(SIGUSR1, &action, NULL) == 0;
}
static bool action_flags_after(void)
{
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        unsigned long mask;
    } action;

    REQUIRE(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, 8) == 0);
    return !action.handler && !action.flags && !action.mask;
}
static bool mask_before(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 5);
    return sigprocmask(SIG_SETMASK, &set, NULL) == 0;
}
static bool mask_after(void)
{
    sigset_t set;

    REQUIRE(sigprocmask(SIG_SETMASK, NULL, &set) == 0);
    return sigismember(&set, SIGUSR1) && sigismember(&set, SIGRTMIN + 5) &&
           !sigismember(&set, SIGUSR2);
}
static bool pending_before(void)
{
    sigset_t set;

    sigfillset(&set);
    REQUIRE(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
    REQUIRE(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR2) == 0); /* the thread's, the process's */
    REQUIRE(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 101}) == 0);
    return sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 102}) == 0;
}
static bool pending_after(void)
{
    sigset_t set;

    REQUIRE(sigpending(&set) == 0);
    return sigismember(&set, SIGUSR1) && sigismember(&set, SIGUSR2) &&
           sigismember(&set, SIGRTMIN + 1) && !sigismember(&set, SIGALRM);
}
static bool queued_after(void)
{
    siginfo_t information;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    REQUIRE(sigwaitinfo(&set, &information) == SIGRTMIN + 1);
    REQUIRE(information.si_value.sival_int == 101 && information.si_pid == getpid());
    REQUIRE(sigwaitinfo(&set, &information) == SIGRTMIN + 1);
    return information.si_value.sival_int == 102;
}
static bool pending_kills(void)
{
    pid_t child = fork();

    if (child == 0) {
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_SETMASK, &set, NULL);
        signal(SIGUSR1, handle);
        raise(SIGUSR1);
        /* Its handler is gone; the new image lets it through and dies of it. */
        execve("/bin/busybox", (char *[]){"sh", "-c", "exit 3", NULL}, environ);
    }
    REQUIRE(exited(status_of(child), 3)); /* still blocked */
    child = fork();
    if (child == 0) {
        note_number("LET", 1);
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_SETMASK, &set, NULL);
        signal(SIGUSR1, handle);
        raise(SIGUSR1);
        execve(program, after_arguments(), environ);
    }
    return killed_by(status_of(child), SIGUSR1) ? (_exit(0), true) : false;
}
static bool pending_kills_after(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return true;
}
static bool other_threads_pending_before(void)
{
    pthread_t thread;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    REQUIRE(pthread_create(&thread, NULL, block_in_futex, NULL) == 0);
    REQUIRE(pthread_kill(thread, SIGUSR1) == 0); /* goes with that thread */
    return kill(getpid(), SIGUSR2) == 0;
}
static bool other_threads_pending_after(void)
{
    sigset_t set;

    REQUIRE(sigpending(&set) == 0);
    return !sigismember(&set, SIGUSR1) && sigismember(&set, SIGUSR2);
}
static bool stack_before(void)
{
    static char memory[65536];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};

    return sigaltstack(&stack, NULL) == 0;
}
static bool stack_after(void)
{
    stack_t stack;

    REQUIRE(sigaltstack(NULL, &stack) == 0);
    return stack.ss_flags == SS_DISABLE && !stack.ss_sp && !stack.ss_size;
}
static bool actions_unshared(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    struct sigaction action;

    signal(SIGUSR1, handle);
    pid_t child = clone(passes_on, stack + sizeof(stack), CLONE_SIGHAND | CLONE_VM | SIGCHLD, NULL);
    REQUIRE(child > 0 && exited(status_of(child), 6));
    REQUIRE(sigaction(SIGUSR1, NULL, &action) == 0);
    return action.sa_handler == handle;
}
static bool exit_signal(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    siginfo_t information;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGUSR1);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    pid_t child = clone(passes_on, stack + sizeof(stack), SIGUSR1, NULL);
    REQUIRE(child > 0 && sigwaitinfo(&set, &information) == SIGCHLD);
    REQUIRE(information.si_pid == child && information.si_status == 6);
    return exited(status_of(child), 6);
}
static bool no_exit_signal(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    siginfo_t information;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    pid_t child = clone(passes_on, stack + sizeof(stack), 0, NULL);
    REQUIRE(child > 0 && sigwaitinfo(&set, &information) == SIGCHLD);
    return waitpid(child, NULL, 0) == child;
}

/* ---- timers ---- */

static bool alarm_before(void)
{
    return alarm(1000) == 0;
}
static bool alarm_after(void)
{
    unsigned left = alarm(0);

    return left > 900 && left <= 1000;
}
static bool interval_timers_before(void)
{
    struct itimerval value = {{50, 0}, {100, 0}};

    REQUIRE(setitimer(ITIMER_REAL, &value, NULL) == 0);
    REQUIRE(setitimer(ITIMER_VIRTUAL, &value, NULL) == 0);
    return setitimer(ITIMER_PROF, &value, NULL) == 0;
}
static bool interval_timers_after(void)
{
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        struct itimerval value;
        REQUIRE(getitimer(which, &value) == 0);
        REQUIRE(value.it_interval.tv_sec == 50);
        REQUIRE(value.it_value.tv_sec >= 90 && value.it_value.tv_sec <= 100);
    }
    return true;
}
static bool alarm_comes_before(void)
{
    struct itimerval value = {{0, 0}, {0, 30000}};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    return setitimer(ITIMER_REAL, &value, NULL) == 0;
}
static bool alarm_comes_after(void)
{
    sigset_t set;
    int number;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    return sigwait(&set, &number) == 0 && number == SIGALRM;
}
static bool posix_timers_before(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec value = {.it_value = {0, 20000000}};
    timer_t timer;

    signal(SIGUSR1, handle); /* should it come before the exec already */
    REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    REQUIRE(timer_settime(timer, 0, &value, NULL) == 0);
    note_number("TIMER", (long)timer);
    return true;
}
static bool posix_timers_after(void)
{
    struct itimerspec value;

    REQUIRE_ERRNO(syscall(SYS_timer_gettime, (int)noted_number("TIMER"), &value), EINVAL);
    sleep_ms(40); /* SIGUSR1 would end this */
    return true;
}
static bool times_before(void)
{
    clock_t until = clock() + CLOCKS_PER_SEC / 20;

    while (clock() < until)
        ;
    return true;
}
static bool times_after(void)
{
    struct rusage usage;

    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    REQUIRE(usage.ru_utime.tv_sec * 1000000L + usage.ru_utime.tv_usec +
                usage.ru_stime.tv_sec * 1000000L + usage.ru_stime.tv_usec >=
            45000);
    return clock() >= CLOCKS_PER_SEC / 22;
}

/* ---- children ---- */

static bool children_before(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(17);
    note_number("CHILD", child);
    return child > 0;
}
static bool children_after(void)
{
    return exited(status_of(noted_number("CHILD")), 17);
}
static bool dead_child_before(void)
{
    REQUIRE(children_before());
    siginfo_t information;
    return waitid(P_PID, noted_number("CHILD"), &information, WEXITED | WNOWAIT) == 0;
}
static bool child_usage_before(void)
{
    pid_t child = fork();

    if (child == 0) {
        times_before();
        _exit(0);
    }
    return exited(status_of(child), 0);
}
static bool child_usage_after(void)
{
    struct tms times_now;

    times(&times_now);
    return times_now.tms_cutime + times_now.tms_cstime >= 4;
}
static bool subreaper_before(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}
static bool subreaper_after(void)
{
    int value = 0;

    return prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 1;
}

/* ---- limits and scheduling ---- */

static const struct {
    int resource;
    rlim_t soft, hard;
} limits_kept[] = {
    {RLIMIT_NOFILE, 333, 444},
    {RLIMIT_CORE, 0, 12345},
    {RLIMIT_STACK, 3 << 20, 5 << 20},
    {RLIMIT_CPU, 1000, 2000},
    {RLIMIT_FSIZE, 1 << 30, RLIM_INFINITY},
    {RLIMIT_DATA, 1 << 30, 1 << 30},
    {RLIMIT_NPROC, 999, 1000},
    {RLIMIT_MEMLOCK, 4096, 8192},
    {RLIMIT_SIGPENDING, 100, 101},
};
static bool limits_before(void)
{
    for (size_t at = 0; at < array_length(limits_kept); at++) {
        struct rlimit limit = {limits_kept[at].soft, limits_kept[at].hard};
        REQUIRE(setrlimit(limits_kept[at].resource, &limit) == 0);
    }
    return true;
}
static bool limits_after(void)
{
    for (size_t at = 0; at < array_length(limits_kept); at++) {
        struct rlimit limit;
        REQUIRE(getrlimit(limits_kept[at].resource, &limit) == 0);
        REQUIRE(limit.rlim_cur == limits_kept[at].soft && limit.rlim_max == limits_kept[at].hard);
    }
    return true;
}
static bool stack_limit_before(void)
{
    struct rlimit limit = {1 << 20, RLIM_INFINITY};

    return setrlimit(RLIMIT_STACK, &limit) == 0;
}
static int stack_child(void)
{
    volatile char memory[2 << 20];

    for (size_t at = sizeof(memory); at > 0; at -= 1024)
        memory[at - 1] = 1;
    return memory[sizeof(memory) / 2];
}
static bool stack_limit_after(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(stack_child());
    return killed_by(status_of(child), SIGSEGV);
}
static bool nice_before(void)
{
    return setpriority(PRIO_PROCESS, 0, 7) == 0;
}
static bool nice_after(void)
{
    return getpriority(PRIO_PROCESS, 0) == 7;
}
static bool affinity_before(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
}
static bool affinity_after(void)
{
    cpu_set_t set;

    REQUIRE(sched_getaffinity(0, sizeof(set), &set) == 0);
    return CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set);
}
static bool policy_before(void)
{
    struct sched_param parameter = {.sched_priority = 0};

    return syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &parameter) == 0;
}
static bool policy_after(void)
{
    return syscall(SYS_sched_getscheduler, 0) == SCHED_BATCH;
}
static bool memory_score_before(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    return write(file, "321", 3) == 3;
}
static bool memory_score_after(void)
{
    return proc_number("/proc/self/oom_score_adj", "") == 321;
}

/* ---- prctl(2) and its like ---- */

static bool dumpable_before(void)
{
    return prctl(PR_SET_DUMPABLE, 0) == 0;
}
static bool dumpable_after(void)
{
    return prctl(PR_GET_DUMPABLE) == 1;
}
static bool name_before(void)
{
    return prctl(PR_SET_NAME, "something-else") == 0;
}
static bool name_after(void)
{
    char name[16] = "";

    return prctl(PR_GET_NAME, name) == 0 && strcmp(name, "exec_attributes") == 0;
}
static bool long_name_before(void)
{
    REQUIRE(file_copy(program, "a-name-longer-than-fifteen-bytes", 0755));
    execve("a-name-longer-than-fifteen-bytes", after_arguments(), environ);
    return false;
}
static bool long_name_after(void)
{
    char name[16] = "";

    return prctl(PR_GET_NAME, name) == 0 && strcmp(name, "a-name-longer-t") == 0;
}
static bool death_signal_before(void)
{
    return prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0;
}
static bool death_signal_after(void)
{
    int value = 0;

    return prctl(PR_GET_PDEATHSIG, &value) == 0 && value == SIGUSR1;
}
static bool no_privileges_before(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
static bool no_privileges_after(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}
static bool slack_before(void)
{
    return prctl(PR_SET_TIMERSLACK, 123456) == 0;
}
static bool slack_after(void)
{
    return prctl(PR_GET_TIMERSLACK) == 123456;
}
static bool keep_capabilities_before(void)
{
    return prctl(PR_SET_KEEPCAPS, 1) == 0;
}
static bool keep_capabilities_after(void)
{
    return prctl(PR_GET_KEEPCAPS) == 0;
}
static bool secure_bits_before(void)
{
    return prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE) == 0;
}
static bool secure_bits_after(void)
{
    return prctl(PR_GET_SECUREBITS) == (SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE);
}
static bool personality_before(void)
{
    return personality(ADDR_NO_RANDOMIZE) >= 0;
}
static bool personality_after(void)
{
    return personality(0xffffffff) == ADDR_NO_RANDOMIZE;
}
/* The first image notes its places and passes on to itself; the second compares. */
static bool fixed_places_before(void)
{
    return personality(ADDR_NO_RANDOMIZE) >= 0;
}
static bool fixed_places_after(void)
{
    char place[64];
    const char *known = getenv("PLACES");

    snprintf(place, sizeof(place), "%012lx %p", (unsigned long)place & ~0xffffUL, sbrk(0));
    if (known)
        return strcmp(known, place) == 0;
    setenv("PLACES", place, 1);
    execve(program, arguments_now, environ);
    return false;
}

/* ---- memory ---- */

static bool mappings_before(void)
{
    void *place = (void *)0x123450000000;

    REQUIRE(mmap(place, 8192, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == place);
    return true;
}
static bool mappings_after(void)
{
    REQUIRE_ERRNO(msync((void *)0x123450000000, 4096, MS_ASYNC), ENOMEM);
    return true;
}
static bool shared_memory_stays(void)
{
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();

    if (child == 0) {
        *shared = 55;
        execve(program, (char *[]){"x", "exit", "0", NULL}, environ);
    }
    REQUIRE(exited(status_of(child), 0));
    return *shared == 55;
}
static bool file_mapping_is_written(void)
{
    char text[16];

    REQUIRE(text_write("mapped", "........", 0644));
    pid_t child = fork();
    if (child == 0) {
        char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
                           open("mapped", O_RDWR | O_CLOEXEC), 0);
        memcpy(bytes, "written", 7);
        execve(program, (char *[]){"x", "exit", "0", NULL}, environ);
    }
    REQUIRE(exited(status_of(child), 0));
    return file_read("mapped", text, sizeof(text)) == 8 && strcmp(text, "written.") == 0;
}
static bool locks_of_memory_before(void)
{
    return mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
}
static bool locks_of_memory_after(void)
{
    return proc_number("/proc/self/status", "VmLck:") == 0;
}
static bool heap_before(void)
{
    long end = syscall(SYS_brk, 0);

    return syscall(SYS_brk, end + (64 << 20)) == end + (64 << 20);
}
static bool heap_after(void)
{
    return proc_number("/proc/self/status", "VmData:") < 16 << 10;
}
static bool data_before(void)
{
    static int zeros[1000];

    memset(zeros, 1, sizeof(zeros));
    note_number("ZEROS", (long)zeros);
    blocked_word = 77;
    return true;
}
static bool data_after(void)
{
    const int *zeros = (const int *)noted_number("ZEROS");

    for (int at = 0; at < 1000; at++)
        REQUIRE(zeros[at] == 0);
    return blocked_word == 0;
}
static void exit_badly(void)
{
    _exit(1);
}
static bool exit_handlers_before(void)
{
    return atexit(exit_badly) == 0;
}
static bool exit_handlers_after(void)
{
    exit(0);
}

/* ---- registers and what the C library tells the kernel ---- */

static bool float_before(void)
{
    uint16_t control = 0x0c7f; /* rounds to zero */
    uint32_t status = 0xff80;  /* rounds to zero, flushes to zero */

    __asm__ volatile("fldcw %0\n ldmxcsr %1\n fld1\n fld1" : : "m"(control), "m"(status));
    return true;
}
static bool float_after(void)
{
    uint16_t control, environment[14];
    uint32_t status;

    __asm__ volatile("fnstcw %0\n stmxcsr %1\n fnstenv %2"
                     : "=m"(control), "=m"(status), "=m"(environment));
    return control == 0x37f && status == 0x1f80 && environment[4] == 0xffff; /* tags: all empty */
}
static bool robust_list_before(void)
{
    static void *head[3];

    head[0] = head;
    return syscall(SYS_set_robust_list, head, sizeof(head)) == 0;
}
static bool robust_list_after(void)
{
    void *head = (void *)1;
    size_t size;

    REQUIRE(syscall(SYS_get_robust_list, 0, &head, &size) == 0);
    return !head; /* musl sets one with its first robust mutex only */
}
static int clears_word(void *unused)
{
    (void)unused;
    execve("/bin/busybox", (char *[]){"sleep", "100", NULL}, environ);
    return 1;
}
static bool tid_cleared(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    static pid_t word = 1;
    struct timespec patience = {5, 0};

    pid_t child = clone(clears_word, stack + sizeof(stack),
                        CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, NULL, &word);
    REQUIRE(child > 0);
    while (__atomic_load_n(&word, __ATOMIC_ACQUIRE))
        if (syscall(SYS_futex, &word, FUTEX_WAIT, 1, &patience) < 0)
            REQUIRE(errno == EAGAIN || errno == EINTR);
    REQUIRE(waitpid(child, NULL, WNOHANG) == 0); /* it lives, as another image */
    return kill(child, SIGKILL) == 0 && killed_by(status_of(child), SIGKILL);
}
static bool robust_mutex_released(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t *mutex =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    REQUIRE(pthread_mutex_init(mutex, &attributes) == 0);
    if ((child = fork()) == 0) {
        pthread_mutex_lock(mutex);
        execve(program, (char *[]){"x", "exit", "0", NULL}, environ);
    }
    REQUIRE(exited(status_of(child), 0));
    return pthread_mutex_lock(mutex) == EOWNERDEAD;
}
static bool rseq_before(void)
{
    static struct rseq area __attribute__((aligned(32)));

    return syscall(SYS_rseq, &area, sizeof(area), 0, 0x53053053) == 0;
}
static bool rseq_after(void)
{
    static struct rseq area __attribute__((aligned(32)));

    return syscall(SYS_rseq, &area, sizeof(area), 0, 0x53053053) == 0; /* EBUSY if it were kept */
}
static bool segment_bases_before(void)
{
    REQUIRE(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, 0x123000) == 0);
    return true;
}
static bool segment_bases_after(void)
{
    unsigned long base = 1;

    REQUIRE(syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &base) == 0);
    return base == 0;
}
static bool flags_register_before(void)
{
    __asm__ volatile("pushfq\n orq $0x40000, (%%rsp)\n popfq" : : : "memory", "cc"); /* AC */
    execve(program, after_arguments(), environ);
    return false;
}
static bool flags_register_after(void)
{
    unsigned long flags;

    __asm__ volatile("pushfq\n popq %0" : "=r"(flags));
    return !(flags & 0x40000);
}

static const struct exec_case cases[] = {
    HALVES("kept: process, parent and thread number", "POSIX exec", identity_before,
           identity_after),
    HALVES("kept: process group and session", "POSIX exec", identity_before, group_after),
    HALVES("kept: a session of its own", "POSIX exec", session_before, session_after),
    HALVES("kept: users, groups, supplementary groups", "POSIX exec", users_before, users_after),
    HALVES("the saved user and group become the effective ones", "execve(2)", saved_users_before,
           saved_users_after),
    HALVES("an exec of another thread takes over the number", "execve(2)", thread_takes_over_before,
           thread_takes_over_after),
    HALVES("siblings end: blocked in a pipe", "execve(2)", sibling_in_pipe_before,
           thread_takes_over_after),
    HALVES("siblings end: waiting on a futex", "execve(2)", sibling_in_futex_before,
           thread_takes_over_after),
    HALVES("siblings end: computing", "execve(2)", sibling_computes_before,
           thread_takes_over_after),
    HALVES("siblings end: in page faults", "execve(2)", sibling_faults_before,
           thread_takes_over_after),
    HALVES("siblings end: making threads", "execve(2)", sibling_clones_before,
           thread_takes_over_after),
    HALVES("siblings end: in execs of their own", "execve(2)", sibling_execs_before,
           thread_takes_over_after),
    HALVES("kept: the working directory", "POSIX exec", folder_before, folder_after),
    HALVES("kept: the root directory", "POSIX exec", root_before, root_after),
    HALVES("kept: the file mode creation mask", "POSIX exec", mask_of_files_before,
           mask_of_files_after),
    HALVES("kept: the controlling terminal", "POSIX exec", terminal_before, terminal_after),
    HALVES("kept: descriptors, offsets, status flags", "POSIX exec", descriptors_before,
           descriptors_after),
    HALVES("closed: descriptors with FD_CLOEXEC", "POSIX exec", closing_before, closing_after),
    HALVES("closed: just these among hundreds", "POSIX exec", closing_many_before,
           closing_many_after),
    CASE("closed: the other end of a pipe sees it", "POSIX exec", closing_tells_reader),
    CASE("unshared: a shared descriptor table", "execve(2)", table_unshared),
    HALVES("kept: record locks and flock locks", "POSIX exec", locks_before, locks_after),
    HALVES("dropped: locks of what is closed", "fcntl(2), flock(2)", closing_drops_lock_before,
           closing_drops_lock_after),
    HALVES("kept: eventfd, timerfd, signalfd", "timerfd_create(2)", event_files_before,
           event_files_after),
    HALVES("reset: caught signals", "POSIX exec", handlers_before, handlers_after),
    HALVES("kept: ignored signals", "POSIX exec", ignored_before, ignored_after),
    HALVES("kept: ignored SIGCHLD, and what it means", "execve(2)", ignored_child_before,
           ignored_child_after),
    HALVES("reset: flags and masks of caught signals", "POSIX exec", action_flags_before,
           action_flags_after),
    HALVES("kept: the signal mask", "POSIX exec", mask_before, mask_after),
    HALVES("kept: pending signals of thread and process", "POSIX exec", pending_before,
           pending_after),
    HALVES("kept: queued signals with their values", "signal(7)", pending_before, queued_after),
    HALVES("a pending signal whose handler is gone", "POSIX exec", pending_kills,
           pending_kills_after),
    HALVES("gone: pending signals of the other threads", "execve(2)", other_threads_pending_before,
           other_threads_pending_after),
    HALVES("gone: the alternate signal stack", "execve(2)", stack_before, stack_after),
    CASE("unshared: shared signal actions", "clone(2), CLONE_SIGHAND", actions_unshared),
    CASE("reset: the exit signal is SIGCHLD", "execve(2)", exit_signal),
    CASE("reset: also when there was none", "execve(2)", no_exit_signal),
    HALVES("kept: alarm", "POSIX exec", alarm_before, alarm_after),
    HALVES("kept: interval timers", "setitimer(2)", interval_timers_before, interval_timers_after),
    HALVES("kept: an interval timer comes in the new image", "setitimer(2)", alarm_comes_before,
           alarm_comes_after),
    HALVES("gone: POSIX timers", "execve(2)", posix_timers_before, posix_timers_after),
    HALVES("kept: used processor time", "POSIX exec", times_before, times_after),
    HALVES("kept: children", "POSIX exec", children_before, children_after),
    HALVES("kept: children that have ended already", "POSIX exec", dead_child_before,
           children_after),
    HALVES("kept: what children used", "POSIX exec", child_usage_before, child_usage_after),
    HALVES("kept: being a subreaper", "prctl(2), PR_SET_CHILD_SUBREAPER", subreaper_before,
           subreaper_after),
    HALVES("kept: resource limits", "POSIX exec", limits_before, limits_after),
    HALVES("the stack's limit counts from now on", "getrlimit(2)", stack_limit_before,
           stack_limit_after),
    HALVES("kept: the nice value", "POSIX exec", nice_before, nice_after),
    HALVES("kept: CPU affinity", "sched_setaffinity(2)", affinity_before, affinity_after),
    HALVES("kept: the scheduling policy", "sched(7)", policy_before, policy_after),
    HALVES("kept: oom_score_adj", "proc(5)", memory_score_before, memory_score_after),
    HALVES("reset: dumpable", "prctl(2), PR_SET_DUMPABLE", dumpable_before, dumpable_after),
    HALVES("reset: the thread's name", "execve(2)", name_before, name_after),
    HALVES("the thread's name has 15 bytes", "prctl(2), PR_SET_NAME", long_name_before,
           long_name_after),
    HALVES("kept: the parent-death signal", "prctl(2), PR_SET_PDEATHSIG", death_signal_before,
           death_signal_after),
    HALVES("kept: no_new_privs", "prctl(2), PR_SET_NO_NEW_PRIVS", no_privileges_before,
           no_privileges_after),
    HALVES("kept: the timer slack", "prctl(2), PR_SET_TIMERSLACK", slack_before, slack_after),
    HALVES("reset: keep-capabilities", "prctl(2), PR_SET_KEEPCAPS", keep_capabilities_before,
           keep_capabilities_after),
    HALVES("kept: the other securebits", "capabilities(7)", secure_bits_before, secure_bits_after),
    HALVES("kept: the personality", "personality(2)", personality_before, personality_after),
    HALVES("ADDR_NO_RANDOMIZE: the same places again", "personality(2)", fixed_places_before,
           fixed_places_after),
    HALVES("gone: mappings", "execve(2)", mappings_before, mappings_after),
    CASE("shared memory keeps what was written", "mmap(2)", shared_memory_stays),
    CASE("a shared mapping reaches its file", "mmap(2)", file_mapping_is_written),
    HALVES("gone: memory locks, also for the future", "mlock(2)", locks_of_memory_before,
           locks_of_memory_after),
    HALVES("gone: the heap", "brk(2)", heap_before, heap_after),
    HALVES("anew: data and bss of the same file", "execve(2)", data_before, data_after),
    HALVES("gone: exit handlers", "atexit(3)", exit_handlers_before, exit_handlers_after),
    HALVES("reset: floating-point environment", "execve(2)", float_before, float_after),
    HALVES("gone: the robust list", "get_robust_list(2)", robust_list_before, robust_list_after),
    CASE("robust mutexes are released", "get_robust_list(2)", robust_mutex_released),
    CASE("clear_child_tid: cleared and woken at the exec", "set_tid_address(2)", tid_cleared),
    HALVES("gone: restartable sequences", "rseq(2)", rseq_before, rseq_after),
    HALVES("reset: the base of GS", "arch_prctl(2)", segment_bases_before, segment_bases_after),
    HALVES("reset: flags of the processor", "x86-64 psABI, 3.4.1", flags_register_before,
           flags_register_after),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}

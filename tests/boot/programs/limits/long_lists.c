/*
 * long_lists: the lateness (lateness.h) that comes from what the kernel keeps in lists and a user
 * makes long: locks, timers, threads, children, members of a group, signals.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <termios.h>

#include "lateness.h"

enum {
    PROCESSES = 3000,
    LOCKS = 8000,
    TIMERS = 3000,
    FILES = 8,
};

static const char shared_file[] = "/tmp/long_lists";
static int watched_file, other_file;

static void watch_nothing(void)
{
}

/* ---- locks ---- */

static void lock_bytes(int command, int file)
{
    struct flock lock = {.l_type = F_WRLCK, .l_len = 1};

    for (int i = 0; i < LOCKS; i++) {
        lock.l_start = i * 2;
        must(fcntl(file, command, &lock) == 0);
    }
}

static void lock_ranges(void)
{
    must((watched_file = open(shared_file, O_RDWR)) >= 0);
    must((other_file = open(shared_file, O_RDWR)) >= 0);
    lock_bytes(F_SETLK, watched_file);
}

static void lock_and_unlock(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_start = LOCKS * 2, .l_len = 1};

    must(fcntl(watched_file, F_SETLK, &lock) == 0);
    lock.l_type = F_UNLCK;
    must(fcntl(watched_file, F_SETLK, &lock) == 0);
    lock.l_type = F_WRLCK;
    must(fcntl(watched_file, F_OFD_GETLK, &lock) == 0);
}

/* All at once, and one by one again. */
static void lock_whole(void)
{
    struct flock lock = {.l_type = F_WRLCK};

    must(fcntl(watched_file, F_SETLK, &lock) == 0);
    lock.l_type = F_UNLCK;
    must(fcntl(watched_file, F_SETLK, &lock) == 0);
    lock_bytes(F_SETLK, watched_file);
    close(dup(other_file)); /* the process's locks go */
    lock_bytes(F_SETLK, watched_file);
}

static int locked_files[1000], locked_count;

static void lock_files(void)
{
    for (locked_count = 0; locked_count < 1000; locked_count++) {
        must((locked_files[locked_count] = open(shared_file, O_RDWR)) >= 0);
        must(flock(locked_files[locked_count], LOCK_SH) == 0);
    }
    watched_file = locked_files[0];
}

static void lock_file(void)
{
    must(flock(watched_file, LOCK_SH) == 0);
    must(flock(watched_file, LOCK_EX | LOCK_NB) < 0);
}

/* ---- timers ---- */

static timer_t last_timer;

static void make_timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};

    for (int i = 0; i < TIMERS; i++)
        if (timer_create(CLOCK_MONOTONIC, &event, &last_timer))
            break;
}

static void ask_timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec setting;
    timer_t timer = NULL;

    for (intptr_t id = 0; id < 10; id++)
        must(timer_gettime((timer_t)id, &setting) == 0);
    must(timer_delete(last_timer) == 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    last_timer = timer;
}

/* On the time of one process, and far from due. */
static void make_cpu_timers(void)
{
    const struct itimerspec far = {.it_value.tv_sec = 1000};

    for (int i = 0; i < TIMERS; i++) {
        if (timer_create(CLOCK_PROCESS_CPUTIME_ID, NULL, &last_timer))
            break;
        must(timer_settime(last_timer, 0, &far, NULL) == 0);
    }
}

static void work(void)
{
    for (volatile int i = 0; i < 100000; i++)
        ;
}

static void end_with_timers(void)
{
    if (fork() == 0) {
        make_timers();
        _exit(0);
    }
    wait(NULL);
}

/* ---- waiting threads ---- */

static uint32_t futex_words[2];
static _Atomic unsigned waiting;

static void *wait_on_word(void *nothing)
{
    for (;;) {
        waiting++;
        syscall(SYS_futex, &futex_words[0], FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
    return nothing;
}

static void read_all(const char *name)
{
    static char bytes[65536];
    int file = open(name, O_RDONLY);

    while (read(file, bytes, sizeof(bytes)) > 0)
        ;
    close(file);
}

static void make_waiting(void)
{
    make_threads(wait_on_word);
    while (waiting < LATENESS_THREADS)
        sched_yield();
}

static void list(const char *name)
{
    static char bytes[32768];
    int directory = open(name, O_RDONLY | O_DIRECTORY);

    must(directory >= 0);
    while (syscall(SYS_getdents64, directory, bytes, sizeof(bytes)) > 0)
        ;
    close(directory);
}

static void list_tasks(void)
{
    list("/proc/self/task");
}

static void read_own_files(void)
{
    struct rusage usage;

    read_all("/proc/self/stat");
    read_all("/proc/self/status");
    getrusage(RUSAGE_SELF, &usage);
    read_all("/proc/loadavg");
    read_all("/proc/stat");
    read_all("/proc/self/maps");
}

static void continue_child(void)
{
    static pid_t child;

    if (!child && (child = fork()) == 0) {
        make_threads(wait_on_word);
        for (;;)
            pause();
    }
    usleep(20000);
    for (int i = 0; i < 10; i++) {
        kill(child, SIGSTOP);
        kill(child, SIGCONT);
    }
}

static void wake_threads(void)
{
    waiting = 0;
    syscall(SYS_futex, &futex_words[0], FUTEX_REQUEUE_PRIVATE, 0, (void *)100000, &futex_words[1],
            0);
    int woken = syscall(SYS_futex, &futex_words[1], FUTEX_WAKE_PRIVATE, 100000, NULL, NULL, 0);
    while ((int)waiting < woken)
        sched_yield();
}

static void end_threads(void)
{
    if (fork() == 0) {
        waiting = 0;
        make_threads(wait_on_word);
        _exit(0);
    }
    wait(NULL);
}

/* ---- processes ---- */

static void make_processes(void)
{
    int made = 0;

    signal(SIGUSR1, SIG_IGN);
    for (; made < PROCESSES; made++) {
        pid_t child = vfork();
        if (child < 0)
            break;
        if (child == 0) {
            syscall(SYS_setpgid, 0, getppid());
            _exit(0);
        }
    }
    tap_note("%d zombies", made);
}

static void make_living(void)
{
    int made = 0;

    signal(SIGUSR1, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    setpgid(0, 0);
    for (; made < PROCESSES; made++) {
        pid_t child = fork();
        if (child < 0)
            break;
        if (child == 0)
            for (;;)
                pause();
    }
    tap_note("%d processes", made);
}

static void wait_for_none(void)
{
    waitpid(-getpgrp() - 1, NULL, WNOHANG);
    waitpid(-1, NULL, WNOHANG | WSTOPPED | __WCLONE);
    siginfo_t information;
    waitid(P_ALL, 0, &information, WSTOPPED | WNOHANG);
}

static void signal_all(void)
{
    kill(-1, SIGUSR1);
}

static void signal_group(void)
{
    kill(0, SIGUSR1);
}

static void set_priorities(void)
{
    setpriority(PRIO_USER, 1001, 1);
    getpriority(PRIO_USER, 1001);
    setpriority(PRIO_PGRP, 0, 1);
    getpriority(PRIO_PGRP, 0);
}

static void ask_system(void)
{
    struct sysinfo information;

    sysinfo(&information);
    read_all("/proc/loadavg");
    read_all("/proc/stat");
    list("/proc");
}

static void child_comes_and_goes(void)
{
    pid_t child = fork();

    if (child == 0) {
        setpgid(0, 0);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void orphan_children(void)
{
    if (fork() == 0) {
        make_processes();
        _exit(0);
    }
    wait(NULL);
}

static volatile sig_atomic_t told;

static void is_told(int signal)
{
    (void)signal;
    told++;
}

static void interrupt_foreground(void)
{
    static bool taken;

    if (!taken && fork()) {
        wait(NULL);
        _exit(1);
    }
    if (!taken) {
        struct termios settings;
        must(setsid() > 0);
        open_terminal(&other_file, &watched_file);
        must(ioctl(watched_file, TIOCSCTTY, 0) == 0);
        must(tcgetattr(watched_file, &settings) == 0);
        settings.c_lflag |= ISIG;
        settings.c_cc[VINTR] = 3;
        must(tcsetattr(watched_file, TCSANOW, &settings) == 0);
        signal(SIGINT, is_told);
        signal(SIGWINCH, is_told);
        make_living();
        taken = true;
    }
    must(write(other_file, "\003", 1) == 1);
    struct winsize size = {.ws_row = (unsigned short)now_us()};
    ioctl(other_file, TIOCSWINSZ, &size);
}

/* A pipe tells the group of each who wants to know. */
static void make_tellers(void)
{
    int ends[2];
    char name[32];

    signal(SIGIO, is_told);
    make_living();
    must(pipe(ends) == 0);
    watched_file = ends[0];
    other_file = ends[1];
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
        int file = open(name, O_RDONLY | O_NONBLOCK);
        must(file >= 0 && fcntl(file, F_SETOWN, -getpgrp()) == 0);
        must(fcntl(file, F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
    }
}

static void write_and_read(void)
{
    char byte = 'x';

    told = 0;
    must(write(other_file, &byte, 1) == 1 && read(watched_file, &byte, 1) == 1 && told);
}

/* ---- signals ---- */

static int queued;

static void queue_signals(void)
{
    sigset_t set;
    union sigval value = {0};

    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    while (sigqueue(getpid(), SIGRTMIN + 1, value) == 0)
        queued++;
    tap_note("%d signals", queued);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN + 1);
    sigwaitinfo(&one, NULL);
}

static void take_late_signal(void)
{
    sigset_t set;
    union sigval value = {0};

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 2);
    must(sigqueue(getpid(), SIGRTMIN + 2, value) == 0);
    sigwaitinfo(&set, NULL);
}

static void drop_signals(void)
{
    if (fork() == 0) {
        queue_signals();
        signal(SIGRTMIN + 1, SIG_IGN);
        _exit(0);
    }
    wait(NULL);
}

/* ---- files on their way ---- */

static void send_files(int through, const int *files, int count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(253 * sizeof(int))];
    } control;
    struct iovec data = {"x", 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control};

    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.header), files, count * sizeof(int));
    sendmsg(through, &message, MSG_DONTWAIT);
}

/* A chain of sockets that hold each other, and its end. */
static void chain_sockets(void)
{
    int ends[2], last[2] = {-1, -1};

    for (int i = 0; i < 400; i++) {
        must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        if (i) {
            send_files(ends[0], last, 2);
            close(last[0]);
            close(last[1]);
        }
        memcpy(last, ends, sizeof(last));
    }
    send_files(ends[0], ends, 2);
    close(ends[0]);
    close(ends[1]);
}

static const struct lateness_case cases[] = {
    {"fcntl on one of 8,000 locks", lock_ranges, lock_and_unlock},
    {"8,000 locks at once", lock_ranges, lock_whole},
    {"flock on a file locked 1,000 times", lock_files, lock_file},
    {"calls on one of 3,000 timers", make_timers, ask_timers},
    {"3,000 timers on CPU time", make_cpu_timers, work},
    {"the end of 3,000 timers", watch_nothing, end_with_timers},
    {"listing 3,000 threads", make_waiting, list_tasks},
    {"what /proc says of 3,000 threads", make_waiting, read_own_files},
    {"stopping and continuing 3,000 threads", watch_nothing, continue_child},
    {"waking 3,000 threads", make_waiting, wake_threads},
    {"ending 3,000 threads", watch_nothing, end_threads},
    {"waiting among 3,000 children", make_processes, wait_for_none},
    {"a child beside 3,000", make_processes, child_comes_and_goes},
    {"3,000 zombies that lose their parent", watch_nothing, orphan_children},
    {"a signal to all of 3,000 processes", make_living, signal_all},
    {"a signal to a group of 3,000", make_living, signal_group},
    {"priorities of 3,000 processes", make_living, set_priorities},
    {"what the system says of 3,000 processes", make_living, ask_system},
    {"a child beside 3,000 in its group", make_living, child_comes_and_goes},
    {"interrupting a foreground of 3,000", watch_nothing, interrupt_foreground},
    {"8 files that tell a group of 3,000", make_tellers, write_and_read},
    {"one signal behind thousands", queue_signals, take_late_signal},
    {"dropping thousands of signals", watch_nothing, drop_signals},
    {"sockets that hold each other", watch_nothing, chain_sockets},
};

int main(void)
{
    umask(0);
    close(open(shared_file, O_CREAT | O_RDWR, 0666));
    int status = measure_all(cases, sizeof(cases) / sizeof(cases[0]));
    unlink(shared_file);
    return status;
}

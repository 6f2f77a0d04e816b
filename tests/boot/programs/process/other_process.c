/* other_process: descriptors of processes, and what a process may see and take of another. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "cases.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open(pid_t process, unsigned flags)
{
    return (int)syscall(SYS_pidfd_open, process, flags);
}

static int pidfd_send_signal(int descriptor, int signal, siginfo_t *information, unsigned flags)
{
    return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, information, flags);
}

static int pidfd_getfd(int process, int descriptor, unsigned flags)
{
    return (int)syscall(SYS_pidfd_getfd, process, descriptor, flags);
}

static long kcmp(pid_t one, pid_t other, int type, unsigned long index1, unsigned long index2)
{
    return syscall(SYS_kcmp, one, other, type, index1, index2);
}

static pid_t child_that_waits(void)
{
    pid_t child = fork();

    while (child == 0)
        pause();
    return child;
}

static int end(pid_t child)
{
    kill(child, SIGKILL);
    return status_of(child);
}

static bool readable(int descriptor, int milliseconds)
{
    struct pollfd one = {.fd = descriptor, .events = POLLIN};

    return poll(&one, 1, milliseconds) == 1 && one.revents == POLLIN;
}

/* ---- pidfd ---- */

static bool open_closes_on_exec(void)
{
    int descriptor = pidfd_open(getpid(), 0);

    REQUIRE(descriptor >= 0);
    REQUIRE(fcntl(descriptor, F_GETFD) == FD_CLOEXEC);
    REQUIRE(!(fcntl(descriptor, F_GETFL) & O_NONBLOCK));
    descriptor = pidfd_open(getpid(), O_NONBLOCK);
    REQUIRE(fcntl(descriptor, F_GETFL) & O_NONBLOCK);
    return true;
}

static bool open_errors(void)
{
    pid_t child = child_that_waits();

    end(child);
    REQUIRE_ERRNO(pidfd_open(child, 0), ESRCH);
    REQUIRE_ERRNO(pidfd_open(0, 0), EINVAL);
    REQUIRE_ERRNO(pidfd_open(-1, 0), EINVAL);
    REQUIRE_ERRNO(pidfd_open(getpid(), 1), EINVAL);
    return true;
}

static bool cannot_be_read(void)
{
    int descriptor = pidfd_open(getpid(), 0);
    char byte;

    REQUIRE_ERRNO(read(descriptor, &byte, 1), EINVAL);
    REQUIRE_ERRNO(write(descriptor, &byte, 1), EINVAL);
    return true;
}

static bool polled_until_the_end(void)
{
    pid_t child = child_that_waits();
    int descriptor = pidfd_open(child, 0);

    REQUIRE(!readable(descriptor, 0));
    kill(child, SIGKILL);
    REQUIRE(readable(descriptor, 5000));
    REQUIRE(killed_by(status_of(child), SIGKILL));
    REQUIRE(readable(descriptor, 0)); /* reaped, too */
    return true;
}

static bool signal_is_sent(void)
{
    pid_t child = child_that_waits();
    int descriptor = pidfd_open(child, 0);

    REQUIRE(pidfd_send_signal(descriptor, 0, NULL, 0) == 0);
    REQUIRE(pidfd_send_signal(descriptor, SIGTERM, NULL, 0) == 0);
    REQUIRE(killed_by(status_of(child), SIGTERM));
    REQUIRE_ERRNO(pidfd_send_signal(descriptor, 0, NULL, 0), ESRCH);
    return true;
}

static bool signal_information(void)
{
    siginfo_t information = {.si_signo = SIGUSR1, .si_code = SI_QUEUE}, taken;
    int descriptor = pidfd_open(getpid(), 0);
    sigset_t set;

    information.si_value.sival_int = 42;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    REQUIRE(pidfd_send_signal(descriptor, SIGUSR1, &information, 0) == 0);
    REQUIRE(sigwaitinfo(&set, &taken) == SIGUSR1);
    REQUIRE(taken.si_code == SI_QUEUE && taken.si_value.sival_int == 42);
    return true;
}

static bool signal_errors(void)
{
    siginfo_t information = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    pid_t child = child_that_waits();
    int descriptor = pidfd_open(child, 0);

    REQUIRE_ERRNO(pidfd_send_signal(descriptor, SIGUSR2, &information, 0), EINVAL);
    REQUIRE_ERRNO(pidfd_send_signal(descriptor, 65, NULL, 0), EINVAL);
    REQUIRE_ERRNO(pidfd_send_signal(descriptor, 0, NULL, 1), EINVAL);
    REQUIRE_ERRNO(pidfd_send_signal(descriptor, SIGUSR1, (void *)8, 0), EFAULT);
    REQUIRE_ERRNO(pidfd_send_signal(-1, 0, NULL, 0), EBADF);
    REQUIRE_ERRNO(pidfd_send_signal(open("/", O_RDONLY), 0, NULL, 0), EBADF);
    information.si_code = SI_USER;
    REQUIRE_ERRNO(pidfd_send_signal(descriptor, SIGUSR1, &information, 0), EPERM);
    end(child);
    return true;
}

static bool wait_by_descriptor(void)
{
    siginfo_t information = {0};
    pid_t child = fork();

    if (child == 0)
        _exit(23);
    int descriptor = pidfd_open(child, 0);
    REQUIRE(waitid(P_PIDFD, descriptor, &information, WEXITED) == 0);
    REQUIRE(information.si_pid == child && information.si_code == CLD_EXITED);
    REQUIRE(information.si_status == 23);
    REQUIRE_ERRNO(waitid(P_PIDFD, descriptor, &information, WEXITED), ECHILD);
    REQUIRE_ERRNO(waitid(P_PIDFD, pidfd_open(getpid(), 0), &information, WEXITED), ECHILD);
    REQUIRE_ERRNO(waitid(P_PIDFD, -1, &information, WEXITED), EINVAL);
    REQUIRE_ERRNO(waitid(P_PIDFD, open("/", O_RDONLY), &information, WEXITED), EBADF);
    return true;
}

static bool wait_without_blocking(void)
{
    siginfo_t information = {0};
    pid_t child = child_that_waits();
    int descriptor = pidfd_open(child, O_NONBLOCK);

    REQUIRE_ERRNO(waitid(P_PIDFD, descriptor, &information, WEXITED), EAGAIN);
    REQUIRE(waitid(P_PIDFD, descriptor, &information, WEXITED | WNOHANG) == 0);
    REQUIRE(information.si_pid == 0);
    kill(child, SIGKILL);
    REQUIRE(readable(descriptor, 5000));
    REQUIRE(waitid(P_PIDFD, descriptor, &information, WEXITED) == 0);
    REQUIRE(information.si_pid == child);
    return true;
}

static bool clone_gives_one(void)
{
    int descriptor = -1;
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &descriptor, 0, 0);

    if (child == 0) /* the child has no such descriptor */
        _exit(fcntl(descriptor, F_GETFD) == -1 ? 5 : 6);
    REQUIRE(child > 0 && descriptor >= 0);
    REQUIRE(fcntl(descriptor, F_GETFD) == FD_CLOEXEC);
    REQUIRE(readable(descriptor, 5000));
    REQUIRE(exited(status_of(child), 5));
    return true;
}

static bool clone3_gives_one(void)
{
    int descriptor = -1;
    struct clone_args arguments = {
        .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&descriptor, .exit_signal = SIGCHLD};
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

    if (child == 0)
        _exit(5);
    REQUIRE(child > 0 && descriptor >= 0);
    REQUIRE(readable(descriptor, 5000));
    REQUIRE(exited(status_of(child), 5));
    return true;
}

static bool clone_errors(void)
{
    int descriptor = -1;
    unsigned long both = CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD;

    REQUIRE_ERRNO(syscall(SYS_clone, both, 0, &descriptor, 0, 0), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &descriptor, 0, 0),
                  EINVAL);
    REQUIRE_ERRNO(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, (void *)8, 0, 0), EFAULT);
    REQUIRE_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD); /* no child came of it */
    REQUIRE(open("/", O_RDONLY) == 3);                 /* …and no descriptor */
    return true;
}

static bool descriptor_is_taken(void)
{
    int channel[2], told[2];
    char byte;

    REQUIRE(pipe(told) == 0);
    pid_t child = fork();
    if (child == 0) {
        REQUIRE(pipe(channel) == 0);
        REQUIRE(write(told[1], &channel[0], sizeof(int)) == sizeof(int));
        REQUIRE(write(channel[1], "x", 1) == 1);
        for (;;)
            pause();
    }
    REQUIRE(read(told[0], &channel[0], sizeof(int)) == sizeof(int));
    int process = pidfd_open(child, 0), mine = pidfd_getfd(process, channel[0], 0);
    REQUIRE(mine >= 0 && fcntl(mine, F_GETFD) == FD_CLOEXEC);
    REQUIRE(read(mine, &byte, 1) == 1 && byte == 'x');
    REQUIRE(kcmp(getpid(), child, KCMP_FILE, mine, channel[0]) == 0);
    REQUIRE_ERRNO(pidfd_getfd(process, 999, 0), EBADF);
    REQUIRE_ERRNO(pidfd_getfd(-1, 0, 0), EBADF);
    REQUIRE_ERRNO(pidfd_getfd(process, 0, 1), EINVAL);
    end(child);
    REQUIRE_ERRNO(pidfd_getfd(process, 0, 0), ESRCH);
    return true;
}

static bool stranger_takes_nothing(void)
{
    pid_t child = child_that_waits();
    int process = pidfd_open(child, 0);
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};

    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    REQUIRE_ERRNO(pidfd_getfd(process, 0, 0), EPERM);
    REQUIRE_ERRNO(pidfd_send_signal(process, SIGTERM, NULL, 0), EPERM);
    REQUIRE_ERRNO(process_vm_readv(child, &here, 1, &there, 1, 0), EPERM);
    REQUIRE_ERRNO(kcmp(getpid(), child, KCMP_VM, 0, 0), EPERM);
    return true;
}

/* ---- process_vm_readv, process_vm_writev ---- */

static bool memory_is_copied(void)
{
    static char original[3 * 4096], copy[3 * 4096];
    volatile char *flag =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();

    if (child == 0) {
        memset(original, 'c', sizeof(original));
        *flag = 1;
        while (original[5000] != 'p')
            sleep_ms(1);
        _exit(original[4999] == 'c' && original[5002] == 'c' ? 9 : 8);
    }
    REQUIRE(EVENTUALLY(*flag));
    /* One piece on this side, two on the other, over page boundaries. */
    struct iovec here = {copy, 9000}, there[2] = {{original + 1, 4500}, {original + 4501, 4500}};
    REQUIRE(process_vm_readv(child, &here, 1, there, 2, 0) == 9000);
    REQUIRE(copy[0] == 'c' && copy[8999] == 'c' && copy[9000] == 0 && original[1] == 0);
    memset(copy, 'p', 2);
    struct iovec two = {copy, 2}, place = {original + 5000, 2};
    REQUIRE(process_vm_writev(child, &two, 1, &place, 1, 0) == 2);
    REQUIRE(exited(status_of(child), 9));
    return true;
}

static bool memory_copied_in_part(void)
{
    char *area = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static char copy[2 * 4096];
    struct iovec here = {copy, sizeof(copy)}, there = {area, sizeof(copy)};

    munmap(area + 4096, 4096);
    REQUIRE(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 4096);
    there.iov_base = area + 4096;
    REQUIRE_ERRNO(process_vm_readv(getpid(), &here, 1, &there, 1, 0), EFAULT);
    return true;
}

static bool memory_errors(void)
{
    char byte;
    struct iovec one = {&byte, 1}, many = {&byte, SIZE_MAX};
    pid_t child = child_that_waits();

    REQUIRE_ERRNO(process_vm_readv(getpid(), &one, 1, &one, 1, 1), EINVAL);
    REQUIRE_ERRNO(process_vm_readv(getpid(), &one, 1025, &one, 1, 0), EINVAL);
    REQUIRE_ERRNO(process_vm_readv(getpid(), &one, 1, &one, 1025, 0), EINVAL);
    REQUIRE_ERRNO(process_vm_readv(getpid(), &many, 1, &one, 1, 0), EINVAL);
    REQUIRE_ERRNO(process_vm_readv(getpid(), &one, 1, (void *)8, 1, 0), EFAULT);
    REQUIRE_ERRNO(process_vm_readv(getpid(), (void *)8, 1, &one, 1, 0), EFAULT);
    REQUIRE(process_vm_readv(getpid(), &one, 0, &one, 1, 0) == 0);
    end(child);
    REQUIRE_ERRNO(process_vm_readv(child, &one, 1, &one, 1, 0), ESRCH);
    REQUIRE_ERRNO(process_vm_writev(child, &one, 1, &one, 1, 0), ESRCH);
    return true;
}

/* ---- kcmp ---- */

static bool kcmp_compares(void)
{
    int one = open("/", O_RDONLY), copy = dup(one), other = open("/", O_RDONLY);
    pid_t self = getpid(), child = child_that_waits();

    REQUIRE(kcmp(self, self, KCMP_FILE, one, copy) == 0);
    REQUIRE(kcmp(self, self, KCMP_FILE, one, other) > 0);
    REQUIRE(kcmp(self, self, KCMP_FILE, one, other) + kcmp(self, self, KCMP_FILE, other, one) == 3);
    REQUIRE(kcmp(self, child, KCMP_FILE, one, one) == 0);
    REQUIRE(kcmp(self, self, KCMP_VM, 0, 0) == 0 && kcmp(self, child, KCMP_VM, 0, 0) > 0);
    REQUIRE(kcmp(self, child, KCMP_FILES, 0, 0) > 0 && kcmp(self, child, KCMP_FS, 0, 0) > 0);
    REQUIRE(kcmp(self, child, KCMP_SIGHAND, 0, 0) > 0);
    REQUIRE_ERRNO(kcmp(self, self, KCMP_FILE, 999, one), EBADF);
    REQUIRE_ERRNO(kcmp(self, self, 99, 0, 0), EINVAL);
    end(child);
    REQUIRE_ERRNO(kcmp(self, child, KCMP_VM, 0, 0), ESRCH);
    return true;
}

/* struct clone_args as later versions may have it: the first has 64 bytes, Linux 5.7's 88. */
struct longer_arguments {
    struct clone_args known;
    uint64_t unknown[(4096 - sizeof(struct clone_args)) / 8 + 1];
};

static bool makes_a_child(const void *arguments, size_t size)
{
    pid_t child = (pid_t)syscall(SYS_clone3, arguments, size);

    if (child == 0)
        _exit(12);
    return child > 0 && exited(status_of(child), 12);
}

static bool clone3_sizes(void)
{
    struct longer_arguments arguments = {.known.exit_signal = SIGCHLD};

    for (size_t size = 64; size <= 4096; size += size < 128 ? 1 : 496)
        REQUIRE(makes_a_child(&arguments, size));
    REQUIRE_ERRNO(syscall(SYS_clone3, &arguments, 63), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_clone3, &arguments, 0), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_clone3, &arguments, 4097), E2BIG);
    REQUIRE_ERRNO(syscall(SYS_clone3, &arguments, SIZE_MAX), E2BIG);
    arguments.unknown[1] = 1;
    REQUIRE(makes_a_child(&arguments, sizeof(arguments.known) + 8));
    REQUIRE_ERRNO(syscall(SYS_clone3, &arguments, sizeof(arguments.known) + 9), E2BIG);
    REQUIRE_ERRNO(syscall(SYS_clone3, &arguments, 4096), E2BIG);
    return true;
}

static bool clone3_tail_behind_memory(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct clone_args *arguments;

    REQUIRE(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
    arguments = (struct clone_args *)(page + 4096 - sizeof(*arguments));
    arguments->exit_signal = SIGCHLD;
    REQUIRE(makes_a_child(arguments, sizeof(*arguments)));
    REQUIRE_ERRNO(syscall(SYS_clone3, arguments, sizeof(*arguments) + 8), EFAULT);
    return true;
}

static const struct test_case cases[] = {
    {"pidfd_open: close-on-exec, PIDFD_NONBLOCK", "pidfd_open(2)", open_closes_on_exec},
    {"pidfd_open: errors", "pidfd_open(2)", open_errors},
    {"a pidfd is not read or written", "pidfd_open(2)", cannot_be_read},
    {"a pidfd can be polled for the end", "pidfd_open(2)", polled_until_the_end},
    {"pidfd_send_signal", "pidfd_send_signal(2)", signal_is_sent},
    {"pidfd_send_signal: siginfo", "pidfd_send_signal(2)", signal_information},
    {"pidfd_send_signal: errors", "pidfd_send_signal(2)", signal_errors},
    {"waitid: P_PIDFD", "waitid(2)", wait_by_descriptor},
    {"waitid: P_PIDFD that does not block", "pidfd_open(2)", wait_without_blocking},
    {"clone: CLONE_PIDFD", "clone(2)", clone_gives_one},
    {"clone3: CLONE_PIDFD", "clone(2)", clone3_gives_one},
    {"clone3: sizes of the structure", "clone(2)", clone3_sizes},
    {"clone3: a tail behind memory", "clone(2)", clone3_tail_behind_memory},
    {"clone: CLONE_PIDFD, errors", "clone(2)", clone_errors},
    {"pidfd_getfd", "pidfd_getfd(2)", descriptor_is_taken},
    {"a stranger takes nothing", "ptrace(2)", stranger_takes_nothing},
    {"process_vm_readv, process_vm_writev", "process_vm_readv(2)", memory_is_copied},
    {"process_vm_readv: as far as there is memory", "process_vm_readv(2)", memory_copied_in_part},
    {"process_vm_readv: errors", "process_vm_readv(2)", memory_errors},
    {"kcmp", "kcmp(2)", kcmp_compares},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

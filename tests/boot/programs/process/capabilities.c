/* capabilities: what takes a capability beside what credentials.c is about (capabilities(7)). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cases.h"

static const clockid_t alarms[] = {CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM};

static bool clocks_that_wake(void)
{
    struct timespec moment = {0, 1000};
    timer_t timer;

    for (int i = 0; i < 2; i++)
        REQUIRE(timerfd_create(alarms[i], 0) >= 0);
    REQUIRE(become(1000));
    for (int i = 0; i < 2; i++) {
        REQUIRE_ERRNO(timerfd_create(alarms[i], 0), EPERM);
        REQUIRE_ERRNO(timer_create(alarms[i], NULL, &timer), EPERM);
        REQUIRE(clock_nanosleep(alarms[i], 0, &moment, NULL) == EPERM);
    }
    REQUIRE(timerfd_create(CLOCK_REALTIME, 0) >= 0 && timerfd_create(CLOCK_BOOTTIME, 0) >= 0);
    REQUIRE(timer_create(CLOCK_BOOTTIME, NULL, &timer) == 0);
    return true;
}

static bool timer_that_was_handed_down(void)
{
    struct itimerspec soon = {{0, 0}, {1000, 0}};
    int timer = timerfd_create(CLOCK_BOOTTIME_ALARM, 0);

    REQUIRE(timer >= 0 && timerfd_settime(timer, 0, &soon, NULL) == 0);
    REQUIRE(become(1000));
    REQUIRE_ERRNO(timerfd_settime(timer, 0, &soon, NULL), EPERM);
    return true;
}

static bool clocks_of_used_time(void)
{
    struct timespec moment = {1, 0};

    REQUIRE_ERRNO(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &moment), EINVAL);
    REQUIRE_ERRNO(clock_settime(CLOCK_THREAD_CPUTIME_ID, &moment), EINVAL);
    REQUIRE_ERRNO(clock_settime(CLOCK_MONOTONIC, &moment), EINVAL);
    REQUIRE(become(1000));
    moment.tv_sec = 2000000000;
    REQUIRE_ERRNO(clock_settime(CLOCK_REALTIME, &moment), EPERM);
    return true;
}

static long set_option(int socket, int option, int value)
{
    return setsockopt(socket, SOL_SOCKET, option, &value, sizeof(value));
}

static bool options_of_sockets(void)
{
    int socket_ = socket(AF_UNIX, SOCK_STREAM, 0);

    REQUIRE(socket_ >= 0 && set_option(socket_, SO_DEBUG, 1) == 0);
    REQUIRE(set_option(socket_, SO_PRIORITY, 7) == 0 && become(1000));
    REQUIRE_ERRNO(set_option(socket_, SO_DEBUG, 1), EACCES);
    REQUIRE(set_option(socket_, SO_DEBUG, 0) == 0);
    REQUIRE(set_option(socket_, SO_PRIORITY, 6) == 0);
    REQUIRE_ERRNO(set_option(socket_, SO_PRIORITY, 7), EPERM);
    REQUIRE_ERRNO(set_option(socket_, SO_PRIORITY, -1), EPERM);
    REQUIRE_ERRNO(set_option(socket_, SO_SNDBUFFORCE, 100000), EPERM);
    REQUIRE_ERRNO(set_option(socket_, SO_RCVBUFFORCE, 100000), EPERM);
    REQUIRE_ERRNO(set_option(socket_, SO_MARK, 1), EPERM);
    return true;
}

/* ---- looking into another process of the same user, which has more rights ---- */

static char secret[] = "secret";

/* Gives up all rights but this one, as user 1000. */
static bool become_with(int capability)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};

    if (prctl(PR_SET_KEEPCAPS, 1) || !become(1000))
        return false;
    if (capability >= 0) {
        data[capability / 32].permitted = 1U << capability % 32;
        data[capability / 32].effective = 1U << capability % 32;
    }
    return syscall(SYS_capset, &header, data) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

static long look_into(pid_t process)
{
    char copy[sizeof(secret)];
    struct iovec here = {copy, sizeof(copy)}, there = {secret, sizeof(secret)};
    return process_vm_readv(process, &here, 1, &there, 1, 0);
}

static bool begin_with(const void *capability)
{
    return become_with(*(const int *)capability) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

/* A child of user 1000 with this right (-1: none), which waits to be ended. */
static pid_t child_with(int capability)
{
    return child_that_holds(begin_with, &capability);
}

static bool who_has_more_is_not_looked_into(void)
{
    pid_t more = child_with(CAP_NET_RAW), same = child_with(-1);

    REQUIRE(more > 0 && same > 0 && become_with(-1));
    REQUIRE(look_into(same) == sizeof(secret));
    REQUIRE_ERRNO(look_into(more), EPERM);
    REQUIRE_ERRNO(syscall(SYS_kcmp, getpid(), more, 1, 0, 0), EPERM);
    REQUIRE(syscall(SYS_kcmp, getpid(), same, 1, 0, 0) > 0);
    return true;
}

static bool who_has_as_much_looks(void)
{
    pid_t more = child_with(CAP_NET_RAW);

    REQUIRE(more > 0 && become_with(CAP_NET_RAW) && look_into(more) == sizeof(secret));
    return true;
}

/* ---- who is chosen when memory ends ---- */

static bool adjust(const char *value)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY);
    bool done = file >= 0 && write(file, value, strlen(value)) == (ssize_t)strlen(value);
    int error = errno;

    close(file);
    errno = error;
    return done;
}

/* What was set with the right is the least that may be set without. */
static bool own_score_goes_up_and_down(void)
{
    REQUIRE(adjust("100") && become_with(-1));
    REQUIRE(adjust("500") && adjust("200") && adjust("100"));
    REQUIRE(!adjust("99") && errno == EACCES);
    pid_t child = fork();
    if (child == 0)
        _exit(adjust("300") && adjust("100") && !adjust("0") && errno == EACCES ? 0 : 1);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static const struct test_case cases[] = {
    {"CAP_WAKE_ALARM", "timer_create(2)", clocks_that_wake},
    {"CAP_WAKE_ALARM: a timer that was handed down", "timerfd_create(2)",
     timer_that_was_handed_down},
    {"clock_settime: other clocks", "clock_settime(2)", clocks_of_used_time},
    {"CAP_NET_ADMIN, CAP_NET_RAW: options of sockets", "socket(7)", options_of_sockets},
    {"CAP_SYS_RESOURCE: oom_score_adj", "proc(5)", own_score_goes_up_and_down},
    {"who has more rights is not looked into", "ptrace(2)", who_has_more_is_not_looked_into},
    {"who has as much is", "ptrace(2)", who_has_as_much_looks},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

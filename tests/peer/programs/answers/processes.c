/* processes FAMILY: calls of a process about itself and its children, with odd arguments. */
#define _GNU_SOURCE
#include "answers.h"

#include <linux/prctl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define USER   1000
#define BUFFER ADDRESS(buffer)

/* ---- who calls ---- */

static pid_t child;

/* A child that has ended, one that runs. */
static int children(void)
{
    pid_t ended = fork();

    if (ended == 0)
        _exit(3);
    siginfo_t info;
    waitid(P_PID, (id_t)ended, &info, WEXITED | WNOWAIT);
    child = fork();
    if (child == 0) {
        alarm(5);
        pause();
        _exit(0);
    }
    return child;
}

static int as_user(void)
{
    return setgid(USER) || setuid(USER) ? -1 : 0;
}

static const struct row callers[] = {{"root", NULL}, {"user", as_user}};
static const struct row parents[] = {{"parent", children}};

/* ---- prctl(2): every option with odd arguments ---- */

#define CONTROL(option, ...) CALL("prctl " #option " " #__VA_ARGS__, prctl, option, __VA_ARGS__)
#define EACH(option)                                                                               \
    CONTROL(option, 0, 0, 0, 0), CONTROL(option, 1, 0, 0, 0), CONTROL(option, 2, 0, 0, 0),         \
        CONTROL(option, 3, 0, 0, 0), CONTROL(option, -1, 0, 0, 0), CONTROL(option, 1, 1, 0, 0),    \
        CONTROL(option, 1, 2, 0, 0), CONTROL(option, 1, 3, 0, 0), CONTROL(option, 0, 0, 1, 0),     \
        CONTROL(option, 0, 0, 0, 1), CONTROL(option, 0, 1, 0, 0), CONTROL(option, 64, 0, 0, 0),    \
        CONTROL(option, 65, 0, 0, 0), CONTROL(option, 8, 0, 0, 0)
static const struct call controls_one[] = {
    EACH(PR_SET_PDEATHSIG),  EACH(PR_GET_PDEATHSIG),  EACH(PR_GET_DUMPABLE),
    EACH(PR_SET_DUMPABLE),   EACH(PR_GET_UNALIGN),    EACH(PR_SET_UNALIGN),
    EACH(PR_GET_KEEPCAPS),   EACH(PR_SET_KEEPCAPS),   EACH(PR_GET_FPEMU),
    EACH(PR_SET_FPEMU),      EACH(PR_GET_FPEXC),      EACH(PR_SET_FPEXC),
    EACH(PR_GET_TIMING),     EACH(PR_SET_TIMING),     EACH(PR_GET_ENDIAN),
    EACH(PR_SET_ENDIAN),     EACH(PR_CAPBSET_READ),   EACH(PR_CAPBSET_DROP),
    EACH(PR_GET_TSC),        EACH(PR_GET_SECUREBITS), EACH(PR_SET_SECUREBITS),
    EACH(PR_SET_TIMERSLACK), EACH(PR_GET_TIMERSLACK),
};
static const struct call controls_two[] = {
    EACH(PR_MCE_KILL),
    EACH(PR_MCE_KILL_GET),
    EACH(PR_SET_CHILD_SUBREAPER),
    EACH(PR_GET_CHILD_SUBREAPER),
    EACH(PR_SET_NO_NEW_PRIVS),
    EACH(PR_GET_NO_NEW_PRIVS),
    EACH(PR_GET_TID_ADDRESS),
    EACH(PR_SET_THP_DISABLE),
    EACH(PR_GET_THP_DISABLE),
    EACH(PR_CAP_AMBIENT),
    EACH(PR_SET_NAME),
    EACH(PR_GET_NAME),
    CONTROL(PR_SET_PTRACER, 0, 0, 0, 0),
    CONTROL(PR_SET_PTRACER, -1, 0, 0, 0),
    CONTROL(PR_SET_PTRACER, 1, 0, 0, 0),
    CONTROL(PR_SET_PTRACER, 0x3fffffff, 0, 0, 0),
    EACH(PR_SET_MM),
    EACH(PR_GET_IO_FLUSHER),
    EACH(PR_SVE_GET_VL),
    EACH(PR_SET_FP_MODE),
    EACH(0),
    EACH(7),
    EACH(17),
    EACH(18),
    EACH(63),
    EACH(1000),
    EACH(-1),
};

/* ---- waiting ---- */

#define WAITED(type, id, options)                                                                  \
    CALL("waitid " #type " " #id " " #options, waitid, type, id, BUFFER, options, 0)
#define WAITED4(id, options) CALL("wait4 " #id " " #options, wait4, id, BUFFER, options, 0)
static const struct call waits[] = {
    WAITED(P_ALL, 0, WEXITED),
    WAITED(P_ALL, 0, WEXITED | WNOHANG),
    WAITED(P_ALL, 0, WNOHANG),
    WAITED(P_ALL, 0, 0),
    WAITED(P_ALL, 0, WEXITED | WNOWAIT),
    WAITED(P_ALL, 0, WSTOPPED | WNOHANG),
    WAITED(P_ALL, 0, WCONTINUED | WNOHANG),
    WAITED(P_ALL, -1, WEXITED),
    WAITED(P_ALL, 0, WEXITED | 0x100),
    WAITED(P_ALL, 0, 0x80000000),
    WAITED(P_PID, 0, WEXITED | WNOHANG),
    WAITED(P_PID, -1, WEXITED | WNOHANG),
    WAITED(P_PID, 0x3fffffff, WEXITED | WNOHANG),
    WAITED(P_PGID, 0, WEXITED | WNOHANG),
    WAITED(P_PGID, -1, WEXITED | WNOHANG),
    WAITED(P_PGID, 0x3fffffff, WEXITED | WNOHANG),
    WAITED(3, 0, WEXITED | WNOHANG),
    WAITED(3, -1, WEXITED | WNOHANG),
    WAITED(4, 0, WEXITED | WNOHANG),
    WAITED(-1, 0, WEXITED | WNOHANG),
    WAITED(P_ALL, 0, WEXITED | WNOHANG | 0x80000000),
    WAITED(P_ALL, 0, WEXITED | WNOHANG | 0x40000000),
    WAITED(P_ALL, 0, WEXITED | WNOHANG | 0x20000000),
    WAITED(P_ALL, 0, WEXITED | WSTOPPED | WCONTINUED | WNOHANG),
    CALL("waitid to nowhere", waitid, P_ALL, 0, 8, WEXITED, 0),
    CALL("waitid to nobody", waitid, P_ALL, 0, 0, WEXITED | WNOHANG, 0),
    CALL("waitid, usage to nowhere", waitid, P_ALL, 0, BUFFER, WEXITED, 8),
    WAITED4(0x3fffffff, WNOHANG),
    WAITED4(-0x3fffffff, WNOHANG),
    WAITED4(INT32_MIN, WNOHANG),
    WAITED4(0, WNOHANG | WEXITED),
    WAITED4(0, WNOHANG | WNOWAIT),
    WAITED4(0, WNOHANG | 0x10),
    WAITED4(0, WNOHANG | 0x80000000),
    CALL("wait4 to nowhere", wait4, -1, 8, 0, 0),
    CALL("wait4, usage to nowhere", wait4, -1, 0, 0, 8),
};

/* ---- scheduling ---- */

static struct {
    int priority;
} priorities[] = {{0}, {1}, {99}, {100}, {-1}};
#define PRIORITY(number) ADDRESS(&priorities[number])
#define POLICIES(policy)                                                                           \
    CALL("policy " #policy " at 0", sched_setscheduler, 0, policy, PRIORITY(0)),                   \
        CALL("policy " #policy " at 1", sched_setscheduler, 0, policy, PRIORITY(1)),               \
        CALL("policy " #policy " at 99", sched_setscheduler, 0, policy, PRIORITY(2)),              \
        CALL("policy " #policy " at 100", sched_setscheduler, 0, policy, PRIORITY(3)),             \
        CALL("policy " #policy " at -1", sched_setscheduler, 0, policy, PRIORITY(4)),              \
        CALL("highest of " #policy, sched_get_priority_max, policy),                               \
        CALL("lowest of " #policy, sched_get_priority_min, policy)
struct attribute {
    unsigned size, policy;
    unsigned long flags;
    int nice;
    unsigned priority;
    unsigned long runtime, deadline, period;
    unsigned low, high;
};
static struct attribute plain = {48, 0, 0, 5, 0, 0, 0, 0, 0, 0},
                        lifted = {48, 0, 0, -5, 0, 0, 0, 0, 0, 0},
                        beyond = {48, 0, 0, 100, 0, 0, 0, 0, 0, 0},
                        flagged = {48, 0, 0x1000, 0, 0, 0, 0, 0, 0, 0},
                        kept = {48, 0, 8, 0, 0, 0, 0, 0, 0, 0},
                        kept_all = {48, 0, 0x18, 0, 0, 0, 0, 0, 0, 0},
                        reset = {48, 0, 1, 0, 0, 0, 0, 0, 0, 0},
                        timely = {48, 1, 0, 0, 10, 0, 0, 0, 0, 0},
                        timeless = {48, 1, 0, 0, 0, 0, 0, 0, 0, 0},
                        idle = {48, 5, 0, 0, 0, 0, 0, 0, 0, 0},
                        sizeless = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                        small = {4, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                        large = {4097, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                        clamped = {56, 0, 0x20, 0, 0, 0, 0, 0, 1024, 0},
                        dead = {48, 6, 0, 0, 0, 1, 2, 3, 0, 0},
                        unknown = {48, 7, 0, 0, 0, 0, 0, 0, 0, 0};
static unsigned long first_only = 1, none_at_all = 0, far_away = 1UL << 63;
static struct {
    unsigned long soft, hard;
} crossed = {2, 1}, same = {1024, 1024}, lifted_limit = {~0UL, ~0UL};
#define ATTRIBUTED(name) CALL("set " #name, sched_setattr, 0, ADDRESS(&(name)), 0)
static const struct call schedules[] = {
    POLICIES(0),
    POLICIES(1),
    POLICIES(2),
    POLICIES(3),
    POLICIES(4),
    POLICIES(5),
    POLICIES(6),
    POLICIES(7),
    POLICIES(-1),
    POLICIES(0x40000000),
    POLICIES(0x40000001),
    CALL("policy of nobody", sched_getscheduler, 0x3fffffff),
    CALL("policy of -1", sched_getscheduler, -1),
    CALL("set policy of -1", sched_setscheduler, -1, 0, PRIORITY(0)),
    CALL("set policy of init", sched_setscheduler, 1, 0, PRIORITY(0)),
    CALL("set policy by nowhere", sched_setscheduler, 0, 0, 8),
    CALL("set policy by nothing", sched_setscheduler, 0, 0, 0),
    CALL("parameter", sched_setparam, 0, PRIORITY(0)),
    CALL("parameter 1", sched_setparam, 0, PRIORITY(1)),
    CALL("parameter of nobody", sched_getparam, 0x3fffffff, BUFFER),
    CALL("parameter to nothing", sched_getparam, 0, 0),
    CALL("interval", sched_rr_get_interval, 0, BUFFER),
    CALL("interval of -1", sched_rr_get_interval, -1, BUFFER),
    CALL("interval to nowhere", sched_rr_get_interval, 0, 8),
    ATTRIBUTED(plain),
    ATTRIBUTED(lifted),
    ATTRIBUTED(beyond),
    ATTRIBUTED(flagged),
    ATTRIBUTED(kept),
    ATTRIBUTED(kept_all),
    ATTRIBUTED(reset),
    ATTRIBUTED(timely),
    ATTRIBUTED(timeless),
    ATTRIBUTED(idle),
    ATTRIBUTED(sizeless),
    ATTRIBUTED(small),
    ATTRIBUTED(large),
    ATTRIBUTED(clamped),
    ATTRIBUTED(dead),
    ATTRIBUTED(unknown),
    CALL("set with a flag", sched_setattr, 0, ADDRESS(&plain), 1),
    CALL("set of -1", sched_setattr, -1, ADDRESS(&plain), 0),
    CALL("set of nobody", sched_setattr, 0x3fffffff, ADDRESS(&plain), 0),
    SHOWN(56, "get", sched_getattr, 0, BUFFER, 56, 0),
    SHOWN(56, "get more", sched_getattr, 0, BUFFER, 100, 0),
    CALL("get less", sched_getattr, 0, BUFFER, 47, 0),
    CALL("get too much", sched_getattr, 0, BUFFER, 5000, 0),
    CALL("get with a flag", sched_getattr, 0, BUFFER, 56, 1),
    CALL("affinity", sched_setaffinity, 0, 8, ADDRESS(&first_only)),
    CALL("no affinity", sched_setaffinity, 0, 8, ADDRESS(&none_at_all)),
    CALL("far affinity", sched_setaffinity, 0, 8, ADDRESS(&far_away)),
    CALL("affinity of 0 bytes", sched_setaffinity, 0, 0, ADDRESS(&first_only)),
    CALL("affinity by nowhere", sched_setaffinity, 0, 8, 8),
    CALL("affinity of nobody", sched_setaffinity, 0x3fffffff, 8, ADDRESS(&first_only)),
    CALL("affinity of init", sched_setaffinity, 1, 8, ADDRESS(&first_only)),
    CALL("get affinity in 4 bytes", sched_getaffinity, 0, 4, BUFFER),
    CALL("get affinity in 9 bytes", sched_getaffinity, 0, 9, BUFFER),
    CALL("get affinity of nobody", sched_getaffinity, 0x3fffffff, 8, BUFFER),
    CALL("nice of a process", setpriority, PRIO_PROCESS, 0, 5),
    CALL("nice -5", setpriority, PRIO_PROCESS, 0, -5),
    CALL("nice 100", setpriority, PRIO_PROCESS, 0, 100),
    CALL("nice of a group", setpriority, PRIO_PGRP, 0, 5),
    CALL("nice of nobody", setpriority, PRIO_PROCESS, 0x3fffffff, 5),
    CALL("nice of 3", setpriority, 3, 0, 5),
    CALL("nice of init", setpriority, PRIO_PROCESS, 1, 0),
    CALL("nice of no user", setpriority, PRIO_USER, 54321, 0),
    CALL("get nice", getpriority, PRIO_PROCESS, 0),
    CALL("get nice of 3", getpriority, 3, 0),
    CALL("get nice of nobody", getpriority, PRIO_PGRP, 0x3fffffff),
    CALL("limit crossed", prlimit64, 0, RLIMIT_NOFILE, ADDRESS(&crossed), 0),
    CALL("limit", prlimit64, 0, RLIMIT_NOFILE, ADDRESS(&same), BUFFER),
    CALL("limit lifted", prlimit64, 0, RLIMIT_NOFILE, ADDRESS(&lifted_limit), 0),
    CALL("limit 16", prlimit64, 0, 16, ADDRESS(&same), BUFFER),
    CALL("limit -1", prlimit64, 0, -1, 0, BUFFER),
    CALL("limit of nobody", prlimit64, 0x3fffffff, 0, 0, BUFFER),
    CALL("limit of init", prlimit64, 1, 0, 0, BUFFER),
    CALL("limit of -1", prlimit64, -1, 0, 0, BUFFER),
    CALL("usage of 2", getrusage, 2, BUFFER),
    CALL("usage of -2", getrusage, -2, BUFFER),
    CALL("usage of 1", getrusage, 1, BUFFER),
    CALL("processor", getcpu, BUFFER, 0, 0),
    CALL("processor to nowhere", getcpu, 8, 0, 0),
};

/* ---- clocks ---- */

static struct {
    long seconds, nanoseconds;
} times[] = {{0, 1}, {0, -1}, {0, 1000000000}, {-1, 0}, {0, 0}, {0, 999999999}, {INT64_MAX, 0}};
#define TIME(number) ADDRESS(&times[number])
static struct {
    struct {
        long seconds, nanoseconds;
    } interval, value;
} timers[] = {{{0, 0}, {1000, 0}},
              {{0, -1}, {1000, 0}},
              {{1, 0}, {0, 0}},
              {{0, 0}, {-1, 0}},
              {{0, 1000000000}, {1, 0}}};
#define TIMER(number) ADDRESS(&timers[number])
static struct {
    union {
        int number;
        void *pointer;
    } value;
    int signal, notify, thread;
    char rest[44];
} by_signal = {.signal = SIGUSR1}, by_bad_signal = {.signal = 65}, by_none = {.notify = 1},
  by_odd = {.notify = 9}, by_thread = {.signal = SIGUSR1, .notify = 4, .thread = 0x3fffffff},
  by_zero = {.signal = 0};
#define CLOCKS(clock)                                                                              \
    CALL("resolution " #clock, clock_getres, clock, 0),                                            \
        CALL("time " #clock, clock_gettime, clock, BUFFER),                                        \
        CALL("set " #clock, clock_settime, clock, TIME(1)),                                        \
        CALL("sleep badly " #clock, clock_nanosleep, clock, 0, TIME(1), 0),                        \
        CALL("timer " #clock, timer_create, clock, 0, BUFFER),                                     \
        CALL("timer to nowhere " #clock, timer_create, clock, ADDRESS(&by_none), 8),               \
        CALL("descriptor " #clock, timerfd_create, clock, 0),                                      \
        CALL("adjust " #clock, clock_adjtime, clock, BUFFER)
/* Not of processors' time: the precision differs with which a sleeper's own is waited for. */
#define SLEEPS(clock)                                                                              \
    CALL("sleep " #clock, clock_nanosleep, clock, 0, TIME(0), 0),                                  \
        CALL("sleep until " #clock, clock_nanosleep, clock, 1, TIME(0), 0),                        \
        CALL("sleep oddly " #clock, clock_nanosleep, clock, 8, TIME(0), 0)
static const struct call clocks[] = {
    SLEEPS(0),
    SLEEPS(1),
    SLEEPS(3),
    SLEEPS(4),
    SLEEPS(5),
    SLEEPS(6),
    SLEEPS(7),
    SLEEPS(8),
    SLEEPS(9),
    SLEEPS(10),
    SLEEPS(11),
    SLEEPS(12),
    SLEEPS(16),
    SLEEPS(-1),
    SLEEPS(-2),
    SLEEPS(100),
    CLOCKS(0),
    CLOCKS(1),
    CLOCKS(2),
    CLOCKS(3),
    CLOCKS(4),
    CLOCKS(5),
    CLOCKS(6),
    CLOCKS(7),
    CLOCKS(8),
    CLOCKS(9),
    CLOCKS(10),
    CLOCKS(11),
    CLOCKS(12),
    CLOCKS(16),
    CLOCKS(-2),
    CLOCKS(-6),
    CLOCKS(-7),
    CLOCKS(100),
    CALL("timer by a signal", timer_create, 1, ADDRESS(&by_signal), BUFFER),
    CALL("timer by no such signal", timer_create, 1, ADDRESS(&by_bad_signal), BUFFER),
    CALL("timer by signal 0", timer_create, 1, ADDRESS(&by_zero), BUFFER),
    CALL("timer by nothing", timer_create, 1, ADDRESS(&by_none), BUFFER),
    CALL("timer oddly", timer_create, 1, ADDRESS(&by_odd), BUFFER),
    CALL("timer to nobody", timer_create, 1, ADDRESS(&by_thread), BUFFER),
    CALL("timer at nowhere", timer_create, 1, 8, BUFFER),
    CALL("set no timer", timer_settime, 77, 0, TIMER(0), 0),
    CALL("get no timer", timer_gettime, 77, BUFFER),
    CALL("delete no timer", timer_delete, 77),
    CALL("overrun of no timer", timer_getoverrun, 77),
    CALL("descriptor oddly", timerfd_create, 1, 1),
    CALL("set no descriptor", timerfd_settime, 0, 0, TIMER(0), 0),
    CALL("alarm clock", setitimer, 0, TIMER(2), 0),
    CALL("alarm clock 3", setitimer, 3, TIMER(2), 0),
    CALL("alarm clock -1", setitimer, -1, TIMER(2), 0),
    CALL("alarm clock badly", setitimer, 0, TIMER(1), 0),
    CALL("alarm clock before now", setitimer, 0, TIMER(3), 0),
    CALL("alarm clock at nowhere", setitimer, 0, 8, 0),
    CALL("no alarm clock", setitimer, 1, 0, 0),
    CALL("get alarm clock 3", getitimer, 3, BUFFER),
    CALL("get alarm clock", getitimer, 0, 8),
    CALL("sleep", nanosleep, TIME(0), 0),
    CALL("sleep badly", nanosleep, TIME(2), 0),
    CALL("sleep before", nanosleep, TIME(3), 0),
    CALL("sleep at nowhere", nanosleep, 8, 0),
    CALL("time of day to nowhere", gettimeofday, 8, 0),
    CALL("time zone to nowhere", gettimeofday, 0, 8),
    CALL("set the time badly", settimeofday, TIME(2), 0),
    CALL("set nothing", settimeofday, 0, 0),
    CALL("set the zone badly", settimeofday, 0, BUFFER),
    CALL("adjust", adjtimex, BUFFER),
    CALL("adjust at nowhere", adjtimex, 8),
};

static const struct family families[] = {
    APART("control", controls_one),
    APART("control-more", controls_two),
    APART("schedule", schedules),
    APART("clock", clocks),
};
static const struct family parent_families[] = {APART("wait", waits)};

int main(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : "";

    if (strcmp(name, "wait") == 0)
        return answer_family(name, parents, COUNT(parents), parent_families,
                             COUNT(parent_families));
    return answer_family(name, callers, COUNT(callers), families, COUNT(families));
}

/*
 * scheduling_rules: who may change how a thread runs (sched(7), "Privileges and resource limits"),
 * and what sched_setattr(2) asks of its structure.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cases.h"

#define RESET_ON_FORK   0x40000000
#define POLICY_DEADLINE 6

enum { FLAG_RESET_ON_FORK = 1, FLAG_KEEP_POLICY = 8, FLAG_KEEP_PARAMETERS = 16 };

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t least, most;
    uint64_t unknown[2]; /* what no kernel knows yet */
};
#define ATTRIBUTES_KNOWN 56U

static long set_policy(pid_t process, int policy, int priority)
{
    struct sched_param parameters = {.sched_priority = priority};
    return syscall(SYS_sched_setscheduler, process, policy, &parameters);
}

static long set_priority(pid_t process, int priority)
{
    struct sched_param parameters = {.sched_priority = priority};
    return syscall(SYS_sched_setparam, process, &parameters);
}

static long set_attributes(pid_t process, struct attributes *attributes)
{
    return syscall(SYS_sched_setattr, process, attributes, 0);
}

static long get_policy(pid_t process)
{
    return syscall(SYS_sched_getscheduler, process);
}

static bool run_first(const void *unused)
{
    (void)unused;
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && set_policy(0, SCHED_FIFO, 10) == 0;
}

static bool others_are_left_alone(void)
{
    struct attributes attributes = {.size = 48, .policy = SCHED_FIFO, .priority = 1};
    cpu_set_t set;
    pid_t other = child_that_holds(run_first, NULL);

    REQUIRE(other > 0 && become(1000));
    REQUIRE_ERRNO(set_policy(other, SCHED_FIFO, 1), EPERM);
    REQUIRE_ERRNO(set_policy(other, SCHED_FIFO, 10), EPERM);
    REQUIRE_ERRNO(set_policy(other, SCHED_OTHER, 0), EPERM);
    REQUIRE_ERRNO(set_priority(other, 1), EPERM);
    REQUIRE_ERRNO(set_attributes(other, &attributes), EPERM);
    REQUIRE_ERRNO(setpriority(PRIO_PROCESS, (id_t)other, 10), EPERM);
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    REQUIRE_ERRNO(sched_setaffinity(other, sizeof(set), &set), EPERM);
    REQUIRE(get_policy(other) == SCHED_FIFO);
    return true;
}

static bool own_may_be_lowered(void)
{
    REQUIRE(set_policy(0, SCHED_FIFO, 10) == 0 && become(1000));
    REQUIRE(set_priority(0, 10) == 0 && set_priority(0, 4) == 0);
    REQUIRE_ERRNO(set_priority(0, 5), EPERM);
    REQUIRE_ERRNO(set_policy(0, SCHED_RR, 4), EPERM); /* RLIMIT_RTPRIO is 0 */
    REQUIRE(set_policy(0, SCHED_OTHER, 0) == 0);
    REQUIRE_ERRNO(set_policy(0, SCHED_FIFO, 1), EPERM);
    return true;
}

static bool limit_permits_a_change(void)
{
    struct rlimit limit = {5, 5};

    REQUIRE(setrlimit(RLIMIT_RTPRIO, &limit) == 0);
    REQUIRE(set_policy(0, SCHED_FIFO, 20) == 0 && become(1000));
    REQUIRE(set_policy(0, SCHED_RR, 20) == 0); /* no higher than it was */
    REQUIRE_ERRNO(set_priority(0, 21), EPERM);
    REQUIRE(set_priority(0, 3) == 0 && set_priority(0, 5) == 0);
    REQUIRE_ERRNO(set_priority(0, 6), EPERM);
    return true;
}

static bool idle_stays_idle(void)
{
    REQUIRE(set_policy(0, SCHED_IDLE, 0) == 0 && become(1000));
    REQUIRE(set_policy(0, SCHED_IDLE, 0) == 0);
    REQUIRE_ERRNO(set_policy(0, SCHED_OTHER, 0), EPERM); /* RLIMIT_NICE is 0 */
    return true;
}

static bool idle_may_wake_within_the_limit(void)
{
    struct rlimit limit = {20, 20}; /* nice 0 */

    REQUIRE(setrlimit(RLIMIT_NICE, &limit) == 0);
    REQUIRE(set_policy(0, SCHED_IDLE, 0) == 0 && become(1000));
    REQUIRE(set_policy(0, SCHED_OTHER, 0) == 0);
    return true;
}

static bool reset_on_fork_is_kept(void)
{
    struct attributes attributes = {.size = 48, .policy = SCHED_OTHER};

    REQUIRE(set_policy(0, SCHED_OTHER | RESET_ON_FORK, 0) == 0 && become(1000));
    REQUIRE_ERRNO(set_policy(0, SCHED_OTHER, 0), EPERM);
    REQUIRE_ERRNO(set_attributes(0, &attributes), EPERM);
    attributes.flags = FLAG_RESET_ON_FORK;
    REQUIRE(set_attributes(0, &attributes) == 0);
    REQUIRE(get_policy(0) == (SCHED_OTHER | RESET_ON_FORK));
    return true;
}

/* Runs in a child that was just made: has it this policy and nice value? */
static bool child_has(int policy, int nice)
{
    pid_t child = fork();
    if (child == 0)
        _exit(get_policy(0) == policy && getpriority(PRIO_PROCESS, 0) == nice ? 0 : 1);
    return exited(status_of(child), 0);
}

static bool reset_on_fork_resets_what_is_high(void)
{
    REQUIRE(setpriority(PRIO_PROCESS, 0, -5) == 0);
    REQUIRE(set_policy(0, SCHED_OTHER | RESET_ON_FORK, 0) == 0 && child_has(SCHED_OTHER, 0));
    REQUIRE(setpriority(PRIO_PROCESS, 0, 5) == 0 && child_has(SCHED_OTHER, 5));
    REQUIRE(set_policy(0, SCHED_BATCH | RESET_ON_FORK, 0) == 0 && child_has(SCHED_BATCH, 5));
    REQUIRE(set_policy(0, SCHED_RR | RESET_ON_FORK, 5) == 0 && child_has(SCHED_OTHER, 0));
    return true;
}

static bool nice_takes_a_privilege(void)
{
    struct attributes attributes = {.size = 48, .policy = SCHED_OTHER, .nice = 5};

    REQUIRE(become(1000));
    REQUIRE(set_attributes(0, &attributes) == 0 && getpriority(PRIO_PROCESS, 0) == 5);
    attributes.nice = 4;
    REQUIRE_ERRNO(set_attributes(0, &attributes), EPERM);
    attributes.policy = SCHED_BATCH;
    REQUIRE_ERRNO(set_attributes(0, &attributes), EPERM);
    REQUIRE(get_policy(0) == SCHED_OTHER && getpriority(PRIO_PROCESS, 0) == 5);
    REQUIRE_ERRNO(setpriority(PRIO_PROCESS, 0, 4), EACCES);
    attributes.nice = 1000;
    REQUIRE(set_attributes(0, &attributes) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
    return true;
}

static bool what_is_kept(void)
{
    struct attributes attributes = {.size = 48, .policy = 77, .flags = FLAG_KEEP_POLICY};

    REQUIRE(set_policy(0, SCHED_FIFO, 7) == 0);
    attributes.priority = 9;
    REQUIRE(set_attributes(0, &attributes) == 0);
    REQUIRE(syscall(SYS_sched_getattr, 0, &attributes, 48, 0) == 0);
    REQUIRE(attributes.policy == SCHED_FIFO && attributes.priority == 9);
    attributes = (struct attributes){
        .size = 48, .policy = SCHED_RR, .flags = FLAG_KEEP_PARAMETERS, .priority = 55};
    REQUIRE(set_attributes(0, &attributes) == 0);
    REQUIRE(syscall(SYS_sched_getattr, 0, &attributes, 48, 0) == 0);
    REQUIRE(attributes.policy == SCHED_FIFO && attributes.priority == 9); /* all of it */
    return true;
}

static bool sizes_of_the_structure(void)
{
    struct attributes attributes = {.size = 0, .policy = SCHED_OTHER};

    REQUIRE(set_attributes(0, &attributes) == 0); /* 0: the first version's */
    attributes.size = 47;
    REQUIRE_ERRNO(set_attributes(0, &attributes), E2BIG);
    REQUIRE(attributes.size == ATTRIBUTES_KNOWN);
    attributes.size = 5000;
    REQUIRE_ERRNO(set_attributes(0, &attributes), E2BIG);
    REQUIRE(attributes.size == ATTRIBUTES_KNOWN);
    attributes.size = sizeof(attributes);
    REQUIRE(set_attributes(0, &attributes) == 0); /* longer, but nothing in it */
    attributes.unknown[1] = 1;
    REQUIRE_ERRNO(set_attributes(0, &attributes), E2BIG);
    REQUIRE(attributes.size == ATTRIBUTES_KNOWN);
    return true;
}

static bool tail_behind_memory(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
    struct attributes *attributes = (struct attributes *)(page + 4096 - ATTRIBUTES_KNOWN);
    attributes->size = ATTRIBUTES_KNOWN;
    REQUIRE(set_attributes(0, attributes) == 0);
    attributes->size = ATTRIBUTES_KNOWN + 8;
    REQUIRE_ERRNO(set_attributes(0, attributes), EFAULT);
    return true;
}

static bool sizes_that_are_asked_for(void)
{
    struct attributes attributes;

    for (unsigned size = 48; size <= 4096; size += size < 128 ? 1 : 496) {
        char page[4096];
        memset(page, 0xff, sizeof(page));
        REQUIRE(syscall(SYS_sched_getattr, 0, page, size, 0) == 0);
        memcpy(&attributes, page, sizeof(attributes));
        REQUIRE(attributes.size == (size < ATTRIBUTES_KNOWN ? size : ATTRIBUTES_KNOWN));
        REQUIRE(page[attributes.size] == (char)0xff); /* what is behind is left alone */
    }
    REQUIRE_ERRNO(syscall(SYS_sched_getattr, 0, &attributes, 47, 0), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_sched_getattr, 0, &attributes, 4097, 0), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_sched_getattr, 0, NULL, 48, 0), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_sched_getattr, 0, &attributes, 48, 1), EINVAL);
    return true;
}

static bool attribute_errors(void)
{
    struct attributes attributes = {.size = 48, .policy = SCHED_OTHER, .flags = 0x100};

    REQUIRE_ERRNO(set_attributes(0, &attributes), EINVAL);
    attributes = (struct attributes){.size = 48, .policy = 0x80000000U};
    REQUIRE_ERRNO(set_attributes(0, &attributes), EINVAL);
    attributes = (struct attributes){.size = 48, .flags = 0x20 /* a utilisation */};
    REQUIRE_ERRNO(set_attributes(0, &attributes), EINVAL); /* of which the size says nothing */
    attributes.flags = 0;
    REQUIRE_ERRNO(set_attributes(-1, &attributes), EINVAL);
    REQUIRE_ERRNO(set_attributes(99999, &attributes), ESRCH);
    REQUIRE_ERRNO(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 1), EINVAL);
    return true;
}

static bool deadlines_are_checked(void)
{
    struct attributes attributes = {.size = 48,
                                    .policy = POLICY_DEADLINE,
                                    .runtime = 10000000,
                                    .deadline = 30000000,
                                    .period = 20000000}; /* shorter than the deadline */

    REQUIRE_ERRNO(set_attributes(0, &attributes), EINVAL);
    attributes.period = 30000000;
    attributes.runtime = 1000; /* less than a microsecond and a bit */
    REQUIRE_ERRNO(set_attributes(0, &attributes), EINVAL);
    attributes.runtime = 10000000;
    attributes.priority = 1;
    REQUIRE_ERRNO(set_attributes(0, &attributes), EINVAL);
    attributes.priority = 0;
    REQUIRE(become(1000));
    REQUIRE_ERRNO(set_attributes(0, &attributes), EPERM);
    return true;
}

static bool timer_slack_of_a_child(void)
{
    REQUIRE(prctl(PR_GET_TIMERSLACK) == 50000 && prctl(PR_SET_TIMERSLACK, 70000) == 0);
    pid_t child = fork();
    if (child == 0) {
        bool inherited = prctl(PR_GET_TIMERSLACK) == 70000;
        prctl(PR_SET_TIMERSLACK, 90000);
        prctl(PR_SET_TIMERSLACK, 0); /* back to what it began with */
        _exit(inherited && prctl(PR_GET_TIMERSLACK) == 70000 ? 0 : 1);
    }
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(prctl(PR_SET_TIMERSLACK, 0) == 0 && prctl(PR_GET_TIMERSLACK) == 50000);
    return true;
}

static const struct test_case cases[] = {
    {"another user's thread is left alone", "sched(7)", others_are_left_alone},
    {"one's own priority may be lowered", "sched(7)", own_may_be_lowered},
    {"RLIMIT_RTPRIO permits a change of policy", "sched(7)", limit_permits_a_change},
    {"SCHED_IDLE stays", "sched(7)", idle_stays_idle},
    {"SCHED_IDLE ends within RLIMIT_NICE", "sched(7)", idle_may_wake_within_the_limit},
    {"SCHED_RESET_ON_FORK stays", "sched(7)", reset_on_fork_is_kept},
    {"SCHED_RESET_ON_FORK resets what is high", "sched(7)", reset_on_fork_resets_what_is_high},
    {"sched_setattr: the nice value", "sched_setattr(2)", nice_takes_a_privilege},
    {"sched_setattr: what is kept", "sched_setattr(2)", what_is_kept},
    {"sched_setattr: sizes", "sched_setattr(2)", sizes_of_the_structure},
    {"sched_setattr: a tail behind memory", "sched_setattr(2)", tail_behind_memory},
    {"sched_getattr: sizes", "sched_setattr(2)", sizes_that_are_asked_for},
    {"sched_setattr: errors", "sched_setattr(2)", attribute_errors},
    {"SCHED_DEADLINE: what is wrong with it", "sched_setattr(2)", deadlines_are_checked},
    {"PR_SET_TIMERSLACK: a child's", "prctl(2)", timer_slack_of_a_child},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/*
 * scheduling: sched(7), nice(2), affinity. The cases that compare priorities do so on one CPU, to
 * which they bind themselves.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "cases.h"

static long set_policy(pid_t process, int policy, int priority)
{
    struct sched_param parameters = {.sched_priority = priority};

    return syscall(SYS_sched_setscheduler, process, policy, &parameters);
}

static int policy_of(pid_t process)
{
    return (int)syscall(SYS_sched_getscheduler, process);
}

static int priority_of(pid_t process)
{
    struct sched_param parameters = {.sched_priority = -1};

    syscall(SYS_sched_getparam, process, &parameters);
    return parameters.sched_priority;
}

static void bind_to_one_cpu(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

/* ---- what is told ---- */

static bool policies_are_kept(void)
{
    REQUIRE(policy_of(0) == SCHED_OTHER && priority_of(0) == 0);
    REQUIRE(set_policy(0, SCHED_FIFO, 7) == 0);
    REQUIRE(policy_of(0) == SCHED_FIFO && priority_of(0) == 7);
    REQUIRE(set_policy(0, SCHED_RR, 99) == 0);
    REQUIRE(policy_of(getpid()) == SCHED_RR && priority_of(getpid()) == 99);
    pid_t child = fork();
    if (child == 0)
        _exit(policy_of(0) == SCHED_RR && priority_of(0) == 99 ? 0 : 1);
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(set_policy(0, SCHED_BATCH, 0) == 0 && policy_of(0) == SCHED_BATCH);
    REQUIRE(set_policy(0, SCHED_IDLE, 0) == 0 && policy_of(0) == SCHED_IDLE);
    return true;
}

static bool policy_errors(void)
{
    REQUIRE_ERRNO(set_policy(0, SCHED_FIFO, 0), EINVAL);
    REQUIRE_ERRNO(set_policy(0, SCHED_FIFO, 100), EINVAL);
    REQUIRE_ERRNO(set_policy(0, SCHED_OTHER, 1), EINVAL);
    REQUIRE_ERRNO(set_policy(0, 77, 1), EINVAL);
    REQUIRE_ERRNO(set_policy(-1, SCHED_OTHER, 0), EINVAL);
    REQUIRE_ERRNO(set_policy(99999, SCHED_OTHER, 0), ESRCH);
    REQUIRE_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, NULL), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, 8), EFAULT);
    REQUIRE_ERRNO(syscall(SYS_sched_getscheduler, 99999), ESRCH);
    REQUIRE_ERRNO(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
    return true;
}

static bool policy_needs_permission(void)
{
    struct rlimit limit = {10, 10};

    REQUIRE(setrlimit(RLIMIT_RTPRIO, &limit) == 0);
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    REQUIRE(set_policy(0, SCHED_FIFO, 10) == 0);
    REQUIRE_ERRNO(set_policy(0, SCHED_FIFO, 11), EPERM);
    REQUIRE(set_policy(0, SCHED_OTHER, 0) == 0);
    limit.rlim_cur = limit.rlim_max = 0;
    REQUIRE(setrlimit(RLIMIT_RTPRIO, &limit) == 0);
    REQUIRE_ERRNO(set_policy(0, SCHED_FIFO, 1), EPERM);
    REQUIRE_ERRNO(set_policy(1, SCHED_OTHER, 0), EPERM);
    return true;
}

static bool policy_reset_on_fork(void)
{
    REQUIRE(set_policy(0, SCHED_FIFO | 0x40000000 /* SCHED_RESET_ON_FORK */, 5) == 0);
    REQUIRE(policy_of(0) == (SCHED_FIFO | 0x40000000));
    struct sched_param parameters = {.sched_priority = 6};
    REQUIRE(syscall(SYS_sched_setparam, 0, &parameters) == 0);
    REQUIRE(policy_of(0) == (SCHED_FIFO | 0x40000000));
    pid_t child = fork();
    if (child == 0)
        _exit(policy_of(0) == SCHED_OTHER && priority_of(0) == 0 ? 0 : 1);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool priority_bounds(void)
{
    REQUIRE(sched_get_priority_min(SCHED_FIFO) == 1 && sched_get_priority_max(SCHED_FIFO) == 99);
    REQUIRE(sched_get_priority_min(SCHED_RR) == 1 && sched_get_priority_max(SCHED_RR) == 99);
    REQUIRE(sched_get_priority_min(SCHED_OTHER) == 0 && sched_get_priority_max(SCHED_OTHER) == 0);
    REQUIRE_ERRNO(sched_get_priority_max(77), EINVAL);
    return true;
}

static bool intervals(void)
{
    struct timespec interval = {-1, -1};

    REQUIRE(set_policy(0, SCHED_RR, 1) == 0);
    REQUIRE(sched_rr_get_interval(0, &interval) == 0);
    REQUIRE(interval.tv_sec == 0 && interval.tv_nsec == 100000000);
    REQUIRE(set_policy(0, SCHED_FIFO, 1) == 0);
    REQUIRE(sched_rr_get_interval(0, &interval) == 0);
    REQUIRE(interval.tv_sec == 0 && interval.tv_nsec == 0);
    REQUIRE_ERRNO(sched_rr_get_interval(-1, &interval), EINVAL);
    REQUIRE_ERRNO(sched_rr_get_interval(99999, &interval), ESRCH);
    return true;
}

static bool nice_values(void)
{
    REQUIRE(getpriority(PRIO_PROCESS, 0) == 0);
    REQUIRE(nice(5) == 5 && getpriority(PRIO_PROCESS, 0) == 5);
    REQUIRE(nice(100) == 19);
    REQUIRE(setpriority(PRIO_PROCESS, 0, -100) == 0 && getpriority(PRIO_PROCESS, 0) == -20);
    REQUIRE_ERRNO(setpriority(77, 0, 0), EINVAL);
    REQUIRE_ERRNO(setpriority(PRIO_PROCESS, 99999, 0), ESRCH);
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    REQUIRE(setpriority(PRIO_PROCESS, 0, 0) == 0 || errno == EACCES);
    REQUIRE_ERRNO(setpriority(PRIO_PROCESS, 1, 0), EPERM);
    return true;
}

static bool affinity(void)
{
    cpu_set_t set;

    bind_to_one_cpu();
    CPU_ZERO(&set);
    REQUIRE(sched_getaffinity(0, sizeof(set), &set) == 0);
    REQUIRE(CPU_ISSET(0, &set) && CPU_COUNT(&set) == 1);
    REQUIRE(sched_getcpu() == 0);
    CPU_ZERO(&set);
    REQUIRE_ERRNO(sched_setaffinity(0, sizeof(set), &set), EINVAL);
    REQUIRE_ERRNO(sched_setaffinity(99999, sizeof(set), &set), ESRCH);
    REQUIRE_ERRNO(syscall(SYS_sched_getaffinity, 0, 4, &set), EINVAL);
    return true;
}

/* ---- what it does: on one CPU ---- */

static volatile int order[8], arrived;
static volatile bool go;

struct runner {
    pthread_t thread;
    int name, policy, priority;
};

static void arrive(int name)
{
    order[__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST)] = name;
}

static void *run(void *argument)
{
    const struct runner *runner = argument;

    arrive(runner->name);
    return NULL;
}

static bool start(struct runner *runner, void *(*work)(void *))
{
    struct sched_param parameters = {.sched_priority = runner->priority};
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, runner->policy);
    pthread_attr_setschedparam(&attributes, &parameters);
    return pthread_create(&runner->thread, &attributes, work, runner) == 0;
}

static bool higher_priority_goes_first(void)
{
    struct runner runners[4] = {{.name = 1, .policy = SCHED_FIFO, .priority = 10},
                                {.name = 2, .policy = SCHED_RR, .priority = 30},
                                {.name = 3, .policy = SCHED_FIFO, .priority = 20},
                                {.name = 4, .policy = SCHED_FIFO, .priority = 40}};

    bind_to_one_cpu();
    REQUIRE(set_policy(0, SCHED_FIFO, 50) == 0);
    for (int i = 0; i < 4; i++)
        REQUIRE(start(&runners[i], run));
    sched_yield(); /* nobody of the same priority is there */
    REQUIRE(arrived == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(runners[i].thread, NULL);
    REQUIRE(order[0] == 4 && order[1] == 2 && order[2] == 3 && order[3] == 1);
    return true;
}

static bool woken_thread_preempts(void)
{
    struct runner runner = {.name = 1, .policy = SCHED_FIFO, .priority = 20};

    bind_to_one_cpu();
    REQUIRE(set_policy(0, SCHED_FIFO, 10) == 0);
    REQUIRE(start(&runner, run));
    arrive(2); /* the other one has been here */
    REQUIRE(order[0] == 1 && order[1] == 2);
    return pthread_join(runner.thread, NULL) == 0;
}

static void *yield_and_run(void *argument)
{
    const struct runner *runner = argument;

    arrive(runner->name);
    sched_yield();
    arrive(runner->name);
    return NULL;
}

static bool yield_goes_behind_equals(void)
{
    struct runner runners[2] = {{.name = 1, .policy = SCHED_FIFO, .priority = 10},
                                {.name = 2, .policy = SCHED_FIFO, .priority = 10}};

    bind_to_one_cpu();
    REQUIRE(set_policy(0, SCHED_FIFO, 50) == 0);
    for (int i = 0; i < 2; i++)
        REQUIRE(start(&runners[i], yield_and_run));
    for (int i = 0; i < 2; i++)
        pthread_join(runners[i].thread, NULL);
    /* The second one came down to that priority last, and so stands before its equal. */
    REQUIRE(order[0] == 2 && order[1] == 1 && order[2] == 2 && order[3] == 1);
    return true;
}

static void *spin(void *argument)
{
    const struct runner *runner = argument;

    while (!go)
        ;
    arrive(runner->name);
    return NULL;
}

static void *let_go(void *argument)
{
    (void)argument;
    go = true;
    return NULL;
}

static bool round_robin_takes_turns(void)
{
    struct runner one = {.name = 1, .policy = SCHED_RR, .priority = 10};
    struct runner other = {.name = 2, .policy = SCHED_RR, .priority = 10};

    bind_to_one_cpu();
    REQUIRE(set_policy(0, SCHED_FIFO, 50) == 0);
    REQUIRE(start(&one, spin) && start(&other, let_go)); /* it comes though the first one spins */
    REQUIRE(pthread_join(one.thread, NULL) == 0 && pthread_join(other.thread, NULL) == 0);
    return true;
}

static bool priority_is_raised(void)
{
    struct runner runner = {.name = 1, .policy = SCHED_FIFO, .priority = 5};
    struct sched_param higher = {.sched_priority = 20};

    bind_to_one_cpu();
    REQUIRE(set_policy(0, SCHED_FIFO, 10) == 0);
    REQUIRE(start(&runner, run));
    REQUIRE(arrived == 0);
    REQUIRE(pthread_setschedparam(runner.thread, SCHED_FIFO, &higher) == 0);
    arrive(2);
    REQUIRE(order[0] == 1 && order[1] == 2);
    return pthread_join(runner.thread, NULL) == 0;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *lock_and_run(void *argument)
{
    pthread_mutex_lock(&mutex);
    run(argument);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static bool futex_wakes_by_priority(void)
{
    struct runner runners[3] = {{.name = 1, .policy = SCHED_FIFO, .priority = 10},
                                {.name = 2, .policy = SCHED_FIFO, .priority = 30},
                                {.name = 3, .policy = SCHED_FIFO, .priority = 20}};

    bind_to_one_cpu();
    REQUIRE(set_policy(0, SCHED_FIFO, 5) == 0);
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 3; i++) /* each runs at once, up to the lock */
        REQUIRE(start(&runners[i], lock_and_run));
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 3; i++)
        pthread_join(runners[i].thread, NULL);
    REQUIRE(order[0] == 2 && order[1] == 3 && order[2] == 1);
    return true;
}

static bool others_are_not_starved(void)
{
    struct runner greedy = {.name = 1, .policy = SCHED_FIFO, .priority = 99};
    struct runner modest = {.name = 2, .policy = SCHED_OTHER};

    bind_to_one_cpu();
    REQUIRE(start(&modest, let_go) && start(&greedy, spin));
    REQUIRE(pthread_join(greedy.thread, NULL) == 0 && pthread_join(modest.thread, NULL) == 0);
    return true;
}

static const struct test_case cases[] = {
    {"policies and priorities are kept", "sched_setscheduler(2)", policies_are_kept},
    {"sched_setscheduler: errors", "sched_setscheduler(2)", policy_errors},
    {"RLIMIT_RTPRIO", "sched(7)", policy_needs_permission},
    {"SCHED_RESET_ON_FORK", "sched(7)", policy_reset_on_fork},
    {"sched_get_priority_min, _max", "sched_get_priority_min(2)", priority_bounds},
    {"sched_rr_get_interval", "sched_rr_get_interval(2)", intervals},
    {"nice, getpriority, setpriority", "setpriority(2)", nice_values},
    {"sched_setaffinity", "sched_setaffinity(2)", affinity},
    {"the highest priority goes first", "sched(7)", higher_priority_goes_first},
    {"a thread of higher priority runs at once", "sched(7)", woken_thread_preempts},
    {"sched_yield goes behind its equals", "sched_yield(2)", yield_goes_behind_equals},
    {"SCHED_RR takes turns", "sched(7)", round_robin_takes_turns},
    {"a priority that is raised", "POSIX pthread_setschedparam", priority_is_raised},
    {"a lock goes to the highest priority", "POSIX pthread_mutex_unlock", futex_wakes_by_priority},
    {"real-time threads leave something to others", "sched(7)", others_are_not_starved},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

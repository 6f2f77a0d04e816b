/* timers: clocks, sleeping, alarm, setitimer, POSIX timers, timerfd, used time. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <poll.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>

#include "cases.h"

static volatile sig_atomic_t count;
static siginfo_t last;

static void informing(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)context;
    last = *information;
    count++;
}

static void inform(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = informing, .sa_flags = flags | SA_SIGINFO};

    sigaction(signal, &action, NULL);
}

static void burn(long milliseconds)
{
    struct timespec now;
    long until;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    until = now.tv_sec * 1000 + now.tv_nsec / 1000000 + milliseconds;
    do {
        for (volatile int i = 0; i < 20000; i++)
            ;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    } while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < until);
}

static bool clocks_exist(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME,           CLOCK_MONOTONIC,
                                       CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
                                       CLOCK_MONOTONIC_RAW,      CLOCK_REALTIME_COARSE,
                                       CLOCK_MONOTONIC_COARSE,   CLOCK_BOOTTIME};
    struct timespec now;

    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        REQUIRE(syscall(SYS_clock_gettime, clocks[i], &now) == 0);
        REQUIRE(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
        REQUIRE(clock_getres(clocks[i], &now) == 0 && now.tv_sec == 0);
    }
    return true;
}

static bool clock_errors(void)
{
    struct timespec now;

    REQUIRE_ERRNO(syscall(SYS_clock_gettime, 99, &now), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_clock_getres, 99, &now), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)1), EFAULT);
    REQUIRE(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL) == 0);
    REQUIRE_ERRNO(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &now), EINVAL);
    return true;
}

static bool monotonic_never_back(void)
{
    struct timespec before, now;

    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < 20000; i++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        REQUIRE(now.tv_sec > before.tv_sec ||
                (now.tv_sec == before.tv_sec && now.tv_nsec >= before.tv_nsec));
        before = now;
    }
    return true;
}

static bool wall_clocks_agree(void)
{
    struct timespec now;
    struct timeval day;

    long seconds = syscall(SYS_time, NULL);
    REQUIRE(syscall(SYS_gettimeofday, &day, NULL) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0);
    REQUIRE(day.tv_sec - seconds <= 1 && now.tv_sec - day.tv_sec <= 1);
    REQUIRE(seconds > 1600000000);
    return true;
}

static bool settime_needs_privilege(void)
{
    static const struct timespec before_boot = {0, 0}, none = {1, -1}, too_late = {INT64_MAX, 0};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    REQUIRE(setuid(1000) == 0);
    REQUIRE_ERRNO(clock_settime(CLOCK_REALTIME, &now), EPERM);
    REQUIRE_ERRNO(clock_settime(CLOCK_REALTIME, &before_boot), EPERM);
    REQUIRE_ERRNO(clock_settime(CLOCK_REALTIME, &none), EINVAL);
    REQUIRE_ERRNO(clock_settime(CLOCK_REALTIME, &too_late), EINVAL);
    return true;
}

/* What is wrong with the time itself is told first. */
static bool settimeofday_needs_privilege(void)
{
    static const struct timeval before_boot = {0, 0}, none = {1, -1}, too_late = {INT64_MAX, 0};
    static const struct timezone zone;

    REQUIRE_ERRNO(settimeofday(&before_boot, NULL), EINVAL);
    REQUIRE(setuid(1000) == 0);
    REQUIRE_ERRNO(settimeofday(&before_boot, NULL), EPERM);
    REQUIRE_ERRNO(settimeofday(&none, NULL), EINVAL);
    REQUIRE_ERRNO(settimeofday(&too_late, NULL), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_settimeofday, NULL, &zone), EPERM);
    REQUIRE_ERRNO(syscall(SYS_settimeofday, &none, (void *)8), EINVAL);
    return true;
}

static bool cpu_clock_of_process(void)
{
    struct timespec before, after;
    clockid_t clock;

    REQUIRE(clock_getcpuclockid(getpid(), &clock) == 0);
    REQUIRE(syscall(SYS_clock_gettime, clock, &before) == 0);
    burn(30);
    REQUIRE(syscall(SYS_clock_gettime, clock, &after) == 0);
    long used = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    REQUIRE(used >= 29 && used < 2000);
    return true;
}

static bool sleep_uses_no_cpu_time(void)
{
    struct timespec before, after;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    sleep_ms(200);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    long used = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    REQUIRE(used < 150);
    return true;
}

static bool nanosleep_long_enough(void)
{
    struct timespec request = {0, 30000000};
    long before = now_ms();

    REQUIRE(nanosleep(&request, NULL) == 0);
    REQUIRE(now_ms() - before >= 29);
    return true;
}

static bool nanosleep_errors(void)
{
    struct timespec bad = {0, 1000000000}, negative = {-1, 0};

    REQUIRE_ERRNO(nanosleep(&bad, NULL), EINVAL);
    REQUIRE_ERRNO(nanosleep(&negative, NULL), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_nanosleep, (void *)1, NULL), EFAULT);
    return true;
}

static bool clock_nanosleep_absolute(void)
{
    struct timespec until;
    long before = now_ms();

    clock_gettime(CLOCK_MONOTONIC, &until);
    REQUIRE(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
    until.tv_sec += until.tv_nsec >= 950000000;
    until.tv_nsec = (until.tv_nsec + 50000000) % 1000000000;
    REQUIRE(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
    REQUIRE(now_ms() - before >= 49);
    clock_gettime(CLOCK_REALTIME, &until);
    REQUIRE(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == 0);
    return true;
}

static bool clock_nanosleep_errors(void)
{
    struct timespec request = {0, 1};

    REQUIRE_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &request, NULL),
                  EOPNOTSUPP);
    REQUIRE_ERRNO(syscall(SYS_clock_nanosleep, 99, 0, &request, NULL), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &request, NULL), EOPNOTSUPP);
    return true;
}

/* ---- alarm, setitimer ---- */

static bool alarm_sends(void)
{
    inform(SIGALRM, 0);
    REQUIRE(alarm(10) == 0);
    REQUIRE(alarm(1) == 10);
    long before = now_ms();
    pause();
    REQUIRE(count == 1 && last.si_code == SI_KERNEL && now_ms() - before >= 980);
    REQUIRE(alarm(0) == 0);
    return true;
}

static bool alarm_cancelled_and_not_inherited(void)
{
    inform(SIGALRM, 0);
    alarm(5);
    pid_t child = fork();
    if (child == 0)
        _exit(alarm(0));
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(alarm(0) == 5);
    return true;
}

static bool real_timer_repeats(void)
{
    struct itimerval value = {{0, 20000}, {0, 20000}}, now;

    inform(SIGALRM, SA_RESTART);
    REQUIRE(setitimer(ITIMER_REAL, &value, NULL) == 0);
    REQUIRE(EVENTUALLY(count >= 5));
    REQUIRE(getitimer(ITIMER_REAL, &now) == 0);
    REQUIRE(now.it_interval.tv_usec == 20000 && now.it_value.tv_usec <= 20000);
    memset(&value, 0, sizeof(value));
    REQUIRE(setitimer(ITIMER_REAL, &value, &now) == 0 && now.it_interval.tv_usec == 20000);
    int before = count;
    sleep_ms(60);
    REQUIRE(count == before);
    return true;
}

static bool profiling_timer(void)
{
    struct itimerval value = {{0, 0}, {0, 20000}};

    inform(SIGPROF, 0);
    REQUIRE(setitimer(ITIMER_PROF, &value, NULL) == 0);
    sleep_ms(60);
    REQUIRE(count == 0); /* asleep no time is used */
    burn(200);
    REQUIRE(count == 1);
    return true;
}

static bool virtual_timer(void)
{
    struct itimerval value = {{0, 0}, {0, 20000}};

    inform(SIGVTALRM, 0);
    REQUIRE(setitimer(ITIMER_VIRTUAL, &value, NULL) == 0);
    long until = now_ms() + 3000;
    while (!count && now_ms() < until)
        for (volatile int i = 0; i < 1000000; i++)
            ;
    REQUIRE(count == 1);
    return true;
}

static bool itimer_errors(void)
{
    struct itimerval bad = {{0, 0}, {0, 1000000}};

    REQUIRE_ERRNO(setitimer(9, &bad, NULL), EINVAL);
    REQUIRE_ERRNO(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_getitimer, 9, &bad), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_getitimer, ITIMER_REAL, (void *)1), EFAULT);
    return true;
}

/* ---- POSIX timers ---- */

static bool timer_sends(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec value = {{0, 0}, {0, 20000000}}, now;
    timer_t timer;

    inform(SIGUSR1, 0);
    event.sigev_value.sival_int = 11;
    REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    REQUIRE(timer_gettime(timer, &now) == 0 && now.it_value.tv_nsec == 0);
    REQUIRE(timer_settime(timer, 0, &value, NULL) == 0);
    REQUIRE(EVENTUALLY(count == 1));
    REQUIRE(last.si_code == SI_TIMER && last.si_value.sival_int == 11 && last.si_overrun == 0);
    REQUIRE(timer_gettime(timer, &now) == 0 && now.it_value.tv_nsec == 0);
    REQUIRE(timer_delete(timer) == 0);
    return true;
}

static bool timer_overruns(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec value = {{0, 5000000}, {0, 5000000}};
    sigset_t set, old;
    timer_t timer;

    inform(SIGUSR1, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    REQUIRE(timer_settime(timer, 0, &value, NULL) == 0);
    sleep_ms(100);
    sigprocmask(SIG_SETMASK, &old, NULL);
    REQUIRE(count >= 1 && timer_getoverrun(timer) >= 0);
    timer_delete(timer);
    REQUIRE(count >= 1);
    return true;
}

static bool timer_overrun_count(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec value = {{0, 10000000}, {0, 10000000}};
    siginfo_t information;
    sigset_t set;
    timer_t timer;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    REQUIRE(timer_settime(timer, 0, &value, NULL) == 0);
    sleep_ms(155);
    REQUIRE(sigwaitinfo(&set, &information) == SIGUSR1);
    REQUIRE(information.si_overrun >= 13 && information.si_overrun <= 60);
    REQUIRE(timer_getoverrun(timer) == information.si_overrun);
    REQUIRE(timer_delete(timer) == 0);
    return true;
}

static bool timer_absolute_in_the_past(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec value = {{0, 0}, {1, 0}};
    timer_t timer;

    inform(SIGUSR1, 0);
    REQUIRE(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
    REQUIRE(timer_settime(timer, TIMER_ABSTIME, &value, NULL) == 0);
    REQUIRE(EVENTUALLY(count == 1));
    return true;
}

static bool timer_none(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec value = {{0, 0}, {5, 0}}, now;
    timer_t timer;

    REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    REQUIRE(timer_settime(timer, 0, &value, NULL) == 0);
    REQUIRE(timer_gettime(timer, &now) == 0);
    REQUIRE(now.it_value.tv_sec == 4 || now.it_value.tv_sec == 5);
    return true;
}

static bool timer_to_thread(void)
{
    struct {
        int value[2];
        int signal, notify, thread;
        int rest[12];
    } event = {.signal = SIGUSR1, .notify = 4, .thread = gettid()};
    struct itimerspec value = {{0, 0}, {0, 10000000}};
    int timer;

    inform(SIGUSR1, 0);
    REQUIRE(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0);
    REQUIRE(syscall(SYS_timer_settime, timer, 0, &value, NULL) == 0);
    REQUIRE(EVENTUALLY(count == 1));
    event.thread = getppid();
    REQUIRE_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer), EINVAL);
    return true;
}

static bool timer_errors(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99};
    struct itimerspec value = {{0, 0}, {0, 1000000000}};
    int timer;

    REQUIRE_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_timer_create, 99, NULL, &timer), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_timer_delete, 12345), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_timer_gettime, 12345, &value), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_timer_getoverrun, 12345), EINVAL);
    REQUIRE(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer) == 0);
    REQUIRE_ERRNO(syscall(SYS_timer_settime, timer, 0, &value, NULL), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_timer_settime, timer, 0, NULL, NULL), EINVAL);
    return true;
}

static bool timers_not_inherited(void)
{
    struct itimerspec value = {{0, 0}, {5, 0}};
    int timer;

    REQUIRE(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer) == 0);
    REQUIRE(syscall(SYS_timer_settime, timer, 0, &value, NULL) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(syscall(SYS_timer_gettime, timer, &value) == -1 && errno == EINVAL ? 0 : 1);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool timer_on_cpu_time(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec value = {{0, 0}, {0, 30000000}};
    timer_t timer;

    inform(SIGUSR1, 0);
    REQUIRE(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) == 0);
    REQUIRE(timer_settime(timer, 0, &value, NULL) == 0);
    sleep_ms(100);
    REQUIRE(count == 0);
    burn(200);
    REQUIRE(count == 1);
    return true;
}

/* ---- timerfd ---- */

static bool timerfd_reads(void)
{
    struct itimerspec value = {{0, 0}, {0, 30000000}};
    uint64_t expirations = 0;
    long before = now_ms();

    int file = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    REQUIRE(file >= 0 && timerfd_settime(file, 0, &value, NULL) == 0);
    struct pollfd descriptor = {.fd = file, .events = POLLIN};
    REQUIRE(poll(&descriptor, 1, 0) == 0);
    REQUIRE(read(file, &expirations, 8) == 8 && expirations == 1);
    REQUIRE(now_ms() - before >= 29);
    REQUIRE_ERRNO(read(file, &expirations, 4), EINVAL);
    return true;
}

static bool timerfd_counts(void)
{
    struct itimerspec value = {{0, 10000000}, {0, 10000000}}, now;
    uint64_t expirations = 0;

    int file = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    REQUIRE(timerfd_settime(file, 0, &value, NULL) == 0);
    REQUIRE_ERRNO(read(file, &expirations, 8), EAGAIN);
    sleep_ms(105);
    REQUIRE(read(file, &expirations, 8) == 8 && expirations >= 9 && expirations < 60);
    REQUIRE(timerfd_gettime(file, &now) == 0 && now.it_interval.tv_nsec == 10000000);
    struct pollfd descriptor = {.fd = file, .events = POLLIN};
    REQUIRE(poll(&descriptor, 1, 1000) == 1);
    return true;
}

static bool timerfd_errors(void)
{
    struct itimerspec value = {{0, 0}, {0, 1000000000}};
    int file = timerfd_create(CLOCK_MONOTONIC, 0);

    REQUIRE_ERRNO(timerfd_create(99, 0), EINVAL);
    REQUIRE_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    REQUIRE_ERRNO(timerfd_settime(file, 0, &value, NULL), EINVAL);
    REQUIRE_ERRNO(timerfd_settime(0, 0, &(struct itimerspec){0}, NULL), EINVAL);
    REQUIRE_ERRNO(timerfd_settime(-1, 0, &(struct itimerspec){0}, NULL), EBADF);
    return true;
}

/* ---- used time ---- */

static bool times_and_children(void)
{
    struct tms now;
    struct rusage usage;

    pid_t child = fork();
    if (child == 0) {
        burn(60);
        _exit(0);
    }
    int status;
    REQUIRE(wait4(child, &status, 0, &usage) == child);
    long used = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    REQUIRE(used >= 50000 && used < 900000);
    REQUIRE(times(&now) != (clock_t)-1 && now.tms_cutime + now.tms_cstime >= 4);
    REQUIRE(getrusage(RUSAGE_CHILDREN, &usage) == 0);
    REQUIRE(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 50000);
    return true;
}

static bool rusage_errors(void)
{
    struct rusage usage;

    REQUIRE_ERRNO(getrusage(99, &usage), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_getrusage, RUSAGE_SELF, (void *)1), EFAULT);
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    REQUIRE(getrusage(1, &usage) == 0);
    return true;
}

static bool user_time_is_told_apart(void)
{
    struct rusage usage;

    burn(100);
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    REQUIRE(usage.ru_utime.tv_usec > 40000);
    return true;
}

/* With nobody to handle them these could take all time there is. */
static bool shortest_intervals(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};
    struct itimerspec setting = {{0, 1}, {0, 1}};
    struct itimerval real = {{0, 1}, {0, 1}};
    timer_t timer;

    signal(SIGALRM, SIG_IGN);
    REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    REQUIRE(timer_settime(timer, 0, &setting, NULL) == 0);
    REQUIRE(setitimer(ITIMER_REAL, &real, NULL) == 0);
    burn(100);
    sleep_ms(10);
    REQUIRE(timer_delete(timer) == 0);
    return true;
}

/* ---- the wall clock is set ---- */

/* Moves the wall clock by some seconds, and back at the end of the case. */
static void move_clock(long seconds)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += seconds;
    clock_settime(CLOCK_REALTIME, &time);
}

/* An hour ahead by the wall clock. */
static struct timespec in_an_hour(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += 3600;
    return time;
}

/* A child moves the clock an hour and more ahead, when this process sleeps. */
static void move_clock_soon(void)
{
    if (fork() == 0) {
        sleep_ms(50);
        move_clock(3610);
        _exit(0);
    }
}

/* The clock is put back; true: all that took less than what a program could have slept for. */
static bool noticed_at_once(long since)
{
    move_clock(-3610);
    return now_ms() - since < 600;
}

static bool clock_settime_errors(void)
{
    static const struct timespec bad[] = {
        {-1, 0}, {0, 0}, {1, -1}, {1, 1000000000}, {INT64_MAX, 0}, {INT64_MAX / 1000000000, 0}};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        REQUIRE_ERRNO(clock_settime(CLOCK_REALTIME, &bad[i]), EINVAL);
    REQUIRE_ERRNO(clock_settime(CLOCK_MONOTONIC, &bad[0]), EINVAL);
    return true;
}

static bool absolute_sleep_follows(void)
{
    struct timespec until = in_an_hour();
    long since = now_ms();

    move_clock_soon();
    REQUIRE(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == 0);
    REQUIRE(noticed_at_once(since));
    return true;
}

static bool relative_sleep_stays(void)
{
    struct timespec time = {0, 200000000};
    long since = now_ms();

    move_clock_soon();
    REQUIRE(clock_nanosleep(CLOCK_REALTIME, 0, &time, NULL) == 0);
    long slept = now_ms() - since;
    move_clock(-3610);
    REQUIRE(slept >= 199);
    return true;
}

static bool absolute_timer_follows(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec setting = {.it_value = in_an_hour()};
    long since = now_ms();
    timer_t timer;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    REQUIRE(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
    REQUIRE(timer_settime(timer, TIMER_ABSTIME, &setting, NULL) == 0);
    move_clock_soon();
    REQUIRE(sigwaitinfo(&set, NULL) == SIGUSR1);
    REQUIRE(noticed_at_once(since));
    return true;
}

static bool relative_timer_stays(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec setting = {.it_value = {0, 200000000}};
    struct timespec limit = {5, 0};
    timer_t timer;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    REQUIRE(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
    long since = now_ms();
    REQUIRE(timer_settime(timer, 0, &setting, NULL) == 0);
    move_clock(-3610);
    int taken = sigtimedwait(&set, NULL, &limit);
    long waited = now_ms() - since;
    move_clock(3610);
    REQUIRE(taken == SIGUSR1 && waited >= 199);
    return true;
}

static bool timerfd_follows(void)
{
    int timer = timerfd_create(CLOCK_REALTIME, 0);
    struct itimerspec setting = {.it_value = in_an_hour()};
    long since = now_ms();
    uint64_t expired;

    REQUIRE(timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL) == 0);
    move_clock_soon();
    REQUIRE(read(timer, &expired, sizeof(expired)) == sizeof(expired) && expired == 1);
    REQUIRE(noticed_at_once(since));
    return true;
}

static bool timerfd_is_cancelled(void)
{
    int timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    int flags = TFD_TIMER_ABSTIME | (1 << 1) /* TFD_TIMER_CANCEL_ON_SET */;
    struct itimerspec setting = {.it_value = in_an_hour()};
    struct pollfd one = {.fd = timer, .events = POLLIN};
    uint64_t expired;

    setting.it_value.tv_sec += 86400;
    REQUIRE(timerfd_settime(timer, flags, &setting, NULL) == 0);
    REQUIRE_ERRNO(read(timer, &expired, sizeof(expired)), EAGAIN);
    long since = now_ms();
    move_clock_soon();
    REQUIRE(poll(&one, 1, 5000) == 1 && one.revents == POLLIN);
    REQUIRE_ERRNO(read(timer, &expired, sizeof(expired)), ECANCELED);
    REQUIRE_ERRNO(read(timer, &expired, sizeof(expired)), EAGAIN);
    REQUIRE(noticed_at_once(since));
    REQUIRE_ERRNO(timerfd_settime(timer, flags, &setting, NULL), ECANCELED);
    REQUIRE(timerfd_settime(timer, flags, &setting, NULL) == 0);
    return true;
}

static bool futex_follows(void)
{
    struct timespec until = in_an_hour();
    uint32_t word = 0;
    long since = now_ms();

    move_clock_soon();
    REQUIRE_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &until,
                          NULL, FUTEX_BITSET_MATCH_ANY),
                  ETIMEDOUT);
    REQUIRE(noticed_at_once(since));
    return true;
}

static const struct test_case cases[] = {
    {"every clock", "clock_gettime(2)", clocks_exist},
    {"clocks: errors", "clock_gettime(2)", clock_errors},
    {"CLOCK_MONOTONIC never goes back", "clock_gettime(2)", monotonic_never_back},
    {"time, gettimeofday and CLOCK_REALTIME agree", "time(2)", wall_clocks_agree},
    {"clock_settime: EPERM", "clock_gettime(2)", settime_needs_privilege},
    {"settimeofday: EPERM", "settimeofday(2)", settimeofday_needs_privilege},
    {"the CPU-time clock of a process", "clock_getcpuclockid(3)", cpu_clock_of_process},
    {"sleep is no CPU time", "clock_gettime(2)", sleep_uses_no_cpu_time},
    {"nanosleep sleeps long enough", "nanosleep(2)", nanosleep_long_enough},
    {"nanosleep: errors", "nanosleep(2)", nanosleep_errors},
    {"clock_nanosleep: TIMER_ABSTIME", "clock_nanosleep(2)", clock_nanosleep_absolute},
    {"clock_nanosleep: errors", "clock_nanosleep(2)", clock_nanosleep_errors},
    {"alarm", "alarm(2)", alarm_sends},
    {"alarm: cancelled, not inherited", "alarm(2)", alarm_cancelled_and_not_inherited},
    {"ITIMER_REAL repeats", "setitimer(2)", real_timer_repeats},
    {"ITIMER_PROF", "setitimer(2)", profiling_timer},
    {"ITIMER_VIRTUAL", "setitimer(2)", virtual_timer},
    {"setitimer: errors", "setitimer(2)", itimer_errors},
    {"timer_settime: a signal with a value", "timer_create(2)", timer_sends},
    {"a periodic timer whose signal is blocked", "timer_create(2)", timer_overruns},
    {"timer_getoverrun and si_overrun", "timer_getoverrun(2)", timer_overrun_count},
    {"timer_settime: a time in the past", "timer_settime(2)", timer_absolute_in_the_past},
    {"SIGEV_NONE", "sigevent(7)", timer_none},
    {"SIGEV_THREAD_ID", "sigevent(7)", timer_to_thread},
    {"POSIX timers: errors", "timer_create(2)", timer_errors},
    {"POSIX timers are not inherited", "fork(2)", timers_not_inherited},
    {"a POSIX timer on CPU time", "timer_create(2)", timer_on_cpu_time},
    {"the shortest intervals, of ignored signals", "timer_settime(2)", shortest_intervals},
    {"timerfd: read, poll", "timerfd_create(2)", timerfd_reads},
    {"timerfd: counts expirations", "timerfd_create(2)", timerfd_counts},
    {"timerfd: errors", "timerfd_create(2)", timerfd_errors},
    {"clock_settime: errors", "clock_settime(2)", clock_settime_errors},
    {"a set clock ends absolute sleeps", "POSIX clock_settime", absolute_sleep_follows},
    {"a set clock leaves relative sleeps alone", "POSIX clock_settime", relative_sleep_stays},
    {"absolute POSIX timers follow a set clock", "POSIX clock_settime", absolute_timer_follows},
    {"relative POSIX timers do not", "POSIX clock_settime", relative_timer_stays},
    {"timerfd: follows a set clock", "timerfd_create(2)", timerfd_follows},
    {"timerfd: TFD_TIMER_CANCEL_ON_SET", "timerfd_create(2)", timerfd_is_cancelled},
    {"FUTEX_CLOCK_REALTIME follows a set clock", "futex(2)", futex_follows},
    {"wait4, times, RUSAGE_CHILDREN", "getrusage(2)", times_and_children},
    {"getrusage: errors", "getrusage(2)", rusage_errors},
    {"user time", "getrusage(2)", user_time_is_told_apart},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

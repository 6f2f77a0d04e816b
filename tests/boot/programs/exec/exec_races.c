/*
 * exec_races: two to eight threads of a process start at once, to exec, exit, fork, clone, stop, be
 * killed, or to wait in the kernel, while the steps of an exec are stretched one after the other
 * (debug kernels; kernel/process/README.md names them). Whatever wins: the parent sees one end, at
 * most one new image began and it is alone, every process that was made on the way ends well, and
 * the kernel's counts are what they were.
 *
 * Each race is drawn from a seed that is printed: RACES_SEED in the environment repeats it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <tap.h>
#include <time.h>

#include "new_image.h"
#include "proc_baton.h"
#include "raw_call.h"

enum { THREADS_LEAST = 2, THREADS_MOST = 8, TURNS = 7, EXITED = 43, PATIENCE = 60 };

/* What can become of the process, or-ed. */
enum { RUNS = 1, EXITS = 2, KILLED = 4 };

static char *self_path;
static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state << 13; /* xorshift64 */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* ---- the new image ---- */

/* Arguments: the number of the process, a pipe to report to, a descriptor that is to be closed. */
static int check_image(char **arguments)
{
    if (write(atoi(arguments[3]), "i", 1) != 1)
        return LEFT_OPEN;
    if (getpid() != gettid() || getpid() != atoi(arguments[2]))
        return WRONG_NUMBER;
    enum fault fault = fault_of_image();
    if (fault)
        return fault;
    return fcntl(atoi(arguments[4]), F_GETFD) < 0 ? WELL : LEFT_OPEN;
}

/* ---- the racers ---- */

static int reports[2]; /* a pipe: a byte for each image that begins */
static int closing;    /* a descriptor that an exec closes */
static int empty[2];   /* a pipe that nobody writes to */
static uint32_t start, idle_word;
static char number[16], report_number[16], closing_number[16];

static void execute(const char *path)
{
    char *const arguments[] = {self_path, "image", number, report_number, closing_number, NULL};
    char *const environment[] = {NULL};

    raw_call(SYS_execve, (long)path, (long)arguments, (long)environment, 0, 0);
}

static void race_exec(void)
{
    execute(self_path);
    raw_call(SYS_exit_group, 99, 0, 0, 0, 0); /* an exec that lost does not come back */
}
static void race_exec_in_vain(void)
{
    for (;;)
        execute("/etc/passwd");
}
static void race_exit(void)
{
    pthread_exit(NULL);
}
static void race_exit_group(void)
{
    raw_call(SYS_exit_group, EXITED, 0, 0, 0, 0);
}
static void race_fork(void)
{
    for (;;) {
        long child = raw_call(SYS_fork, 0, 0, 0, 0, 0);
        if (child == 0)
            raw_call(SYS_exit_group, 0, 0, 0, 0, 0);
        raw_call(SYS_wait4, child, 0, 0, 0, 0);
    }
}
static void race_vfork(void)
{
    for (;;) {
        pid_t child = vfork();
        if (child == 0) {
            struct timespec time = {0, 300000};
            raw_call(SYS_nanosleep, (long)&time, 0, 0, 0, 0);
            raw_call(SYS_exit_group, 0, 0, 0, 0, 0);
        }
        raw_call(SYS_wait4, child, 0, 0, 0, 0);
    }
}
/* Its child executes another program. */
static void race_spawn(void)
{
    char *const arguments[] = {self_path, "end", NULL};

    for (;;) {
        pid_t child = vfork();
        if (child == 0) {
            raw_call(SYS_execve, (long)self_path, (long)arguments, 0, 0, 0);
            raw_call(SYS_exit_group, 1, 0, 0, 0, 0);
        }
        raw_call(SYS_wait4, child, 0, 0, 0, 0);
    }
}
static void *end_at_once(void *unused)
{
    return unused;
}
static void race_clone_thread(void)
{
    pthread_t thread;

    for (;;)
        if (pthread_create(&thread, NULL, end_at_once, NULL) == 0)
            pthread_join(thread, NULL);
}
/*
 * A process that shares the caller's memory, and with it descriptors and signal actions, for longer
 * than the caller may have them: an exec of the caller's must not close or reset them for it.
 */
static int share_everything(void *unused)
{
    struct timespec time = {0, 1000000};
    uint64_t action[4] = {0};
    (void)unused;
    raw_call(SYS_nanosleep, (long)&time, 0, 0, 0, 0);
    long flags = raw_call(SYS_fcntl, closing, F_GETFD, 0, 0, 0);
    raw_call(SYS_rt_sigaction, SIGUSR1, 0, (long)action, 8, 0);
    raw_call(SYS_exit_group, flags < 0 ? 1 : action[0] == (uintptr_t)SIG_DFL ? 2 : 0, 0, 0, 0, 0);
    return 0;
}
static void race_clone_process(void)
{
    enum { STACK = 1 << 14 };
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (;;) {
        long child = clone(share_everything, stack + STACK,
                           CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | SIGCHLD, NULL);
        raw_call(SYS_wait4, child, 0, 0, 0, 0);
    }
}
static void race_stop(void)
{
    raw_call(SYS_kill, raw_call(SYS_getpid, 0, 0, 0, 0, 0), SIGSTOP, 0, 0, 0);
}
static void race_kill(void)
{
    raw_call(SYS_kill, raw_call(SYS_getpid, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0);
}
/* Page faults: of a file's pages and of fresh ones. */
static void race_touch(void)
{
    enum { SIZE = 1 << 16 };
    int file = open(self_path, O_RDONLY | O_CLOEXEC);

    for (;;) {
        volatile char *shown = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, file, 0);
        volatile char *own =
            mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int at = 0; at < SIZE; at += 4096)
            own[at] = shown[at];
        munmap((void *)shown, SIZE);
        munmap((void *)own, SIZE);
    }
}
static void race_yield(void)
{
    for (;;)
        sched_yield();
}
static void race_compute(void)
{
    for (;;)
        ;
}
static void wait_futex(void)
{
    for (;;)
        raw_call(SYS_futex, (long)&idle_word, FUTEX_WAIT, 0, 0, 0);
}
static void wait_pipe(void)
{
    char byte;
    for (;;)
        raw_call(SYS_read, empty[0], (long)&byte, 1, 0, 0);
}
static void wait_sleep(void)
{
    struct timespec time = {1000, 0};
    for (;;)
        raw_call(SYS_nanosleep, (long)&time, 0, 0, 0, 0);
}
static void wait_suspended(void)
{
    uint64_t mask = UINT64_MAX;
    for (;;)
        raw_call(SYS_rt_sigsuspend, (long)&mask, 8, 0, 0, 0);
}
static void wait_poll(void)
{
    struct pollfd poll = {.fd = empty[0], .events = POLLIN};
    for (;;)
        raw_call(SYS_poll, (long)&poll, 1, -1, 0, 0);
}
/* In wait4(2), for a child that ends when the pipe has no writers any more. */
static void wait_child(void)
{
    long child = raw_call(SYS_fork, 0, 0, 0, 0, 0);
    if (child == 0) {
        char byte;
        raw_call(SYS_close, empty[1], 0, 0, 0, 0);
        raw_call(SYS_read, empty[0], (long)&byte, 1, 0, 0);
        raw_call(SYS_exit_group, 0, 0, 0, 0, 0);
    }
    for (;;)
        raw_call(SYS_wait4, child, 0, 0, 0, 0);
}
static void wait_vfork(void)
{
    pid_t child = vfork();
    if (child == 0) {
        char byte;
        raw_call(SYS_close, empty[1], 0, 0, 0, 0);
        raw_call(SYS_read, empty[0], (long)&byte, 1, 0, 0);
        raw_call(SYS_exit_group, 0, 0, 0, 0, 0);
    }
    for (;;)
        raw_call(SYS_wait4, child, 0, 0, 0, 0);
}

typedef void racer(void);
#define RACERS 8
static const struct race {
    const char *name;
    racer *racers[RACERS]; /* besides one that execs; drawn from these, NULL at the end */
    int ends;
    bool killed_from_outside;
} races[] = {
    {"exec", {race_exec}, RUNS, false},
    {"exec in vain", {race_exec_in_vain}, RUNS, false},
    {"exit_group", {race_exit_group}, RUNS | EXITS, false},
    {"end their thread", {race_exit}, RUNS, false},
    {"fork", {race_fork}, RUNS, false},
    {"vfork", {race_vfork, race_spawn}, RUNS, false},
    {"make threads", {race_clone_thread}, RUNS, false},
    {"make processes that share all", {race_clone_process}, RUNS, false},
    {"stop", {race_stop, wait_futex, race_yield}, RUNS, false},
    {"kill", {race_kill, wait_pipe}, RUNS | KILLED, false},
    {"are killed from outside", {wait_sleep, race_compute, race_fork}, RUNS | KILLED, true},
    {"touch memory", {race_touch}, RUNS, false},
    {"wait",
     {wait_futex, wait_pipe, wait_sleep, wait_suspended, wait_poll, wait_child, wait_vfork},
     RUNS,
     false},
    {"compute or call", {race_compute, race_yield}, RUNS, false},
    {"do any of these",
     {race_exec, race_exit, race_fork, race_spawn, race_clone_thread, race_clone_process, race_stop,
      race_touch},
     RUNS,
     false},
    {"do any of these, or end all",
     {race_exit_group, race_kill, race_exec, race_exec_in_vain, race_vfork, race_clone_thread,
      race_exit, wait_suspended},
     RUNS | EXITS | KILLED,
     true},
};

/* ---- the process they are in ---- */

struct place {
    racer *run;
    const char *moment; /* to be stretched in this thread; NULL: none */
    unsigned delay;     /* rounds before it begins, so that they come in all orders */
};
static struct place places[THREADS_MOST];

static void *take_part(void *argument)
{
    const struct place *place = argument;

    if (place->moment)
        baton_inject(place->moment);
    while (!__atomic_load_n(&start, __ATOMIC_ACQUIRE))
        raw_call(SYS_futex, (long)&start, FUTEX_WAIT, 0, 0, 0);
    for (volatile unsigned round = 0; round < place->delay; round++)
        ;
    place->run();
    return NULL;
}

static void handle(int signal)
{
    (void)signal;
}

static void prepare_process(void)
{
    struct sigaction action = {.sa_handler = handle};
    sigset_t mask;

    sigaction(SIGUSR1, &action, NULL);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    (void)!pipe2(empty, O_CLOEXEC);
    closing = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    snprintf(number, sizeof(number), "%d", getpid());
    snprintf(report_number, sizeof(report_number), "%d", reports[1]);
    snprintf(closing_number, sizeof(closing_number), "%d", closing);
}

/* What other threads than those that exec may linger at. */
static const char *const other_moments[] = {
    "point fork_prepared delay",
    "point fork_visible delay",
    "point exit_begun delay",
    "point exit_left delay",
    NULL,
    NULL,
};

/* In a child. The first thread is one of the racers; which of them execs for sure is drawn too. */
static void run_race(const struct race *race, const char *moment, unsigned threads)
{
    size_t kinds = 0;
    pthread_t thread;

    random_state *= UINT64_C(0x9e3779b97f4a7c15); /* odd: not the parent's next numbers */
    while (kinds < RACERS && race->racers[kinds])
        kinds++;
    for (unsigned i = 0; i < threads; i++) {
        racer *run = race->racers[draw(kinds)];
        const char *other = other_moments[draw(6)];
        places[i] = (struct place){run, moment ? other : NULL, draw(4) ? draw(20000) : 0};
        if (run == race_exec || run == race_exec_in_vain)
            places[i].moment = moment;
    }
    places[draw(threads)] = (struct place){race_exec, moment, draw(2) ? draw(20000) : 0};
    prepare_process();
    for (unsigned i = 1; i < threads; i++)
        pthread_create(&thread, NULL, take_part, &places[i]);
    __atomic_store_n(&start, 1, __ATOMIC_RELEASE);
    raw_call(SYS_futex, (long)&start, FUTEX_WAKE, THREADS_MOST, 0, 0);
    take_part(&places[0]);
    wait_futex();
}

/* ---- the parent ---- */

struct outcome {
    int status;       /* of the process itself */
    unsigned ends;    /* how often it ended */
    unsigned images;  /* how many reported */
    unsigned strange; /* other processes that did not end well */
    int strange_status;
    bool hangs;
};

static void look_after(pid_t child, struct outcome *outcome)
{
    static char text[4096];
    struct timespec until = {PATIENCE, 0};
    sigset_t mask;
    int status;

    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    for (;;) {
        pid_t ended = waitpid(-1, &status, WNOHANG | WUNTRACED);
        if (ended < 0)
            return;
        if (ended == 0) {
            if (sigtimedwait(&mask, NULL, &until) >= 0 || outcome->hangs)
                continue;
            outcome->hangs = true;
            snprintf(text, sizeof(text), "/proc/%d/status", child);
            tap_note("it hangs: %s", file_text(text, text, sizeof(text)) > 0 ? text : "gone");
            if (file_text("/proc/baton/threads", text, sizeof(text)) > 0)
                tap_note("threads: %s", text);
            kill(child, SIGKILL);
            continue;
        }
        if (WIFSTOPPED(status)) {
            kill(ended, SIGCONT);
        } else if (ended == child) {
            outcome->status = status;
            outcome->ends++;
        } else if (status != 0) {
            outcome->strange++;
            outcome->strange_status = status;
        }
    }
}

static bool is_well(const struct race *race, const struct outcome *outcome)
{
    int status = outcome->status;

    if (outcome->hangs || outcome->ends != 1 || outcome->strange)
        return false;
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGKILL && (race->ends & KILLED) && outcome->images <= 1;
    if (WEXITSTATUS(status) == EXITED)
        return (race->ends & EXITS) && outcome->images == 0;
    return WEXITSTATUS(status) == WELL && outcome->images == 1;
}

/* How each of them ended, for the report. */
static struct {
    unsigned runs, exits, killed;
} tally;

static bool race_once(const struct race *race, const char *moment, unsigned threads)
{
    struct outcome outcome = {0};
    uint64_t seed = random_state;
    uint64_t wait = draw(8000000);
    char bytes[64];

    (void)!pipe2(reports, O_NONBLOCK);
    pid_t child = fork();
    if (child == 0)
        run_race(race, moment, threads);
    if (race->killed_from_outside) {
        struct timespec time = {0, wait};
        nanosleep(&time, NULL);
        kill(child, SIGKILL);
    }
    look_after(child, &outcome);
    close(reports[1]);
    ssize_t images = read(reports[0], bytes, sizeof(bytes));
    outcome.images = images > 0 ? images : 0;
    close(reports[0]);

    tally.killed += WIFSIGNALED(outcome.status);
    tally.runs += WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == WELL;
    tally.exits += WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == EXITED;
    if (is_well(race, &outcome))
        return true;
    tap_note("%u threads, %s, seed %#" PRIx64
             ": status %#x, %u ends, %u images, %u others (status %#x)",
             threads, moment ? moment : "no delay", seed, outcome.status, outcome.ends,
             outcome.images, outcome.strange, outcome.strange_status);
    return false;
}

static void stay_on(int cpus)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (int cpu = 0; cpu < cpus; cpu++)
        CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static const char *const moments[] = {
    NULL,
    "point exec_prepared delay",
    "point exec_claimed delay",
    "point exec_alone delay",
    "point exec_numbered delay",
    "point exec_switched delay",
    "point exec_reset delay",
    "point exec_committed delay",
};
enum { MOMENTS = sizeof(moments) / sizeof(*moments), RACES = sizeof(races) / sizeof(*races) };

static void test_races(int cpus)
{
    static char before[2][4096], after[2][4096];
    bool injects = baton_inject("off");

    stay_on(cpus);
    for (size_t i = 0; i < RACES * MOMENTS; i++) /* for warm-up */
        race_once(&races[i / MOMENTS], injects ? moments[i % MOMENTS] : NULL, THREADS_MOST);
    tap_note("%d processors: warm", cpus);
    memset(before, 0, sizeof(before)); /* no page is first touched between the counts */
    memset(after, 0, sizeof(after));
    baton_counts_at_rest(before);
    for (size_t i = 0; i < RACES; i++) {
        unsigned failed = 0;
        memset(&tally, 0, sizeof(tally));
        for (unsigned turn = 0; turn < TURNS * (injects ? MOMENTS : 1); turn++)
            failed += !race_once(&races[i], moments[turn % MOMENTS * injects],
                                 THREADS_LEAST + turn / MOMENTS % (THREADS_MOST - 1));
        tap_ok(failed == 0, "%d processors: one thread execs while others %s", cpus, races[i].name);
        tap_note("%u new images, %u exits, %u killed", tally.runs, tally.exits, tally.killed);
    }
    if (!baton_is_here()) {
        tap_skip("this kernel is not Baton", "%d processors: no count has changed", cpus);
        return;
    }
    baton_counts_at_rest(after);
    if (!tap_ok(strcmp(before[0], after[0]) == 0 && strcmp(before[1], after[1]) == 0,
                "%d processors: no count has changed", cpus))
        tap_note("before: %s %s after: %s %s", before[0], before[1], after[0], after[1]);
}

int main(int count, char **arguments)
{
    const char *seed = getenv("RACES_SEED");
    sigset_t mask;

    self_path = arguments[0];
    if (count > 4)
        return check_image(arguments);
    if (count > 1)
        return 0;
    random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761 | 1;
    tap_note("RACES_SEED=%#" PRIx64, random_state);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    for (int cpus = 1; cpus <= online; cpus *= 2)
        test_races(cpus);
    return tap_done();
}

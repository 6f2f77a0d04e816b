/*
 * call_fuzzer: random system calls of processes and threads that share and fight over whatever they
 * can, as ordinary users and as root, across fork, exec and signals: for CALL_FUZZER_SECONDS, in
 * rounds of some seconds. A referee looks on, in processes that players cannot harm: the machine
 * goes on, every player can be stopped, no rule of call_fuzzer_shared.h is broken; and when all of
 * a round have ended, every count of the kernel is what it was after the first one.
 *
 * CALL_FUZZER_SEED is printed and repeats a run as far as threads let it; CALL_FUZZER_ROUND begins
 * with another round than the first. ../call_fuzzer.py runs it, and tells the players' last calls
 * when the machine has died.
 */
#define _GNU_SOURCE
#include "call_fuzzer_world.h"
#include "tap.h"

#include <sys/random.h>

#define TICK_MS    5
#define SHAKE_MS   20   /* a call that takes so long is interrupted by a signal */
#define KILL_MS    2000 /* so long, its process is killed */
#define LATE_MS    1500 /* a watcher that has not run for so long is told of */
#define LATE_NOTES 4    /* in a round */
#define TEAM_SIZE  3    /* players that a team has at least */
#define CPUS_MOST  16
#define TOLD_CALLS 6 /* of each player, when something is wrong */

static uint64_t seed;
static unsigned long standstill_ms = 20000, round_ms = 10000, round_calls = 20000;

/* Of the referee and of the watchers, one for each CPU. */
static struct {
    _Atomic uint64_t beats[CPUS_MOST]; /* when it last ran */
    _Atomic uint64_t longest;          /* that one of them waited */
    _Atomic bool over;
} * watch;
static pid_t watchers[CPUS_MOST];
static unsigned cpu_count;

/* What the rounds' referees found; theirs and the first one's. */
static struct {
    _Atomic unsigned unending; /* processes that did not end when killed */
    _Atomic unsigned worlds;   /* that were not empty in the end */
    _Atomic unsigned lost;     /* referees of rounds that were ended */
    _Atomic unsigned counts;   /* rounds with other counts after than before */
} * faults;

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pass_ms(long count)
{
    nanosleep(&(struct timespec){count / 1000, count % 1000 * 1000000}, NULL);
}

static void be_first(int priority)
{
    syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &priority); /* musl's does nothing */
}

/* ---- the last calls ---- */

static void ring_tell(const struct ring *ring, unsigned most)
{
    uint64_t count = ring->count;

    tap_note("player %u: process %u, thread %u, team %u, round %u, seed %#llx, call %llu",
             ring->slot, ring->process, ring->thread, ring->team, ring->round,
             (unsigned long long)ring->player_seed, (unsigned long long)count);
    for (uint64_t at = count > most ? count - most : 0; at < count; at++) {
        const struct ring_entry *entry = &ring->entries[at % RING_ENTRIES];
        const uint64_t *a = entry->arguments;
        tap_note("  call %u(%#llx, %#llx, %#llx, %#llx, %#llx, %#llx) = %lld%s", entry->number,
                 (unsigned long long)a[0], (unsigned long long)a[1], (unsigned long long)a[2],
                 (unsigned long long)a[3], (unsigned long long)a[4], (unsigned long long)a[5],
                 (long long)entry->result, entry->done ? "" : " did not return");
    }
}

static void rings_tell(void)
{
    static bool told;

    for (unsigned i = 0; i < RINGS && !told; i++)
        if (ring_at(i)->thread)
            ring_tell(ring_at(i), TOLD_CALLS);
    told = true; /* once is enough */
}

/* ---- that the machine goes on ---- */

static void watch_cpu(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
    be_first(98);
    for (uint64_t before = now_ms(); !watch->over;) {
        pass_ms(20);
        uint64_t now = now_ms();
        watch->beats[cpu] = now;
        if (now - before > watch->longest)
            watch->longest = now - before;
        before = now;
    }
    _exit(0);
}

static void watch_begin(void)
{
    cpu_set_t set;

    watch = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    faults = (void *)((char *)watch + PAGE / 2);
    sched_getaffinity(0, sizeof(set), &set);
    for (unsigned cpu = 0; cpu < CPUS_MOST; cpu++) {
        if (!CPU_ISSET(cpu, &set))
            continue;
        watch->beats[cpu] = now_ms();
        watchers[cpu_count] = fork();
        if (watchers[cpu_count] == 0)
            watch_cpu(cpu);
        cpu_count++;
    }
}

/* The referee's own: its parent is among those that were there before. */
static bool is_watcher(pid_t process)
{
    for (unsigned i = 0; i < cpu_count; i++)
        if (watchers[i] == process)
            return true;
    return process == getpid();
}

/* What the players are in when a processor is late: one of these calls may hold it. */
static void late_tell(unsigned cpu, uint64_t wait)
{
    static uint64_t told[CPUS_MOST];
    static unsigned notes;

    if (told[cpu] == watch->beats[cpu] || ++notes > LATE_NOTES)
        return;
    told[cpu] = watch->beats[cpu];
    tap_note("processor %u has not been heard of for %" PRIu64 " ms; under way are:", cpu, wait);
    for (unsigned i = 0; i < RINGS; i++) {
        const struct ring *ring = ring_at(i);
        const struct ring_entry *entry = &ring->entries[(ring->count - 1) % RING_ENTRIES];
        if (ring->thread && ring->count && !entry->done)
            tap_note("  player %u, quiet for %" PRIu64 " ms: call %u(%#" PRIx64 ", %#" PRIx64
                     ", %#" PRIx64 ", %#" PRIx64 ")",
                     i, now_ms() - ring->quiet_since, entry->number, entry->arguments[0],
                     entry->arguments[1], entry->arguments[2], entry->arguments[3]);
    }
}

static bool stands_still(void)
{
    uint64_t now = now_ms();

    for (unsigned cpu = 0; cpu < CPUS_MOST; cpu++) {
        uint64_t beat = watch->beats[cpu], wait = beat && now > beat ? now - beat : 0;
        if (wait > LATE_MS)
            late_tell(cpu, wait);
        if (wait > watch->longest)
            watch->longest = wait;
    }
    return watch->longest > standstill_ms;
}

/* ---- players that do not get on ---- */

/* Ended, whether somebody has waited for it or not. */
static bool has_ended(const struct ring *ring)
{
    char path[64], text[256];

    snprintf(path, sizeof(path), "/proc/%u/task/%u/stat", ring->process, ring->thread);
    if (file_text(path, text, sizeof(text)) <= 0)
        return true;
    char *state = strrchr(text, ')');
    return !state || state[2] == 'Z' || state[2] == 'X';
}

static void look_after(struct ring *ring, uint64_t now)
{
    if (ring->quiet_moves != ring->moves) {
        ring->quiet_moves = ring->moves;
        ring->quiet_since = now;
        return;
    }
    if (now - ring->quiet_since < SHAKE_MS)
        return;
    if (has_ended(ring)) {
        ring->thread = 0;
        return;
    }
    if (ring->killed_since && now - ring->killed_since > standstill_ms) {
        faults->unending++;
        tap_note("process %u was killed %llu ms ago and is there", ring->process,
                 (unsigned long long)(now - ring->killed_since));
        ring_tell(ring, TOLD_CALLS);
        ring->thread = 0;
    } else if (now - ring->quiet_since > KILL_MS) {
        if (!ring->killed_since)
            ring->killed_since = now;
        kill((pid_t)ring->process, SIGKILL);
    } else {
        syscall(SYS_tgkill, ring->process, ring->thread, SIGUSR1);
    }
}

static void look_after_all(void)
{
    uint64_t now = now_ms();
    uint32_t players = 0;

    for (unsigned i = 0; i < RINGS; i++) {
        struct ring *ring = ring_at(i);
        if (!ring->thread)
            continue;
        look_after(ring, now);
        players += ring->thread != 0;
    }
    shared->players = players;
}

/* ---- processes ---- */

static void reap(void)
{
    siginfo_t information;

    for (;;) {
        memset(&information, 0, sizeof(information));
        if (waitid(P_ALL, 0, &information, WEXITED | WNOHANG | __WALL) || !information.si_pid)
            return;
    }
}

static pid_t before[256]; /* processes that were there before */
static unsigned before_count;

/* A thread of the kernel, which on Linux is a process too: proc(5), stat, flags. */
static bool is_kernel_thread(pid_t process)
{
    char path[64], text[512];
    unsigned flags = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", process);
    char *rest = file_text(path, text, sizeof(text)) > 0 ? strrchr(text, ')') : NULL;
    return rest && sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && flags & 0x200000;
}

static bool is_known(pid_t process)
{
    for (unsigned i = 0; i < before_count; i++)
        if (before[i] == process)
            return true;
    return process <= 0 || is_watcher(process) || is_kernel_thread(process);
}

/* What is to be done with each process but those before, the referee and the watchers. */
static unsigned others_for_each(void (*visit)(pid_t process))
{
    DIR *names = opendir("/proc");
    struct dirent *name;
    unsigned count = 0;

    while (names && (name = readdir(names))) {
        if (is_known(atoi(name->d_name)))
            continue;
        visit(atoi(name->d_name));
        count++;
    }
    if (names)
        closedir(names);
    return count;
}

static void remember_process(pid_t process)
{
    if (before_count < sizeof(before) / sizeof(before[0]))
        before[before_count++] = process;
}

static void kill_process(pid_t process)
{
    kill(process, SIGKILL);
}

/* Until none is there, waited for or not. */
static void end_all(void)
{
    uint64_t begun = now_ms();
    unsigned left;

    shared->over = true;
    while ((left = others_for_each(kill_process))) {
        reap();
        if (now_ms() - begun > standstill_ms) {
            faults->unending += left;
            tap_note("%u processes do not end", left);
            rings_tell();
            return;
        }
        pass_ms(20);
    }
}

static uint64_t player_seed(unsigned round, unsigned number)
{
    uint64_t state = seed ^ (uint64_t)round << 32 ^ number;
    return random_next(&state);
}

/* ---- rounds ---- */

static char counts_before[1 << 13], counts_after[1 << 13];

/* Until they stay: a processor with something to clear away may have to wait for the host's. */
static void counts_settle(char *text)
{
    static char again[1 << 13];
    unsigned alike = 0;

    baton_counts(text, sizeof(again));
    for (unsigned tries = 0; tries < SETTLE_TRIES && alike < SETTLE_ALIKE; tries++) {
        pass_ms(100);
        baton_counts(again, sizeof(again));
        alike = strcmp(text, again) == 0 ? alike + 1 : 0;
        strcpy(text, again);
    }
}

/* What is late may come yet. */
static bool counts_differ(void)
{
    for (unsigned tries = 0; tries < SETTLE_TRIES; tries++) {
        if (strcmp(counts_before, counts_after) == 0)
            return false;
        pass_ms(100);
        baton_counts(counts_after, sizeof(counts_after));
    }
    return true;
}

static void counts_check(unsigned round)
{
    static unsigned warm; /* the first rounds make what stays */

    counts_settle(counts_after);
    if (warm++ >= 2 && counts_differ()) {
        faults->counts++;
        tap_note("round %u leaves other counts:", round);
        baton_counts_note(counts_before, counts_after);
    }
    strcpy(counts_before, counts_after);
}

static bool breached(void)
{
    for (unsigned i = 1; i < BREACHES; i++)
        if (shared->breaches[i])
            return true;
    return false;
}

/* A team has so many processes at least. */
static void fill_teams(unsigned round, unsigned *births)
{
    unsigned alive[TEAMS] = {0};

    for (unsigned i = 0; i < RINGS; i++)
        if (ring_at(i)->thread && ring_at(i)->round == round)
            alive[ring_at(i)->team % TEAMS]++;
    for (unsigned team = 0; team < TEAMS; team++)
        for (unsigned i = alive[team]; i < TEAM_SIZE; i++) {
            uint64_t born = player_seed(round, (*births)++);
            if (fork() == 0)
                world_enter(team, born);
        }
}

static bool worlds_make(void)
{
    mkdir(PLACES, 0755);
    for (unsigned world = 0; world < WORLDS; world++)
        if (!world_make(world))
            return tap_ok(false, "a world can be made: errno %d", errno);
    return true;
}

/* Its referee is a process of its own, whose memory goes with it. */
static bool play_round(unsigned round)
{
    unsigned births = 0, tick = 0;

    memset(rings, 0, RINGS * PAGE);
    shared->round = round;
    shared->over = false;
    shared->births = 0;
    shared->players = 0;
    if (!worlds_make())
        return false;
    uint64_t end = now_ms() + round_ms, calls_before = shared->calls;
    while (now_ms() < end && shared->calls - calls_before < round_calls && !stands_still() &&
           !breached()) {
        if (tick++ % 16 == 0)
            fill_teams(round, &births);
        pass_ms(TICK_MS);
        reap();
        look_after_all();
    }
    bool wrong = stands_still() || breached();
    if (wrong)
        rings_tell();
    end_all();
    for (unsigned world = 0; world < WORLDS; world++)
        faults->worlds += !world_end(world);
    tap_note("round %u: %" PRIu64 " calls, %" PRIu64 " forks, %" PRIu64 " threads, %" PRIu64
             " execs, %" PRIu64 " of /secret, %" PRIu64 " rallies of %" PRIu64 " rounds, %" PRIu64
             " crowds; the longest wait was %" PRIu64 " ms",
             round, shared->calls, shared->forks, shared->threads, shared->execs, shared->secrets,
             shared->races, shared->rounds, shared->crowds, watch->longest);
    return !wrong && !faults->unending && !faults->worlds;
}

/* ---- */

static void shared_make(void)
{
    int file = memfd_create("call_fuzzer", 0);

    if (ftruncate(file, SHARED_SIZE) || dup2(file, SHARED_FILE) < 0)
        exit(1);
    close(file);
    shared_map();
    memset(shared, 0, SHARED_SIZE);
    shared->magic = RING_MAGIC;
    shared->seed = seed;
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *given = getenv(name);
    return given ? strtoul(given, NULL, 0) : otherwise;
}

/* On a slow host it may take longer than was asked for. */
static bool everything_was_played(void)
{
    return shared->calls > 0 && shared->forks > 0 && shared->execs > 0 && shared->threads > 0 &&
           shared->races > 0 && shared->crowds > 0;
}

static void report(void)
{
    static const char *const rules[BREACHES] = {
        [BREACH_ROOT] = "no ordinary user's program acts as root",
        [BREACH_SECRET_READ] = "nobody reads a set-user-ID program's memory",
        [BREACH_SECRET_WRITE] = "nobody writes into a set-user-ID program's memory",
        [BREACH_TIMER_NUMBER] = "timer_create(2) tells a number of one's own",
        [BREACH_ANSWER] = "calls answer what calls answer",
    };

    tap_ok(everything_was_played(), "calls were made, forks, execs, threads, many calls at once");
    tap_ok(watch->longest <= standstill_ms, "the machine never stands still");
    tap_ok(!faults->unending, "every process can be ended");
    tap_ok(!faults->lost, "no player ends what does not play");
    tap_ok(!faults->worlds, "a limited file system is empty in the end");
    for (unsigned i = 1; i < BREACHES; i++)
        if (!tap_ok(!shared->breaches[i], "%s", rules[i]))
            tap_note("%u times, first %#llx, %#llx", shared->breaches[i],
                     (unsigned long long)shared->details[i][0],
                     (unsigned long long)shared->details[i][1]);
    if (baton_is_here())
        tap_ok(!faults->counts, "every round leaves the kernel's counts as they were");
}

/* One round; whether nothing was wrong. */
static bool referee_round(unsigned round)
{
    int status = -1;
    pid_t referee = fork();

    if (referee == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        _exit(play_round(round) ? 0 : 1);
    }
    while (waitpid(referee, &status, 0) < 0 && errno == EINTR)
        continue;
    reap();
    faults->lost += !WIFEXITED(status);
    if (baton_is_here() && status == 0)
        counts_check(round);
    return status == 0;
}

/* So that no page is new when counts are compared, whatever is told by then: all are written to,
   which also ends that the watchers have them in common with this process. */
static void touch_all(void)
{
    volatile char deep[8 * PAGE];
    for (unsigned at = 0; at < sizeof(deep); at += PAGE)
        deep[at] = 1;
    mlockall(MCL_CURRENT);
}

static int referee_main(void)
{
    unsigned long seconds = setting("CALL_FUZZER_SECONDS", 60);
    unsigned round = (unsigned)setting("CALL_FUZZER_ROUND", 1);

    seed = setting("CALL_FUZZER_SEED", 0);
    if (!seed && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return 1;
    round_ms = setting("CALL_FUZZER_ROUND_MS", round_ms);
    round_calls = setting("CALL_FUZZER_ROUND_CALLS", round_calls);
    standstill_ms = setting("CALL_FUZZER_STANDSTILL_MS", standstill_ms);
    tap_note("CALL_FUZZER_SEED=%#llx", (unsigned long long)seed);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    shared_make();
    others_for_each(remember_process);
    remember_process(getpid());
    watch_begin();
    be_first(99);
    touch_all();
    uint64_t end = now_ms() + seconds * 1000;
    while (referee_round(round++) && (now_ms() < end || !everything_was_played()))
        continue;
    report();
    watch->over = true;
    return tap_done();
}

int main(int argc, char **argv)
{
    if (is_secret(mark))
        return secret_main();
    if (argc >= 3 && (strcmp(argv[0], "player") == 0 || strcmp(argv[1], "player") == 0)) {
        shared_map();
        player_main(strtoull(argv[argc - 2], NULL, 0), (enum team)atoi(argv[argc - 1]));
    }
    return referee_main();
}

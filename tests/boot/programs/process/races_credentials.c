/*
 * races_credentials: who one is changes while another one asks. An ordinary user looks into a
 * process that becomes a set-user-ID program of root's; root gives a set-user-ID program away or
 * takes it back while that user executes it; limits are set while their process executes.
 */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/uio.h>

#include "proc_baton.h"
#include "races.h"

enum { ATTACKERS = 3, SECRET_DESCRIPTOR = 40, WELL = 42, WAS_ROOT = 77, WAS_WRITTEN, DISOBEYED };

/* In the set-user-ID copy of this program the marker is another one: who reads that in a process
   reads the copy's memory. */
#define MARKER_SIZE 32
static char marker[MARKER_SIZE] __attribute__((aligned(4096))) = "what everybody may see in memory";
static const char secret[] = "what nobody is to see in memory!";
static const char written[] = "what somebody wrote into memory!";

#define FOLDER   "/tmp/races"
#define PROGRAM  FOLDER "/program"
#define SET_USER FOLDER "/set-user"
#define GIVEN    FOLDER "/given"
#define HIDDEN   FOLDER "/hidden"

/* ---- files ---- */

/* A copy of this program, with the other marker if it is to have a secret. */
static bool copy_self(const char *to, bool with_secret, mode_t mode)
{
    int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), out = -1;
    struct stat status;
    REQUIRE(in >= 0 && fstat(in, &status) == 0);
    char *bytes = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, in, 0);
    REQUIRE(bytes != MAP_FAILED);
    char *found = memmem(bytes, status.st_size, marker, MARKER_SIZE);
    REQUIRE(found);
    if (with_secret)
        memcpy(found, secret, MARKER_SIZE);
    unlink(to);
    out = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(out >= 0 && write(out, bytes, status.st_size) == status.st_size);
    REQUIRE(fchmod(out, mode) == 0 && close(out) == 0);
    munmap(bytes, status.st_size);
    close(in);
    return true;
}

static bool make_files(void)
{
    int hidden;

    REQUIRE(mkdir(FOLDER, 0755) == 0 || errno == EEXIST);
    REQUIRE(copy_self(PROGRAM, false, 0755) && copy_self(SET_USER, true, 04711));
    REQUIRE((hidden = open(HIDDEN, O_CREAT | O_WRONLY | O_TRUNC, 0600)) >= 0);
    REQUIRE(write(hidden, secret, MARKER_SIZE) == MARKER_SIZE && close(hidden) == 0);
    return true;
}

/* ---- looking into a process that becomes another one's ---- */

/* The set-user-ID program: shows itself for a moment, then tells whether it was touched. */
static int be_looked_at(void)
{
    int hidden = open(HIDDEN, O_RDONLY);

    if (hidden < 0 || dup2(hidden, SECRET_DESCRIPTOR) < 0)
        return 1;
    for (int i = 0; i < 20; i++)
        sched_yield();
    return memcmp(marker, secret, MARKER_SIZE) ? WAS_WRITTEN : WELL;
}

/* Who is looked into just now; its file. */
static struct {
    uint32_t victim, file;
    uint32_t through; /* attempts that reached the set-user-ID image */
    uint32_t *begun;  /* how many attackers are at it; the victim sees it, too */
} attack;

/* 1: it went through to the set-user-ID image; 0: it did not; -1: it was refused. */
typedef int attempt(pid_t victim, int victim_file);
static attempt *attempt_now;

static bool is_refused(void)
{
    return errno == EPERM || errno == ESRCH;
}

static int try_to_read(pid_t victim, int victim_file)
{
    char bytes[MARKER_SIZE] = "";
    struct iovec here = {bytes, MARKER_SIZE}, there = {marker, MARKER_SIZE};

    (void)victim_file;
    if (process_vm_readv(victim, &here, 1, &there, 1, 0) < 0)
        return is_refused() ? -1 : 0;
    return memcmp(bytes, secret, MARKER_SIZE) == 0;
}

/* Whether it went through the program says itself. */
static int try_to_write(pid_t victim, int victim_file)
{
    struct iovec here = {(void *)written, MARKER_SIZE}, there = {marker, MARKER_SIZE};

    (void)victim_file;
    return process_vm_writev(victim, &here, 1, &there, 1, 0) < 0 && is_refused() ? -1 : 0;
}

static bool is_hidden(int file)
{
    struct stat one, other;

    return fstat(file, &one) == 0 && stat(HIDDEN, &other) == 0 && one.st_ino == other.st_ino &&
           one.st_dev == other.st_dev;
}

static int try_to_take_file(pid_t victim, int victim_file)
{
    int file = (int)syscall(SYS_pidfd_getfd, victim_file, SECRET_DESCRIPTOR, 0);

    (void)victim;
    if (file < 0)
        return is_refused() ? -1 : 0;
    int result = is_hidden(file);
    close(file);
    return result;
}

static int try_to_open_file(pid_t victim, int victim_file)
{
    char path[64];
    struct stat status;

    (void)victim_file;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", victim, SECRET_DESCRIPTOR);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return stat(path, &status) && errno == EACCES ? -1 : 0;
    int result = is_hidden(file);
    close(file);
    return result;
}

/* The victim's memory as a file, opened anew for each attempt. */
static int try_to_use_memory_file(pid_t victim, bool writes)
{
    char path[64], bytes[MARKER_SIZE] = "";

    snprintf(path, sizeof(path), "/proc/%d/mem", victim);
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return errno == EACCES ? -1 : 0;
    ssize_t done = writes ? pwrite(file, written, MARKER_SIZE, (off_t)(uintptr_t)marker)
                          : pread(file, bytes, MARKER_SIZE, (off_t)(uintptr_t)marker);
    close(file);
    return !writes && done == MARKER_SIZE && memcmp(bytes, secret, MARKER_SIZE) == 0;
}

static int try_to_read_memory_file(pid_t victim, int victim_file)
{
    (void)victim_file;
    return try_to_use_memory_file(victim, false);
}

static int try_to_write_memory_file(pid_t victim, int victim_file)
{
    (void)victim_file;
    return try_to_use_memory_file(victim, true);
}

/* Opened while the victim was still the attacker's, and kept. */
static int try_to_keep_memory_file(pid_t victim, int victim_file)
{
    static _Thread_local pid_t opened_for;
    static _Thread_local int file = -1;
    char path[64], bytes[MARKER_SIZE] = "";

    (void)victim_file;
    if (opened_for != victim) {
        close(file);
        snprintf(path, sizeof(path), "/proc/%d/mem", victim);
        file = open(path, O_RDWR | O_CLOEXEC);
        opened_for = victim;
    }
    off_t place = (off_t)(uintptr_t)marker;
    bool seen = pread(file, bytes, MARKER_SIZE, place) == MARKER_SIZE &&
                memcmp(bytes, secret, MARKER_SIZE) == 0;
    /* Its old image may be written to, and the next must not be the one that is. */
    return pwrite(file, bytes, MARKER_SIZE, place) == MARKER_SIZE && seen;
}

static void become_set_user(void)
{
    char *const arguments[] = {"set-user", "be-looked-at", NULL};

    open("/dev/null", O_RDONLY);
    dup2(0, SECRET_DESCRIPTOR); /* an open file that anybody may have */
    while (load(attack.begun) < ATTACKERS)
        sched_yield();
    execv(SET_USER, arguments);
    _exit(1);
}

/* Several at once: they hold each other up between asking and taking. */
static void attack_victim(unsigned member)
{
    pid_t victim = (pid_t)attack.victim;
    int result;

    (void)member;
    __atomic_fetch_add(attack.begun, 1, __ATOMIC_RELEASE);
    while (load(&attack.victim) && (result = attempt_now(victim, (int)attack.file)) >= 0)
        __atomic_fetch_add(&attack.through, result, __ATOMIC_RELAXED);
}

/* How many attempts went through to one victim. */
static unsigned attack_once(void)
{
    store(attack.begun, 0);
    pid_t victim = fork();
    if (victim == 0)
        become_set_user();
    attack.through = 0;
    attack.file = (uint32_t)syscall(SYS_pidfd_open, victim, 0);
    store(&attack.victim, (uint32_t)victim);
    team_turn_begin();
    int status = status_of(victim);
    store(&attack.victim, 0);
    team_turn_end();
    close((int)attack.file);
    return attack.through + exited(status, WAS_WRITTEN);
}

static bool attack_many(attempt *attempt, unsigned rounds)
{
    struct race race = race_begin(rounds);
    unsigned through = 0;

    attempt_now = attempt;
    REQUIRE((attack.begun = shared_page()));
    REQUIRE(become_dumpable(ATTACKER) && team_begin(attack_victim, ATTACKERS));
    while (race_goes_on(&race))
        through += attack_once() != 0;
    team_end();
    tap_note("%u programs, %u were looked into", race.round, through);
    return through == 0;
}

static bool memory_is_not_read(void)
{
    return attack_many(try_to_read, 150);
}
static bool memory_is_not_written(void)
{
    return attack_many(try_to_write, 150);
}
static bool memory_file_is_not_read(void)
{
    return attack_many(try_to_read_memory_file, 40);
}
static bool memory_file_is_not_written(void)
{
    return attack_many(try_to_write_memory_file, 40);
}
static bool memory_file_ends_with_its_image(void)
{
    return attack_many(try_to_keep_memory_file, 40);
}
static bool file_is_not_taken(void)
{
    return attack_many(try_to_take_file, 150);
}
static bool file_is_not_opened(void)
{
    return attack_many(try_to_open_file, 100);
}

/* ---- a set-user-ID program that changes hands ---- */

/* Gives the file to the attacker with its set-user-ID bit, and takes it back: the bit goes with
   that. Until *stop. */
static void change_hands(const char *path, mode_t mode, const uint32_t *stop)
{
    while (!load(stop)) {
        if (chown(path, ATTACKER, ATTACKER) || chmod(path, mode) || chown(path, 0, 0))
            _exit(1);
    }
    _exit(0);
}

static int execute_given(void)
{
    char *const arguments[] = {"given", "who", NULL};
    pid_t child = vfork();

    if (child == 0) {
        execv(GIVEN, arguments);
        _exit(1);
    }
    return status_of(child);
}

static bool nobody_becomes_root(void)
{
    struct race race = race_begin(2000);
    uint32_t *stop = shared_page();
    unsigned roots = 0;

    REQUIRE(stop && copy_self(GIVEN, false, 0755));
    pid_t owner = fork();
    if (owner == 0)
        change_hands(GIVEN, 04755, stop);
    REQUIRE(become_dumpable(ATTACKER));
    while (race_goes_on(&race))
        roots += exited(execute_given(), WAS_ROOT);
    store(stop, 1);
    tap_note("%u programs, %u ran as root", race.round, roots);
    REQUIRE(exited(status_of(owner), 0));
    return roots == 0;
}

/* ---- who may change a file ---- */

#define STRANGER 1001

/* All that a stranger could try to take a bit away with, until *stop. 0: each was refused. */
static void change_what_is_not_ones_own(const char *path, const uint32_t *stop)
{
    unsigned done = 0;
    int file = open(path, O_RDONLY);

    if (file < 0 || !become(STRANGER))
        _exit(1);
    while (!load(stop)) {
        done += chown(path, -1, -1) == 0;
        done += lchown(path, STRANGER, -1) == 0;
        done += chown(path, -1, STRANGER) == 0;
        done += fchown(file, -1, -1) == 0;
        done += chmod(path, 0755) == 0;
        done += truncate(path, 0) == 0;
    }
    _exit(done != 0);
}

/* A set-user-ID program is one in every exec, whatever another user does to its file. */
static bool strangers_change_nothing(void)
{
    struct race race = race_begin(1000);
    uint32_t *stop = shared_page();
    unsigned others = 0;

    REQUIRE(stop && copy_self(GIVEN, false, 04755));
    pid_t stranger = fork();
    if (stranger == 0)
        change_what_is_not_ones_own(GIVEN, stop);
    REQUIRE(become_dumpable(ATTACKER));
    while (race_goes_on(&race))
        others += !exited(execute_given(), WAS_ROOT);
    store(stop, 1);
    tap_note("%u programs, %u did not run as root", race.round, others);
    REQUIRE(exited(status_of(stranger), 0));
    return others == 0;
}

/* Sets the bit again and again, by name and by descriptor: refused while it is somebody else's. */
static void set_bit(const char *path, const uint32_t *stop)
{
    int file = open(path, O_RDONLY);

    if (file < 0 || !become(ATTACKER))
        _exit(1);
    while (!load(stop)) {
        chmod(path, 04755);
        fchmod(file, 04755);
    }
    _exit(0);
}

/* What its owner sets does not come after it was taken from him: chown(2) takes the bit away. */
static bool owners_lose_their_rights(void)
{
    struct race race = race_begin(5000);
    uint32_t *stop = shared_page();
    unsigned set = 0;
    struct stat status;

    REQUIRE(stop && copy_self(GIVEN, false, 0755));
    pid_t owner = fork();
    if (owner == 0)
        set_bit(GIVEN, stop);
    while (race_goes_on(&race)) {
        REQUIRE(chown(GIVEN, ATTACKER, ATTACKER) == 0);
        dawdle(500);
        REQUIRE(chown(GIVEN, 0, 0) == 0);
        dawdle(500);
        REQUIRE(stat(GIVEN, &status) == 0);
        set += (status.st_mode & S_ISUID) != 0;
    }
    store(stop, 1);
    tap_note("taken %u times, %u times with the bit", race.round, set);
    REQUIRE(exited(status_of(owner), 0));
    return set == 0;
}

/* What stat(2) may show: the attacker's without and with the bit, root's without. */
static bool is_one_state(const struct stat *status)
{
    bool given = status->st_uid == ATTACKER && status->st_gid == ATTACKER;
    bool taken = status->st_uid == 0 && status->st_gid == 0;

    return given || (taken && !(status->st_mode & S_ISUID));
}

/* Linux reads mode, user and group one by one for stat(2) and for permissions. */
static bool attributes_are_of_one_moment(void)
{
    struct race race = race_begin(20000);
    uint32_t *stop = shared_page();
    unsigned mixed = 0;
    struct stat status;

    REQUIRE(stop && copy_self(GIVEN, false, 0755));
    pid_t owner = fork();
    if (owner == 0)
        change_hands(GIVEN, 04755, stop);
    while (race_goes_on(&race))
        mixed += stat(GIVEN, &status) || !is_one_state(&status);
    store(stop, 1);
    tap_note("stat(2) %u times, %u times of two moments", race.round, mixed);
    REQUIRE(exited(status_of(owner), 0));
    return mixed == 0;
}

/* The file is the attacker's in two ways in turn, as its user and as its group: it may be read. */
static bool permission_is_of_one_moment(void)
{
    struct race race = race_begin(20000);
    uint32_t *stop = shared_page();
    unsigned refused = 0;

    REQUIRE(stop && copy_self(GIVEN, false, 0440) && chown(GIVEN, ATTACKER, 2000) == 0);
    pid_t owner = fork();
    while (owner == 0) {
        if (load(stop))
            _exit(0);
        if (chown(GIVEN, 2000, ATTACKER) || chown(GIVEN, ATTACKER, 2000))
            _exit(1);
    }
    REQUIRE(become_dumpable(ATTACKER));
    while (race_goes_on(&race))
        refused += access(GIVEN, R_OK) != 0;
    store(stop, 1);
    tap_note("access(2) %u times, refused %u times", race.round, refused);
    REQUIRE(exited(status_of(owner), 0));
    return refused == 0;
}

/* ---- limits of a process that executes ---- */

#define SMALL (8UL << 20)

/* The new image: does what getrlimit(2) tells hold? */
static int obey(void)
{
    struct rlimit limit;
    char byte;

    if (write(4, "x", 1) != 1 || read(3, &byte, 1) != 1 || getrlimit(RLIMIT_AS, &limit))
        return 1;
    void *map = mmap(NULL, 64UL << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return (limit.rlim_cur == SMALL) == (map == MAP_FAILED) ? WELL : DISOBEYED;
}

static int limit_once(void)
{
    char *const arguments[] = {"program", "obey", NULL};
    const struct rlimit small = {SMALL, SMALL};
    int go[2], up[2];
    char byte;

    if (pipe(go) || pipe(up))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(go[0], 3);
        dup2(up[1], 4);
        if (write(4, "s", 1) == 1)
            execv(PROGRAM, arguments);
        _exit(1);
    }
    close(up[1]);
    if (read(up[0], &byte, 1) != 1)
        return -1;
    dawdle(4000);
    prlimit(child, RLIMIT_AS, &small, NULL);
    if (read(up[0], &byte, 1) == 1 && write(go[1], "g", 1) != 1)
        return -1;
    int status = status_of(child);
    close(go[0]);
    close(go[1]);
    close(up[0]);
    return status;
}

/* An exec that met the limit while it was prepared fails, and that is well, too. */
static bool limit_holds_in_new_image(void)
{
    struct race race = race_begin(200);
    unsigned disobeyed = 0;

    while (race_goes_on(&race)) {
        int status = limit_once();
        REQUIRE(status >= 0);
        disobeyed += exited(status, DISOBEYED);
    }
    tap_note("%u programs, %u did not obey", race.round, disobeyed);
    return disobeyed == 0;
}

static const struct test_case cases[] = {
    {"memory of a set-user-ID program is not read", "process_vm_readv(2)", memory_is_not_read},
    {"…nor written", "process_vm_writev(2)", memory_is_not_written},
    {"memory of a set-user-ID program is not read as a file", "proc(5)", memory_file_is_not_read},
    {"…nor written", "proc(5)", memory_file_is_not_written},
    {"…nor by who opened it before", "proc(5)", memory_file_ends_with_its_image},
    {"a file of a set-user-ID program is not taken", "pidfd_getfd(2)", file_is_not_taken},
    {"…nor opened", "proc(5)", file_is_not_opened},
    {"a set-user-ID bit never goes with another owner", "chown(2)", nobody_becomes_root},
    {"…nor is it taken by a stranger", "chown(2)", strangers_change_nothing},
    {"…nor set by one who is the owner no more", "chmod(2)", owners_lose_their_rights},
    {"a limit holds that was set during an exec", "prlimit(2)", limit_holds_in_new_image},
    {"mode, user and group are of one moment", "stat(2)", attributes_are_of_one_moment},
    {"…also where they give permission", "access(2)", permission_is_of_one_moment},
};

int main(int count, char **arguments)
{
    size_t all = sizeof(cases) / sizeof(cases[0]);

    if (count > 1 && !strcmp(arguments[1], "be-looked-at"))
        return be_looked_at();
    if (count > 1 && !strcmp(arguments[1], "who"))
        return geteuid() == 0 ? WAS_ROOT : WELL;
    if (count > 1 && !strcmp(arguments[1], "obey"))
        return obey();
    if (!make_files())
        return 1;
    return run_cases(cases, baton_is_here() ? all : all - 2);
}

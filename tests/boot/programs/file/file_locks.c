/*
 * file_locks: what becomes of locks: that they end with what they belong to, also when that is
 * closed while they are made, and who may read of them. What calls answer is in file_data.c.
 */
#define _GNU_SOURCE
#include "proc_baton.h"
#include "races.h"

#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define THREADS 4

static int file_make(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

static struct flock range_of(short type, off_t start, off_t length)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

/* ---- a close beside it ---- */

static int raced; /* the descriptor */
static bool locked;

static void lock_or_close(unsigned side)
{
    struct flock all = range_of(F_WRLCK, 0, 0);

    dawdle(200);
    if (side == 0)
        close(raced);
    else
        locked = fcntl(raced, F_SETLK, &all) == 0 || errno != EBADF;
}

static bool closed_while_locked(void)
{
    static const char path[] = "/tmp/file_locks.race";
    struct flock all = range_of(F_WRLCK, 0, 0);
    int other = file_make(path); /* stays open: closing it would end locks too */
    struct race race = race_begin(2000);
    unsigned many = 0;

    REQUIRE(team_begin(lock_or_close, 2));
    while (race_goes_on(&race)) {
        REQUIRE((raced = file_make(path)) >= 0);
        team_turn_begin();
        team_turn_end();
        many += locked;
        struct flock conflict = all;
        REQUIRE(fcntl(other, F_OFD_GETLK, &conflict) == 0 && conflict.l_type == F_UNLCK);
    }
    team_end();
    tap_note("%u of %u were locked", many, race.round);
    return unlink(path) == 0;
}

/* ---- by turns ---- */

static unsigned counted;       /* by who has the lock */
static _Atomic unsigned taken; /* turns */
static _Atomic unsigned wrong; /* threads that could not */

static bool take_turns(bool whole)
{
    const char *path = "/tmp/file_locks.turns";
    struct flock all = range_of(F_WRLCK, 0, 0), none = range_of(F_UNLCK, 0, 0);
    struct race race = race_begin(500);
    int file = file_make(path);

    if (file < 0)
        return false;
    while (race_goes_on(&race)) {
        unsigned i = race.round - 1;
        if (whole ? flock(file, LOCK_EX) : fcntl(file, F_OFD_SETLKW, &all))
            return false;
        unsigned before = *(volatile unsigned *)&counted;
        if (i % 8 == 0)
            sched_yield();
        *(volatile unsigned *)&counted = before + 1;
        taken++;
        if (i % 16 == 0) { /* the last one that has it open */
            close(file);
            file = file_make(path);
        } else if (whole ? flock(file, LOCK_UN) : fcntl(file, F_OFD_SETLK, &none)) {
            return false;
        }
    }
    return close(file) == 0;
}

static void *take_turns_whole(void *context)
{
    (void)context;
    wrong += !take_turns(true);
    return NULL;
}

static void *take_turns_range(void *context)
{
    (void)context;
    wrong += !take_turns(false);
    return NULL;
}

static bool turns(void *(*take)(void *))
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, take, NULL) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    REQUIRE(!wrong);
    REQUIRE(counted == taken);
    return unlink("/tmp/file_locks.turns") == 0;
}

static bool turns_whole(void)
{
    return turns(take_turns_whole);
}

static bool turns_range(void)
{
    return turns(take_turns_range);
}

/* ---- nothing stays ---- */

static char before[1 << 13], after[1 << 13];

/* Of what is always there. */
static bool nothing_stays(void)
{
    static const char *const paths[2][2] = {{"/dev/null", "/"}, {"/dev/zero", "/tmp"}};
    struct flock some = range_of(F_RDLCK, 3, 4), none = range_of(F_UNLCK, 0, 0);

    memset(before, 1, sizeof(before));
    memset(after, 1, sizeof(after));
    for (unsigned round = 0; round < 2; round++) { /* the first one makes what stays */
        baton_counts(before, sizeof(before));
        for (unsigned i = 0; i < 2; i++) {
            int file = open(paths[round][i], O_RDONLY), other = open(paths[round][i], O_RDONLY);
            REQUIRE(flock(file, LOCK_EX) == 0 && fcntl(file, F_SETLK, &some) == 0);
            REQUIRE_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
            REQUIRE(flock(file, LOCK_UN) == 0 && fcntl(file, F_SETLK, &none) == 0);
            REQUIRE(flock(other, LOCK_EX | LOCK_NB) == 0);
            close(other);
            REQUIRE(fcntl(file, F_OFD_SETLK, &some) == 0);
            close(file);
        }
        for (unsigned i = 0; i < 100; i++) { /* another processor may have to clear up */
            baton_counts(after, sizeof(after));
            if (strcmp(before, after) == 0)
                break;
            usleep(10000);
        }
    }
    if (strcmp(before, after) == 0)
        return true;
    baton_counts_note(before, after);
    return false;
}

/* ---- /proc/locks ---- */

/* Whether there is a line that ends so, behind its number. */
static bool listed(const char *text, const char *line)
{
    for (const char *at = text; (at = strstr(at, line)); at++)
        if (at >= text + 2 && at[-1] == ' ' && at[-2] == ':' && at[strlen(line)] == '\n')
            return true;
    tap_note("missing: %s", line);
    return false;
}

static bool list_of_locks(void)
{
    static char text[1 << 16];
    static const char path[] = "/tmp/file_locks.list";
    struct flock some = range_of(F_WRLCK, 10, 20), rest = range_of(F_RDLCK, 100, 0);
    int file = file_make(path), other = file_make(path);
    struct stat status;
    char place[64], lines[4][128];

    REQUIRE(fstat(file, &status) == 0);
    REQUIRE(fcntl(file, F_SETLK, &some) == 0 && fcntl(file, F_OFD_SETLK, &rest) == 0);
    REQUIRE(flock(file, LOCK_SH) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(flock(other, LOCK_EX) != 0);
    snprintf(place, sizeof(place), "%02x:%02x:%lu", major(status.st_dev), minor(status.st_dev),
             (unsigned long)status.st_ino);
    snprintf(lines[0], 128, "POSIX  ADVISORY  WRITE %d %s 10 29", getpid(), place);
    snprintf(lines[1], 128, "OFDLCK ADVISORY  READ -1 %s 100 EOF", place);
    snprintf(lines[2], 128, "FLOCK  ADVISORY  READ %d %s 0 EOF", getpid(), place);
    snprintf(lines[3], 128, "-> FLOCK  ADVISORY  WRITE %d %s 0 EOF", child, place);
    do /* until the child waits */
        REQUIRE(file_text("/proc/locks", text, sizeof(text)) > 0);
    while (!strstr(text, lines[3]));
    for (unsigned i = 0; i < 4; i++)
        REQUIRE(listed(text, lines[i]));
    REQUIRE(flock(file, LOCK_UN) == 0);
    int result = 1;
    REQUIRE(waitpid(child, &result, 0) == child && result == 0);
    close(other);
    close(file);
    REQUIRE(file_text("/proc/locks", text, sizeof(text)) >= 0);
    REQUIRE(!strstr(text, place));
    return unlink(path) == 0;
}

static const struct test_case cases[] = {
    {"a lock that is made while its descriptor is closed ends", "fcntl(2)", closed_while_locked},
    {"flock: one at a time", "flock(2)", turns_whole},
    {"OFD locks: one at a time", "fcntl(2)", turns_range},
    {"what is unlocked leaves nothing", "flock(2)", nothing_stays},
    {"locks and who waits are listed", "proc(5), /proc/locks", list_of_locks},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

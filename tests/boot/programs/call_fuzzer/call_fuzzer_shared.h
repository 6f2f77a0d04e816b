/*
 * call_fuzzer_shared.h: what all processes of the fuzzer share: a page for what is agreed on, and
 * a page for each player (a thread that makes calls) with its last calls. These pages outlive
 * everything in the guest: ../call_fuzzer.py finds them in the memory of a machine that died.
 */
#ifndef BATON_TEST_CALL_FUZZER_SHARED_H
#define BATON_TEST_CALL_FUZZER_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE         4096UL
#define RW           (PROT_READ | PROT_WRITE)
#define ARGUMENTS    6
#define SHARED_FILE  900 /* the descriptor under which every player has the shared pages */
#define RINGS        192
#define RING_ENTRIES 40
#define RING_MAGIC   0x676e69725f6c6c61 /* "all_ring"; the driver looks for it */

/* Who plays: the ordinary users share a world, root has one of its own. */
enum team { TEAM_FIRST, TEAM_SECOND, TEAM_ROOT, TEAMS };

struct ring_entry {
    uint32_t process, thread;
    uint32_t number;
    uint32_t done; /* has returned */
    uint64_t arguments[ARGUMENTS];
    int64_t result;
    uint64_t ordinal; /* among all calls of the player */
};

/* A player's page. Only the player writes, but for `quiet_*`, which are the referee's. */
struct ring {
    uint64_t magic, seed;
    uint32_t slot, round;
    _Atomic uint32_t process, thread; /* 0: nobody's */
    uint32_t team;
    uint32_t depth; /* of signal handlers */
    uint64_t player_seed;
    _Atomic uint64_t count; /* of calls begun */
    _Atomic uint64_t moves; /* of any progress: calls begun and returned */
    uint64_t quiet_since, quiet_moves;
    uint64_t killed_since; /* when the referee killed its process for good; 0: it did not */
    struct ring_entry entries[RING_ENTRIES];
};
_Static_assert(sizeof(struct ring) <= PAGE, "a page each");

/* Rules that no player may ever see broken. */
enum breach {
    BREACH_NONE,
    BREACH_ROOT,         /* an ordinary user's program acts as root */
    BREACH_SECRET_READ,  /* an ordinary user has bytes of the set-user-ID program's memory */
    BREACH_SECRET_WRITE, /* somebody wrote into the set-user-ID program's memory */
    BREACH_TIMER_NUMBER, /* timer_create(2) told a number that is not the new timer's */
    BREACH_ANSWER,       /* a call returned what no call returns */
    BREACHES,
};

struct shared {
    uint64_t magic, seed;
    _Atomic uint32_t round;
    _Atomic bool over;        /* of the round */
    _Atomic uint32_t births;  /* rings given out */
    _Atomic uint32_t players; /* rings in use, as the referee last counted */
    _Atomic uint64_t calls, execs, forks, threads, races, rounds, crowds, secrets;
    _Atomic uint32_t breaches[BREACHES];
    _Atomic uint64_t details[BREACHES][2];
    char padding[PAGE - 8 * 32];
};

static struct shared *shared;
static struct ring *rings; /* the pages behind it; a page each */
#define SHARED_SIZE ((1 + RINGS) * PAGE)

static inline struct ring *ring_at(unsigned slot)
{
    return (struct ring *)((char *)rings + slot % RINGS * PAGE);
}

static inline void breach(enum breach which, uint64_t detail, uint64_t further)
{
    if (shared->breaches[which]++ == 0) {
        shared->details[which][0] = detail;
        shared->details[which][1] = further;
    }
}

/* ---- chance ---- */

static inline uint64_t random_next(uint64_t *state) /* SplitMix64 */
{
    uint64_t value = *state += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

static inline uint64_t random_below(uint64_t *state, uint64_t below)
{
    return random_next(state) % below;
}

/* True in one of `of` cases. */
static inline bool random_one(uint64_t *state, unsigned of)
{
    return random_below(state, of) == 0;
}

#endif

/*
 * races.h: what programs with races share. A race is repeated for a bounded number of rounds, or,
 * with RACES_SECONDS in the environment (the suite `soak`), for that many seconds. How often the
 * two sides met is told, but decides nothing: only what must never be seen does. Such a program
 * belongs into `race_programs` of ../meson.build.
 */
#ifndef BATON_TESTS_RACES_H
#define BATON_TESTS_RACES_H

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define CASE_SECONDS 1200 /* a bound for a machine that stands still, not for the race */
#include "cases.h"

#define ATTACKER 1000 /* an ordinary user */

struct race {
    unsigned rounds; /* that are to be run */
    unsigned round;
    long until; /* 0: rounds count */
};

static inline struct race race_begin(unsigned rounds)
{
    const char *seconds = getenv("RACES_SECONDS");

    return (struct race){rounds, 0, seconds ? now_ms() + atol(seconds) * 1000 : 0};
}

static inline bool race_goes_on(struct race *race)
{
    bool more = race->until ? now_ms() < race->until : race->round < race->rounds;

    race->round += more;
    return more;
}

/* A page that processes forked from here share, zeroed. */
static inline void *shared_page(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return page == MAP_FAILED ? NULL : page;
}

/* An ordinary user's process, into which others of its own may look. */
static inline bool become_dumpable(uid_t user)
{
    return become(user) && prctl(PR_SET_DUMPABLE, 1) == 0;
}

static inline uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
static inline void store(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* ---- threads that take turns: each does its step once a turn, all at once ---- */

enum { TEAM_MOST = 4 };

static struct {
    unsigned count;
    void (*step)(unsigned member);
    uint32_t turn; /* the one that may begin */
    uint32_t ended;
    uint32_t done[TEAM_MOST]; /* the last turn that each has done */
    pthread_t threads[TEAM_MOST];
} team;

static inline void *team_member(void *number)
{
    unsigned member = (unsigned)(uintptr_t)number;

    for (uint32_t turn = 1;; turn++) {
        for (unsigned looks = 1; load(&team.turn) != turn; looks++) {
            if (load(&team.ended))
                return NULL;
            if (looks % 4096 == 0) /* awake, so that all begin at one moment */
                sched_yield();
        }
        team.step(member);
        store(&team.done[member], turn);
    }
}

static inline bool team_begin(void (*step)(unsigned member), unsigned count)
{
    team.step = step;
    team.count = count;
    for (uintptr_t i = 0; i < count; i++)
        if (pthread_create(&team.threads[i], NULL, team_member, (void *)i))
            return false;
    return true;
}

static inline void team_turn_begin(void)
{
    store(&team.turn, load(&team.turn) + 1);
}

static inline void team_turn_end(void)
{
    for (unsigned i = 0; i < team.count; i++)
        while (load(&team.done[i]) != load(&team.turn))
            sched_yield();
}

static inline void team_end(void)
{
    store(&team.ended, 1);
    for (unsigned i = 0; i < team.count; i++)
        pthread_join(team.threads[i], NULL);
}

/* Some steps of nothing, other ones each time: which moments meet is left to chance. */
static inline void dawdle(unsigned most)
{
    static uint32_t state = 2463534242;

    state ^= state << 13; /* xorshift32 */
    state ^= state >> 17;
    state ^= state << 5;
    for (volatile unsigned i = state % most; i > 0; i--)
        ;
}

#endif

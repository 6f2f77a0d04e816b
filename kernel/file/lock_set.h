/*
 * lock_set.h: the locks of one kind that are set on a file, for lock.c. Each owner's do not
 * overlap; what is looked for costs the logarithm of how many there are, however many others have.
 * Its user's mutex guards a set; functions that walk an owner's locks may be preempted.
 */
#ifndef BATON_FILE_LOCK_SET_H
#define BATON_FILE_LOCK_SET_H

#include <bsd/sys/tree.h>

#include "library/types.h"

struct user_account;

struct record_lock {
    RB_ENTRY(record_lock) owner_link; /* by owner and place; of one that waits: by what it meets */
    RB_ENTRY(record_lock) place_link; /* by place and owner */
    struct user_account *account;     /* of who made it: a reference */
    const void *owner;                /* a descriptor table (fcntl) or a file (OFD, flock) */
    int64_t first, last;              /* bytes, both included */
    int64_t last_below;               /* the highest `last` among it and those below it in the tree
                                         of places */
    int64_t last_exclusive_below;     /* …of exclusive ones; -1: none */
    int32_t process; /* that made it, as a number; -1: none's, of an open file (OFD) */
    bool exclusive;
    /* Of one that waits: what it met last, which may be gone; how many waited up to it. */
    const struct record_lock *blocker;
    uint64_t turn;
};

struct lock_set {
    RB_HEAD(locks_by_owner, record_lock) owners;
    RB_HEAD(locks_by_place, record_lock) places;
};

static inline bool lock_set_is_empty(const struct lock_set *set)
{
    return RB_EMPTY(&set->places);
}

/* Its owner has no other there. */
void lock_set_insert(struct lock_set *set, struct record_lock *lock);
void lock_set_remove(struct lock_set *set, struct record_lock *lock);
/* Another place, or another end, for a lock of the set. */
void lock_set_change(struct lock_set *set, struct record_lock *lock, int64_t first, int64_t last);

/* Somebody else's lock in the way, the one that begins first; NULL: none. */
struct record_lock *lock_set_conflict(struct lock_set *set, const struct record_lock *wanted);
/* The owner's first lock that ends at or behind `place`; NULL: none. */
struct record_lock *lock_set_owned_from(struct lock_set *set, const void *owner, int64_t place);
/* The owner's next one; NULL: no more. */
struct record_lock *lock_set_owned_next(struct record_lock *lock);
/* For showing them: by place. */
struct record_lock *lock_set_first(struct lock_set *set);
struct record_lock *lock_set_next(struct record_lock *lock);

#endif

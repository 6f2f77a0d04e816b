/*
 * lock_set.c: two trees of the same locks. By owner and place: an owner's do not overlap. By place
 * and owner, each with how far the locks below it reach, so that a search leaves out what ends
 * before the range that is asked for (an interval tree).
 */
#include "file/lock_set.h"

#include "thread/preemption.h"

static int compare_owners(const struct record_lock *left, const struct record_lock *right)
{
    return left->owner < right->owner ? -1 : left->owner > right->owner;
}

static int compare_places(const struct record_lock *left, const struct record_lock *right)
{
    return left->first < right->first ? -1 : left->first > right->first;
}

static int by_owner(const struct record_lock *left, const struct record_lock *right)
{
    int owners = compare_owners(left, right);
    return owners ? owners : compare_places(left, right);
}

static int by_place(const struct record_lock *left, const struct record_lock *right)
{
    int places = compare_places(left, right);
    return places ? places : compare_owners(left, right);
}

static void reach_add(struct record_lock *lock, const struct record_lock *below)
{
    if (!below)
        return;
    if (lock->last_below < below->last_below)
        lock->last_below = below->last_below;
    if (lock->last_exclusive_below < below->last_exclusive_below)
        lock->last_exclusive_below = below->last_exclusive_below;
}

/* What lies below it has changed: it and all above it are told. */
static void reach_update(struct record_lock *lock)
{
    for (; lock; lock = RB_PARENT(lock, place_link)) {
        lock->last_below = lock->last;
        lock->last_exclusive_below = lock->exclusive ? lock->last : -1;
        reach_add(lock, RB_LEFT(lock, place_link));
        reach_add(lock, RB_RIGHT(lock, place_link));
    }
}

/* The generated functions are not all used; <bsd/sys/cdefs.h> leaves the word to the C library. */
#undef __unused
#define __unused __attribute__((unused))
RB_GENERATE_STATIC(locks_by_owner, record_lock, owner_link, by_owner)
#undef RB_AUGMENT
#define RB_AUGMENT(lock) reach_update(lock)
RB_GENERATE_STATIC(locks_by_place, record_lock, place_link, by_place)

void lock_set_insert(struct lock_set *set, struct record_lock *lock)
{
    RB_INSERT(locks_by_owner, &set->owners, lock);
    lock->last_below = lock->last;
    lock->last_exclusive_below = lock->exclusive ? lock->last : -1;
    RB_INSERT(locks_by_place, &set->places, lock);
}

void lock_set_remove(struct lock_set *set, struct record_lock *lock)
{
    RB_REMOVE(locks_by_owner, &set->owners, lock);
    RB_REMOVE(locks_by_place, &set->places, lock);
}

void lock_set_change(struct lock_set *set, struct record_lock *lock, int64_t first, int64_t last)
{
    lock_set_remove(set, lock);
    lock->first = first;
    lock->last = last;
    lock_set_insert(set, lock);
}

static bool overlap(const struct record_lock *lock, const struct record_lock *wanted)
{
    return lock->first <= wanted->last && wanted->first <= lock->last;
}

static bool conflict(const struct record_lock *lock, const struct record_lock *wanted)
{
    return overlap(lock, wanted) && lock->owner != wanted->owner &&
           (lock->exclusive || wanted->exclusive);
}

/* As deep as the tree. The owner's own locks are all it may have to look at in vain. */
static struct record_lock *conflict_below(struct record_lock *lock,
                                          const struct record_lock *wanted)
{
    if (!lock)
        return NULL;
    int64_t reach = wanted->exclusive ? lock->last_below : lock->last_exclusive_below;
    if (reach < wanted->first)
        return NULL;
    struct record_lock *found = conflict_below(RB_LEFT(lock, place_link), wanted);
    if (found || lock->first > wanted->last)
        return found;
    if (conflict(lock, wanted))
        return lock;
    thread_preemption_point();
    return conflict_below(RB_RIGHT(lock, place_link), wanted);
}

struct record_lock *lock_set_conflict(struct lock_set *set, const struct record_lock *wanted)
{
    return conflict_below(RB_ROOT(&set->places), wanted);
}

struct record_lock *lock_set_owned_from(struct lock_set *set, const void *owner, int64_t place)
{
    struct record_lock key = {.owner = owner, .first = place};
    struct record_lock *behind = RB_NFIND(locks_by_owner, &set->owners, &key);
    struct record_lock *before = behind ? RB_PREV(locks_by_owner, &set->owners, behind)
                                        : RB_MAX(locks_by_owner, &set->owners);

    if (before && before->owner == owner && before->last >= place)
        return before;
    return behind && behind->owner == owner ? behind : NULL;
}

struct record_lock *lock_set_owned_next(struct record_lock *lock)
{
    struct record_lock *next = RB_NEXT(locks_by_owner, NULL, lock);
    return next && next->owner == lock->owner ? next : NULL;
}

struct record_lock *lock_set_first(struct lock_set *set)
{
    return RB_MIN(locks_by_place, &set->places);
}

struct record_lock *lock_set_next(struct record_lock *lock)
{
    return RB_NEXT(locks_by_place, NULL, lock);
}

#include "process/futex.h"

#include <asm/errno.h>
#include <bsd/sys/tree.h>
#include <linux/futex.h>

#include "library/align.h"
#include "library/hash.h"
#include "memory/address_space.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "process/time/clocks.h"
#include "process/time/wall_clock.h"
#include "thread/preemption.h"
#include "thread/restart.h"

/* ---- keys ---- */

struct futex_key {
    struct address_space *space;    /* private memory */
    const struct page_cache *cache; /* shared memory: the same for all who opened one file */
    struct memory_object *object; /* …whose object keeps it: a reference is held while it is used */
    uint64_t place;               /* address, or byte in the object */
};

static bool key_equal(const struct futex_key *left, const struct futex_key *right)
{
    return left->space == right->space && left->cache == right->cache &&
           left->place == right->place;
}

/*
 * Finds out what word `address` is. With `private` the program promises that
 * nobody else shares it, which saves the look into the regions.
 */
static int key_find(struct futex_key *key, vaddr_t address, bool private)
{
    struct address_space *space = thread_current()->address_space;
    int error = 0;

    if (address % sizeof(uint32_t))
        return -EINVAL;
    if (!user_range_ok(address, sizeof(uint32_t)))
        return -EFAULT;
    *key = (struct futex_key){.space = space, .place = address};
    if (private)
        return 0;

    address_space_lock(space);
    struct region *region = address_space_find(space, address);
    if (!region || address < region->start || !(region->flags & REGION_READ)) {
        error = -EFAULT;
    } else if ((region->flags & REGION_SHARED) && region->object) {
        key->space = NULL;
        key->place = (region->offset << PAGE_SHIFT) + (address - region->start);
        key->cache = region->object->cache;
        /* Behind the file's last page there is no word. */
        uint64_t size = __atomic_load_n(&key->cache->size, __ATOMIC_RELAXED);
        if (key->place >= align_up(size, PAGE_SIZE)) {
            error = -EFAULT;
        } else {
            key->object = region->object;
            key->object->reference(key->object);
        }
    }
    address_space_unlock(space);
    return error;
}

static void key_release(struct futex_key *key)
{
    if (key->object)
        key->object->release(key->object);
}

/* ---- buckets ---- */

#define BUCKET_COUNT 256

struct futex_waiter {
    RB_ENTRY(futex_waiter) link;
    struct futex_key key; /* the bucket's lock; the object's reference is the waiter's, except … */
    struct memory_object *held; /* … that this is the one it holds: requeue may change both */
    struct thread *thread;
    uint32_t bits;               /* FUTEX_WAIT_BITSET; constant */
    uint8_t priority;            /* the thread's, and … */
    uint64_t arrival;            /* … which it was in the bucket; the bucket's lock */
    struct futex_bucket *bucket; /* where it stands; NULL: was woken; that bucket's lock; atomic */
};

/* Words that share a bucket cost each other next to nothing, however many wait for one of them: a
   word's waiters stand together in a tree, in the order in which they are woken. */
static struct futex_bucket {
    struct spinlock lock;
    RB_HEAD(waiter_tree, futex_waiter) waiters; /* lock */
    uint64_t arrivals;                          /* lock */
} buckets[BUCKET_COUNT];

/* By word; the highest real-time priority first, then whoever came first. */
static int waiter_compare(const struct futex_waiter *left, const struct futex_waiter *right)
{
    if (left->key.space != right->key.space)
        return left->key.space < right->key.space ? -1 : 1;
    if (left->key.cache != right->key.cache)
        return left->key.cache < right->key.cache ? -1 : 1;
    if (left->key.place != right->key.place)
        return left->key.place < right->key.place ? -1 : 1;
    if (left->priority != right->priority)
        return left->priority > right->priority ? -1 : 1;
    return left->arrival < right->arrival ? -1 : left->arrival > right->arrival;
}

/* The generated functions are not all used; <bsd/sys/cdefs.h> leaves the word to the C library. */
#undef __unused
#define __unused __attribute__((unused))
RB_GENERATE_STATIC(waiter_tree, futex_waiter, link, waiter_compare)

static struct futex_bucket *bucket_of(const struct futex_key *key)
{
    uint64_t owner = (uint64_t)key->space ^ (uint64_t)key->cache;

    return &buckets[hash_number(hash_number(owner) ^ key->place) % BUCKET_COUNT];
}

/* Two at once, always in the same order. */
static void bucket_acquire_both(struct futex_bucket *one, struct futex_bucket *other)
{
    struct futex_bucket *first = one < other ? one : other;
    struct futex_bucket *second = one < other ? other : one;

    spinlock_acquire(&first->lock);
    if (second != first)
        spinlock_acquire(&second->lock);
}

static void bucket_release_both(struct futex_bucket *one, struct futex_bucket *other)
{
    spinlock_release(&one->lock);
    if (other != one)
        spinlock_release(&other->lock);
}

/* Lock held. */
static void waiter_insert(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
    __atomic_store_n(&waiter->bucket, bucket, __ATOMIC_RELEASE);
    waiter->priority = waiter->thread->priority;
    waiter->arrival = ++bucket->arrivals;
    RB_INSERT(waiter_tree, &bucket->waiters, waiter);
}

static void waiter_remove(struct futex_waiter *waiter)
{
    RB_REMOVE(waiter_tree, &waiter->bucket->waiters, waiter);
}

/* A place among those who wait for a word. */
struct waiter_place {
    uint8_t priority;
    uint64_t arrival;
};
static const struct waiter_place before_all = {.priority = UINT8_MAX};

/* The first to be woken of a word's from this place on; NULL: nobody. Lock held. */
static struct futex_waiter *waiter_from(struct futex_bucket *bucket, const struct futex_key *key,
                                        struct waiter_place place)
{
    struct futex_waiter before; /* only what is compared */

    before.key = *key;
    before.priority = place.priority;
    before.arrival = place.arrival;
    struct futex_waiter *first = RB_NFIND(waiter_tree, &bucket->waiters, &before);
    return first && key_equal(&first->key, key) ? first : NULL;
}

/* Who is woken after this one. */
static struct futex_waiter *waiter_next(struct futex_waiter *waiter)
{
    struct futex_waiter *next = RB_NEXT(waiter_tree, &waiter->bucket->waiters, waiter);
    return next && key_equal(&next->key, &waiter->key) ? next : NULL;
}

/* Takes the waiter off and lets its thread run. It may be gone right after. Lock held. */
static void waiter_wake(struct futex_waiter *waiter)
{
    struct thread *thread = waiter->thread;

    waiter_remove(waiter);
    /* user_thread keeps the thread's memory for as long as it may return from this sleep. */
    user_thread_reference(user_thread_of(thread));
    __atomic_store_n(&waiter->bucket, NULL, __ATOMIC_RELEASE);
    thread_wake(thread);
    user_thread_release(user_thread_of(thread));
}

/* A wake-up on its way through a word's waiters: a piece at a time, since they may be thousands. */
struct futex_wake {
    const struct futex_key *key;
    uint32_t bits;
    int left;                  /* so many may still be woken */
    uint64_t last;             /* who arrived later did not wait when it began */
    struct waiter_place place; /* where it goes on */
};
#define LOOKED_AT_ONCE 32

/* False: that was the last piece. Lock of the key's bucket held. */
static bool wake_piece(struct futex_bucket *bucket, struct futex_wake *wake)
{
    struct futex_waiter *waiter = waiter_from(bucket, wake->key, wake->place), *next;

    for (int i = 0; waiter && wake->left && i < LOOKED_AT_ONCE; i++, waiter = next) {
        next = waiter_next(waiter);
        if (waiter->bits & wake->bits && waiter->arrival <= wake->last) {
            waiter_wake(waiter);
            wake->left--;
        }
    }
    if (waiter)
        wake->place = (struct waiter_place){waiter->priority, waiter->arrival};
    return waiter && wake->left;
}

static int wake_key(const struct futex_key *key, int count, uint32_t bits)
{
    struct futex_bucket *bucket = bucket_of(key);
    struct futex_wake wake = {.key = key, .bits = bits, .left = count, .place = before_all};

    spinlock_acquire(&bucket->lock);
    wake.last = bucket->arrivals;
    while (wake_piece(bucket, &wake)) {
        spinlock_release(&bucket->lock);
        thread_preemption_point();
        spinlock_acquire(&bucket->lock);
    }
    spinlock_release(&bucket->lock);
    return count - wake.left;
}

static int wake(vaddr_t address, int count, uint32_t bits, bool private)
{
    struct futex_key key;

    if (!bits)
        return -EINVAL;
    int error = key_find(&key, address, private);
    if (error)
        return error;
    int woken = wake_key(&key, count, bits);
    key_release(&key);
    return woken;
}

int futex_wake(vaddr_t address, int count, bool private)
{
    return wake(address, count, FUTEX_BITSET_MATCH_ANY, private);
}

/* ---- waiting ---- */

/* Leaves whatever bucket it stands in (a requeue may move it meanwhile). False: it was woken. */
static bool waiter_leave(struct futex_waiter *waiter)
{
    for (;;) {
        struct futex_bucket *bucket = __atomic_load_n(&waiter->bucket, __ATOMIC_ACQUIRE);
        if (!bucket)
            return false;
        spinlock_acquire(&bucket->lock);
        bool here = waiter->bucket == bucket;
        if (here) {
            waiter_remove(waiter);
            waiter->bucket = NULL;
        }
        spinlock_release(&bucket->lock);
        if (here)
            return true;
    }
}

/* When a wait ends by itself. */
struct futex_timeout {
    uint64_t time; /* ns; CLOCK_NEVER: never */
    bool wall;     /* on the wall clock, else since boot */
};

/* The timeout as the time since boot that it is now. */
static uint64_t timeout_deadline(const struct futex_timeout *timeout)
{
    if (!timeout->wall || timeout->time == CLOCK_NEVER)
        return timeout->time;
    uint64_t now = clock_wall();
    return time_deadline(timeout->time > now ? timeout->time - now : 0);
}

static int sleep_until_woken(struct futex_waiter *waiter, const struct futex_timeout *timeout)
{
    struct wait_entry entry; /* wakes the thread also when the wall clock is set */
    int error = 0;

    if (timeout->wall)
        wait_begin(&wall_clock_sleepers, &entry, THREAD_INTERRUPTIBLE);
    while (!error) {
        thread_prepare_sleep(THREAD_INTERRUPTIBLE);
        if (!__atomic_load_n(&waiter->bucket, __ATOMIC_ACQUIRE))
            break;
        error = thread_sleep(timeout_deadline(timeout));
    }
    if (timeout->wall)
        wait_end(&entry);
    else
        thread_cancel_sleep();
    return error;
}

/*
 * Sleeps if the word still holds `expected`. The waiter stands in its bucket
 * before the word is read, since reading may fault and sleep: so a wake-up
 * between is not lost. If the word then turns out to have changed, a wake-up
 * that came meanwhile was meant for someone who really sleeps, and is passed on.
 */
static int wait_for(vaddr_t address, uint32_t expected, const struct futex_timeout *timeout,
                    uint32_t bits, bool private)
{
    struct futex_waiter waiter = {.thread = thread_current(), .bits = bits};
    uint32_t value;

    if (!bits)
        return -EINVAL;
    int error = key_find(&waiter.key, address, private);
    if (error)
        return error;
    waiter.held = waiter.key.object;
    struct futex_key key = waiter.key;
    struct futex_bucket *bucket = bucket_of(&key);

    spinlock_acquire(&bucket->lock);
    waiter_insert(bucket, &waiter);
    spinlock_release(&bucket->lock);

    error = user_get(&value, address) ? -EFAULT : value != expected ? -EAGAIN : 0;
    if (error) {
        if (!waiter_leave(&waiter))
            wake_key(&key, 1, bits);
    } else {
        error = sleep_until_woken(&waiter, timeout);
        if (!waiter_leave(&waiter))
            error = 0; /* woken after all */
    }
    if (waiter.held)
        waiter.held->release(waiter.held);
    return error;
}

static int64_t restart_wait(struct restart_block *block);

static ssize_t wait_call(vaddr_t address, uint32_t expected, const struct futex_timeout *timeout,
                         uint32_t bits, bool private)
{
    int error = wait_for(address, expected, timeout, bits, private);

    if (error != -EINTR)
        return error;
    if (timeout->time == CLOCK_NEVER)
        return -RESTART_CALL;
    /* With a timeout a handler ends the wait; else it goes on to the same deadline. */
    struct restart_block *block = &thread_current()->restart;
    block->again = restart_wait;
    block->values[0] = address;
    block->values[1] = expected;
    block->values[2] = timeout->time;
    block->values[3] = bits;
    block->values[4] = private;
    block->values[5] = timeout->wall;
    return -RESTART_WITH_BLOCK;
}

static int64_t restart_wait(struct restart_block *block)
{
    const struct futex_timeout timeout = {block->values[2], block->values[5]};

    return wait_call(block->values[0], block->values[1], &timeout, block->values[3],
                     block->values[4]);
}

/* ---- requeue and wake_op ---- */

/* Moves a waiter to another word; its object's reference must last as long. Both locks held. */
static void waiter_move(struct futex_waiter *waiter, struct futex_bucket *to,
                        const struct futex_key *key, struct memory_object **dropped)
{
    waiter_remove(waiter);
    waiter->key = *key;
    if (waiter->held != key->object) {
        if (key->object)
            key->object->reference(key->object);
        *dropped = waiter->held;
        waiter->held = key->object;
    }
    waiter_insert(to, waiter);
}

/*
 * At most `wakes` are woken and `moves` moved; sets how many. *dropped: an object to drop. True:
 * there may be more to do.
 */
static bool requeue_once(const struct futex_key *from, const struct futex_key *to, int wakes,
                         int moves, int *woken, int *moved, struct memory_object **dropped)
{
    struct futex_bucket *source = bucket_of(from), *target = bucket_of(to);
    struct futex_waiter *waiter, *next;
    int looked_at = 0;

    *dropped = NULL;
    bucket_acquire_both(source, target);
    for (waiter = waiter_from(source, from, before_all); waiter; waiter = next) {
        next = waiter_next(waiter);
        if (*woken < wakes) {
            waiter_wake(waiter);
            ++*woken;
        } else if (*moved < moves) {
            if (!key_equal(from, to))
                waiter_move(waiter, target, to, dropped);
            ++*moved;
        } else {
            break;
        }
        /* Dropping may sleep: without the locks, then on. Where none moves, none is met again. */
        if (*dropped || (++looked_at >= LOOKED_AT_ONCE && !key_equal(from, to)))
            break;
    }
    bucket_release_both(source, target);
    return waiter && (*woken < wakes || *moved < moves);
}

static ssize_t requeue(vaddr_t address, int wakes, int moves, vaddr_t address2,
                       const uint32_t *expected, bool private)
{
    struct futex_key from, to;
    struct memory_object *dropped;
    int woken = 0, moved = 0;
    uint32_t value;

    if (wakes < 0 || moves < 0)
        return -EINVAL;
    int error = key_find(&from, address, private);
    if (error)
        return error;
    error = key_find(&to, address2, private);
    if (error) {
        key_release(&from);
        return error;
    }
    /* A waiter that comes between this look and the requeue has seen the word later than we. */
    if (expected && user_get(&value, address))
        error = -EFAULT;
    else if (expected && value != *expected)
        error = -EAGAIN;
    for (bool more = !error; more; thread_preemption_point()) {
        more = requeue_once(&from, &to, wakes, moves, &woken, &moved, &dropped);
        if (dropped)
            dropped->release(dropped);
    }
    key_release(&to);
    key_release(&from);
    if (error)
        return error;
    return woken + moved; /* FUTEX_REQUEUE counts both, as Linux does */
}

/* The operation that FUTEX_WAKE_OP packs into one word: on what was there, and what it then asks
   of the old value (futex(2)). */
struct wake_operation {
    unsigned operation, comparison;
    int32_t argument, comparison_argument;
};

static int operation_decode(struct wake_operation *operation, uint32_t code)
{
    operation->operation = code >> 28 & 7;
    operation->comparison = code >> 24 & 15;
    operation->argument = (int32_t)(code << 8) >> 20;
    operation->comparison_argument = (int32_t)(code << 20) >> 20;
    if (code >> 28 & FUTEX_OP_OPARG_SHIFT)
        operation->argument = (int32_t)(1U << (operation->argument & 31));
    return operation->operation > FUTEX_OP_XOR || operation->comparison > FUTEX_OP_CMP_GE ? -ENOSYS
                                                                                          : 0;
}

static uint32_t operation_apply(const struct wake_operation *operation, uint32_t old)
{
    switch (operation->operation) {
    case FUTEX_OP_SET:
        return operation->argument;
    case FUTEX_OP_ADD:
        return old + operation->argument;
    case FUTEX_OP_OR:
        return old | operation->argument;
    case FUTEX_OP_ANDN:
        return old & ~operation->argument;
    default:
        return old ^ operation->argument;
    }
}

static bool operation_compare(const struct wake_operation *operation, int32_t old)
{
    switch (operation->comparison) {
    case FUTEX_OP_CMP_EQ:
        return old == operation->comparison_argument;
    case FUTEX_OP_CMP_NE:
        return old != operation->comparison_argument;
    case FUTEX_OP_CMP_LT:
        return old < operation->comparison_argument;
    case FUTEX_OP_CMP_LE:
        return old <= operation->comparison_argument;
    case FUTEX_OP_CMP_GT:
        return old > operation->comparison_argument;
    default:
        return old >= operation->comparison_argument;
    }
}

static ssize_t wake_operation(vaddr_t address, int count, int count2, vaddr_t address2,
                              uint32_t code, bool private)
{
    struct wake_operation operation;
    struct futex_key key, key2;
    uint32_t old;

    int error = operation_decode(&operation, code);
    if (error)
        return error;
    error = key_find(&key, address, private);
    if (error)
        return error;
    error = key_find(&key2, address2, private);
    if (!error && user_get(&old, address2))
        error = -EFAULT;
    if (error) {
        key_release(&key);
        return error;
    }
    for (uint32_t seen = old; !error;) {
        error = user_compare_exchange(address2, &seen, operation_apply(&operation, old));
        if (seen == old)
            break;
        old = seen;
    }
    int woken = error;
    if (!error) {
        woken = wake_key(&key, count, FUTEX_BITSET_MATCH_ANY);
        if (operation_compare(&operation, old))
            woken += wake_key(&key2, count2, FUTEX_BITSET_MATCH_ANY);
    }
    key_release(&key2);
    key_release(&key);
    return woken;
}

/* ---- the call ---- */

/* A relative timeout is on the monotonic clock; FUTEX_WAIT_BITSET's is absolute, on a clock. */
static int timeout_user(struct futex_timeout *timeout, vaddr_t from, int command, bool realtime)
{
    *timeout = (struct futex_timeout){.time = CLOCK_NEVER};
    if (!from)
        return 0;
    int error = time_interval_user(&timeout->time, from);
    if (error)
        return error;
    timeout->wall = realtime;
    if (command == FUTEX_WAIT)
        timeout->time = time_deadline(timeout->time);
    return 0;
}

ssize_t sys_futex(vaddr_t address, int operation, uint32_t value, uint64_t timeout,
                  vaddr_t address2, uint32_t value3)
{
    int command = operation & FUTEX_CMD_MASK;
    bool private = operation & FUTEX_PRIVATE_FLAG;
    bool realtime = operation & FUTEX_CLOCK_REALTIME;
    struct futex_timeout until;
    int error;

    if (realtime && command != FUTEX_WAIT_BITSET)
        return -ENOSYS;
    switch (command) {
    case FUTEX_WAIT:
        value3 = FUTEX_BITSET_MATCH_ANY;
        __attribute__((fallthrough));
    case FUTEX_WAIT_BITSET:
        error = timeout_user(&until, timeout, command, realtime);
        return error ? error : wait_call(address, value, &until, value3, private);
    case FUTEX_WAKE:
        value3 = FUTEX_BITSET_MATCH_ANY;
        __attribute__((fallthrough));
    case FUTEX_WAKE_BITSET:
        /* Linux wakes one even when none was asked for. */
        return wake(address, (int)value > 0 ? (int)value : 1, value3, private);
    case FUTEX_REQUEUE:
        return requeue(address, value, timeout, address2, NULL, private);
    case FUTEX_CMP_REQUEUE:
        return requeue(address, value, timeout, address2, &value3, private);
    case FUTEX_WAKE_OP:
        return wake_operation(address, value, timeout, address2, value3, private);
    default: /* among them the priority-inheriting ones, as the plan says */
        return -ENOSYS;
    }
}

/*
 * lock.c: advisory locks: fcntl(2) for ranges, by process or by open file (OFD),
 * and flock(2) for whole files.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "file/descriptor_table.h"
#include "file/hooks.h"
#include "file/lock.h"
#include "file/lock_set.h"
#include "file/pseudo.h"
#include "file/system_calls.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

/* <asm/fcntl.h> has these only with the C library's. */
#define FLOCK_SHARED      1
#define FLOCK_EXCLUSIVE   2
#define FLOCK_NONBLOCKING 4
#define FLOCK_UNLOCK      8
#define FLOCK_MANDATORY   32 /* LOCK_MAND: Linux has given it up, and says that all is well */

/* Of one user a 64th of all memory; then fcntl(2) and flock(2) say ENOLCK. Linux knows no limit. */
#define LOCKS_PART 64

#define RELEASED_AT_ONCE 64 /* locks, before others may have the file's mutex */

/* Not set yet. NULL: *error says why: -ENOMEM, -ENOLCK. */
static struct record_lock *lock_create(int *error)
{
    struct user_account *account = user_account_get_current();
    uint64_t limit = frame_total() / LOCKS_PART * PAGE_SIZE / sizeof(struct record_lock);
    bool charged = user_account_charge(&account->locks, 1, limit);
    struct record_lock *lock = charged ? heap_allocate_zeroed(sizeof(*lock)) : NULL;

    if (lock) {
        lock->account = account;
        return lock;
    }
    *error = charged ? -ENOMEM : -ENOLCK;
    if (charged)
        user_account_discharge(&account->locks, 1);
    user_account_release(account);
    return NULL;
}

/* NULL allowed. */
static void lock_free(struct record_lock *lock)
{
    if (!lock)
        return;
    user_account_discharge(&lock->account->locks, 1);
    user_account_release(lock->account);
    heap_free(lock);
}

/* Makes it like another, which may be in a list. */
static void lock_fill(struct record_lock *lock, const struct record_lock *like)
{
    lock->owner = like->owner;
    lock->first = like->first;
    lock->last = like->last;
    lock->process = like->process;
    lock->exclusive = like->exclusive;
}

/* What is set and what waits until it may be. */
struct lock_lists {
    struct lock_set set;
    RB_HEAD(waiting_locks, record_lock) waiting; /* by what each has met */
};

static int waiting_compare(const struct record_lock *left, const struct record_lock *right)
{
    if (left->blocker != right->blocker)
        return left->blocker < right->blocker ? -1 : 1;
    return left->turn < right->turn ? -1 : left->turn > right->turn;
}

/* The generated functions are not all used; <bsd/sys/cdefs.h> leaves the word to the C library. */
#undef __unused
#define __unused __attribute__((unused))
RB_GENERATE_STATIC(waiting_locks, record_lock, owner_link, waiting_compare)

/* An inode's: it is there while a lock is set and while a call is at it. */
struct record_locks {
    LIST_ENTRY(record_locks) link; /* registry_lock */
    uint32_t users;                /* calls that are at it; registry_lock */
    struct inode *inode;           /* held by each user, and by who has a lock; constant */
    struct mutex lock;
    struct lock_lists ranges; /* fcntl's; lock */
    struct lock_lists whole;  /* flock's; lock */
    uint64_t turns;           /* so many have waited; lock */
    uint64_t changes;         /* counts what made locks free; atomic */
    struct wait_queue released;
};
static struct spinlock registry_lock = SPINLOCK_INITIALIZER; /* and of each inode's `locks` */
static LIST_HEAD(, record_locks) registry;                   /* registry_lock */

/* For locks_release(). The caller holds the inode. NULL: it has none. */
static struct record_locks *locks_find(struct inode *inode)
{
    spinlock_acquire(&registry_lock);
    struct record_locks *locks = inode->locks;
    if (locks)
        locks->users++;
    spinlock_release(&registry_lock);
    return locks;
}

/* The same, made if there are none yet. NULL: no memory. */
static struct record_locks *locks_make(struct inode *inode)
{
    struct record_locks *locks = locks_find(inode);
    struct record_locks *new = locks ? NULL : heap_allocate_zeroed(sizeof(*new));

    if (locks || !new)
        return locks;
    new->users = 1;
    new->inode = inode;
    mutex_initialize(&new->lock, MUTEX_RECORD_LOCKS);
    wait_queue_initialize(&new->released);
    spinlock_acquire(&registry_lock);
    locks = inode->locks;
    if (locks) {
        locks->users++;
    } else {
        LIST_INSERT_HEAD(&registry, new, link);
        __atomic_store_n(&inode->locks, new, __ATOMIC_RELEASE);
    }
    spinlock_release(&registry_lock);
    if (!locks)
        return new;
    heap_free(new);
    return locks;
}

/* Who waits is a user: with the last user and the last lock it goes. */
static void locks_release(struct record_locks *locks)
{
    spinlock_acquire(&registry_lock);
    bool last = --locks->users == 0 && lock_set_is_empty(&locks->ranges.set) &&
                lock_set_is_empty(&locks->whole.set);
    if (last) {
        LIST_REMOVE(locks, link);
        __atomic_store_n(&locks->inode->locks, NULL, __ATOMIC_RELAXED);
    }
    spinlock_release(&registry_lock);
    if (last)
        heap_free(locks);
}

static void locks_changed(struct record_locks *locks)
{
    __atomic_fetch_add(&locks->changes, 1, __ATOMIC_RELEASE);
    wait_queue_wake(&locks->released);
}

/* Frees some of an owner's locks. How many. Lock held. */
static unsigned release_some(struct lock_set *set, const void *owner)
{
    struct record_lock *lock = lock_set_owned_from(set, owner, 0);
    unsigned released = 0;

    while (lock && released < RELEASED_AT_ONCE) {
        struct record_lock *next = lock_set_owned_next(lock);
        lock_set_remove(set, lock);
        lock_free(lock);
        lock = next;
        released++;
    }
    return released;
}

void record_locks_release_owner(struct inode *inode, const void *owner)
{
    struct record_locks *locks = locks_find(inode);

    if (!locks)
        return;
    unsigned released, all = 0;
    do {
        mutex_acquire(&locks->lock);
        released = release_some(&locks->ranges.set, owner);
        released += release_some(&locks->whole.set, owner);
        mutex_release(&locks->lock);
        all += released;
        thread_preemption_point();
    } while (released >= RELEASED_AT_ONCE);
    if (all)
        locks_changed(locks);
    locks_release(locks);
}

/*
 * Takes [first, last] out of the owner's locks: what sticks out stays. At most
 * one lock is split, for which `spare` is used: *spare is NULL then. Lock held.
 */
static void cut_range(struct lock_set *set, const void *owner, int64_t first, int64_t last,
                      struct record_lock **spare)
{
    struct record_lock *lock = lock_set_owned_from(set, owner, first);

    while (lock && lock->first <= last) {
        struct record_lock *next = lock_set_owned_next(lock);
        if (lock->first < first && lock->last > last) {
            struct record_lock *rest = *spare;
            *spare = NULL;
            lock_fill(rest, lock);
            rest->first = last + 1;
            lock_set_change(set, lock, lock->first, first - 1);
            lock_set_insert(set, rest);
        } else if (lock->first < first) {
            lock_set_change(set, lock, lock->first, first - 1);
        } else if (lock->last > last) {
            lock_set_change(set, lock, last + 1, lock->last);
        } else {
            lock_set_remove(set, lock);
            lock_free(lock);
        }
        lock = next;
        thread_preemption_point();
    }
}

/* Takes a neighbour of the same kind in. */
static void merge_with(struct lock_set *set, struct record_lock *new, struct record_lock *neighbour)
{
    if (!neighbour || neighbour->exclusive != new->exclusive)
        return;
    if (neighbour->first < new->first)
        new->first = neighbour->first;
    else
        new->last = neighbour->last;
    lock_set_remove(set, neighbour);
    lock_free(neighbour);
}

/* Neighbours of the same kind become one with the new lock. Lock held. */
static void merge_range(struct lock_set *set, struct record_lock *new)
{
    struct record_lock *right =
        new->last == INT64_MAX ? NULL : lock_set_owned_from(set, new->owner, new->last + 1);
    struct record_lock *left =
        new->first == 0 ? NULL : lock_set_owned_from(set, new->owner, new->first - 1);

    if (right && right->first == new->last + 1)
        merge_with(set, new, right);
    if (left && left->last == new->first - 1)
        merge_with(set, new, left);
}

/*
 * Who waits for whom, so that processes that would wait for each other for ever
 * are told (fcntl(2), EDEADLK). Owners of OFD locks are not looked after, as on
 * Linux.
 */
struct lock_waiter {
    RB_ENTRY(lock_waiter) link;     /* waiters_lock */
    const void *owner, *blocked_by; /* constant while it is in the tree */
};
static struct spinlock waiters_lock = SPINLOCK_INITIALIZER;
static RB_HEAD(lock_waiters, lock_waiter) waiters; /* by owner; waiters_lock */

static int waiter_compare(const struct lock_waiter *left, const struct lock_waiter *right)
{
    if (left->owner != right->owner)
        return left->owner < right->owner ? -1 : 1;
    return left < right ? -1 : left > right;
}
RB_GENERATE_STATIC(lock_waiters, lock_waiter, link, waiter_compare)

/* For whom this owner waits; NULL: for nobody. waiters_lock held. */
static const void *blocked_by(const void *owner)
{
    /* Its address only comes after the owner: a waiter below it is found as well as one above. */
    struct lock_waiter key = {.owner = owner};
    struct lock_waiter *waiter = RB_NFIND(lock_waiters, &waiters, &key);

    if (waiter && waiter->owner == owner)
        return waiter->blocked_by;
    waiter = waiter ? RB_PREV(lock_waiters, &waiters, waiter) : RB_MAX(lock_waiters, &waiters);
    return waiter && waiter->owner == owner ? waiter->blocked_by : NULL;
}

/* Notes that the owner is about to wait. False: it would wait for itself. */
static bool waiter_begin(struct lock_waiter *waiter)
{
    bool deadlock = false;

    spinlock_acquire(&waiters_lock);
    const void *next = waiter->blocked_by;
    for (unsigned steps = 0; next && !deadlock && steps < 100; steps++) {
        next = blocked_by(next);
        deadlock = next == waiter->owner;
    }
    if (!deadlock)
        RB_INSERT(lock_waiters, &waiters, waiter);
    spinlock_release(&waiters_lock);
    return !deadlock;
}

static void waiter_end(struct lock_waiter *waiter)
{
    spinlock_acquire(&waiters_lock);
    RB_REMOVE(lock_waiters, &waiters, waiter);
    spinlock_release(&waiters_lock);
}

/* Waits until some lock was freed since `seen`; all see meanwhile what is waited for. 0 or
   -RESTART_CALL. */
static int change_wait(struct record_locks *locks, struct lock_lists *lists, uint64_t seen,
                       struct record_lock *wanted)
{
    mutex_acquire(&locks->lock);
    wanted->turn = ++locks->turns;
    RB_INSERT(waiting_locks, &lists->waiting, wanted);
    mutex_release(&locks->lock);
    int error =
        wait_event(&locks->released, __atomic_load_n(&locks->changes, __ATOMIC_ACQUIRE) != seen,
                   THREAD_INTERRUPTIBLE, CLOCK_NEVER);
    mutex_acquire(&locks->lock);
    RB_REMOVE(waiting_locks, &lists->waiting, wanted);
    mutex_release(&locks->lock);
    return error ? -RESTART_CALL : 0;
}

static int range_wait(struct record_locks *locks, uint64_t seen, struct record_lock *wanted,
                      const void *blocked_by)
{
    struct lock_waiter waiter = {.owner = wanted->owner, .blocked_by = blocked_by};
    bool by_process = wanted->process >= 0;

    if (by_process && !waiter_begin(&waiter))
        return -EDEADLK;
    int error = change_wait(locks, &locks->ranges, seen, wanted);
    if (by_process)
        waiter_end(&waiter);
    return error;
}

/* Sets or clears a range; waits if it has to and may. */
static ssize_t range_set(struct inode *inode, struct record_lock *wanted, bool unlock, bool waits)
{
    struct record_locks *locks = unlock ? locks_find(inode) : locks_make(inode);
    if (!locks)
        return unlock ? 0 : -ENOMEM;
    int error = 0;
    bool whole = !wanted->first && wanted->last == INT64_MAX;
    /* Giving all of a file up always succeeds; a part of it may need one lock more. */
    struct record_lock *new = unlock ? NULL : lock_create(&error);
    struct record_lock *spare = error || (unlock && whole) ? NULL : lock_create(&error);

    while (!error) {
        mutex_acquire(&locks->lock);
        uint64_t seen = locks->changes;
        const struct record_lock *conflict =
            unlock ? NULL : lock_set_conflict(&locks->ranges.set, wanted);
        if (!conflict) {
            cut_range(&locks->ranges.set, wanted->owner, wanted->first, wanted->last, &spare);
            if (!unlock) {
                lock_fill(new, wanted);
                merge_range(&locks->ranges.set, new);
                lock_set_insert(&locks->ranges.set, new);
                new = NULL;
            }
            mutex_release(&locks->lock);
            /* A downgrade or an unlock lets others in. */
            locks_changed(locks);
            break;
        }
        const void *owner = conflict->owner;
        wanted->blocker = conflict;
        mutex_release(&locks->lock);
        error = waits ? range_wait(locks, seen, wanted, owner) : -EAGAIN;
    }
    lock_free(new);
    lock_free(spare);
    locks_release(locks);
    return error;
}

/* The same for a process. A descriptor that is closed meanwhile takes the lock with it: whoever
   closes looks for locks when the descriptor is out of the table. */
static ssize_t range_set_by_process(struct file *file, int descriptor, struct record_lock *wanted,
                                    bool unlock, bool waits)
{
    ssize_t error = range_set(file->inode, wanted, unlock, waits);
    if (error || unlock)
        return error;
    struct file *there = descriptor_get(descriptor);
    if (there)
        file_release(there);
    if (there == file)
        return 0;
    if (range_set(file->inode, wanted, true,
                  false)) /* no memory for what is left of a longer one */
        record_locks_release(file->inode, wanted->owner);
    return -EBADF;
}

/* struct flock in absolute bytes. 0, -EINVAL, -EOVERFLOW. */
static int range_from_user(struct file *file, const struct flock *request,
                           struct record_lock *range)
{
    int64_t start = request->l_start, end;

    if (request->l_whence == SEEK_CUR) {
        if (__builtin_add_overflow(start, file->offset, &start))
            return -EOVERFLOW;
    } else if (request->l_whence == SEEK_END) {
        if (__builtin_add_overflow(start, (int64_t)inode_size(file->inode), &start))
            return -EOVERFLOW;
    } else if (request->l_whence != SEEK_SET) {
        return -EINVAL;
    }
    if (start < 0)
        return -EINVAL;
    range->first = start;
    range->last = INT64_MAX;
    if (request->l_len > 0) {
        if (__builtin_add_overflow(start, request->l_len - 1, &end))
            return -EOVERFLOW;
        range->last = end;
    } else if (request->l_len < 0) {
        if (start + request->l_len < 0)
            return -EINVAL;
        range->last = start - 1;
        range->first = start + request->l_len;
    }
    return 0;
}

/* F_GETLK: what is in the way, in the request's own form. */
static void range_get(struct inode *inode, const struct record_lock *wanted, struct flock *request)
{
    struct record_locks *locks = locks_find(inode);

    request->l_type = F_UNLCK;
    if (!locks)
        return;
    mutex_acquire(&locks->lock);
    const struct record_lock *conflict = lock_set_conflict(&locks->ranges.set, wanted);
    if (conflict) {
        request->l_type = conflict->exclusive ? F_WRLCK : F_RDLCK;
        request->l_whence = SEEK_SET;
        request->l_start = conflict->first;
        request->l_len = conflict->last == INT64_MAX ? 0 : conflict->last - conflict->first + 1;
        request->l_pid = conflict->process;
    }
    mutex_release(&locks->lock);
    locks_release(locks);
}

ssize_t record_lock_control(struct file *file, int descriptor, unsigned command, vaddr_t argument)
{
    bool by_file = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    bool get = command == F_GETLK || command == F_OFD_GETLK;
    struct flock request;

    if (user_get(&request, argument))
        return -EFAULT;
    if (get && by_file && request.l_pid)
        return -EINVAL;
    if (request.l_type != F_RDLCK && request.l_type != F_WRLCK && request.l_type != F_UNLCK)
        return -EINVAL;
    if (get && request.l_type == F_UNLCK)
        return -EINVAL;
    struct record_lock wanted = {
        .owner = by_file ? (const void *)file : thread_current()->descriptors,
        .process = by_file ? -1 : file_hooks.process_number(),
        .exclusive = request.l_type == F_WRLCK,
    };
    int error = range_from_user(file, &request, &wanted);
    if (error)
        return error;
    if (get) {
        range_get(file->inode, &wanted, &request);
        return user_put(argument, &request);
    }
    if ((request.l_type == F_RDLCK && !file->readable) ||
        (request.l_type == F_WRLCK && !file->writable))
        return -EBADF;
    if (by_file && request.l_pid)
        return -EINVAL;
    bool unlock = request.l_type == F_UNLCK;
    bool waits = command == F_SETLKW || command == F_OFD_SETLKW;
    return by_file ? range_set(file->inode, &wanted, unlock, waits)
                   : range_set_by_process(file, descriptor, &wanted, unlock, waits);
}

/* ---- flock(2) ---- */

static ssize_t flock_set(struct file *file, bool exclusive, bool unlock, bool waits)
{
    struct record_locks *locks = unlock ? locks_find(file->inode) : locks_make(file->inode);
    if (!locks)
        return unlock ? 0 : -ENOMEM;
    struct record_lock wanted = {.owner = file,
                                 .last = INT64_MAX,
                                 .exclusive = exclusive,
                                 .process = file_hooks.process_number()};
    int error = 0;
    struct record_lock *new = unlock ? NULL : lock_create(&error);

    while (!error) {
        mutex_acquire(&locks->lock);
        /* flock(2): a conversion gives the old lock up first. */
        bool released = release_some(&locks->whole.set, file);
        wanted.blocker = unlock ? NULL : lock_set_conflict(&locks->whole.set, &wanted);
        bool done = !wanted.blocker;
        uint64_t seen = locks->changes + released;
        if (done && !unlock) {
            lock_fill(new, &wanted);
            lock_set_insert(&locks->whole.set, new);
            new = NULL;
        }
        mutex_release(&locks->lock);
        if (released)
            locks_changed(locks);
        if (done)
            break;
        error = waits ? change_wait(locks, &locks->whole, seen, &wanted) : -EAGAIN;
    }
    lock_free(new);
    locks_release(locks);
    return error;
}

ssize_t sys_flock(int descriptor, unsigned operation)
{
    unsigned kind = operation & ~FLOCK_NONBLOCKING;

    if (operation & FLOCK_MANDATORY)
        return 0;
    if (kind != FLOCK_SHARED && kind != FLOCK_EXCLUSIVE && kind != FLOCK_UNLOCK)
        return -EINVAL;
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    ssize_t result = flock_set(file, kind == FLOCK_EXCLUSIVE, kind == FLOCK_UNLOCK,
                               !(operation & FLOCK_NONBLOCKING));
    file_release(file);
    return result;
}

/* ---- /proc/locks: proc(5); the form is that of lock_get_status() in Linux's fs/locks.c ---- */

static void lock_show(struct text *text, uint64_t number, const char *kind,
                      const struct record_lock *lock, const struct inode *inode)
{
    uint64_t device = inode->file_system->device;

    text_print(text, "%lu: %s ADVISORY  %s %d %02x:%02x:%lu %ld ", number, kind,
               lock->exclusive ? "WRITE" : "READ", lock->process, device_major(device),
               device_minor(device), inode->number, lock->first);
    if (lock->last == INT64_MAX)
        text_print(text, "EOF\n");
    else
        text_print(text, "%ld\n", lock->last);
}

/* Each lock, and behind it who waits for it. Lock held. */
static void lists_show(struct text *text, uint64_t *number, const struct record_locks *locks,
                       struct lock_lists *lists)
{
    bool whole = lists == &locks->whole;
    struct record_lock *lock, *waiting;

    for (lock = lock_set_first(&lists->set); lock; lock = lock_set_next(lock)) {
        ++*number;
        lock_show(text, *number,
                  whole               ? "FLOCK "
                  : lock->process < 0 ? "OFDLCK"
                                      : "POSIX ",
                  lock, locks->inode);
        struct record_lock key = {.blocker = lock};
        waiting = RB_NFIND(waiting_locks, &lists->waiting, &key);
        for (; waiting && waiting->blocker == lock;
             waiting = RB_NEXT(waiting_locks, &lists->waiting, waiting))
            lock_show(text, *number,
                      whole                  ? "-> FLOCK "
                      : waiting->process < 0 ? "-> OFDLCK"
                                             : "-> POSIX ",
                      waiting, locks->inode);
        if (thread_interrupted(THREAD_KILLABLE))
            return;
        thread_preemption_point();
    }
}

/* The next inode's; takes the last one's reference. Whoever has locks is there has its inode. */
static struct record_locks *locks_next(struct record_locks *last)
{
    spinlock_acquire(&registry_lock);
    struct record_locks *next = last ? LIST_NEXT(last, link) : LIST_FIRST(&registry);
    if (next) {
        next->users++;
        inode_reference(next->inode);
    }
    spinlock_release(&registry_lock);
    if (last) {
        struct inode *inode = last->inode;
        locks_release(last);
        inode_release(inode);
    }
    return next;
}

void record_locks_show(struct text *text)
{
    uint64_t number = 0;

    for (struct record_locks *locks = locks_next(NULL); locks; locks = locks_next(locks)) {
        mutex_acquire(&locks->lock);
        lists_show(text, &number, locks, &locks->ranges);
        lists_show(text, &number, locks, &locks->whole);
        mutex_release(&locks->lock);
    }
}

/*
 * identity.c: which number stands for whom. A number comes back into use only
 * when it is nobody's TID, PID, group or session any more, and as late as
 * possible: numbers go up, and begin again behind the last one.
 */
#include "process/identity.h"

#include <asm/errno.h>

#include "memory/heap.h"

#define BUCKETS          4096
#define FIRST_AFTER_WRAP 300 /* as on Linux: low numbers are for the boot's own programs */
#define BITS_A_WORD      64
#define WORDS            (IDENTITY_LIMIT / BITS_A_WORD)

struct spinlock process_table_lock = SPINLOCK_RANKED(LOCK_PROCESS_TABLE);

/* process_table_lock guards all three. */
static LIST_HEAD(, identity) buckets[BUCKETS];
static uint64_t taken[WORDS] = {1}; /* bit per number; 0 is nobody's */
static uint32_t next_number = 1;
static uint64_t given; /* process_table_lock to write; atomic to read */
uint32_t identity_limit = IDENTITY_LIMIT;

/* The first number in [from, to) whose bit is `bit`, or `to`. */
static uint32_t number_scan(uint32_t from, uint32_t to, bool bit)
{
    while (from < to) {
        uint64_t word =
            (bit ? taken[from / BITS_A_WORD] : ~taken[from / BITS_A_WORD]) >> from % BITS_A_WORD;
        if (word) {
            from += __builtin_ctzl(word);
            return from < to ? from : to;
        }
        from = (from / BITS_A_WORD + 1) * BITS_A_WORD;
    }
    return to;
}

/* A free number, or 0. */
static uint32_t number_choose(void)
{
    uint32_t limit = __atomic_load_n(&identity_limit, __ATOMIC_RELAXED);
    uint32_t from = next_number < limit ? next_number : limit;
    uint32_t number = number_scan(from, limit, false);
    if (number == limit) {
        number = number_scan(FIRST_AFTER_WRAP, from, false);
        if (number == from)
            return 0;
    }
    next_number = number + 1;
    return number;
}

struct identity *identity_reserve(int *error)
{
    struct identity *identity = heap_allocate_zeroed(sizeof(*identity));
    if (!identity) {
        *error = -ENOMEM;
        return NULL;
    }

    bool enabled = spinlock_acquire_save(&process_table_lock);
    uint32_t number = number_choose();
    if (number) {
        identity->number = number;
        __atomic_store_n(&given, given + 1, __ATOMIC_RELAXED);
        taken[number / BITS_A_WORD] |= 1UL << number % BITS_A_WORD;
        LIST_INSERT_HEAD(&buckets[number % BUCKETS], identity, hash_link);
    }
    spinlock_release_restore(&process_table_lock, enabled);

    if (!number) {
        heap_free(identity);
        *error = -EAGAIN;
        return NULL;
    }
    return identity;
}

void identity_cancel(struct identity *identity)
{
    bool enabled = spinlock_acquire_save(&process_table_lock);
    __atomic_store_n(&given, given - 1, __ATOMIC_RELAXED);
    identity_drop(identity);
    spinlock_release_restore(&process_table_lock, enabled);
}

uint64_t identity_given(void)
{
    return __atomic_load_n(&given, __ATOMIC_RELAXED);
}

struct identity *identity_find(uint32_t number)
{
    struct identity *identity;
    LIST_FOREACH(identity, &GUARDED_BY(&process_table_lock, buckets[number % BUCKETS]), hash_link)
    {
        if (identity->number == number)
            return identity;
    }
    return NULL;
}

struct identity *identity_next(uint32_t number)
{
    number = number_scan(number ? number : 1, IDENTITY_LIMIT, true); /* 0 is taken by nobody */
    return number < IDENTITY_LIMIT ? identity_find(number) : NULL;
}

struct user_thread *identity_forget_thread(struct identity *identity)
{
    struct user_thread *thread = identity->thread;
    if (thread) {
        identity->thread = NULL;
        thread->identity = NULL;
    }
    return thread;
}

void identity_drop(struct identity *identity)
{
    if (identity->thread || identity->process || identity->group || identity->session)
        return;
    LIST_REMOVE(identity, hash_link);
    taken[identity->number / BITS_A_WORD] &= ~(1UL << identity->number % BITS_A_WORD);
    heap_free(identity);
}

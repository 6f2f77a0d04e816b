/* user_account.c: accounts by user; one lives as long as something is charged to it. */
#include "memory/user_account.h"

#include "cpu/spinlock.h"
#include "library/hash.h"
#include "memory/heap.h"
#include "thread/thread.h"

#define BUCKET_COUNT 64

static struct spinlock lock = SPINLOCK_INITIALIZER; /* taken with interrupts off; innermost */
static LIST_HEAD(, user_account) buckets[BUCKET_COUNT];
/* Is always there: the kernel's own threads have it too. */
static struct user_account superuser = {.references = 1};

/* Lock held. */
static struct user_account *find(uint32_t user)
{
    struct user_account *account;

    if (user == superuser.user)
        return &superuser;
    LIST_FOREACH(account, &buckets[hash_number(user) % BUCKET_COUNT], link)
    if (account->user == user)
        return account;
    return NULL;
}

struct user_account *user_account_get(uint32_t user)
{
    struct user_account *account, *fresh = NULL;

    for (;;) {
        bool enabled = spinlock_acquire_save(&lock);
        account = find(user);
        if (!account && fresh) {
            LIST_INSERT_HEAD(&buckets[hash_number(user) % BUCKET_COUNT], fresh, link);
            account = fresh;
            fresh = NULL;
        }
        if (account)
            user_account_reference(account);
        spinlock_release_restore(&lock, enabled);

        if (account) {
            heap_free(fresh); /* someone else was faster */
            return account;
        }
        fresh = heap_allocate_zeroed(sizeof(*fresh));
        if (!fresh)
            return NULL;
        fresh->user = user;
    }
}

struct user_account *user_account_get_current(void)
{
    struct user_account *account = thread_current()->account;

    if (!account)
        account = &superuser;
    user_account_reference(account);
    return account;
}

void user_account_release(struct user_account *account)
{
    if (!account)
        return;
    uint32_t references = __atomic_load_n(&account->references, __ATOMIC_RELAXED);
    while (references > 1) {
        if (__atomic_compare_exchange_n(&account->references, &references, references - 1, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return;
    }
    bool enabled = spinlock_acquire_save(&lock); /* nobody finds it meanwhile */
    bool last = __atomic_sub_fetch(&account->references, 1, __ATOMIC_ACQ_REL) == 0;
    if (last)
        LIST_REMOVE(account, link);
    spinlock_release_restore(&lock, enabled);
    if (last)
        heap_free(account);
}

void *user_account_heap_allocate(size_t size)
{
    void *memory = heap_allocate_zeroed(size);

    if (memory)
        __atomic_fetch_add(&thread_current()->account->heap_bytes, size, __ATOMIC_RELAXED);
    return memory;
}

void user_account_heap_free(void *memory, size_t size)
{
    if (memory)
        __atomic_fetch_sub(&thread_current()->account->heap_bytes, size, __ATOMIC_RELAXED);
    heap_free(memory);
}

uint64_t user_account_pages(const struct user_account *account)
{
    return __atomic_load_n(&account->pages.used, __ATOMIC_RELAXED) +
           __atomic_load_n(&account->heap_bytes, __ATOMIC_RELAXED) / PAGE_SIZE;
}

#include "process/user_account.h"

#include <asm/errno.h>
#include <asm/resource.h>

#include "cpu/spinlock.h"
#include "file/credentials.h"
#include "library/hash.h"
#include "memory/heap.h"
#include "process/process.h"

#define BUCKET_COUNT 64

static struct spinlock lock = SPINLOCK_INITIALIZER; /* taken with interrupts off; innermost */
static LIST_HEAD(, user_account) buckets[BUCKET_COUNT];

struct user_account *user_account_get(uint32_t user)
{
    size_t bucket = hash_number(user) % BUCKET_COUNT;
    struct user_account *account, *fresh = NULL;

    for (;;) {
        bool enabled = spinlock_acquire_save(&lock);
        LIST_FOREACH(account, &buckets[bucket], link)
        {
            if (account->user == user)
                break;
        }
        if (!account && fresh) {
            LIST_INSERT_HEAD(&buckets[bucket], fresh, link);
            account = fresh;
            fresh = NULL;
        }
        if (account)
            account->references++;
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

void user_account_reference(struct user_account *account)
{
    bool enabled = spinlock_acquire_save(&lock);
    account->references++;
    spinlock_release_restore(&lock, enabled);
}

void user_account_release(struct user_account *account)
{
    if (!account)
        return;
    bool enabled = spinlock_acquire_save(&lock);
    bool last = --account->references == 0;
    if (last)
        LIST_REMOVE(account, link);
    spinlock_release_restore(&lock, enabled);
    if (last)
        heap_free(account);
}

/* RLIMIT_NPROC does not bind the superuser (getrlimit(2)). */
static bool exceeds_limit(const struct user_account *account)
{
    const struct credentials *credentials = credentials_current();

    return __atomic_load_n(&account->threads, __ATOMIC_RELAXED) > process_limit(RLIMIT_NPROC) &&
           account->user != 0 && !credentials_capable(credentials, CAP_SYS_RESOURCE) &&
           !credentials_capable(credentials, CAP_SYS_ADMIN);
}

int user_account_add_thread(struct user_thread *thread)
{
    struct user_account *account;

    if (thread_current()->process && user_thread_current()->account) {
        account = user_thread_current()->account;
        user_account_reference(account);
    } else {
        account = user_account_get(0);
    }
    if (!account)
        return -ENOMEM;
    __atomic_fetch_add(&account->threads, 1, __ATOMIC_RELAXED);
    if (thread_current()->process && exceeds_limit(account)) {
        __atomic_fetch_sub(&account->threads, 1, __ATOMIC_RELAXED);
        user_account_release(account);
        return -EAGAIN;
    }
    thread->account = account;
    return 0;
}

void user_account_remove_thread(struct user_thread *thread)
{
    struct user_account *account = thread->account;

    if (!account)
        return;
    thread->account = NULL;
    __atomic_fetch_sub(&account->threads, 1, __ATOMIC_RELAXED);
    user_account_release(account);
}

int user_account_check(void)
{
    struct user_thread *thread = user_thread_current();

    thread->exceeds_processes =
        thread->exceeds_processes &&
        __atomic_load_n(&thread->account->threads, __ATOMIC_RELAXED) > process_limit(RLIMIT_NPROC);
    return thread->exceeds_processes ? -EAGAIN : 0;
}

int user_account_add_timer(struct user_account **account)
{
    *account = user_thread_current()->account;
    if (__atomic_add_fetch(&(*account)->signals, 1, __ATOMIC_RELAXED) >
        process_limit(RLIMIT_SIGPENDING)) {
        __atomic_fetch_sub(&(*account)->signals, 1, __ATOMIC_RELAXED);
        return -EAGAIN;
    }
    user_account_reference(*account);
    return 0;
}

void user_account_remove_timer(struct user_account *account)
{
    __atomic_fetch_sub(&account->signals, 1, __ATOMIC_RELAXED);
    user_account_release(account);
}

int user_account_move_thread(uint32_t user)
{
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;
    struct user_account *account = user_account_get(user);

    if (!account)
        return -ENOMEM;
    /* setuid(2) does not fail for this; the next exec may. */
    thread->exceeds_processes =
        __atomic_fetch_add(&account->threads, 1, __ATOMIC_RELAXED) > process_limit(RLIMIT_NPROC) &&
        user != 0;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct user_account *old = thread->account;
    thread->account = account;
    spinlock_release_restore(&process->lock, enabled);

    if (old)
        __atomic_fetch_sub(&old->threads, 1, __ATOMIC_RELAXED);
    user_account_release(old);
    return 0;
}

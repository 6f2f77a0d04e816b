/* thread_account.c: see thread_account.h. */
#include "process/thread_account.h"

#include <asm/errno.h>
#include <asm/resource.h>

#include "file/credentials.h"
#include "process/process.h"
#include "thread/limits.h"

/* `threads`: with the one to be. RLIMIT_NPROC does not bind the superuser (getrlimit(2)). */
static bool exceeds_limit(const struct user_account *account, uint32_t threads)
{
    const struct credentials *credentials = credentials_current();

    return threads > thread_limit(RLIMIT_NPROC) && account->user != 0 &&
           !credentials_capable(credentials, CAP_SYS_RESOURCE) &&
           !credentials_capable(credentials, CAP_SYS_ADMIN);
}

int user_account_add_thread(struct user_thread *thread)
{
    struct user_account *account = user_account_get_current();
    uint32_t threads = __atomic_add_fetch(&account->threads, 1, __ATOMIC_RELAXED);
    if (thread_current()->process && exceeds_limit(account, threads)) {
        user_account_remove_thread(&account);
        return -EAGAIN;
    }
    thread->thread.account = account;
    thread->thread.share = &account->share;
    return 0;
}

void user_account_remove_thread(struct user_account **account)
{
    struct user_account *old = *account;

    if (!old)
        return;
    *account = NULL;
    user_account_discharge(&old->threads, 1);
    user_account_release(old);
}

int user_account_check(void)
{
    struct user_thread *thread = user_thread_current();

    thread->exceeds_processes =
        thread->exceeds_processes && __atomic_load_n(&thread->thread.account->threads,
                                                     __ATOMIC_RELAXED) > thread_limit(RLIMIT_NPROC);
    return thread->exceeds_processes ? -EAGAIN : 0;
}

int user_account_add_timer(struct user_account **account)
{
    *account = thread_current()->account;
    if (!user_account_charge(&(*account)->signals, 1, thread_limit(RLIMIT_SIGPENDING)))
        return -EAGAIN;
    user_account_reference(*account);
    return 0;
}

void user_account_remove_timer(struct user_account *account)
{
    user_account_discharge(&account->signals, 1);
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
        __atomic_fetch_add(&account->threads, 1, __ATOMIC_RELAXED) > thread_limit(RLIMIT_NPROC) &&
        user != 0;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct user_account *old = thread->thread.account;
    thread->thread.account = account;
    spinlock_release_restore(&process->lock, enabled);

    thread_set_share(&account->share);
    user_account_remove_thread(&old);
    return 0;
}

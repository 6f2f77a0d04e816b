/*
 * user_account.h: what is counted by real user over all its processes: threads
 * (RLIMIT_NPROC) and queued signals (RLIMIT_SIGPENDING), getrlimit(2).
 */
#ifndef BATON_PROCESS_USER_ACCOUNT_H
#define BATON_PROCESS_USER_ACCOUNT_H

#include <bsd/sys/queue.h>

#include "library/types.h"

struct user_thread;

struct user_account {
    LIST_ENTRY(user_account) link; /* user_account.c's lock */
    uint32_t user;                 /* constant */
    uint32_t references;           /* the same lock */
    uint32_t threads;              /* atomic */
    uint32_t signals;              /* atomic */
};

/* The user's account, with a reference; NULL: no memory. Any context. */
struct user_account *user_account_get(uint32_t user);
void user_account_reference(struct user_account *account);
/* NULL allowed. Any context. */
void user_account_release(struct user_account *account);

/*
 * clone: counts the new thread under the calling thread's account (user 0's for a kernel thread)
 * and gives it a reference. -EAGAIN: RLIMIT_NPROC; -ENOMEM.
 */
int user_account_add_thread(struct user_thread *thread);
/* The thread has ended, or did not start after all. Any context. */
void user_account_remove_thread(struct user_thread *thread);
/* exec: -EAGAIN: setuid(2) took the calling thread's user beyond RLIMIT_NPROC, and it still is
   (execve(2)); else 0, also from then on. */
int user_account_check(void);
/* timer_create(2): a timer counts as a signal that is queued for the calling thread's user; a
   reference in *account. -EAGAIN: RLIMIT_SIGPENDING. */
int user_account_add_timer(struct user_account **account);
/* Any context. */
void user_account_remove_timer(struct user_account *account);
/* setuid(2): moves the calling thread to another user's account. -ENOMEM. */
int user_account_move_thread(uint32_t user);

#endif

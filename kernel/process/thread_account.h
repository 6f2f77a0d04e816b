/*
 * thread_account.h: the account of a thread's real user (memory/user_account.h): how threads are
 * counted (RLIMIT_NPROC), timers with the queued signals (RLIMIT_SIGPENDING), getrlimit(2).
 */
#ifndef BATON_PROCESS_THREAD_ACCOUNT_H
#define BATON_PROCESS_THREAD_ACCOUNT_H

#include "memory/user_account.h"

struct user_thread;

/* clone: counts the new thread under the calling thread's account and gives it a reference.
   -EAGAIN: RLIMIT_NPROC. */
int user_account_add_thread(struct user_thread *thread);
/* What was counted has ended, or did not start after all: a thread's account or, from its last
   thread's end until it is reaped, a process's. *account becomes NULL; it may be. Any context. */
void user_account_remove_thread(struct user_account **account);
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

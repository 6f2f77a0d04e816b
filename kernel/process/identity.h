/*
 * identity.h: the numbers of threads, processes, groups and sessions. Only for
 * the files that make and end these; others look things up through process.h.
 */
#ifndef BATON_PROCESS_IDENTITY_H
#define BATON_PROCESS_IDENTITY_H

#include "process/process.h"

#define IDENTITY_LIMIT        32768 /* numbers are below it: Linux's default kernel.pid_max */
#define IDENTITY_LIMIT_LOWEST 301
/* How many numbers were given to threads since the boot. */
uint64_t identity_given(void);
extern uint32_t identity_limit; /* new ones are below this: kernel.pid_max; atomic */

/*
 * A number that stands for nothing yet, so that no one else gets it: for fork.
 * *error: -ENOMEM or -EAGAIN (all numbers are taken).
 */
struct identity *identity_reserve(int *error);
/* Gives a number back that never came to stand for anything. */
void identity_cancel(struct identity *identity);

/* The rest: process_table_lock held. */

/* NULL: the number stands for nothing. */
struct identity *identity_find(uint32_t number);
/* The first at or above `number`; NULL: no more. */
struct identity *identity_next(uint32_t number);
/* The ended thread that was still found by the number, and is not any more; with its reference for
   the caller. NULL: there is none. */
struct user_thread *identity_forget_thread(struct identity *identity);
/* Frees the number if it stands for nothing any more. To be called after a field became NULL. */
void identity_drop(struct identity *identity);

#endif

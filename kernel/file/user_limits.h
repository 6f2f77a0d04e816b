/*
 * user_limits.h: what each user may hold of this room's things, where an administrator may change
 * it (/proc/sys/fs). What is held is counted in memory/user_account.h.
 */
#ifndef BATON_FILE_USER_LIMITS_H
#define BATON_FILE_USER_LIMITS_H

#include "library/types.h"

/* pipe(7), "/proc files"; in pages, atomic. */
extern struct pipe_limits {
    uint64_t pages;           /* of one pipe: pipe-max-size; a power of two */
    uint64_t user_pages_soft; /* pipe-user-pages-soft; 0: none */
    uint64_t user_pages_hard; /* pipe-user-pages-hard; 0: none */
} pipe_limits;

/* Items of all of a user's epoll instances: epoll(7), max_user_watches. Atomic. */
extern uint64_t epoll_watches_maximum;

#endif

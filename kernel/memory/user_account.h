/*
 * user_account.h: what a real user holds over all its processes, and beyond their ends: what is
 * bound by user, and memory that counts for no process. Each object that is charged for keeps the
 * account of who made it, with a reference. kernel/README.md has the table of all of these.
 */
#ifndef BATON_MEMORY_USER_ACCOUNT_H
#define BATON_MEMORY_USER_ACCOUNT_H

#include <bsd/sys/queue.h>

#include "memory/quota.h"
#include "thread/share.h"

struct user_account {
    LIST_ENTRY(user_account) link; /* user_account.c's lock */
    uint32_t user;                 /* constant */
    uint32_t references;           /* atomic; the lock for the last one */
    uint32_t threads;              /* and zombies: RLIMIT_NPROC; atomic */
    uint32_t signals;              /* queued, and timers: RLIMIT_SIGPENDING; atomic */
    uint32_t files_in_flight;      /* in messages: RLIMIT_NOFILE; atomic */
    uint32_t sockets;              /* socket.c; atomic */
    uint32_t locks;                /* of files: lock.c; atomic */
    uint32_t watches;              /* items of epoll: fs.epoll.max_user_watches; atomic */
    uint32_t terminals;            /* pseudo-terminals: pseudo_terminal.c; atomic */
    uint64_t pipe_slots;           /* pages that its pipes have room for: fs.pipe-user-pages-*;
                                      atomic */
    uint64_t variable_turn;        /* when it may ask for one of the firmware's variables again, ns
                                      since boot; atomic */
    struct processor_share share;  /* of the processors' time; atomic */
    uint64_t dirty_pages; /* of files that it serves itself: file/backed/regular.c; atomic */
    /* For the rule of out_of_memory.c only: */
    struct quota pages;  /* of memfds, of shared anonymous memory, in pipes; no limit */
    uint64_t heap_bytes; /* of messages, of text that is being read, of calls that wait; atomic */
};

/* The user's account, with a reference; NULL: no memory. Any context. */
struct user_account *user_account_get(uint32_t user);
/* The calling thread's, with a reference; user 0's in a kernel thread. Any context. */
struct user_account *user_account_get_current(void);
static inline void user_account_reference(struct user_account *account)
{
    __atomic_fetch_add(&account->references, 1, __ATOMIC_RELAXED);
}
/* NULL allowed. Any context. */
void user_account_release(struct user_account *account);

/* Takes `amount` of a count unless more than `limit` would be in use then. Any context. */
static inline bool user_account_charge(uint32_t *count, uint32_t amount, uint64_t limit)
{
    if (__atomic_add_fetch(count, amount, __ATOMIC_RELAXED) <= limit)
        return true;
    __atomic_fetch_sub(count, amount, __ATOMIC_RELAXED);
    return false;
}
static inline void user_account_discharge(uint32_t *count, uint32_t amount)
{
    __atomic_fetch_sub(count, amount, __ATOMIC_RELAXED);
}

/* Memory of a call that may wait for long: zeroed heap that counts for the calling thread's user.
   NULL: none. A user thread's context; the same thread frees it, with the same size. */
void *user_account_heap_allocate(size_t size);
void user_account_heap_free(void *memory, size_t size); /* NULL allowed */

/* Pages that the user's objects take, for whomever they count. */
uint64_t user_account_pages(const struct user_account *account);

#endif

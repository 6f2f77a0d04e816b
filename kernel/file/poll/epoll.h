/* epoll.h: epoll instances, for epoll.c and epoll_nesting.c. */
#ifndef BATON_FILE_POLL_EPOLL_H
#define BATON_FILE_POLL_EPOLL_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <linux/eventpoll.h>

#include "file/poll/poll.h"

/* How deep instances may watch each other: so many one above the other, epoll_ctl(2), ELOOP. */
#define NESTING_MAXIMUM 5

struct epoll {
    struct mutex lock;
    struct user_account *account;              /* charged for the items: a reference; constant */
    uint64_t rounds;                           /* of looking at ready items; lock */
    RB_HEAD(epoll_items, epoll_item) items;    /* watch_mutex and lock to write, one to read */
    TAILQ_HEAD(epoll_ready, epoll_item) ready; /* ready_lock */
    struct spinlock ready_lock;                /* taken with interrupts off */
    struct wait_queue waiters;                 /* epoll_wait(2): one is woken */
    struct wait_queue watchers;                /* who polls the instance */
    struct watch_limit watch_limit;            /* of `watchers`, but for other instances */
    struct file *file;                         /* it is this one's; constant */

    /* What epoll_nesting_check() found out, and in which check; watch_mutex. */
    uint64_t checked_below, checked_above, checked_files;
    uint64_t looked_at;             /* the last check that did, whatever it found; watch_mutex */
    unsigned depth;                 /* instances below it in a row */
    unsigned ways[NESTING_MAXIMUM]; /* up from it, by how many other instances they lead through */
};

/* A file rarely has more than two queues. */
#define ITEM_QUEUES 3

struct epoll_item {
    RB_ENTRY(epoll_item) link;          /* in epoll->items */
    TAILQ_ENTRY(epoll_item) ready_link; /* epoll->ready_lock */
    LIST_ENTRY(epoll_item) watch_link;  /* watch_mutex */
    bool ready;                         /* on the list; epoll->ready_lock */
    struct epoll *epoll;                /* constant */
    struct file *file;                  /* no reference; constant */
    int descriptor;                     /* constant */
    uint32_t events;                    /* epoll->lock to write; atomic to read */
    uint64_t data;                      /* epoll->lock */
    struct poll_table table;
    uint64_t round;           /* when it was last looked at; epoll->lock */
    struct epoll_item *again; /* the next that stays ready; while events are collected */
    unsigned queue_count;
    struct item_entry {
        struct wait_entry entry;
        struct epoll_item *item;
        struct watch_limit *limit; /* to be left; or NULL */
    } entries[ITEM_QUEUES];
};
RB_PROTOTYPE(epoll_items, epoll_item, link, item_compare)

/* The instance that the file is; NULL: it is none. */
struct epoll *epoll_of_file(const struct file *file);

extern struct mutex epoll_watch_mutex; /* who watches what */

/* ---- epoll_nesting.c; watch_mutex is held ---- */

/*
 * Where `file` is an instance or `epoll` is watched, the caller holds nesting_mutex as well and
 * references to both; watch_mutex is released and taken again.
 */

/* May `epoll` watch `file`? 0; -ELOOP: they would nest too deep, or in a ring. */
int epoll_nesting_check(struct epoll *epoll, struct file *file);
/* May it, as to the ways that one event of a file would go? 0; -EINVAL: too many. */
int epoll_ways_check(struct epoll *epoll, struct file *file);
/* `epoll` begins or ceases to watch `file`: a check that has looked at them begins again. */
void epoll_nesting_changed(const struct epoll *epoll, const struct file *file);

void epoll_initialize(void);

#endif

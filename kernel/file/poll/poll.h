/* poll.h: waiting for several files at once, for the files of this room. */
#ifndef BATON_FILE_POLL_POLL_H
#define BATON_FILE_POLL_POLL_H

#include "file/file.h"

/* What poll_wait() does with a queue: poll(2) and epoll have their own. */
struct poll_table {
    /* `limit`: counts the watchers of the queue; it was joined, to be left with the queue; or NULL.
       False: no room for an entry. */
    bool (*add)(struct poll_table *table, struct wait_queue *queue, struct watch_limit *limit);
    bool failed; /* a queue could not be joined */
    bool nests;  /* an epoll instance's: how many of those come together epoll_nesting.c limits */
};

/* What the file is ready for now, POLLERR and POLLHUP included. `table` may be NULL. */
unsigned file_poll(struct file *file, struct poll_table *table);

/* A deadline, ns since boot, from a struct timespec in user memory; 0: CLOCK_NEVER.
   0, -EFAULT, -EINVAL. */
int deadline_from_user(vaddr_t time, uint64_t *deadline);
/* …from milliseconds, negative: never. */
uint64_t deadline_from_milliseconds(int milliseconds);

#endif

/* watchers.h: who waits for signals to be read from a file, for signalfd.c. */
#ifndef BATON_PROCESS_SIGNAL_WATCHERS_H
#define BATON_PROCESS_SIGNAL_WATCHERS_H

#include "file/file.h"

/*
 * Who waits for signals of the processes that share these actions: they read a file, or watch one.
 * Watchers may outlive the processes, as an epoll instance can be handed on: they count.
 */
struct signal_watchers {
    struct watch_limit limit; /* the actions count as one */
    struct wait_queue queue;
};

/* Those of the calling process; NULL: no memory. */
struct signal_watchers *signal_watchers_get(void);

/* One was queued, or others are wanted. The process's lock may be held: how many wait has a bound,
   and of many signals only the first after somebody looked tells them. */
void signal_watchers_wake(struct signal_watchers *watchers);
/* The actions end. */
void signal_watchers_release(struct signal_watchers *watchers);

#endif

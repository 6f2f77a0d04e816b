/* watchers.c: who waits for signals to be read from a file: signalfd(2). */
#include "process/signal/watchers.h"

#include "memory/heap.h"
#include "process/process.h"

static void watchers_free(struct watch_limit *limit)
{
    heap_free(container_of(limit, struct signal_watchers, limit));
}

struct signal_watchers *signal_watchers_get(void)
{
    struct signal_actions *actions = process_current()->signals.actions;
    struct signal_watchers *watchers = __atomic_load_n(&actions->watchers, __ATOMIC_ACQUIRE);
    if (watchers)
        return watchers;
    struct signal_watchers *fresh = heap_allocate(sizeof(*fresh));
    if (!fresh)
        return NULL;
    fresh->limit =
        (struct watch_limit){.watchers = 1, .most = WATCHERS_FEW, .unwatched = watchers_free};
    wait_queue_initialize(&fresh->queue);
    if (__atomic_compare_exchange_n(&actions->watchers, &watchers, fresh, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return fresh;
    heap_free(fresh); /* another thread was quicker */
    return watchers;
}

void signal_watchers_wake(struct signal_watchers *watchers)
{
    if (watch_limit_tell(&watchers->limit))
        wait_queue_wake(&watchers->queue);
}

void signal_watchers_release(struct signal_watchers *watchers)
{
    watch_limit_leave(&watchers->limit);
}

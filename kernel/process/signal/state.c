/* state.c: what a process and its threads keep of signals: pending ones, actions. */
#include <linux/signal.h>

#include "memory/heap.h"
#include "memory/user_account.h"
#include "process/process.h"
#include "process/signal/delivery.h"
#include "process/signal/signal.h"
#include "process/signal/watchers.h"

#define REMOVED_AT_ONCE 64

/* ---- queues ---- */

static void signal_queue_initialize(struct signal_queue *queue)
{
    queue->set = 0;
    TAILQ_INIT(&queue->entries);
}

void queued_signal_free(const struct signal_queue *queue, struct queued_signal *entry)
{
    entry->queued = false;
    if (entry->timer)
        return;
    __atomic_fetch_sub(&entry->account->signals, 1, __ATOMIC_RELAXED);
    user_account_release(entry->account);
    if (entry != &queue->first)
        heap_free(entry);
}

bool signal_queue_remove(struct signal_queue *queue, signal_set set)
{
    struct queued_signal *entry, *next;
    int removed = 0;

    if (!(queue->set & set))
        return true;
    TAILQ_FOREACH_SAFE(entry, &queue->entries, link, next)
    {
        if (!(set & signal_bit(entry->information.si_signo)))
            continue;
        if (removed++ == REMOVED_AT_ONCE)
            return false;
        TAILQ_REMOVE(&queue->entries, entry, link);
        queued_signal_free(queue, entry);
    }
    queue->set &= ~set;
    return true;
}

static void signal_queue_flush(struct signal_queue *queue)
{
    while (!signal_queue_remove(queue, ~(signal_set)0))
        ;
}

/* ---- actions ---- */

struct signal_actions *signal_actions_create(void)
{
    struct signal_actions *actions = heap_allocate(sizeof(*actions));

    if (actions) {
        actions->references = 1;
        actions->changed = 0;
        actions->watchers = NULL;
        spinlock_initialize(&actions->lock, LOCK_SIGNAL_ACTIONS);
    }
    return actions;
}

struct signal_actions *signal_actions_copy(struct signal_actions *actions)
{
    struct signal_actions *copy = heap_allocate(sizeof(*copy));

    if (copy) {
        copy->references = 1;
        copy->watchers = NULL;
        spinlock_initialize(&copy->lock, LOCK_SIGNAL_ACTIONS);
        bool enabled = spinlock_acquire_save(&actions->lock);
        copy->changed = actions->changed;
        for (signal_set left = copy->changed; left; left &= left - 1)
            copy->table[__builtin_ctzll(left)] = actions->table[__builtin_ctzll(left)];
        spinlock_release_restore(&actions->lock, enabled);
    }
    return copy;
}

void signal_actions_release(struct signal_actions *actions)
{
    if (!actions || __atomic_sub_fetch(&actions->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (actions->watchers)
        signal_watchers_release(actions->watchers);
    heap_free(actions);
}

void signal_actions_reset(struct signal_actions *actions)
{
    for (signal_set left = actions->changed; left; left &= left - 1) {
        struct sigaction *action = &actions->table[__builtin_ctzll(left)];
        bool ignored = action->sa_handler == SIG_IGN;
        *action = (struct sigaction){.sa_handler = ignored ? SIG_IGN : SIG_DFL};
        if (!ignored)
            actions->changed &= ~(left & -left);
    }
}

__sighandler_t signal_handler(struct process *process, int signal)
{
    struct signal_actions *actions = process->signals.actions;

    spinlock_acquire(&actions->lock);
    __sighandler_t handler = SIG_DFL;
    if (actions->changed & signal_bit(signal))
        handler = actions->table[signal - 1].sa_handler;
    spinlock_release(&actions->lock);
    return handler;
}

/* ---- lifetimes ---- */

void process_signals_initialize(struct process_signals *signals, struct signal_actions *actions)
{
    signal_queue_initialize(&signals->pending);
    signals->actions = actions;
}

void process_signals_destroy(struct process_signals *signals)
{
    signal_queue_flush(&signals->pending);
    signal_actions_release(signals->actions);
    signals->actions = NULL;
}

void thread_signals_initialize(struct thread_signals *signals, const struct thread_signals *from,
                               bool keep_stack)
{
    signal_queue_initialize(&signals->pending);
    signals->stack_flags = SS_DISABLE;
    if (!from)
        return;
    signals->blocked = from->blocked;
    if (keep_stack) {
        signals->stack_base = from->stack_base;
        signals->stack_size = from->stack_size;
        signals->stack_flags = from->stack_flags;
    }
}

void thread_signals_destroy(struct thread_signals *signals)
{
    signal_queue_flush(&signals->pending);
}

/*
 * tell.c: what happened to a terminal is told when its lock is free. How many wait for it, and how
 * many are in its foreground, is up to programs: they are woken and signalled in thread context
 * with interrupts on, by who changed the terminal or, where that was an interrupt, by the teller.
 */
#include <asm/errno.h>
#include <asm/signal.h>

#include "memory/worker.h"
#include "process/signal/signal.h"
#include "terminal/job_control.h"
#include "terminal/terminal.h"

/* Terminals of which interrupts left something to tell; each holds a reference. */
static STAILQ_HEAD(, terminal) queue = STAILQ_HEAD_INITIALIZER(queue); /* queue_lock */
static struct spinlock queue_lock = SPINLOCK_INITIALIZER;              /* with interrupts off */
static struct wait_queue teller_queue = {
    .lock = SPINLOCK_RANKED(LOCK_WAIT_QUEUE),
    .entries = TAILQ_HEAD_INITIALIZER(teller_queue.entries),
};

static void tell(struct terminal *terminal, uint32_t news, uint64_t signals)
{
    for (; signals; signals &= signals - 1)
        terminal_signal(terminal, __builtin_ctzll(signals) + 1);
    if (news & NEWS_HANG_UP)
        wait_queue_wake_all(&terminal->readers);
    if (news & NEWS_INPUT) {
        wait_queue_wake(&terminal->readers);
        async_tell(&terminal->async, POLL_IN);
    }
    if (news & (NEWS_ROOM | NEWS_WRITERS))
        wait_queue_wake(&terminal->writers);
    if (news & NEWS_ROOM)
        async_tell(&terminal->async, POLL_OUT);
    if (terminal->device->told)
        terminal->device->told(terminal, news);
}

static void leave_to_teller(struct terminal *terminal)
{
    spinlock_acquire(&queue_lock);
    bool first = !terminal->queued;
    if (first) {
        terminal_reference(terminal);
        terminal->queued = true;
        STAILQ_INSERT_TAIL(&queue, terminal, queue_link);
    }
    spinlock_release(&queue_lock);
    if (first)
        wait_queue_wake(&teller_queue);
}

void terminal_unlock(struct terminal *terminal, bool enabled)
{
    uint32_t news = terminal->news;
    uint64_t signals = terminal->signals;

    if (enabled)
        terminal->news = terminal->signals = 0;
    else if (news || signals)
        leave_to_teller(terminal);
    spinlock_release_restore(&terminal->lock, enabled);
    if (enabled && (news || signals))
        tell(terminal, news, signals);
}

/* The next terminal, with its reference; NULL: none. */
static struct terminal *take_queued(void)
{
    bool enabled = spinlock_acquire_save(&queue_lock);
    struct terminal *terminal = STAILQ_FIRST(&queue);

    if (terminal) {
        STAILQ_REMOVE_HEAD(&queue, queue_link);
        terminal->queued = false;
    }
    spinlock_release_restore(&queue_lock, enabled);
    return terminal;
}

static void teller(void *argument)
{
    struct terminal *terminal;

    (void)argument;
    for (;;) {
        wait_event(&teller_queue, (terminal = take_queued()), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
        terminal_unlock(terminal, terminal_lock(terminal));
        terminal_release(terminal);
    }
}

int terminal_start_teller(void)
{
    static struct worker worker;

    return worker_start(&worker, "teller", teller, NULL);
}

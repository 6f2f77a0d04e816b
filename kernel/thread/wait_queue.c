#include "thread/wait_queue.h"

static bool wake_thread(struct wait_entry *entry)
{
    return thread_wake(entry->thread);
}

void wait_queue_initialize(struct wait_queue *queue)
{
    spinlock_initialize(&queue->lock, LOCK_WAIT_QUEUE);
    TAILQ_INIT(&queue->entries);
}

void wait_queue_add(struct wait_queue *queue, struct wait_entry *entry)
{
    entry->queue = queue;
    bool enabled = spinlock_acquire_save(&queue->lock);
    TAILQ_INSERT_TAIL(&queue->entries, entry, link);
    spinlock_release_restore(&queue->lock, enabled);
}

void wait_queue_remove(struct wait_entry *entry)
{
    bool enabled = spinlock_acquire_save(&entry->queue->lock);
    TAILQ_REMOVE(&entry->queue->entries, entry, link);
    spinlock_release_restore(&entry->queue->lock, enabled);
}

void wait_begin(struct wait_queue *queue, struct wait_entry *entry, enum thread_state state)
{
    *entry = (struct wait_entry){.notify = wake_thread, .thread = thread_current(), .state = state};
    wait_queue_add(queue, entry);
    thread_prepare_sleep(state);
}

void wait_again(struct wait_entry *entry)
{
    thread_prepare_sleep(entry->state);
}

void wait_end(struct wait_entry *entry)
{
    thread_cancel_sleep();
    wait_queue_remove(entry);
}

/* Wakes until `most` were woken. */
static int wake(struct wait_queue *queue, int most)
{
    struct wait_entry *entry, *next;
    int woken = 0;
    bool enabled = spinlock_acquire_save(&queue->lock);

    TAILQ_FOREACH_SAFE(entry, &queue->entries, link, next)
    {
        if (woken == most)
            break;
        woken += entry->notify(entry);
    }
    spinlock_release_restore(&queue->lock, enabled);
    return woken;
}

int wait_queue_wake(struct wait_queue *queue)
{
    return wake(queue, -1);
}

int wait_queue_wake_one(struct wait_queue *queue)
{
    return wake(queue, 1);
}
